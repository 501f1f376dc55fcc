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
    timeline::{Entry, Timeline, clock, legend, reading, ticks},
};
use crate::{
    controller::snapshot::{Quantiles, Window},
    ui::{
        format,
        theme::Role,
        widgets::{Fill, Pane, Plot, Scale, Series, swatch},
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
    let timeline = Timeline::of(scene);
    let unit = Unit::of(scene);
    let title = unit.title("Response time", scene);
    let note = timeline.note(scene, &title, area.width);
    let inner = Pane::new(&title).note(note).render(area, buffer, scene.theme);
    let mut rows = inner.rows();
    let mut lines = figures(scene, usize::from(inner.width));
    // What happened then stands beside the figures of then, where it fits.
    if let Some(first) = lines.first_mut() {
        let room = usize::from(inner.width).saturating_sub(first.width() + 2);
        if let Some(mark) = timeline.read_mark(scene, room) {
            first.push_span("  ");
            first.extend(mark.spans);
        }
    }
    let used = (lines.len() as u16).min(inner.height);
    for (line, row) in lines.into_iter().zip(&mut rows) {
        line.render(row, buffer);
    }
    let field = Rect { y: inner.y + used, height: inner.height - used, ..inner };
    if field.height >= 3 {
        Lines { unit, fills: [None; 4], gutter: 0 }.draw(buffer, field, &timeline, scene);
    }
}

/// How much each percentile fills of what is below it, where they are bands: what is
/// slower is rarer, and thinner.
const BANDS: [Option<Fill>; 4] = [Some(Fill::Solid), Some(Fill::Half), Some(Fill::Sparse), None];

/// The percentiles over time as bands, in a pane of their own.
pub(super) fn draw_bands(buffer: &mut Buffer, area: Rect, gutter: u16, scene: &Scene<'_>) {
    let timeline = Timeline::of(scene);
    let unit = Unit::of(scene);
    let title = unit.title("Response time", scene);
    let note = timeline.note(scene, &title, area.width);
    let inner = Pane::new(&title).note(note).render(area, buffer, scene.theme);
    if inner.height < 3 {
        return;
    }
    let points = timeline.visible(&scene.snapshot().traffic.value.points);
    if points.iter().all(|point| point.response.is_none()) {
        let why = if scene.counts_by_tasks() { "devices do not report" } else { "no answers yet" };
        let row = Rect { y: inner.y + inner.height / 2, height: 1, ..inner };
        return Line::from(scene.span(Role::Dim, why)).centered().render(row, buffer);
    }
    let response = reading(scene).and_then(|point| point.response);
    let entries: Vec<Entry> = PERCENTILES
        .iter()
        .map(|percentile| Entry {
            role: percentile.role,
            plain: percentile.plain,
            name: percentile.name,
            value: response.map(|response| format::latency((percentile.of)(&response))),
        })
        .collect();
    let head = Rect { height: 1, ..inner };
    timeline.draw_words(buffer, head, legend(&entries, head.width, scene), scene);
    let field = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    Lines { unit, fills: BANDS, gutter }.draw(buffer, field, &timeline, scene);
}

/// The chart of the percentiles.
struct Lines {
    unit: Unit,
    fills: [Option<Fill>; 4],
    gutter: u16,
}

impl Lines {
    fn draw(&self, buffer: &mut Buffer, field: Rect, timeline: &Timeline, scene: &Scene<'_>) {
        let points = &scene.snapshot().traffic.value.points;
        let line = |nth: usize| {
            let percentile = &PERCENTILES[nth];
            Series {
                samples: timeline.samples(points, |point| {
                    let response = point.response.as_ref()?;
                    Some((percentile.of)(response) / self.unit.in_ms)
                }),
                role: percentile.role,
                plain: percentile.plain,
                fill: self.fills[nth],
            }
        };
        let has_bands = self.fills.iter().any(Option::is_some);
        // The largest below, the telling ones on top of it; of bands the lowest on top.
        let order = if has_bands { [3, 2, 1, 0] } else { [3, 0, 1, 2] };
        let series: Vec<Series> = order.into_iter().map(line).collect();
        let values = || series.iter().flat_map(|series| &series.samples).map(|sample| sample.y);
        let scale = scale(values, field.height, scene);
        let ticks = |columns| timeline.ticks(columns);
        let axes = timeline.axes(scene, &ticks).gutter(self.gutter);
        let drawn =
            Plot::new(series, timeline.span(), axes).y(scale, &axis_label).draw(field, buffer);
        timeline.register(drawn, scene);
    }
}

/// The latest window, or the moment that is read: on one line where that fits, on two
/// otherwise.
fn figures(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    if let Some(at) = scene.app.stretch.cursor {
        let when = scene.span(Role::Accent, format!("at {}  ", clock(at)));
        let Some(response) = reading(scene).and_then(|point| point.response) else {
            return vec![Line::from(vec![when, scene.span(Role::Dim, "nothing was answered")])];
        };
        return beside(scene, &when, &response, &[], width);
    }
    let Some(window) = &scene.snapshot().traffic.value.window else {
        return vec![Line::from(no_window(scene))];
    };
    // A figure is of its window and of no other time.
    let when = match scene.unanswered_since(window) {
        Some(age) => scene.span(Role::Warn, format!("last answers {} ago  ", format::span(age))),
        None => scene.span(Role::Dim, format!("last {}  ", format::span(window.length_ms))),
    };
    let service = [
        scene.span(Role::Dim, "service p99 "),
        scene.span(Role::Text, format::latency(window.service.p99)),
    ];
    beside(scene, &when, &window.response, &service, width)
}

/// When, the percentiles, and what is said beside them.
fn beside(
    scene: &Scene<'_>,
    when: &Span<'static>,
    of: &Quantiles,
    service: &[Span<'static>],
    width: usize,
) -> Vec<Line<'static>> {
    let response = response(scene, of, true);
    let line: Line<'static> = [when].into_iter().chain(&response).chain(service).cloned().collect();
    if line.width() <= width {
        return vec![line];
    }
    let above = [when].into_iter().chain(service).cloned().collect();
    let response = Line::from(response);
    if response.width() <= width + 2 {
        return vec![above, response];
    }
    vec![above, Line::from(self::response(scene, of, false))]
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
    if let Some(old) = old(scene, window) {
        return old;
    }
    let mut spans = response(scene, &window.response, false);
    spans.pop();
    Line::from(spans)
}

/// In the place of figures that are of a time gone by, where there is no room to say so
/// beside them.
fn old(scene: &Scene<'_>, window: &Window) -> Option<Line<'static>> {
    let age = format::span(scene.unanswered_since(window)?);
    let p99 = format::latency(window.response.p99);
    Some(Line::from(vec![
        scene.span(Role::Warn, format!("no answers for {age}")),
        scene.span(Role::Dim, format!(" (p99 was {p99})")),
    ]))
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
    if let Some(old) = old(scene, window) {
        return old;
    }
    let short = |value| format::latency(value).replace(' ', "");
    Line::from(vec![
        scene.span(Role::P50, "p50 "),
        scene.span(Role::Strong, short(window.response.p50)),
        scene.span(Role::P99, "  p99 "),
        scene.span(Role::Strong, short(window.response.p99)),
    ])
}

/// What the axis counts in, so that its numbers stay short.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    name: &'static str,
    /// So many milliseconds.
    pub(super) in_ms: f64,
}

impl Unit {
    /// The one for what the charts show.
    fn of(scene: &Scene<'_>) -> Self {
        let timeline = Timeline::of(scene);
        let points = timeline.visible(&scene.snapshot().traffic.value.points);
        let largest = points.iter().filter_map(|point| point.response.map(|it| it.max));
        Self::up_to(largest.fold(0.0, f64::max))
    }

    /// The one for times up to `max` milliseconds.
    pub(super) fn up_to(max: f64) -> Self {
        if max > 10_000.0 {
            Self { name: "s", in_ms: 1000.0 }
        } else {
            Self { name: "ms", in_ms: 1.0 }
        }
    }

    /// `Response time (ms, log)`.
    pub(super) fn title(self, what: &str, scene: &Scene<'_>) -> String {
        let log = if scene.app.log_axis { ", log" } else { "" };
        format!("{what} ({}{log})", self.name)
    }
}

/// The axis for these values.
pub(super) fn scale<I: Iterator<Item = f64>>(
    values: impl Fn() -> I,
    rows: u16,
    scene: &Scene<'_>,
) -> Scale {
    let max = values().fold(0.0, f64::max);
    if scene.app.log_axis {
        Scale::log(values().filter(|value| *value > 0.0).fold(max.max(1e-3), f64::min), max)
    } else {
        Scale::linear(max, ticks(rows.saturating_sub(2)))
    }
}

/// `0`, `0.05`, `20`, `5,000`.
pub(super) fn axis_label(tick: f64) -> String {
    if tick >= 1.0 || tick <= 0.0 {
        let is_whole = (tick - tick.round()).abs() < 1e-6;
        return if is_whole { format::count(tick.round() as u64) } else { format!("{tick:.1}") };
    }
    let digits = (-tick.log10()).ceil().clamp(1.0, 6.0) as usize;
    format!("{tick:.digits$}")
}
