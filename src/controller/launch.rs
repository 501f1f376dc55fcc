//! Starting and stopping tasks: within AWS's quotas, and written down before.
//!
//! Invariants: a slot's request is in the bucket before its RunTask leaves; at most
//! [`CALLS_AT_ONCE`] RunTask calls are on their way; a share of the quota is kept for
//! StopTask, which comes first.

use super::{
    actor::Actor,
    jobs::{self, RunDone},
    requests::block_of,
    run::{Run, TableState},
    snapshot::Level,
};
use crate::model::{
    Millis,
    slots::{Outcome, SlotState, Step},
    wish::{State, Wish},
};

/// RunTask calls on their way at once: a second's worth of AWS's rate.
const CALLS_AT_ONCE: usize = 48;
/// How often outcomes alone are written; launches do not wait for that.
const OUTCOMES_EVERY_MS: Millis = 1_000;

impl Run {
    /// Takes back what waits for its turn to be started and is not wanted any more, or
    /// not now: an image is its device, which does not start while the ramp is paused.
    fn recall(&mut self, wish: &Wish, now: Millis) {
        let paused = self.is_of_images() && wish.state == State::Paused;
        let (slots, room) = (&self.slots, self.slots.room());
        let unwanted =
            |slot: u32| paused || wish.live.within(slots.first_device(slot), room).is_empty();
        let (gone, unrecorded): (Vec<_>, Vec<_>) =
            self.unrecorded.drain(..).partition(|(slot, _)| unwanted(*slot));
        let (back, launches): (Vec<_>, Vec<_>) =
            self.launches.drain(..).partition(|(slot, _)| unwanted(*slot));
        self.unrecorded = unrecorded;
        self.launches = launches.into();
        for (slot, _) in gone.into_iter().chain(back) {
            self.slots.answered(slot, Outcome::NotAsked, now);
        }
    }
}

impl Actor {
    /// Starts and stops tasks until they match the wish. What is queued counts: an
    /// addition that follows a removal must find its task.
    pub(super) fn match_tasks(&mut self, wish: &Wish, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        let ending = run.is_ending();
        if ending {
            let never = std::mem::take(&mut run.unrecorded).into_iter();
            for (slot, _) in never.chain(std::mem::take(&mut run.launches)) {
                run.slots.answered(slot, Outcome::NotAsked, now);
            }
        }
        if !ending && run.matched != wish.version {
            run.recall(wish, now);
        }
        run.matched = wish.version;
        let due_by = run.is_of_images().then_some(at);
        let mut stops = Vec::new();
        for step in run.slots.steps(wish, now, due_by) {
            match step {
                // Nothing more is started for a run that ends, not even to see whether
                // it was: what a lost answer started is found by listing.
                Step::Run { slot, attempt } if ending => {
                    run.slots.asked(slot, attempt);
                    run.slots.answered(slot, Outcome::NotAsked, now);
                }
                Step::Run { slot, attempt } => {
                    run.slots.asked(slot, attempt);
                    run.unrecorded.push((slot, attempt));
                }
                Step::Stop { slot, arn } => stops.push((slot, arn)),
            }
        }
        for (slot, arn) in stops {
            if !self.stop_task(slot, arn, "none of its devices is wanted any more") {
                break;
            }
        }
    }

    /// Writes the blocks of the slot table that changed; what waits to be launched
    /// leaves only after its request is in the bucket.
    pub(super) fn record(&mut self, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| !run.recording) else {
            return;
        };
        let TableState::Ours(term) = run.table else {
            return;
        };
        run.changed_blocks.extend(run.slots.take_changed().into_iter().map(block_of));
        if run.unrecorded.is_empty() && (run.changed_blocks.is_empty() || now < run.record_from) {
            return;
        }
        let launches = std::mem::take(&mut run.unrecorded);
        let mut blocks = std::mem::take(&mut run.changed_blocks);
        blocks.extend(launches.iter().map(|(slot, _)| block_of(*slot)));
        run.recording = true;
        run.record_from = now + OUTCOMES_EVERY_MS;
        let bodies = blocks
            .iter()
            .map(|&block| (run.block(block, term, at), run.block_etags.get(&block).cloned()))
            .collect();
        let (id, journal) = (run.id.clone(), run.journal.clone());
        let job = jobs::record(run.cloud.clone(), journal, run.prefix.clone(), bodies);
        self.spawn_of_run(&id, async move { RunDone::Recorded(term, launches, job.await) });
    }

    /// The requests of these slots are in the bucket, or could not be written.
    pub(super) fn learn_recorded(
        &mut self,
        term: u64,
        launches: Vec<(u32, u32)>,
        written: jobs::Written,
    ) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        // One of an earlier term says nothing of the table as it is now.
        if run.table != TableState::Ours(term) {
            return;
        }
        run.recording = false;
        run.block_etags.extend(written.etags);
        let Some(error) = written.error else {
            return run.launches.extend(launches);
        };
        if error.kind == crate::cloud::ErrorKind::Precondition {
            // Another leader wrote it: this one is none any more, as far as it knows.
            run.lead.depose();
            run.lose_table();
            return self.failed(&error, "another controller has taken the lead: looking who");
        }
        for &(slot, _) in &launches {
            run.slots.answered(slot, Outcome::NotAsked, now);
            run.changed_blocks.insert(block_of(slot));
        }
        run.record_from = now + OUTCOMES_EVERY_MS;
        if launches.is_empty() {
            // Only outcomes, which the next write of the block carries.
            return tracing::warn!("{error}; outcomes are not in the slot table yet");
        }
        self.failed(&error, "no task is started before its slot is written");
    }

    /// Lets RunTask calls leave, a few at once; none before that is in place which ends
    /// them when nobody is left.
    pub(super) fn launch(&mut self, now: Millis) {
        if self.run.as_ref().is_some_and(|run| !run.may_start()) {
            return;
        }
        let on_fargate = !self.fleet_cloud().names().capacity.has_instances();
        while let Some(run) = &mut self.run
            && run.launching < CALLS_AT_ONCE
            && !run.launches.is_empty()
            && self.quotas.take_launch(now, on_fargate)
            && let Some((slot, attempt)) = run.launches.pop_front()
        {
            let asked = run.slots.get(slot).is_some_and(|it| {
                it.attempt == attempt && it.state == (SlotState::Asked { again_at: None })
            });
            if !asked {
                continue;
            }
            run.launching += 1;
            let request = run.request(slot, attempt);
            let (id, journal) = (run.id.clone(), run.journal.clone());
            let job = jobs::start(run.cloud.clone(), journal, slot, attempt, request);
            self.spawn_of_run(&id, async move { RunDone::Started(slot, attempt, job.await) });
        }
    }

    /// Calls StopTask for a slot's task, if the quota lets it; otherwise it is asked
    /// for again at the next turn.
    pub(super) fn stop_task(&mut self, slot: u32, arn: String, reason: &'static str) -> bool {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return false;
        };
        if run.stop_from.get(&slot).is_some_and(|&from| now < from) || run.stopping.contains(&slot)
        {
            return true;
        }
        if !self.quotas.change.take(now, 0.0) {
            return false;
        }
        run.stopping.insert(slot);
        run.slots.told_to_stop(slot, true);
        let (id, journal) = (run.id.clone(), run.journal.clone());
        let job = jobs::stop(run.cloud.clone(), journal, arn, reason);
        self.spawn_of_run(&id, async move { RunDone::Stopped(slot, job.await) });
        true
    }

    /// Tells every task to stop that was not told yet, as the quota allows.
    pub(super) fn stop_all(&mut self) {
        let now = self.clock.monotonic();
        // There are many more tasks than calls that may be made now.
        let most = self.quotas.change.left(now) as usize;
        let Some(run) = self.run.as_ref().filter(|_| most > 0) else {
            return;
        };
        let counts = run.slots.counts();
        if counts.pending + counts.running == 0 {
            return;
        }
        let may_be_told = |slot: &u32| run.stop_from.get(slot).is_none_or(|&from| now >= from);
        let left: Vec<(u32, String)> = run
            .slots
            .iter()
            .filter_map(|slot| match &slot.state {
                SlotState::Placed { arn, stopping: false, .. } => Some((slot.number, arn)),
                _ => None,
            })
            .filter(|(slot, _)| may_be_told(slot))
            .take(most)
            .map(|(slot, arn)| (slot, arn.clone()))
            .collect();
        for (slot, arn) in left {
            if !self.stop_task(slot, arn, "the run has ended") {
                return;
            }
        }
    }

    /// Looks for tasks that carry the run's name and are in no slot.
    pub(super) fn look_for_strays(&mut self) {
        let Some(run) = &self.run else {
            return;
        };
        let (id, cloud) = (run.id.clone(), run.cloud.clone());
        let job = jobs::strays(cloud, super::requests::started_by(&id));
        self.spawn_of_run(&id, async { RunDone::Strays(job.await) });
    }

    /// AWS refused a call of the bucket that starts and stops share; on Fargate starts
    /// have a narrower one of their own, and stops need not suffer for it.
    pub(super) fn throttled(&mut self, call: &'static str) {
        let now = self.clock.monotonic();
        if call == "RunTask" && !self.fleet_cloud().names().capacity.has_instances() {
            self.quotas.fargate.throttled(now);
        } else {
            self.quotas.change.throttled(now);
        }
        self.slowed(call);
        let text = format!("AWS throttles {call}: calls go more slowly for a while");
        self.notice(Level::Warning, text);
    }
}
