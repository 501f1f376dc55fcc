//! The details of one row: all that is known of it, under or in place of its list.
//!
//! Invariant: nothing is cut: long texts go on in the next line, and what is out of sight
//! is counted and can be scrolled to.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, listing, wrap};
use crate::{
    app::action::{Action, Step},
    ui::{format, theme::Role, widgets::Pane},
};

/// Columns for the labels.
const LABEL: usize = 13;
/// From this width on, short ones share a line.
const WIDE: usize = 96;
/// Rows that a list keeps beside its details.
const LIST: u16 = 7;

/// All that is known of one thing.
pub(super) struct Details {
    /// Its name.
    pub(super) title: String,
    /// What is known.
    pub(super) fields: Vec<Field>,
    /// Lines above the first that is seen.
    pub(super) scroll: usize,
}

/// One thing that is known.
pub(super) struct Field {
    label: &'static str,
    role: Role,
    text: String,
}

impl Field {
    pub(super) fn new(label: &'static str, text: impl Into<String>) -> Self {
        Self { label, role: Role::Text, text: text.into() }
    }

    pub(super) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Its lines, of at most `width` columns; without a label all of them.
    fn lines(&self, width: usize, scene: &Scene<'_>) -> Vec<Line<'static>> {
        let label = if self.label.is_empty() { 0 } else { LABEL };
        let texts = wrap(&self.text, width.saturating_sub(label));
        let lines = texts.into_iter().enumerate().map(|(nth, text)| {
            let name = if nth == 0 { self.label } else { "" };
            Line::from(vec![
                scene.span(Role::Dim, format!("{name:label$}")),
                scene.span(self.role, text),
            ])
        });
        lines.collect()
    }
}

impl Details {
    /// Splits `area` for a list and these details; where there is no room for both, the
    /// details have all of it.
    fn split(&self, area: Rect, scene: &Scene<'_>) -> (Option<Rect>, Rect) {
        let inside = usize::from(area.width.saturating_sub(4));
        let wanted = self.lines(inside, scene).len() as u16 + 2;
        if area.height < LIST + 8 {
            return (None, area);
        }
        let height = wanted.min(area.height - LIST);
        let list = Rect { height: area.height - height, ..area };
        (Some(list), Rect { y: list.bottom(), height, ..area })
    }

    /// Draws those that are open beside their list; what is left for it, if anything is.
    pub(super) fn beside(
        open: Option<&Self>,
        buffer: &mut Buffer,
        area: Rect,
        scene: &Scene<'_>,
    ) -> Option<Rect> {
        let Some(details) = open else { return Some(area) };
        let (list, below) = details.split(area, scene);
        details.draw(buffer, below, scene);
        list
    }

    /// Draws them.
    fn draw(&self, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
        let back = format!("{}: back", listing::key(&Action::Back, scene));
        let inner = if area.width >= 76 {
            let note = Some((Role::Dim, back));
            Pane::new(&self.title).note(note).render(area, buffer, scene.theme)
        } else {
            let row = Rect { x: area.x + 1, height: area.height.min(1), ..area };
            let row = Rect { width: area.width.saturating_sub(2), ..row }.intersection(area);
            let title = scene.span(Role::Strong, self.title.clone());
            super::draw_ends(buffer, row, title.into(), scene.span(Role::Dim, back).into());
            let height = area.height.saturating_sub(1);
            Rect { y: area.y + 1, height, ..row }.intersection(area)
        };
        let lines = self.lines(usize::from(inner.width), scene);
        let room = usize::from(inner.height);
        let is_long = lines.len() > room;
        // The last row says that there is more.
        let room = if is_long { room.saturating_sub(1) } else { room };
        let hidden = lines.len().saturating_sub(room);
        let from = self.scroll.min(hidden);
        scene.hides(hidden);
        let rows = inner.rows();
        for (line, row) in lines.into_iter().skip(from).take(room).zip(rows) {
            line.render(row, buffer);
        }
        if let (true, Some(row)) = (is_long, inner.rows().next_back()) {
            let [down, up] = [20, -20].map(|by| listing::key(&Action::Select(Step::By(by)), scene));
            let words = match (from, hidden - from) {
                (0, below) => format!("{} more: {down}", format::counted(below as u32, "line")),
                (above, 0) => format!("{} above: {up}", format::counted(above as u32, "line")),
                (above, below) => format!("{above} above: {up}, {below} below: {down}"),
            };
            Line::from(scene.span(Role::Accent, words)).render(row, buffer);
        }
    }

    /// Their lines; where there is much room two short ones share one.
    fn lines(&self, width: usize, scene: &Scene<'_>) -> Vec<Line<'static>> {
        let half = width / 2;
        let is_short = |field: &Field| {
            width >= WIDE && LABEL + format::width(&field.text) < half && !field.label.is_empty()
        };
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut fields = self.fields.iter().peekable();
        while let Some(field) = fields.next() {
            let mut own = field.lines(width, scene);
            if is_short(field)
                && let Some(other) = fields.next_if(|other| is_short(other))
                && let Some(line) = own.last_mut()
            {
                line.push_span(" ".repeat(half.saturating_sub(line.width())));
                line.extend(other.lines(width, scene).into_iter().flatten());
            }
            lines.append(&mut own);
        }
        lines
    }
}
