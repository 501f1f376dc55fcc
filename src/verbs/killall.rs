//! `killall`: a run, or all of them, to zero.
//!
//! Invariant: nothing ends before `--yes` or a typed yes; exit code 0 means that nothing
//! is left, in the strict sense of the controller's (every task STOPPED, two empty
//! lists); otherwise what is left is named, with the commands that end it by hand.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, stderr, stdin},
    sync::Arc,
};

use color_eyre::eyre::{WrapErr, eyre};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    answer::{print_json, state},
    standing,
    steering::Steering,
    strays,
};
use crate::{
    cli::Killall,
    cloud::{Cloud, types::TaskSeen},
    controller::{
        Command, Join, Snapshot,
        snapshot::{Phase, Stuck},
    },
    model::{confirmed::Confirmed, registry::Registry},
    place::Standing,
    process::output::say,
    runs,
    tell::Teller,
    usage::Usage,
};

/// What `killall` prints as JSON.
#[derive(Debug, Serialize)]
struct Killed {
    verb: &'static str,
    /// `done`: nothing is left; `left`: something is; `stopping`: it was not waited for.
    result: &'static str,
    runs: Vec<RunKilled>,
    /// Tasks of no run that were stopped.
    strays: u32,
    /// What is left.
    left: Vec<String>,
    /// The commands that end it by hand.
    commands: Vec<String>,
}

/// What became of one run.
#[derive(Debug, Clone, Serialize)]
struct RunKilled {
    run: String,
    state: &'static str,
    #[serde(skip)]
    stuck: Option<Stuck>,
}

/// Ends runs.
pub async fn killall(arguments: Killall) -> color_eyre::Result<u8> {
    let standing = standing(&arguments.which.place)?;
    let can_ask = stdin().is_terminal() && stderr().is_terminal();
    if !arguments.yes && !can_ask {
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
    let end = End { standing: &standing, arguments: &arguments, confirmed };
    let several = runs.len() > 1;
    let ended = join_all(runs.iter().map(|run| end.run(run, several))).await;
    let mut killed = Killed::new(ended.into_iter().collect::<Result<_, _>>()?);
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
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| line)
    });
    let answer = answer.await?.wrap_err("the answer cannot be read")?;
    Ok((answer.trim() == "yes").then_some(Confirmed::ByPrompt))
}

/// How runs are ended.
struct End<'a> {
    standing: &'a Standing,
    arguments: &'a Killall,
    confirmed: Confirmed,
}

impl End<'_> {
    /// Ends one run, and waits until nothing of it is left.
    async fn run(&self, entry: &Registry, several: bool) -> color_eyre::Result<RunKilled> {
        let prefix = if several { format!("{}: ", entry.run) } else { String::new() };
        let leads = !self.arguments.no_wait;
        let join = Join::Run(entry.run.clone());
        let teller = Teller::with_prefix(prefix);
        let mut steering = Steering::start(self.standing, join, leads, teller).await?;
        let ended = self.steer(&mut steering, entry).await;
        steering.end().await;
        ended
    }

    async fn steer(
        &self,
        steering: &mut Steering,
        entry: &Registry,
    ) -> color_eyre::Result<RunKilled> {
        let scale_to_zero = self.arguments.scale_to_zero;
        let deadline = Instant::now() + self.arguments.wait;
        let mut why = None;
        if let Some(run) = steering.find().await? {
            let is_on = matches!(run.phase, Phase::Running | Phase::Paused);
            if is_on || scale_to_zero {
                let end = Command::End { scale_to_zero, confirmed: self.confirmed };
                // One that is ending already has what it needs.
                why = steering.order(end).await?.err().filter(|_| is_on);
            }
            if !self.arguments.no_wait && why.is_none() {
                let is_gone = |it: &Snapshot| has_ended(it) && (!scale_to_zero || is_empty(it));
                steering.wait(deadline, is_gone).await?;
            }
        }
        let snapshot = steering.snapshot();
        let phase = snapshot.run.as_ref().map_or(Phase::Ended, |run| run.phase);
        // One that cannot be joined has not ended because of that.
        let unseen = snapshot.run.is_none() && self.is_on(entry).await;
        let done = !unseen && has_ended(&snapshot) && (!scale_to_zero || is_empty(&snapshot));
        let phase = if unseen { Phase::Running } else { phase };
        if unseen {
            why.get_or_insert_with(|| {
                format!("run {} cannot be joined: its objects cannot be read", entry.run)
            });
        }
        let stuck = if done || self.arguments.no_wait {
            why.map(|why| Stuck { what: vec![why], commands: Vec::new() })
        } else {
            Some(stuck(&self.standing.connect().await?, &snapshot, entry, why).await)
        };
        Ok(RunKilled { run: entry.run.clone(), state: state(phase), stuck })
    }
}

impl End<'_> {
    /// Whether the registry has the run as one that is on.
    async fn is_on(&self, entry: &Registry) -> bool {
        let Ok(cloud) = self.standing.connect().await else { return true };
        runs::unended(&cloud).await.map_or(true, |runs| runs.iter().any(|it| it.run == entry.run))
    }
}

fn has_ended(snapshot: &Snapshot) -> bool {
    snapshot.run.as_ref().is_none_or(|run| run.phase == Phase::Ended)
}

/// Whether no instance is there but those that the group must have.
fn is_empty(snapshot: &Snapshot) -> bool {
    let it = &snapshot.instances.value;
    // Where nobody here scales, nothing is scaled to zero.
    if snapshot.capacity.refusal().is_some() {
        return true;
    }
    snapshot.instances.at.is_some() && it.registered <= it.min && it.booting + it.leaving == 0
}

/// What is left of a run at the deadline, and how to end it by hand.
async fn stuck(
    cloud: &Cloud,
    snapshot: &Arc<Snapshot>,
    entry: &Registry,
    why: Option<String>,
) -> Stuck {
    if let Some(stuck) = snapshot.run.as_ref().and_then(|run| run.stuck.clone()) {
        return Stuck::clone(&stuck);
    }
    let (run, cluster) = (&entry.run, &cloud.names().cluster);
    let mut what: Vec<String> = why.into_iter().collect();
    if has_ended(snapshot) {
        let there = snapshot.instances.value.registered;
        what.push(format!("run {run} has ended, and {there} instances are still there"));
        let commands = vec![format!(
            "aws autoscaling update-auto-scaling-group --auto-scaling-group-name {} \
             --min-size 0 --desired-capacity 0",
            cloud.names().group()
        )];
        return Stuck { what, commands };
    }
    let started_by = format!("loadtop/{run}");
    let commands = match cloud.list_tasks(Some(&started_by)).await {
        Ok(arns) if !arns.is_empty() => {
            what.push(format!("{} tasks of run {run} have not stopped", arns.len()));
            arns.iter().map(|arn| stop_by_hand(cluster, arn)).collect()
        }
        _ => {
            what.push(format!("whether all tasks of run {run} have stopped was not seen in time"));
            vec![format!(
                "aws ecs list-tasks --cluster {cluster} --started-by {started_by} \
                 --desired-status STOPPED"
            )]
        }
    };
    Stuck { what, commands }
}

fn stop_by_hand(cluster: &str, arn: &str) -> String {
    format!("aws ecs stop-task --cluster {cluster} --task {arn}")
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
    fn new(runs: Vec<RunKilled>) -> Self {
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
    for line in &killed.left {
        say(&format!("left: {line}"));
    }
    if !killed.commands.is_empty() {
        say("by hand:");
        killed.commands.iter().for_each(|command| say(&format!("  {command}")));
    }
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
