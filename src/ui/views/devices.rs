//! The devices over time, planned and connected.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Scene,
    timeline::{Entry, Timeline, legend, reading, ticks},
};
use crate::{
    controller::snapshot::{Phase, Point},
    ui::{
        format,
        theme::Role,
        widgets::{Pane, Plot, Scale, Series},
    },
};

const TITLE: &str = "Devices over time";

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let timeline = Timeline::of(scene);
    let note = timeline.note(scene, TITLE, area.width);
    let inner = Pane::new(TITLE).note(note).render(area, buffer, scene.theme);
    if inner.height < 3 {
        return;
    }
    let point = reading(scene);
    let value = |of: fn(&Point) -> f64| point.map(|it| format::count(of(it).round() as u64));
    let entries = [
        Entry {
            role: Role::Connected,
            plain: '#',
            name: "connected",
            value: value(|it| it.connected),
        },
        Entry { role: Role::Planned, plain: '.', name: "planned", value: value(|it| it.planned) },
    ];
    let head = Rect { height: 1, ..inner };
    timeline.draw_words(buffer, head, legend(&entries, head.width, scene), scene);
    let field = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    draw_chart(buffer, field, &timeline, scene);
}

fn draw_chart(buffer: &mut Buffer, field: Rect, timeline: &Timeline, scene: &Scene<'_>) {
    let points = &scene.snapshot().traffic.value.points;
    let planned = timeline.samples(points, |point| Some(point.planned));
    let connected = timeline.samples(points, |point| Some(point.connected));
    let top = planned.iter().chain(&connected).map(|sample| sample.y).fold(0.0, f64::max);
    // Before the first report the axis already has the size of what is to come.
    let wanted = f64::from(scene.snapshot().devices.value.wanted);
    let is_on = matches!(scene.phase(), Some(Phase::Running | Phase::Paused));
    let top = if is_on { top.max(wanted) } else { top };
    let series = vec![
        Series { samples: planned, role: Role::Planned, plain: '.', fill: None },
        Series { samples: connected, role: Role::Connected, plain: '#', fill: None },
    ];
    // Devices are whole.
    let scale = Scale::linear(top.max(4.0), ticks(field.height.saturating_sub(2)));
    let ticks = |columns| timeline.ticks(columns);
    let drawn = Plot::new(series, timeline.span(), timeline.axes(scene, &ticks))
        .y(scale, &|tick| format::count(tick.round() as u64))
        .draw(field, buffer);
    timeline.register(drawn, scene);
}
