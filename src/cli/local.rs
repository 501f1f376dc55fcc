//! What `loadtop local` takes.
//!
//! Invariant: what parses is a cloud that can be; without a word it is the one that the
//! dashboard brings along.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::values::duration;
use crate::{
    local::{Loss, Options, Runner, account, faults::Fault},
    usage::Usage,
};

/// Instances of a cluster on AWS.
const MAX_INSTANCES: i64 = 5000;
/// A container has at least 4 MiB of an instance's 2 GiB.
const MAX_TASKS_PER_INSTANCE: i64 = 512;
/// Longest that an instance boots.
const MAX_BOOT: Duration = Duration::from_hours(1);
/// Longest that lists and descriptions lag behind.
const MAX_LAG: Duration = Duration::from_mins(1);

/// What `local` takes.
#[derive(Debug, Args)]
pub struct Local {
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Instances at the start
    #[arg(long, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(0..=MAX_INSTANCES))]
    pub instances: u32,
    /// The group's maximum [default: 10, or as many as there are at the start]
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=MAX_INSTANCES))]
    pub max_instances: Option<u32>,
    /// Tasks of `loadtop-agent` that fit on an instance
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=MAX_TASKS_PER_INSTANCE))]
    pub tasks_per_instance: u32,
    /// How long a new instance takes until it takes tasks
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = boot)]
    pub boot: Duration,
    /// How long a new task is missing from lists and descriptions
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = lag)]
    pub lag: Duration,
    /// Runs no programs, only a model of them: devices come and go as the wish says, and
    /// send nothing. For fleets of any size, to try out how they are steered
    #[arg(long)]
    pub modelled: bool,
    /// Lets calls fail: `OPERATION[@KEY]:KIND:SHARE`, such as RunTask:throttle:10% or
    /// PutObject@wish.json:reset-after:3; KIND is throttle, error-before, error-after,
    /// reset-before, reset-after, expired, deny or slow=TIME. May be given several times
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<Fault>,
    /// Refuses an action, such as ecs:StopTask, as if no policy allowed it. May be given
    /// several times
    #[arg(long = "deny", value_name = "ACTION", value_parser = account::action)]
    pub denied: Vec<String>,
    /// Loses tasks or instances again and again, such as tasks:5%/min, instances:2/min
    /// or spot:5%/min (tasks on Fargate Spot). May be given several times
    #[arg(long = "lose", value_name = "SPEC")]
    pub losses: Vec<Loss>,
    /// Lets a capacity provider with managed scaling decide how many instances there are:
    /// as many as its tasks need, whatever the group is told
    #[arg(long)]
    pub managed_scaling: bool,
}

impl Local {
    /// How the cloud is to be, with its files under `state_dir`. It stays when those go
    /// who use it.
    pub fn options(self, state_dir: &Path, program: PathBuf) -> Result<Options, Usage> {
        let mut options = Options::new(state_dir, program);
        let most = self.max_instances.unwrap_or(options.max_instances.max(self.instances));
        if self.instances > most {
            let instances = self.instances;
            return Err(Usage(format!(
                "--instances {instances}: more than --max-instances {most}"
            )));
        }
        options.port = self.port.unwrap_or(0);
        (options.instances, options.max_instances) = (self.instances, most);
        options.tasks_per_instance = self.tasks_per_instance;
        (options.boot, options.lag) = (self.boot, self.lag);
        (options.faults, options.losses) = (self.faults, self.losses);
        options.managed_scaling = self.managed_scaling;
        options.account.denied = self.denied.into_iter().collect();
        if self.modelled {
            options.runner = Runner::Modelled;
        }
        options.outlives_us = true;
        Ok(options)
    }
}

fn boot(text: &str) -> Result<Duration, String> {
    duration(text, MAX_BOOT)
}

fn lag(text: &str) -> Result<Duration, String> {
    match duration(text, Duration::MAX)? {
        lag if lag > MAX_LAG => Err(format!("at most {} s", MAX_LAG.as_secs())),
        lag => Ok(lag),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Local, String> {
        let words = ["loadtop", "local"].into_iter().chain(line.split_whitespace());
        match Cli::try_parse_from(words).map_err(|error| error.to_string())?.command {
            Some(Command::Local(local)) => Ok(local),
            other => panic!("{other:?}"),
        }
    }

    fn options(line: &str) -> Result<Options, String> {
        parse(line)?.options(Path::new("s"), "p".into()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_word_it_is_the_contracts_cloud_but_stays() {
        let (ours, contract) =
            (options("").expect("fine"), Options::new(Path::new("s"), "p".into()));
        let sizes = |it: &Options| (it.instances, it.max_instances, it.tasks_per_instance);
        assert_eq!(sizes(&ours), sizes(&contract));
        assert_eq!((ours.port, ours.boot, ours.lag), (0, contract.boot, contract.lag));
        assert_eq!((ours.runner, ours.buckets), (contract.runner, contract.buckets));
        assert!(ours.outlives_us && !contract.outlives_us);
        assert!(
            !ours.managed_scaling && options("--managed-scaling").expect("fine").managed_scaling
        );
    }

    #[test]
    fn a_large_cluster_needs_two_numbers() {
        let large = options("--instances 100 --tasks-per-instance 100 --modelled").expect("fine");
        assert_eq!((large.instances, large.max_instances), (100, 100));
        assert_eq!(large.runner, Runner::Modelled);
        let fails = options("--fault RunTask:throttle:10% --fault *:slow=2s:1 --lose tasks:5%/min");
        let fails = fails.expect("fine");
        assert_eq!((fails.faults.len(), fails.losses.len()), (2, 1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, says) in [
            ("--instances 20 --max-instances 10", "--instances 20: more than --max-instances 10"),
            ("--instances 5001", "5001 is not in 0..=5000"),
            ("--max-instances 0", "0 is not in 1..=5000"),
            ("--tasks-per-instance 513", "513 is not in 1..=512"),
            ("--port 0", "0 is not in 1..=65535"),
            ("--boot 2h", "at most 1h"),
            ("--lag 61s", "at most 60 s"),
            ("--fault RunTask:never:1", "--fault"),
            ("--lose devices:1/min", "`devices` cannot be lost"),
        ] {
            let error = options(line).expect_err(line);
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
