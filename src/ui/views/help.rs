//! The keys, from the table that they work by.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Clear, Widget},
};

use super::Scene;
use crate::ui::{
    keymap::{self, Danger},
    layout,
    theme::Role,
    widgets::Pane,
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let lines: Vec<Line<'static>> = keymap::dashboard_rows(scene.app.readonly)
        .map(|row| {
            let role = if row.danger == Danger::Destroys { Role::Error } else { Role::Accent };
            Line::from(vec![
                scene.span(role, format!("{:>8}  ", row.names(" "))),
                scene.span(Role::Text, row.help),
            ])
        })
        .collect();
    let width = lines.iter().map(Line::width).max().unwrap_or(0) as u16 + 5;
    let place = layout::centred(area, width, lines.len() as u16 + 2);
    scene.dim(buffer, area);
    Clear.render(place, buffer);
    let note = Some((Role::Dim, "Esc closes".to_owned()));
    let inner = Pane::new("Keys").note(note).render(place, buffer, scene.theme);
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        line.render(row, buffer);
    }
}
