//! A task's life: PROVISIONING → PENDING → RUNNING → DEACTIVATING → STOPPING →
//! DEPROVISIONING → STOPPED.
//!
//! Invariants: a task only moves forward; it is STOPPED only after its process is
//! known to have ended (or never to have begun), and holds its room until then;
//! a process is signalled only between its start and its end.

mod view;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ApiError, Effect, Engine, Exit, Quota, Timer,
    api::{Overrides, StopTask, StopTaskAnswer, Tag},
    definitions::Definition,
    fargate::{Interface, Market},
    ids::{ecs_arn, short},
    validate::Kind,
};
use crate::model::Millis;

/// How long the steps take that have nothing to wait for here.
pub(super) const STEP: Millis = 20;
/// How long a stopped task stays visible.
const STOPPED_VISIBLE: Millis = 3_600_000;
/// Stopped tasks that are remembered: a large fleet's, and its successor's.
pub(super) const MOST_STOPPED: usize = 20_000;
/// Characters that are kept of why a task was stopped.
const MOST_REASON: usize = 1024;
/// What processes get to end in when their machine goes.
const HOST_GOES: Millis = 2_000;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Provisioning,
    Pending,
    Running,
    Deactivating,
    Stopping,
    Deprovisioning,
    Stopped,
}

/// What is known of the machine that a task is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// It is there, and says what becomes of the task.
    There,
    /// It died, and nobody has noticed yet.
    Dead,
    /// It died, and the group knows.
    Gone,
}

/// What a task is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A machine of the group, by its number; the ARN of the instance that it is.
    Machine { number: u64, arn: String },
    /// Nothing yet: its capacity provider gets it a machine.
    Awaited,
    /// No machine that anybody sees.
    Fargate(Market),
}

impl Place {
    /// The number of its machine.
    pub(super) fn machine(&self) -> Option<u64> {
        match self {
            Place::Machine { number, .. } => Some(*number),
            Place::Awaited | Place::Fargate(_) => None,
        }
    }

    pub(super) fn launch_type(&self) -> &'static str {
        match self {
            Place::Machine { .. } | Place::Awaited => "EC2",
            Place::Fargate(_) => "FARGATE",
        }
    }
}

/// Why a task is to stop.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    code: &'static str,
    reason: String,
    at: Millis,
}

/// When things happened, apart from the stop.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) created: Millis,
    pub(super) started: Option<Millis>,
    pub(super) ended: Option<Millis>,
    pub(super) stopped: Option<Millis>,
}

/// A task.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: String,
    /// As many as the definition has containers.
    pub(super) container_ids: Vec<String>,
    pub(super) definition: Arc<Definition>,
    pub(super) place: Place,
    /// The capacity provider that it was started by.
    pub(super) provider: Option<&'static str>,
    pub(super) interface: Option<Interface>,
    pub(super) cpu: i32,
    pub(super) memory: i32,
    pub(super) stop_timeout: Millis,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) overrides: Overrides,
    pub(super) started_by: Option<String>,
    pub(super) group: String,
    pub(super) tags: Vec<Tag>,
    pub(super) enable_execute_command: bool,
    pub(super) phase: Phase,
    /// Set as soon as the desired status is STOPPED.
    pub(super) stop: Option<Stop>,
    pub(super) times: Times,
    pub(super) exit_code: Option<i32>,
    pub(super) container_reason: Option<String>,
    pub(super) version: u64,
    pub(super) host: Host,
    /// Its process ended on a machine that could not say so any more.
    pub(super) ended_unseen: bool,
    /// Its timer, if one runs.
    pub(super) due: Option<Millis>,
}

impl Task {
    pub(super) fn arn(&self, cluster: &str) -> String {
        ecs_arn(&format!("task/{cluster}/{}", self.id))
    }

    /// RUNNING as the lists and counters see it: a process is there.
    pub(super) fn is_running(&self) -> bool {
        (Phase::Running..=Phase::Stopping).contains(&self.phase)
    }

    pub(super) fn is_pending(&self) -> bool {
        self.phase < Phase::Running
    }

    pub(super) fn desired_status(&self) -> &'static str {
        if self.stop.is_some() { "STOPPED" } else { "RUNNING" }
    }
}

impl Engine {
    pub(crate) fn stop_task(
        &mut self,
        request: StopTask,
        now: Millis,
    ) -> Result<StopTaskAnswer, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Change, now)?;
        let number = self.find_task(self.identify(Kind::Task, &request.task)?);
        let number =
            number.ok_or_else(|| ApiError::parameter("The referenced task was not found."))?;
        let mut reason = request.reason.unwrap_or_else(|| "Task stopped by user".to_owned());
        if let Some((end, _)) = reason.char_indices().nth(MOST_REASON) {
            reason.truncate(end);
        }
        self.want_stopped(number, "UserInitiated", reason, now);
        Ok(StopTaskAnswer { task: self.tasks[&number].view(&self.setup.name, false) })
    }

    /// The number of the task with this id or ARN.
    pub(super) fn find_task(&self, id_or_arn: &str) -> Option<u64> {
        self.task_numbers.get(short(id_or_arn)).copied()
    }

    /// Flips the desired status, once; the first reason stays.
    pub(super) fn want_stopped(
        &mut self,
        number: u64,
        code: &'static str,
        reason: String,
        now: Millis,
    ) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if task.stop.is_some() {
            return;
        }
        task.stop = Some(Stop { code, reason, at: now });
        task.version += 1;
        if task.host != Host::There {
            return;
        }
        match task.phase {
            // Its process is on its way: it is told once it is there.
            Phase::Pending => {}
            _ => self.set_task_timer(number, Some(now + STEP)),
        }
    }

    /// Its machine goes: no more grace than that has.
    pub(super) fn lose_host(&mut self, number: u64, machine: &str, now: Millis) {
        let reason = format!("Host EC2 (instance {machine}) terminated.");
        self.want_stopped(number, "TerminationNotice", reason, now);
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if task.host == Host::Dead {
            task.host = Host::Gone;
            if task.ended_unseen || task.phase == Phase::Provisioning {
                self.end(number, None, None, now);
            }
            return;
        }
        task.stop_timeout = task.stop_timeout.min(HOST_GOES);
        if task.phase == Phase::Stopping {
            let due = task.due.map(|due| due.min(now + HOST_GOES));
            self.set_task_timer(number, due);
        }
    }

    /// The next step of a task whose timer ran out.
    pub(super) fn advance_task(&mut self, number: u64, now: Millis) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        task.due = None;
        let id = task.id.clone();
        let timeout = task.stop_timeout;
        match task.phase {
            Phase::Provisioning if task.stop.is_some() => {
                self.enter(number, Phase::Deprovisioning, Some(now + STEP));
            }
            Phase::Provisioning => {
                self.effects.push(Effect::Start {
                    task: id,
                    command: task.command.clone(),
                    environment: task.environment.clone(),
                });
                self.enter(number, Phase::Pending, None);
            }
            // Its process will be heard of.
            Phase::Pending => {}
            Phase::Running => self.enter(number, Phase::Deactivating, Some(now + STEP)),
            Phase::Deactivating => {
                self.effects.push(Effect::Terminate { task: id });
                self.enter(number, Phase::Stopping, Some(now + timeout));
            }
            Phase::Stopping => self.effects.push(Effect::Kill { task: id }),
            Phase::Deprovisioning => {
                task.times.stopped = Some(now);
                self.stopped.insert((now, number));
                self.enter(number, Phase::Stopped, Some(now + STOPPED_VISIBLE));
                self.release(number, now);
                self.forget_beyond(MOST_STOPPED);
            }
            Phase::Stopped => self.forget(number),
        }
    }

    /// Bounds the memory: whoever stops this many tasks in an hour sees the first of
    /// them for less than that. Those that run are bounded by the machines' room.
    fn forget_beyond(&mut self, most: usize) {
        while self.stopped.len() > most
            && let Some(&(_, oldest)) = self.stopped.first()
        {
            self.set_task_timer(oldest, None);
            self.forget(oldest);
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(task) = self.tasks.remove(&number) {
            self.task_numbers.remove(&task.id);
            self.stopped.remove(&(task.times.stopped.unwrap_or_default(), number));
        }
    }

    pub(super) fn task_started(&mut self, id: &str, now: Millis) {
        let Some(number) = self.find_task(id) else { return };
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if task.phase != Phase::Pending {
            return;
        }
        if task.host != Host::There {
            self.effects.push(Effect::Kill { task: task.id.clone() });
            return;
        }
        task.times.started = Some(now);
        let due = task.stop.as_ref().map(|_| now + STEP);
        self.enter(number, Phase::Running, due);
    }

    pub(super) fn task_not_started(&mut self, id: &str, why: &str, now: Millis) {
        let Some(number) = self.find_task(id) else { return };
        if self.ends_unseen(number, now) {
            return;
        }
        let reason = format!("CannotStartContainerError: {why}");
        self.want_stopped(number, "TaskFailedToStart", "Task failed to start".to_owned(), now);
        self.end(number, None, Some(reason), now);
    }

    pub(super) fn task_exited(&mut self, id: &str, exit: Exit, now: Millis) {
        let Some(number) = self.find_task(id) else { return };
        if self.ends_unseen(number, now) {
            return;
        }
        let reason = "Essential container in task exited".to_owned();
        self.want_stopped(number, "EssentialContainerExited", reason, now);
        let code = match exit {
            Exit::Code(code) => code,
            // As a shell and Docker have it.
            Exit::Signal(signal) => 128 + signal,
        };
        self.end(number, Some(code), None, now);
    }

    /// Whether the machine that a process ended on was dead by then: how it ended
    /// nobody learns, and that it did only once the group has noticed.
    fn ends_unseen(&mut self, number: u64, now: Millis) -> bool {
        let Some(task) = self.tasks.get_mut(&number) else { return true };
        task.ended_unseen = task.host != Host::There;
        let (unseen, gone) = (task.ended_unseen, task.host == Host::Gone);
        if gone {
            self.end(number, None, None, now);
        }
        unseen
    }

    /// Its process is no more, or never was.
    fn end(&mut self, number: u64, code: Option<i32>, reason: Option<String>, now: Millis) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if task.phase >= Phase::Deprovisioning {
            return;
        }
        task.exit_code = code;
        task.container_reason = reason;
        task.times.ended = Some(now);
        self.enter(number, Phase::Deprovisioning, Some(now + STEP));
    }

    fn enter(&mut self, number: u64, phase: Phase, due: Option<Millis>) {
        if let Some(task) = self.tasks.get_mut(&number) {
            task.phase = phase;
            task.version += 1;
        }
        self.set_task_timer(number, due);
    }

    pub(super) fn set_task_timer(&mut self, number: u64, due: Option<Millis>) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if let Some(old) = task.due {
            self.timers.remove(&(old, Timer::Task(number)));
        }
        task.due = due;
        if let Some(due) = due {
            self.timers.insert((due, Timer::Task(number)));
        }
    }
}
