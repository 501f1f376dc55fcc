//! The slot table: which task has room for which devices, and what must happen
//! next so that the tasks match the wish.
//!
//! Slot `n` has room for the devices `n * room .. (n + 1) * room`, so where a
//! device lives follows from its index. Invariants: a slot never has two tasks at
//! once; an attempt, and so its token, stays the same until it surely came to nothing
//! or its task is gone; a new one begins only then. Nothing that happens to one task
//! costs more than a logarithm of the number of slots.

use serde::{Deserialize, Serialize};

use super::Millis;

mod index;
mod steps;
mod table;

pub use index::Counts;
pub use table::Slots;

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
    /// land, so the attempt keeps its token until its task is placed, also when a later
    /// answer was a refusal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// Since when it waits for room; none once a task was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_since: Option<Millis>,
    /// Where it was given up: the lowest index that no batch had by then. Devices from
    /// there on are reason to try again, those before are not.
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
    /// Given up after too many failures, until devices come that are new to it.
    GivenUp,
    /// All its devices are gone, and its task too. Only a batch that began in the
    /// middle of its range brings it back.
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

/// Whose a task is that ECS lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// A slot had asked for it without hearing so, and has it now.
    Mine,
    /// A slot has it already.
    Known,
    /// No slot's: it must be stopped.
    Stray,
}

impl Slot {
    /// A slot that never had a task.
    fn new(number: u32) -> Self {
        Slot {
            number,
            attempt: 0,
            failed: 0,
            state: SlotState::Free { from: 0, no_room: false },
            unsure: false,
            waits_since: None,
            given_up_below: None,
        }
    }

    /// Which attempt the next call is.
    fn next_attempt(&self) -> u32 {
        let same = self.unsure || matches!(self.state, SlotState::Asked { .. });
        if same { self.attempt } else { self.attempt + 1 }
    }

    fn place(&mut self, arn: &str, now: Millis) {
        self.unsure = false;
        self.waits_since = None;
        self.state =
            SlotState::Placed { arn: arn.to_owned(), running: false, since: now, stopping: false };
    }

    /// Counts a failed attempt; `next_index` is the lowest that no batch had so far.
    fn fail(&mut self, now: Millis, next_index: u32) {
        self.failed += 1;
        self.waits_since = None;
        if self.failed >= ATTEMPTS_MOST {
            self.given_up_below = Some(next_index);
            self.state = SlotState::GivenUp;
            return;
        }
        let wait = (RETRY_FIRST_MS << (self.failed - 1)).min(RETRY_MOST_MS);
        self.state = SlotState::Free { from: now + wait, no_room: false };
    }

    fn retire(&mut self) {
        self.waits_since = None;
        self.state = SlotState::Retired;
    }

    /// Begins again, for devices that came after the slot had ended.
    fn revive(&mut self) {
        self.failed = 0;
        self.given_up_below = None;
        self.state = SlotState::Free { from: 0, no_room: false };
    }
}

#[cfg(test)]
mod tests;
