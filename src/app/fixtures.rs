//! Snapshots as a real run would make them, for the tests of `app` and `ui`.

use std::{path::PathBuf, sync::Arc, time::Duration};

mod capacity;
mod latency;
mod money;
pub(crate) mod rows;
mod steering;

pub(crate) use capacity::{fargate, fargate_short, managed};
pub(crate) use latency::{day, measured};
pub(crate) use money::{budget, costing};
pub(crate) use steering::{
    any_image, big_ending, booting, finding, following, leader_silent, nobody, stuck, unsure,
};

use super::state::App;
use crate::{
    cloud::Site,
    controller::snapshot::{
        Aged, CapacityView, DevicesView, InstanceView, InstancesView, LeadView, Level, Notice,
        OrdersView, Phase, Point, Quantiles, RampView, RunView, ScaledBy, Snapshot, TasksView,
        TrafficView, Window,
    },
    model::Millis,
};

/// The time of every fixture.
pub(crate) const NOW: Millis = 1_760_000_000_000;

/// A dashboard that shows `snapshot`.
pub(crate) fn app(snapshot: Snapshot) -> App {
    App::new(Arc::new(snapshot), 100, Duration::from_secs(10), false)
}

/// Every state worth looking at, by name.
pub(crate) fn all() -> Vec<(&'static str, Snapshot)> {
    vec![
        ("empty", empty()),
        ("ramping", ramping()),
        ("steady", steady()),
        ("full_cluster", full_cluster()),
        ("errors", errors()),
        ("unanswered", unanswered()),
        ("ending", ending()),
        ("collecting", collecting()),
        ("ended", ended()),
        ("finding", finding()),
        ("following", following()),
        ("leader_silent", leader_silent()),
        ("unsure", unsure()),
        ("nobody", nobody()),
        ("booting", booting()),
        ("any_image", any_image()),
        ("big_ending", big_ending()),
        ("stuck", stuck()),
        ("fargate", fargate()),
        ("fargate_short", fargate_short()),
        ("managed", managed()),
        ("costing", costing()),
        ("budget", budget()),
    ]
}

/// The local cloud is up, and nothing was asked for.
pub(crate) fn empty() -> Snapshot {
    Snapshot {
        at: NOW,
        site: Site {
            label: "local cloud".into(),
            costs: false,
            outlives_us: false,
            ends_programs: true,
            refresh: Duration::from_secs(1),
            report: Duration::from_secs(1),
            results: Duration::from_secs(5),
            files_per_task: None,
        },
        target: "tcp://127.0.0.1:38141".into(),
        run: None,
        capacity: CapacityView::Instances { group: "loadtop".into(), scaled_by: ScaledBy::Us },
        instances: aged(instances(1, &[0])),
        tasks: aged(TasksView::default()),
        task_rows: Aged::default(),
        devices: aged(DevicesView::default()),
        ramp: RampView { total: 0, planned: 0, left_ms: Some(0) },
        traffic: Aged::default(),
        latency: Aged::default(),
        marks: Arc::default(),
        throttled: std::collections::BTreeMap::new(),
        notices: notices(&[(Level::Info, 4, "the local cloud is up: 1 instance, 4 tasks fit", 1)]),
        calls: std::collections::BTreeMap::new(),
        finding: false,
        others: Vec::new(),
        orders: OrdersView::default(),
        cost: None,
        basis: None,
    }
}

/// Six hundred of a thousand devices should be up.
pub(crate) fn ramping() -> Snapshot {
    Snapshot {
        run: Some(running(Phase::Running, 42)),
        instances: aged(instances(1, &[3])),
        tasks: aged(TasksView { wanted: 4, pending: 1, running: 3, ..TasksView::default() }),
        devices: aged(DevicesView {
            wanted: 1000,
            starting: 24,
            connected: 588,
            tasks_reporting: 3,
            tasks_expected: 3,
            ..DevicesView::default()
        }),
        ramp: RampView { total: 1000, planned: 620, left_ms: Some(23_000) },
        traffic: aged(traffic(38, |second| {
            (f64::from(second) * 16.0, (f64::from(second) * 15.6 - 8.0).max(0.0))
        })),
        notices: notices(&[
            (Level::Info, 46, "the local cloud is up: 1 instance, 4 tasks fit", 1),
            (Level::Info, 42, "run 7f3a21c began: 1,000 devices over 1m", 1),
        ]),
        ..empty()
    }
}

/// All is well.
pub(crate) fn steady() -> Snapshot {
    Snapshot {
        run: Some(running(Phase::Running, 252)),
        instances: aged(instances(2, &[4, 1])),
        tasks: aged(TasksView { wanted: 5, running: 5, ..TasksView::default() }),
        devices: aged(DevicesView {
            wanted: 1250,
            connected: 1250,
            tasks_reporting: 5,
            tasks_expected: 5,
            ..DevicesView::default()
        }),
        traffic: aged(traffic(240, |second| {
            let planned = (f64::from(second) * 20.0).min(1250.0);
            (planned, (planned - 6.0).max(0.0).max(if second > 64 { 1250.0 } else { 0.0 }))
        })),
        notices: notices(&[
            (Level::Info, 252, "run 7f3a21c began: 1,000 devices over 1m", 1),
            (Level::Info, 120, "250 devices more over 10 s", 1),
            (Level::Info, 118, "instance i-0b is up", 1),
        ]),
        ..empty()
    }
}

/// Two tasks find no place.
pub(crate) fn full_cluster() -> Snapshot {
    Snapshot {
        run: Some(running(Phase::Running, 90)),
        instances: aged(instances(1, &[4])),
        tasks: aged(TasksView {
            wanted: 6,
            running: 4,
            waiting_for_room: 2,
            ..TasksView::default()
        }),
        devices: aged(DevicesView {
            wanted: 1500,
            connected: 1000,
            tasks_reporting: 4,
            tasks_expected: 4,
            ..DevicesView::default()
        }),
        ramp: RampView { total: 500, planned: 0, left_ms: None },
        traffic: aged(traffic(80, |second| {
            let planned = (f64::from(second) * 20.0).min(1000.0);
            (planned, (planned - 6.0).max(0.0))
        })),
        notices: notices(&[
            (Level::Info, 90, "run 7f3a21c began: 1,000 devices over 50 s", 1),
            (Level::Warning, 12, "no room for task 5 on any instance (RESOURCE:MEMORY)", 14),
        ]),
        ..empty()
    }
}

/// The target is in trouble, a task died, the generator is at its limit, and one
/// task stopped reporting a while ago.
pub(crate) fn errors() -> Snapshot {
    let mut traffic = traffic(240, |_| (1250.0, 1207.0));
    traffic.errors = [("timeout", 1204), ("connection refused", 96), ("unexpected answer", 3)]
        .map(|(kind, count)| (kind.to_owned(), count))
        .into();
    for (nth, point) in Arc::make_mut(&mut traffic.points).iter_mut().enumerate() {
        point.errors_per_s = if nth > 180 { 41.5 } else { 0.0 };
        point.cpu = 0.97;
        point.lag_ms = 62.0;
        point.response = point.response.map(|r| Quantiles {
            p90: r.p90 * 9.0,
            p99: r.p99 * 30.0,
            max: 1800.0,
            ..r
        });
        point.complete = nth < 236;
    }
    let mut snapshot = steady();
    snapshot.tasks.value.running = 4;
    snapshot.tasks.value.failed = 1;
    snapshot.tasks.value.failures = [("exit code 137".to_owned(), 1)].into();
    snapshot.devices.value = DevicesView {
        wanted: 1250,
        starting: 0,
        connected: 1207,
        failed: 43,
        late: 12,
        tasks_reporting: 4,
        tasks_expected: 5,
    };
    Snapshot {
        traffic: Aged { value: traffic, at: Some(NOW - 14_000) },
        notices: notices(&[
            (Level::Info, 252, "run 7f3a21c began: 1,000 devices over 1m", 1),
            (
                Level::Error,
                31,
                "task 3 stopped with exit code 137: out of memory? It is replaced",
                1,
            ),
            (Level::Warning, 14, "GetMetricData was throttled; asked again in 2 s", 7),
        ]),
        ..snapshot
    }
}

/// The target takes connections and answers nothing: no request ends, so far.
pub(crate) fn unanswered() -> Snapshot {
    let mut snapshot = steady();
    let points = Arc::make_mut(&mut snapshot.traffic.value.points);
    for point in &mut points[230..] {
        (point.requests_per_s, point.response) = (0.0, None);
    }
    snapshot
}

/// On its way down.
pub(crate) fn ending() -> Snapshot {
    Snapshot {
        run: Some(running(Phase::Ending { tasks_left: 3, left_ms: Some(6_000) }, 260)),
        tasks: aged(TasksView { stopping: 3, stopped: 2, ..TasksView::default() }),
        devices: aged(DevicesView {
            connected: 730,
            tasks_reporting: 3,
            tasks_expected: 3,
            ..DevicesView::default()
        }),
        ..steady()
    }
}

/// Nothing runs any more; the results are on their way in.
pub(crate) fn collecting() -> Snapshot {
    Snapshot {
        run: Some(running(Phase::Collecting { read: 120, of: 400 }, 262)),
        traffic: Aged { at: Some(NOW - 8_000), ..steady().traffic },
        ..ended()
    }
}

/// Over.
pub(crate) fn ended() -> Snapshot {
    Snapshot {
        run: Some(running(Phase::Ended, 264)),
        instances: aged(instances(2, &[0, 0])),
        tasks: aged(TasksView { stopped: 5, ..TasksView::default() }),
        devices: aged(DevicesView { wanted: 1250, ..DevicesView::default() }),
        traffic: Aged { at: Some(NOW - 30_000), ..steady().traffic },
        ..steady()
    }
}

fn aged<T>(value: T) -> Aged<T> {
    Aged { value, at: Some(NOW - 400) }
}

fn running(phase: Phase, seconds: Millis) -> RunView {
    RunView {
        id: "7f3a21c".into(),
        phase,
        started_at: NOW - seconds * 1000,
        lease_left_ms: 480_000,
        lead: LeadView::Us { term: 1 },
        warning: None,
        poll_ms: 1000,
        rate: None,
        stuck: None,
        folder: PathBuf::from("/home/me/.local/state/loadtop/runs/7f3a21c"),
        summary: None,
    }
}

fn instances(desired: u32, tasks: &[u32]) -> InstancesView {
    InstancesView {
        desired,
        min: 0,
        max: 10,
        registered: tasks.len() as u32,
        booting: desired - tasks.len() as u32,
        leaving: 0,
        boot_left_ms: None,
        room: tasks.iter().map(|tasks| 4 - tasks).sum(),
        list: (0..)
            .zip(tasks)
            .map(|(nth, tasks): (u32, _)| InstanceView {
                id: format!("i-0{nth:x}"),
                tasks: *tasks,
                room: 4 - tasks,
                ..InstanceView::default()
            })
            .collect(),
    }
}

fn notices(lines: &[(Level, Millis, &str, u32)]) -> Arc<Vec<Notice>> {
    let made = (1..).zip(lines).map(|(number, (level, seconds, text, times))| Notice {
        number,
        at: NOW - seconds * 1000,
        level: *level,
        text: (*text).to_owned(),
        times: *times,
    });
    Arc::new(made.collect())
}

/// `seconds` points of one second; `devices` says planned and connected of each.
fn traffic(seconds: u32, devices: impl Fn(u32) -> (f64, f64)) -> TrafficView {
    let points: Vec<Point> = (0..seconds)
        .map(|second| {
            let (planned, connected) = devices(second);
            let wave = (f64::from(second) / 7.0).sin() + (f64::from(second) / 2.3).cos() / 2.0;
            Point {
                at: NOW - Millis::from(seconds - second) * 1000,
                length_ms: 1000,
                requests_per_s: connected * (1.0 + wave / 60.0),
                errors_per_s: 0.0,
                planned,
                connected,
                response: (connected > 0.0).then_some(Quantiles {
                    p50: 1.2 + wave * 0.1,
                    p90: 3.4 + wave * 0.5,
                    p99: 12.3 + wave * 2.0,
                    max: 24.0 + wave * 9.0 + if second % 31 == 17 { 22.0 } else { 0.0 },
                }),
                lag_ms: 0.4,
                cpu: 0.41,
                // The youngest interval is not in yet.
                complete: second + 1 < seconds,
            }
        })
        .collect();
    let requests = points.iter().map(|point| point.requests_per_s).sum::<f64>() as u64;
    TrafficView {
        interval_ms: 1000,
        points: Arc::new(points),
        window: Some(Window {
            from: NOW - 11_000,
            length_ms: 10_000,
            response: Quantiles { p50: 1.23, p90: 3.42, p99: 12.3, max: 45.1 },
            service: Quantiles { p50: 1.1, p90: 3.1, p99: 9.8, max: 44.0 },
        }),
        requests,
        errors: std::collections::BTreeMap::new(),
    }
}
