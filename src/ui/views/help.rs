//! The keys, from the table that they work by.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Scene, panel, wrap};
use crate::ui::{
    keymap::{self, Danger},
    theme::Role,
};

/// Columns for the keys.
const KEYS: usize = 10;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let room = usize::from(area.width).saturating_sub(KEYS + 4);
    let entries: Vec<Vec<Line<'static>>> = keymap::dashboard_rows(scene.app.readonly)
        .map(|row| {
            let role = if row.danger == Danger::Destroys { Role::Error } else { Role::Accent };
            let words = wrap(row.help, room).into_iter().enumerate();
            words
                .map(|(nth, words)| {
                    let names =
                        if nth == 0 { scene.app.keymap.names(row, " ") } else { String::new() };
                    Line::from(vec![
                        scene.span(role, format!("{names:>8}  ")),
                        scene.span(Role::Text, words),
                    ])
                })
                .collect()
        })
        .collect();
    let width = entries.iter().flatten().map(Line::width).max().unwrap_or(0) as u16 + 5;
    panel::draw(buffer, area, ("Keys", width), &entries, scene);
}
