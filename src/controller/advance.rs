//! What is due now: looks at the cloud, writes of the wish, tasks to start and stop.
//!
//! Called after every event; it only compares and starts jobs. Invariants: what only
//! a leader does is below the line in [`Actor::advance`]; at most one write of the
//! wish is on its way.

use super::{
    actor::Actor,
    figures,
    jobs::{self, Done, RunDone},
    run::Run,
    snapshot::Level,
    sweep::Pace,
    wishes::{self, Stored},
};
use crate::{
    cloud::{CloudError, ErrorKind, types::TaskSeen},
    model::{
        Millis,
        confirmed::Confirmed,
        quota::KEPT_FOR_STOPPING,
        wish::{Change, EDITS_REMEMBERED, Wish, pace, report_interval},
    },
    stats::metrics,
};

/// How long after the edit a batch's window opens: agents must have seen the edit,
/// in milliseconds beyond one poll with its jitter.
const OPEN_MARGIN_MS: Millis = 300;

impl Actor {
    /// Starts whatever is due.
    pub(super) fn advance(&mut self) {
        let now = self.clock.monotonic();
        self.look_at_fleet(now);
        self.keep_basis(now);
        self.find(now);
        self.obey_held();
        if self.run.as_ref().is_none_or(Run::has_ended) {
            self.tell_the_end(now);
            self.finish_giving_back(now);
            self.shrink_to_least();
            self.settle_group(now);
            if !self.looks.editing {
                self.refuse_unwritten();
            }
            return self.advance_drains(false, now);
        }
        self.tell_journal_trouble();
        self.write_wish(now);
        if self.run.as_ref().is_none_or(|run| run.etag.is_none()) {
            return self.end_before_it_began(now);
        }
        self.keep_lead(now);
        self.look_at_past(now);
        self.look_at_run(now);
        self.read_live(now);
        self.note_marks(now);
        self.hear(now);
        self.read_blocks(now);
        self.follow_end();
        self.keep_plan(now);
        let Some(wish) = self.run.as_ref().map(|run| run.preview(self.clock.bucket())) else {
            return;
        };
        if !self.leads(now) {
            return;
        }
        // ---- what only a leader does
        self.keep_lease(&wish);
        self.keep_switch(&wish, now);
        self.keep_pace(&wish);
        self.keep_reports(&wish);
        self.open_windows(&wish, now);
        self.advance_drains(true, now);
        self.match_tasks(&wish, now);
        self.replace_tasks(&wish);
        self.give_up_on_room(&wish, now);
        self.count_cost(now);
        self.record(now);
        self.launch(now);
        self.sweep(now);
        self.stop_strays(now);
        self.advance_end(&wish, now);
        self.tell(false);
    }

    /// The time between two looks, in milliseconds.
    pub(super) fn refresh_ms(&self) -> Millis {
        self.site.refresh.as_millis() as Millis
    }

    fn look_at_fleet(&mut self, now: Millis) {
        let cloud = self.fleet_cloud().clone();
        if self.fleet.definition.is_none() && self.looks.definition.is_due(now) {
            let cloud = cloud.clone();
            self.spawn(async move { Done::Definition(cloud.task_definition().await) });
        }
        let Some(group) = cloud.names().capacity.group_name().map(str::to_owned) else {
            return self.look_at_quota(now);
        };
        if self.looks.providers.is_due(now) {
            let (cloud, group) = (cloud.clone(), group.clone());
            self.spawn(async move { Done::Providers(group, cloud.capacity_providers().await) });
        }
        if self.looks.counts.is_due(now) {
            let (job, generation) = (jobs::counts(cloud.clone()), self.fleet.group_generation);
            self.spawn(async move { Done::Counts(generation, job.await) });
        }
        let generation = self.fleet.generation;
        if self.fleet.details_due(now) && self.looks.instances.is_due(now) {
            let job = async move { cloud.container_instances().await };
            self.spawn(async move { Done::Instances(generation, job.await) });
        }
        if let Some(missing) = self.fleet.boot_is_late(now) {
            let text = format!(
                "{missing} instances of the group {group} have not come up for minutes: aws \
                 autoscaling describe-scaling-activities --auto-scaling-group-name {group}"
            );
            self.notice(Level::Error, text);
        }
    }

    /// Looks at the wish and at the figures: two calls a refresh, whatever the size.
    fn look_at_run(&mut self, now: Millis) {
        let Some(run) = &self.run else {
            return;
        };
        let (id, cloud) = (run.id.clone(), run.cloud.clone());
        let look = (run.key("wish.json"), run.etag.clone());
        let asked = run.figures.ask(&run.wish, self.clock.bucket());
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
            let (queries, range) = (figures::queries(&id, asked), asked.range);
            let job = jobs::figures(cloud, metrics::NAMESPACE, queries, range);
            self.spawn_of_run(&id, async move { RunDone::Figures(asked, job.await) });
        }
    }

    /// Asks for the figures of what was before, as long as they are missing.
    fn look_at_past(&mut self, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        if let Some(asked) = run.figures.ask_past(at)
            && self.looks.past.is_due(now)
        {
            let (id, job) = (run.id.clone(), asked.read(run.cloud.clone(), run.id.clone()));
            self.spawn_of_run(&id, async move { RunDone::Past(asked, job.await) });
        }
    }

    /// How fast tasks are looked at.
    pub(super) fn pace(&self, run: &Run) -> Pace {
        Pace {
            refresh: self.refresh_ms(),
            ending: run.ending.is_some(),
            hurried: run.figures.is_missing_reports(),
        }
    }

    /// Describes the tasks whose turn it is.
    fn sweep(&mut self, now: Millis) {
        let Some(pace) = self.run.as_ref().map(|run| self.pace(run)) else {
            return;
        };
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(asked) = run.sweep.pick(&run.slots, &run.strays, pace, now) else {
            return;
        };
        // Whoever looks at instances or lists tasks finds something left.
        if !self.quotas.look.take(now, KEPT_FOR_STOPPING) {
            return run.sweep.put_off(&asked, now + pace.refresh / 4);
        }
        let (id, cloud) = (run.id.clone(), run.cloud.clone());
        self.spawn_of_run(&id, async move {
            let answer = cloud.describe_tasks(&asked).await;
            RunDone::Tasks(asked, answer)
        });
    }

    pub(super) fn learn_described(
        &mut self,
        asked: &[String],
        answer: Result<Vec<TaskSeen>, CloudError>,
    ) {
        let (now, refresh) = (self.clock.monotonic(), self.refresh_ms());
        let Some(run) = &mut self.run else {
            return;
        };
        run.sweep.done(asked, answer.is_err(), now, refresh);
        match answer {
            // Losses have consequences, which are the leader's.
            Ok(tasks) if self.leads(now) => self.learn_tasks(asked, &tasks),
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Throttled => {
                self.quotas.look.throttled(now);
                self.slowed("DescribeTasks");
                self.failed(&error, "tasks are looked at more slowly");
            }
            Err(error) => self.failed(&error, "looking again"),
        }
    }

    /// Tells tasks that no slot knows to stop again, where that failed.
    fn stop_strays(&mut self, now: Millis) {
        let Some(run) = &mut self.run else {
            return;
        };
        let strays = &run.strays;
        run.stray_from.retain(|arn, _| strays.contains(arn));
        let due: Vec<String> = run
            .stray_from
            .iter()
            .filter(|(_, from)| now >= **from)
            .map(|(arn, _)| arn.clone())
            .collect();
        for arn in due {
            if let Some(run) = &mut self.run {
                run.stray_from.remove(&arn);
            }
            self.stop_stray(arn, "no slot of its run knows it");
        }
    }

    pub(super) fn learn_stray_stopped(&mut self, arn: String, answer: Result<(), CloudError>) {
        let now = self.clock.monotonic();
        let Err(error) = answer else {
            return;
        };
        if error.kind == ErrorKind::Throttled {
            self.quotas.change.throttled(now);
            self.slowed("StopTask");
        }
        self.failed(&error, &format!("{arn} is told again"));
        if let Some(run) = &mut self.run {
            run.stray_from.insert(arn, now + super::learn::RETRY_MS);
        }
    }

    /// Writes what is queued; all of it at once, one write at a time.
    fn write_wish(&mut self, now: Millis) {
        if self.looks.editing || now < self.looks.edit_from {
            return;
        }
        let at = self.clock.bucket();
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
        let job = jobs::edit(run.cloud.clone(), journal, key, known, edits.clone(), at);
        self.looks.editing = true;
        self.spawn_of_run(&id, async { RunDone::Edited(edits, job.await) });
    }

    /// Prolongs the lease at its half. One that has lapsed is final: the agents have
    /// ended their devices, and the run is brought to its end.
    fn keep_lease(&mut self, wish: &Wish) {
        let now = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let lease = run.registry.policy.lease_ms;
        if run.wish.is_lapsed(now) {
            run.confirmed = Some(Confirmed::ByLease);
            run.change(Change::Stop { scale_to_zero: false });
            let why = if run.switch.is_failing() {
                "since the switch of its group could not be moved on"
            } else {
                "as after a long sleep of this machine"
            };
            let text = format!(
                "the lease of run {} has lapsed, {why}: its devices have ended, and so does the \
                 run",
                run.id
            );
            return self.notice(Level::Error, text);
        }
        if wish.lease_until < now + lease / 2 {
            let until = run.lease_reach(now + lease);
            if until > wish.lease_until {
                run.change(Change::Renew { until });
            }
        }
    }

    /// Has agents look as often as their number allows.
    fn keep_pace(&mut self, wish: &Wish) {
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let ms = pace(run.slots.counts().placed());
        // Not at every task that comes or goes.
        if ms > wish.poll_ms + wish.poll_ms / 4 || ms < wish.poll_ms / 2 {
            run.change(Change::Poll { ms });
        }
    }

    /// Has agents report no oftener than so many may: the interval grows with the fleet,
    /// before its tasks are there, and stays.
    fn keep_reports(&mut self, wish: &Wish) {
        let least = self.site.report.as_millis() as Millis;
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        // Images do not report.
        if run.is_of_images() {
            return;
        }
        let ms = report_interval(wish.live.len().div_ceil(run.slots.room()), least);
        if ms > wish.report_ms {
            run.change(Change::Report { ms });
            let text = format!(
                "agents report every {} s from now on: there are too many for less",
                ms / 1000
            );
            self.notice(Level::Info, text);
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
    fn open_windows(&mut self, wish: &Wish, now: Millis) {
        let booting = self.fleet.is_booting();
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let firsts = run.ready_to_open(wish, booting, now);
        if !firsts.is_empty() {
            // Polls jitter by a fifth. Images poll nothing.
            let margin = run.wish.poll_ms * 6 / 5 + OPEN_MARGIN_MS;
            let at = if run.is_of_images() { at } else { at + margin };
            run.change(Change::Open { firsts, at });
        }
    }
}
