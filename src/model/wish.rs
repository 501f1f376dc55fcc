//! The wish: what a run should be, as one small versioned object in its bucket.
//!
//! Controllers edit it, agents follow it. Invariants: `version` only grows; a
//! batch never changes once it has its `start_at`; `live` holds only devices of
//! some batch, and a device that left it never comes back; `stop` is final.

use serde::{Deserialize, Serialize};

use super::{Millis, ranges::DeviceSet};

/// How many edit ids the wish remembers, so that a controller that lost the
/// answer to a write can see whether the write landed.
pub const EDITS_REMEMBERED: usize = 32;

/// What a run should be. The field names are a contract with the agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Grows by one with every edit; a lower one than already seen is ignored.
    pub version: u64,
    /// Ids of the latest edits, oldest first.
    pub edits: Vec<String>,
    /// Whether devices start, wait, or end for good.
    pub state: State,
    /// Until when agents may go on without hearing more.
    pub lease_until: Millis,
    /// When the run ends by itself, if it does.
    pub ends_at: Option<Millis>,
    /// The plan's object, relative to the run's prefix.
    pub plan: String,
    /// How often agents look at the wish.
    pub poll_ms: Millis,
    /// Length of the agents' report interval.
    pub report_ms: Millis,
    /// How often agents write a part of their exact results.
    pub results_ms: Millis,
    /// Every batch that was ever added.
    pub batches: Vec<Batch>,
    /// The devices that should be alive, of all batches.
    pub live: DeviceSet,
    /// When the ramp stood still; the last one is open (`to` is none) while paused.
    pub pauses: Vec<Pause>,
    /// Requests per second by execution, where the plan gives a rate.
    pub rates: std::collections::BTreeMap<u32, f64>,
}

/// Whether devices start, wait, or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Devices start as their batches say.
    Run,
    /// No device starts; those that run go on.
    Paused,
    /// All devices end; final.
    Stop,
}

/// The devices that one addition brought, and how their starts are spread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Index of the first device.
    pub first: u32,
    /// How many devices.
    pub count: u32,
    /// Which execution of the plan they belong to.
    pub execution: u32,
    /// When the window opens; none until the batch's tasks run.
    pub start_at: Option<Millis>,
    /// Length of the window.
    pub over_ms: Millis,
    /// How the starts are spread over the window.
    pub spread: Spread,
    /// What the spread's randomness comes from.
    pub seed: u64,
}

/// How the starts of a batch are spread over its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// Each device at a random moment of its own, all moments being equally likely.
    Uniform,
    /// At equal distances, by index.
    Linear,
    /// As arrivals of a Poisson process. Given their number, those are independent
    /// uniform moments, so the offsets are those of [`Spread::Uniform`].
    Poisson,
    /// All when the window opens.
    AtOnce,
}

/// A time in which no device started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it began.
    pub from: Millis,
    /// When it ended; none while it lasts.
    pub to: Option<Millis>,
}

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
    /// Opens the windows of the batches that begin with these devices.
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
    /// Moves the lease.
    Renew {
        /// Until when.
        until: Millis,
    },
    /// Sets when the run ends by itself.
    EndAt {
        /// When.
        at: Millis,
    },
    /// Ends all devices, for good.
    Stop,
}

impl Wish {
    /// A new run's wish: nothing yet.
    #[must_use]
    pub fn new(plan: &str, lease_until: Millis) -> Self {
        Wish {
            version: 1,
            edits: Vec::new(),
            state: State::Run,
            lease_until,
            ends_at: None,
            plan: plan.to_owned(),
            poll_ms: 1000,
            report_ms: 1000,
            results_ms: 60_000,
            batches: Vec::new(),
            live: DeviceSet::new(),
            pauses: Vec::new(),
            rates: std::collections::BTreeMap::new(),
        }
    }

    /// The lowest index that no batch ever had.
    #[must_use]
    pub fn next_index(&self) -> u32 {
        self.batches.iter().map(|batch| batch.first + batch.count).max().unwrap_or(0)
    }

    /// Whether the edit with this id is among the latest ones.
    #[must_use]
    pub fn has_edit(&self, id: &str) -> bool {
        self.edits.iter().any(|edit| edit == id)
    }

    /// The batch that `index` belongs to.
    #[must_use]
    pub fn batch_of(&self, index: u32) -> Option<&Batch> {
        self.batches.iter().find(|batch| batch.has(index))
    }

    /// The wish after `edit`. An edit that is already in, and any after `stop`,
    /// changes nothing.
    #[must_use]
    pub fn edited(&self, edit: &Edit) -> Wish {
        let mut next = self.clone();
        if self.has_edit(&edit.id) || self.state == State::Stop {
            return next;
        }
        next.apply(&edit.change);
        next.version += 1;
        next.edits.push(edit.id.clone());
        let forget = next.edits.len().saturating_sub(EDITS_REMEMBERED);
        next.edits.drain(..forget);
        next
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Add(batch) => {
                // Two controllers may have chosen the same index: the later one moves up.
                let mut batch = batch.clone();
                batch.first = batch.first.max(self.next_index());
                self.live.insert(batch.first, batch.count);
                self.batches.push(batch);
            }
            Change::Remove { count } => {
                let _gone = self.live.remove_highest(*count);
            }
            Change::Open { firsts, at } => {
                let waiting = self.batches.iter_mut().filter(|batch| batch.start_at.is_none());
                for batch in waiting.filter(|batch| firsts.contains(&batch.first)) {
                    batch.start_at = Some(*at);
                }
            }
            Change::Pause { at } => {
                if self.state == State::Run {
                    self.state = State::Paused;
                    self.pauses.push(Pause { from: *at, to: None });
                }
            }
            Change::Resume { at } => {
                if self.state == State::Paused {
                    self.state = State::Run;
                    if let Some(pause) = self.pauses.last_mut() {
                        let to = (*at).max(pause.from);
                        pause.to = Some(to);
                        self.ends_at = self.ends_at.map(|end| end + (to - pause.from));
                    }
                }
            }
            Change::Renew { until } => self.lease_until = self.lease_until.max(*until),
            Change::EndAt { at } => self.ends_at = Some(*at),
            Change::Stop => self.state = State::Stop,
        }
    }
}

impl Batch {
    /// Whether the batch has the device with this index.
    #[must_use]
    pub fn has(&self, index: u32) -> bool {
        index >= self.first && index - self.first < self.count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn batch(first: u32, count: u32) -> Batch {
        Batch {
            first,
            count,
            execution: 0,
            start_at: None,
            over_ms: 60_000,
            spread: Spread::Uniform,
            seed: 7,
        }
    }

    fn edit(id: &str, change: Change) -> Edit {
        Edit { id: id.to_string(), change }
    }

    #[test]
    fn the_written_form_is_the_contract() {
        let mut wish = Wish::new("plan-3.json", 600_000)
            .edited(&edit("9f", Change::Add(batch(0, 1000))))
            .edited(&edit("a0", Change::Open { firsts: vec![0], at: 5 }))
            .edited(&edit("a1", Change::Remove { count: 100 }))
            .edited(&edit("a2", Change::Pause { at: 9 }));
        wish.rates.insert(0, 1200.0);
        let written = serde_json::to_value(&wish).expect("a wish is JSON");
        assert_eq!(
            written,
            serde_json::json!({
                "version": 5, "edits": ["9f", "a0", "a1", "a2"], "state": "paused",
                "lease_until": 600_000, "ends_at": null, "plan": "plan-3.json",
                "poll_ms": 1000, "report_ms": 1000, "results_ms": 60000,
                "batches": [{"first": 0, "count": 1000, "execution": 0, "start_at": 5,
                    "over_ms": 60000, "spread": "uniform", "seed": 7}],
                "live": "0-899", "pauses": [{"from": 9, "to": null}], "rates": {"0": 1200.0}
            })
        );
        assert_eq!(serde_json::from_value::<Wish>(written).expect("and back"), wish);
    }

    #[test]
    fn an_edit_lands_once_and_stop_is_final() {
        let add = edit("x", Change::Add(batch(0, 10)));
        let wish = Wish::new("p", 0).edited(&add).edited(&add);
        assert_eq!((wish.live.len(), wish.version), (10, 2));
        let stopped = wish.edited(&edit("s", Change::Stop));
        let after = stopped.edited(&edit("y", Change::Add(batch(10, 5))));
        assert_eq!(after, stopped);
    }

    #[test]
    fn resuming_moves_the_end_by_the_pause() {
        let wish = Wish::new("p", 0)
            .edited(&edit("1", Change::EndAt { at: 100 }))
            .edited(&edit("2", Change::Pause { at: 40 }))
            .edited(&edit("3", Change::Resume { at: 70 }));
        assert_eq!(wish.ends_at, Some(130));
        assert_eq!(wish.state, State::Run);
    }

    proptest! {
        #[test]
        fn an_index_is_never_used_twice(
            edits in prop::collection::vec((0u32..300, 1u32..100, any::<bool>()), 1..40),
        ) {
            let mut wish = Wish::new("p", 0);
            let mut ever = BTreeSet::new();
            for (n, (first, count, add)) in edits.into_iter().enumerate() {
                let change =
                    if add { Change::Add(batch(first, count)) } else { Change::Remove { count } };
                let before = wish.live.clone();
                wish = wish.edited(&edit(&n.to_string(), change));
                for index in wish.live.iter().filter(|index| !before.contains(*index)) {
                    prop_assert!(ever.insert(index));
                }
                let owned: u32 = wish.batches.iter().map(|it| it.count).sum();
                prop_assert_eq!(owned as usize, ever.len());
                prop_assert!(wish.live.iter().all(|index| wish.batch_of(index).is_some()));
            }
        }
    }
}
