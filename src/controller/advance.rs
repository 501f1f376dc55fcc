//! What is due now: looks at the cloud, writes of the wish, tasks to start and stop.
//!
//! Called after every event; it only compares and starts jobs. Invariants: a slot's
//! request is in the bucket before its RunTask leaves; at most
//! [`CALLS_AT_ONCE`] RunTask calls are on their way; at most one write of the wish.

use super::{
    actor::Actor,
    figures,
    jobs::{self, Done, RunDone},
    run::{Ending, Run},
    snapshot::Level,
    wishes::{self, Stored},
};
use crate::{
    model::{
        Millis,
        confirmed::Confirmed,
        slots::{Outcome, Step},
        wish::{Change, EDITS_REMEMBERED},
    },
    stats::metrics,
};

/// RunTask calls on their way at once.
const CALLS_AT_ONCE: usize = 8;
/// How long after the edit a batch's window opens: agents must have seen the edit,
/// in milliseconds beyond one poll with its jitter.
const OPEN_MARGIN_MS: Millis = 300;

impl Actor {
    /// Starts whatever is due.
    pub(super) fn advance(&mut self) {
        let now = self.clock.monotonic();
        self.look_at_fleet(now);
        if self.run.as_ref().is_none_or(Run::has_ended) {
            return;
        }
        self.tell_journal_trouble();
        self.write_wish(now);
        if self.run.as_ref().is_none_or(|run| run.etag.is_none()) {
            return self.end_before_it_began();
        }
        self.look_at_run(now);
        self.keep_lease(now);
        self.open_windows(now);
        self.match_tasks(now);
        self.record();
        self.launch();
        self.advance_end(now);
    }

    fn look_at_fleet(&mut self, now: Millis) {
        if self.fleet.definition.is_none() && self.looks.definition.is_due(now) {
            let cloud = self.cloud.clone();
            self.spawn(async move { Done::Definition(cloud.task_definition().await) });
        }
        if self.looks.instances.is_due(now) {
            let (job, generation) = (jobs::instances(self.cloud.clone()), self.fleet.generation);
            self.spawn(async move { Done::Instances(generation, job.await) });
        }
    }

    fn look_at_run(&mut self, now: Millis) {
        let Some(run) = &self.run else {
            return;
        };
        let id = run.id.clone();
        let cloud = self.cloud.clone();
        let strays = run.strays.iter().cloned();
        let arns: Vec<String> = run.slots.arns().map(str::to_owned).chain(strays).collect();
        let look = (run.key("wish.json"), run.etag.clone());
        let queries = (run.figures.range(self.clock.bucket()), run.wish.report_ms);
        if !arns.is_empty() && self.looks.tasks.is_due(now) {
            let cloud = cloud.clone();
            self.spawn_of_run(&id, async move {
                let answer = cloud.describe_tasks(&arns).await;
                RunDone::Tasks(arns, answer)
            });
        }
        if !self.looks.editing
            && let (key, Some(etag)) = look
            && self.looks.wish.is_due(now)
        {
            let cloud = cloud.clone();
            self.spawn_of_run(&id, async move {
                RunDone::Looked(wishes::look(&cloud, &key, &etag).await)
            });
        }
        if self.looks.figures.is_due(now) {
            let (range, interval) = queries;
            let job =
                jobs::figures(cloud, metrics::NAMESPACE, figures::queries(&id, interval), range);
            self.spawn_of_run(&id, async move { RunDone::Figures(range.1, job.await) });
        }
    }

    /// Writes what is queued; all of it at once, one write at a time.
    fn write_wish(&mut self, now: Millis) {
        if self.looks.editing || now < self.looks.edit_from {
            return;
        }
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(etag) = run.etag.clone() else {
            return self.spawn_begin();
        };
        if run.queue.is_empty() {
            return;
        }
        // No more than the wish remembers: after a lost answer each must be found.
        let edits: Vec<_> = run.queue.iter().take(EDITS_REMEMBERED / 2).cloned().collect();
        let known = Stored { wish: run.wish.clone(), etag, dated: None };
        let (id, key, journal) = (run.id.clone(), run.key("wish.json"), run.journal.clone());
        let at = self.clock.bucket();
        let job = jobs::edit(self.cloud.clone(), journal, key, known, edits.clone(), at);
        self.looks.editing = true;
        self.spawn_of_run(&id, async { RunDone::Edited(edits, job.await) });
    }

    /// Prolongs the lease at its half. One that has lapsed is final: the agents have
    /// ended their devices, and the run is brought to its end.
    fn keep_lease(&mut self, since: Millis) {
        let now = self.clock.bucket();
        let lease = self.options.policy.lease_ms;
        let Some(run) = self.run.as_mut().filter(|run| run.ending.is_none()) else {
            return;
        };
        if run.wish.lease_until <= now {
            run.ending = Some(Ending::new(since, Confirmed::ByLease, false));
            run.change(Change::Stop { scale_to_zero: false });
            let text = format!(
                "the lease of run {} has lapsed, as after a long sleep of this machine: its \
                 devices have ended, and so does the run",
                run.id
            );
            return self.notice(Level::Error, text);
        }
        if run.preview().lease_until < now + lease / 2 {
            run.change(Change::Renew { until: now + lease });
        }
    }

    /// What the journal could not write is told once; the run goes on.
    fn tell_journal_trouble(&mut self) {
        let Some(journal) = self.journal() else {
            return;
        };
        if let Some(error) = journal.trouble() {
            self.notice(
                Level::Error,
                format!("the journal cannot be written, the run goes on without: {error}"),
            );
        }
    }

    /// Opens the windows of the batches whose tasks run.
    fn open_windows(&mut self, now: Millis) {
        let booting = self.fleet.is_booting();
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| run.ending.is_none()) else {
            return;
        };
        let firsts = run.ready_to_open(booting, now);
        if !firsts.is_empty() {
            // Polls jitter by a fifth.
            let at = at + run.wish.poll_ms * 6 / 5 + OPEN_MARGIN_MS;
            run.change(Change::Open { firsts, at });
        }
    }

    /// Starts and stops tasks until they match the wish. What is queued counts: an
    /// addition that follows a removal must find its task.
    fn match_tasks(&mut self, now: Millis) {
        let Some(run) = &mut self.run else {
            return;
        };
        if run.ending.is_some() {
            // Nothing more is started for a run that ends.
            let never = std::mem::take(&mut run.unrecorded).into_iter();
            for (slot, _) in never.chain(std::mem::take(&mut run.launches)) {
                run.slots.answered(slot, Outcome::NotAsked, now);
            }
        }
        let wish = run.preview();
        let mut stops = Vec::new();
        for step in run.slots.steps(&wish, now, None) {
            match step {
                Step::Run { slot, attempt } => {
                    run.slots.asked(slot, attempt);
                    run.unrecorded.push((slot, attempt));
                }
                Step::Stop { slot, arn } => stops.push((slot, arn)),
            }
        }
        for (slot, arn) in stops {
            self.stop_task(slot, arn, "none of its devices is wanted any more");
        }
    }

    /// Writes the blocks of the slot table that changed; what waits to be launched
    /// leaves only after its request is in the bucket.
    fn record(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| !run.recording) else {
            return;
        };
        let launches = std::mem::take(&mut run.unrecorded);
        let mut blocks = std::mem::take(&mut run.changed_blocks);
        blocks.extend(launches.iter().map(|(slot, _)| Run::block_of(*slot)));
        if blocks.is_empty() {
            return;
        }
        run.recording = true;
        let names = self.cloud.names();
        let bodies = blocks
            .iter()
            .map(|&block| {
                let key = run.key(&format!("slots/{block:05}.json"));
                (block, key, run.block(block, names).to_string().into())
            })
            .collect();
        let (id, journal) = (run.id.clone(), run.journal.clone());
        let job = jobs::record(self.cloud.clone(), journal, bodies);
        self.spawn_of_run(&id, async { RunDone::Recorded(launches, job.await) });
    }

    /// Lets RunTask calls leave, a few at once.
    fn launch(&mut self) {
        while let Some(run) = &mut self.run
            && run.launching < CALLS_AT_ONCE
            && let Some((slot, attempt)) = run.launches.pop_front()
        {
            run.launching += 1;
            let request = run.request(slot, attempt, self.cloud.names());
            let (id, journal) = (run.id.clone(), run.journal.clone());
            let job = jobs::start(self.cloud.clone(), journal, slot, attempt, request);
            self.spawn_of_run(&id, async move { RunDone::Started(slot, job.await) });
        }
    }

    /// Calls StopTask for a slot's task.
    pub(super) fn stop_task(&mut self, slot: u32, arn: String, reason: &'static str) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        if run.stop_from.get(&slot).is_some_and(|&from| now < from) || !run.stopping.insert(slot) {
            return;
        }
        run.slots.told_to_stop(slot, true);
        let (id, journal) = (run.id.clone(), run.journal.clone());
        let job = jobs::stop(self.cloud.clone(), journal, arn, reason);
        self.spawn_of_run(&id, async move { RunDone::Stopped(slot, job.await) });
    }
}
