//! From a parsed command line to an exit code.

use std::{fs::OpenOptions, path::Path, sync::Mutex, time::Duration};

use color_eyre::eyre::WrapErr;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    agent,
    cli::{Cli, Command, Dashboard, Plan, Practice, Run, Where},
    config, dashboard, doctor, headless, local, manual,
    model::forecast::Ask,
    place::Place,
    record,
    session::{self, Settings},
    target,
    usage::Usage,
    verbs, watchdog,
};

/// Does what the command line says; the answer is the exit code.
pub fn run(cli: Cli) -> color_eyre::Result<u8> {
    match cli.command {
        None => dashboard(cli.dashboard),
        Some(Command::Run(arguments)) => headless(arguments),
        Some(Command::Plan(it)) => plan(it),
        Some(Command::Add(it)) => verb(&it.which.place.clone(), async { verbs::add(it).await }),
        Some(Command::Remove(it)) => {
            verb(&it.which.place.clone(), async { verbs::remove(it).await })
        }
        Some(Command::Scale(it)) => verb(&it.which.place.clone(), async { verbs::scale(it).await }),
        Some(Command::Pause(it)) => verb(&it.place.clone(), async { verbs::pause(it).await }),
        Some(Command::Resume(it)) => verb(&it.place.clone(), async { verbs::resume(it).await }),
        Some(Command::Status(it)) => verb(&it.place.clone(), async { verbs::status(it).await }),
        Some(Command::Killall(it)) => {
            verb(&it.which.place.clone(), async { verbs::killall(it).await })
        }
        Some(Command::Init(arguments)) => config::init::init(&arguments).map(|()| 0),
        Some(Command::Reap(it)) => {
            verb(&it.place.clone(), async { Box::pin(verbs::reap(it)).await })
        }
        Some(Command::Doctor(it)) => verb(&it.place.clone(), async { doctor::run(it).await }),
        Some(Command::Local(arguments)) => {
            log_to_file(None)?;
            let options = arguments.options(&record::state_dir(), session::program()?)?;
            shared_runtime()?.block_on(local::serve(options))?;
            Ok(0)
        }
        Some(Command::Target(arguments)) => practice(&arguments),
        Some(Command::Agent) => {
            let settings = agent::Settings::from_environment()?;
            agent::start(settings).map(agent::Exit::code)
        }
        Some(Command::Watchdog(arguments)) => watchdog::start(&arguments.program),
        Some(Command::Completions(it)) => manual::completions(it.shell).map(|()| 0),
        Some(Command::Man(it)) => manual::man(it.out.as_deref()).map(|()| 0),
    }
}

fn dashboard(arguments: Dashboard) -> color_eyre::Result<u8> {
    let (place, screen) = dashboard::check(&arguments)?;
    log_to_file(arguments.place.log.as_deref())?;
    shared_runtime()?.block_on(dashboard::show(arguments, place, screen))
}

/// A verb: what `place` says is checked by itself.
fn verb(
    place: &Where,
    does: impl Future<Output = color_eyre::Result<u8>>,
) -> color_eyre::Result<u8> {
    log_to_file(place.log.as_deref())?;
    shared_runtime()?.block_on(does)
}

/// What a load would take.
fn plan(arguments: Plan) -> color_eyre::Result<u8> {
    let place = Place::of(&arguments.place)?;
    if let Some(plan) = &arguments.load.plan {
        return Err(no_plans(plan));
    }
    let devices = arguments.load.devices.ok_or_else(no_devices)?;
    let settings = Settings::new(place, arguments.load.target, &arguments.making);
    log_to_file(arguments.place.log.as_deref())?;
    let ask = ask(devices, arguments.load.ramp_up, arguments.hold_for);
    shared_runtime()?.block_on(verbs::forecast(settings, ask, arguments.json))
}

fn ask(devices: u32, ramp_up: Duration, hold_for: Option<Duration>) -> Ask {
    let ms = |time: Duration| time.as_millis() as u64;
    Ask { devices, ramp_ms: ms(ramp_up), hold_ms: hold_for.map(ms) }
}

fn no_plans(plan: &Path) -> color_eyre::Report {
    let plan = plan.display();
    Usage(format!("{plan}: plans are not there yet: say --target and --devices")).into()
}

fn no_devices() -> color_eyre::Report {
    Usage("--devices is missing: say how many, such as --devices 1000".to_owned()).into()
}

fn headless(arguments: Run) -> color_eyre::Result<u8> {
    let place = Place::of_run(&arguments.place, &arguments.making.image)?;
    let refuse = |why: &str| Err(Usage(why.to_owned()).into());
    if let Some(plan) = &arguments.load.plan {
        return Err(no_plans(plan));
    }
    if arguments.dry_run {
        let devices = arguments.load.devices.ok_or_else(no_devices)?;
        let settings = Settings::new(place, arguments.load.target, &arguments.making);
        log_to_file(arguments.place.log.as_deref())?;
        let ask = ask(devices, arguments.load.ramp_up, Some(arguments.hold_for));
        return shared_runtime()?.block_on(verbs::forecast(settings, ask, arguments.json));
    }
    if !arguments.headless {
        return refuse(
            "a run with a screen is the dashboard: loadtop TARGET -n N --ramp-up TIME; \
             without a screen: add --headless",
        );
    }
    let settings = Settings::new(place, arguments.load.target, &arguments.making);
    if settings.target.is_none() && settings.image.is_none() {
        return refuse(
            "--target is missing: say what to load, such as --target tcp://127.0.0.1:7000",
        );
    }
    let devices = arguments.load.devices.ok_or_else(no_devices)?;
    log_to_file(arguments.place.log.as_deref())?;
    let plan = headless::Plan {
        devices,
        ramp_up: arguments.load.ramp_up,
        spread: arguments.spreading.spread,
        seed: arguments.spreading.seed,
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
