//! A thin bar: what is, what should be by now, and the rest.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::ui::theme::{Role, Theme};

/// Shares of one; a share below zero or above one is drawn as the nearest.
pub(in crate::ui) struct Gauge {
    actual: f64,
    planned: f64,
    role: Role,
    theme: Theme,
}

impl Gauge {
    pub(in crate::ui) fn new(actual: f64, theme: Theme) -> Self {
        Self { actual, planned: 0.0, role: Role::Accent, theme }
    }

    /// Where it should be by now: what is missing is drawn as missing.
    pub(in crate::ui) fn planned(mut self, planned: f64) -> Self {
        self.planned = planned;
        self
    }

    pub(in crate::ui) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

impl Widget for Gauge {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let width = usize::from(area.width);
        let cells = |share: f64| {
            let cells = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
            // A little is not nothing, and not yet all is not all.
            if share > 0.0 && cells == 0 {
                1.min(width)
            } else if share < 1.0 && cells == width {
                width.saturating_sub(1)
            } else {
                cells
            }
        };
        let actual = cells(self.actual);
        let missing = cells(self.planned).saturating_sub(actual);
        Line::from(vec![
            Span::styled("━".repeat(actual), self.theme.style(self.role)),
            Span::styled("╍".repeat(missing), self.theme.style(Role::Warn)),
            Span::styled("─".repeat(width - actual - missing), self.theme.style(Role::Dim)),
        ])
        .render(area, buffer);
    }
}
