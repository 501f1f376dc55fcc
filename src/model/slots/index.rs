//! What slots are found by besides their number, and how many are at what.
//!
//! Invariant: it says what the slots say; [`Index::forget`] before a slot changes and
//! [`Index::learn`] after it keep it so.

use std::collections::{BTreeSet, HashMap};

use super::{Slot, SlotState};
use crate::model::Millis;

/// How many slots are at what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// No task, one will be asked for.
    pub free: u32,
    /// No task, since the cluster had no room.
    pub waiting: u32,
    /// RunTask is on its way, or asked again after a lost answer.
    pub asked: u32,
    /// Placed, not RUNNING yet.
    pub pending: u32,
    /// RUNNING.
    pub running: u32,
    /// Told to stop, not gone yet.
    pub stopping: u32,
    /// Given up.
    pub given_up: u32,
    /// Ended with all their devices.
    pub retired: u32,
}

impl Counts {
    /// Slots with a task that is not known to be gone.
    #[must_use]
    pub fn placed(&self) -> u32 {
        self.pending + self.running + self.stopping
    }

    fn of(&mut self, state: &SlotState) -> &mut u32 {
        match state {
            SlotState::Free { no_room: false, .. } => &mut self.free,
            SlotState::Free { no_room: true, .. } => &mut self.waiting,
            SlotState::Asked { .. } => &mut self.asked,
            SlotState::Placed { stopping: true, .. } => &mut self.stopping,
            SlotState::Placed { running: true, .. } => &mut self.running,
            SlotState::Placed { .. } => &mut self.pending,
            SlotState::GivenUp => &mut self.given_up,
            SlotState::Retired => &mut self.retired,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) counts: Counts,
    /// Slots by the ARN of their task.
    pub(super) arns: HashMap<String, u32>,
    /// Slots that wait for room, by when they may ask again.
    pub(super) waiting: BTreeSet<(Millis, u32)>,
    /// The same, by since when they wait.
    pub(super) waiting_since: BTreeSet<(Millis, u32)>,
}

impl Index {
    pub(super) fn learn(&mut self, slot: &Slot) {
        *self.counts.of(&slot.state) += 1;
        match &slot.state {
            SlotState::Placed { arn, .. } => {
                self.arns.insert(arn.clone(), slot.number);
            }
            SlotState::Free { from, no_room: true } => {
                self.waiting.insert((*from, slot.number));
                self.waiting_since.extend(slot.waits_since.map(|since| (since, slot.number)));
            }
            _ => {}
        }
    }

    pub(super) fn forget(&mut self, slot: &Slot) {
        *self.counts.of(&slot.state) -= 1;
        match &slot.state {
            SlotState::Placed { arn, .. } => {
                self.arns.remove(arn);
            }
            SlotState::Free { from, no_room: true } => {
                self.waiting.remove(&(*from, slot.number));
                if let Some(since) = slot.waits_since {
                    self.waiting_since.remove(&(since, slot.number));
                }
            }
            _ => {}
        }
    }
}
