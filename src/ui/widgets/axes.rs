//! The two axes of a chart, what happened when, and the line of the moment that is read.
//!
//! Invariant: labels are whole or not there, and never over each other; what a chart
//! draws into its field is drawn between [`Axes::draw`] and [`Axes::draw_cursor`].

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line, widgets::Widget};

use crate::ui::theme::{Role, Theme};

/// Below this height a chart is low: its times are written into the floor.
const LOW: u16 = 9;

/// Of more flags than this only the grave ones have a line through the field.
const FEW: usize = 8;

/// A label below the floor.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ui) struct Tick {
    /// Where: a share of the width.
    pub(in crate::ui) at: f64,
    /// What it says.
    pub(in crate::ui) text: String,
}

/// Something that happened, on the floor.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::ui) struct Flag {
    /// Where: a share of the width.
    pub(in crate::ui) at: f64,
    /// What stands there.
    pub(in crate::ui) glyph: char,
    /// What it is.
    pub(in crate::ui) role: Role,
}

/// A chart's axes.
pub(in crate::ui) struct Axes<'a> {
    ticks: &'a dyn Fn(u16) -> Vec<Tick>,
    flags: Vec<Flag>,
    cursor: Option<f64>,
    gutter: u16,
    theme: Theme,
}

impl<'a> Axes<'a> {
    /// The labels below the floor, for a field of so many columns.
    pub(in crate::ui) fn new(theme: Theme, ticks: &'a dyn Fn(u16) -> Vec<Tick>) -> Self {
        Self { ticks, flags: Vec::new(), cursor: None, gutter: 0, theme }
    }

    /// What happened; of those at one place the last is seen.
    pub(in crate::ui) fn flags(mut self, flags: Vec<Flag>) -> Self {
        self.flags = flags;
        self
    }

    /// The moment that is read: a share of the width.
    pub(in crate::ui) fn cursor(mut self, cursor: Option<f64>) -> Self {
        self.cursor = cursor;
        self
    }

    /// At least this many columns for the values at the left, so that charts above each
    /// other have their times above each other.
    pub(in crate::ui) fn gutter(mut self, columns: u16) -> Self {
        self.gutter = columns;
        self
    }

    pub(super) fn theme(&self) -> Theme {
        self.theme
    }

    /// Draws the axes and returns the field between them, empty where it has no room.
    /// `values` says for so many rows in which row which label stands; the row below the
    /// last one is the floor.
    pub(super) fn draw(
        &self,
        area: Rect,
        buffer: &mut Buffer,
        values: impl Fn(u16) -> Vec<(u16, String)>,
    ) -> Rect {
        let dim = self.theme.style(Role::Dim);
        let below = if area.height < LOW { 1 } else { 2 };
        let rows = area.height.saturating_sub(below);
        let labels = values(rows);
        let widest = labels.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        let gutter = (widest as u16).max(self.gutter);
        let field = Rect {
            x: area.x.saturating_add(gutter + 2),
            width: area.width.saturating_sub(gutter + 2),
            height: rows,
            ..area
        };
        if field.is_empty() {
            return Rect::default();
        }
        let axis = field.x - 1;
        for row in field.rows() {
            put(buffer, axis, row.y, '│', dim);
        }
        put(buffer, axis, field.bottom(), '└', dim);
        let floor = Rect { y: field.bottom(), height: 1, ..field };
        Line::styled("─".repeat(usize::from(field.width)), dim).render(floor, buffer);
        let mut last_row = None;
        for (row, label) in labels {
            if row > rows || last_row.replace(row) == Some(row) {
                continue;
            }
            put(buffer, axis, field.y + row, if row == rows { '┼' } else { '┤' }, dim);
            let label_area = Rect { x: area.x, y: field.y + row, width: gutter, height: 1 };
            Line::styled(label, dim).right_aligned().render(label_area, buffer);
        }
        self.draw_ticks(floor, area.bottom() - 1, buffer);
        self.draw_flags(field, buffer);
        field
    }

    /// Writes the labels into row `y`, the right ones first: those matter most.
    fn draw_ticks(&self, floor: Rect, y: u16, buffer: &mut Buffer) {
        let dim = self.theme.style(Role::Dim);
        let mut free = floor.right();
        let mut ticks = (self.ticks)(floor.width);
        ticks.sort_by(|a, b| b.at.total_cmp(&a.at));
        for tick in ticks {
            let Some(column) = column(floor, tick.at) else { continue };
            let width = tick.text.chars().count() as u16;
            if width > floor.width {
                continue;
            }
            let left = column.saturating_sub(width / 2).clamp(floor.x, floor.right() - width);
            if left + width > free {
                continue;
            }
            // A blank between two labels.
            free = left.saturating_sub(1);
            if y != floor.y {
                put(buffer, column, floor.y, if self.theme.has_unicode() { '┬' } else { '+' }, dim);
            }
            Line::styled(tick.text, dim).render(Rect { x: left, y, width, height: 1 }, buffer);
        }
    }

    fn draw_flags(&self, field: Rect, buffer: &mut Buffer) {
        let line = if self.theme.has_unicode() { '┊' } else { ':' };
        for flag in &self.flags {
            let Some(column) = column(field, flag.at) else { continue };
            // What is written on a low floor stays readable.
            let is_free = |symbol: &str| !symbol.contains(|c: char| c.is_ascii_alphanumeric());
            if buffer.cell((column, field.bottom())).is_some_and(|it| is_free(it.symbol())) {
                put(buffer, column, field.bottom(), flag.glyph, self.theme.style(flag.role));
            }
            let is_grave = matches!(flag.role, Role::Error | Role::Warn);
            if self.flags.len() <= FEW || is_grave {
                for row in field.rows() {
                    put(buffer, column, row.y, line, self.theme.style(Role::Dim));
                }
            }
        }
    }

    /// Draws the line of the moment that is read: beside what is drawn there, not over it.
    pub(super) fn draw_cursor(&self, field: Rect, buffer: &mut Buffer) {
        let Some(column) = self.cursor.and_then(|at| column(field, at)) else { return };
        let style = self.theme.style(Role::Accent);
        let flag = if self.theme.has_unicode() { '┊' } else { ':' };
        for row in field.rows() {
            let Some(cell) = buffer.cell_mut((column, row.y)) else { continue };
            if cell.symbol() == " " || cell.symbol().starts_with(flag) {
                cell.set_char('│').set_style(style);
            } else {
                cell.set_style(self.theme.style(Role::Focus));
            }
        }
        let foot = if self.theme.has_unicode() { '┴' } else { '+' };
        put(buffer, column, field.bottom(), foot, style);
    }
}

/// The column of a share of the width; none outside.
fn column(field: Rect, share: f64) -> Option<u16> {
    let is_inside = (0.0..=1.0).contains(&share) && field.width > 0;
    is_inside.then(|| field.x + (share * f64::from(field.width - 1)).round() as u16)
}

fn put(buffer: &mut Buffer, x: u16, y: u16, symbol: char, style: Style) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.reset();
        cell.set_char(symbol).set_style(style);
    }
}
