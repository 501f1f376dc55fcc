//! A list over the dashboard that can be longer than the screen.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Clear, Widget},
};

use super::Scene;
use crate::{
    app::action::Action,
    ui::{layout, theme::Role, widgets::Pane},
};

/// Draws entries of some lines each; where not all fit, from the one on that it is
/// scrolled to.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    (title, width): (&str, u16),
    entries: &[Vec<Line<'static>>],
    scene: &Scene<'_>,
) {
    // The keys below stay.
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let height: usize = entries.iter().map(Vec::len).sum();
    let room = usize::from(area.height).saturating_sub(2);
    let from = if height > room { scene.app.scroll.min(entries.len()) } else { 0 };
    let lines = || entries[from..].iter().flatten();
    let is_cut = lines().count() > room;
    let note = match (is_cut, from) {
        (true, _) => "Down: more, Esc: back",
        (false, 1..) => "Up: more, Esc: back",
        (false, 0) => "Esc: back",
    };
    let height = u16::try_from(height + 2).unwrap_or(u16::MAX);
    let place = layout::centred(area, width, height);
    scene.dim(buffer, area);
    scene.wheel(area, Action::Scroll(-1), Action::Scroll(1));
    Clear.render(place, buffer);
    let note = Some((Role::Dim, note.to_owned()));
    let inner = Pane::new(title).note(note).render(place, buffer, scene.theme);
    for (line, row) in lines().zip(inner.rows()) {
        line.render(row, buffer);
    }
}
