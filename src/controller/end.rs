//! Bringing a run to zero, and collecting what it found.
//!
//! Invariant: a run has ended when every task that was ever placed is STOPPED, no
//! RunTask is on its way, and two lists of the run's tasks, a settle time apart,
//! were empty. Only then are the results collected and the summary made.

use std::sync::Arc;

use super::{
    actor::Actor,
    jobs::{self, RunDone},
    run::{Ending, Stage},
    snapshot::Level,
};
use crate::{
    cloud::CloudError,
    model::{Millis, confirmed::Confirmed, slots::SlotState},
    record::{Intent, RunFolder},
    report::{Facts, Summary},
    stats::Part,
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
        let quiet = run.slots.is_quiet() && run.launches.is_empty() && run.launching == 0;
        let Some(ending) = run.ending.as_mut().filter(|_| quiet) else {
            return;
        };
        let wait = if ending.empty_lists > 0 { SETTLE_MS } else { LIST_EVERY_MS };
        if ending.empty_lists >= 2 {
            ending.stage = Stage::Collecting;
            let (id, prefix) = (run.id.clone(), run.key("results/"));
            let job = jobs::results(self.cloud.clone(), prefix);
            self.spawn_of_run(&id, async { RunDone::Results(job.await) });
        } else if !ending.listing && ending.listed_at.is_none_or(|at| now >= at + wait) {
            ending.listing = true;
            ending.listed_at = Some(now);
            let (id, cloud) = (run.id.clone(), self.cloud.clone());
            let started_by = format!("loadtop/{id}");
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
            if let Some(run) = &mut self.run {
                run.slots.told_to_stop(slot, true);
            }
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

    /// The results came: the run has ended.
    pub(super) fn learn_results(&mut self, answer: Result<(Vec<Part>, Vec<String>), CloudError>) {
        let (parts, unusable) = match answer {
            Ok(results) => results,
            Err(error) => {
                if let Some(ending) = self.run.as_mut().and_then(|run| run.ending.as_mut()) {
                    ending.stage = Stage::Clearing;
                }
                return self.failed(&error, "the results are collected again");
            }
        };
        for object in unusable {
            self.notice(Level::Error, format!("results are missing: {object}"));
        }
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(ending) = &run.ending else {
            return;
        };
        let facts = Facts {
            run: run.id.clone(),
            started_at: run.started_at,
            ended_at: super::clock::wall(),
            stopped_at: ending.stopped_at.unwrap_or_else(|| self.clock.bucket()),
            by_plan: ending.confirmed == Confirmed::ByPlan,
            wish: run.wish.clone(),
            tasks_started: run.tally.started,
            tasks_failed: run.tally.failed,
            tasks_left: run.slots.arns().count() as u32,
            calls: self.cloud.calls(),
        };
        let summary = Arc::new(Summary::new(&facts, &parts));
        run.summary = Some(Arc::clone(&summary));
        if let Some(journal) = &run.journal {
            let number =
                journal.intent(super::clock::wall(), Intent::EndRun { run: run.id.clone() });
            journal.outcome(super::clock::wall(), number, "ok");
        }
        let written = RunFolder::create(&self.options.runs, &run.id)
            .and_then(|folder| folder.write_json("summary.json", summary.as_ref()));
        let scale_to_zero = run.ending.as_mut().is_some_and(|ending| {
            ending.stage = Stage::Ended;
            ending.scale_to_zero
        });
        let (id, folder) = (run.id.clone(), run.folder.clone());
        if let Err(error) = written {
            let text =
                format!("{} cannot be written: {error}", folder.join("summary.json").display());
            self.notice(Level::Error, text);
        }
        self.notice(Level::Info, format!("run {id} has ended: no task is left"));
        if scale_to_zero {
            self.scale_to(self.fleet.view().min);
        }
    }
}
