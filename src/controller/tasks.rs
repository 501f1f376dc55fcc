//! What becomes of tasks: asked for, placed, running, stopped, lost.
//!
//! Invariant: a slot's task counts as gone only when ECS says STOPPED, or has not
//! known it for a whole lease; whatever is lost is counted by its reason and told.

use std::collections::BTreeSet;

use super::{actor::Actor, clock::wall, learn::RETRY_MS, run::Run, snapshot::Level};
use crate::{
    cloud::{
        CloudError, ErrorKind,
        types::{Started, TaskSeen},
    },
    model::{
        Millis,
        slots::{Gone, Outcome, SlotState},
        wish::State,
    },
};

/// How long a task of an ending run must be unknown to ECS until it counts as gone.
const UNKNOWN_MS: Millis = 15_000;

impl Actor {
    /// The requests of these slots are in the bucket, or could not be written.
    pub(super) fn learn_recorded(
        &mut self,
        launches: Vec<(u32, u32)>,
        answer: Result<(), CloudError>,
    ) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        run.recording = false;
        match answer {
            Ok(()) => run.launches.extend(launches),
            Err(error) => {
                if launches.is_empty() {
                    // Only outcomes, which the next write of the block carries.
                    return tracing::warn!("{error}; outcomes are not in the slot table yet");
                }
                for (slot, _) in launches {
                    run.slots.answered(slot, Outcome::NotAsked, now);
                }
                self.failed(&error, "no task is started before its slot is written");
            }
        }
    }

    pub(super) fn learn_started(&mut self, slot: u32, answer: Result<Started, CloudError>) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        run.launching = run.launching.saturating_sub(1);
        let name = Run::task_name(slot, run.slots.get(slot).map_or(0, |slot| slot.attempt));
        let (outcome, notice) = match answer {
            Ok(started) => match (started.tasks.first(), started.failures.first()) {
                (Some(task), _) => {
                    run.tally.started += 1;
                    (Outcome::Placed(task.arn.clone()), None)
                }
                (None, Some(failure)) if failure.is_capacity() => (Outcome::NoRoom, None),
                (None, Some(failure)) => {
                    run.failure(&failure.reason);
                    let text = format!(
                        "task {name} was not started: {} {}",
                        failure.reason, failure.detail
                    );
                    (Outcome::Refused, Some(text.trim_end().to_owned()))
                }
                (None, None) => (Outcome::Unknown, None),
            },
            Err(error) if error.kind == ErrorKind::Throttled => {
                let text = "AWS throttles RunTask: tasks are asked for again, more slowly";
                (Outcome::NotAsked, Some(text.to_owned()))
            }
            Err(error) if error.kind == ErrorKind::NotSent => {
                (Outcome::NotAsked, Some(format!("{error}; task {name} is asked for again")))
            }
            Err(error) if error.is_passing() => {
                (Outcome::Unknown, Some(format!("{error}; task {name} is asked for again")))
            }
            // ECS says so where the cluster has no instance at all.
            Err(error) if error.message.contains("No Container Instances") => {
                (Outcome::NoRoom, None)
            }
            Err(error) => {
                run.failure(error.code.as_deref().unwrap_or("refused"));
                (Outcome::Refused, Some(format!("{error}; task {name} was not started")))
            }
        };
        run.changed_blocks.insert(Run::block_of(slot));
        match outcome {
            Outcome::Placed(_) => {
                self.fleet.tasks_changed();
                run.slots.room_came();
            }
            // Whoever waits behind this one would find no room either.
            Outcome::NoRoom => {
                for (waiting, _) in std::mem::take(&mut run.launches) {
                    run.slots.answered(waiting, Outcome::NoRoom, now);
                }
            }
            _ => {}
        }
        run.slots.answered(slot, outcome, now);
        let given_up = matches!(run.slots.get(slot).map(|it| &it.state), Some(SlotState::GivenUp));
        if let Some(text) = notice {
            self.notice(Level::Warning, text);
        }
        if given_up {
            self.notice_given_up(slot);
        }
    }

    fn notice_given_up(&mut self, slot: u32) {
        let Some(run) = &self.run else {
            return;
        };
        let first = run.slots.first_device(slot);
        let text = format!(
            "slot {slot} (devices {first}–{}) is given up after {} failed tasks: its devices are \
             missing; see {}",
            first + run.slots.room() - 1,
            crate::model::slots::ATTEMPTS_MOST,
            run.folder.join("tasks").display()
        );
        self.notice(Level::Error, text);
    }

    pub(super) fn learn_stopped(&mut self, slot: u32, answer: Result<(), CloudError>) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        run.stopping.remove(&slot);
        match answer {
            // A task that is gone already is stopped; the next look sees it.
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => {
                run.slots.told_to_stop(slot, false);
                run.stop_from.insert(slot, now + RETRY_MS);
                let then = if error.kind == ErrorKind::Throttled {
                    "tasks are told to stop again, more slowly"
                } else {
                    "the task is told again"
                };
                self.failed(&error, then);
            }
        }
    }

    pub(super) fn learn_tasks(&mut self, asked: &[String], tasks: &[TaskSeen]) {
        self.tasks_at = Some(wall());
        self.learn_unknown(asked, tasks);
        for task in tasks {
            let Some(run) = &mut self.run else {
                return;
            };
            if task.last_status == "STOPPED" {
                run.strays.remove(&task.arn);
            }
            let Some(slot) = run.slots.by_arn(&task.arn) else {
                continue;
            };
            match task.last_status.as_str() {
                "RUNNING" => run.slots.is_running(slot),
                "STOPPED" => self.learn_gone(slot, task),
                _ => {}
            }
        }
        let now = self.clock.bucket();
        if let Some(run) = &mut self.run {
            let running = run.tasks().running;
            run.figures.expect(now, running);
        }
    }

    /// Tasks that ECS does not know: one that just started may be missing for a
    /// moment; one that stays missing is gone. Where it would be replaced, a whole
    /// lease has to pass, so that its devices have surely ended.
    fn learn_unknown(&mut self, asked: &[String], tasks: &[TaskSeen]) {
        let now = self.clock.monotonic();
        let lease = self.options.policy.lease_ms;
        let Some(run) = &mut self.run else {
            return;
        };
        let known: BTreeSet<&str> = tasks.iter().map(|task| task.arn.as_str()).collect();
        run.unknown.retain(|arn, _| !known.contains(arn.as_str()));
        let patience = if run.ending.is_some() { UNKNOWN_MS } else { lease };
        let mut gone = Vec::new();
        for arn in asked.iter().filter(|arn| !known.contains(arn.as_str())) {
            let since = *run.unknown.entry(arn.clone()).or_insert(now);
            if now.saturating_sub(since) >= patience {
                run.strays.remove(arn);
                gone.extend(run.slots.by_arn(arn).map(|slot| (slot, arn.clone())));
            }
        }
        for (slot, arn) in gone {
            self.learn_gone(
                slot,
                &TaskSeen {
                    container_reason: Some("ECS does not know it any more".to_owned()),
                    ..TaskSeen::stopped(arn)
                },
            );
        }
    }

    fn learn_gone(&mut self, slot: u32, task: &TaskSeen) {
        let now = self.clock.monotonic();
        let seen_at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(known) = run.slots.get(slot) else {
            return;
        };
        let asked = matches!(known.state, SlotState::Placed { stopping: true, .. });
        let name = Run::task_name(slot, known.attempt);
        let ending = run.ending.is_some() || run.wish.state == State::Stop;
        run.changed_blocks.insert(Run::block_of(slot));
        run.stop_from.remove(&slot);
        self.fleet.tasks_changed();
        let reason = reason(task);
        if asked || ending {
            run.slots.gone(slot, Gone::AsAsked, now);
            // One that was told to stop before its program began has no exit code.
            if task.exit_code == Some(0) || (asked && task.exit_code.is_none()) {
                run.tally.stopped += 1;
                return;
            }
            run.lost.push((name.clone(), seen_at));
            run.failure(&reason);
            let text = format!(
                "task {name} did not end cleanly, its last figures may be missing: {reason}"
            );
            return self.notice(Level::Warning, text);
        }
        run.lost.push((name.clone(), seen_at));
        run.failure(&reason);
        run.slots.gone(slot, Gone::Lost, now);
        let first = run.slots.first_device(slot);
        let devices = run.wish.live.within(first, run.slots.room()).len();
        let given_up = matches!(run.slots.get(slot).map(|it| &it.state), Some(SlotState::GivenUp));
        let then = if given_up { "" } else { "; it is replaced" };
        let text = format!("task {name} with {devices} devices ended by itself: {reason}{then}");
        self.notice(Level::Warning, text);
        if given_up {
            self.notice_given_up(slot);
        }
    }
}

/// Why a task ended, in a few words.
fn reason(task: &TaskSeen) -> String {
    let said = task.container_reason.as_deref().or(task.stopped_reason.as_deref());
    match (task.exit_code, said) {
        (Some(2), _) => "exit code 2: its settings or limits do not fit, see its log".to_owned(),
        (Some(code), None) => format!("exit code {code}"),
        (Some(code), Some(said)) => format!("exit code {code}, {said}"),
        (None, Some(said)) => said.to_owned(),
        (None, None) => "no reason given".to_owned(),
    }
}
