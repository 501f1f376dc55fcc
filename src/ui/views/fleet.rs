//! The fleet: instances, tasks and devices, each with its most telling figure first.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Scene, draw_headline, fargate, lead};
use crate::{
    app::state::devices_alive,
    controller::snapshot::{InstanceView, InstancesView, TasksView},
    model::Millis,
    ui::{
        format,
        theme::Role,
        widgets::{Figure, Figures, Gauge, Pane},
    },
};

/// Below this, a lost task is found as soon as anybody could wish.
const SWEEP_MATTERS_MS: Millis = 5_000;

/// Widest picture of one instance, in cells.
const MOST_CELLS: u64 = 8;

pub(super) fn draw_instances(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    if let Some(view) = scene.snapshot().capacity.fargate() {
        return fargate::draw(buffer, area, view, scene);
    }
    let part = &scene.snapshot().instances;
    let note = scene.age(part, scene.snapshot().site.refresh);
    let inner = Pane::new("Instances").note(note).render(area, buffer, scene.theme);
    if part.at.is_none() {
        return;
    }
    let mut rows = inner.rows();
    let instances = &part.value;
    if let Some(row) = rows.next() {
        let limit = scene.span(Role::Dim, format!("max {}", instances.max));
        draw_headline(
            buffer,
            row,
            of(scene, instances.registered, instances.desired, "up"),
            limit.into(),
        );
    }
    if let Some(row) = rows.next() {
        boxes(scene, row.width).render(row, buffer);
    }
    let mut figures = moving(instances);
    if let Some(provider) = scene.snapshot().capacity.provider() {
        figures.insert(0, scaled_by(provider));
    } else if instances.booting == 0 || inner.height > 3 {
        figures.insert(0, room(instances.room));
    }
    Figures::new(figures, scene.theme).render(below(inner, 2), buffer);
}

/// How many tasks still fit on what is there.
pub(super) fn room(tasks: u32) -> Figure {
    match tasks {
        0 => Figure::words("no room left", Role::Warn),
        1 => Figure::words("room for 1 task", Role::Text),
        n => Figure::words(&format!("room for {} tasks", format::count(n.into())), Role::Text),
    }
}

/// `scaled by P`: what is there follows the tasks, and room comes by itself.
pub(super) fn scaled_by(provider: &str) -> Figure {
    let words = format!("scaled by {}", format::cut(provider, 24));
    Figure::words(&words, Role::Accent)
}

/// The same, once it is short.
pub(super) fn room_words(scene: &Scene<'_>) -> Line<'static> {
    if let Some(provider) = scene.snapshot().capacity.provider() {
        return scene.span(Role::Dim, format!("by {}", format::cut(provider, 16))).into();
    }
    match scene.snapshot().instances.value.room {
        0 => scene.span(Role::Warn, "no room left").into(),
        n => scene.span(Role::Dim, format!("room for {}", format::count(n.into()))).into(),
    }
}

/// Instances on their way up or out: `2 boot, 4m 10s left`.
pub(super) fn moving(instances: &InstancesView) -> Vec<Figure> {
    let mut figures = Vec::new();
    match instances.boot_left_ms {
        _ if instances.booting == 0 => {}
        Some(left) => {
            let booting = format::count(instances.booting.into());
            let boot = if instances.booting == 1 { "boots" } else { "boot" };
            let words = format!("{booting} {boot}, {} left", format::left(left));
            figures.push(Figure::words(&words, Role::Accent));
        }
        None => figures.push(Figure::count(instances.booting, "booting", Role::Accent)),
    }
    if instances.leaving > 0 {
        figures.push(Figure::count(instances.leaving, "leaving", Role::Warn));
    }
    figures
}

/// `1 of 3 instances up, 2 boot, 4m 10s until given up`, while that is waited for.
pub(super) fn boot_words(scene: &Scene<'_>) -> Option<String> {
    let instances = &scene.snapshot().instances.value;
    let left = instances.boot_left_ms.filter(|_| instances.booting > 0)?;
    let left = format::left(left.saturating_sub(scene.since_snapshot()));
    let boot = if instances.booting == 1 { "boots" } else { "boot" };
    Some(format!(
        "{} of {} up, {} {boot}, {left} until given up",
        format::count(instances.registered.into()),
        format::counted(instances.desired, "instance"),
        format::count(instances.booting.into()),
    ))
}

pub(super) fn draw_tasks(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let part = &scene.snapshot().tasks;
    let note = tasks_note(scene);
    let inner = Pane::new("Tasks").note(note).render(area, buffer, scene.theme);
    let tasks = &part.value;
    let mut rows = inner.rows();
    if let Some(row) = rows.next() {
        let failures = failures(scene, tasks);
        draw_headline(buffer, row, tasks_headline(scene), failures);
    }
    let used = 1 + draw_gauge(buffer, inner, tasks.running, tasks.wanted, scene);
    Figures::new(task_figures(tasks), scene.theme).render(below(inner, used), buffer);
}

/// Beside the tasks: how old their figures are, or how long they go on by themselves.
pub(super) fn tasks_note(scene: &Scene<'_>) -> Option<(Role, String)> {
    let age = scene.age(&scene.snapshot().tasks, scene.snapshot().site.refresh);
    age.or_else(|| lead::lease(scene))
}

pub(super) fn task_figures(tasks: &TasksView) -> Vec<Figure> {
    let mut figures = vec![
        Figure::count(tasks.failed, "failed", Role::Error),
        Figure::count(tasks.requested, "requested", Role::Accent),
        Figure::count(tasks.pending, "pending", Role::Accent),
        Figure::count(tasks.stopping, "stopping", Role::Warn),
        Figure::count(tasks.stopped, "stopped", Role::Text),
    ];
    if tasks.waiting_for_room > 0 {
        figures.insert(0, Figure::count(tasks.waiting_for_room, "wait for room", Role::Warn));
    }
    if tasks.given_up > 0 {
        figures.insert(0, Figure::count(tasks.given_up, "given up", Role::Error));
    }
    if tasks.swept_every_ms > SWEEP_MATTERS_MS {
        let words = format!("each seen every {}", format::span(tasks.swept_every_ms));
        figures.push(Figure::words(&words, Role::Dim));
    }
    figures
}

pub(super) fn draw_devices(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let part = &scene.snapshot().devices;
    let note = scene.age(part, scene.report_every());
    let inner = Pane::new("Devices").note(note).render(area, buffer, scene.theme);
    let devices = &part.value;
    let mut rows = inner.rows();
    if let Some(row) = rows.next() {
        let right = if scene.is_over() {
            peak_words(scene).unwrap_or_default()
        } else if scene.counts_by_tasks() {
            String::new()
        } else if devices.wanted > 0 {
            format::percent(f64::from(devices.connected) / f64::from(devices.wanted))
        } else {
            String::new()
        };
        draw_headline(buffer, row, devices_headline(scene), scene.span(Role::Dim, right).into());
    }
    let (is, wanted) = devices_up(scene);
    let used = 1 + draw_gauge(buffer, inner, is, wanted, scene);
    let coverage =
        Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
    let figures = below(inner, used);
    let figures = Rect { height: figures.height.saturating_sub(1), ..figures };
    Figures::new(device_figures(scene), scene.theme).render(figures, buffer);
    if let Some(text) = coverage_words(scene) {
        Line::from(text).render(coverage, buffer);
    }
}

pub(super) fn device_figures(scene: &Scene<'_>) -> Vec<Figure> {
    let devices = &scene.snapshot().devices.value;
    if scene.is_over() {
        return vec![Figure::count(devices.late, "late", Role::Warn)];
    }
    if scene.counts_by_tasks() {
        return Vec::new();
    }
    vec![
        Figure::count(devices.starting, "starting", Role::Accent),
        Figure::count(devices.failed, "failed", Role::Error),
        Figure::count(devices.late, "late", Role::Warn),
    ]
}

/// `10 of 10 tasks reporting`: of how many these figures are.
pub(super) fn coverage_words(scene: &Scene<'_>) -> Option<Span<'static>> {
    let devices = &scene.snapshot().devices.value;
    if scene.counts_by_tasks() && !scene.is_over() {
        return Some(scene.span(Role::Dim, "devices do not report"));
    }
    if scene.is_over() || devices.tasks_expected == 0 || devices_alive(devices) == 0 {
        return None;
    }
    let is_whole = devices.tasks_reporting >= devices.tasks_expected;
    let text = format!("{} of {} tasks reporting", devices.tasks_reporting, devices.tasks_expected);
    Some(scene.span(if is_whole { Role::Dim } else { Role::Warn }, text))
}

/// `8 of 10 running`, or `3 still stopping`.
pub(super) fn tasks_headline(scene: &Scene<'_>) -> Line<'static> {
    let tasks = &scene.snapshot().tasks.value;
    if scene.is_over() && tasks.running == 0 {
        return scene.span(Role::Dim, "none running").into();
    }
    if tasks.wanted == 0 && tasks.stopping > 0 {
        return of(scene, tasks.stopping, 0, "stopping");
    }
    of(scene, tasks.running, tasks.wanted, "running")
}

/// `588 of 1,000 connected`, or the tasks that run where no device says so. Once it is
/// over, none is as it should be.
pub(super) fn devices_headline(scene: &Scene<'_>) -> Line<'static> {
    if scene.is_over() {
        return scene.span(Role::Dim, "none connected").into();
    }
    let (is, wanted) = devices_up(scene);
    let word = if scene.counts_by_tasks() { "tasks running" } else { "connected" };
    of(scene, is, wanted, word)
}

/// Devices that are connected and those that should be; or their tasks.
fn devices_up(scene: &Scene<'_>) -> (u32, u32) {
    let (tasks, devices) = (&scene.snapshot().tasks.value, &scene.snapshot().devices.value);
    if scene.counts_by_tasks() {
        return (tasks.running, tasks.wanted);
    }
    (devices.connected, devices.wanted)
}

/// `peak 1,250`; nothing where no device ever reported.
pub(super) fn peak_words(scene: &Scene<'_>) -> Option<String> {
    (!scene.is_unreported()).then(|| format!("peak {}", format::count(peak(scene))))
}

/// The most devices that were connected at once: as the summary says, once it is in.
pub(super) fn peak(scene: &Scene<'_>) -> u64 {
    let snapshot = scene.snapshot();
    let summary = snapshot.run.as_ref().and_then(|run| run.summary.as_ref());
    summary.map_or_else(
        || {
            let points = snapshot.traffic.value.points.iter();
            points.map(|point| point.connected).fold(0.0, f64::max) as u64
        },
        |summary| summary.devices.peak_connected,
    )
}

/// `8 of 10 running`, or `3 still running` where none is wanted.
pub(super) fn of(scene: &Scene<'_>, is: u32, wanted: u32, word: &str) -> Line<'static> {
    let role = match is.cmp(&wanted) {
        _ if is == 0 && wanted == 0 => Role::Dim,
        std::cmp::Ordering::Equal => Role::Strong,
        _ => Role::Accent,
    };
    let of = match (is, wanted) {
        (1.., 0) => " still".to_owned(),
        _ => format!(" of {}", format::count(wanted.into())),
    };
    Line::from(vec![
        scene.span(role, format::count(is.into())),
        scene.span(Role::Text, of),
        scene.span(Role::Dim, format!(" {word}")),
    ])
}

/// A gauge on the second row, where there is one to spare and something to fill it;
/// returns the rows used.
fn draw_gauge(buffer: &mut Buffer, inner: Rect, is: u32, wanted: u32, scene: &Scene<'_>) -> u16 {
    if inner.height < 4 || scene.is_over() {
        return 0;
    }
    let row = Rect { y: inner.y + 1, height: 1, ..inner };
    let share = if wanted == 0 { 0.0 } else { f64::from(is) / f64::from(wanted) };
    let role = if is == wanted { Role::Ok } else { Role::Accent };
    Gauge::new(share, scene.theme).role(role).render(row, buffer);
    1
}

/// The most frequent reason why tasks failed.
fn failures(scene: &Scene<'_>, tasks: &TasksView) -> Line<'static> {
    match tasks.failures.iter().max_by_key(|(_, times)| **times) {
        Some((reason, _)) => scene.span(Role::Error, format::cut(reason, 16)).into(),
        None => Line::default(),
    }
}

/// The instances as boxes: `▰▰▰▱ ▰▱▱▱ +3`.
pub(super) fn boxes(scene: &Scene<'_>, width: u16) -> Line<'static> {
    let list = &scene.snapshot().instances.value.list;
    let mut line = Line::default();
    let mut shown = 0;
    for instance in list {
        let [used, free] = cells(instance);
        let needed = used.chars().count() + free.chars().count() + 1;
        // Room for the word about those that are not shown.
        if line.width() + needed + 6 > usize::from(width) {
            break;
        }
        line.push_span(scene.span(Role::Connected, used));
        line.push_span(scene.span(Role::Dim, free));
        line.push_span(Span::raw(" "));
        shown += 1;
    }
    if shown < list.len() {
        line.push_span(scene.span(Role::Dim, format!("+{}", list.len() - shown)));
    }
    line
}

/// One instance: a cell a task, or its share where there are too many.
fn cells(instance: &InstanceView) -> [String; 2] {
    let (tasks, room) = (u64::from(instance.tasks), u64::from(instance.room));
    let all = tasks + room;
    let cells = all.min(MOST_CELLS);
    let used = if all == cells { tasks } else { (tasks * MOST_CELLS).div_ceil(all) };
    ["▰".repeat(used as usize), "▱".repeat((cells - used) as usize)]
}

pub(super) fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}
