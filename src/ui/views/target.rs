//! What the devices talk to, and how that answers.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Scene;
use crate::ui::widgets::Pane;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    Pane::new("Target").render(area, buffer, scene.theme);
}
