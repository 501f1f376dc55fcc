//! A quiet border with a title, and at its other end a note.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, Widget},
};

use crate::ui::theme::{Role, Theme};

/// A bordered part of the screen.
pub(in crate::ui) struct Pane<'a> {
    title: &'a str,
    note: Option<(Role, String)>,
}

impl<'a> Pane<'a> {
    pub(in crate::ui) fn new(title: &'a str) -> Self {
        Self { title, note: None }
    }

    /// Something short at the right of the title, such as an age.
    pub(in crate::ui) fn note(mut self, note: Option<(Role, String)>) -> Self {
        self.note = note;
        self
    }

    /// Draws the border and returns what is inside, one column off the border.
    pub(in crate::ui) fn render(self, area: Rect, buffer: &mut Buffer, theme: Theme) -> Rect {
        let mut block = Block::bordered()
            .border_set(theme.border())
            .border_style(theme.style(Role::Dim))
            .title(Line::from(vec![
                Span::raw(" "),
                Span::styled(self.title, theme.style(Role::Strong)),
                Span::raw(" "),
            ]));
        if let Some((role, note)) = self.note {
            let room = usize::from(area.width).saturating_sub(self.title.len() + 7);
            if note.chars().count() <= room {
                let note = Span::styled(format!(" {note} "), theme.style(role));
                block = block.title(Line::from(note).right_aligned());
            }
        }
        let inner = block.inner(area);
        block.render(area, buffer);
        Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }.intersection(inner)
    }
}

/// Marks the pane that was drawn at `area` as the one that has the keys: its border is
/// heavier, so that it is seen without colour, too.
pub(in crate::ui) fn emphasise(area: Rect, buffer: &mut Buffer, theme: Theme) {
    let style = Style::reset().patch(theme.style(Role::Accent));
    for position in area.positions() {
        let is_border = position.x == area.x
            || position.x + 1 == area.right()
            || position.y == area.y
            || position.y + 1 == area.bottom();
        if let (true, Some(cell)) = (is_border, buffer.cell_mut(position))
            && let Some(heavy) = heavier(cell.symbol())
        {
            cell.set_symbol(heavy).set_style(style);
        }
    }
}

fn heavier(border: &str) -> Option<&'static str> {
    Some(match border {
        "╭" => "┏",
        "╮" => "┓",
        "╰" => "┗",
        "╯" => "┛",
        "─" => "━",
        "│" => "┃",
        "-" => "=",
        "+" | "|" => "#",
        _ => return None,
    })
}
