//! When the windows of a run's batches can open.
//!
//! Invariant: pure. Within the launch deadline a window opens only once the tasks that it
//! needs run, so that a ramp is one of devices and not of tasks.

use super::Run;
use crate::model::{Millis, slots::SlotState, wish::Wish};

/// A batch's window opens at the latest so long after it was asked for, whoever runs.
const LAUNCH_DEADLINE_MS: Millis = 60_000;

impl Run {
    /// The batches whose windows can open: every task that they need runs or has
    /// failed for good, or the launch deadline has passed. Who waits for room holds
    /// its batch up only while room is on its way. Images wait for no task: theirs
    /// are started in the ramp.
    pub(in crate::controller) fn ready_to_open(
        &self,
        wish: &Wish,
        booting: bool,
        now: Millis,
    ) -> Vec<u32> {
        let waiting = wish.batches.iter().filter(|batch| batch.start_at.is_none());
        waiting
            .filter(|batch| {
                let asked = self.asked_at.get(&batch.first).copied().unwrap_or(now);
                self.is_of_images()
                    || now.saturating_sub(asked) >= LAUNCH_DEADLINE_MS
                    || self.is_placed(wish, batch.first, batch.count, booting)
            })
            .map(|batch| batch.first)
            .collect()
    }

    fn is_placed(&self, wish: &Wish, first: u32, count: u32, booting: bool) -> bool {
        let live = wish.live.within(first, count);
        // Asked at every event, and mostly there are too few of all batches together.
        let counts = self.slots.counts();
        let settled = counts.running + counts.stopping + counts.waiting;
        let settled = settled + counts.given_up + counts.retired;
        if live.len().div_ceil(self.slots.room()) > settled {
            return false;
        }
        let mut any_running = false;
        let settled = live.ranges().all(|range| {
            let slots = self.slots.slot_of(*range.start())..=self.slots.slot_of(*range.end());
            slots.into_iter().all(|slot| match self.slots.get(slot).map(|slot| &slot.state) {
                Some(SlotState::Placed { running, .. }) => {
                    any_running |= *running;
                    *running
                }
                Some(SlotState::Free { no_room: true, .. }) => !booting,
                Some(SlotState::GivenUp | SlotState::Retired) => true,
                _ => false,
            })
        });
        settled && any_running
    }
}
