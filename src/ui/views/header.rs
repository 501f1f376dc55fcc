//! The first line: what this is, where it runs, at what it aims, and the run.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{Scene, draw_ends};
use crate::{
    controller::snapshot::{Phase, RunView},
    model::Millis,
    ui::{format, theme::Role},
};

/// Below this, the lease is worth a word: it is renewed long before.
const LEASE_MATTERS_MS: Millis = 240_000;

pub(super) fn draw(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>) {
    let left = place(scene);
    let mut right = run(scene, true);
    if left.width() + right.width() + 2 > usize::from(row.width) {
        right = run(scene, false);
    }
    let row = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
    draw_ends(buffer, row, left, right);
}

/// `loadtop · local cloud, costs nothing → tcp://…`.
fn place(scene: &Scene<'_>) -> Line<'static> {
    let snapshot = scene.snapshot();
    let site = &snapshot.site;
    let (role, costs) =
        if site.costs { (Role::Warn, "costs money") } else { (Role::Text, "costs nothing") };
    let mut line = Line::from(vec![
        scene.span(Role::Accent, "loadtop"),
        scene.span(Role::Dim, " · "),
        scene.span(role, format!("{}, {costs}", site.label)),
    ]);
    if !snapshot.target.is_empty() {
        line.push_span(scene.span(Role::Dim, " → "));
        line.push_span(scene.span(Role::Text, snapshot.target.clone()));
    }
    line
}

/// `run 7f3a21c · running · 4m 12s`, and what is special about the picture.
fn run(scene: &Scene<'_>, with_id: bool) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    if let Some(frozen) = &scene.app.frozen {
        let age = format::span(scene.now.saturating_sub(frozen.at));
        spans.push(scene.span(Role::Focus, format!(" frozen {age} ago ")));
        spans.push(Span::raw(" "));
    }
    if scene.app.readonly {
        spans.push(scene.span(Role::Warn, "read-only "));
    }
    let Some(run) = &scene.snapshot().run else {
        spans.push(scene.span(Role::Dim, "no run"));
        return Line::from(spans);
    };
    if let Some(left) = lease_left(scene, run) {
        let text = format!("agents stop in {} unless the lease is renewed ", format::left(left));
        spans.push(scene.span(Role::Warn, text));
    }
    if with_id {
        spans.push(scene.span(Role::Dim, format!("run {} · ", run.id)));
    }
    let (role, word) = match run.phase {
        Phase::Running => (Role::Ok, "running"),
        Phase::Paused => (Role::Warn, "paused"),
        Phase::Ending { .. } => (Role::Warn, "ending"),
        Phase::Collecting { .. } => (Role::Warn, "collecting"),
        Phase::Ended => (Role::Dim, "ended"),
    };
    spans.push(scene.span(role, word));
    spans.push(scene.span(Role::Dim, format!(" · {}", format::span(elapsed(scene, run)))));
    Line::from(spans)
}

fn elapsed(scene: &Scene<'_>, run: &RunView) -> Millis {
    let until = match run.phase {
        Phase::Ended => scene.app.ended_at.unwrap_or(scene.snapshot().at),
        _ => scene.shown_at(),
    };
    until.saturating_sub(run.started_at)
}

/// What is left of the lease, once that matters.
fn lease_left(scene: &Scene<'_>, run: &RunView) -> Option<Millis> {
    let since = scene.shown_at().saturating_sub(scene.snapshot().at);
    let left = run.lease_left_ms.saturating_sub(since);
    (left < LEASE_MATTERS_MS && matches!(run.phase, Phase::Running | Phase::Paused)).then_some(left)
}
