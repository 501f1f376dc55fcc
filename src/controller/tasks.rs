//! What becomes of tasks: asked for, placed, running, stopped, lost.
//!
//! Invariant: a slot's task counts as gone only when ECS says STOPPED, or has not
//! known it for a whole lease; whatever is lost is counted by its reason and told.

mod gone;
mod read;

use std::collections::BTreeSet;

use super::{
    actor::Actor,
    clock::wall,
    learn::RETRY_MS,
    requests::{block_of, of_name, task_name},
    run::DOUBT_MS,
    snapshot::Level,
};
use read::{read, reason_of, shortage};

use crate::{
    cloud::{
        CloudError, ErrorKind,
        types::{Started, TaskSeen},
    },
    model::{
        Millis,
        confirmed::Confirmed,
        registry::NoCapacity,
        slots::{Adopted, Outcome, SlotState},
        wish::{Change, Wish},
    },
};

/// How long a task of an ending run must be unknown to ECS until it counts as gone.
const UNKNOWN_MS: Millis = 15_000;
/// Slots that ask for room, too, when a task found some.
const MORE_MAY_ASK: usize = 16;

impl Actor {
    pub(super) fn learn_started(
        &mut self,
        slot: u32,
        attempt: u32,
        answer: Result<Started, CloudError>,
    ) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        run.launching = run.launching.saturating_sub(1);
        // Another leader may have been at it meanwhile: then it knows, or asks again.
        let awaited = run.slots.get(slot).is_some_and(|it| {
            it.attempt == attempt && matches!(it.state, SlotState::Asked { again_at: None })
        });
        if !run.has_table() {
            return;
        }
        if !awaited {
            // Its task was found in a list meanwhile: the call is over all the same. One
            // that counted as on its way for ever would keep the run from its end.
            if run.slots.get(slot).is_some_and(|it| it.attempt == attempt) {
                run.slots.answered(slot, Outcome::NotAsked, now);
            }
            return;
        }
        let refusal = reason_of(&answer);
        let shortage = shortage(&answer);
        let throttled = shortage.is_none()
            && matches!(&answer, Err(error) if error.kind == ErrorKind::Throttled);
        let conflict = matches!(&answer, Err(error) if error.kind == ErrorKind::Conflict);
        let (outcome, notice) = read(answer, &task_name(slot, attempt));
        run.changed_blocks.insert(block_of(slot));
        match &outcome {
            Outcome::Placed(_) => {
                run.tally.started += 1;
                self.fleet.tasks_changed();
                run.slots.room_for(MORE_MAY_ASK);
            }
            // Whoever waits behind this one would find no room either.
            Outcome::NoRoom => {
                for (waiting, _) in std::mem::take(&mut run.launches) {
                    run.slots.answered(waiting, Outcome::NoRoom, now);
                }
            }
            Outcome::Unknown => run.doubtful_until = now + DOUBT_MS,
            Outcome::Refused => {
                run.failure(&refusal);
                let why = notice.as_ref().unwrap_or(&refusal);
                run.note_refusal(slot, attempt, why, self.clock.bucket());
            }
            Outcome::NotAsked => {}
        }
        let is_placed = matches!(outcome, Outcome::Placed(_));
        run.slots.answered(slot, outcome, now);
        let given_up = run.slots.get(slot).is_some_and(|it| it.state == SlotState::GivenUp);
        if let Some(text) = notice {
            self.notice(Level::Warning, text);
        }
        match shortage {
            Some(shortage) => self.note_shortage(shortage),
            None if is_placed => self.supply.shortage = None,
            None => {}
        }
        if throttled {
            self.throttled("RunTask");
        }
        if conflict {
            self.look_for_strays();
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

    /// Gives up on room for those who waited for it too long, as the run's policy says.
    pub(super) fn give_up_on_room(&mut self, wish: &Wish, now: Millis) {
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let policy = &run.registry.policy;
        let (wait, then) = (policy.capacity_wait_ms, policy.no_capacity);
        let mut waiting = run.slots.waiting_longer(now, wait);
        waiting.extend(run.provisioning_longer(now, wait));
        if waiting.is_empty() {
            return;
        }
        let mut devices = crate::model::ranges::DeviceSet::new();
        for slot in waiting {
            let range = wish.live.within(run.slots.first_device(slot), run.slots.room());
            for range in range.ranges() {
                devices.insert(*range.start(), range.end() - range.start() + 1);
            }
        }
        let count = devices.len();
        if count == 0 {
            return;
        }
        run.failure("no room");
        let waited = humantime::format_duration(std::time::Duration::from_millis(wait));
        let short = self.supply.shortage.map(|it| it.name(self.is_spot()));
        let short = short.map_or_else(String::new, |short| format!(" ({short})"));
        let why = format!("{count} devices found no room for {waited}{short}");
        match then {
            NoCapacity::Shrink => {
                if let Some(run) = &mut self.run {
                    run.change(Change::Drop { devices });
                }
                let text = format!("{why}: the run goes on without them (--no-capacity)");
                self.notice(Level::Error, text);
            }
            NoCapacity::Abort => self.abort(&format!("{why} (--no-capacity)")),
        }
    }

    /// Ends the run since its policy says so.
    pub(super) fn abort(&mut self, why: &str) {
        if let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) {
            run.confirmed = Some(Confirmed::ByPolicy);
            run.change(Change::Stop { scale_to_zero: false });
            self.notice(Level::Error, format!("the run is aborted: {why}"));
        }
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
                if error.kind == ErrorKind::Throttled {
                    self.throttled("StopTask");
                } else {
                    self.failed(&error, "the task is told again");
                }
            }
        }
    }

    /// Tasks that carry the run's name were described: one whose call had lost its
    /// answer is its slot's; any other is stopped.
    pub(super) fn learn_strays(&mut self, answer: Result<Vec<TaskSeen>, CloudError>) {
        let now = self.clock.monotonic();
        let tasks = match answer {
            Ok(tasks) => tasks,
            Err(error) => {
                self.failed(&error, "tasks that no slot knows are looked for at the end");
                return;
            }
        };
        if !self.leads(now) {
            return;
        }
        let Some(run) = &mut self.run else {
            return;
        };
        let mut strays = Vec::new();
        for task in tasks.into_iter().filter(|task| task.last_status != "STOPPED") {
            let adopted = match task.name.as_deref().and_then(of_name) {
                Some((slot, attempt)) => {
                    run.changed_blocks.insert(block_of(slot));
                    run.slots.adopt(slot, attempt, &task.arn, now)
                }
                None => Adopted::Stray,
            };
            if adopted == Adopted::Stray && run.strays.insert(task.arn.clone()) {
                strays.push(task.arn);
            }
        }
        for arn in strays {
            let text = format!("{arn} carries the run's name and is in no slot: it is stopped");
            self.notice(Level::Warning, text);
            self.stop_stray(arn, "no slot of its run knows it");
        }
    }

    pub(super) fn learn_tasks(&mut self, asked: &[String], tasks: &[TaskSeen]) {
        let at = self.clock.monotonic();
        self.tasks_at = Some(wall());
        self.learn_unknown(asked, tasks);
        for task in tasks {
            let Some(run) = &mut self.run else {
                return;
            };
            if task.last_status == "STOPPED" {
                run.strays.remove(&task.arn);
                run.hosts.remove(&task.arn);
            } else if let Some(host) = &task.instance_arn {
                run.hosts.insert(task.arn.clone(), host.clone());
            }
            run.note_provisioning(task, at);
            let Some(slot) = run.slots.by_arn(&task.arn) else {
                continue;
            };
            if let Some((slot, host)) = run.slots.get(slot).zip(task.instance_arn.as_deref()) {
                run.noted.is_on(slot, self.clock.bucket(), || self.fleet.machine_of(host));
            }
            match task.last_status.as_str() {
                "RUNNING" => run.slots.is_running(slot),
                "STOPPED" => self.learn_gone(slot, task),
                _ => {}
            }
        }
        let now = self.clock.bucket();
        if let Some(run) = &mut self.run {
            run.figures.expect(now, run.slots.counts().running);
        }
    }

    /// Tasks that ECS does not know: one that just started may be missing for a
    /// moment; one that stays missing is gone. Where it would be replaced, a whole
    /// lease has to pass, so that its devices have surely ended.
    fn learn_unknown(&mut self, asked: &[String], tasks: &[TaskSeen]) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        let known: BTreeSet<&str> = tasks.iter().map(|task| task.arn.as_str()).collect();
        run.unknown.retain(|arn, _| !known.contains(arn.as_str()));
        let ending = run.ending.is_some();
        let patience = if ending { UNKNOWN_MS } else { run.registry.policy.lease_ms };
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
}
