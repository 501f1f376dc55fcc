//! The slot table: which task has room for which devices, and what must happen
//! next so that the tasks match the wish.
//!
//! Slot `n` has room for the devices `n * room .. (n + 1) * room`, so where a
//! device lives follows from its index. Invariants: a slot never has two tasks at
//! once; a new attempt begins only when the former task is STOPPED or never came
//! to be; a slot whose devices are all gone is retired and never used again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Millis,
    wish::{State, Wish},
};

/// After so many attempts in a row that failed early, a slot is given up.
pub const ATTEMPTS_MOST: u32 = 5;
/// A task that ran this long was a good one: its end does not count as a failed attempt.
const GOOD_RUN_MS: Millis = 60_000;
/// First wait after a failed attempt; doubles up to [`RETRY_MOST_MS`].
const RETRY_FIRST_MS: Millis = 1_000;
const RETRY_MOST_MS: Millis = 30_000;
/// How soon a slot that found no room asks again.
const ROOM_RETRY_MS: Millis = 2_000;

/// One place for a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its number; its devices follow from it.
    pub number: u32,
    /// Counts the tasks that were asked for here.
    pub attempt: u32,
    /// Attempts in a row that failed early.
    pub failed: u32,
    /// What it is at.
    pub state: SlotState,
    /// Whether a RunTask of this attempt ended ambiguously: a late copy of it may still
    /// land, so the attempt keeps its token until its task is placed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// Since when it waits for room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Millis>,
    /// When it was given up: the lowest index that no batch had by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up_below: Option<u32>,
}

/// What a slot is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum SlotState {
    /// No task; one may be asked for from then on.
    Free {
        /// Not before.
        from: Millis,
        /// Whether it waits because the cluster had no room.
        no_room: bool,
    },
    /// RunTask is on its way, or its answer was lost and it is asked again with
    /// the same token.
    Asked {
        /// When it may be asked (again); none while a call is on its way.
        again_at: Option<Millis>,
    },
    /// A task was placed.
    Placed {
        /// Its ARN.
        arn: String,
        /// Whether it is RUNNING.
        running: bool,
        /// When it was placed.
        since: Millis,
        /// Whether it was told to stop.
        stopping: bool,
    },
    /// Given up after too many failures.
    GivenUp,
    /// All its devices are gone, and its task too; final.
    Retired,
}

/// What must happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Ask for a task.
    Run {
        /// Slot.
        slot: u32,
        /// Which attempt that is: part of the token.
        attempt: u32,
    },
    /// Tell a task to stop.
    Stop {
        /// Slot.
        slot: u32,
        /// Its task.
        arn: String,
    },
}

/// How an attempt to get a task went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A task was placed.
    Placed(String),
    /// The cluster has no room.
    NoRoom,
    /// Nobody knows whether a task was placed: ask again with the same token.
    Unknown,
    /// It surely was not asked: the call never left, or was throttled.
    NotAsked,
    /// It was refused.
    Refused,
}

/// What became of a task that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// It was told to stop, or its run has ended.
    AsAsked,
    /// Nobody asked for it.
    Lost,
}

/// Whose a task is that ECS lists and no slot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// A slot had asked for it, and has it now.
    Mine,
    /// The slot has it already.
    Known,
    /// No slot's: it must be stopped.
    Stray,
}

/// All slots of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Devices that one slot has room for; at least 1.
    room: u32,
    slots: BTreeMap<u32, Slot>,
}

impl Slots {
    /// An empty table of slots with room for `room` devices each.
    #[must_use]
    pub fn new(room: u32) -> Self {
        Slots { room: room.max(1), slots: BTreeMap::new() }
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
        self.slots.values()
    }

    /// One slot.
    #[must_use]
    pub fn get(&self, slot: u32) -> Option<&Slot> {
        self.slots.get(&slot)
    }

    /// The slot whose task has this ARN.
    #[must_use]
    pub fn by_arn(&self, arn: &str) -> Option<u32> {
        let has =
            |slot: &&Slot| matches!(&slot.state, SlotState::Placed { arn: it, .. } if it == arn);
        self.slots.values().find(has).map(|slot| slot.number)
    }

    /// The ARNs of all tasks that are not known to be gone.
    pub fn arns(&self) -> impl Iterator<Item = &str> {
        self.slots.values().filter_map(|slot| match &slot.state {
            SlotState::Placed { arn, .. } => Some(arn.as_str()),
            _ => None,
        })
    }

    /// Where a new batch may begin, from `next` on: the first index whose slot is
    /// not on its way out.
    #[must_use]
    pub fn usable_from(&self, next: u32) -> u32 {
        let mut slot = self.slot_of(next);
        let mut first = next;
        while self.slots.get(&slot).is_some_and(|slot| match &slot.state {
            SlotState::Placed { stopping, .. } => *stopping,
            state => matches!(state, SlotState::Retired | SlotState::GivenUp),
        }) {
            slot += 1;
            first = self.first_device(slot);
        }
        first
    }

    /// What must happen next so that the tasks match the wish. Steps that are on
    /// their way are not named again, once [`Slots::asked`] or
    /// [`Slots::told_to_stop`] said so. While the cluster has no room, one slot
    /// asks for all that wait.
    #[must_use]
    pub fn steps(&mut self, wish: &Wish, now: Millis, _due_by: Option<Millis>) -> Vec<Step> {
        let ending = wish.state == State::Stop;
        if !ending {
            self.grow(wish);
        }
        let mut steps = Vec::new();
        let asked = |slot: &Slot| matches!(slot.state, SlotState::Asked { .. });
        let mut asks_for_room = self.slots.values().any(asked);
        for slot in self.slots.values_mut() {
            let number = slot.number;
            let first = number.saturating_mul(self.room);
            let wanted = !ending && !wish.live.within(first, self.room).is_empty();
            match &slot.state {
                SlotState::Free { .. } if !wanted => slot.state = SlotState::Retired,
                // What was given up stays so to the end: it is told in the summary.
                SlotState::GivenUp if !wanted && !ending => slot.state = SlotState::Retired,
                SlotState::Free { no_room: true, .. } if asks_for_room => {}
                SlotState::Free { from, no_room } if *from <= now => {
                    asks_for_room |= *no_room;
                    steps.push(Step::Run { slot: number, attempt: slot.attempt + 1 });
                }
                // A lost answer is cleared up even when the task is no longer
                // wanted: it may exist.
                SlotState::Asked { again_at: Some(at) } if *at <= now => {
                    steps.push(Step::Run { slot: number, attempt: slot.attempt });
                }
                // The agents of an ending run go by themselves; who stays too long
                // is told by the controller.
                SlotState::Placed { arn, stopping: false, .. } if !wanted && !ending => {
                    steps.push(Step::Stop { slot: number, arn: arn.clone() });
                }
                _ => {}
            }
        }
        steps
    }

    /// Adds the slots that the wish's live devices need.
    fn grow(&mut self, wish: &Wish) {
        for range in wish.live.ranges() {
            for number in self.slot_of(*range.start())..=self.slot_of(*range.end()) {
                self.slots.entry(number).or_insert(Slot {
                    number,
                    attempt: 0,
                    failed: 0,
                    state: SlotState::Free { from: 0, no_room: false },
                    unsure: false,
                    waits_since: None,
                    given_up_below: None,
                });
            }
        }
    }

    /// RunTask for this slot is on its way.
    pub fn asked(&mut self, slot: u32, attempt: u32) {
        if let Some(slot) = self.slots.get_mut(&slot) {
            slot.attempt = attempt;
            slot.state = SlotState::Asked { again_at: None };
        }
    }

    /// RunTask for this slot was answered, or not.
    pub fn answered(&mut self, slot: u32, outcome: Outcome, now: Millis) {
        let Some(slot) = self.slots.get_mut(&slot) else {
            return;
        };
        slot.state = match outcome {
            Outcome::Placed(arn) => {
                SlotState::Placed { arn, running: false, since: now, stopping: false }
            }
            Outcome::NoRoom => SlotState::Free { from: now + ROOM_RETRY_MS, no_room: true },
            Outcome::Unknown => SlotState::Asked { again_at: Some(now + RETRY_FIRST_MS) },
            Outcome::NotAsked => SlotState::Free { from: now + RETRY_FIRST_MS, no_room: false },
            Outcome::Refused => slot.after_failure(now),
        };
    }

    /// StopTask for this slot's task was called.
    pub fn told_to_stop(&mut self, slot: u32, told: bool) {
        if let Some(SlotState::Placed { stopping, .. }) =
            self.slots.get_mut(&slot).map(|slot| &mut slot.state)
        {
            *stopping = told;
        }
    }

    /// The slot's task is RUNNING.
    pub fn is_running(&mut self, slot: u32) {
        if let Some(SlotState::Placed { running, .. }) =
            self.slots.get_mut(&slot).map(|slot| &mut slot.state)
        {
            *running = true;
        }
    }

    /// The slot's task is surely gone.
    pub fn gone(&mut self, slot: u32, how: Gone, now: Millis) {
        let Some(slot) = self.slots.get_mut(&slot) else {
            return;
        };
        let since = match &slot.state {
            SlotState::Placed { since, .. } => *since,
            _ => return,
        };
        slot.state = match how {
            // If devices are wanted there again by now, it is used again; else the
            // next step retires it.
            Gone::AsAsked => SlotState::Free { from: now, no_room: false },
            Gone::Lost => {
                if now.saturating_sub(since) >= GOOD_RUN_MS {
                    slot.failed = 0;
                }
                slot.after_failure(now)
            }
        };
    }

    /// The cluster has room again: who waits for it may ask at once.
    pub fn room_came(&mut self) {
        for slot in self.slots.values_mut() {
            if matches!(slot.state, SlotState::Free { no_room: true, .. }) {
                slot.state = SlotState::Free { from: 0, no_room: false };
            }
        }
    }

    /// What a successor makes of the slots that were written.
    #[must_use]
    pub fn restore(room: u32, slots: Vec<Slot>, _now: Millis) -> Self {
        let slots = slots.into_iter().map(|slot| (slot.number, slot)).collect();
        Slots { room: room.max(1), slots }
    }

    /// A task that ECS lists.
    pub fn adopt(&mut self, _slot: u32, _attempt: u32, arn: &str, _now: Millis) -> Adopted {
        if self.by_arn(arn).is_some() { Adopted::Known } else { Adopted::Stray }
    }

    /// The slots that have waited for room for longer than that.
    #[must_use]
    pub fn waiting_longer(&self, now: Millis, than: Millis) -> Vec<u32> {
        let longer =
            |slot: &&Slot| slot.waits_since.is_some_and(|since| now.saturating_sub(since) > than);
        self.slots.values().filter(longer).map(|slot| slot.number).collect()
    }

    /// The slots that were given up.
    pub fn given_up(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values().filter(|slot| slot.state == SlotState::GivenUp)
    }

    /// Whether nothing runs and no call is on its way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self
            .slots
            .values()
            .any(|slot| matches!(slot.state, SlotState::Asked { .. } | SlotState::Placed { .. }))
    }
}

impl Slot {
    fn after_failure(&mut self, now: Millis) -> SlotState {
        self.failed += 1;
        if self.failed >= ATTEMPTS_MOST {
            return SlotState::GivenUp;
        }
        let wait = (RETRY_FIRST_MS << (self.failed - 1)).min(RETRY_MOST_MS);
        SlotState::Free { from: now + wait, no_room: false }
    }
}

#[cfg(test)]
mod tests;
