//! What comes of figures, exact results and marks in whole controllers: as they come, for
//! who comes late, and in files.

use std::time::Duration;

use super::MINUTE;
use crate::{
    cloud::types::Condition,
    controller::{
        Command, Join,
        snapshot::{Level, MarkKind, Snapshot},
    },
    local::sim::{Seat, World},
    stats::{
        Counts, Devices, Interval, LabelCounts, Outcome, Part, Report, Time, Times,
        times::histogram,
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// A controller that somebody looks at.
fn seat(world: &World, name: &str, join: Join) -> Seat {
    world.controller_with(name, |options| (options.join, options.details) = (join, true))
}

async fn running(world: &World, devices: u32) -> (Seat, String) {
    let seat = seat(world, "a", Join::Own);
    seat.add(devices, Duration::ZERO).await;
    world.until("all are alive", MINUTE, |it| it.alive() == devices).await;
    let run = world.ledger().runs.keys().next().cloned().expect("a run");
    (seat, run)
}

/// A part with an interval of ten requests for each of these seconds.
fn part(task: &str, number: u32, seconds: std::ops::Range<u64>) -> Part {
    let mut recorded = histogram();
    (1..=10).for_each(|ms| recorded.saturating_record(ms * 1000));
    let times = |time| Times {
        label: "line".to_owned(),
        time,
        outcome: Outcome::Ok,
        counts: Counts::from(&recorded),
    };
    let interval = |second: u64| Interval {
        report: Report {
            at: second * 1000,
            length_ms: 1000,
            task: task.to_owned(),
            devices: Devices { connected: 250, ..Devices::default() },
            requests: 10,
            labels: [("line".to_owned(), LabelCounts { requests: 10, errors: 1 })].into(),
            ..Report::default()
        },
        times: vec![times(Time::Response), times(Time::Service)],
    };
    Part { task: task.to_owned(), number, intervals: seconds.map(interval).collect() }
}

/// Writes an object of the run, as agents do.
async fn write(world: &World, run: &str, key: &str, text: String) {
    let (cloud, _link) = world.client();
    let key = format!("loadtop/{run}/{key}");
    cloud.put_object(&key, text.into(), Condition::Always).await.expect("written");
}

fn requests(snapshot: &Snapshot) -> u64 {
    let columns = snapshot.latency.value.columns.iter();
    columns.flat_map(|it| &it.labels).map(|it| it.response.total()).sum()
}

/// The bucket's time in whole seconds.
async fn now_s(world: &World) -> u64 {
    let (cloud, _link) = world.client();
    let (_, dated) = cloud.get_object("none", None).await.expect("answered");
    dated.expect("dated").date / 1000
}

#[tokio::test(start_paused = true)]
async fn exact_results_are_shown_as_they_are_written() {
    let world = World::new(71, |_| {});
    let (seat, run) = running(&world, 500).await;
    let now = now_s(&world).await;
    for task in ["00000-1", "00001-1"] {
        let part = part(task, 1, now - 5..now);
        write(&world, &run, &part.key(), part.encode()).await;
    }
    seat.until("both are read", MINUTE, |it| requests(it) == 100).await;
    let snapshot = seat.handle.snapshots.borrow().clone();
    let view = &snapshot.latency.value;
    assert_eq!((view.tasks_read, view.tasks_of, view.unreadable), (2, 2, 0));
    assert_eq!((view.columns.len(), view.columns[0].tasks, view.every_ms), (5, 2, 5_000));
    assert_eq!(view.columns[0].labels[0].errors, 2);
    let p50 = view.columns[0].labels[0].service.quantile(0.5);
    assert!(p50.is_some_and(|ms| (4.9..=5.1).contains(&ms)), "{p50:?}");
    let end = view.columns.last().map(|it| it.at + it.length_ms);
    assert!(end.is_some() && snapshot.latency.at == end);
    let row = snapshot.task_rows.value.iter().find(|row| row.name == "00001-1");
    let report = row.and_then(|row| row.report).expect("the task's row has its report");
    assert_eq!(report.devices.connected, 250);
    assert!((report.requests_per_s - 10.0).abs() < 1e-9);
    // What is no part is counted, and what follows it is read.
    write(&world, &run, "results/00000-1/000002.hlog", "rubbish".to_owned()).await;
    let third = part("00000-1", 3, now + 5..now + 10);
    write(&world, &run, &third.key(), third.encode()).await;
    seat.until("it goes on", MINUTE, |it| requests(it) == 150).await;
    assert_eq!(seat.handle.snapshots.borrow().latency.value.unreadable, 1);
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_who_does_not_look_reads_parts() {
    let world = World::new(72, |_| {});
    let seat = world.controller("a");
    seat.add(250, Duration::ZERO).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 250).await;
    let run = world.ledger().runs.keys().next().cloned().expect("a run");
    let now = now_s(&world).await;
    let part = part("00000-1", 1, now - 5..now);
    write(&world, &run, &part.key(), part.encode()).await;
    world.run_for(30 * SECOND).await;
    assert_eq!(requests(&seat.handle.snapshots.borrow()), 0);
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn who_comes_late_has_the_charts_and_the_last_parts() {
    let world = World::new(73, |_| {});
    let (first, run) = running(&world, 250).await;
    let now = now_s(&world).await;
    for number in 1..=40 {
        let from = now + u64::from(number) * 5;
        let part = part("00000-1", number, from..from + 5);
        write(&world, &run, &part.key(), part.encode()).await;
    }
    world.run_for(10 * MINUTE).await;
    let late = seat(&world, "b", Join::Latest);
    late.until("it has the last parts", MINUTE, |it| requests(it) == 12 * 50).await;
    late.until("it has the points of before", MINUTE, |it| it.traffic.value.points.len() > 590)
        .await;
    let (ours, theirs) =
        (first.handle.snapshots.borrow().clone(), late.handle.snapshots.borrow().clone());
    assert_eq!(requests(&ours), 40 * 50, "who was there has all");
    let points = |it: &Snapshot| {
        let points = it.traffic.value.points.iter();
        points.filter(|it| it.connected > 0.0 && it.length_ms == 1000).count()
    };
    assert!(points(&ours).abs_diff(points(&theirs)) < 5);
    assert_eq!(ours.marks[0].text, "+250 at once");
    let marks = |it: &Snapshot| it.marks.iter().map(|it| it.text.clone()).collect::<Vec<_>>();
    assert_eq!(marks(&ours), marks(&theirs));
    first.leave().await;
    late.leave().await;
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_marked_for_who_leads_and_who_follows() {
    let world = World::new(74, |_| {});
    let (first, _) = running(&world, 500).await;
    let second = seat(&world, "b", Join::Latest);
    second.until("it follows", MINUTE, |it| it.tasks.value.running == 2).await;
    first.order(Command::Pause).await;
    world.run_for(5 * SECOND).await;
    first.order(Command::Resume).await;
    first.order(Command::Remove { devices: 100 }).await;
    second.order(Command::ScaleTo(3, None)).await;
    world.run_for(5 * SECOND).await;
    first.end_run(false).await;
    for seat in [&first, &second] {
        seat.until("its end is marked", MINUTE, |it| {
            it.marks.iter().any(|mark| mark.kind == MarkKind::End)
        })
        .await;
        let marks = seat.handle.snapshots.borrow().marks.clone();
        let mut texts: Vec<_> = marks.iter().map(|it| it.text.as_str()).collect();
        texts.sort_unstable();
        let expected = [
            "+500 at once",
            "instances 1 → 3",
            "the ramp goes on",
            "the ramp is paused",
            "the run ends",
            "−100",
        ];
        assert_eq!(texts, expected);
        assert!(marks.is_sorted_by_key(|it| it.at));
    }
    first.leave().await;
    second.leave().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_throttled_is_said_for_as_long_as_it_is() {
    let world = World::new(75, |_| {});
    world.local.faults().add("RunTask:throttle:1".parse().expect("a fault"));
    let seat = seat(&world, "a", Join::Own);
    seat.add(250, Duration::ZERO).await;
    seat.until("it is said", MINUTE, |it| it.throttled.contains_key("RunTask")).await;
    let snapshot = seat.handle.snapshots.borrow().clone();
    assert!(snapshot.throttled["RunTask"] > snapshot.at);
    seat.until("it is over", 2 * MINUTE, |it| it.throttled.is_empty()).await;
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn figures_are_exported_into_the_runs_folder() {
    let world = World::new(76, |_| {});
    let early = seat(&world, "b", Join::Own);
    early.order(Command::Export).await;
    early
        .until("it is refused", MINUTE, |it| it.orders.outcome(1).is_some_and(|it| it.is_err()))
        .await;
    let (seat, run) = running(&world, 250).await;
    seat.until("they report", MINUTE, |it| it.devices.value.connected == 250).await;
    seat.order(Command::Export).await;
    let said = |it: &Snapshot| {
        let mut notices = it.notices.iter().filter(|it| it.level == Level::Info);
        notices.find_map(|it| Some(it.text.split_once(" are in ")?.1.to_owned()))
    };
    seat.until("it is said", MINUTE, |it| said(it).is_some()).await;
    let snapshot = seat.handle.snapshots.borrow().clone();
    let path = said(&snapshot).expect("a path");
    let path = std::path::Path::new(path.strip_suffix(" and .csv").expect("both"));
    let text = std::fs::read_to_string(path).expect("JSON is there");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&json["run"], &json["devices"]["connected"]), (&run.into(), &250.into()));
    assert!(path.with_extension("csv").exists());
    seat.leave().await;
    early.leave().await;
}
