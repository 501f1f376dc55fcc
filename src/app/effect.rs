//! What the loop must do after an update, and how a dashboard can end.

use std::sync::Arc;

use super::state::tasks_alive;
use crate::controller::{command::Command, snapshot::Snapshot};

/// Something for the loop to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Hand this to the controller.
    Send(Command),
    /// Begin to record what is shown, or stop that.
    Record(bool),
    /// Give the terminal back until we are called to the foreground.
    Suspend,
    /// Leave the screen.
    Leave(Cause, Fleet),
}

/// Why the dashboard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A person left.
    Quit,
    /// A person pressed Ctrl-C until something died.
    Interrupt,
    /// The system asked.
    Signal(Signal),
    /// The terminal went away.
    TerminalLost,
    /// The controller went away.
    ControllerLost,
}

/// The signals that end us. (SIGINT counts as Ctrl-C.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGHUP.
    Hangup,
}

/// What became of the fleet by the time we left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fleet {
    /// Nothing runs.
    Gone,
    /// It runs on, as was wished.
    RunsOn,
    /// It was told to end and was not seen to: see the snapshot for what was left.
    NotSeenToEnd,
}

/// The dashboard's last word; whoever restored the terminal prints it.
#[derive(Debug, Clone)]
pub struct Farewell {
    /// Why it ended.
    pub cause: Cause,
    /// What became of the fleet.
    pub fleet: Fleet,
    /// The last that was known.
    pub snapshot: Arc<Snapshot>,
    /// The file that the screen was recorded to last.
    pub recorded: Option<String>,
}

impl Farewell {
    /// Whether something other than an orderly quit ended it (exit code 130).
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.cause != Cause::Quit
    }

    /// Tasks that had not stopped when last looked.
    #[must_use]
    pub fn tasks_left(&self) -> u32 {
        if self.fleet == Fleet::Gone { 0 } else { tasks_alive(&self.snapshot.tasks.value) }
    }
}
