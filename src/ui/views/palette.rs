//! The palette: what was typed, and the keys that may be meant.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Scene;
use crate::{app::palette::Palette, ui::widgets::Pane};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, _palette: &Palette, scene: &Scene<'_>) {
    Pane::new("Palette").render(area, buffer, scene.theme);
}
