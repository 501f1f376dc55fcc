//! The first line: what this is, where it runs, at what it aims, and the run.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{Scene, cost, draw_ends, lead};
use crate::{
    controller::snapshot::{LeadView, Phase, RunView},
    model::Millis,
    ui::{format, layout::Size, theme::Role},
};

/// Shortest part of a target that says something.
const LEAST_TARGET: usize = 12;

/// Between where it runs and at what it aims.
const ARROW: &str = " → ";

/// What the left side says, from all of it to the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Not even where it runs, where it is known what that costs.
    Money,
    /// Not even our own name.
    Place,
    /// Not that it costs nothing.
    Name,
    All,
}

/// What the right side says beside the phase.
#[derive(Clone, Copy)]
struct Words {
    /// Who leads.
    lead: bool,
    /// The run's id.
    id: bool,
}

pub(super) fn draw(buffer: &mut Buffer, row: Rect, size: Size, scene: &Scene<'_>) {
    let row = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
    let width = usize::from(row.width);
    // The whole target matters more than these words, and the state more than it.
    // Small screens have another place for it.
    let has_lead = size >= Size::Medium;
    let snapshot = scene.snapshot();
    let leads_well = |run: &RunView| matches!(run.lead, LeadView::Us { .. } | LeadView::Unknown);
    // That all is well can be left out; that another leads cannot.
    let must = has_lead && !snapshot.run.as_ref().is_none_or(leads_well);
    // Where nobody else could lead, it is the first word to go.
    let should = has_lead && (must || snapshot.site.outlives_us);
    let attempts = [
        (Words { lead: has_lead, id: true }, Detail::All),
        (Words { lead: should, id: true }, Detail::All),
        (Words { lead: should, id: false }, Detail::All),
        (Words { lead: should, id: false }, Detail::Name),
        (Words { lead: should, id: false }, Detail::Place),
        (Words { lead: must, id: false }, Detail::Place),
        (Words { lead: must, id: false }, Detail::Money),
    ];
    let sides = attempts.map(|(words, detail)| {
        let target = scene.snapshot().target.clone();
        (place(scene, detail, target), run(scene, words))
    });
    let fitting = sides.into_iter().find(|(left, right)| left.width() + right.width() < width);
    let (left, right) = fitting.unwrap_or_else(|| {
        let right = run(scene, Words { lead: must, id: false });
        let words = place(scene, Detail::Money, "").width() + ARROW.chars().count();
        let room = width.saturating_sub(words + 1 + right.width());
        let target = match &scene.snapshot().target {
            _ if room < LEAST_TARGET => String::new(),
            target => format::cut(target, room),
        };
        (place(scene, Detail::Money, target), right)
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
    let is_counted = scene.snapshot().cost.is_some();
    let (role, costs) = match (site.costs, detail) {
        // That is never left out.
        _ if is_counted => (Role::Text, ", "),
        (true, _) => (Role::Warn, ", costs money"),
        (false, Detail::All) => (Role::Text, ", costs nothing"),
        (false, _) => (Role::Text, ""),
    };
    if !is_counted || detail > Detail::Money {
        line.push_span(scene.span(role, format!("{}{costs}", site.label)));
    }
    if let Some((role, words)) = cost::words(scene, detail <= Detail::Place) {
        line.push_span(scene.span(role, words));
    }
    let target = target.into();
    if !target.is_empty() {
        line.push_span(scene.span(Role::Dim, ARROW));
        line.push_span(scene.span(Role::Text, target));
    }
    line
}

/// `leading · run 7f3a21c · running · 4m 12s`, and what is special about the picture.
fn run(scene: &Scene<'_>, words: Words) -> Line<'static> {
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
    if let Some((role, word)) = lead::word(scene).filter(|_| words.lead) {
        spans.extend([scene.span(role, word), scene.span(Role::Dim, " · ")]);
    }
    if words.id {
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
