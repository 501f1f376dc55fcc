//! Throughput, errors, and the health of the generator itself.

use std::collections::BTreeMap;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Scene, draw_ends, throughput, wrap};
use crate::{
    controller::snapshot::Point,
    ui::{
        format,
        theme::Role,
        widgets::{Pane, Spark},
    },
};

/// Throughput and errors; with the generator's health where that has no own pane.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, has_health: bool, scene: &Scene<'_>) {
    let pane = Pane::new("Throughput and errors").note(scene.traffic_age());
    let inner = pane.render(area, buffer, scene.theme);
    let traffic = &scene.snapshot().traffic.value;
    let mut rows = inner.rows();
    for (left, right) in [requests(scene), errors(scene)] {
        if let Some(row) = rows.next() {
            draw_ends(buffer, row, left, right);
        }
    }
    if let Some(row) = rows.next() {
        kinds(scene, &traffic.errors, row.width).render(row, buffer);
    }
    if has_health && let Some(row) = rows.next() {
        let label = scene.span(Role::Dim, "generator ");
        let mut line = health(scene);
        line.spans.insert(0, label);
        line.render(row, buffer);
    }
    let rest = inner.bottom().saturating_sub(rows.next().map_or(inner.bottom(), |row| row.y));
    if rest >= throughput::LEAST {
        let chart = Rect { y: inner.bottom() - rest, height: rest, ..inner };
        throughput::draw(buffer, chart, scene);
    } else if let (false, Some(row)) = (has_health, rows.next()) {
        let rates: Vec<f64> = traffic
            .points
            .iter()
            .filter(|point| point.complete)
            .map(|point| point.requests_per_s)
            .collect();
        draw_spark(buffer, row, rates, scene);
    }
}

fn draw_spark(buffer: &mut Buffer, row: Rect, rates: Vec<f64>, scene: &Scene<'_>) {
    let label = scene.span(Role::Dim, "req/s ");
    let width = (label.width() as u16).min(row.width);
    Line::from(label).render(row, buffer);
    let row = Rect { x: row.x + width, width: row.width - width, ..row };
    Spark::new(rates, Role::Connected, scene.theme).render(row, buffer);
}

/// Requests and errors over time, and what was asked for.
pub(super) fn draw_chart(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let asked = scene.snapshot().run.as_ref().and_then(|run| run.rate);
    let asked =
        asked.map_or_else(String::new, |rate| format!(" (asked for {})", format::rate(rate)));
    let title = format!("Requests and errors per second{asked}");
    let pane = Pane::new(&title).note(scene.traffic_age());
    let inner = pane.render(area, buffer, scene.theme);
    if inner.height >= throughput::LEAST {
        throughput::draw(buffer, inner, scene);
    }
}

/// The generator's own health.
pub(super) fn draw_generator(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let inner = Pane::new("Generator").render(area, buffer, scene.theme);
    let Some(point) = scene.latest_point() else {
        return Line::from(unheard(scene)).render(inner, buffer);
    };
    let (role, verdict) = if scene.is_saturated() {
        (Role::Warn, "saturated: it delays what it measures")
    } else {
        (Role::Ok, "keeps up")
    };
    let mut lines = vec![
        figure(scene, "cpu", &format::percent(point.cpu), point.cpu > 0.9),
        figure(scene, "lag", &format::latency(point.lag_ms), point.lag_ms > 50.0),
        Line::default(),
    ];
    for text in wrap(verdict, usize::from(inner.width)) {
        lines.push(Line::from(scene.span(role, text)));
    }
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        line.render(row, buffer);
    }
}

fn figure(scene: &Scene<'_>, label: &str, value: &str, is_bad: bool) -> Line<'static> {
    Line::from(vec![
        scene.span(Role::Dim, format!("{label} ")),
        scene.span(if is_bad { Role::Warn } else { Role::Strong }, format!("{value:>8}")),
    ])
}

/// That nothing was heard, for now or for good.
fn unheard(scene: &Scene<'_>) -> Span<'static> {
    let words = if scene.counts_by_tasks() { "does not report" } else { "no reports yet" };
    scene.span(Role::Dim, words)
}

/// `cpu 41 % lag 400 µs`.
pub(super) fn health(scene: &Scene<'_>) -> Line<'static> {
    let Some(point) = scene.latest_point() else {
        return Line::from(unheard(scene));
    };
    let role = |is_bad| if is_bad { Role::Warn } else { Role::Text };
    Line::from(vec![
        scene.span(Role::Dim, "cpu "),
        scene.span(role(point.cpu > 0.9), format::percent(point.cpu)),
        scene.span(Role::Dim, " lag "),
        scene.span(role(point.lag_ms > 50.0), format::latency(point.lag_ms)),
    ])
}

/// Requests: per second now, and altogether.
pub(super) fn requests(scene: &Scene<'_>) -> (Line<'static>, Line<'static>) {
    let total = scene.snapshot().traffic.value.requests;
    let rate = rate(scene, |point| point.requests_per_s);
    (per_second(scene, rate, "req/s", Role::Strong), altogether(scene, total, Role::Text))
}

/// Only the rate, and not as a column.
pub(super) fn short((rate, _): (Line<'static>, Line<'static>)) -> Line<'static> {
    let mut spans = rate.spans;
    if let Some(first) = spans.first_mut() {
        first.content = first.content.trim_start().to_owned().into();
    }
    spans.into()
}

/// Errors: per second now, and altogether.
pub(super) fn errors(scene: &Scene<'_>) -> (Line<'static>, Line<'static>) {
    let kinds = scene.snapshot().traffic.value.errors.values();
    let total = kinds.fold(0_u64, |sum, count| sum.saturating_add(*count));
    let rate = rate(scene, |point| point.errors_per_s);
    let is_failing = rate.is_some_and(|rate| rate >= 0.05);
    let role = if is_failing { Role::Error } else { Role::Dim };
    let total_role = if total > 0 { Role::Error } else { Role::Dim };
    (per_second(scene, rate, "err/s", role), altogether(scene, total, total_role))
}

/// The rate of the latest whole interval; none where nothing runs any more.
fn rate(scene: &Scene<'_>, of: fn(&Point) -> f64) -> Option<f64> {
    if scene.is_idle() { None } else { scene.latest_point().map(of) }
}

fn per_second(scene: &Scene<'_>, rate: Option<f64>, unit: &str, role: Role) -> Line<'static> {
    let value = rate.map_or_else(|| "-".to_owned(), format::rate);
    let role = if rate.is_some() { role } else { Role::Dim };
    Line::from(vec![
        scene.span(role, format!("{value:>9}")),
        scene.span(Role::Dim, format!(" {unit}")),
    ])
}

fn altogether(scene: &Scene<'_>, total: u64, role: Role) -> Line<'static> {
    Line::from(vec![scene.span(role, format::count(total)), scene.span(Role::Dim, " in all")])
}

/// `timeout 12 · refused 1`: the most frequent kind first, then as many as fit.
pub(super) fn kinds(
    scene: &Scene<'_>,
    errors: &BTreeMap<String, u64>,
    width: u16,
) -> Line<'static> {
    let Some(worst) = errors.iter().max_by_key(|(_, count)| **count) else {
        return Line::from(scene.span(Role::Dim, "no errors"));
    };
    let others = errors.iter().filter(|(kind, _)| *kind != worst.0);
    let mut line = Line::default();
    for (nth, (kind, count)) in std::iter::once(worst).chain(others).enumerate() {
        let separator = if nth > 0 { " · " } else { "" };
        let text = format!("{kind} {}", format::count(*count));
        let left = errors.len() - nth;
        // Room for the word about those that are not shown.
        let reserve = if left > 1 { 5 } else { 0 };
        if line.width() + separator.len() + text.chars().count() + reserve > usize::from(width)
            && nth > 0
        {
            line.push_span(scene.span(Role::Dim, format!("{separator}+{left}")));
            break;
        }
        line.push_span(scene.span(Role::Dim, separator));
        line.push_span(scene.span(Role::Error, text));
    }
    line
}
