//! Whatever is on the screen, whatever its size: no view panics, and none draws where it
//! should not.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    app::{
        action::{Action, Recording},
        fixtures::{self, NOW},
        keys::press,
        state::App,
        update::update,
        view::View,
    },
    controller::snapshot::{
        Column, LabelColumn, LatencyView, Level, Mark, MarkKind, Notice, Phase, Point, Quantiles,
        Snapshot, TaskReport, TaskRow, TaskState,
    },
    model::Millis,
    stats::Devices,
    ui::{hits::Hits, theme::Theme, views},
};

/// Texts that are hard to cut: wide, combining, without a space, and very long.
const HOSTILE: [&str; 6] = [
    "名前 🦀 デバイス",
    "e\u{301}e\u{301}\u{200b}\u{202e}abc",
    "x",
    "",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦",
    "\u{1b}[2J\n\t\u{7}",
];

fn hostile(nth: usize) -> String {
    HOSTILE[nth % HOSTILE.len()].repeat([1, 40, 200][nth % 3])
}

/// Nothing that a controller could say, and then some.
fn absurd() -> Snapshot {
    let mut snapshot = fixtures::errors();
    let numbers = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-12, 1e15];
    let point = |nth: usize| {
        let of = |shift: usize| numbers[(nth + shift) % numbers.len()];
        Point {
            at: NOW + [0, 9_000_000, 1000, 2000][nth % 4],
            length_ms: [1000, 0, 60_000][nth % 3],
            requests_per_s: of(0),
            errors_per_s: of(1),
            planned: of(2),
            connected: of(3),
            response: Some(Quantiles { p50: of(4), p90: of(5), p99: of(0), max: of(1) }),
            lag_ms: of(2),
            cpu: of(3),
            complete: nth.is_multiple_of(2),
        }
    };
    snapshot.traffic.value.points = (0..40).map(point).collect::<Vec<_>>().into();
    snapshot.traffic.value.interval_ms = 0;
    snapshot.target = hostile(1);
    for count in [
        &mut snapshot.devices.value.wanted,
        &mut snapshot.devices.value.connected,
        &mut snapshot.tasks.value.running,
        &mut snapshot.instances.value.room,
    ] {
        *count = u32::MAX;
    }
    for (nth, instance) in snapshot.instances.value.list.iter_mut().enumerate() {
        (instance.tasks, instance.room) = (u32::MAX, u32::MAX);
        (instance.id, instance.kind) = (hostile(nth + 1), Some(hostile(nth)));
        instance.agents_cpu = Some(f64::NAN);
        instance.cpu_units = Some((u32::MAX, 0));
        instance.since = Some(NOW + 5);
    }
    snapshot.task_rows.value = Arc::new((0..60).map(row).collect());
    snapshot.task_rows.at = Some(NOW + 3);
    snapshot.latency.value = Arc::new(latency());
    snapshot.latency.at = Some(0);
    snapshot.marks = Arc::new((0..40).map(mark).collect());
    snapshot.notices = Arc::new((0..40).map(notice).collect());
    snapshot.throttled = BTreeMap::from([(hostile(1), Millis::MAX), ("StopTask".into(), 0)]);
    snapshot.traffic.value.errors.insert(hostile(0), u64::MAX);
    snapshot.orders.unwritten = u32::MAX;
    if let Some(run) = &mut snapshot.run {
        run.phase = Phase::Paused;
        run.started_at = NOW + 1;
        run.lease_left_ms = 0;
    }
    snapshot
}

fn row(nth: u32) -> TaskRow {
    let report = TaskReport {
        at: NOW + 1,
        devices: Devices::default(),
        requests_per_s: f64::INFINITY,
        errors_per_s: f64::NAN,
        cpu: -1.0,
        rss: u64::MAX,
        sockets: u64::MAX,
        lag_p99_ms: f64::NAN,
    };
    let text = || hostile(nth as usize);
    TaskRow {
        slot: u32::MAX - nth,
        attempt: nth,
        name: text(),
        id: Some(text()),
        instance: Some(text()),
        first: u32::MAX,
        room: u32::MAX,
        devices: u32::MAX,
        state: TaskState::ALL[nth as usize % TaskState::ALL.len()],
        since: Some(NOW + 1),
        exit_code: Some(i32::MIN),
        reason: Some(text()),
        report: nth.is_multiple_of(2).then_some(report),
        log: Some(text()),
    }
}

/// Columns that overlap, are out of order, empty, or of labels that there are not.
fn latency() -> LatencyView {
    let column = |nth: u64| Column {
        at: [NOW, 0, NOW - 5_000, Millis::MAX / 2][nth as usize % 4],
        length_ms: [0, 1, 5_000, 86_400_000][nth as usize % 4],
        tasks: u32::MAX,
        labels: vec![LabelColumn {
            label: nth as u32 % 9,
            requests: u64::MAX / 2,
            errors: u64::MAX,
            ..LabelColumn::default()
        }],
    };
    LatencyView {
        columns: (0..9).map(|nth| Arc::new(column(nth))).collect(),
        labels: Arc::new((0..5).map(hostile).collect()),
        tasks_read: 3,
        tasks_of: 1,
        unreadable: 7,
        every_ms: 0,
    }
}

fn mark(nth: usize) -> Mark {
    let kinds = [MarkKind::Batch, MarkKind::Fault, MarkKind::End];
    Mark { at: [0, NOW, Millis::MAX][nth % 3], kind: kinds[nth % 3], text: hostile(nth) }
}

fn notice(nth: usize) -> Notice {
    let level = [Level::Info, Level::Warning, Level::Error][nth % 3];
    let at = [0, NOW, NOW + 9][nth % 3];
    Notice { number: nth as u64, at, level, text: hostile(nth), times: u32::MAX }
}

/// What a person may have done before: words that name keys are those keys.
const KEYS: [&str; 24] = [
    "",
    "K",
    "?",
    "Down Down",
    "b 1",
    "Esc",
    "n",
    "f",
    "[",
    "Enter",
    "Tab",
    "Tab Tab Tab",
    "z z",
    "Z Z Z",
    "Left Left",
    ", ,",
    ".",
    "l",
    ": s c",
    "/ x",
    "> I",
    "X",
    "j j j",
    "r 9",
];

fn theme(nth: u8) -> Theme {
    Theme::new(nth.is_multiple_of(2), nth < 3)
}

/// Draws into the middle of a larger picture, whose rim must stay as it was.
fn draw_within(app: &App, theme: Theme, width: u16, height: u16) -> Hits {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width + 4, height + 4));
    for cell in &mut buffer.content {
        cell.set_symbol("\u{2}");
    }
    let area = Rect::new(2, 2, width, height);
    for position in area.positions() {
        buffer[position].reset();
    }
    let scene = views::Scene { app, theme, hits: std::cell::RefCell::default(), now: NOW };
    views::draw(&mut buffer, area, &scene);
    for position in buffer.area.positions() {
        let is_rim = !area.contains(position);
        let symbol = buffer[position].symbol();
        assert_eq!(symbol == "\u{2}", is_rim, "{symbol:?} at {position:?} of {width}x{height}");
    }
    scene.hits.into_inner()
}

/// Whatever is pointed at means something, or nothing; it never panics.
fn point_everywhere(hits: &Hits, width: u16, height: u16) {
    for (x, y) in (0..width + 4).flat_map(|x| (0..height + 4).map(move |y| (x, y))).step_by(7) {
        let _ = hits.clicked(x, y);
        let _ = hits.scrolled(x, y, true);
    }
}

fn states() -> Vec<Snapshot> {
    let named = fixtures::all().into_iter().map(|(_, snapshot)| snapshot);
    named.chain([absurd(), absurd(), absurd()]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]
    #[test]
    fn no_view_panics_or_leaves_its_place(
        width in 1_u16..=300,
        height in 1_u16..=100,
        state in any::<prop::sample::Index>(),
        view in prop::sample::select(View::ALL.to_vec()),
        keys in prop::collection::vec(prop::sample::select(KEYS.to_vec()), 0..6),
        look in 0_u8..6,
        recording in any::<bool>(),
    ) {
        let states = states();
        let mut app = fixtures::app(states[state.index(states.len())].clone());
        // The lists and charts are made when news come in.
        let news = Arc::clone(&app.snapshot);
        update(&mut app, Action::Observed(news), NOW);
        update(&mut app, Action::Show(view), NOW);
        if recording {
            app.recording = Some(Recording::On(hostile(usize::from(look))));
        }
        for keys in keys {
            press(&mut app, keys, NOW);
            draw_within(&app, theme(look), width, height);
        }
        let hits = draw_within(&app, theme(look), width, height);
        point_everywhere(&hits, width, height);
    }
}

#[test]
fn no_small_size_panics() {
    // Every small size, where things are cut; and a grid over the large ones.
    let small =
        (1..=90).flat_map(|width| (1..=4).chain(14..=26).map(move |height| (width, height)));
    let large = (1..=300)
        .step_by(41)
        .flat_map(|width| (1..=100).step_by(19).map(move |height| (width, height)));
    let sizes: Vec<(u16, u16)> = small.chain(large).collect();
    for (nth, snapshot) in states().into_iter().enumerate() {
        let mut app = fixtures::app(snapshot);
        app.log_axis = nth % 2 == 0;
        // Each state has sizes of its own; all of them together have each some times.
        for (turn, (width, height)) in sizes.iter().enumerate().skip(nth % 7).step_by(7) {
            let keys = ["", "K", "n ?", "Down ? b 1", "Esc q", "n f", "[", "n Enter", "Down Esc"];
            press(&mut app, keys[turn % keys.len()], NOW);
            draw_within(&app, theme(if turn % 5 > 0 { 0 } else { 4 }), *width, *height);
        }
    }
}
