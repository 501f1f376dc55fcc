//! The wish: what a run should be, as one small versioned object in its bucket.
//!
//! Controllers edit it, agents follow it. Invariants: `version` only grows; a
//! batch never changes once it has its `start_at`; `live` holds only devices of
//! some batch, and a device that left it never comes back; `stop` and a lapsed
//! lease are final.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Millis, ranges::DeviceSet};

mod edit;

pub use edit::{Change, Edit};

/// How many edit ids the wish remembers, so that a controller that lost the
/// answer to a write can see whether the write landed.
pub const EDITS_REMEMBERED: usize = 32;
/// How long before its end a lease counts as lapsed for who would edit the wish, in
/// milliseconds: clocks are estimates, and some agents may have ended already.
pub const LAPSE_MARGIN_MS: Millis = 2_000;
/// Agents look at the wish no more often, in milliseconds.
const POLL_LEAST_MS: Millis = 1_000;

/// How often agents look at the wish where so many tasks run, in milliseconds: a
/// thousand of them ask once a second, so that the bucket sees a thousand a second.
#[must_use]
pub fn pace(tasks: u32) -> Millis {
    POLL_LEAST_MS.max(Millis::from(tasks))
}

/// Intervals that agents may report in, in milliseconds.
const REPORT_INTERVALS: [Millis; 5] = [1_000, 5_000, 10_000, 30_000, 60_000];
/// Reports a second of all tasks together, at most, as long as intervals can grow.
const REPORTS_PER_S: u64 = 100;

/// How long the report interval must be where so many tasks report, in milliseconds,
/// and not below `least`.
#[must_use]
pub fn report_interval(tasks: u32, least: Millis) -> Millis {
    let fits = |ms: &Millis| u64::from(tasks) * 1_000 <= REPORTS_PER_S * *ms;
    let longest = REPORT_INTERVALS[REPORT_INTERVALS.len() - 1];
    REPORT_INTERVALS.into_iter().find(fits).unwrap_or(longest).max(least)
}

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
    pub rates: BTreeMap<u32, f64>,
    /// Instances that are to be emptied and terminated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drain: Vec<String>,
    /// Tasks that are to be stopped and replaced: slot and attempt, until that attempt is
    /// gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restarts: Vec<(u32, u32)>,
    /// Whether the instances go too when the run has ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub scale_to_zero: bool,
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
            rates: BTreeMap::new(),
            drain: Vec::new(),
            restarts: Vec::new(),
            scale_to_zero: false,
        }
    }

    /// The lowest index that no batch ever had.
    #[must_use]
    pub fn next_index(&self) -> u32 {
        let ends = self.batches.iter().map(|batch| batch.first.saturating_add(batch.count));
        ends.max().unwrap_or(0)
    }

    /// Whether the edit with this id is among the latest ones.
    #[must_use]
    pub fn has_edit(&self, id: &str) -> bool {
        self.edits.iter().any(|edit| edit == id)
    }

    /// Whether every edit since `version` is still remembered: only then does
    /// [`Wish::has_edit`] tell whether a write that was made from that version landed.
    #[must_use]
    pub fn remembers_since(&self, version: u64) -> bool {
        self.version.saturating_sub(version) <= self.edits.len() as u64
    }

    /// The batch that `index` belongs to.
    #[must_use]
    pub fn batch_of(&self, index: u32) -> Option<&Batch> {
        self.batches.iter().find(|batch| batch.has(index))
    }

    /// Whether the lease has lapsed by `now` (the bucket's time), or will within
    /// [`LAPSE_MARGIN_MS`]: the run is over, and nothing brings it back. A run that was
    /// stopped has no lease to lose.
    #[must_use]
    pub fn is_lapsed(&self, now: Millis) -> bool {
        self.state != State::Stop && now.saturating_add(LAPSE_MARGIN_MS) >= self.lease_until
    }

    /// The wish after `edit`, made at `now` (the bucket's time). An edit that is
    /// already in, any after `stop`, and any but `stop` after the lease has lapsed
    /// changes nothing.
    #[must_use]
    pub fn edited(&self, edit: &Edit, now: Millis) -> Wish {
        let mut next = self.clone();
        let stops = matches!(edit.change, Change::Stop { .. });
        let is_over = self.state == State::Stop || (self.is_lapsed(now) && !stops);
        if is_over || self.has_edit(&edit.id) {
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
            Change::Add(batch) => self.add(batch.clone()),
            Change::Remove { count } => {
                let _gone = self.live.remove_highest(*count);
            }
            Change::Drop { devices } => self.live.remove(devices),
            Change::Open { firsts, at } => {
                let waiting = self.batches.iter_mut().filter(|batch| batch.start_at.is_none());
                for batch in waiting.filter(|batch| firsts.contains(&batch.first)) {
                    batch.start_at = Some(*at);
                }
            }
            Change::Pause { at } => self.pause(*at),
            Change::Resume { at } => self.resume(*at),
            Change::Renew { until } => self.lease_until = self.lease_until.max(*until),
            Change::EndAt { at } => self.ends_at = *at,
            Change::Poll { ms } => self.poll_ms = (*ms).max(1),
            Change::Report { ms } => self.report_ms = self.report_ms.max(*ms),
            Change::Rate { execution, per_s } => self.set_rate(*execution, *per_s),
            Change::Plan { plan } => self.plan.clone_from(plan),
            Change::Drain { machine } => {
                if !self.drain.contains(machine) {
                    self.drain.push(machine.clone());
                }
            }
            Change::Drained { machine } => self.drain.retain(|it| it != machine),
            Change::Restart { slot, attempt } => {
                if !self.restarts.contains(&(*slot, *attempt)) {
                    self.restarts.push((*slot, *attempt));
                }
            }
            Change::Restarted { slot, attempt } => {
                self.restarts.retain(|it| *it != (*slot, *attempt));
            }
            Change::Stop { scale_to_zero } => {
                self.state = State::Stop;
                self.scale_to_zero = *scale_to_zero;
            }
        }
    }

    /// Adds a batch. Two controllers may have chosen the same index: the later one
    /// moves up. One beyond the last index cannot be.
    fn add(&mut self, mut batch: Batch) {
        batch.first = batch.first.max(self.next_index());
        if batch.count > 0 && batch.first.checked_add(batch.count).is_some() {
            self.live.insert(batch.first, batch.count);
            self.batches.push(batch);
        }
    }

    /// What is no rate changes nothing.
    fn set_rate(&mut self, execution: u32, per_s: Option<f64>) {
        match per_s {
            Some(per_s) if per_s.is_finite() && per_s > 0.0 => {
                self.rates.insert(execution, per_s);
            }
            Some(_) => {}
            None => drop(self.rates.remove(&execution)),
        }
    }

    fn pause(&mut self, at: Millis) {
        if self.state == State::Run {
            self.state = State::Paused;
            // Another controller's clock may be a little behind: pauses never overlap.
            let before = self.pauses.last().and_then(|pause| pause.to).unwrap_or(0);
            self.pauses.push(Pause { from: at.max(before), to: None });
        }
    }

    fn resume(&mut self, at: Millis) {
        if self.state == State::Paused {
            self.state = State::Run;
            if let Some(pause) = self.pauses.last_mut() {
                let to = at.max(pause.from);
                pause.to = Some(to);
                self.ends_at = self.ends_at.map(|end| end.saturating_add(to - pause.from));
            }
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
mod tests;
