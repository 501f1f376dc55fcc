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

/// Between where it runs and at what it aims.
const ARROW: &str = " → ";

/// What the left side says, from all of it to the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Not even our own name.
    Place,
    /// Not that it costs nothing.
    Name,
    All,
}

pub(super) fn draw(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>) {
    let row = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
    let width = usize::from(row.width);
    // The whole target matters more than these words, and the state more than it.
    let attempts =
        [(true, Detail::All), (false, Detail::All), (false, Detail::Name), (false, Detail::Place)];
    let sides = attempts.map(|(with_id, detail)| {
        let target = scene.snapshot().target.clone();
        (place(scene, detail, target), run(scene, with_id))
    });
    let fitting = sides.into_iter().find(|(left, right)| left.width() + right.width() < width);
    let (left, right) = fitting.unwrap_or_else(|| {
        let right = run(scene, false);
        let words = place(scene, Detail::Place, "").width() + ARROW.chars().count();
        let taken = words + 1 + right.width();
        let room = width.saturating_sub(taken);
        (place(scene, Detail::Place, format::cut(&scene.snapshot().target, room)), right)
    });
    draw_ends(buffer, row, left, right);
}

/// `loadtop · local cloud, costs nothing → tcp://…`.
fn place(scene: &Scene<'_>, detail: Detail, target: impl Into<String>) -> Line<'static> {
    let site = &scene.snapshot().site;
    let mut line = Line::default();
    if detail >= Detail::Name {
        line.push_span(scene.span(Role::Accent, "loadtop"));
        line.push_span(scene.span(Role::Dim, " · "));
    }
    let (role, costs) = match (site.costs, detail) {
        // That is never left out.
        (true, _) => (Role::Warn, ", costs money"),
        (false, Detail::All) => (Role::Text, ", costs nothing"),
        (false, _) => (Role::Text, ""),
    };
    line.push_span(scene.span(role, format!("{}{costs}", site.label)));
    let target = target.into();
    if !target.is_empty() {
        line.push_span(scene.span(Role::Dim, ARROW));
        line.push_span(scene.span(Role::Text, target));
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
        Phase::Collecting { .. } => (Role::Accent, "collecting"),
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
