//! The controller: commands in, snapshots out.
//!
//! An actor of its own task. It finds the run that it is for or begins one, turns
//! commands into edits of the wish, looks at instances and figures at every refresh, and
//! says what it knows in [`snapshot::Snapshot`]s. Where it leads, it starts and stops
//! tasks until they match the wish, and tells the others; where it follows, it hears.
//!
//! Invariants: it awaits no remote call in its loop, calls are jobs in one
//! `JoinSet`; who reads a snapshot never waits for the cloud, and the controller
//! never waits for who reads.

mod actor;
mod advance;
mod begin;
mod blocks;
mod clock;
pub mod command;
mod cost;
mod drain;
mod end;
mod export;
mod figures;
mod fleet;
mod history;
mod intervals;
mod jobs;
mod join;
mod known;
mod launch;
mod lead;
mod learn;
mod live;
#[cfg(test)]
mod many;
mod marks;
mod notices;
mod open;
mod orders;
pub mod progress;
pub(crate) mod requests;
mod restart;
mod rows;
mod run;
pub mod snapshot;
mod supply;
mod sweep;
pub(crate) mod switch;
mod tasks;
mod tell;
#[cfg(test)]
mod tests;
mod views;
mod wishes;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    cloud::{Cloud, Site, types::DefinitionSeen},
    plan::Plan,
};

pub use command::Command;
pub(crate) use requests::too_long;
pub use snapshot::Snapshot;

use crate::model::{
    prices::Prices,
    registry::{Policy, TaskDefinition, Workload},
};

/// How many commands may wait. A person types slower, a stuck controller must not
/// eat memory.
const COMMANDS_MOST: usize = 64;

/// What a controller is made with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What devices do, in runs that this controller begins; none: it begins none.
    pub plan: Option<Plan>,
    /// How many devices a task has room for, in runs that it begins.
    pub devices_per_task: u32,
    /// What runs in a task, in runs that it begins.
    pub workload: Workload,
    /// The task definition of the tasks, in runs that it begins; none: that of the names.
    pub definition: Option<TaskDefinition>,
    /// What a task takes, for who only looks: the definition may be yet to be registered.
    pub takes: Option<DefinitionSeen>,
    /// What is done about losses and missing room, and how long the lease is, in runs
    /// that it begins.
    pub policy: Policy,
    /// Tags of everything that is started, besides loadtop's own, in runs that it begins.
    pub tags: BTreeMap<String, String>,
    /// More devices than this cannot be.
    pub limit: Option<Limit>,
    /// What things cost there; none: nothing does.
    pub prices: Option<Arc<Prices>>,
    /// Where run folders are made.
    pub runs: PathBuf,
    /// Which run it is for.
    pub join: Join,
    /// Whether it leads its run when nobody else does.
    pub leads: bool,
    /// Whether somebody looks at its tasks one by one, and at the exact results as they
    /// come. That costs reads of the bucket, and nothing where nobody looks.
    pub details: bool,
}

/// Which run a controller is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Join {
    /// Those that it begins.
    #[default]
    Own,
    /// The latest that has not ended; where there is none, as [`Join::Own`].
    Latest,
    /// This one.
    Run(String),
}

/// A bound on the number of devices, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// That many.
    pub devices: u32,
    /// For people.
    pub because: String,
}

/// How to speak with a controller.
#[derive(Debug, Clone)]
pub struct Handle {
    /// Orders; bounded.
    pub commands: mpsc::Sender<Command>,
    /// What it knows; always the latest.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// A running controller.
#[derive(Debug)]
pub struct Controller {
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Controller {
    /// Starts a controller. It does nothing to the cloud before its first command
    /// but look at it.
    #[must_use]
    pub fn start(cloud: Cloud, site: Site, options: Options) -> (Controller, Handle) {
        let (commands, inbox) = mpsc::channel(COMMANDS_MOST);
        let cancel = CancellationToken::new();
        let (actor, snapshots) = actor::Actor::new(cloud, site, options, inbox, cancel.clone());
        let actor = actor.run();
        #[cfg(test)]
        let actor = many::machine::carried(actor);
        let task = tokio::spawn(actor);
        (Controller { cancel, task }, Handle { commands, snapshots })
    }

    /// Stops the controller: its calls are abandoned, the run goes on.
    pub async fn stop(self) {
        self.cancel.cancel();
        if let Err(error) = self.task.await {
            tracing::error!("the controller ended badly: {error}");
        }
    }
}
