//! The options that several commands share: where a run is, and how a new one is
//! made.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::values::{self, Program};
use crate::model::{
    registry::{NoCapacity, OnLoss, Policy},
    wish::Spread,
};

/// Where a run is.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// The ECS cluster to use instead of a local cloud of one's own; so far that of a
    /// `loadtop local`, whose exports say it
    #[arg(long, value_name = "NAME", env = "LOADTOP_CLUSTER")]
    pub cluster: Option<String>,
    /// Its Auto Scaling group [default: the cluster's name]
    #[arg(long, value_name = "NAME", env = "LOADTOP_GROUP", hide_env_values = true)]
    pub group: Option<String>,
    /// The bucket of its runs [default: the cluster's name]
    #[arg(long, value_name = "NAME", env = "LOADTOP_BUCKET", hide_env_values = true)]
    pub bucket: Option<String>,
    /// Where the log goes [default: loadtop.log beside the run folders]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// How a new run is made. A run that is on keeps what it began with.
#[derive(Debug, Clone, Args)]
pub struct Making {
    /// How many devices one task has room for
    #[arg(long, value_name = "N", default_value_t = 250,
        conflicts_with_all = ["exec", "task_definition"],
        value_parser = clap::value_parser!(u32).range(1..))]
    pub devices_per_task: u32,
    /// What is done when a task ends by itself: replace, shrink or abort
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub on_loss: OnLoss,
    /// How long tasks wait for room in the cluster
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::wait)]
    pub capacity_wait: Duration,
    /// What is done then: shrink or abort
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub no_capacity: NoCapacity,
    /// How long devices go on when no controller is there any more
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::lease)]
    pub lease: Duration,
    /// What runs in the tasks.
    #[command(flatten)]
    pub image: Image,
}

impl Making {
    /// What is done about losses and missing room.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            on_loss: self.on_loss,
            capacity_wait_ms: self.capacity_wait.as_millis() as u64,
            no_capacity: self.no_capacity,
            lease_ms: self.lease.as_millis() as u64,
            ..Policy::default()
        }
    }
}

/// Any program or image in the place of loadtop's own agent.
#[derive(Debug, Clone, Args)]
pub struct Image {
    /// Runs this program as each device, one task each, instead of loadtop's agent
    #[arg(long, value_name = "COMMAND", conflicts_with = "task_definition",
        value_parser = values::program)]
    pub exec: Option<Program>,
    /// Runs this task definition as each device, one task each
    #[arg(long, value_name = "NAME", requires = "container")]
    pub task_definition: Option<String>,
    /// The container in it that is told the device's id
    #[arg(long, value_name = "NAME", requires = "task_definition")]
    pub container: Option<String>,
    /// The environment variable that holds the device's id, for --exec and
    /// --task-definition
    #[arg(long, value_name = "VAR", default_value = "UUID", value_parser = values::variable)]
    pub identity: String,
}

/// How the starts of a batch are spread over its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct Spreading {
    /// How starts are spread over the ramp
    #[arg(long, value_name = "HOW", default_value = "uniform", value_parser = spread)]
    pub spread: Spread,
    /// Makes the spread the same each time
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

fn spread(text: &str) -> Result<Spread, String> {
    match text {
        "uniform" => Ok(Spread::Uniform),
        "linear" => Ok(Spread::Linear),
        "poisson" => Ok(Spread::Poisson),
        "at-once" => Ok(Spread::AtOnce),
        _ => Err("say uniform, linear, poisson or at-once".to_owned()),
    }
}
