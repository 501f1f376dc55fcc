//! The parts that are looked at one by one: tasks, instances, and what happened when.
//!
//! Invariant: a row says what was seen and by when; what was never seen is none, never a
//! zero.

use crate::{model::Millis, stats::Devices};

/// One task, or a slot that waits for one.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// Its slot.
    pub slot: u32,
    /// Which attempt of the slot it is; 0 as long as none was made.
    pub attempt: u32,
    /// Its name in the run: `00003-1`, slot and attempt; `00003` for a slot that waits, or
    /// was given up. No two rows have the same.
    pub name: String,
    /// What ECS calls it: the last part of its ARN; none before it is placed.
    pub id: Option<String>,
    /// The machine that it is on (`i-…`), where that was seen.
    pub instance: Option<String>,
    /// Index of the first device that it has room for.
    pub first: u32,
    /// How many it has room for.
    pub room: u32,
    /// Live devices in that range; of one that ended, when it did.
    pub devices: u32,
    /// What it is at.
    pub state: TaskState,
    /// Since when (this machine's clock); none while that is not known.
    pub since: Option<Millis>,
    /// Its exit code, once it has one.
    pub exit_code: Option<i32>,
    /// Why it stopped or was not started; of one that waits, what for, or why the one
    /// before failed.
    pub reason: Option<String>,
    /// What it said last of itself, in the exact results; none before the first part.
    pub report: Option<TaskReport>,
    /// The command that shows its log, where it has one.
    pub log: Option<String>,
}

impl TaskRow {
    /// What it said last, while it is there: what it said before its end is history.
    #[must_use]
    pub fn live_report(&self) -> Option<&TaskReport> {
        self.report.as_ref().filter(|_| self.state.is_alive())
    }
}

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// Its turn to be asked for comes.
    Due,
    /// It waits because the cluster is full.
    NoRoom,
    /// RunTask was called; not answered yet, or asked again.
    Asked,
    /// Placed; PROVISIONING or PENDING.
    Pending,
    /// RUNNING.
    Running,
    /// Told to stop, and not STOPPED yet.
    Stopping,
    /// STOPPED as asked for.
    Stopped,
    /// Ended without having been asked, or never started.
    Failed,
    /// Its slot was given up.
    GivenUp,
}

impl TaskState {
    /// All of them, in the order of a task's life.
    pub const ALL: [TaskState; 9] = [
        TaskState::Due,
        TaskState::NoRoom,
        TaskState::Asked,
        TaskState::Pending,
        TaskState::Running,
        TaskState::Stopping,
        TaskState::Stopped,
        TaskState::Failed,
        TaskState::GivenUp,
    ];

    /// Whether a task is there, or may be.
    #[must_use]
    pub fn is_alive(self) -> bool {
        matches!(
            self,
            TaskState::Asked | TaskState::Pending | TaskState::Running | TaskState::Stopping
        )
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TaskState::Due => "due",
            TaskState::NoRoom => "no room",
            TaskState::Asked => "asked",
            TaskState::Pending => "pending",
            TaskState::Running => "running",
            TaskState::Stopping => "stopping",
            TaskState::Stopped => "stopped",
            TaskState::Failed => "failed",
            TaskState::GivenUp => "given up",
        }
    }
}

/// What a task said of its latest interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskReport {
    /// The interval's end (this machine's clock).
    pub at: Millis,
    /// Its devices then.
    pub devices: Devices,
    /// Requests finished per second.
    pub requests_per_s: f64,
    /// Errors per second.
    pub errors_per_s: f64,
    /// CPU that the agent used; 1.0 is one core.
    pub cpu: f64,
    /// Memory that the agent holds, in bytes.
    pub rss: u64,
    /// Sockets of devices.
    pub sockets: u64,
    /// The agent's own lateness in milliseconds, 99 % of its timers.
    pub lag_p99_ms: f64,
}

/// What an instance is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum InstanceState {
    /// The group has it, and ECS does not know it yet.
    Booting,
    /// It takes tasks.
    #[default]
    Up,
    /// It takes no more tasks: it is being emptied, to go.
    Draining,
    /// It is on its way out.
    Leaving,
    /// ECS's agent there does not answer.
    Silent,
}

impl InstanceState {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            InstanceState::Booting => "booting",
            InstanceState::Up => "up",
            InstanceState::Draining => "draining",
            InstanceState::Leaving => "leaving",
            InstanceState::Silent => "silent",
        }
    }
}

/// Something that happened, for the charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When (this machine's clock).
    pub at: Millis,
    /// What kind of thing.
    pub kind: MarkKind,
    /// In a few words: `+250 over 10 s`.
    pub text: String,
}

/// Kinds of things that happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// Devices were added or removed.
    Batch,
    /// The ramp was paused, or let go on.
    Pause,
    /// Instances were added or removed.
    Scale,
    /// Another plan, target or rate.
    Plan,
    /// Something broke: a task was lost, nobody led.
    Fault,
    /// The run ended.
    End,
}
