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
        format,
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
/// Most columns for the names.
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
    let names = usize::from(row.width / 3).min(NAMES);
    // A theme of its own has no key.
    let keys = match entry.action {
        Action::SetTheme(_) => String::new(),
        _ => scene.app.keymap.names(entry.row, " "),
    };
    let right = Line::from(vec![Span::raw(" "), scene.span(Role::Dim, keys), Span::raw(" ")]);
    let room = usize::from(row.width).saturating_sub(right.width() + 1);
    let mut left = Line::from(scene.span(of_name, format!("  {name:<names$} ")));
    let help = format::cut(entry.help, room.saturating_sub(left.width()));
    left.push_span(scene.span(words, help));
    draw_ends(buffer, row, left, right);
    if is_selected {
        buffer.set_style(row, scene.theme.style(Role::Focus));
        if let Some(cell) = buffer.cell_mut((row.x, row.y)) {
            cell.set_symbol(">");
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Cell;

    use super::*;
    use crate::{
        app::{
            fixtures::{self, NOW},
            keys::press,
            update::update,
        },
        ui::{paint, theme::Theme},
    };

    /// The screen with the palette open and this typed.
    fn seen(text: &str, keys: &str, (width, height): (u16, u16)) -> String {
        let mut app = fixtures::app(fixtures::costing());
        press(&mut app, ":", NOW);
        for c in text.chars() {
            update(&mut app, Action::Type(c), NOW);
        }
        press(&mut app, keys, NOW);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        paint(&mut buffer, &app, Theme::default(), NOW);
        let row = |row: &[Cell]| row.iter().map(Cell::symbol).collect::<String>();
        let rows = buffer.content.chunks(width.into());
        rows.map(|cells| row(cells).trim_end().to_owned() + "\n").collect()
    }

    #[test]
    fn what_is_found_what_is_selected_and_what_it_takes() {
        insta::assert_snapshot!("palette", seen("", "Down Down", (80, 24)));
        insta::assert_snapshot!("palette_60x16", seen("theme ", "Down", (60, 16)));
        insta::assert_snapshot!("palette_value_60x16", seen("batch 2k", "", (60, 16)));
        insta::assert_snapshot!("palette_refused_40x12", seen("scale 99", "Enter", (40, 12)));
    }

    #[test]
    fn what_is_selected_can_be_seen_however_far_down() {
        for height in 5..30 {
            let seen = seen("", &"Down ".repeat(60), (80, height));
            assert!(height < 12 || seen.contains("> quit"), "{height}:\n{seen}");
        }
    }
}
