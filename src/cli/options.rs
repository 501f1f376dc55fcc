//! The options that several commands share: where a run is, and how a new one is
//! made.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::values::{self, Program};
use crate::{
    app::look::ThemeName,
    config::Config,
    model::{
        capacity::Capacity,
        registry::{NoCapacity, OnLoss, Policy},
        wish::Spread,
    },
};

/// How many devices a task has room for, where nobody said.
const DEVICES_PER_TASK: u32 = 250;
/// How long devices go on without a controller, where nobody said.
const LEASE: Duration = Duration::from_mins(10);

/// Where a run is. What is not said here is looked for in the environment, then in
/// loadtop.toml.
#[derive(Debug, Clone, Default, Args)]
pub struct Where {
    /// The configuration [default: $LOADTOP_CONFIG, ./loadtop.toml, or loadtop/loadtop.toml
    /// in $XDG_CONFIG_HOME]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A local cloud of one's own, whatever the configuration names
    #[arg(long, conflicts_with_all =
        ["config", "profile", "region", "cluster", "group", "fargate", "bucket"])]
    pub local: bool,
    /// The profile of AWS's tools whose credentials are used [default: as these find them]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region [env: AWS_REGION]
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// The ECS cluster to use instead of a local cloud of one's own [env: LOADTOP_CLUSTER]
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The Auto Scaling group whose instances tasks run on [env: LOADTOP_GROUP]
    #[arg(long, value_name = "NAME", conflicts_with = "fargate")]
    pub group: Option<String>,
    /// Runs tasks on Fargate instead: on-demand, or spot
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true,
        default_missing_value = "on-demand", value_parser = values::fargate)]
    pub fargate: Option<Capacity>,
    /// The bucket of the runs; '' is none, for images of one's own [env: LOADTOP_BUCKET]
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Where the log goes [default: loadtop.log beside the run folders]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

impl Where {
    /// A flag that is about a cluster and does not name it.
    #[must_use]
    pub fn named_besides_cluster(&self) -> Option<&'static str> {
        let given = [
            ("--profile", self.profile.is_some()),
            ("--region", self.region.is_some()),
            ("--group", self.group.is_some()),
            ("--fargate", self.fargate.is_some()),
            ("--bucket", self.bucket.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
    }
}

/// How a new run is made. A run that is on keeps what it began with.
#[derive(Debug, Clone, Args)]
pub struct Making {
    /// How many devices one task has room for [default: 250]
    #[arg(long, value_name = "N", conflicts_with_all = ["exec", "task_definition"],
        value_parser = clap::value_parser!(u32).range(1..))]
    pub devices_per_task: Option<u32>,
    /// What is done when a task ends by itself: replace, shrink or abort
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub on_loss: OnLoss,
    /// How long tasks wait for room in the cluster
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = values::wait)]
    pub capacity_wait: Duration,
    /// What is done then: shrink or abort
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub no_capacity: NoCapacity,
    /// How long devices go on when no controller is there any more [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = values::lease)]
    pub lease: Option<Duration>,
    /// What the run may cost in US dollars: it is ended before that is passed
    #[arg(long = "budget", value_name = "USD", value_parser = values::budget)]
    pub budget_usd: Option<f64>,
    /// What runs in the tasks.
    #[command(flatten)]
    pub image: Image,
}

impl Making {
    /// What is done about losses and missing room, how long the lease is and what the run
    /// may cost: as said here, and otherwise by the configuration.
    #[must_use]
    pub fn policy(&self, configured: Option<&Config>) -> Policy {
        let lease = self.lease.or(configured.and_then(|it| it.lease)).unwrap_or(LEASE);
        let budget_usd = self.budget_usd.or(configured.and_then(|it| it.budget_usd));
        Policy {
            on_loss: self.on_loss,
            capacity_wait_ms: self.capacity_wait.as_millis() as u64,
            no_capacity: self.no_capacity,
            lease_ms: lease.as_millis() as u64,
            budget_usd,
            owns_group: configured.is_some_and(|it| it.owns_group),
        }
    }
}

impl Making {
    /// What the run may cost in US dollars, by the command line and then the configuration.
    #[must_use]
    pub fn budget_usd(&self, config: Option<&Config>) -> Option<f64> {
        self.budget_usd.or(config.and_then(|it| it.budget_usd))
    }

    /// How many devices a task has room for, by the command line and then the
    /// configuration.
    #[must_use]
    pub fn devices_per_task(&self, config: Option<&Config>) -> u32 {
        let configured = config.and_then(|it| it.devices_per_task);
        self.devices_per_task.or(configured).unwrap_or(DEVICES_PER_TASK)
    }
}

/// Any program or image in the place of loadtop's own agent.
#[derive(Debug, Clone, Default, Args)]
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
    /// --task-definition [default: UUID]
    #[arg(long, value_name = "VAR", value_parser = values::variable)]
    pub identity: Option<String>,
}

/// How the dashboard looks.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Looks {
    /// The colours: sixteen, dark, light, high-contrast, colour-blind or none
    /// [default: $LOADTOP_THEME, `theme` in loadtop.toml, or the terminal's own sixteen]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<ThemeName>,
    /// Draws with nothing beyond ASCII
    #[arg(long)]
    pub ascii: bool,
    /// Leaves the mouse to the terminal, which selects text with it
    #[arg(long)]
    pub no_mouse: bool,
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
