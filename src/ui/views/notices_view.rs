//! All that was said, the newest first.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Scene;
use crate::ui::widgets::Pane;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    Pane::new("Notices").render(area, buffer, scene.theme);
}
