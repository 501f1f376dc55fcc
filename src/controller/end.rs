//! Bringing a run to zero, and collecting what it found.
//!
//! Invariant: a run has ended when every task that was ever placed is STOPPED, no
//! RunTask is on its way, and two lists of the run's tasks, a settle time apart,
//! were empty. Only then are the results collected and the summary made. Where that
//! does not come, exactly what is left is said, and how to end it by hand.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    actor::Actor,
    begin::REGISTRY,
    clock::wall,
    jobs::{self, RunDone},
    requests::{started_by, task_name},
    run::{Ending, Over, Run, Stage, TableState},
    snapshot::{Level, Stuck},
};
use crate::{
    cloud::{CloudError, Names, types::Fetched},
    model::{
        Millis,
        confirmed::Confirmed,
        slots::SlotState,
        wish::{Change, State, Wish},
    },
    record::RunFolder,
    report::{Facts, Results, Summary},
};

/// How long agents may take to end by themselves, beyond one poll: draining, the
/// last results.
const GRACE_MS: Millis = 4_000;
/// How far apart the two empty lists are.
const SETTLE_MS: Millis = 500;
/// How often a list is asked for while something is left.
const LIST_EVERY_MS: Millis = 1_000;
/// A run whose tasks did not become fewer for so many stop timeouts does not end by
/// itself: all of them are over by then.
const STUCK_AFTER: Millis = 2;
/// Things and commands that are named at most.
const NAMED_MOST: usize = 50;

/// The object with a run's summary.
pub(super) const SUMMARY: &str = "summary.json";

impl Ending {
    /// The run ends from now on.
    fn new(since: Millis, confirmed: Confirmed) -> Self {
        Ending {
            since,
            stopped_at: None,
            confirmed,
            empty_lists: 0,
            listed_at: None,
            listing: false,
            fewest: (u32::MAX, since),
            stuck: None,
            stage: Stage::Clearing,
        }
    }
}

impl Run {
    /// How long tasks are given to end by themselves: agents poll the wish, images
    /// have nobody who does that surely.
    pub(super) fn patience(&self) -> Millis {
        if self.is_of_images() { 0 } else { self.wish.poll_ms * 6 / 5 + GRACE_MS }
    }
}

impl Actor {
    /// Begins the end if the wish says so, and takes the next step towards zero.
    pub(super) fn advance_end(&mut self, wish: &Wish, now: Millis) {
        self.begin_end(wish, now);
        let Some(run) = &mut self.run else {
            return;
        };
        let patience = run.patience();
        let Some(ending) = run.ending.as_mut().filter(|it| it.stage == Stage::Clearing) else {
            return;
        };
        if now.saturating_sub(ending.since) >= patience {
            self.stop_all();
        }
        self.watch_for_standstill(now);
        let Some(run) = &mut self.run else {
            return;
        };
        let quiet = run.slots.is_quiet()
            && run.launches.is_empty()
            && run.launching == 0
            && !run.recording
            && run.strays.is_empty()
            && now >= run.doubtful_until;
        let Some(ending) = run.ending.as_mut().filter(|_| quiet) else {
            return;
        };
        let wait = if ending.empty_lists > 0 { SETTLE_MS } else { LIST_EVERY_MS };
        if ending.empty_lists >= 2 && run.wish.state == State::Stop {
            self.collect();
        } else if !ending.listing && ending.listed_at.is_none_or(|at| now >= at + wait) {
            ending.listing = true;
            ending.listed_at = Some(now);
            let (id, cloud) = (run.id.clone(), run.cloud.clone());
            let started_by = started_by(&id);
            self.spawn_of_run(&id, async move {
                RunDone::Listed(cloud.list_tasks(Some(&started_by)).await)
            });
        }
    }

    fn begin_end(&mut self, wish: &Wish, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        if wish.state == State::Stop && run.ending.is_none() {
            let confirmed = run.confirmed.unwrap_or(Confirmed::ByWish);
            run.ending = Some(Ending::new(now, confirmed));
        }
        let stopped = run.wish.state == State::Stop;
        if let Some(ending) = run.ending.as_mut().filter(|_| stopped) {
            ending.stopped_at.get_or_insert(at);
        }
    }

    fn collect(&mut self) {
        let at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(ending) = &mut run.ending else {
            return;
        };
        ending.stage = Stage::Collecting;
        let results = Results::new(&run.wish, ending.stopped_at.unwrap_or(at));
        let (id, prefix, reading) = (run.id.clone(), run.key("results/"), Arc::clone(&run.reading));
        let job = jobs::results(run.cloud.clone(), prefix, results, reading);
        self.spawn_of_run(&id, async {
            let (results, unusable) = job.await;
            RunDone::Results(Box::new(results), unusable)
        });
    }

    /// Calls StopTask for a task that no slot knows.
    pub(super) fn stop_stray(&mut self, arn: String, reason: &'static str) {
        let now = self.clock.monotonic();
        // Few, and the end waits for them: they take what is left of the quota.
        let _counted = self.quotas.change.take(now, 0.0);
        let Some(run) = &self.run else {
            return;
        };
        let (id, journal) = (run.id.clone(), run.journal.clone());
        let job = jobs::stop(run.cloud.clone(), journal, arn.clone(), reason);
        self.spawn_of_run(&id, async { RunDone::StrayStopped(arn, job.await) });
    }

    /// Says exactly what is left where nothing has become less for too long.
    fn watch_for_standstill(&mut self, now: Millis) {
        let names = self.cloud.names().clone();
        let untold = self.quotas.change.time_for(self.run.as_ref().map_or(0, Run::tasks_left));
        let Some(run) = &mut self.run else {
            return;
        };
        let (left, patience) = (run.tasks_left(), run.patience());
        let over = STUCK_AFTER * run.registry.stop_ms();
        let Some(ending) = &mut run.ending else {
            return;
        };
        if left < ending.fewest.0 {
            ending.fewest = (left, now);
            ending.stuck = None;
        }
        let deadline = ending.fewest.1 + patience + untold + over;
        if left == 0 || now < deadline || ending.stuck.is_some() {
            return;
        }
        let stuck = Arc::new(stuck(run, &names));
        if let Some(ending) = &mut run.ending {
            ending.stuck = Some(Arc::clone(&stuck));
        }
        let text = format!(
            "{left} tasks of run {} do not end: {}; by hand: {}",
            run.id,
            stuck.what.join(", "),
            stuck.commands.join("; ")
        );
        self.notice(Level::Error, text);
    }

    /// A list of the run's tasks came.
    pub(super) fn learn_listed(&mut self, answer: Result<Vec<String>, CloudError>) {
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(ending) = &mut run.ending else {
            return;
        };
        ending.listing = false;
        match answer {
            Ok(arns) if arns.is_empty() => ending.empty_lists += 1,
            Ok(arns) => {
                ending.empty_lists = 0;
                run.strays.extend(arns.iter().cloned());
                for arn in arns {
                    self.stop_stray(arn, "the run has ended");
                }
            }
            Err(error) => {
                ending.empty_lists = 0;
                self.failed(&error, "whether everything has ended is looked at again");
            }
        }
    }

    /// A run that was ended before its first wish could be written: nothing of it was
    /// ever started, since nothing is before the wish is there.
    pub(super) fn end_before_it_began(&mut self, now: Millis) {
        let waits = self.looks.editing;
        let stops =
            |run: &Run| run.queue.iter().any(|edit| matches!(edit.change, Change::Stop { .. }));
        let Some(run) = self.run.as_mut().filter(|run| !waits && stops(run)) else {
            return;
        };
        let confirmed = run.confirmed.unwrap_or(Confirmed::ByWish);
        run.ending = Some(Ending { stage: Stage::Ended, ..Ending::new(now, confirmed) });
        run.queue.clear();
        let text = format!("run {} has ended before it could begin", run.id);
        self.notice(Level::Warning, text);
    }

    /// The results came: the summary is made, and the end is written down.
    pub(super) fn learn_results(&mut self, results: &Results, unusable: Vec<String>) {
        for object in unusable {
            self.notice(Level::Error, format!("results are missing: {object}"));
        }
        let calls = self.cloud.calls();
        self.count_cost_now(self.clock.monotonic());
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(ending) = &run.ending else {
            return;
        };
        let facts = Facts {
            run: run.id.clone(),
            started_at: run.registry.started_ms,
            ended_at: wall(),
            confirmed: ending.confirmed,
            wish: run.wish.clone(),
            target: run.registry.target.clone().unwrap_or_default(),
            tasks_started: run.tally.started,
            tasks_failed: run.tally.failed,
            tasks_left: run.slots.counts().placed(),
            devices_report: !run.is_of_images(),
            devices_given_up: run.devices_given_up(),
            lost: run.tally.lost.clone(),
            calls: since(&calls, &run.calls_before),
            cost: run.bill(),
        };
        let summary = Arc::new(Summary::new(&facts, results));
        run.summary = Some(Arc::clone(&summary));
        run.registry.ended_at = Some(wall());
        self.let_go_of_group();
    }

    /// Writes the end down.
    pub(super) fn finish(&mut self) {
        let Some(run) = &self.run else {
            return;
        };
        let Some(summary) = &run.summary else {
            return;
        };
        let json = |value: serde_json::Result<Vec<u8>>| value.expect("plain data is JSON").into();
        let objects = [
            (run.key(SUMMARY), json(serde_json::to_vec(summary.as_ref()))),
            (run.key(REGISTRY), json(serde_json::to_vec(&run.registry))),
        ];
        let (id, journal) = (run.id.clone(), run.journal.clone());
        let job = jobs::finish(run.cloud.clone(), journal, id.clone(), objects);
        self.spawn_of_run(&id, async { RunDone::Finished(job.await) });
    }

    /// The run's end is in the registry: it has ended.
    pub(super) fn learn_finished(&mut self, answer: Result<(), CloudError>) {
        if let Err(error) = answer {
            let then = "the run has ended, and the registry in its bucket does not say so";
            self.failed(&error, then);
        }
        self.write_summary();
        let Some(run) = &mut self.run else {
            return;
        };
        if let Some(ending) = &mut run.ending {
            ending.stage = Stage::Ended;
        }
        let (id, scale_to_zero) = (run.id.clone(), run.wish.scale_to_zero);
        self.notice(Level::Info, format!("run {id} has ended: no task is left"));
        if let Some(run) = &mut self.run {
            (run.telling.last_word, run.telling.from) = (true, 0);
        }
        if scale_to_zero {
            // Which instances are empty by now must be seen first.
            self.fleet.tasks_changed();
            self.to_least = true;
        }
    }

    /// Writes the summary and the registry's entry into the run's folder.
    fn write_summary(&mut self) {
        let Some(run) = &self.run else {
            return;
        };
        let Some(summary) = &run.summary else {
            return;
        };
        let written = RunFolder::create(&self.options.runs, &run.id).and_then(|folder| {
            folder.write_json(SUMMARY, summary.as_ref())?;
            folder.write_json(REGISTRY, &run.registry)
        });
        if let Err(error) = written {
            self.notice_no_folder(&error);
        }
    }

    /// Sees that a run which another one leads has ended, and reads what it found.
    pub(super) fn follow_end(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| run.over == Over::No) else {
            return;
        };
        let ended = |phase| phase == super::snapshot::Phase::Ended;
        if run.table != TableState::Unknown
            || !run.told.as_ref().is_some_and(|(told, _)| ended(told.phase))
        {
            return;
        }
        run.over = Over::Reading;
        let (id, cloud, key) = (run.id.clone(), run.cloud.clone(), run.key(SUMMARY));
        self.spawn_of_run(&id, async move {
            RunDone::Summary(cloud.get_object(&key, None).await.map(|(found, _)| found))
        });
    }

    /// The summary that the leader made was read.
    pub(super) fn learn_summary(&mut self, answer: Result<Fetched, CloudError>) {
        let Some(run) = &mut self.run else {
            return;
        };
        run.over = Over::Yes;
        let id = run.id.clone();
        if run.confirmed.is_some() && run.wish.scale_to_zero {
            // Its leader may have left with the run's end: whoever asked sees to the
            // instances as well. One that is told to go twice goes once.
            self.fleet.tasks_changed();
            self.to_least = true;
        }
        match answer {
            Ok(Fetched::New(object)) => match serde_json::from_slice::<Summary>(&object.body) {
                Ok(summary) => run.summary = Some(Arc::new(summary)),
                Err(error) => {
                    let text = format!("the summary of run {id} cannot be read: {error}");
                    self.notice(Level::Warning, text);
                }
            },
            Ok(_) => {
                self.notice(Level::Warning, format!("run {id} has no summary in its bucket"));
            }
            Err(error) => self.failed(&error, "the run has ended, its summary is in its bucket"),
        }
        self.notice(Level::Info, format!("run {id} has ended: no task is left"));
    }
}

/// What is left of a run, and how to end it by hand.
fn stuck(run: &Run, names: &Names) -> Stuck {
    let placed = run.slots.iter().filter_map(|slot| match &slot.state {
        SlotState::Placed { arn, .. } => {
            Some((format!("task {}", task_name(slot.number, slot.attempt)), arn.clone()))
        }
        _ => None,
    });
    let strays = run.strays.iter().map(|arn| ("a task in no slot".to_owned(), arn.clone()));
    let left: Vec<(String, String)> = placed.chain(strays).collect();
    if left.is_empty() {
        let by = started_by(&run.id);
        return Stuck {
            what: vec!["a RunTask whose answer is missing".to_owned()],
            commands: vec![format!(
                "aws ecs list-tasks --cluster {} --started-by {by}",
                names.cluster
            )],
        };
    }
    let mut stuck = Stuck {
        what: left.iter().take(NAMED_MOST).map(|(what, arn)| format!("{what} ({arn})")).collect(),
        commands: left
            .iter()
            .take(NAMED_MOST)
            .map(|(_, arn)| format!("aws ecs stop-task --cluster {} --task {arn}", names.cluster))
            .collect(),
    };
    if left.len() > NAMED_MOST {
        stuck.what.push(format!("and {} more", left.len() - NAMED_MOST));
        let list = format!(
            "aws ecs list-tasks --cluster {} --started-by {}",
            names.cluster,
            started_by(&run.id)
        );
        stuck.commands.push(list);
    }
    stuck
}

/// The calls of one run: those by now without those before it.
fn since(now: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let fewer = |(call, count): (&String, &u64)| {
        (call.clone(), count - before.get(call).copied().unwrap_or(0).min(*count))
    };
    now.iter().map(fewer).filter(|(_, count)| *count > 0).collect()
}
