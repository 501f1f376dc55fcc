//! Ending runs to the last task, and saying what is left: what `killall` and `reap` have
//! in common.
//!
//! Invariant: a run counts as ended only when its controller says so, in the strict sense
//! (every task STOPPED, two empty lists).

use std::{
    io::{IsTerminal, stderr, stdin},
    sync::Arc,
    time::Duration,
};

use color_eyre::eyre::WrapErr;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::{answer::state, steering::Steering};
use crate::{
    cloud::Cloud,
    controller::{
        Command, Join, Snapshot,
        snapshot::{Phase, Stuck},
    },
    model::{confirmed::Confirmed, registry::Registry},
    place::Standing,
    process::output::say,
    runs,
    tell::Teller,
};

/// What became of one run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunEnded {
    pub(super) run: String,
    pub(super) state: &'static str,
    #[serde(skip)]
    pub(super) stuck: Option<Stuck>,
}

/// How runs are ended.
#[derive(Debug)]
pub(super) struct End<'a> {
    pub(super) standing: &'a Standing,
    /// Who agreed; none: nothing is ordered, as the runs are over by themselves.
    pub(super) confirmed: Option<Confirmed>,
    pub(super) scale_to_zero: bool,
    pub(super) wait: Duration,
    pub(super) no_wait: bool,
}

impl End<'_> {
    /// Ends these runs, all at once, and waits until nothing of them is left.
    pub(super) async fn runs(&self, runs: &[Registry]) -> color_eyre::Result<Vec<RunEnded>> {
        let several = runs.len() > 1;
        let ended = join_all(runs.iter().map(|run| self.run(run, several))).await;
        ended.into_iter().collect()
    }

    async fn run(&self, entry: &Registry, several: bool) -> color_eyre::Result<RunEnded> {
        let prefix = if several { format!("{}: ", entry.run) } else { String::new() };
        let leads = !self.no_wait;
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
    ) -> color_eyre::Result<RunEnded> {
        let scale_to_zero = self.scale_to_zero;
        let deadline = Instant::now() + self.wait;
        let mut why = None;
        if let Some(run) = steering.find().await? {
            let is_on = matches!(run.phase, Phase::Running | Phase::Paused);
            if let Some(confirmed) = self.confirmed.filter(|_| is_on || scale_to_zero) {
                let end = Command::End { scale_to_zero, confirmed };
                // One that is ending already has what it needs.
                why = steering.order(end).await?.err().filter(|_| is_on);
            }
            if !self.no_wait && why.is_none() {
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
        let stuck = if done || self.no_wait {
            why.map(|why| Stuck { what: vec![why], commands: Vec::new() })
        } else {
            Some(stuck(&self.standing.connect().await?, &snapshot, entry, why).await)
        };
        Ok(RunEnded { run: entry.run.clone(), state: state(phase), stuck })
    }

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

/// The command that stops a task.
pub(super) fn stop_by_hand(cluster: &str, arn: &str) -> String {
    format!("aws ecs stop-task --cluster {cluster} --task {arn}")
}

/// Whether there is a terminal to ask on.
pub(super) fn can_ask() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Whether somebody types a yes now.
pub(super) async fn typed_yes() -> color_eyre::Result<bool> {
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| line)
    });
    let answer = answer.await?.wrap_err("the answer cannot be read")?;
    Ok(answer.trim() == "yes")
}

/// Says what is left, and how to end it by hand.
pub(super) fn say_left(left: &[String], commands: &[String]) {
    for line in left {
        say(&format!("left: {line}"));
    }
    if !commands.is_empty() {
        say("by hand:");
        for command in commands {
            say(&format!("  {command}"));
        }
    }
}
