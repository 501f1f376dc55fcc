//! All slots of a run, and what happens to them.
//!
//! Invariant: an answer counts only where one is awaited; a slot whose task was found
//! meanwhile keeps it, whatever the answer says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Adopted, Counts, GOOD_RUN_MS, Gone, Outcome, RETRY_FIRST_MS, ROOM_RETRY_MS, Slot, SlotState,
    index::Index, steps::Agenda,
};
use crate::model::Millis;

/// All slots of a run.
#[derive(Debug, Clone)]
pub struct Slots {
    /// Devices that one slot has room for; at least 1.
    pub(super) room: u32,
    pub(super) by_number: BTreeMap<u32, Slot>,
    pub(super) index: Index,
    pub(super) agenda: Agenda,
    /// Slots that changed since [`Slots::take_changed`].
    pub(super) changed: BTreeSet<u32>,
    /// Counts the changes.
    revision: u64,
}

impl Slots {
    /// An empty table of slots with room for `room` devices each.
    #[must_use]
    pub fn new(room: u32) -> Self {
        Slots {
            room: room.max(1),
            by_number: BTreeMap::new(),
            index: Index::default(),
            agenda: Agenda::default(),
            changed: BTreeSet::new(),
            revision: 0,
        }
    }

    /// What a successor makes of the slots as they were written, maybe long ago and by
    /// another clock. A call that was on its way may have landed, or land yet: the same
    /// attempt is asked for again. Tasks are there until ECS says otherwise, and are
    /// told again to stop. How long a slot waits for room counts from now.
    #[must_use]
    pub fn restore(room: u32, slots: Vec<Slot>, now: Millis) -> Self {
        let mut table = Slots::new(room);
        for mut slot in slots {
            slot.waits_since = slot.waits_since.map(|_| now);
            match &mut slot.state {
                SlotState::Free { from, no_room } => {
                    *from = 0;
                    if *no_room {
                        slot.waits_since = Some(now);
                    }
                }
                SlotState::Asked { again_at } => {
                    *again_at = Some(now);
                    slot.unsure = true;
                }
                SlotState::Placed { running, since, stopping, .. } => {
                    (*running, *since, *stopping) = (false, now, false);
                }
                SlotState::GivenUp | SlotState::Retired => {}
            }
            table.by_number.insert(slot.number, slot);
        }
        table.by_number.values().for_each(|slot| table.index.learn(slot));
        table
    }

    /// How many devices a slot has room for.
    #[must_use]
    pub fn room(&self) -> u32 {
        self.room
    }

    /// The slot of a device.
    #[must_use]
    pub fn slot_of(&self, index: u32) -> u32 {
        index / self.room
    }

    /// The first device of a slot.
    #[must_use]
    pub fn first_device(&self, slot: u32) -> u32 {
        slot.saturating_mul(self.room)
    }

    /// All slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.by_number.values()
    }

    /// The slots of so many numbers from `from` on, ascending.
    pub fn within(&self, from: u32, count: u32) -> impl Iterator<Item = &Slot> {
        self.by_number.range(from..from.saturating_add(count)).map(|(_, slot)| slot)
    }

    /// One slot.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<&Slot> {
        self.by_number.get(&slot)
    }

    /// How many slots are at what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.index.counts
    }

    /// The slot whose task has this ARN.
    #[must_use]
    pub fn by_arn(&self, arn: &str) -> Option<u32> {
        self.index.arns.get(arn).copied()
    }

    /// The ARNs of all tasks that are not known to be gone.
    pub fn arns(&self) -> impl Iterator<Item = &str> {
        self.by_number.values().filter_map(|slot| match &slot.state {
            SlotState::Placed { arn, .. } => Some(arn.as_str()),
            _ => None,
        })
    }

    /// The slots that were given up.
    pub fn given_up(&self) -> impl Iterator<Item = &Slot> {
        self.by_number.values().filter(|slot| slot.state == SlotState::GivenUp)
    }

    /// The slots that wait for room, and have done so for longer than that; who waited
    /// longest comes first.
    #[must_use]
    pub fn waiting_longer(&self, now: Millis, than: Millis) -> Vec<u32> {
        let Some(before) = now.checked_sub(than) else {
            return Vec::new();
        };
        self.index.waiting_since.range(..(before, 0)).map(|&(_, slot)| slot).collect()
    }

    /// Whether nothing runs and no call is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let counts = self.counts();
        counts.asked + counts.placed() == 0
    }

    /// Where a new batch may begin, from `next` on: the first index whose slot is
    /// not on its way out.
    #[must_use]
    pub fn usable_from(&self, next: u32) -> u32 {
        let mut slot = self.slot_of(next);
        let mut first = next;
        while self.by_number.get(&slot).is_some_and(|slot| match &slot.state {
            SlotState::Placed { stopping, .. } => *stopping,
            state => matches!(state, SlotState::Retired | SlotState::GivenUp),
        }) {
            slot += 1;
            first = self.first_device(slot);
        }
        first
    }

    /// Changes a slot; the only place that does.
    pub(super) fn alter(&mut self, slot: u32, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.by_number.get_mut(&slot) {
            self.index.forget(slot);
            change(slot);
            self.index.learn(slot);
            self.agenda.look_at(slot.number);
            self.changed.insert(slot.number);
            self.revision += 1;
        }
    }

    /// Counts the changes of slots: as long as it stays, none changed.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The slots that changed since this was asked last: what is written of them is old.
    pub fn take_changed(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.changed)
    }

    /// RunTask for this slot is on its way, or waits only for its turn: it must be
    /// answered by [`Slots::answered`], whatever comes of it.
    pub fn asked(&mut self, slot: u32, attempt: u32) {
        self.alter(slot, |slot| {
            slot.attempt = attempt;
            slot.state = SlotState::Asked { again_at: None };
        });
    }

    /// RunTask for this slot's current attempt was answered, or not, or is not called
    /// after all. An answer to an earlier attempt must not be given here: a slot whose
    /// task was found in a list and is gone again may have been asked for anew.
    pub fn answered(&mut self, slot: u32, outcome: Outcome, now: Millis) {
        let next_index = self.agenda.next_index();
        self.alter(slot, |slot| {
            // Its task may have been found in a list meanwhile, and even be gone again.
            if !matches!(slot.state, SlotState::Asked { .. }) {
                return;
            }
            match outcome {
                Outcome::Placed(arn) => slot.place(&arn, now),
                Outcome::NoRoom => {
                    slot.waits_since.get_or_insert(now);
                    slot.state = SlotState::Free { from: now + ROOM_RETRY_MS, no_room: true };
                }
                Outcome::Unknown => {
                    slot.unsure = true;
                    slot.state = SlotState::Asked { again_at: Some(now + RETRY_FIRST_MS) };
                }
                Outcome::NotAsked => {
                    // The attempt is still to be made.
                    if !slot.unsure {
                        slot.attempt = slot.attempt.saturating_sub(1);
                    }
                    let from = now + RETRY_FIRST_MS;
                    slot.state = SlotState::Free { from, no_room: false };
                }
                Outcome::Refused => slot.fail(now, next_index),
            }
        });
    }

    /// A task that ECS lists under this slot's name: whose is it?
    pub fn adopt(&mut self, slot: u32, attempt: u32, arn: &str, now: Millis) -> Adopted {
        if self.by_arn(arn).is_some() {
            return Adopted::Known;
        }
        let awaits_it = |slot: &Slot| {
            slot.attempt == attempt
                && match slot.state {
                    SlotState::Asked { .. } => true,
                    SlotState::Free { .. } => slot.unsure,
                    _ => false,
                }
        };
        if !self.by_number.get(&slot).is_some_and(awaits_it) {
            return Adopted::Stray;
        }
        self.alter(slot, |slot| slot.place(arn, now));
        Adopted::Mine
    }

    /// StopTask for this slot's task was called, or must be called again.
    pub fn told_to_stop(&mut self, slot: u32, told: bool) {
        self.alter_task(slot, |running, _| (running, told));
    }

    /// The slot's task is RUNNING.
    pub fn is_running(&mut self, slot: u32) {
        self.alter_task(slot, |_, stopping| (true, stopping));
    }

    /// Changes whether the slot's task runs and stops. Every look at the tasks says so of
    /// all of them again: what is known already costs nothing more.
    fn alter_task(&mut self, slot: u32, change: impl FnOnce(bool, bool) -> (bool, bool)) {
        let Some(SlotState::Placed { running, stopping, .. }) =
            self.by_number.get(&slot).map(|slot| &slot.state)
        else {
            return;
        };
        let next = change(*running, *stopping);
        if next != (*running, *stopping) {
            self.alter(slot, |slot| {
                if let SlotState::Placed { running, stopping, .. } = &mut slot.state {
                    (*running, *stopping) = next;
                }
            });
        }
    }

    /// The slot's task is surely gone.
    pub fn gone(&mut self, slot: u32, how: Gone, now: Millis) {
        let next_index = self.agenda.next_index();
        let wanted = self.agenda.wants(self.first_device(slot), self.room);
        self.alter(slot, |slot| {
            let SlotState::Placed { since, .. } = slot.state else {
                return;
            };
            match how {
                // If devices are wanted there again by now, it is used again; else the
                // next step retires it.
                Gone::AsAsked => slot.state = SlotState::Free { from: now, no_room: false },
                Gone::Lost if !wanted => slot.retire(),
                Gone::Lost => {
                    if now.saturating_sub(since) >= GOOD_RUN_MS {
                        slot.failed = 0;
                    }
                    slot.fail(now, next_index);
                }
            }
        });
    }

    /// The cluster has room again: who waits for it may ask at once.
    pub fn room_came(&mut self) {
        self.room_for(usize::MAX);
    }

    /// The same for so many of those who wait longest to ask: where one task found room,
    /// a few more may, and not all.
    pub fn room_for(&mut self, slots: usize) {
        let waiting: Vec<u32> = self.index.waiting.iter().take(slots).map(|it| it.1).collect();
        for slot in waiting {
            self.alter(slot, |slot| slot.state = SlotState::Free { from: 0, no_room: false });
        }
    }
}
