//! Before the first run: what to press, and what will happen.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, sentence::LOOKING, wrap};
use crate::ui::{format, layout, theme::Role};

/// Widest line of prose.
const WIDEST: usize = 64;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let lines = lines(scene, usize::from(area.width));
    let place = layout::centred(area, area.width, lines.len() as u16);
    for (line, row) in lines.into_iter().zip(place.rows()) {
        line.centered().render(row, buffer);
    }
}

fn lines(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let snapshot = scene.snapshot();
    if snapshot.finding {
        return vec![Line::from(scene.span(Role::Strong, LOOKING))];
    }
    if scene.app.readonly {
        return vec![Line::from(scene.span(Role::Dim, "no run is on; this screen only watches"))];
    }
    let mut lines = vec![
        Line::from(vec![
            scene.span(Role::Strong, "press "),
            scene.span(Role::Accent, "+"),
            scene
                .span(Role::Strong, format!(" for {}", format::counted(scene.app.batch, "device"))),
        ]),
        Line::default(),
    ];
    let cost = if snapshot.site.costs { "which costs money" } else { "which costs nothing" };
    let starts = format::over(scene.app.window);
    let what = format!(
        "they start {starts} on the {}, {cost}, and talk to {}",
        snapshot.site.label, snapshot.target
    );
    lines.extend(
        wrap(&what, width.min(WIDEST))
            .into_iter()
            .map(|line| Line::from(scene.span(Role::Text, line))),
    );
    lines.extend([Line::default(), hints(scene, width)]);
    lines
}

/// Further keys, as many as fit.
fn hints(scene: &Scene<'_>, width: usize) -> Line<'static> {
    let mut line = Line::default();
    let can_scale = scene.snapshot().capacity.refusal().is_none();
    for (key, what) in
        [("b", "batch size"), ("w", "ramp window"), ("?", "all keys"), ("]", "another instance")]
    {
        if key == "]" && !can_scale {
            continue;
        }
        if line.width() + what.len() + 5 <= width {
            let gap = if line.width() > 0 { "   " } else { "" };
            line.push_span(scene.span(Role::Accent, format!("{gap}{key}")));
            line.push_span(scene.span(Role::Dim, format!(" {what}")));
        }
    }
    line
}
