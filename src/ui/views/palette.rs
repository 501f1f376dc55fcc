//! The palette: what was typed, and the keys that may be meant.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{Scene, draw_ends};
use crate::{
    app::{
        action::Action,
        palette::{self, Entry, Palette},
    },
    ui::{
        keymap::{self, Danger},
        layout,
        theme::Role,
        widgets::Pane,
    },
};

/// As wide as it gets.
const WIDTH: u16 = 90;
/// Entries that are shown at once, at most.
const ENTRIES: u16 = 14;
/// Columns for the names.
const NAMES: usize = 20;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, palette: &Palette, scene: &Scene<'_>) {
    let entries = palette::entries(scene.app, palette);
    // The keys below stay.
    let area = Rect { height: area.height.saturating_sub(1), ..area };
    let height = ENTRIES.min(area.height.saturating_sub(4)) + 4;
    let place = layout::centred(area, WIDTH.min(area.width.saturating_sub(2)), height);
    scene.dim(buffer, area);
    Clear.render(place, buffer);
    let selected = palette.selected.min(entries.len().saturating_sub(1));
    let note = match entries.len() {
        0 => "nothing".to_owned(),
        all => format!("{} of {all}", selected + 1),
    };
    let pane = Pane::new("Palette").note(Some((Role::Dim, note)));
    let inner = pane.render(place, buffer, scene.theme);
    let mut rows = inner.rows();
    if let Some(row) = rows.next() {
        typed(scene, palette).render(row, buffer);
    }
    if let Some(row) = rows.next() {
        remark(scene, palette, entries.get(selected)).render(row, buffer);
    }
    let room = usize::from(inner.height).saturating_sub(2);
    let from = (selected + 1).saturating_sub(room);
    for ((nth, entry), row) in entries.iter().enumerate().skip(from).zip(rows) {
        line(buffer, row, scene, (entry, nth == selected));
    }
    scene.wheel(place, Action::Scroll(-1), Action::Scroll(1));
}

/// `: batch 2▏`
fn typed(scene: &Scene<'_>, palette: &Palette) -> Line<'static> {
    let mut line = Line::from(vec![
        scene.span(Role::Accent, ": "),
        scene.span(Role::Strong, palette.text.clone()),
        scene.span(Role::Focus, " "),
    ]);
    if palette.text.is_empty() {
        line.push_span(scene.span(Role::Dim, "  some of a name: tasks, batch 250, theme light"));
    }
    line
}

/// Why it was refused, what is wrong with the value, or what it takes.
fn remark(scene: &Scene<'_>, palette: &Palette, entry: Option<&Entry>) -> Line<'static> {
    if let Some(why) = &palette.refusal {
        return Line::from(scene.span(Role::Error, format!("  {why}")));
    }
    match entry.and_then(|it| palette::remark(scene.app, it)) {
        Some(Ok(words)) => Line::from(scene.span(Role::Dim, format!("  {words}"))),
        Some(Err(why)) => Line::from(scene.span(Role::Error, format!("  {why}"))),
        None => Line::default(),
    }
}

/// A name, what it does, and its keys; what does nothing now is there and pale.
fn line(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>, (entry, is_selected): (&Entry, bool)) {
    let is_offered = keymap::is_offered(entry.row, scene.app, scene.now);
    let of_name = match entry.row.danger {
        _ if !is_offered => Role::Dim,
        Danger::Destroys => Role::Error,
        _ => Role::Accent,
    };
    let words = if is_offered { Role::Text } else { Role::Dim };
    let name = match entry.value.as_deref() {
        Some(value) if !value.is_empty() => format!("{} {value}", entry.name),
        _ => entry.name.clone(),
    };
    let left = Line::from(vec![
        scene.span(of_name, format!("  {name:<NAMES$} ")),
        scene.span(words, entry.help),
    ]);
    // A theme of its own has no key.
    let keys = match entry.action {
        Action::SetTheme(_) => String::new(),
        _ => scene.app.keymap.names(entry.row, " "),
    };
    let right = Line::from(vec![Span::raw(" "), scene.span(Role::Dim, keys), Span::raw(" ")]);
    draw_ends(buffer, row, left, right);
    if is_selected {
        buffer.set_style(row, scene.theme.style(Role::Focus));
        if let Some(cell) = buffer.cell_mut((row.x, row.y)) {
            cell.set_symbol(">");
        }
    }
}
