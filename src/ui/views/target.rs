//! What the devices talk to, and how that answers: connections, requests, errors by kind
//! and by label.
//!
//! Invariant: a rate says over which time it is one, a share of what; what a scheme does
//! not have, such as codes, is said and not left empty.

mod tables;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Scene, devices, fleet, overview, traffic, wrap};
use crate::{
    app::view::Pane as Part,
    controller::snapshot::{Phase, Point},
    model::Millis,
    ui::{
        format,
        layout::{self, Size},
        theme::Role,
        widgets::Pane,
    },
};

pub(super) fn draw(buffer: &mut Buffer, body: Rect, size: Size, scene: &Scene<'_>) {
    if size < Size::Medium {
        return draw_lines(buffer, body, scene);
    }
    let panes = layout::target_panes(body);
    let width = |area: Rect| usize::from(area.width).saturating_sub(4);
    let mut lines = target(scene, width(panes.target));
    if let Some(area) = panes.connections {
        boxed(buffer, area, "Connections", connections(scene), scene);
        overview::point_at(area, Part::Tasks, scene);
    } else {
        lines.truncate(2);
        lines.extend(connections(scene));
    }
    boxed(buffer, panes.target, "Target", lines, scene);
    boxed(buffer, panes.requests, "Requests", requests(scene, width(panes.requests)), scene);
    if let Some([left, right]) = panes.charts {
        devices::draw(buffer, left, scene);
        traffic::draw_chart(buffer, right, scene);
    }
    let kinds = Pane::new("Errors by kind").note(scene.traffic_age());
    let inner = kinds.render(panes.kinds, buffer, scene.theme);
    fill(buffer, inner, tables::kinds(scene, (inner.width, inner.height)));
    let labels = Pane::new("By label").note(tables::labels_note(scene));
    let inner = labels.render(panes.labels, buffer, scene.theme);
    fill(buffer, inner, tables::labels(scene, inner.width));
    overview::point_at(panes.labels, Part::Latency, scene);
}

/// The same without borders; what there is no room for is left out from the end.
fn draw_lines(buffer: &mut Buffer, body: Rect, scene: &Scene<'_>) {
    let body = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let width = usize::from(body.width);
    // Where hardly anything fits, what goes wrong matters most.
    let (each, head) = if body.height < 9 { (1, 1) } else { (2, 0) };
    let mut lines: Vec<Line<'static>> = target(scene, width).into_iter().take(each).collect();
    lines.extend(connections(scene).into_iter().take(each));
    lines.extend(requests(scene, width).into_iter().skip(head).take(2 * each - head));
    lines.extend(
        tables::kinds(scene, (body.width, 0))
            .into_iter()
            .skip(if scene.snapshot().traffic.value.errors.is_empty() { 0 } else { head }),
    );
    if tables::has_labels(scene) {
        lines.extend(tables::labels(scene, body.width));
    }
    fill(buffer, body, lines);
}

fn boxed(
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    lines: Vec<Line<'static>>,
    scene: &Scene<'_>,
) {
    let inner = Pane::new(title).render(area, buffer, scene.theme);
    fill(buffer, inner, lines);
}

fn fill(buffer: &mut Buffer, area: Rect, lines: Vec<Line<'static>>) {
    for (line, row) in lines.into_iter().zip(area.rows()) {
        line.render(row, buffer);
    }
}

/// What is talked to, by which rate, and what it cannot say.
fn target(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let snapshot = scene.snapshot();
    if snapshot.target.is_empty() {
        return vec![scene.span(Role::Dim, "not known: the image decides").into()];
    }
    let mut lines: Vec<Line<'static>> = wrap(&snapshot.target, width)
        .into_iter()
        .take(2)
        .map(|line| scene.span(Role::Strong, line).into())
        .collect();
    lines.push(rate(scene, width));
    let told = match snapshot.target.split_once("://") {
        Some(("tcp", _)) => "tcp: lines over plain TCP; there are no status codes",
        _ => "status codes: none were reported",
    };
    lines.extend(wrap(told, width).into_iter().map(|line| scene.span(Role::Dim, line).into()));
    if !scene.app.readonly && scene.phase() == Some(Phase::Running) {
        lines.push(Line::from(vec![
            scene.span(Role::Accent, "o"),
            scene.span(Role::Dim, " another target  "),
            scene.span(Role::Accent, "r"),
            scene.span(Role::Dim, " rate"),
        ]));
    }
    lines
}

/// `500 req/s asked for, 498 made`.
fn rate(scene: &Scene<'_>, width: usize) -> Line<'static> {
    let asked = scene.snapshot().run.as_ref().and_then(|run| run.rate);
    let made = scene.latest_point().filter(|_| !scene.is_over()).map(|point| point.requests_per_s);
    let Some(asked) = asked else {
        let words = ["rate: as the scenario goes (think time)", "rate: as the scenario goes"];
        let words = if words[0].len() <= width { words[0] } else { words[1] };
        return scene.span(Role::Text, words).into();
    };
    let mut line = Line::from(vec![
        scene.span(Role::Dim, "rate "),
        scene.span(Role::Strong, format!("{} req/s", format::rate(asked))),
        scene.span(Role::Dim, " asked for"),
    ]);
    if let Some(made) = made {
        let is_short = made < asked * 0.95;
        line.push_span(scene.span(Role::Dim, ", made "));
        let role = if is_short { Role::Warn } else { Role::Text };
        line.push_span(scene.span(role, format::rate(made)));
    }
    line
}

/// How many are connected, and what of the others.
fn connections(scene: &Scene<'_>) -> Vec<Line<'static>> {
    let devices = &scene.snapshot().devices.value;
    let mut lines = vec![fleet::devices_headline(scene)];
    if scene.counts_by_tasks() {
        lines.push(scene.span(Role::Dim, "devices do not report").into());
        return lines;
    }
    if scene.is_over() {
        lines.extend(fleet::peak_words(scene).map(|words| scene.span(Role::Dim, words).into()));
        return lines;
    }
    let failed = if devices.failed > 0 { "failed: they try again" } else { "failed" };
    let counts = [
        (devices.failed, Role::Error, failed),
        (devices.starting, Role::Accent, "starting"),
        (devices.late, Role::Warn, "started late"),
    ];
    for (count, role, what) in counts {
        let role = if count == 0 { Role::Dim } else { role };
        lines.push(Line::from(vec![
            scene.span(role, format::count(count.into())),
            scene.span(Role::Dim, format!(" {what}")),
        ]));
    }
    lines.extend(fleet::coverage_words(scene).map(Line::from));
    lines
}

/// Requests and errors: now, over the stretch that is known, and altogether.
fn requests(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let traffic = &scene.snapshot().traffic.value;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (now, altogether) in [traffic::requests(scene), traffic::errors(scene)] {
        let mut line = now;
        line.push_span(Span::raw("  "));
        line.extend(altogether.spans);
        lines.push(line);
    }
    let errors = traffic.errors.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let per_hundred = tables::per_hundred(errors, traffic.requests);
    let role = if errors > 0 { Role::Error } else { Role::Dim };
    lines.push(Line::from(vec![
        scene.span(role, format!("{per_hundred:>9}")),
        scene.span(Role::Dim, " errors per 100 requests"),
    ]));
    if let Some((requests, errors, span)) = averages(&traffic.points) {
        let rates = format!("{} req/s, {} err/s", format::rate(requests), format::rate(errors));
        let text = format!("{rates} on average over {}", format::span(span));
        lines.extend(wrap(&text, width).into_iter().map(|line| scene.span(Role::Dim, line).into()));
    }
    lines
}

/// Requests and errors per second over all points that are complete, and how long those
/// are together.
fn averages(points: &[Point]) -> Option<(f64, f64, Millis)> {
    let (mut requests, mut errors, mut span) = (0.0, 0.0, 0);
    for point in points.iter().filter(|point| point.complete) {
        let seconds = point.length_ms as f64 / 1000.0;
        requests += point.requests_per_s * seconds;
        errors += point.errors_per_s * seconds;
        span += point.length_ms;
    }
    let seconds = span as f64 / 1000.0;
    (span > 0).then(|| (requests / seconds, errors / seconds, span))
}
