//! What is wished against what is so, how old it is, and who sees to it: on large screens.
//!
//! Invariant: each line is always at its place, whether it has news or not.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Scene, badges, lead, traffic};
use crate::{
    controller::snapshot::Aged,
    ui::{format, theme::Role, widgets::Pane},
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let inner = Pane::new("State").render(area, buffer, scene.theme);
    let lines = [
        leading(scene),
        orders(scene),
        under_way(scene),
        generator(scene),
        ages(scene, usize::from(inner.width)),
        calls(scene),
    ];
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        line.render(row, buffer);
    }
}

/// A label in front, so that the lines read as a table.
fn row(
    scene: &Scene<'_>,
    label: &str,
    words: impl IntoIterator<Item = Span<'static>>,
) -> Line<'static> {
    let mut line = Line::from(scene.span(Role::Dim, format!("{label:<7}")));
    line.extend(words);
    line
}

fn leading(scene: &Scene<'_>) -> Line<'static> {
    let mut words: Vec<Span<'static>> = Vec::new();
    for (role, text) in [lead::word(scene), lead::lease(scene)].into_iter().flatten() {
        if !words.is_empty() {
            words.push(scene.span(Role::Dim, " · "));
        }
        words.push(scene.span(if role == Role::Dim { Role::Text } else { role }, text));
    }
    if words.is_empty() {
        words.push(scene.span(Role::Dim, "nobody has to"));
    }
    row(scene, "lead", words)
}

fn orders(scene: &Scene<'_>) -> Line<'static> {
    let words = match scene.snapshot().orders.unwritten {
        0 => scene.span(Role::Text, "all are in the bucket"),
        n => scene.span(Role::Accent, format!("{n} not in the bucket yet")),
    };
    row(scene, "orders", [words])
}

/// Tasks that were asked for and do not run, and what they wait for.
fn under_way(scene: &Scene<'_>) -> Line<'static> {
    let tasks = &scene.snapshot().tasks.value;
    let counts = [
        (tasks.requested, "asked, no answer yet"),
        (tasks.pending, "placed, starting"),
        (tasks.waiting_for_room, "wait for room"),
        (tasks.stopping, "stopping"),
    ];
    let mut words: Vec<Span<'static>> = Vec::new();
    for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let gap = if words.is_empty() { "" } else { ", " };
        let text = format!("{gap}{} {what}", format::count(count.into()));
        words.push(scene.span(Role::Accent, text));
    }
    if words.is_empty() {
        words.push(scene.span(Role::Text, "nothing is pending"));
    }
    row(scene, "tasks", words)
}

/// Whether the figures can be believed.
fn generator(scene: &Scene<'_>) -> Line<'static> {
    let mut words = traffic::health(scene).spans;
    if scene.is_saturated() {
        words.push(scene.span(Role::Warn, " saturated"));
    }
    if let Some(coverage) = badges::coverage(scene) {
        words.push(scene.span(coverage.role, format!(" {}", coverage.short)));
    }
    row(scene, "agents", words)
}

/// How old each part is, as many as fit.
fn ages(scene: &Scene<'_>, width: usize) -> Line<'static> {
    let snapshot = scene.snapshot();
    let parts = [
        ("tasks", at(&snapshot.tasks)),
        ("reports", at(&snapshot.traffic)),
        ("results", at(&snapshot.latency)),
        ("instances", at(&snapshot.instances)),
    ];
    let mut line = row(scene, "ages", []);
    for (part, at) in parts {
        let Some(at) = at else { continue };
        let age = format::span(scene.shown_at().saturating_sub(at)).replace(' ', "");
        if line.width() + part.len() + age.len() + 2 <= width {
            line.push_span(scene.span(Role::Dim, format!("{part} ")));
            line.push_span(scene.span(Role::Text, format!("{age} ")));
        }
    }
    line
}

fn at<T>(part: &Aged<T>) -> Option<u64> {
    part.at
}

/// What AWS was asked, and whether it was too much.
fn calls(scene: &Scene<'_>) -> Line<'static> {
    let calls = &scene.snapshot().calls;
    let throttled = calls.get("throttled").copied().unwrap_or(0);
    let all = calls.iter().filter(|(name, _)| *name != "throttled").map(|(_, count)| count);
    let all: u64 = all.fold(0, |sum, count| sum.saturating_add(*count));
    let mut words = vec![scene.span(Role::Text, format::count(all))];
    match badges::slowest(scene) {
        Some((operation, left)) => {
            let text = format!(", {operation} slower for {}", format::left(left));
            words.push(scene.span(Role::Warn, text));
        }
        None if throttled > 0 => {
            words.push(scene.span(Role::Dim, format!(", {} throttled", format::count(throttled))));
        }
        None => words.push(scene.span(Role::Dim, ", none throttled")),
    }
    row(scene, "calls", words)
}
