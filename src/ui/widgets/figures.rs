//! Figures with their labels, flowing into as many lines as there are.
//!
//! A figure is never cut in two; those that find no room are left out from the end,
//! zeros first.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::ui::{
    format,
    theme::{Role, Theme},
};

/// Columns between two figures.
const GAP: usize = 3;

/// A number and what it counts.
pub(in crate::ui) struct Figure {
    value: String,
    label: &'static str,
    role: Role,
    is_zero: bool,
}

impl Figure {
    /// A count; zero is there, but quiet.
    pub(in crate::ui) fn count(n: u32, label: &'static str, role: Role) -> Self {
        let is_zero = n == 0;
        let role = if is_zero { Role::Dim } else { role };
        Self { value: format::count(n.into()), label, role, is_zero }
    }

    /// A figure in words of its own.
    pub(in crate::ui) fn words(text: &str, role: Role) -> Self {
        Self { value: text.to_owned(), label: "", role, is_zero: false }
    }

    fn width(&self) -> usize {
        self.value.len() + usize::from(!self.label.is_empty()) + self.label.len()
    }

    fn spaced_label(&self) -> String {
        if self.label.is_empty() { String::new() } else { format!(" {}", self.label) }
    }

    fn spans(&self, theme: Theme) -> [Span<'static>; 2] {
        [
            Span::styled(self.value.clone(), theme.style(self.role)),
            Span::styled(self.spaced_label(), theme.style(Role::Dim)),
        ]
    }
}

/// Some figures.
pub(in crate::ui) struct Figures {
    figures: Vec<Figure>,
    theme: Theme,
}

impl Figures {
    pub(in crate::ui) fn new(figures: Vec<Figure>, theme: Theme) -> Self {
        Self { figures, theme }
    }

    /// Leaves the zeros out, where each word counts.
    pub(in crate::ui) fn without_zeros(mut self) -> Self {
        self.figures.retain(|figure| !figure.is_zero);
        self
    }

    fn lines_needed(&self, width: usize) -> usize {
        let (mut lines, mut used) = (0, 0);
        for figure in &self.figures {
            if used > 0 && used + GAP + figure.width() <= width {
                used += GAP + figure.width();
            } else {
                lines += 1;
                used = figure.width();
            }
        }
        lines
    }
}

impl Widget for Figures {
    fn render(mut self, area: Rect, buffer: &mut Buffer) {
        let width = usize::from(area.width);
        while self.lines_needed(width) > usize::from(area.height) {
            let zero = self.figures.iter().rposition(|figure| figure.is_zero);
            if self.figures.is_empty() {
                return;
            }
            self.figures.remove(zero.unwrap_or(self.figures.len() - 1));
        }
        let mut rows = area.rows();
        let mut line = Line::default();
        let mut used = 0;
        for figure in self.figures {
            if used > 0 && used + GAP + figure.width() > width {
                if let Some(row) = rows.next() {
                    std::mem::take(&mut line).render(row, buffer);
                }
                used = 0;
            }
            if used > 0 {
                line.push_span(Span::raw(" ".repeat(GAP)));
                used += GAP;
            }
            used += figure.width();
            line.extend(figure.spans(self.theme));
        }
        if let Some(row) = rows.next() {
            line.render(row, buffer);
        }
    }
}
