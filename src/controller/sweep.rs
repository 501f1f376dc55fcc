//! Which tasks are looked at next: a paced sweep within the describe budget.
//!
//! ECS describes a hundred tasks a call, and all describing of an account shares one
//! small bucket. So tasks on their way up or down are looked at every refresh, a few
//! calls at once, and those that run take their turn. Invariant: a task is looked at
//! again within [`Sweep::every`], and the longest unseen comes first.

use std::collections::{BTreeSet, HashMap};

use crate::model::{
    Millis,
    slots::{SlotState, Slots},
};

/// The most tasks that one call describes.
const PER_CALL: usize = 100;
/// Calls on their way at once.
const CALLS_AT_ONCE: usize = 4;
/// The time between two calls for tasks that run steadily.
const STEADY_EVERY_MS: Millis = 500;
/// The same when something is amiss: half of what AWS lets an account have.
const HURRIED_EVERY_MS: Millis = 100;
/// The time between two looks for what is due.
const PICK_EVERY_MS: Millis = 100;

/// When each task was looked at.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    looked: HashMap<String, Millis>,
    on_their_way: usize,
    next: Millis,
}

/// What the sweep must know of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How often what moves is looked at.
    pub(super) refresh: Millis,
    /// Whether the run ends: everything moves.
    pub(super) ending: bool,
    /// Whether something is known to be amiss, such as agents that report no more.
    pub(super) hurried: bool,
}

impl Sweep {
    /// How long a sweep over so many tasks takes, in milliseconds.
    pub(super) fn every(tasks: usize, pace: Pace) -> Millis {
        let each = if pace.hurried { HURRIED_EVERY_MS } else { STEADY_EVERY_MS };
        (tasks.div_ceil(PER_CALL) as Millis * each).max(pace.refresh)
    }

    /// The tasks to describe now, if some are due; they count as looked at.
    pub(super) fn pick(
        &mut self,
        slots: &Slots,
        strays: &BTreeSet<String>,
        pace: Pace,
        now: Millis,
    ) -> Option<Vec<String>> {
        if now < self.next || self.on_their_way >= CALLS_AT_ONCE {
            return None;
        }
        self.next = now + PICK_EVERY_MS;
        let steady = Self::every(slots.arns().count(), pace);
        let placed = slots.iter().filter_map(|slot| match &slot.state {
            SlotState::Placed { arn, running, stopping, .. } => {
                Some((arn, !running || *stopping || pace.ending))
            }
            _ => None,
        });
        let mut due: Vec<(Millis, &String)> = placed
            .chain(strays.iter().map(|arn| (arn, true)))
            .filter_map(|(arn, moves)| {
                let looked = self.looked.get(arn).copied();
                let every = if moves { pace.refresh } else { steady };
                looked.is_none_or(|at| now >= at + every).then_some((looked.unwrap_or(0), arn))
            })
            .collect();
        if due.is_empty() {
            return None;
        }
        due.sort_unstable();
        due.truncate(PER_CALL);
        let picked: Vec<String> = due.into_iter().map(|(_, arn)| arn.clone()).collect();
        if self.looked.len() > 2 * slots.arns().count() + PER_CALL {
            let known: BTreeSet<&str> =
                slots.arns().chain(strays.iter().map(String::as_str)).collect();
            self.looked.retain(|arn, _| known.contains(arn.as_str()));
        }
        self.looked.extend(picked.iter().map(|arn| (arn.clone(), now)));
        self.on_their_way += 1;
        Some(picked)
    }

    /// A call came back; what it was to describe is due again soon if it failed.
    pub(super) fn done(&mut self, asked: &[String], failed: bool, now: Millis, refresh: Millis) {
        self.on_their_way = self.on_their_way.saturating_sub(1);
        if failed {
            self.next = self.next.max(now + refresh);
            for arn in asked {
                self.looked.remove(arn);
            }
        }
    }

    /// The bucket is empty: nothing is picked before then, and this was not asked.
    pub(super) fn put_off(&mut self, asked: &[String], until: Millis) {
        self.on_their_way = self.on_their_way.saturating_sub(1);
        self.next = self.next.max(until);
        for arn in asked {
            self.looked.remove(arn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::slots::Outcome;
    use crate::model::wish::{Batch, Change, Edit, Spread, Wish};

    fn running(tasks: u32) -> Slots {
        let batch = Batch {
            first: 0,
            count: tasks,
            execution: 0,
            start_at: Some(0),
            over_ms: 0,
            spread: Spread::AtOnce,
            seed: 1,
        };
        let add = Edit { id: "a".into(), change: Change::Add(batch) };
        let wish = Wish::new("p", 1_000_000).edited(&add, 0);
        let mut slots = Slots::new(1);
        for step in slots.steps(&wish, 0, None) {
            if let crate::model::slots::Step::Run { slot, attempt } = step {
                slots.asked(slot, attempt);
                slots.answered(slot, Outcome::Placed(format!("arn{slot}")), 0);
                slots.is_running(slot);
            }
        }
        slots
    }

    #[test]
    fn everything_is_looked_at_within_the_stated_time_and_no_faster() {
        let slots = running(1_000);
        let pace = Pace { refresh: 1_000, ending: false, hurried: false };
        let mut sweep = Sweep::default();
        // The first look at each comes at once; after that they take their turns.
        let mut calls = Vec::new();
        for now in (0..30_000).step_by(100) {
            if let Some(asked) = sweep.pick(&slots, &BTreeSet::new(), pace, now) {
                assert_eq!(asked.len(), 100);
                sweep.done(&asked, false, now, 1_000);
                calls.push(now);
            }
        }
        let every = Sweep::every(1_000, pace);
        assert_eq!(every, 5_000);
        assert_eq!(calls.len() as u64, 10 * (30_000 / every), "{calls:?}");
    }

    #[test]
    fn what_moves_is_looked_at_every_refresh() {
        let mut slots = running(500);
        slots.told_to_stop(7, true);
        let pace = Pace { refresh: 1_000, ending: false, hurried: false };
        let mut sweep = Sweep::default();
        let mut seen = 0;
        for now in (0..10_000).step_by(100) {
            if let Some(asked) = sweep.pick(&slots, &BTreeSet::new(), pace, now) {
                seen += asked.iter().filter(|arn| *arn == "arn7").count();
                sweep.done(&asked, false, now, 1_000);
            }
        }
        assert_eq!(seen, 10);
    }
}
