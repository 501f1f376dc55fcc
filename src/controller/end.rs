//! Bringing a run to zero, and collecting what it found.
//!
//! Invariant: a run has ended when every task that was ever placed is STOPPED, no
//! RunTask is on its way, and two lists of the run's tasks, a settle time apart,
//! were empty. Only then are the results collected and the summary made.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    actor::Actor,
    clock::wall,
    jobs::{self, RunDone},
    run::{Ending, Stage},
    snapshot::Level,
};
use crate::{
    cloud::CloudError,
    model::{Millis, confirmed::Confirmed, slots::SlotState},
    record::{Intent, RunFolder},
    report::{Facts, Results, Summary},
};

/// How long agents may take to end by themselves, beyond one poll: draining, the
/// last results.
const GRACE_MS: Millis = 4_000;
/// How far apart the two empty lists are.
const SETTLE_MS: Millis = 500;
/// How often a list is asked for while something is left.
const LIST_EVERY_MS: Millis = 1_000;

impl Ending {
    /// The run ends from now on.
    pub(super) fn new(since: Millis, confirmed: Confirmed, scale_to_zero: bool) -> Self {
        Ending {
            since,
            stopped_at: None,
            confirmed,
            scale_to_zero,
            empty_lists: 0,
            listed_at: None,
            listing: false,
            stage: Stage::Clearing,
        }
    }
}

impl Actor {
    /// Takes the next step towards zero.
    pub(super) fn advance_end(&mut self, now: Millis) {
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(ending) = run.ending.as_mut().filter(|it| it.stage == Stage::Clearing) else {
            return;
        };
        let patience = run.wish.poll_ms * 6 / 5 + GRACE_MS;
        if now.saturating_sub(ending.since) >= patience {
            self.stop_all();
        }
        let Some(run) = &mut self.run else {
            return;
        };
        let quiet = run.slots.is_quiet()
            && run.launches.is_empty()
            && run.launching == 0
            && !run.recording
            && run.strays.is_empty();
        let Some(ending) = run.ending.as_mut().filter(|_| quiet) else {
            return;
        };
        let wait = if ending.empty_lists > 0 { SETTLE_MS } else { LIST_EVERY_MS };
        if ending.empty_lists >= 2 {
            ending.stage = Stage::Collecting;
            let stopped_at = ending.stopped_at.unwrap_or_else(|| self.clock.bucket());
            let results = Results::new(&run.wish, stopped_at);
            let (id, prefix, progress) =
                (run.id.clone(), run.key("results/"), Arc::clone(&run.progress));
            let job = jobs::results(self.cloud.clone(), prefix, results, progress);
            self.spawn_of_run(&id, async {
                let (results, unusable) = job.await;
                RunDone::Results(Box::new(results), unusable)
            });
        } else if !ending.listing && ending.listed_at.is_none_or(|at| now >= at + wait) {
            ending.listing = true;
            ending.listed_at = Some(now);
            let (id, cloud) = (run.id.clone(), self.cloud.clone());
            let started_by = run.started_by();
            self.spawn_of_run(&id, async move {
                RunDone::Listed(cloud.list_tasks(Some(&started_by)).await)
            });
        }
    }

    /// Tells every task to stop that was not told yet.
    fn stop_all(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        let left: Vec<(u32, String)> = run
            .slots
            .iter()
            .filter_map(|slot| match &slot.state {
                SlotState::Placed { arn, stopping: false, .. } => Some((slot.number, arn.clone())),
                _ => None,
            })
            .collect();
        for (slot, arn) in left {
            self.stop_task(slot, arn, "the run has ended");
        }
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
                let (id, journal) = (run.id.clone(), run.journal.clone());
                run.strays.extend(arns.iter().cloned());
                for arn in arns {
                    let job = jobs::stop(
                        self.cloud.clone(),
                        journal.clone(),
                        arn.clone(),
                        "the run has ended",
                    );
                    self.spawn_of_run(&id, async { RunDone::StrayStopped(arn, job.await) });
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
    pub(super) fn end_before_it_began(&mut self) {
        let waits = self.looks.editing;
        let Some(run) = self.run.as_mut().filter(|_| !waits) else {
            return;
        };
        let Some(ending) = &mut run.ending else {
            return;
        };
        ending.stage = Stage::Ended;
        let text = format!("run {} has ended before it could begin", run.id);
        self.notice(Level::Warning, text);
    }

    /// The results came: the run has ended.
    pub(super) fn learn_results(&mut self, results: &Results, unusable: Vec<String>) {
        for object in unusable {
            self.notice(Level::Error, format!("results are missing: {object}"));
        }
        let calls = self.cloud.calls();
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(ending) = &mut run.ending else {
            return;
        };
        ending.stage = Stage::Ended;
        let (confirmed, scale_to_zero) = (ending.confirmed, ending.scale_to_zero);
        let facts = Facts {
            run: run.id.clone(),
            started_at: run.started_at,
            ended_at: wall(),
            confirmed,
            wish: run.wish.clone(),
            target: self
                .options
                .plan
                .as_ref()
                .and_then(crate::plan::Plan::target)
                .map_or_else(String::new, ToString::to_string),
            tasks_started: run.tally.started,
            tasks_failed: run.tally.failed,
            tasks_left: run.slots.arns().count() as u32,
            devices_given_up: run.devices_given_up(),
            lost: run.lost.clone(),
            calls: since(&calls, &run.calls_before),
        };
        let summary = Arc::new(Summary::new(&facts, results));
        run.summary = Some(Arc::clone(&summary));
        if let Some(journal) = &run.journal {
            let number = journal.intent(wall(), Intent::EndRun { run: run.id.clone() });
            journal.outcome(wall(), number, "ok");
        }
        let (id, file) = (run.id.clone(), run.folder.join("summary.json"));
        let written = RunFolder::create(&self.options.runs, &id)
            .and_then(|folder| folder.write_json("summary.json", summary.as_ref()));
        if let Err(error) = written {
            self.notice(Level::Error, format!("{} cannot be written: {error}", file.display()));
        }
        self.notice(Level::Info, format!("run {id} has ended: no task is left"));
        if scale_to_zero {
            self.scale_to(self.fleet.view().min);
        }
    }
}

/// The calls of one run: those by now without those before it.
fn since(now: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let fewer = |(call, count): (&String, &u64)| {
        (call.clone(), count - before.get(call).copied().unwrap_or(0).min(*count))
    };
    now.iter().map(fewer).filter(|(_, count)| *count > 0).collect()
}
