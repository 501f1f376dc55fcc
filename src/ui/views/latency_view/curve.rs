//! The percentile curve: how slow the slowest tenth, hundredth, thousandth are.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{Scene, draw_nothing, stretch_words, times};
use crate::{
    app::times::CurvePoint,
    ui::{
        theme::Role,
        views::{
            latency::{Unit, axis_label, scale},
            timeline::{Entry, legend},
        },
        widgets::{Axes, Pane, Plot, Sample, Series, Tick},
    },
};

/// Labels of the horizontal axis: nines, and what they are called.
const TICKS: [(f64, &str); 7] = [
    (std::f64::consts::LOG10_2, "50 %"),
    (1.0, "90 %"),
    (2.0, "99 %"),
    (3.0, "99.9 %"),
    (4.0, "99.99 %"),
    (5.0, "99.999 %"),
    (6.0, "99.9999 %"),
];

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let slowest = times(scene).and_then(|times| times.curve.last());
    let unit = Unit::up_to(slowest.map_or(0.0, |it| it.response.max(it.service)));
    let title = unit.title("Percentile curve", scene);
    let note = times(scene).map(|times| (Role::Dim, stretch_words(times, scene)));
    let inner = Pane::new(&title).note(note).render(area, buffer, scene.theme);
    if inner.height < 4 {
        return;
    }
    let Some(times) = times(scene) else { return draw_nothing(buffer, inner, scene) };
    let entries = [
        Entry { role: Role::P99, plain: '#', name: "response", value: None },
        Entry { role: Role::Connected, plain: 'o', name: "service", value: None },
    ];
    legend(&entries, inner.width, scene).render(Rect { height: 1, ..inner }, buffer);
    let field = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    let last = times.curve.last().map_or(1.0, |point| point.nines).max(0.1);
    let line = |entry: &Entry, of: fn(&CurvePoint) -> f64| Series {
        samples: samples(&times.curve, last, |point| of(point) / unit.in_ms),
        role: entry.role,
        plain: entry.plain,
        fill: None,
    };
    let series =
        vec![line(&entries[0], |point| point.response), line(&entries[1], |point| point.service)];
    let values = || series.iter().flat_map(|series| &series.samples).map(|sample| sample.y);
    let scale = scale(values, field.height, scene);
    let ticks = |_| {
        let ticks = TICKS.iter().filter(|(nines, _)| *nines <= last);
        ticks.map(|(nines, text)| Tick { at: nines / last, text: (*text).into() }).collect()
    };
    Plot::new(series, last, Axes::new(scene.theme, &ticks))
        .y(scale, &axis_label)
        .draw(field, buffer);
}

fn samples(curve: &[CurvePoint], last: f64, of: impl Fn(&CurvePoint) -> f64) -> Vec<Sample> {
    let sample = |point: &CurvePoint| Sample {
        x: point.nines,
        // It is one line, however far its points are from each other.
        length: last,
        y: of(point),
        is_settled: true,
    };
    curve.iter().map(sample).collect()
}
