//! A line of little bars: the latest values, one a column, the newest at the right.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::ui::theme::{Role, Theme};

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values from zero up, oldest first.
pub(in crate::ui) struct Spark {
    values: Vec<f64>,
    role: Role,
    theme: Theme,
}

impl Spark {
    pub(in crate::ui) fn new(values: Vec<f64>, role: Role, theme: Theme) -> Self {
        Self { values, role, theme }
    }
}

impl Widget for Spark {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let shown = &self.values[self.values.len().saturating_sub(usize::from(area.width))..];
        let top = shown.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let bars: String = shown
            .iter()
            .map(|value| BARS[((value / top * 8.0).ceil() as usize).clamp(1, 8) - 1])
            .collect();
        Line::from(Span::styled(bars, self.theme.style(self.role)))
            .right_aligned()
            .render(area, buffer);
    }
}
