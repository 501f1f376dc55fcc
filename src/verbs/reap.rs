//! `reap`: what nobody holds any more, to zero.
//!
//! Runs whose lease has lapsed and that were not brought to their end, tasks of no run
//! whose own expiry has passed, and groups whose switch was not taken back. Invariants: a
//! run whose lease has not lapsed is never touched, nor anything of it; nothing is stopped
//! by `--dry-run`, or before `--yes` or a typed yes; exit code 0 means that nothing is
//! left.

use std::{collections::BTreeSet, time::Duration};

use color_eyre::eyre::{WrapErr, eyre};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    answer::print_json,
    ending::{End, RunEnded, can_ask, say_left, stop_by_hand, typed_yes},
    standing, strays,
};
use crate::{
    cli,
    cloud::{Cloud, types::TaskSeen},
    controller::switch::{Leaving, Settled, read, release},
    model::{
        Millis,
        registry::Registry,
        switch::{ACTION, Note},
    },
    place::Standing,
    process::output::say,
    runs,
    usage::Usage,
};

/// How often is looked whether an action has fired that is left to.
const AGAIN: Duration = Duration::from_secs(2);

/// What `reap` prints as JSON.
#[derive(Debug, Serialize)]
struct Reaped {
    verb: &'static str,
    /// `done`: nothing is left; `left`: something is; `found`: something would be ended;
    /// `kept`: nobody agreed.
    result: &'static str,
    dry_run: bool,
    /// Runs whose lease had lapsed.
    runs: Vec<RunEnded>,
    /// Tasks of no run that were stopped, or would be.
    tasks: Vec<String>,
    /// Tasks of no run whose expiry has not passed, or that have none: they stay.
    spared: Vec<String>,
    /// Groups whose switch nobody took back.
    groups: Vec<String>,
    /// What is left.
    left: Vec<String>,
    /// The commands that end it by hand.
    commands: Vec<String>,
}

/// What was found in one place.
#[derive(Debug, Default)]
struct Found {
    /// Runs that have lapsed and not ended.
    lapsed: Vec<Registry>,
    /// Names of runs that are on.
    live: BTreeSet<String>,
    tasks: Vec<TaskSeen>,
    spared: Vec<String>,
    /// The group's note, if there is something to do for it.
    group: Option<Note>,
}

impl Found {
    fn is_nothing(&self) -> bool {
        self.lapsed.is_empty() && self.tasks.is_empty() && self.group.is_none()
    }
}

/// Ends what nobody holds.
pub async fn reap(arguments: cli::Reap) -> color_eyre::Result<u8> {
    let standing = standing(&arguments.place)?;
    if !arguments.yes && !arguments.dry_run && !can_ask() {
        return Err(Usage(
            "reap stops tasks for good, and there is no terminal to ask on: say --yes, or \
             --dry-run to see which"
                .to_owned(),
        )
        .into());
    }
    let everywhere = standing.everywhere();
    let mut places = Vec::new();
    let mut unseen = Vec::new();
    for standing in &everywhere {
        match look(standing).await {
            // Where the region is the profile's it may be among the others, too.
            Ok(place)
                if places.iter().any(|it: &Place| it.cloud.place() == place.cloud.place()) => {}
            Ok(place) => places.push(place),
            Err(error) => unseen.push(format!("{error:#}")),
        }
    }
    let mut reaped = Reaped::new(arguments.dry_run, &places);
    reaped.left = unseen;
    if places.iter().all(|place| place.found.is_nothing()) {
        return finish(&arguments, reaped);
    }
    if arguments.dry_run {
        reaped.result = "found";
        return finish(&arguments, reaped);
    }
    if !arguments.yes {
        say("All that is ended for good. Type yes:");
        if !typed_yes().await? {
            reaped.result = "kept";
            return finish(&arguments, reaped);
        }
    }
    reaped.runs.clear();
    for place in &places {
        Box::pin(end(place, arguments.wait, &mut reaped)).await?;
    }
    finish(&arguments, reaped)
}

/// A place, and what was found there.
struct Place<'a> {
    standing: &'a Standing,
    cloud: Cloud,
    found: Found,
}

/// Looks into one place, and says what is there.
async fn look(standing: &Standing) -> color_eyre::Result<Place<'_>> {
    let cloud = standing.connect().await?;
    let place = cloud.place();
    let found = find(&cloud).await.wrap_err_with(|| format!("{place} cannot be looked into"))?;
    tell(&standing.site().label, &found);
    Ok(Place { standing, cloud, found })
}

/// Looks what nobody holds any more.
async fn find(cloud: &Cloud) -> color_eyre::Result<Found> {
    let mut found = Found::default();
    for entry in runs::unended(cloud).await? {
        let seen = runs::details(cloud, &entry).await?;
        let now = seen.now.ok_or_else(|| eyre!("the bucket's answers have no date"))?;
        let Some(wish) = &seen.wish else {
            // Nobody can lead it; what it left goes by its own expiry.
            say(&format!("run {} has no wish in its bucket: it cannot be ended", entry.run));
            continue;
        };
        if wish.lease_until <= now && seen.leader.now().is_none() {
            found.lapsed.push(entry);
        } else {
            found.live.insert(entry.run);
        }
    }
    let of_runs = found.lapsed.iter().map(|entry| entry.run.clone());
    let known: BTreeSet<String> = of_runs.chain(found.live.iter().cloned()).collect();
    let now = now(cloud).await?;
    for (task, expires) in strays::find_tagged(cloud, &known).await? {
        match expires {
            Some(expires) if expires <= now => found.tasks.push(task),
            _ => found.spared.push(task.arn),
        }
    }
    found.group = group(cloud, &found.live, now).await?;
    Ok(found)
}

/// The bucket's time, to the second.
async fn now(cloud: &Cloud) -> color_eyre::Result<Millis> {
    let (_, dated) = cloud.get_object(&runs::key("-", "-"), None).await?;
    Ok(dated.ok_or_else(|| eyre!("the bucket's answers have no date"))?.date)
}

/// The group's note, if a run holds it that is on no more, or its minimum was not put
/// back.
async fn group(
    cloud: &Cloud,
    live: &BTreeSet<String>,
    now: Millis,
) -> color_eyre::Result<Option<Note>> {
    if cloud.names().group().is_empty() {
        return Ok(None);
    }
    let note = read(cloud).await?.map(|(note, _)| note);
    Ok(note.filter(|note| !gone(note, live).is_empty() || (note.released(&[], now) != *note)))
}

/// The runs of a note that are on no more.
fn gone(note: &Note, live: &BTreeSet<String>) -> Vec<String> {
    note.claims.keys().filter(|run| !live.contains(*run)).cloned().collect()
}

/// Says what was found.
fn tell(label: &str, found: &Found) {
    for run in &found.lapsed {
        say(&format!(
            "run {}, begun {} by {}, was left: its lease has lapsed and nobody leads it",
            run.run, run.started_at, run.by
        ));
    }
    if !found.tasks.is_empty() {
        say(&format!("{} tasks at {label} belong to no run and have expired", found.tasks.len()));
    }
    if !found.spared.is_empty() {
        say(&format!(
            "{} tasks at {label} belong to no run and have not expired, or say nothing of that: \
             they stay; loadtop killall --all-runs ends them",
            found.spared.len()
        ));
    }
    if let Some(note) = &found.group {
        say(&format!("the switch of the group {} was not taken back", note.group));
    }
    if found.is_nothing() {
        let live = match found.live.len() {
            0 => "no run is on".to_owned(),
            1 => "a run is on, and is held".to_owned(),
            runs => format!("{runs} runs are on, and are held"),
        };
        say(&format!("nothing to reap at {label}: {live}"));
    }
}

/// Ends what was found in one place.
async fn end(place: &Place<'_>, wait: Duration, reaped: &mut Reaped) -> color_eyre::Result<()> {
    let Place { standing, cloud, found } = place;
    let deadline = Instant::now() + wait;
    let end = End { standing, confirmed: None, scale_to_zero: false, wait, no_wait: false };
    let runs = end.runs(&found.lapsed).await?;
    for stuck in runs.iter().filter_map(|run| run.stuck.as_ref()) {
        reaped.left.extend(stuck.what.iter().cloned());
        reaped.commands.extend(stuck.commands.iter().cloned());
    }
    reaped.runs.extend(runs);
    if !found.tasks.is_empty() {
        let left = strays::end(cloud, &found.tasks, deadline).await;
        let cluster = &cloud.names().cluster;
        reaped.left.extend(left.iter().map(|arn| format!("{arn} (of no run) has not stopped")));
        reaped.commands.extend(left.iter().map(|arn| stop_by_hand(cluster, arn)));
    }
    if let Err(error) = Box::pin(settle(cloud, &found.live, deadline)).await {
        let group = cloud.names().group();
        reaped.left.push(format!("the switch of the group {group}: {error:#}"));
        reaped.commands.push(format!(
            "aws autoscaling describe-scheduled-actions --auto-scaling-group-name {group} \
             --scheduled-action-names {ACTION}"
        ));
    }
    Ok(())
}

/// Lets go of the group for all runs that are on no more. An action that is still to end
/// the instances of a run that has lapsed is waited for.
async fn settle(
    cloud: &Cloud,
    live: &BTreeSet<String>,
    deadline: Instant,
) -> color_eyre::Result<()> {
    loop {
        let now = now(cloud).await?;
        let Some(note) = group(cloud, live, now).await? else {
            return Ok(());
        };
        let leaving = Leaving { runs: gone(&note, live), lapsed: false, now };
        match release(cloud, None, &leaving).await? {
            Settled::Done(None) => return Ok(()),
            Settled::Done(Some(limits)) => {
                say(&format!("the group {} has its minimum of {} again", note.group, limits.min));
                return Ok(());
            }
            Settled::Waits(at) if Instant::now() >= deadline => {
                let late = now.saturating_sub(at) / 1000;
                return Err(eyre!("it has not ended the instances yet, and is {late} s late"));
            }
            Settled::Waits(_) => sleep(AGAIN).await,
        }
    }
}

impl Reaped {
    fn new(dry_run: bool, places: &[Place<'_>]) -> Self {
        let found = || places.iter().map(|place| &place.found);
        let runs = found().flat_map(|it| &it.lapsed);
        Reaped {
            verb: "reap",
            result: "done",
            dry_run,
            runs: runs
                .map(|run| RunEnded { run: run.run.clone(), state: "lapsed", stuck: None })
                .collect(),
            tasks: found().flat_map(|it| &it.tasks).map(|task| task.arn.clone()).collect(),
            spared: found().flat_map(|it| it.spared.clone()).collect(),
            groups: found().filter_map(|it| Some(it.group.as_ref()?.group.clone())).collect(),
            left: Vec::new(),
            commands: Vec::new(),
        }
    }
}

/// Says and prints what came of it; the answer is the exit code.
fn finish(arguments: &cli::Reap, mut reaped: Reaped) -> color_eyre::Result<u8> {
    if !reaped.left.is_empty() && reaped.result == "done" {
        reaped.result = "left";
    }
    say_left(&reaped.left, &reaped.commands);
    match reaped.result {
        "found" => say("nothing was ended (--dry-run)"),
        "kept" => say("nothing was ended"),
        "done" if !(reaped.runs.is_empty() && reaped.tasks.is_empty()) => {
            say("nothing is left of it");
        }
        _ => {}
    }
    if arguments.json {
        print_json(&reaped)?;
    }
    Ok(u8::from(reaped.result != "done"))
}
