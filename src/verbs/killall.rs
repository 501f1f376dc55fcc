//! `killall`: a run, or all of them, to zero.
//!
//! Invariant: nothing ends before `--yes` or a typed yes; exit code 0 means that nothing
//! is left, in the strict sense of the controller's (every task STOPPED, two empty
//! lists); otherwise what is left is named, with the commands that end it by hand.

use std::collections::BTreeSet;

use color_eyre::eyre::{WrapErr, eyre};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    answer::print_json,
    ending::{End, RunEnded, can_ask, say_left, stop_by_hand, typed_yes},
    standing, strays,
};
use crate::{
    cli::Killall,
    cloud::{Cloud, types::TaskSeen},
    controller::snapshot::Stuck,
    model::{confirmed::Confirmed, registry::Registry},
    process::output::say,
    runs,
    usage::Usage,
};

/// What `killall` prints as JSON.
#[derive(Debug, Serialize)]
struct Killed {
    verb: &'static str,
    /// `done`: nothing is left; `left`: something is; `stopping`: it was not waited for.
    result: &'static str,
    runs: Vec<RunEnded>,
    /// Tasks of no run that were stopped.
    strays: u32,
    /// What is left.
    left: Vec<String>,
    /// The commands that end it by hand.
    commands: Vec<String>,
}

/// Ends runs.
pub async fn killall(arguments: Killall) -> color_eyre::Result<u8> {
    let standing = standing(&arguments.which.place)?;
    if !arguments.yes && !can_ask() {
        return Err(Usage(
            "killall ends devices and tasks for good, and there is no terminal to ask on: say --yes"
                .to_owned(),
        )
        .into());
    }
    let cloud = standing.connect().await?;
    let label = standing.site().label;
    let runs = choose(&cloud, &arguments)
        .await
        .wrap_err_with(|| format!("the runs at {label} cannot be read"))?;
    let known = runs.iter().map(|entry| entry.run.clone()).collect();
    let strays = if arguments.all_runs { find_strays(&cloud, &known).await } else { Vec::new() };
    if runs.is_empty() && strays.is_empty() {
        say(&format!("no run is on at {label}: nothing runs"));
        return finish(&arguments, Killed::new(Vec::new()));
    }
    let Some(confirmed) = confirm(&arguments, &label, &runs, strays.len()).await? else {
        say("nothing was ended");
        return Ok(1);
    };
    let end = End {
        standing: &standing,
        confirmed: Some(confirmed),
        scale_to_zero: arguments.scale_to_zero,
        wait: arguments.wait,
        no_wait: arguments.no_wait,
    };
    let mut killed = Killed::new(end.runs(&runs).await?);
    if arguments.all_runs
        && let Err(error) = end_strays(&cloud, &arguments, &mut killed).await
    {
        killed.left.push(format!("tasks of no run, as far as there are any: {error:#}"));
        let cluster = &cloud.names().cluster;
        killed.commands.push(format!("aws ecs list-tasks --cluster {cluster}"));
    }
    finish(&arguments, killed)
}

/// Tasks of no run, for the question. That they cannot be listed now is no reason to
/// end nothing: they are looked for again after the runs.
async fn find_strays(cloud: &Cloud, known: &BTreeSet<String>) -> Vec<TaskSeen> {
    let found = strays::find(cloud, known).await;
    found
        .inspect_err(|error| say(&format!("tasks of no run are not known yet: {error}")))
        .unwrap_or_default()
}

/// The runs to end.
async fn choose(cloud: &Cloud, arguments: &Killall) -> color_eyre::Result<Vec<Registry>> {
    let mut found = runs::all(cloud).await?;
    if let Some(run) = &arguments.which.run {
        found.retain(|entry| entry.run == *run);
        if found.is_empty() {
            return Err(eyre!("there is no run {run}; `loadtop status` shows those that are on"));
        }
    }
    found.retain(|entry| entry.ended_at.is_none());
    if !arguments.all_runs {
        // The latest: the list begins with the oldest.
        let latest = found.pop();
        found.clear();
        found.extend(latest);
    }
    Ok(found)
}

/// Who agreed; none: nobody did.
async fn confirm(
    arguments: &Killall,
    label: &str,
    runs: &[Registry],
    strays: usize,
) -> color_eyre::Result<Option<Confirmed>> {
    if arguments.yes {
        return Ok(Some(Confirmed::ByFlag));
    }
    for run in runs {
        let target = run.target.as_deref().unwrap_or("an image of your own");
        say(&format!("run {} ({target}), begun {} by {}", run.run, run.started_at, run.by));
    }
    if strays > 0 {
        say(&format!("{strays} tasks of loadtop's that belong to no run"));
    }
    let instances = if arguments.scale_to_zero { ", and the instances go" } else { "" };
    say(&format!("All their devices and tasks at {label} end for good{instances}. Type yes:"));
    Ok(typed_yes().await?.then_some(Confirmed::ByPrompt))
}

/// Ends the tasks that belong to no run that is on by now.
async fn end_strays(
    cloud: &Cloud,
    arguments: &Killall,
    killed: &mut Killed,
) -> color_eyre::Result<()> {
    let unended = runs::unended(cloud).await?;
    let known: BTreeSet<String> = unended.into_iter().map(|entry| entry.run).collect();
    let strays = strays::find(cloud, &known).await?;
    killed.strays = strays.len() as u32;
    if strays.is_empty() {
        return Ok(());
    }
    say(&format!("{} tasks belong to no run and are stopped", strays.len()));
    let wait = if arguments.no_wait { std::time::Duration::ZERO } else { arguments.wait };
    let left = strays::end(cloud, &strays, Instant::now() + wait).await;
    if !arguments.no_wait {
        let cluster = &cloud.names().cluster;
        killed.left.extend(left.iter().map(|arn| format!("{arn} (of no run) has not stopped")));
        killed.commands.extend(left.iter().map(|arn| stop_by_hand(cluster, arn)));
    }
    Ok(())
}

impl Killed {
    fn new(runs: Vec<RunEnded>) -> Self {
        let stuck: Vec<Stuck> = runs.iter().filter_map(|run| run.stuck.clone()).collect();
        Killed {
            verb: "killall",
            result: "done",
            runs,
            strays: 0,
            left: stuck.iter().flat_map(|it| it.what.clone()).collect(),
            commands: stuck.into_iter().flat_map(|it| it.commands).collect(),
        }
    }
}

/// Says and prints what came of it; the answer is the exit code.
fn finish(arguments: &Killall, mut killed: Killed) -> color_eyre::Result<u8> {
    killed.result = match (killed.left.is_empty(), arguments.no_wait) {
        (false, _) => "left",
        (true, true) if !killed.runs.is_empty() => "stopping",
        _ => "done",
    };
    say_left(&killed.left, &killed.commands);
    match (killed.result, killed.runs.is_empty()) {
        ("done", false) => say("nothing is left running"),
        ("stopping", _) => say("the devices stop within seconds; loadtop status shows the rest"),
        _ => {}
    }
    if arguments.which.json {
        print_json(&killed)?;
    }
    Ok(u8::from(killed.result == "left"))
}
