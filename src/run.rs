//! From a parsed command line to an exit code.

use std::{fs::OpenOptions, io::IsTerminal, path::Path, sync::Mutex};

use color_eyre::eyre::WrapErr;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    agent,
    app::{self, Fleet},
    cli::{Cli, Command, Common, Dashboard, Practice, Run},
    controller::snapshot::Level,
    headless, local,
    process::output::say,
    record,
    session::{self, Session, Settings},
    target,
    usage::Usage,
};

/// Does what the command line says; the answer is the exit code.
pub fn run(cli: Cli) -> color_eyre::Result<u8> {
    match cli.command {
        None => dashboard(cli.dashboard),
        Some(Command::Run(arguments)) => headless(arguments),
        Some(Command::Local) => {
            log_to_file(None)?;
            let options = local::Options::new(&record::state_dir(), session::program()?);
            shared_runtime()?.block_on(local::serve(options))?;
            Ok(0)
        }
        Some(Command::Target(arguments)) => practice(&arguments),
        Some(Command::Agent) => {
            let settings = agent::Settings::from_environment()?;
            agent::start(settings).map(agent::Exit::code)
        }
    }
}

fn dashboard(arguments: Dashboard) -> color_eyre::Result<u8> {
    refuse_cluster(&arguments.common)?;
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Usage(
            "the dashboard needs a terminal on standard input and output; without one use\n  \
             loadtop run --headless --target tcp://HOST:PORT --devices N [--json]"
                .to_owned(),
        )
        .into());
    }
    log_to_file(arguments.common.log.as_deref())?;
    let settings =
        Settings { target: arguments.target, devices_per_task: arguments.common.devices_per_task };
    let options = app::Options {
        batch: arguments.devices.unwrap_or(100),
        window: arguments.ramp_up,
        readonly: arguments.readonly,
    };
    let add = arguments.devices.map(|devices| crate::controller::Command::Add {
        devices,
        over: arguments.ramp_up,
        spread: crate::model::wish::Spread::Uniform,
        seed: None,
    });
    shared_runtime()?.block_on(async {
        let session = Session::start(settings).await?;
        if let Some(add) = add {
            // The channel was just made and is empty: there is room.
            session.handle.commands.send(add).await.wrap_err("the controller is gone")?;
        }
        let farewell = app::run(session.handle.clone(), options).await;
        let left = session.end().await;
        let farewell = farewell?;
        say_farewell(&farewell, left);
        Ok(if farewell.is_interrupted() { 130 } else { 0 })
    })
}

/// What stays on the terminal when the dashboard is gone. On standard error: it is
/// words, and the terminal may be gone too.
fn say_farewell(farewell: &app::Farewell, left: u32) {
    if let Some(run) = &farewell.snapshot.run {
        match &run.summary {
            Some(summary) => say(summary.to_string().trim_end()),
            None => say(&format!("run {} was left before its results were collected", run.id)),
        }
        say(&format!("run folder: {}", run.folder.display()));
        let grave = farewell.snapshot.notices.iter().filter(|it| it.level == Level::Error);
        for notice in grave.filter(|it| it.at >= run.started_at) {
            say(&format!("error: {}", notice.text));
        }
    }
    if farewell.fleet == Fleet::NotSeenToEnd {
        let left = farewell.tasks_left();
        say(&format!("{left} tasks had not stopped by themselves and were killed"));
    }
    match left {
        0 => say("nothing is left running"),
        _ => say(&format!("{left} processes could not be ended; see the log and `ps -ef`")),
    }
}

fn headless(arguments: Run) -> color_eyre::Result<u8> {
    refuse_cluster(&arguments.common)?;
    let refuse = |why: &str| Err(Usage(why.to_owned()).into());
    if arguments.plan.is_some() {
        return refuse("plans are not there yet: say --target and --devices");
    }
    if !arguments.headless {
        return refuse(
            "a run with a screen is the dashboard: loadtop TARGET -n N --ramp-up TIME; \
             without a screen: add --headless",
        );
    }
    let Some(target) = arguments.target else {
        return refuse(
            "--target is missing: say what to load, such as --target tcp://127.0.0.1:7000",
        );
    };
    let Some(devices) = arguments.devices else {
        return refuse("--devices is missing: say how many, such as --devices 1000");
    };
    log_to_file(arguments.common.log.as_deref())?;
    let settings =
        Settings { target: Some(target), devices_per_task: arguments.common.devices_per_task };
    let plan = headless::Plan {
        devices,
        ramp_up: arguments.ramp_up,
        hold_for: arguments.hold_for,
        json: arguments.json,
    };
    shared_runtime()?.block_on(headless::run(settings, plan))
}

fn practice(arguments: &Practice) -> color_eyre::Result<u8> {
    let options = target::Options {
        listen: arguments.listen,
        latency: arguments.latency,
        json: arguments.json,
        lifeline: std::env::var_os("LOADTOP_LIFELINE").is_some(),
    };
    single_runtime()?.block_on(target::serve(options))?;
    Ok(0)
}

fn refuse_cluster(common: &Common) -> Result<(), Usage> {
    match &common.cluster {
        Some(cluster) => Err(Usage(format!(
            "--cluster {cluster}: runs on Amazon ECS are not there yet; without --cluster (and \
             LOADTOP_CLUSTER) loadtop runs on its local cloud"
        ))),
        None => Ok(()),
    }
}

/// For the dashboard and its cloud: the screen must not wait for the cloud's work.
fn shared_runtime() -> color_eyre::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().wrap_err("no runtime")
}

fn single_runtime() -> color_eyre::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().wrap_err("no runtime")
}

/// The screen is the dashboard's, so the log goes to a file. `LOADTOP_LOG` chooses
/// what is in it, by default our own words from `info` on.
fn log_to_file(named: Option<&Path>) -> color_eyre::Result<()> {
    let path = named.map_or_else(|| record::state_dir().join("loadtop.log"), Path::to_path_buf);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .wrap_err_with(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .wrap_err_with(|| format!("the log {} cannot be written", path.display()))?;
    let asked = std::env::var("LOADTOP_LOG").unwrap_or_else(|_| "loadtop=info".to_owned());
    let filter: Targets = asked
        .parse()
        .map_err(|error| Usage(format!("LOADTOP_LOG={asked}: {error}; say loadtop=debug")))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false);
    // A second call in one process (tests) keeps the first log.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
    Ok(())
}
