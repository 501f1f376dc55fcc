//! What runs in the tasks: real child processes, or a model of them.
//!
//! Invariant: whichever it is, a program that was started is reported as ended
//! exactly once, and none is left when the cloud ends.

mod model;
mod process;
mod processes;
mod shim;

use std::{collections::BTreeMap, time::Duration};

pub(super) use self::model::Population;
pub use self::model::{Devices, Ledger, RunLedger};
use self::processes::Processes;
use super::{engine::Event, shell::Surroundings};

/// What runs in the tasks.
#[derive(Debug)]
pub(super) enum Tasks {
    Processes(Processes),
    Modelled(Population),
}

impl Tasks {
    /// Child processes of this one.
    pub(super) fn processes(surroundings: Surroundings) -> Self {
        Tasks::Processes(Processes::new(surroundings))
    }

    /// No processes, only what they would do.
    pub(super) fn modelled() -> Self {
        Tasks::Modelled(Population::default())
    }

    /// The model, if it is one.
    pub(super) fn population(&self) -> Option<&Population> {
        match self {
            Tasks::Processes(_) => None,
            Tasks::Modelled(population) => Some(population),
        }
    }

    /// Starts a task's program; what becomes of it is reported (by the model's own
    /// loop, if it is a model).
    pub(super) fn start(
        &self,
        task: String,
        command: &[String],
        environment: &BTreeMap<String, String>,
        report: impl Fn(Event) + Send + 'static,
    ) {
        match self {
            Tasks::Processes(it) => it.start(task, command, environment, report),
            Tasks::Modelled(it) => it.start(task, command, environment),
        }
    }

    /// Asks a program to end.
    pub(super) fn terminate(&self, task: &str) {
        match self {
            Tasks::Processes(it) => it.terminate(task),
            Tasks::Modelled(it) => it.terminate(task),
        }
    }

    /// Ends a program.
    pub(super) fn kill(&self, task: &str) {
        match self {
            Tasks::Processes(it) => it.kill(task),
            Tasks::Modelled(it) => it.kill(task),
        }
    }

    /// Ends all programs and lets none start any more. Those that take longer than
    /// `grace` are killed. Says how many did not end even then.
    pub(super) async fn end_all(&self, grace: Duration) -> u32 {
        match self {
            Tasks::Processes(it) => it.end_all(grace).await,
            Tasks::Modelled(it) => it.end_all(grace).await,
        }
    }

    /// Lets no program start any more, ends those that run, and waits for none.
    pub(super) fn abandon_all(&self) {
        match self {
            Tasks::Processes(it) => it.abandon_all(),
            Tasks::Modelled(it) => it.abandon_all(),
        }
    }
}
