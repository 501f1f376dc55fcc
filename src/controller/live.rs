//! The exact results while a run is on: read from the bucket as the agents write them.
//!
//! Invariant: what is held is bounded, whatever the number of tasks and however long the
//! run; what was not read is counted and not guessed. So many parts a second are read at
//! most, and nothing of that is done in the actor's loop but adding up.

mod columns;
mod queue;
mod read;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    actor::Actor,
    jobs::RunDone,
    run::Run,
    snapshot::{Aged, LatencyView, TaskReport},
};
use crate::model::{Millis, quota::Quota};

use columns::Columns;
use queue::{GETS_PER_S, Pace, Queue};
pub(super) use read::Batch;

/// How often is looked which tasks there are, in milliseconds.
const LOOK_MS: Millis = 1_000;
/// The last words of so many tasks that are gone are kept.
const GONE_MOST: usize = 1_000;

/// The exact results so far.
#[derive(Debug, Default)]
pub(super) struct Live {
    queue: Queue,
    columns: Columns,
    reports: BTreeMap<String, TaskReport>,
    /// Counts the times that some were learned.
    reported: u64,
    latency: Aged<Arc<LatencyView>>,
    unreadable: u32,
    /// Whether the run was on before us.
    joined: bool,
    quota: Option<Quota>,
    on_its_way: bool,
    /// When is looked again which tasks there are (monotonic).
    look_from: Millis,
}

impl Live {
    /// Those of a run that was on before us: only the last of them are read.
    pub(super) fn of_before() -> Self {
        Live { joined: true, ..Live::default() }
    }

    /// What a task (`00003-1`) said last of itself.
    pub(super) fn report(&self, task: &str) -> Option<TaskReport> {
        self.reports.get(task).copied()
    }

    /// Counts the times that tasks were heard of.
    pub(super) fn reported(&self) -> u64 {
        self.reported
    }

    /// Response times over time.
    pub(super) fn latency(&self) -> Aged<Arc<LatencyView>> {
        self.latency.clone()
    }

    /// A read that was on its way does not come back.
    pub(super) fn forget_calls(&mut self) {
        self.on_its_way = false;
        self.queue.forget_calls();
    }

    fn may_read(&mut self, now: Millis) -> bool {
        let per_s = f64::from(GETS_PER_S);
        self.quota.get_or_insert_with(|| Quota::new(per_s, per_s, now)).take(now, 0.0)
    }

    /// Takes in what was read; `ahead_ms` is how far this machine's clock is ahead of the
    /// bucket's.
    fn learn(&mut self, batch: Batch, pace: Pace, ahead_ms: i64) {
        self.on_its_way = false;
        let Batch { answers, slices, reports, .. } = batch;
        for (ask, answer) in answers {
            self.unreadable += u32::from(answer == queue::Answer::Unreadable);
            self.queue.answered(&ask, answer, pace);
        }
        self.reported += u64::from(!reports.is_empty());
        for (task, report) in reports {
            let at = report.at.saturating_add_signed(ahead_ms);
            self.reports.insert(task, TaskReport { at, ..report });
        }
        let gone = self.reports.keys().filter(|it| !self.queue.has(it)).cloned();
        let gone: Vec<String> = gone.collect();
        for task in &gone[..gone.len().saturating_sub(GONE_MOST)] {
            self.reports.remove(task);
        }
        self.columns.add(slices, ahead_ms);
        let (tasks_read, tasks_of) = self.queue.coverage();
        let view = LatencyView {
            columns: self.columns.list(),
            labels: self.columns.labels(),
            tasks_read,
            tasks_of,
            unreadable: self.unreadable,
            every_ms: pace.every_ms,
        };
        self.latency = Aged { value: Arc::new(view), at: self.columns.end() };
    }
}

impl Run {
    /// How long parts are by now: no shorter than an interval.
    fn parts(&self, now: Millis) -> Pace {
        Pace { every_ms: self.wish.results_ms.max(self.wish.report_ms).max(1_000), now }
    }
}

impl Actor {
    /// Reads the parts that are due, where somebody looks at them.
    pub(super) fn read_live(&mut self, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| !run.is_of_images()) else {
            return;
        };
        if !self.options.details {
            return;
        }
        let pace = run.parts(at);
        if now >= run.live.look_from {
            run.live.look_from = now + LOOK_MS;
            let names = run.reporting_tasks();
            let joined = run.live.joined;
            run.live.queue.follow(&names, joined, pace);
        }
        if run.live.on_its_way {
            return;
        }
        let mut queue = std::mem::take(&mut run.live.queue);
        let asks = queue.take(at, || run.live.may_read(now));
        run.live.queue = queue;
        if asks.is_empty() {
            return;
        }
        run.live.on_its_way = true;
        let (id, job) = (run.id.clone(), read::read(run.cloud.clone(), run.key(""), asks, at));
        self.spawn_of_run(&id, async move { RunDone::Parts(Box::new(job.await)) });
    }

    /// Parts were read, or not.
    pub(super) fn learn_parts(&mut self, mut batch: Batch) {
        let at = self.clock.bucket();
        let ahead_ms = self.clock.to_wall(at).cast_signed() - at.cast_signed();
        let error = batch.error.take();
        if let Some(run) = &mut self.run {
            let pace = run.parts(at);
            run.live.learn(batch, pace, ahead_ms);
        }
        if let Some(error) = error {
            self.failed(&error, "the exact results age");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Devices;

    #[test]
    fn what_a_task_says_is_news_although_another_one_said_it_of_the_same_moment() {
        let (mut live, pace) = (Live::default(), Pace { every_ms: 1_000, now: 5_000 });
        let report = TaskReport {
            at: 2_000,
            devices: Devices::default(),
            requests_per_s: 1.0,
            errors_per_s: 0.0,
            cpu: 0.1,
            rss: 1,
            sockets: 1,
            lag_p99_ms: 0.5,
        };
        let of =
            |task: &str| Batch { reports: vec![(task.to_owned(), report)], ..Batch::default() };
        live.learn(of("00000-1"), pace, 100);
        let (reported, at) = (live.reported(), live.latency().at);
        live.learn(of("00001-1"), pace, 100);
        assert_eq!((live.reported(), live.latency().at), (reported + 1, at));
        assert_eq!(live.report("00001-1").map(|it| it.at), Some(2_100));
        live.learn(Batch::default(), pace, 100);
        assert_eq!(live.reported(), reported + 1, "nothing was said");
    }
}
