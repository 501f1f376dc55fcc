//! The dashboard from the command line to its last words.
//!
//! Invariant: whatever the dashboard left behind is said on the terminal that it gave
//! back, with the commands that show it and end it.

use std::{io::IsTerminal, sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    app::{self, Farewell, Fleet},
    cli::{self, Spreading},
    config::Screen,
    controller::{
        Command, Handle, Join, Snapshot,
        snapshot::{Level, Phase, RunView},
    },
    place::Place,
    process::output::say,
    session::{Session, Settings},
    usage::Usage,
};

/// How long `-n` waits to hear whether a run is on already.
const FINDING: Duration = Duration::from_secs(30);

/// Refuses what cannot be, before anything is started.
pub fn check(arguments: &cli::Dashboard) -> Result<(Place, Screen), Usage> {
    let place = Place::of_run(&arguments.place, &arguments.making.image)?;
    let variable = |name: &str| std::env::var(name).ok();
    let screen = Screen::find(&arguments.place, &arguments.looks, &variable)?;
    if arguments.run.is_some() && place == Place::Embedded {
        return Err(Usage(
            "--run: a local cloud of one's own has no run that is on already; start `loadtop \
             local` and evaluate what it prints"
                .to_owned(),
        ));
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Usage(
            "the dashboard needs a terminal on standard input and output; without one use\n  \
             loadtop run --headless --target tcp://HOST:PORT --devices N [--json]"
                .to_owned(),
        ));
    }
    if let Some(file) = arguments.record.as_ref().filter(|it| it.exists()) {
        let file = file.display();
        return Err(Usage(format!("--record {file}: it is there already; name another file")));
    }
    Ok((place, screen))
}

/// Shows the dashboard until it is left; the answer is the exit code.
pub async fn show(
    arguments: cli::Dashboard,
    place: Place,
    screen: Screen,
) -> color_eyre::Result<u8> {
    let stays = place != Place::Embedded;
    let mut settings = Settings::new(place, arguments.target, &arguments.making);
    settings.leads = !arguments.readonly;
    settings.details = true;
    if stays {
        settings.join = arguments.run.map_or(Join::Latest, Join::Run);
    }
    let Spreading { spread, seed } = arguments.spreading;
    let options = app::Options {
        batch: arguments.devices.unwrap_or(100),
        window: arguments.ramp_up,
        readonly: arguments.readonly,
        spread,
        seed,
        mouse: !arguments.looks.no_mouse,
        look: screen.look,
        keymap: Arc::new(screen.keymap),
        record: arguments.record,
    };
    let mut session = Session::start(settings).await?;
    let first = arguments.devices.map(|devices| {
        let add = Command::Add { devices, over: arguments.ramp_up, spread, seed };
        tokio::spawn(begin(session.handle.clone(), add))
    });
    let farewell = app::run(session.handle.clone(), options).await;
    let last = if stays { Some(session.leave().await) } else { None };
    let left = session.end().await;
    let farewell = farewell?;
    say_not_added(first, arguments.devices).await;
    if let Some(file) = &farewell.recorded {
        say(&format!("recorded: {file} (asciinema play shows it)"));
    }
    match last {
        Some(last) => say_farewell_to_standing(&farewell, &last),
        None => say_farewell(&farewell, left),
    }
    Ok(if farewell.is_interrupted() { 130 } else { 0 })
}

/// Adds the first devices, unless a run is on already: whoever starts the dashboard
/// again after a crash, with the same words, does not want them twice. The error says
/// which run that is.
async fn begin(mut handle: Handle, add: Command) -> Result<(), String> {
    let found = handle.snapshots.wait_for(|it| !it.finding);
    let found = tokio::time::timeout(FINDING, found).await;
    let Ok(Ok(snapshot)) = found.map(|found| found.map(|it| Arc::clone(&it))) else {
        return Err("what runs there was not found out".to_owned());
    };
    let on = snapshot.run.as_ref().filter(|it| is_on(it)).map(|it| it.id.clone());
    match on {
        Some(run) => Err(format!("run {run} was on already")),
        None => handle.commands.send(add).await.map_err(|_| "the controller is gone".to_owned()),
    }
}

async fn say_not_added(first: Option<JoinHandle<Result<(), String>>>, devices: Option<u32>) {
    let Some((first, devices)) = first.zip(devices) else {
        return;
    };
    first.abort();
    if let Ok(Err(why)) = first.await {
        say(&format!("-n: no devices were added at the start, as {why}; + adds {devices}"));
    }
}

fn is_on(run: &RunView) -> bool {
    matches!(run.phase, Phase::Running | Phase::Paused)
}

/// What stays on the terminal when the dashboard is gone. On standard error: it is
/// words, and the terminal may be gone too.
fn say_farewell(farewell: &Farewell, left: u32) {
    say_found(&farewell.snapshot);
    if farewell.fleet == Fleet::NotSeenToEnd {
        let left = farewell.tasks_left();
        say(&format!("{left} tasks had not stopped by themselves and were killed"));
    }
    match left {
        0 => say("nothing is left running"),
        _ => say(&format!("{left} processes could not be ended; see the log and `ps -ef`")),
    }
}

/// What the run found, where it is written down, and what went wrong.
fn say_found(snapshot: &Snapshot) {
    let Some(run) = &snapshot.run else {
        return;
    };
    match &run.summary {
        Some(summary) => say(summary.to_string().trim_end()),
        None if is_on(run) => {}
        None => say(&format!("run {} was left before its results were collected", run.id)),
    }
    if run.folder.exists() {
        say(&format!("run folder: {}", run.folder.display()));
    }
    let grave = snapshot.notices.iter().filter(|it| it.level == Level::Error);
    for notice in grave.filter(|it| it.at >= run.started_at) {
        say(&format!("error: {}", notice.text));
    }
}

/// The same on a cloud that stays: what goes on there.
fn say_farewell_to_standing(farewell: &Farewell, last: &Arc<Snapshot>) {
    say_found(last);
    let run = last.run.as_ref().filter(|it| it.phase != Phase::Ended);
    let Some(run) = run.filter(|_| farewell.fleet != Fleet::Gone) else {
        return say(&format!("no run of loadtop's is on at {}", last.site.label));
    };
    for line in goes_on(run, last) {
        say(&line);
    }
}

/// What goes on without the dashboard, and what to do about it.
fn goes_on(run: &RunView, last: &Snapshot) -> Vec<String> {
    let (devices, tasks) = (last.ramp.total, last.tasks.value.running + last.tasks.value.pending);
    let lease = Duration::from_secs(run.lease_left_ms / 1000);
    let lease = humantime::format_duration(lease);
    let what = match run.phase {
        Phase::Running | Phase::Paused => format!(
            "run {} goes on at {}: {devices} devices in {tasks} tasks",
            run.id, last.site.label
        ),
        _ => format!("run {} is ending at {}: {tasks} tasks were left", run.id, last.site.label),
    };
    vec![
        what,
        format!("its devices stop by themselves in {lease}, unless a controller is there"),
        "  loadtop           joins it again".to_owned(),
        "  loadtop status    shows it".to_owned(),
        format!("  loadtop killall --run {}    ends it", run.id),
    ]
}
