//! The ramp: how far the starts should be, how far they are, and what is in the way.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Widget,
};

use super::Scene;
use crate::{
    controller::snapshot::Phase,
    ui::{
        format,
        layout::Size,
        theme::Role,
        widgets::{Gauge, Pane},
    },
};

/// Shortest gauge worth its words.
const LEAST_GAUGE: u16 = 16;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, size: Size, scene: &Scene<'_>) {
    let row = if size >= Size::Large {
        Pane::new("Ramp").render(area, buffer, scene.theme)
    } else {
        let row = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..area };
        let [title, row] =
            Layout::horizontal([Constraint::Length(6), Constraint::Fill(1)]).areas(row);
        Line::from(scene.span(Role::Strong, "Ramp")).render(title, buffer);
        row
    };
    draw_row(buffer, Rect { height: row.height.min(1), ..row }, scene);
}

/// The gauge and what it means, on one row.
pub(super) fn draw_row(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>) {
    let ramp = &scene.snapshot().ramp;
    let (role, words) = words(scene);
    if ramp.is_over() || ramp.total == 0 || scene.is_over() {
        return Line::from(scene.span(Role::Dim, words)).render(row, buffer);
    }
    let (actual, planned) = shares(scene);
    let percent = scene.span(Role::Strong, format!(" {:>5}  ", format::percent(actual)));
    let planned_words = [
        scene.span(Role::Dim, "planned "),
        scene.span(Role::Text, of(ramp.planned, ramp.total)),
        scene.span(Role::Dim, "  "),
    ];
    let words = scene.span(if role == Role::Warn { role } else { Role::Text }, words);
    let mut figures: Line<'static> =
        [&percent].into_iter().chain(&planned_words).chain([&words]).cloned().collect();
    if figures.width() + usize::from(LEAST_GAUGE) > usize::from(row.width) {
        figures = Line::from(vec![percent, words]);
    }
    let text = (figures.width() as u16).min(row.width);
    let [gauge, rest] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(text)]).areas(row);
    Gauge::new(actual, scene.theme).planned(planned).render(gauge, buffer);
    figures.render(rest, buffer);
}

fn of(n: u32, all: u32) -> String {
    format!("{} of {}", format::count(n.into()), format::count(all.into()))
}

/// What the ramp is at, in words.
pub(super) fn words(scene: &Scene<'_>) -> (Role, String) {
    let snapshot = scene.snapshot();
    if let (Some(Phase::Ended), Some(run)) = (scene.phase(), &snapshot.run) {
        return (Role::Dim, format!("over; results in {}", run.folder.display()));
    }
    match snapshot.ramp.left_ms {
        _ if matches!(scene.phase(), Some(Phase::Ending { .. } | Phase::Collecting { .. })) => {
            (Role::Dim, "over: the run is ending".into())
        }
        Some(0) if scene.app.readonly => (Role::Dim, "no ramp is on".into()),
        Some(0) => (Role::Dim, format!("no ramp is on; + adds {}", scene.batch())),
        Some(left) => (Role::Ok, format!("{} left", format::left(left))),
        None if scene.phase() == Some(Phase::Paused) && scene.app.readonly => {
            (Role::Warn, "paused".into())
        }
        None if scene.phase() == Some(Phase::Paused) => (Role::Warn, "paused; p resumes".into()),
        None if snapshot.tasks.value.waiting_for_room > 0 => {
            (Role::Warn, "waiting for room".into())
        }
        None => (Role::Accent, "waiting for tasks".into()),
    }
}

/// Which shares of the ramp's devices are connected, and should have started. The
/// devices from before this ramp are not counted.
fn shares(scene: &Scene<'_>) -> (f64, f64) {
    let (ramp, devices) = (&scene.snapshot().ramp, &scene.snapshot().devices.value);
    if scene.counts_by_tasks() {
        let tasks = &scene.snapshot().tasks.value;
        let (running, wanted) = (f64::from(tasks.running), f64::from(tasks.wanted.max(1)));
        return (running / wanted, f64::from(ramp.planned) / f64::from(ramp.total.max(1)));
    }
    let before = devices.wanted.saturating_sub(ramp.total);
    let actual = devices.connected.saturating_sub(before).min(ramp.total);
    let total = f64::from(ramp.total.max(1));
    (f64::from(actual) / total, f64::from(ramp.planned) / total)
}
