//! Every request over time: the exact response times as a heatmap.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, draw_nothing, source_words, times};
use crate::{
    app::times::{Heat, band_of},
    ui::{
        format,
        theme::Role,
        views::{
            latency::{Unit, axis_label},
            timeline::{Timeline, clock},
        },
        widgets::{Heatmap, Pane, Slab},
    },
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, gutter: u16, scene: &Scene<'_>) {
    let timeline = Timeline::of(scene);
    let slowest = times(scene).and_then(|it| it.rows.first()?.response).map_or(0.0, |it| it[6]);
    let unit = Unit::up_to(slowest);
    let title = format!("Every response ({}, log)", if unit.in_ms > 1.0 { "s" } else { "ms" });
    let room = usize::from(area.width).saturating_sub(title.len() + 7);
    let note = source_words(scene).map(|(role, words)| {
        let short = words.rsplit(", ").next().unwrap_or_default().to_owned();
        (role, if words.len() <= room { words } else { short })
    });
    let inner = Pane::new(&title).note(note).render(area, buffer, scene.theme);
    if inner.height < 4 {
        return;
    }
    let Some(times) = times(scene) else { return draw_nothing(buffer, inner, scene) };
    let field = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    let slabs = times.heat.iter().map(|heat| Slab {
        x: timeline.x(heat.at),
        length: heat.length_ms as f64,
        bands: &heat.bands,
    });
    let ticks = |columns| timeline.ticks(columns);
    let axes = timeline.axes(scene, &ticks).gutter(gutter);
    let band = |value: f64| band_of(value * unit.in_ms);
    let drawn = Heatmap::new(slabs.collect(), timeline.span(), axes, &band, &axis_label)
        .draw(field, buffer);
    let Some((field, levels)) = drawn else { return };
    timeline.register(field, scene);
    let head = Rect { height: 1, ..inner };
    let line = if let Some(at) = scene.app.stretch.cursor {
        read(at, times.heat_at(at), scene)
    } else {
        let mut spans = levels.legend(scene.theme);
        spans.push(scene.span(Role::Dim, "requests"));
        Line::from(spans)
    };
    line.render(head, buffer);
}

/// What the column at a moment says.
fn read(at: u64, heat: Option<&Heat>, scene: &Scene<'_>) -> Line<'static> {
    let mut line = Line::from(scene.span(Role::Accent, format!("at {} UTC  ", clock(at))));
    let Some((heat, response)) = heat.and_then(|heat| Some((heat, heat.response?))) else {
        line.push_span(scene.span(Role::Dim, "no exact times of this moment"));
        return line;
    };
    for (role, name, ms) in [
        (Role::P50, "p50", response[0]),
        (Role::P99, "p99", response[3]),
        (Role::Max, "max", response[6]),
    ] {
        line.push_span(scene.span(role, format!("{name} ")));
        line.push_span(scene.span(Role::Strong, format!("{}  ", format::latency(ms))));
    }
    let of = format!("{} in {} ms", format::count(heat.requests), format::count(heat.length_ms));
    line.push_span(scene.span(Role::Dim, of));
    line
}
