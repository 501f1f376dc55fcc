//! `status`: which runs are on, as the bucket has it. It reads and changes nothing.

use std::time::Duration;

use color_eyre::eyre::WrapErr;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::{
    answer::{self, Devices, print_json},
    standing,
};
use crate::{
    cli::Which,
    cloud::{Cloud, CloudError},
    controller::{
        progress::Progress,
        snapshot::{Phase, Stuck, TasksView},
    },
    model::{Millis, capacity::Capacity, wish::State},
    process::output::{print, say},
    runs::{self, RunSeen},
};

/// Runs that are looked at at once.
const LOOKS_AT_ONCE: usize = 8;

/// What `status` prints as JSON.
#[derive(Debug, Serialize)]
struct Status {
    r#where: String,
    runs: Vec<Row>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    run: String,
    /// `beginning`, `running`, `paused`, `ending`, `collecting`, `lapsed` (its devices have
    /// ended, its tasks were not seen to) or `ended`.
    state: &'static str,
    started_at: String,
    by: String,
    target: Option<String>,
    devices: Devices,
    tasks: Option<TasksView>,
    /// What its tasks run on; none in a run of an earlier version.
    capacity: Option<Capacity>,
    /// Who leads it; none: nobody does.
    led_by: Option<String>,
    /// Seconds until its devices end by themselves, if nobody renews the lease.
    lease_left_s: Option<f64>,
    /// How old what is said of the tasks is at most, in seconds.
    age_s: Option<f64>,
    /// What is left of a run that does not come to its end.
    stuck: Option<Stuck>,
}

/// Shows the runs that are on, or the one that was named.
pub async fn status(arguments: Which) -> color_eyre::Result<u8> {
    let standing = standing(&arguments.place)?;
    let cloud = standing.connect().await?;
    let label = standing.site().label;
    let rows = rows(&cloud, arguments.run.as_deref())
        .await
        .wrap_err_with(|| format!("the runs at {label} cannot be read"))?;
    if arguments.json {
        print_json(&Status { r#where: label.clone(), runs: rows.clone() })?;
    } else if !rows.is_empty() {
        print(&table(&rows))?;
    }
    match (&arguments.run, rows.is_empty()) {
        (Some(run), true) => {
            say(&format!("there is no run {run} at {label}"));
            return Ok(1);
        }
        (None, true) => say(&format!("no run is on at {label}")),
        _ => {}
    }
    for stuck in rows.iter().filter_map(|row| row.stuck.as_ref()) {
        stuck.what.iter().chain(&stuck.commands).for_each(|line| say(line));
    }
    Ok(0)
}

async fn rows(cloud: &Cloud, run: Option<&str>) -> Result<Vec<Row>, CloudError> {
    let mut found = runs::all(cloud).await?;
    match run {
        Some(run) => found.retain(|entry| entry.run == run),
        None => found.retain(|entry| entry.ended_at.is_none()),
    }
    stream::iter(found)
        .map(|entry| async move { runs::details(cloud, &entry).await.map(|seen| Row::of(&seen)) })
        .buffered(LOOKS_AT_ONCE)
        .try_collect()
        .await
}

impl Row {
    fn of(seen: &RunSeen) -> Self {
        let registry = &seen.registry;
        let seconds = |ms: Millis| ms as f64 / 1000.0;
        let live = seen.wish.as_ref().map_or(0, |wish| wish.live.len());
        let ended = registry.ended_at.is_some();
        Row {
            run: registry.run.clone(),
            state: state(seen),
            started_at: registry.started_at.clone(),
            by: registry.by.clone(),
            target: registry.target.clone(),
            devices: Devices { live, connected: None },
            tasks: seen.progress.as_ref().map(|progress| progress.tasks.clone()),
            capacity: registry.capacity.clone(),
            led_by: seen.leader.now().filter(|_| !ended).map(str::to_owned),
            lease_left_s: seen.lease_left_ms().filter(|_| !ended).map(seconds),
            age_s: seen.progress.as_ref().and_then(|it| age(seen, it)).map(seconds),
            stuck: seen.progress.as_ref().and_then(|progress| progress.stuck.clone()),
        }
    }
}

/// A leader writes its progress only when it changed: what it wrote was still so when it
/// last renewed its term.
fn age(seen: &RunSeen, progress: &Progress) -> Option<Millis> {
    let written = seen.now?.saturating_sub(progress.at);
    let renewed = seen.leader.silent_ms.filter(|_| seen.leader.now().is_some());
    Some(renewed.map_or(written, |renewed| renewed.min(written)))
}

fn state(seen: &RunSeen) -> &'static str {
    let phase = seen.progress.as_ref().map(|progress| progress.phase);
    let Some(wish) = &seen.wish else {
        return if seen.registry.ended_at.is_some() { "ended" } else { "beginning" };
    };
    match (wish.state, phase) {
        _ if seen.registry.ended_at.is_some() => "ended",
        (_, Some(phase @ (Phase::Collecting { .. } | Phase::Ended))) => answer::state(phase),
        (State::Stop, _) => "ending",
        _ if seen.lease_left_ms() == Some(0) => "lapsed",
        (State::Paused, _) => "paused",
        (State::Run, _) => "running",
    }
}

/// The runs for people.
fn table(rows: &[Row]) -> String {
    let head = ["RUN", "STATE", "DEVICES", "TASKS", "LEADER", "LEASE", "AGE"];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let time = |seconds: Option<f64>| seconds.map_or_else(|| "-".to_owned(), time);
        [
            row.run.clone(),
            row.state.to_owned(),
            row.devices.live.to_string(),
            row.tasks.as_ref().map_or_else(|| "-".to_owned(), tasks),
            row.led_by.clone().unwrap_or_else(|| "nobody".to_owned()),
            time(row.lease_left_s),
            time(row.age_s),
        ]
    }));
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn time(seconds: f64) -> String {
    humantime::format_duration(Duration::from_secs(seconds as u64)).to_string().replace(' ', "")
}

fn tasks(tasks: &TasksView) -> String {
    let counts = [
        (tasks.running, "run"),
        (tasks.requested + tasks.pending, "start"),
        (tasks.waiting_for_room, "wait for room"),
        (tasks.stopping, "stop"),
        (tasks.given_up, "given up"),
    ];
    let some: Vec<String> =
        counts.iter().filter(|it| it.0 > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        controller::progress::Tally,
        model::{
            leadership::LeaderNote,
            registry::{Policy, Registry, Workload},
            wish::Wish,
        },
        runs::LeaderSeen,
    };

    const NOW: Millis = 1_000_000;

    fn seen() -> RunSeen {
        let registry = Registry {
            run: "r1".into(),
            version: "0".into(),
            started_at: "2026-01-01T00:00:00Z".into(),
            started_ms: 1,
            by: "me@here".into(),
            r#where: "ECS at 127.0.0.1:1".into(),
            place: "p".into(),
            cluster: "loadtop".into(),
            target: Some("tcp://127.0.0.1:7000".into()),
            room: 250,
            workload: Workload::Agent,
            capacity: Some(Capacity::Fargate { spot: true }),
            network: crate::model::capacity::Network::default(),
            definition: None,
            policy: Policy::default(),
            tags: std::collections::BTreeMap::new(),
            ended_at: None,
        };
        let note = LeaderNote { owner: Some("me@here".into()), term: 1, beat: 3 };
        let tasks = TasksView { running: 4, waiting_for_room: 1, ..TasksView::default() };
        let mut wish = Wish::new("plan-1.json", NOW + 590_000);
        wish.live.insert(0, 1100);
        RunSeen {
            registry,
            wish: Some(wish),
            leader: LeaderSeen { note: Some(note), silent_ms: Some(2_000) },
            progress: Some(Progress {
                at: NOW - 60_000,
                phase: Phase::Running,
                tasks,
                stuck: None,
                tally: Tally::default(),
                cost: None,
            }),
            now: Some(NOW),
        }
    }

    #[test]
    fn a_row_says_what_the_bucket_says() {
        let rows = [Row::of(&seen())];
        assert_eq!(
            table(&rows),
            "RUN  STATE    DEVICES  TASKS                 LEADER   LEASE  AGE\n\
             r1   running  1100     4 run, 1 wait for room  me@here  9m50s  2s\n"
                .replace("TASKS                 LEADER", "TASKS                   LEADER")
        );
    }

    #[test]
    fn what_its_tasks_run_on_is_said() {
        let row = serde_json::to_value(Row::of(&seen())).expect("JSON");
        assert_eq!(row["capacity"], serde_json::json!({"on": "fargate", "spot": true}));
    }

    #[test]
    fn a_leader_that_is_silent_for_a_term_leads_no_more() {
        let mut silent = seen();
        silent.leader.silent_ms = Some(16_000);
        let row = Row::of(&silent);
        assert_eq!((row.led_by, row.age_s), (None, Some(60.0)));
    }

    #[test]
    fn the_state_is_the_wishes_unless_more_is_known() {
        let with = |change: fn(&mut RunSeen)| {
            let mut seen = seen();
            change(&mut seen);
            state(&seen)
        };
        assert_eq!(with(|_| ()), "running");
        assert_eq!(with(|it| it.wish = None), "beginning");
        let mut paused = seen();
        paused.wish.as_mut().expect("there").state = State::Paused;
        assert_eq!(state(&paused), "paused");
        paused.wish.as_mut().expect("there").state = State::Stop;
        assert_eq!(state(&paused), "ending");
        assert_eq!(with(|it| it.now = Some(NOW + 600_000)), "lapsed");
        assert_eq!(with(|it| it.registry.ended_at = Some(NOW)), "ended");
        assert_eq!(
            with(|it| {
                it.progress.as_mut().expect("there").phase = Phase::Collecting { read: 0, of: 1 };
            }),
            "collecting"
        );
    }
}
