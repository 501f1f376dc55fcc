//! Response times: the latest whole window in figures, and the percentiles over time.
//!
//! Invariant: a figure comes from a distribution of its own window, and says which.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    Scene,
    timeline::{Timeline, ticks},
};
use crate::{
    controller::snapshot::Quantiles,
    ui::{
        format,
        theme::Role,
        widgets::{Pane, Plot, Scale, Series, swatch},
    },
};

/// A percentile: how it looks, and where it is found.
struct Percentile {
    name: &'static str,
    role: Role,
    plain: char,
    of: fn(&Quantiles) -> f64,
}

const PERCENTILES: [Percentile; 4] = [
    Percentile { name: "p50", role: Role::P50, plain: '.', of: |quantiles| quantiles.p50 },
    Percentile { name: "p90", role: Role::P90, plain: 'o', of: |quantiles| quantiles.p90 },
    Percentile { name: "p99", role: Role::P99, plain: '#', of: |quantiles| quantiles.p99 },
    Percentile { name: "max", role: Role::Max, plain: '\'', of: |quantiles| quantiles.max },
];

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let unit = Unit::of(scene);
    let title = if scene.app.log_axis {
        format!("Response time ({}, log)", unit.name)
    } else {
        format!("Response time ({})", unit.name)
    };
    let inner = Pane::new(&title).note(scene.traffic_age()).render(area, buffer, scene.theme);
    let mut rows = inner.rows();
    let lines = figures(scene, usize::from(inner.width));
    let used = (lines.len() as u16).min(inner.height);
    for (line, row) in lines.into_iter().zip(&mut rows) {
        line.render(row, buffer);
    }
    let field = Rect { y: inner.y + used, height: inner.height - used, ..inner };
    if field.height >= 3 {
        draw_chart(buffer, field, &unit, scene);
    }
}

fn draw_chart(buffer: &mut Buffer, field: Rect, unit: &Unit, scene: &Scene<'_>) {
    let timeline = Timeline::of(scene);
    let points = &scene.snapshot().traffic.value.points;
    let line = |percentile: &Percentile| Series {
        samples: timeline.samples(points, |point| {
            point.response.as_ref().map(|response| (percentile.of)(response) / unit.in_ms)
        }),
        role: percentile.role,
        plain: percentile.plain,
    };
    // The largest below, the telling ones on top of it.
    let order = [3, 0, 1, 2];
    let series: Vec<Series> = order.iter().map(|nth| line(&PERCENTILES[*nth])).collect();
    let values = || series.iter().flat_map(|series| &series.samples).map(|sample| sample.y);
    let max = values().fold(0.0, f64::max);
    let scale = if scene.app.log_axis {
        Scale::log(values().filter(|value| *value > 0.0).fold(max.max(1.0), f64::min), max)
    } else {
        Scale::linear(max, ticks(field.height.saturating_sub(2)))
    };
    Plot::new(series, timeline.span as f64, timeline.gap(), scene.theme)
        .y(scale, &axis_label)
        .x(timeline.labels(scene))
        .render(field, buffer);
}

/// The latest window: on one line where that fits, on two otherwise.
fn figures(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let Some(window) = &scene.snapshot().traffic.value.window else {
        return vec![Line::from(no_window(scene))];
    };
    // A figure is of its window and of no other time.
    let when = scene.span(Role::Dim, format!("last {}  ", format::span(window.length_ms)));
    let service = [
        scene.span(Role::Dim, "service p99 "),
        scene.span(Role::Text, format::latency(window.service.p99)),
    ];
    let response = response(scene, &window.response, true);
    let line: Line<'static> =
        [&when].into_iter().chain(&response).chain(&service).cloned().collect();
    if line.width() <= width {
        return vec![line];
    }
    let above = [&when].into_iter().chain(&service).cloned().collect();
    let response = Line::from(response);
    if response.width() <= width + 2 {
        return vec![above, response];
    }
    vec![above, Line::from(self::response(scene, &window.response, false))]
}

/// The percentiles: with swatches, or short.
fn response(scene: &Scene<'_>, of: &Quantiles, is_long: bool) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for percentile in &PERCENTILES {
        let value = (percentile.of)(of);
        if is_long {
            spans.push(swatch(percentile.role, percentile.plain, scene.theme));
            spans.push(scene.span(Role::Dim, format!("{} ", percentile.name)));
            spans.push(scene.span(Role::Strong, format::latency(value)));
        } else {
            spans.push(scene.span(percentile.role, format!("{} ", percentile.name)));
            // Each in its own unit: one slow answer must not make the others 0.00.
            let figure = format::latency(value).replace(' ', "");
            spans.push(scene.span(Role::Strong, figure));
        }
        spans.push(Span::raw(if is_long { "  " } else { " " }));
    }
    spans
}

/// The figures of the latest window on one line, for small screens.
pub(super) fn one_line(scene: &Scene<'_>) -> Line<'static> {
    let Some(window) = &scene.snapshot().traffic.value.window else {
        return Line::from(no_window(scene));
    };
    let mut spans = response(scene, &window.response, false);
    spans.pop();
    Line::from(spans)
}

/// Why there are no figures.
fn no_window(scene: &Scene<'_>) -> Span<'static> {
    let words =
        if scene.counts_by_tasks() { "devices do not report" } else { "no whole window yet" };
    scene.span(Role::Dim, words)
}

/// Two of them, where there is room for no more.
pub(super) fn shortest(scene: &Scene<'_>) -> Line<'static> {
    let Some(window) = &scene.snapshot().traffic.value.window else {
        return Line::from(no_window(scene));
    };
    let short = |value| format::latency(value).replace(' ', "");
    Line::from(vec![
        scene.span(Role::P50, "p50 "),
        scene.span(Role::Strong, short(window.response.p50)),
        scene.span(Role::P99, "  p99 "),
        scene.span(Role::Strong, short(window.response.p99)),
    ])
}

/// What the axis counts in, so that its numbers stay short.
struct Unit {
    name: &'static str,
    in_ms: f64,
}

impl Unit {
    fn of(scene: &Scene<'_>) -> Self {
        let points = &scene.snapshot().traffic.value.points;
        let max = points
            .iter()
            .filter_map(|point| point.response.map(|response| response.max))
            .fold(0.0, f64::max);
        if max > 10_000.0 {
            Self { name: "s", in_ms: 1000.0 }
        } else {
            Self { name: "ms", in_ms: 1.0 }
        }
    }
}

/// `0`, `0.05`, `20`, `5,000`.
fn axis_label(tick: f64) -> String {
    if tick >= 1.0 || tick <= 0.0 {
        let is_whole = (tick - tick.round()).abs() < 1e-6;
        return if is_whole { format::count(tick.round() as u64) } else { format!("{tick:.1}") };
    }
    let digits = (-tick.log10()).ceil().clamp(1.0, 6.0) as usize;
    format!("{tick:.digits$}")
}
