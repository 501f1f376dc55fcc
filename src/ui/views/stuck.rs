//! What is left of a run whose end does not come, and how to end it by hand.
//!
//! Invariant: nothing of it is cut off: what is too wide goes on in the next line, what
//! is too high can be scrolled to.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Scene, panel, wrap};
use crate::{controller::snapshot::Stuck, ui::theme::Role};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, stuck: &Stuck, scene: &Scene<'_>) {
    let width = usize::from(area.width).saturating_sub(4);
    let mut entries: Vec<Vec<Line<'static>>> = Vec::new();
    let parts = [
        ("The end does not come for:", &stuck.what, Role::Warn),
        ("These commands end it:", &stuck.commands, Role::Text),
    ];
    for (heading, texts, role) in parts {
        for (nth, text) in texts.iter().enumerate() {
            let mut lines = Vec::new();
            if nth == 0 {
                if !entries.is_empty() {
                    lines.push(Line::default());
                }
                lines.push(scene.span(Role::Strong, heading).into());
            }
            let wrapped = wrap(text, width.saturating_sub(2)).into_iter();
            lines.extend(wrapped.map(|line| scene.span(role, format!("  {line}")).into()));
            entries.push(lines);
        }
    }
    let widest = entries.iter().flatten().map(Line::width).max().unwrap_or(0) as u16;
    let width = (widest + 4).max(area.width.min(64));
    panel::draw(buffer, area, ("What is left", width), &entries, scene);
}
