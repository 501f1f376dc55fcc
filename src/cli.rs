//! The command line.
//!
//! Invariant: what parses is well-formed, and no time and no number of devices is so
//! large that computing with it could overflow; whether it can be done is for whoever
//! does it to say. Words that are planned and not there yet are refused by name.

mod local;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, builder::RangedI64ValueParser};

pub use self::local::Local;
use crate::{
    app::prompt::{MAX_BATCH, MAX_WINDOW},
    plan::Target,
};

/// Longest time that a load is held.
const MAX_HOLD: Duration = Duration::from_hours(7 * 24);
/// Longest that the practice target waits before an answer.
const MAX_LATENCY: Duration = Duration::from_hours(1);

/// Commands that will come; refused by name until they do.
const PLANNED: [&str; 20] = [
    "plan",
    "add",
    "remove",
    "scale",
    "pause",
    "resume",
    "status",
    "killall",
    "reap",
    "doctor",
    "up",
    "down",
    "sweep",
    "runs",
    "report",
    "replay",
    "compare",
    "init",
    "creds",
    "completions",
];

/// top for load tests: steer fleets of simulated devices from one terminal.
///
/// Without a command it opens the dashboard, on a local cloud that it brings along:
/// tasks are processes of this machine, nothing costs anything, and nothing is left
/// when you quit. Without a TARGET the devices talk to a built-in practice target.
#[derive(Debug, Parser)]
#[command(
    name = "loadtop",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        # the dashboard, with the practice target\n  \
        loadtop\n  \
        # 500 devices against your service\n  \
        loadtop tcp://127.0.0.1:7000 -n 500\n  \
        # no screen, a summary at the end\n  \
        loadtop run --headless --target tcp://127.0.0.1:7000 -n 1000 --hold-for 1m --json\n\n\
        Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted."
)]
pub struct Cli {
    /// What to do; without it, the dashboard.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The dashboard's.
    #[command(flatten)]
    pub dashboard: Dashboard,
}

/// What the dashboard takes.
#[derive(Debug, Args)]
pub struct Dashboard {
    /// What the devices talk to, such as tcp://127.0.0.1:7000
    #[arg(value_name = "TARGET", value_parser = target)]
    pub target: Option<Target>,
    /// Adds this many devices at once
    #[arg(short = 'n', long, value_name = "N", value_parser = devices())]
    pub devices: Option<u32>,
    /// Spreads the starts of a batch over this long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = window)]
    pub ramp_up: Duration,
    /// Shows everything and changes nothing
    #[arg(long, conflicts_with = "devices")]
    pub readonly: bool,
    /// Where and how.
    #[command(flatten)]
    pub common: Common,
}

/// Where and how a run is made.
#[derive(Debug, Args)]
pub struct Common {
    /// The ECS cluster to use instead of the local cloud (not there yet)
    #[arg(long, value_name = "NAME", env = "LOADTOP_CLUSTER")]
    pub cluster: Option<String>,
    /// How many devices one task has room for
    #[arg(long, value_name = "N", default_value_t = 250,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub devices_per_task: u32,
    /// Where the log goes [default: loadtop.log beside the run folders]
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes one run from beginning to end, and prints what it found
    Run(Run),
    /// Serves the local cloud by itself, for the AWS CLI and SDKs, until it is stopped
    Local(Local),
    /// Serves the practice target: an echo, line by line
    Target(Practice),
    /// Runs the devices of one task; started by the cloud, not by hand
    Agent,
    /// Ends a task when its run does; started by the cloud, not by hand
    Watchdog(Watchdog),
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct Run {
    /// A plan (not there yet: say --target and --devices)
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Without a screen
    #[arg(long)]
    pub headless: bool,
    /// What the devices talk to, such as tcp://127.0.0.1:7000
    #[arg(long, value_name = "TARGET", value_parser = target)]
    pub target: Option<Target>,
    /// How many devices
    #[arg(long, short = 'n', value_name = "N", value_parser = devices())]
    pub devices: Option<u32>,
    /// Spreads their starts over this long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = window)]
    pub ramp_up: Duration,
    /// Holds the load for this long after the ramp
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = hold)]
    pub hold_for: Duration,
    /// Prints the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// Where and how.
    #[command(flatten)]
    pub common: Common,
}

/// What `watchdog` takes.
#[derive(Debug, Args)]
pub struct Watchdog {
    /// What to run, hold and end; without it, the watchdog's own exit ends the task
    #[arg(last = true, value_name = "PROGRAM", value_parser = clap::value_parser!(OsString))]
    pub program: Vec<OsString>,
}

/// What `target` takes.
#[derive(Debug, Args)]
pub struct Practice {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Waits this long before each answer
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = latency)]
    pub latency: Duration,
    /// Prints its address and its counts as JSON
    #[arg(long)]
    pub json: bool,
}

fn target(text: &str) -> Result<Target, String> {
    if PLANNED.contains(&text) {
        return Err(format!("the command `{text}` is planned and does not exist yet"));
    }
    text.parse().map_err(|error: crate::plan::BadTarget| error.to_string())
}

/// How many devices one batch may have.
fn devices() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(MAX_BATCH))
}

fn window(text: &str) -> Result<Duration, String> {
    duration(text, MAX_WINDOW)
}

fn hold(text: &str) -> Result<Duration, String> {
    duration(text, MAX_HOLD)
}

fn latency(text: &str) -> Result<Duration, String> {
    duration(text, MAX_LATENCY)
}

/// A duration as in plans: `15s`, `2m`, `1h30m`, `2s500ms`; a bare number is seconds.
/// Bounded, because whoever adds it to a time must not overflow.
fn duration(text: &str, most: Duration) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        // What no duration can hold is certainly too long.
        Ok(seconds) if seconds >= 0.0 => {
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        }
        _ => humantime::parse_duration(text).map_err(|error| {
            format!("{error}; write a duration such as 15s, 2m, 1h30m, or seconds as a number")
        })?,
    };
    if time > most {
        return Err(format!("at most {}h", most.as_secs() / 3600));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_target_and_a_number_open_the_dashboard() {
        let cli = parse("loadtop tcp://127.0.0.1:7000 -n 500 --ramp-up 1m30s").expect("parses");
        assert!(cli.command.is_none());
        assert_eq!(cli.dashboard.devices, Some(500));
        assert_eq!(cli.dashboard.ramp_up, Duration::from_secs(90));
    }

    #[test]
    fn durations_are_those_of_plans() {
        assert_eq!(window("2"), Ok(Duration::from_secs(2)));
        assert_eq!(window("2s500ms"), Ok(Duration::from_millis(2500)));
        assert_eq!(window("24h"), Ok(MAX_WINDOW));
        assert_eq!(hold("7d"), Ok(MAX_HOLD));
        for refused in ["fast", "-1", "NaN", "inf", "1e19", "24h1ms"] {
            assert!(window(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, says) in [
            ("loadtop --frobnicate", "--frobnicate"),
            ("loadtop status", "`status` is planned"),
            ("loadtop localhost:80", "tcp://HOST:PORT"),
            ("loadtop tcp://a", "names no port"),
            ("loadtop -n 0", "0 is not in"),
            ("loadtop -n 1000001", "1000001 is not in 1..=1000000"),
            ("loadtop run -n 1000001", "1000001 is not in 1..=1000000"),
            ("loadtop --ramp-up soon", "write a duration"),
            ("loadtop --ramp-up 25h", "at most 24h"),
            ("loadtop run --ramp-up 1e19", "at most 24h"),
            ("loadtop run --hold-for 1e19", "at most 168h"),
            ("loadtop run --hold-for 8d", "at most 168h"),
            ("loadtop target --latency 2h", "at most 1h"),
            ("loadtop run --devices many", "invalid digit"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.to_string().contains(says), "{line}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
