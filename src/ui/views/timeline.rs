//! What the charts share: which stretch of time they show, and the devices' chart.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::Scene;
use crate::{
    controller::snapshot::{Phase, Point},
    model::Millis,
    ui::{
        format,
        theme::Role,
        widgets::{Pane, Plot, Sample, Scale, Series, swatch},
    },
};

/// Stretches of time that a chart can show, in intervals.
const SPANS: [Millis; 6] = [60, 120, 300, 600, 1800, 3600];

/// The longest, in intervals: two points a dot of the narrowest chart.
const MOST: Millis = 120;

/// A stretch of time that ends with the latest interval.
pub(super) struct Timeline {
    /// In milliseconds.
    pub(super) span: Millis,
    start: Millis,
    interval: Millis,
}

impl Timeline {
    /// The shortest one that shows all points, up to what the charts have dots for.
    /// All charts share it, so that what is above each other happened together.
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let traffic = &scene.snapshot().traffic.value;
        // Before the first report, seconds are as good as any.
        let interval = if traffic.interval_ms == 0 { 1000 } else { traffic.interval_ms };
        let (first, last) = match (traffic.points.first(), traffic.points.last()) {
            (Some(first), Some(last)) => (first.at, last.at),
            _ => (0, 0),
        };
        let needed = last.saturating_sub(first) / interval + 1;
        let fits = |intervals: &&Millis| **intervals <= MOST;
        let span = SPANS
            .iter()
            .filter(fits)
            .find(|span| **span >= needed)
            .or_else(|| SPANS.iter().rev().find(fits))
            .map_or(SPANS[0], |span| *span)
            * interval;
        Self { span, start: last.saturating_sub(span), interval }
    }

    /// Samples of one series; negative where they are too old to be seen.
    pub(super) fn samples(
        &self,
        points: &[Point],
        value: impl Fn(&Point) -> Option<f64>,
    ) -> Vec<Sample> {
        points
            .iter()
            .filter(|point| point.at + self.interval >= self.start)
            .filter_map(|point| {
                Some(Sample {
                    x: point.at as f64 - self.start as f64,
                    y: value(point)?,
                    is_settled: point.complete,
                })
            })
            .collect()
    }

    /// Samples further apart are not connected.
    pub(super) fn gap(&self) -> f64 {
        self.interval as f64 * 1.5
    }

    /// What is written under it: the right end is now only while news are fresh.
    pub(super) fn labels(&self, scene: &Scene<'_>) -> [String; 3] {
        let ago = |ms: Millis| match ms / 1000 {
            s if s < 120 || !s.is_multiple_of(60) => format!("-{s}s"),
            s => format!("-{}m", s / 60),
        };
        let is_now = scene.traffic_age().is_none();
        let end = if scene.is_over() {
            "end"
        } else if is_now || scene.is_unreported() {
            "now"
        } else {
            "last report"
        };
        [ago(self.span), ago(self.span / 2), end.into()]
    }
}

/// Ticks on an axis of so many rows: enough to read, not so many that it is a grid.
pub(super) fn ticks(rows: u16) -> usize {
    usize::from((rows / 3).clamp(3, 5))
}

/// The devices over time, planned and connected.
pub(super) fn draw_devices(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let pane = Pane::new("Devices over time").note(scene.traffic_age());
    let inner = pane.render(area, buffer, scene.theme);
    if inner.height < 3 {
        return;
    }
    Line::from(vec![
        swatch(Role::Connected, '#', scene.theme),
        scene.span(Role::Dim, "connected  "),
        swatch(Role::Planned, '.', scene.theme),
        scene.span(Role::Dim, "planned"),
    ])
    .render(Rect { height: 1, ..inner }, buffer);

    let field = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    let timeline = Timeline::of(scene);
    let points = &scene.snapshot().traffic.value.points;
    let planned = timeline.samples(points, |point| Some(point.planned));
    let connected = timeline.samples(points, |point| Some(point.connected));
    let top = planned.iter().chain(&connected).map(|sample| sample.y).fold(0.0, f64::max);
    // Before the first report the axis already has the size of what is to come.
    let wanted = f64::from(scene.snapshot().devices.value.wanted);
    let is_on = matches!(scene.phase(), Some(Phase::Running | Phase::Paused));
    let top = if is_on { top.max(wanted) } else { top };
    let series = vec![
        Series { samples: planned, role: Role::Planned, plain: '.' },
        Series { samples: connected, role: Role::Connected, plain: '#' },
    ];
    // Devices are whole.
    let scale = Scale::linear(top.max(4.0), ticks(field.height.saturating_sub(2)));
    Plot::new(series, timeline.span as f64, timeline.gap(), scene.theme)
        .y(scale, &|tick| format::count(tick.round() as u64))
        .x(timeline.labels(scene))
        .render(field, buffer);
}
