//! A snapshot of a large fleet that has run for hours, with all that a dashboard keeps.

use std::{path::PathBuf, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use loadtop::{
    cloud::Site,
    controller::snapshot::{
        Aged, CapacityView, Column, DevicesView, InstanceView, InstancesView, LabelColumn,
        LatencyView, LeadView, Level, Mark, MarkKind, Notice, Phase, Point, Quantiles, RampView,
        RunView, ScaledBy, Snapshot, TaskReport, TaskRow, TaskState, TasksView, TrafficView,
        Window,
    },
    model::Millis,
    stats::{Counts, Devices, LogCounts},
};

/// The time of it.
pub(crate) const NOW: Millis = 1_760_000_000_000;
/// Tasks, with ten devices each.
pub(crate) const TASKS: u32 = 10_000;
const ROOM: u32 = 10;
const INSTANCES: u32 = 100;
/// Columns and points that are kept.
const COLUMNS: u64 = 600;
const POINTS: u64 = 5_040;
const LABELS: u32 = 4;
const MARKS: u64 = 500;
const NOTICES: u64 = 200;

/// The fleet as it is; with another `round` the tasks say something else.
pub(crate) fn snapshot(round: u64) -> Snapshot {
    let rows = (0..TASKS).map(|slot| task(slot, round)).collect();
    let site = Site {
        label: "local cloud".into(),
        costs: false,
        outlives_us: true,
        ends_programs: true,
        refresh: Duration::from_secs(1),
        report: Duration::from_secs(1),
        results: Duration::from_secs(5),
        files_per_task: None,
    };
    let at = NOW + round * 100;
    let devices = TASKS * ROOM;
    let aged_devices = DevicesView {
        wanted: devices,
        connected: devices,
        tasks_reporting: TASKS,
        tasks_expected: TASKS,
        ..DevicesView::default()
    };
    Snapshot {
        target: "tcp://198.51.100.7:7000".into(),
        run: Some(run()),
        capacity: CapacityView::Instances { group: "loadtop".into(), scaled_by: ScaledBy::Us },
        instances: aged(instances(), at),
        tasks: aged(TasksView { wanted: TASKS, running: TASKS, ..TasksView::default() }, at),
        task_rows: aged(Arc::new(rows), at),
        devices: aged(aged_devices, at),
        ramp: RampView { total: devices, planned: devices, left_ms: Some(0) },
        traffic: aged(traffic(), at),
        latency: aged(Arc::new(latency()), at),
        marks: Arc::new((0..MARKS).map(mark).collect()),
        notices: Arc::new((0..NOTICES).map(notice).collect()),
        ..Snapshot::nothing(at, site)
    }
}

fn aged<T>(value: T, at: Millis) -> Aged<T> {
    Aged { value, at: Some(at) }
}

fn run() -> RunView {
    RunView {
        id: "7f3a21c09d11".into(),
        phase: Phase::Running,
        started_at: NOW - 7_200_000,
        lease_left_ms: 550_000,
        lead: LeadView::Us { term: 1 },
        warning: None,
        poll_ms: 10_000,
        rate: None,
        stuck: None,
        folder: PathBuf::from("/tmp/loadtop/runs/7f3a21c09d11"),
        summary: None,
    }
}

/// Something between 0 and 1 that looks like chance.
fn chance(n: u64) -> f64 {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d);
    (mixed >> 40) as f64 / f64::from(1 << 24)
}

fn task(slot: u32, round: u64) -> TaskRow {
    let lot = chance(u64::from(slot) + round * 77_777);
    TaskRow {
        slot,
        attempt: 1,
        name: format!("{slot:05}-1"),
        id: Some(format!("{slot:08x}9d114c4fb1a2c3d4e5f60718")),
        instance: Some(format!("i-0{:015x}", slot % INSTANCES)),
        first: slot * ROOM,
        room: ROOM,
        devices: ROOM,
        state: if slot.is_multiple_of(97) { TaskState::Failed } else { TaskState::Running },
        since: Some(NOW - u64::from(slot) * 100),
        exit_code: None,
        reason: None,
        report: Some(TaskReport {
            at: NOW + round * 100,
            devices: Devices { connected: u64::from(ROOM), ..Devices::default() },
            requests_per_s: lot * 20.0,
            errors_per_s: 0.0,
            cpu: lot,
            rss: 20_000_000,
            sockets: u64::from(ROOM),
            lag_p99_ms: lot * 3.0,
        }),
        log: Some(format!("cat '/tmp/loadtop/runs/7f3a21c09d11/tasks/{slot:05}-1.log'")),
    }
}

fn instances() -> InstancesView {
    let list = (0..INSTANCES).map(|nth| InstanceView {
        id: format!("i-0{nth:015x}"),
        tasks: TASKS / INSTANCES,
        kind: Some("c7g.4xlarge".into()),
        zone: Some("eu-central-1a".into()),
        since: Some(NOW - 7_200_000),
        cpu_units: Some((12_800, 16_384)),
        memory_mib: Some((25_600, 32_768)),
        connected: Some(TASKS / INSTANCES * ROOM),
        agents_cpu: Some(3.2),
        ..InstanceView::default()
    });
    InstancesView {
        desired: INSTANCES,
        max: INSTANCES,
        registered: INSTANCES,
        list: list.collect(),
        ..InstancesView::default()
    }
}

fn quantiles(n: u64) -> Quantiles {
    let p50 = 4.0 + chance(n);
    Quantiles { p50, p90: p50 * 2.0, p99: p50 * 5.0, max: p50 * 20.0 }
}

/// Seconds of the last hour, and minutes of the day before it.
fn traffic() -> TrafficView {
    let hour = 3_600;
    let points = (0..POINTS).map(|nth| {
        let is_minute = nth < POINTS - hour;
        let length_ms = if is_minute { 60_000 } else { 1_000 };
        let before = if is_minute {
            hour * 1_000 + (POINTS - hour - nth) * 60_000
        } else {
            (POINTS - nth) * 1_000
        };
        Point {
            at: NOW - before,
            length_ms,
            requests_per_s: 90_000.0 + chance(nth) * 20_000.0,
            planned: f64::from(TASKS * ROOM),
            connected: f64::from(TASKS * ROOM) - chance(nth) * 100.0,
            response: Some(quantiles(nth)),
            cpu: 0.4,
            complete: true,
            ..Point::default()
        }
    });
    TrafficView {
        interval_ms: 1_000,
        points: Arc::new(points.collect()),
        window: Some(Window {
            from: NOW - 6_000,
            length_ms: 5_000,
            response: quantiles(1),
            service: quantiles(2),
        }),
        requests: 700_000_000,
        ..TrafficView::default()
    }
}

/// Times around so many milliseconds, in some two hundred buckets.
fn distribution(seed: u64) -> LogCounts {
    let mut histogram = Histogram::<u64>::new(3).expect("three digits can be had");
    for nth in 0..2_000 {
        let lot = chance(seed * 2_000 + nth);
        histogram.saturating_record((2_000.0 * (1.0 + lot * lot * lot * 40.0)) as u64);
    }
    let mut counts = LogCounts::default();
    counts.add_counts(&Counts::from(&histogram));
    counts
}

fn latency() -> LatencyView {
    // The shapes repeat: what is merged is as large as if they did not.
    let shapes: Vec<LogCounts> = (0..8).map(distribution).collect();
    let columns = (0..COLUMNS).map(|nth| {
        let shape = |n: u64| shapes[(n % 8) as usize].clone();
        let labels = (0..LABELS).map(|label| LabelColumn {
            label,
            requests: 2_000,
            errors: 0,
            response: shape(nth + u64::from(label)),
            service: shape(nth + u64::from(label) + 1),
        });
        Arc::new(Column {
            at: NOW - (COLUMNS - nth) * 12_000,
            length_ms: 12_000,
            tasks: TASKS,
            labels: labels.collect(),
        })
    });
    LatencyView {
        columns: columns.collect(),
        labels: Arc::new(["connect", "login", "send", "read"].map(String::from).to_vec()),
        tasks_read: 100,
        tasks_of: TASKS,
        unreadable: 0,
        every_ms: 5_000,
    }
}

fn mark(nth: u64) -> Mark {
    let kind = [MarkKind::Batch, MarkKind::Scale, MarkKind::Fault][(nth % 3) as usize];
    Mark { at: NOW - (MARKS - nth) * 14_000, kind, text: format!("+{nth} over 10 s") }
}

fn notice(nth: u64) -> Notice {
    Notice {
        number: nth + 1,
        at: NOW - (NOTICES - nth) * 30_000,
        level: if nth.is_multiple_of(5) { Level::Warning } else { Level::Info },
        text: format!(
            "task {nth:05}-1 with 10 devices ended by itself: exit code 137, killed; it is replaced"
        ),
        times: 1,
    }
}
