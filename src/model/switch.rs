//! The dead man's switch of an Auto Scaling group that is loadtop's own: a scheduled
//! action that sets its size to zero when nobody has moved it on.
//!
//! One action a group, whatever runs use it, since one that fires takes the instances of
//! all. When it fires is decided in a [`Note`] in the bucket: every run claims the group
//! until the end of its lease, and the action stands at the end of the latest claim. So a
//! short lease never undercuts a long one, and who ends last takes the action back.
//!
//! Invariants: a claim is in the note before the action stands for it, and the action
//! stands for it before any lease goes that far ([`Switch::reach`]). So nothing is stopped
//! before a lease's end, and no lease goes on that no action ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Millis;

/// The scheduled action's name.
pub const ACTION: &str = "loadtop";
/// How long after the lease the action comes, in milliseconds: agents end at the lease by
/// themselves, drain for two seconds and write their last results, which an instance that
/// goes would cost.
pub const GRACE_MS: Millis = 5_000;
/// How often a leader looks whether the action still stands, in milliseconds: every
/// quarter of a lease, and at least so often.
const LOOK_MS: Millis = 60_000;
/// How soon what failed is tried again; grows with each failure up to the second.
const AGAIN_MS: (Millis, Millis) = (1_000, 15_000);

/// When the action is to fire for a claim until then: whole seconds, as Auto Scaling
/// has them.
#[must_use]
pub fn fires_at(until: Millis) -> Millis {
    (until + GRACE_MS).div_ceil(1000) * 1000
}

/// The object with a group's note. `place` is endpoint, region and cluster.
#[must_use]
pub fn key(place: &str, group: &str) -> String {
    let name = format!("{place}\n{group}");
    format!("loadtop/switch-{}.json", Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).simple())
}

/// A group's least and most instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
}

/// What is remembered of a group, in the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The group, for people.
    pub group: String,
    /// Its limits before the action could change them.
    pub former: Option<Limits>,
    /// The latest time that the action was ever meant to fire at (AWS's clock).
    pub at: Millis,
    /// Until when each run needs the group, by the run's id (the bucket's clock).
    pub claims: BTreeMap<String, Millis>,
}

impl Note {
    /// With the claim of a run, which only ever grows. Others that have lapsed are
    /// forgotten: such a run never comes back. `seen` are the group's limits now.
    #[must_use]
    pub fn claimed(&self, run: &str, until: Millis, now: Millis, seen: Limits) -> Note {
        let mut next = self.clone();
        if !self.claims.values().any(|until| fires_at(*until) > now) {
            // The limits of a group that nobody holds are the user's, but for a minimum
            // that the action took away and nobody was there to put back.
            let min = self.taken(seen).unwrap_or(seen.min);
            next.former = Some(Limits { min, max: seen.max });
        }
        next.former.get_or_insert(seen);
        let mine = next.claims.remove(run).unwrap_or(0).max(until);
        next.claims.retain(|_, until| fires_at(*until) > now);
        next.claims.insert(run.to_owned(), mine);
        next.at = next.at.max(next.fires_at().unwrap_or(0));
        next
    }

    /// Without the claims of these runs, and those that have lapsed.
    #[must_use]
    pub fn released(&self, runs: &[&str], now: Millis) -> Note {
        let mut next = self.clone();
        next.claims.retain(|run, until| !runs.contains(&run.as_str()) && fires_at(*until) > now);
        next
    }

    /// The claims of these runs as lapsed by `now`: nobody kept them up.
    #[must_use]
    pub fn lapsed(&self, runs: &[&str], now: Millis) -> Note {
        let mut next = self.clone();
        let claims = next.claims.iter_mut().filter(|(run, _)| runs.contains(&run.as_str()));
        claims.for_each(|(_, until)| *until = now.min(*until));
        next
    }

    /// When the action must fire for the claims; none: there are none.
    #[must_use]
    pub fn fires_at(&self) -> Option<Millis> {
        self.claims.values().max().copied().map(fires_at)
    }

    /// What is to be done with the action once these runs have gone, where it stands at
    /// `found`.
    #[must_use]
    pub fn parting(&self, runs: &[&str], found: Option<Millis>, now: Millis) -> Parting {
        let left = self.released(runs, now);
        if let Some(at) = left.fires_at() {
            let stands = found.is_some_and(|found| {
                // One that is later than any of ours is somebody else's, and stays.
                found == at || found > self.at.max(at) + SLOP_MS
            });
            return if stands { Parting::Leave } else { Parting::Move(at) };
        }
        let Some(found) = found else {
            return Parting::Restore;
        };
        // A run whose claim was kept up has come to its end in order. One whose claim has
        // lapsed was alone: what the action is for.
        let in_order = runs.iter().any(|run| self.claims.get(*run).is_some_and(|it| *it > now));
        match () {
            () if found > self.at + SLOP_MS => Parting::Leave,
            () if in_order => Parting::Delete,
            () => Parting::Wait(found),
        }
    }

    /// The limits to set so that the group has the minimum again that the action took
    /// away; none: it has, or somebody else has set another one since. The maximum, which
    /// no action of ours touches, stays as it is.
    #[must_use]
    pub fn restored(&self, seen: Limits) -> Option<Limits> {
        self.taken(seen).map(|min| Limits { min, max: seen.max.max(min) })
    }

    /// The minimum that the action took away.
    fn taken(&self, seen: Limits) -> Option<u32> {
        self.former.map(|former| former.min).filter(|min| seen.min == 0 && *min > 0)
    }
}

/// By how much an action may be later than was meant, where other actions had its start.
const SLOP_MS: Millis = 10_000;

/// What is to be done with the action when runs have gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Others need it, and it stands for them; or it is not ours.
    Leave,
    /// Others need it, at this time.
    Move(Millis),
    /// Nobody needs it: it is taken back.
    Delete,
    /// The run was alone when it ended: the action fires at this time, or a little
    /// later, and is left to.
    Wait(Millis),
    /// It is gone.
    Restore,
}

/// What a leader knows of the switch of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switch {
    /// Until when the run's claim surely has its action (the bucket's clock).
    held: Option<Millis>,
    /// Until when it should (the bucket's clock).
    wanted: Millis,
    /// The claim that is being made.
    calling: Option<Millis>,
    /// Not before then (monotonic).
    from: Millis,
    /// Failures in a row.
    failures: u32,
}

impl Switch {
    /// How far a lease may go that should go to `until`: no farther than the action
    /// stands for. What is missing is wanted from now on.
    pub fn reach(&mut self, until: Millis) -> Millis {
        self.wanted = self.wanted.max(until);
        self.held.unwrap_or(0).min(until)
    }

    /// The claim that is to be made now, if one is; it counts as on its way. One that
    /// stands is made again at times: somebody may have taken the action away. `lease_ms`
    /// is the length of a lease.
    pub fn step(&mut self, lease_ms: Millis, now: Millis) -> Option<Millis> {
        let is_behind = self.failures == 0 && self.held.unwrap_or(0) < self.wanted;
        if self.calling.is_some() || self.wanted == 0 || !(is_behind || now >= self.from) {
            return None;
        }
        self.calling = Some(self.wanted);
        self.from = now + (lease_ms / 4).min(LOOK_MS);
        self.calling
    }

    /// This claim was made, and the action stands for it. Whether it is the first one.
    pub fn learn_held(&mut self, until: Millis) -> bool {
        let is_first = self.held.is_none();
        self.answered(until);
        self.held = self.held.max(Some(until));
        self.failures = 0;
        is_first
    }

    /// This claim could not be made; the answer is how often in a row. What stood before
    /// stands still, unless it was seen to be gone.
    pub fn learn_failed(&mut self, until: Millis, is_gone: bool, now: Millis) -> u32 {
        self.answered(until);
        if is_gone {
            self.held = None;
        }
        self.failures += 1;
        self.from = now + (AGAIN_MS.0 << self.failures.min(5)).min(AGAIN_MS.1);
        self.failures
    }

    fn answered(&mut self, until: Millis) {
        self.calling = self.calling.filter(|calling| *calling != until);
    }

    /// Until when the run's claim surely has its action; none: not at all.
    #[must_use]
    pub fn held(&self) -> Option<Millis> {
        self.held
    }

    /// Whether the action stands for a lease until then: before, no task is started and
    /// no instance added.
    #[must_use]
    pub fn stands_for(&self, lease_until: Millis) -> bool {
        self.held.is_some_and(|held| held >= lease_until)
    }

    /// Whether the latest try failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests;
