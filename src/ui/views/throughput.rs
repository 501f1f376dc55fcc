//! Requests and errors per second over time, on an axis each: few errors are not
//! hidden below many requests.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

use super::{
    Scene,
    timeline::{Entry, Timeline, legend, reading, ticks},
};
use crate::{
    controller::snapshot::Point,
    ui::{
        format,
        theme::Role,
        widgets::{Fill, Plot, Scale, Series},
    },
};

/// Columns for the values of both, so that their times are above each other.
const GUTTER: u16 = 7;

/// Least height that it needs.
pub(super) const LEAST: u16 = 6;

/// Least height of two charts.
const BOTH: u16 = 12;

/// One of the two charts.
struct Rate {
    role: Role,
    plain: char,
    name: &'static str,
    of: fn(&Point) -> f64,
}

const REQUESTS: Rate = Rate {
    role: Role::Connected,
    plain: '#',
    name: "requests/s",
    of: |point| point.requests_per_s,
};
const ERRORS: Rate =
    Rate { role: Role::Error, plain: 'x', name: "errors/s", of: |point| point.errors_per_s };

/// The legend and the chart, or two charts where there is room.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let timeline = Timeline::of(scene);
    let point = reading(scene);
    let entries = [&REQUESTS, &ERRORS].map(|rate| Entry {
        role: rate.role,
        plain: rate.plain,
        name: rate.name,
        value: point.map(|point| format::rate((rate.of)(point))),
    });
    let head = Rect { height: area.height.min(1), ..area };
    timeline.draw_words(buffer, head, legend(&entries, head.width, scene), scene);
    let field = Rect { y: area.y + head.height, height: area.height - head.height, ..area };
    if area.height < BOTH {
        return draw_chart(buffer, field, &[REQUESTS, ERRORS], &timeline, scene);
    }
    let [above, below] = Layout::vertical([Constraint::Fill(3), Constraint::Fill(2)]).areas(field);
    draw_chart(buffer, above, &[REQUESTS], &timeline, scene);
    draw_chart(buffer, below, &[ERRORS], &timeline, scene);
}

fn draw_chart(
    buffer: &mut Buffer,
    field: Rect,
    rates: &[Rate],
    timeline: &Timeline,
    scene: &Scene<'_>,
) {
    let points = &scene.snapshot().traffic.value.points;
    let series: Vec<Series> = rates
        .iter()
        .map(|rate| Series {
            samples: timeline.samples(points, |point| Some((rate.of)(point))),
            role: rate.role,
            plain: rate.plain,
            fill: Some(Fill::Half),
        })
        .collect();
    let all = series.iter().flat_map(|it| &it.samples).map(|it| it.y);
    let top = all.fold(0.0, f64::max);
    let scale = Scale::linear(top.max(1.0), ticks(field.height.saturating_sub(2)));
    let ticks = |columns| timeline.ticks(columns);
    let axes = timeline.axes(scene, &ticks).gutter(GUTTER);
    let label = |tick: f64| {
        if tick.fract() == 0.0 { format::count(tick as u64) } else { format!("{tick:.1}") }
    };
    let drawn = Plot::new(series, timeline.span(), axes).y(scale, &label).draw(field, buffer);
    timeline.register(drawn, scene);
}
