//! The verbs: what steers a run that is on, from another terminal or a script.

use std::time::Duration;

use clap::Args;

use super::{
    options::{Spreading, Where},
    values,
};

/// How long is waited, if for how long was not said.
const WAIT: &str = "10m";

/// Which run, where, and how the answer is printed.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// The run [default: the latest that is on]
    #[arg(long, value_name = "ID", value_parser = values::run)]
    pub run: Option<String>,
    /// Prints the answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Where it is.
    #[command(flatten)]
    pub place: Where,
}

/// What `add` takes.
#[derive(Debug, Args)]
pub struct Add {
    /// How many devices
    #[arg(value_name = "N", value_parser = values::devices())]
    pub devices: u32,
    /// Spreads their starts over this long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::window)]
    pub ramp_up: Duration,
    /// How.
    #[command(flatten)]
    pub spreading: Spreading,
    /// Waits until the ramp is over and the tasks run or have failed [default: 10m]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true,
        default_missing_value = WAIT, value_parser = values::wait)]
    pub wait: Option<Duration>,
    /// Which run.
    #[command(flatten)]
    pub which: Which,
}

/// What `remove` takes.
#[derive(Debug, Args)]
pub struct Remove {
    /// How many devices; the newest go
    #[arg(value_name = "N", value_parser = values::devices())]
    pub devices: u32,
    /// Waits until they are gone [default: 10m]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true,
        default_missing_value = WAIT, value_parser = values::wait)]
    pub wait: Option<Duration>,
    /// Which run.
    #[command(flatten)]
    pub which: Which,
}

/// What `scale` takes.
#[derive(Debug, Args)]
pub struct Scale {
    /// How many instances
    #[arg(value_name = "N")]
    pub instances: u32,
    /// Lets instances go while a run is on: devices on them move where there is room
    #[arg(long)]
    pub yes: bool,
    /// Waits until the instances are there, or gone [default: 10m]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true,
        default_missing_value = WAIT, value_parser = values::wait)]
    pub wait: Option<Duration>,
    /// Which run.
    #[command(flatten)]
    pub which: Which,
}

/// What `killall` takes.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Killall {
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// Ends every run here that has not ended, and stops tasks of loadtop's that
    /// belong to none
    #[arg(long, conflicts_with = "run")]
    pub all_runs: bool,
    /// The instances go too
    #[arg(long)]
    pub scale_to_zero: bool,
    /// Waits at most this long until nothing is left
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::wait)]
    pub wait: Duration,
    /// Says stop and does not wait; whether anything is left is not looked at
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
    /// Which run.
    #[command(flatten)]
    pub which: Which,
}

/// What `reap` takes.
#[derive(Debug, Args)]
pub struct Reap {
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// Says what would be ended, and ends nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Waits at most this long until nothing is left
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = values::wait)]
    pub wait: Duration,
    /// Prints the answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Where it is.
    #[command(flatten)]
    pub place: Where,
}
