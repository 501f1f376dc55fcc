//! The latest notices, the newest first, each with its age.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, wrap};
use crate::{
    controller::snapshot::{Level, Notice},
    ui::{format, theme::Role, widgets::Pane},
};

/// Columns for the age.
const AGE: usize = 8;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let inner = Pane::new("Notices").render(area, buffer, scene.theme);
    draw_lines(buffer, inner, scene);
}

/// The notices without a border.
pub(super) fn draw_lines(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let mut rows = area.rows();
    let newest_first = scene.snapshot().notices.iter().rev();
    for line in newest_first.flat_map(|notice| lines(scene, notice, usize::from(area.width))) {
        let Some(row) = rows.next() else { return };
        line.render(row, buffer);
    }
}

fn lines(scene: &Scene<'_>, notice: &Notice, width: usize) -> Vec<Line<'static>> {
    let (glyph, role) = match notice.level {
        Level::Info => ("·", Role::Text),
        Level::Warning => ("▲", Role::Warn),
        Level::Error => ("✗", Role::Error),
    };
    let age = format::span(scene.shown_at().saturating_sub(notice.at));
    let times = if notice.times > 1 { format!(" ×{}", notice.times) } else { String::new() };
    let text = wrap(&format!("{}{times}", notice.text), width.saturating_sub(AGE + 3));
    let first = |nth: usize| nth == 0;
    text.into_iter()
        .enumerate()
        .map(|(nth, text)| {
            let age = if first(nth) { age.as_str() } else { "" };
            let glyph = if first(nth) { glyph } else { " " };
            Line::from(vec![
                scene.span(Role::Dim, format!("{age:>AGE$} ")),
                scene.span(role, format!("{glyph} ")),
                scene.span(if notice.level == Level::Info { Role::Text } else { role }, text),
            ])
        })
        .collect()
}
