//! Which tasks are looked at next: a paced sweep within the describe budget.
//!
//! ECS describes a hundred tasks a call, and all describing of an account shares one
//! small bucket. So tasks on their way up or down are looked at every refresh, a few
//! calls at once, and those that run take their turns, one call each. Invariant: a task
//! is looked at again within [`Sweep::every`] and the length of a turn, and the longest
//! unseen comes first. Where nothing moves, the slots are gone through once a turn.

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
    /// When it is the turn of those that run.
    turn: Millis,
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

impl Pace {
    /// The time between two turns of those that run.
    fn turn(self) -> Millis {
        if self.hurried { HURRIED_EVERY_MS } else { STEADY_EVERY_MS }
    }
}

impl Sweep {
    /// How long a sweep over so many tasks takes, in milliseconds.
    pub(super) fn every(tasks: usize, pace: Pace) -> Millis {
        (tasks.div_ceil(PER_CALL) as Millis * pace.turn()).max(pace.refresh)
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
        let counts = slots.counts();
        let moving = counts.pending + counts.stopping + strays.len() as u32;
        self.turn = self.turn.min(now + pace.turn());
        let is_turn = now >= self.turn;
        if moving == 0 && !pace.ending && !is_turn {
            return None;
        }
        let every = Self::every(counts.placed() as usize, pace);
        let (mut overdue, mut due) = (false, Vec::new());
        let placed = slots.iter().filter_map(|slot| match &slot.state {
            SlotState::Placed { arn, running, stopping, .. } => {
                Some((arn, !running || *stopping || pace.ending))
            }
            _ => None,
        });
        for (arn, moves) in placed.chain(strays.iter().map(|arn| (arn, true))) {
            if !(moves || is_turn) {
                continue;
            }
            let looked = self.looked.get(arn).copied();
            if looked.is_none_or(|at| now >= at + pace.refresh) {
                overdue |= moves || looked.is_none_or(|at| now >= at + every);
                due.push((looked.unwrap_or(0), arn));
            }
        }
        // A call that is full takes those along whose time would come later: what was
        // looked at in a hurry once is spread over the turns.
        if due.is_empty() || !overdue && due.len() < PER_CALL {
            return None;
        }
        if is_turn {
            self.turn = now + pace.turn();
        }
        due.sort_unstable();
        due.truncate(PER_CALL);
        let picked: Vec<String> = due.into_iter().map(|(_, arn)| arn.clone()).collect();
        if self.looked.len() > 2 * counts.placed() as usize + PER_CALL {
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
        let every = Sweep::every(1_000, pace);
        assert_eq!(every, 5_000);
        let (mut calls, mut seen) = (0, std::collections::BTreeMap::new());
        for now in (0..30_000).step_by(100) {
            if let Some(asked) = sweep.pick(&slots, &BTreeSet::new(), pace, now) {
                assert_eq!(asked.len(), 100);
                sweep.done(&asked, false, now, 1_000);
                calls += 1;
                seen.extend(asked.into_iter().map(|arn| (arn, now)));
            }
            let longest = seen.values().map(|at| now - at).max();
            assert!(longest.is_none_or(|it| it <= every), "{longest:?} at {now}");
        }
        assert_eq!((seen.len() as u64, calls), (1_000, 10 * (30_000 / every)));
    }

    #[test]
    fn a_burst_of_looks_does_not_come_again() {
        let slots = running(1_000);
        let pace = Pace { refresh: 1_000, ending: false, hurried: false };
        let looked = slots.arns().map(|arn| (arn.to_owned(), 0)).collect();
        let mut sweep = Sweep { looked, ..Sweep::default() };
        let mut times = Vec::new();
        for now in (0..20_000).step_by(100) {
            if let Some(asked) = sweep.pick(&slots, &BTreeSet::new(), pace, now) {
                sweep.done(&asked, false, now, 1_000);
                times.push(now);
            }
        }
        assert!(times.windows(2).all(|it| it[1] - it[0] >= 500), "{times:?}");
        assert!((36..=40).contains(&times.len()), "{times:?}");
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
