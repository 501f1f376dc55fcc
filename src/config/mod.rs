//! What a run on a named cluster needs to know: flags, then the environment, then
//! `loadtop.toml`, then defaults.
//!
//! In two stages: what the file says, each key of the right kind ([`raw`]); then that
//! with flags and environment laid over it, checked as a whole ([`resolve`]).
//!
//! Invariant: a [`Config`] is whole and checked; whoever has one asks for nothing more.
//! Without a named cluster there is none, and the local cloud is used. What is wrong is
//! said all at once, each with file, line and key; no value of an unknown key is shown.

mod capacity;
mod document;
mod file;
pub mod init;
mod raw;
mod reach;
mod resolve;
mod rules;
mod screen;
mod task;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

pub use self::{file::File, screen::Screen};
pub(crate) use self::{
    reach::Reach,
    resolve::{Asked, Found},
    rules::budget,
    task::IDENTITY,
};
use crate::{
    cloud::Access,
    model::capacity::{Capacity, Network},
};

/// Where a variable of the environment is looked up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The task definition of loadtop's own agent on a local cloud, and its container.
const AGENT: (&str, &str) = ("loadtop-agent", "agent");

/// All that is known of where runs are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that was read; none: there was none.
    pub file: Option<PathBuf>,
    /// How AWS is reached, in the region of the runs.
    pub access: Access,
    /// The regions that `reap` looks into besides; empty: only that one.
    pub regions: Vec<String>,
    /// ECS cluster.
    pub cluster: String,
    /// What tasks run on.
    pub capacity: Capacity,
    /// Whether the Auto Scaling group is loadtop's own: then its size is set to zero by
    /// a scheduled action if no leader is left.
    pub owns_group: bool,
    /// Where tasks with an address of their own are.
    pub network: Network,
    /// Bucket of the runs; none: only images of the user's own can run, from this machine.
    pub bucket: Option<String>,
    /// What runs in the tasks.
    pub task: Task,
    /// How many devices a task has room for; none: the default.
    pub devices_per_task: Option<u32>,
    /// How long devices go on without a controller; none: the default.
    pub lease: Option<Duration>,
    /// What a run may cost in US dollars.
    pub budget_usd: Option<f64>,
    /// Tags of everything that is started, besides loadtop's own.
    pub tags: BTreeMap<String, String>,
    /// Prices that differ from the table's, by the keys of [`crate::model::cost`].
    pub prices: BTreeMap<String, f64>,
}

/// What runs in the tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A task definition that is there.
    Definition {
        /// Its family, or family and revision.
        name: String,
        /// The container that is told its device, or its range of them.
        container: String,
        /// The variable with the device's id, for an image of the user's own; none: the
        /// container runs `loadtop agent`.
        identity: Option<String>,
    },
    /// An image that a revision is registered for.
    Image(Box<Image>),
}

/// What a task definition is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The image.
    pub image: String,
    /// The family of the definition.
    pub family: String,
    /// CPU units, 1,024 a vCPU.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// The variable with the device's id, for an image of the user's own; none: it is
    /// loadtop's, and runs the agent.
    pub identity: Option<String>,
    /// An image with loadtop in it, for the watchdog beside one of the user's own; none:
    /// no watchdog, and nothing ends such tasks when every controller is gone.
    pub watchdog: Option<String>,
    /// What the task may do: the bucket, the metrics.
    pub task_role: Option<String>,
    /// What ECS may do for it: pull the image, write the log.
    pub execution_role: Option<String>,
    /// The log group for its output; none: no log driver is named.
    pub log_group: Option<String>,
    /// How long a container may take to end after SIGTERM, in seconds, 2 to 120.
    pub stop_timeout_s: u32,
}

impl Task {
    /// The variable with the device's id, if this is an image of the user's own: then a
    /// task is one device.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        match self {
            Task::Definition { identity, .. } => identity.as_deref(),
            Task::Image(image) => image.identity.as_deref(),
        }
    }
}

impl Default for Task {
    /// The agent of a local cloud.
    fn default() -> Self {
        Task::Definition { name: AGENT.0.to_owned(), container: AGENT.1.to_owned(), identity: None }
    }
}
