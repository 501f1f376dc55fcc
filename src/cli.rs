//! The command line.
//!
//! Invariant: what parses is well-formed, and no time and no number of devices is so
//! large that computing with it could overflow; whether it can be done is for whoever
//! does it to say. Words that are planned and not there yet are refused by name.

mod doctor;
mod init;
mod local;
mod options;
pub(crate) mod values;
mod verbs;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

pub use self::{
    doctor::{Doctor, Document},
    init::Init,
    local::Local,
    options::{Image, Looks, Making, Spreading, Where},
    values::Program,
    verbs::{Add, Killall, Reap, Remove, Scale, Which},
};
use crate::plan::Target;

/// Commands that will come; refused by name until they do.
const PLANNED: [&str; 8] = ["up", "down", "sweep", "runs", "report", "replay", "compare", "creds"];

/// top for load tests: steer fleets of simulated devices from one terminal.
///
/// Without a command it opens the dashboard, on a local cloud that it brings along:
/// tasks are processes of this machine, nothing costs anything, and nothing is left
/// when you quit. Without a TARGET the devices talk to a built-in practice target.
/// With the exports of a `loadtop local` it uses that one, and with a cluster in
/// loadtop.toml, LOADTOP_CLUSTER or --cluster that one on Amazon ECS: fleets there go on
/// without a dashboard, and the verbs steer them from anywhere.
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
        loadtop run --headless --target tcp://127.0.0.1:7000 -n 1000 --hold-for 1m --json\n  \
        # a cluster on Amazon ECS, from now on\n  \
        loadtop init --cluster load --region eu-central-1 --group load\n  \
        # a cloud that stays, and a fleet on it that is steered from elsewhere\n  \
        loadtop local\n  \
        loadtop add 500 --ramp-up 1m --wait\n  \
        loadtop killall --yes\n\n\
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
    #[arg(value_name = "TARGET", value_parser = values::Targets)]
    pub target: Option<Target>,
    /// Adds this many devices at once, if it begins a run
    #[arg(short = 'n', long, value_name = "N", value_parser = values::devices())]
    pub devices: Option<u32>,
    /// Spreads the starts of a batch over this long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::window)]
    pub ramp_up: Duration,
    /// How.
    #[command(flatten)]
    pub spreading: Spreading,
    /// Shows everything and changes nothing
    #[arg(long, conflicts_with = "devices")]
    pub readonly: bool,
    /// How it looks.
    #[command(flatten)]
    pub looks: Looks,
    /// Records the screen to this new file, as asciinema plays it
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Shows and steers this run [default: the latest that is on]
    #[arg(long, value_name = "ID", value_parser = values::run, conflicts_with = "devices")]
    pub run: Option<String>,
    /// How new runs are made.
    #[command(flatten)]
    pub making: Making,
    /// Where.
    #[command(flatten)]
    pub place: Where,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes one run from beginning to end, and prints what it found
    #[command(after_help = "Examples:\n  \
        # a thousand devices for a minute, and the summary as JSON\n  \
        loadtop run --headless --target tcp://127.0.0.1:7000 -n 1000 --hold-for 1m --json\n  \
        # any program as the device; it finds its id in $DEVICE_ID\n  \
        loadtop run --headless --exec './device --fast' -n 20 --identity DEVICE_ID\n  \
        # what it would take, without starting anything\n  \
        loadtop run --dry-run -n 20000 --ramp-up 10m")]
    Run(Run),
    /// Shows what a load takes, before anything is started: calls, time, machines, money
    #[command(after_help = "Examples:\n  \
        loadtop plan -n 20000 --ramp-up 10m\n  \
        loadtop plan -n 100000 --fargate --cluster load --region eu-central-1 --json")]
    Plan(Plan),
    /// Adds devices to a run that is on
    #[command(after_help = "Examples:\n  \
        loadtop add 500\n  \
        # over a minute; done when they run\n  \
        loadtop add 500 --ramp-up 1m --spread linear --wait")]
    Add(Add),
    /// Takes the newest devices of a run away
    #[command(after_help = "Examples:\n  \
        loadtop remove 200\n  \
        loadtop remove 200 --wait=2m")]
    Remove(Remove),
    /// Sets how many instances there are
    #[command(after_help = "Examples:\n  \
        loadtop scale 4 --wait\n  \
        # fewer, while a run is on\n  \
        loadtop scale 1 --yes")]
    Scale(Scale),
    /// Lets no further device start; those that run go on
    #[command(after_help = "Examples:\n  \
        loadtop pause")]
    Pause(Which),
    /// Lets the starts go on
    #[command(after_help = "Examples:\n  \
        loadtop resume")]
    Resume(Which),
    /// Shows the runs that are on
    #[command(after_help = "Examples:\n  \
        loadtop status\n  \
        loadtop status --json")]
    Status(Which),
    /// Ends a run for good: all its devices and tasks; waits until nothing is left
    #[command(after_help = "Examples:\n  \
        loadtop killall --yes\n  \
        # every run, and the instances, too\n  \
        loadtop killall --yes --all-runs --scale-to-zero")]
    Killall(Killall),
    /// Writes a commented loadtop.toml: which cluster, what runs in its tasks, on what
    #[command(after_help = "Examples:\n  \
        loadtop init --cluster load --region eu-central-1 --group load\n  \
        # every key there is, on standard output\n  \
        loadtop init --print")]
    Init(Init),
    /// Ends for good what nobody holds any more: runs whose lease has lapsed, their tasks
    /// and instances
    #[command(after_help = "Examples:\n  \
        # what was forgotten, in all regions of loadtop.toml\n  \
        loadtop reap --dry-run\n  \
        loadtop reap --yes")]
    Reap(Reap),
    /// Looks at everything that a run would stumble over, before it costs anything; or
    /// prints the least policies that runs need
    #[command(after_help = "Examples:\n  \
        loadtop doctor -n 20000\n  \
        # the least policies that runs need\n  \
        loadtop doctor --policy")]
    Doctor(Doctor),
    /// Serves the local cloud by itself, for the AWS CLI and SDKs, until it is stopped
    #[command(after_help = "Examples:\n  \
        # then, in every terminal that is to use it: . ./local.env\n  \
        loadtop local > local.env\n  \
        loadtop local --instances 3 --boot 30s")]
    Local(Local),
    /// Serves the practice target: an echo, line by line
    #[command(after_help = "Examples:\n  \
        loadtop target --listen 127.0.0.1:7000 --latency 20ms")]
    Target(Practice),
    /// Runs the devices of one task; started by the cloud, not by hand
    #[command(after_help = "Examples:\n  \
        # by hand it only says what it is not told\n  \
        loadtop agent")]
    Agent,
    /// Ends a task when its run does; started by the cloud, not by hand
    #[command(after_help = "Examples:\n  \
        # ends the program when its run ends\n  \
        loadtop watchdog -- ./device --fast")]
    Watchdog(Watchdog),
    /// Prints what completes commands and options in a shell
    #[command(after_help = "Examples:\n  \
        loadtop completions bash > ~/.local/share/bash-completion/completions/loadtop\n  \
        loadtop completions zsh > ~/.zfunc/_loadtop\n  \
        loadtop completions fish > ~/.config/fish/completions/loadtop.fish")]
    Completions(Completions),
    /// Prints the man page, or writes one for each command
    #[command(after_help = "Examples:\n  \
        loadtop man > loadtop.1\n  \
        # a page for each command\n  \
        loadtop man --out ~/.local/share/man/man1")]
    Man(Man),
}

/// What is to run.
#[derive(Debug, Args)]
pub struct Load {
    /// A plan (not there yet: say --target and --devices)
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// What the devices talk to, such as tcp://127.0.0.1:7000
    #[arg(long, value_name = "TARGET", value_parser = values::Targets)]
    pub target: Option<Target>,
    /// How many devices
    #[arg(long, short = 'n', value_name = "N", value_parser = values::devices())]
    pub devices: Option<u32>,
    /// Spreads their starts over this long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = values::window)]
    pub ramp_up: Duration,
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct Run {
    /// What is to run.
    #[command(flatten)]
    pub load: Load,
    /// Without a screen
    #[arg(long)]
    pub headless: bool,
    /// How the starts are spread.
    #[command(flatten)]
    pub spreading: Spreading,
    /// Holds the load for this long after the ramp
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::hold)]
    pub hold_for: Duration,
    /// Starts nothing; shows what it would take, and fails where it cannot be done
    #[arg(long)]
    pub dry_run: bool,
    /// Prints the summary as JSON
    #[arg(long)]
    pub json: bool,
    /// How the run is made.
    #[command(flatten)]
    pub making: Making,
    /// Where.
    #[command(flatten)]
    pub place: Where,
}

/// What `plan` takes: what `run` would.
#[derive(Debug, Args)]
pub struct Plan {
    /// What would run; a forecast does not depend on the target.
    #[command(flatten)]
    pub load: Load,
    /// Holds the load for this long after the ramp
    #[arg(long, value_name = "TIME", value_parser = values::hold)]
    pub hold_for: Option<Duration>,
    /// Prints it as JSON
    #[arg(long)]
    pub json: bool,
    /// How the run would be made.
    #[command(flatten)]
    pub making: Making,
    /// Where.
    #[command(flatten)]
    pub place: Where,
}

/// What `watchdog` takes.
#[derive(Debug, Args)]
pub struct Watchdog {
    /// What to run, hold and end; without it, the watchdog's own exit ends the task
    #[arg(last = true, value_name = "PROGRAM", value_parser = clap::value_parser!(OsString))]
    pub program: Vec<OsString>,
}

/// What `completions` takes.
#[derive(Debug, Args)]
pub struct Completions {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// What `man` takes.
#[derive(Debug, Args)]
pub struct Man {
    /// Writes a page for each command into this folder instead
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What `target` takes.
#[derive(Debug, Args)]
pub struct Practice {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Waits this long before each answer
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = values::latency)]
    pub latency: Duration,
    /// Prints its address and its counts as JSON
    #[arg(long)]
    pub json: bool,
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
    fn a_wait_may_say_how_long() {
        let wait = |line| match parse(line).expect("parses").command {
            Some(Command::Add(add)) => (add.devices, add.wait.map(|it| it.as_secs())),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("loadtop add 5"), (5, None));
        assert_eq!(wait("loadtop add --wait 5"), (5, Some(600)));
        assert_eq!(wait("loadtop add 5 --wait=20s"), (5, Some(20)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, says) in [
            ("loadtop --frobnicate", "--frobnicate"),
            ("loadtop sweep", "`sweep` is planned"),
            ("loadtop doctor --policy both", "operator, task"),
            ("loadtop doctor --policy --no-write", "cannot be used with"),
            ("loadtop add", "<N>"),
            ("loadtop add 0", "0 is not in"),
            ("loadtop scale -1", "-1"),
            ("loadtop killall --all-runs --run x", "cannot be used with"),
            ("loadtop killall --no-wait --wait 5s", "cannot be used with"),
            ("loadtop status --run ../x", "not the id of a run"),
            ("loadtop --lease 10s", "at least 30s"),
            ("loadtop --on-loss cry", "replace, shrink"),
            ("loadtop --no-capacity replace", "shrink, abort"),
            ("loadtop --spread wide", "uniform, linear, poisson or at-once"),
            ("loadtop --exec a --task-definition b --container c", "cannot be used with"),
            ("loadtop --task-definition b", "--container"),
            ("loadtop --exec a --identity LOADTOP_RUN", "take another"),
            ("loadtop --run x -n 5", "cannot be used with"),
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
            ("loadtop --local --cluster c", "cannot be used with"),
            ("loadtop --group g --fargate", "cannot be used with"),
            ("loadtop --fargate=cheap", "on-demand or spot"),
            ("loadtop --budget 0", "more than 0"),
            ("loadtop run --budget much", "such as 25 or 2.50"),
            ("loadtop init --exec x", "--exec"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.to_string().contains(says), "{line}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
