//! What may be changed of a wish.
//!
//! Invariant: a change says what is to be, not what is to be done to what was seen: it means
//! the same when another controller's edit has come before it.

use super::Batch;
use crate::model::{Millis, ranges::DeviceSet};

/// One change of the wish, with the id that shows whether it landed.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Unique id.
    pub id: String,
    /// What to change.
    pub change: Change,
}

/// What an edit changes.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Adds a batch; its window opens when `start_at` is set.
    Add(Batch),
    /// Takes the highest live devices away.
    Remove {
        /// How many.
        count: u32,
    },
    /// Takes exactly these devices away, as far as they are live: the fleet shrinks to
    /// what there is.
    Drop {
        /// Which.
        devices: DeviceSet,
    },
    /// Opens the windows of the batches that begin with these devices, as far as they
    /// are not open.
    Open {
        /// First devices of the batches.
        firsts: Vec<u32>,
        /// When their windows open.
        at: Millis,
    },
    /// Stops the starts.
    Pause {
        /// From when on.
        at: Millis,
    },
    /// Lets the starts go on; `ends_at` moves by the length of the pause.
    Resume {
        /// From when on.
        at: Millis,
    },
    /// Moves the lease, never back.
    Renew {
        /// Until when.
        until: Millis,
    },
    /// Sets when the run ends by itself.
    EndAt {
        /// When; never, if none.
        at: Option<Millis>,
    },
    /// Sets how often agents look.
    Poll {
        /// Milliseconds; see [`pace`](super::pace).
        ms: Millis,
    },
    /// Makes the report interval longer, never shorter.
    Report {
        /// Milliseconds; see [`report_interval`](super::report_interval).
        ms: Millis,
    },
    /// Sets how many requests a second the devices of an execution make together.
    Rate {
        /// Which execution.
        execution: u32,
        /// Requests per second, more than 0; none: as many as the scenario makes.
        per_s: Option<f64>,
    },
    /// Has devices follow another plan.
    Plan {
        /// The plan's object, relative to the run's prefix; it is there already.
        plan: String,
    },
    /// Has an instance emptied and terminated.
    Drain {
        /// Its id.
        machine: String,
    },
    /// The instance is gone, or stays after all.
    Drained {
        /// Its id.
        machine: String,
    },
    /// Has one task stopped; its slot gets another one.
    Restart {
        /// Its slot.
        slot: u32,
        /// Which attempt of the slot: a later one is not meant.
        attempt: u32,
    },
    /// The attempt is gone.
    Restarted {
        /// Its slot.
        slot: u32,
        /// Which attempt of the slot.
        attempt: u32,
    },
    /// Ends all devices, for good.
    Stop {
        /// Whether the instances go too.
        scale_to_zero: bool,
    },
}
