//! Before the first run: what to press, and what will happen.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::Scene;
use crate::ui::{format, layout, theme::Role};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let lines = lines(scene);
    let height = lines.len() as u16;
    let place = layout::centred(area, area.width, height);
    for (line, row) in lines.into_iter().zip(place.rows()) {
        line.centered().render(row, buffer);
    }
}

fn lines(scene: &Scene<'_>) -> Vec<Line<'static>> {
    if scene.app.readonly {
        return vec![Line::from(scene.span(Role::Dim, "no run is on; this screen only watches"))];
    }
    let snapshot = scene.snapshot();
    let devices = format::counted(scene.app.batch, "device");
    let cost = if snapshot.site.costs { "which costs money" } else { "which costs nothing" };
    let key = |key: &str, what: &str| {
        [scene.span(Role::Accent, key.to_owned()), scene.span(Role::Dim, format!(" {what}"))]
    };
    let gap = || [scene.span(Role::Dim, "   ")];
    let hints = key("b", "batch size")
        .into_iter()
        .chain(gap())
        .chain(key("w", "ramp window"))
        .chain(gap())
        .chain(key("]", "another instance"))
        .chain(gap())
        .chain(key("?", "all keys"));
    vec![
        Line::from(vec![
            scene.span(Role::Strong, "press "),
            scene.span(Role::Accent, "+"),
            scene.span(Role::Strong, format!(" for {devices}")),
        ]),
        Line::default(),
        Line::from(scene.span(
            Role::Text,
            format!(
                "they start {} on the {}, {cost},",
                format::over(scene.app.window),
                snapshot.site.label
            ),
        )),
        Line::from(vec![
            scene.span(Role::Text, "and talk to "),
            scene.span(Role::Strong, snapshot.target.clone()),
        ]),
        Line::default(),
        Line::from_iter(hints),
    ]
}
