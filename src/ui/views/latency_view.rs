//! Response and service times: the table, the heatmap, the curve.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Scene;
use crate::ui::widgets::Pane;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    Pane::new("Latency").render(area, buffer, scene.theme);
}
