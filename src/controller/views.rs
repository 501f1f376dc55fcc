//! What the screen gets of a run.
//!
//! Invariant: who leads says what it knows; who follows says what the leader told
//! it, with the age that has.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::{
    actor::Actor,
    clock::wall,
    progress::Progress,
    run::{Over, Run, Stage},
    snapshot::{Aged, OrdersView, Phase, RampView, RunView, Snapshot, TasksView},
    sweep::Sweep,
};
use crate::{
    model::{
        Millis, ramp,
        wish::{State, Wish},
    },
    plan::Plan,
};

/// A task that its capacity provider has an instance for leaves PROVISIONING sooner.
const PROVISIONED_WITHIN_MS: Millis = 15_000;

impl Actor {
    /// All that is known now.
    pub(super) fn snapshot(&self) -> Snapshot {
        let (now, at) = (self.clock.monotonic(), self.clock.bucket());
        let run = self.run.as_ref();
        let wish = run.map(|run| run.preview(at));
        let plan = run.and_then(|run| run.plan.as_ref()).or(self.options.plan.as_ref());
        let tasks = run.map_or_else(Aged::default, |run| self.tasks_view(run, now));
        let unwritten = run.map_or(0, |run| run.queue.len() + run.opening.pending())
            + self.held.len()
            + self.fleet.calls.max(self.fleet.unfinished());
        Snapshot {
            at: wall(),
            site: self.site.clone(),
            target: plan.and_then(Plan::target).map_or_else(String::new, ToString::to_string),
            run: run.zip(wish.as_ref()).map(|(run, wish)| self.run_view(run, wish, now)),
            capacity: self.capacity_view(&tasks.value),
            instances: Aged { value: self.instances_view(), at: self.fleet_at },
            tasks,
            task_rows: run.map_or_else(Aged::default, |run| run.rows.view()),
            devices: run.zip(wish.as_ref()).map_or_else(Aged::default, |(run, wish)| {
                run.figures.devices(wish.live.len(), |at| self.clock.to_wall(at))
            }),
            ramp: wish.as_ref().map(|wish| ramp_view(wish, at)).unwrap_or_default(),
            traffic: run.map_or_else(Aged::default, |run| run.figures.traffic()),
            latency: run.map_or_else(Aged::default, |run| run.live.latency()),
            marks: run.map_or_else(Arc::default, |run| run.marks.list()),
            throttled: self.throttled_view(now),
            notices: self.notices.list(),
            calls: self.cloud.calls(),
            finding: self.is_finding(),
            others: self.others.clone(),
            orders: OrdersView { unwritten: unwritten as u32, ..self.orders.clone() },
            cost: run.and_then(Run::bill),
            basis: self.basis.clone(),
        }
    }

    /// What is slowed down at this time.
    fn throttled_view(&self, now: Millis) -> BTreeMap<String, Millis> {
        let still = self.slowed.iter().filter(|(_, until)| **until > now);
        still.map(|(call, until)| ((*call).to_owned(), wall() + (until - now))).collect()
    }

    fn run_view(&self, run: &Run, wish: &Wish, now: Millis) -> RunView {
        RunView {
            id: run.id.clone(),
            phase: self.phase(run, wish, now),
            started_at: run.registry.started_ms,
            lease_left_ms: run.wish.lease_until.saturating_sub(self.clock.bucket()),
            lead: self.lead_view(now),
            warning: self.warning(run),
            poll_ms: run.wish.poll_ms,
            rate: run.wish.rates.get(&0).copied(),
            stuck: match (&run.ending, &run.told) {
                (Some(ending), _) => ending.stuck.clone(),
                (None, Some((told, _))) => told.stuck.clone().map(Arc::new),
                (None, None) => None,
            },
            folder: run.folder.clone(),
            summary: run.summary.clone(),
        }
    }

    /// What is wrong for as long as the run lasts.
    pub(super) fn warning(&self, run: &Run) -> Option<String> {
        if !run.is_of_images() || run.has_ended() {
            return None;
        }
        let names = run.cloud.names();
        if names.bucket.is_empty() {
            return Some(format!(
                "without a bucket nothing ends the tasks of {} by itself, and the run is known on \
                 this machine only: end it with K or loadtop killall before you leave; later \
                 loadtop reap does, or an end of the instances",
                names.task_definition
            ));
        }
        let (name, watched) = match (&run.registry.definition, &self.fleet.definition) {
            (Some(definition), _) => (&definition.name, definition.watchdog.is_some()),
            (None, Some(seen)) => {
                (&seen.name, seen.containers.iter().any(|name| name.contains("watchdog")))
            }
            (None, None) => return None,
        };
        (!self.site.ends_programs && !watched).then(|| {
            format!(
                "nothing ends the tasks of {name} by itself when every controller is gone: end the \
                 run with K before you leave"
            )
        })
    }

    /// What the run is at.
    pub(super) fn phase(&self, run: &Run, wish: &Wish, now: Millis) -> Phase {
        if run.has_ended() {
            return Phase::Ended;
        }
        if run.over == Over::Reading {
            return Phase::Collecting { read: 0, of: 0 };
        }
        if let Some(ending) = &run.ending {
            return match ending.stage {
                Stage::Ended => Phase::Ended,
                Stage::Collecting => Phase::Collecting {
                    read: run.reading.read.load(Ordering::Relaxed),
                    of: run.reading.of.load(Ordering::Relaxed),
                },
                Stage::Clearing => Phase::Ending {
                    tasks_left: run.tasks_left(),
                    left_ms: ending.stuck.is_none().then(|| self.left_ms(run, now)),
                },
            };
        }
        match (wish.state, &run.told) {
            (State::Stop, Some((Progress { phase, .. }, _)))
                if matches!(phase, Phase::Ending { .. } | Phase::Collecting { .. }) =>
            {
                *phase
            }
            (State::Stop, told) => Phase::Ending {
                tasks_left: told.as_ref().map_or(0, |(told, _)| told.tasks.running),
                left_ms: None,
            },
            (State::Paused, _) => Phase::Paused,
            (State::Run, _) => Phase::Running,
        }
    }

    /// How long the end takes at most, if all goes well: agents have their time to see
    /// the wish, then each task that is left takes a StopTask and its stop timeout.
    fn left_ms(&self, run: &Run, now: Millis) -> Millis {
        let Some(ending) = &run.ending else {
            return 0;
        };
        let patience = (ending.since + run.patience()).saturating_sub(now);
        let counts = run.slots.counts();
        let untold = counts.pending + counts.running + counts.asked;
        let calls = self.quotas.change.time_for(untold);
        patience + calls + if run.slots.is_quiet() { 0 } else { run.registry.stop_ms() }
    }

    fn tasks_view(&self, run: &Run, now: Millis) -> Aged<TasksView> {
        if run.has_table() || run.has_ended() && run.told.is_none() {
            // Where there is no task, none is asked about, and nothing can be old.
            let at = if run.slots.is_quiet() { Some(wall()) } else { self.tasks_at };
            let at = at.filter(|_| self.tasks_at.is_some());
            return Aged { value: run.tasks(self.pace(run), now), at };
        }
        run.told.as_ref().map_or_else(Aged::default, |(told, _)| Aged {
            value: told.tasks.clone(),
            at: Some(self.clock.to_wall(told.at)),
        })
    }

    /// What is told to those who do not lead.
    pub(super) fn progress(&self, run: &Run, now: Millis) -> Progress {
        let at = self.clock.bucket();
        Progress {
            at,
            phase: self.phase(run, &run.preview(at), now),
            tasks: run.tasks(self.pace(run), now),
            stuck: run.ending.as_ref().and_then(|it| it.stuck.as_deref().cloned()),
            tally: run.tally.clone(),
            cost: run.counted(),
        }
    }
}

impl Run {
    /// Tasks that are not known to be gone.
    pub(super) fn tasks_left(&self) -> u32 {
        let counts = self.slots.counts();
        counts.placed() + counts.asked + self.strays.len() as u32
    }

    /// The tasks for the screen.
    pub(super) fn tasks(&self, pace: super::sweep::Pace, now: Millis) -> TasksView {
        let counts = self.slots.counts();
        let provisioning = self.provisioning_longer(now, PROVISIONED_WITHIN_MS).len() as u32;
        let provisioning = provisioning.min(counts.pending);
        let requested = counts.free + counts.asked;
        let comes = requested + counts.waiting + counts.pending;
        TasksView {
            wanted: comes + counts.running + counts.given_up,
            requested,
            waiting_for_room: counts.waiting + provisioning,
            pending: counts.pending - provisioning,
            running: counts.running,
            stopping: counts.stopping,
            stopped: self.tally.stopped,
            failed: self.tally.failed,
            given_up: counts.given_up,
            failures: self.tally.failures.clone(),
            swept_every_ms: Sweep::every(counts.placed() as usize, pace),
        }
    }
}

/// The ramp for the screen.
fn ramp_view(wish: &Wish, at: Millis) -> RampView {
    let progress = ramp::progress(wish, at);
    RampView { total: progress.live, planned: progress.due, left_ms: progress.left_ms }
}
