//! The latest notices, the newest first, each with its age.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, wrap};
use crate::{
    controller::snapshot::Level,
    ui::{format, theme::Role, widgets::Pane},
};

/// Columns for the age.
const AGE: usize = 8;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let inner = Pane::new("Notices").render(area, buffer, scene.theme);
    draw_lines(buffer, inner, scene);
}

/// The notices without a border.
pub(super) fn draw_lines(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let mut rows = area.rows();
    let width = usize::from(area.width);
    let newest_first = scene.snapshot().notices.iter().rev();
    let noticed = newest_first.flat_map(|notice| {
        let age = format::span(scene.shown_at().saturating_sub(notice.at));
        let times = if notice.times > 1 { format!(" ×{}", notice.times) } else { String::new() };
        lines(scene, notice.level, &age, &format!("{}{times}", notice.text), width)
    });
    for line in standing(scene, width).into_iter().chain(noticed) {
        let Some(row) = rows.next() else { return };
        line.render(row, buffer);
    }
}

/// What is so for as long as it is so, and has no age.
pub(super) fn standing(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let snapshot = scene.snapshot();
    let run = snapshot.run.as_ref().filter(|_| !scene.is_over());
    let warning = run.and_then(|run| run.warning.as_ref());
    let mut found: Vec<Line<'static>> = warning
        .into_iter()
        .flat_map(|warning| lines(scene, Level::Warning, "", warning, width))
        .collect();
    if let Some(others) = others(scene) {
        found.extend(lines(scene, Level::Info, "", &others, width));
    }
    found
}

/// `2 other runs are on: loadtop status`.
pub(super) fn others(scene: &Scene<'_>) -> Option<String> {
    match scene.snapshot().others.len() as u32 {
        0 => None,
        1 => Some("another run is on: loadtop status".into()),
        n => Some(format!("{} other runs are on: loadtop status", format::count(n.into()))),
    }
}

pub(super) fn lines(
    scene: &Scene<'_>,
    level: Level,
    age: &str,
    text: &str,
    width: usize,
) -> Vec<Line<'static>> {
    let (glyph, role) = match level {
        Level::Info => ("·", Role::Text),
        Level::Warning => ("▲", Role::Warn),
        Level::Error => ("✗", Role::Error),
    };
    let text = wrap(text, width.saturating_sub(AGE + 3));
    let first = |nth: usize| nth == 0;
    text.into_iter()
        .enumerate()
        .map(|(nth, text)| {
            let age = if first(nth) { age } else { "" };
            let glyph = if first(nth) { glyph } else { " " };
            Line::from(vec![
                scene.span(Role::Dim, format!("{age:>AGE$} ")),
                scene.span(role, format!("{glyph} ")),
                scene.span(if level == Level::Info { Role::Text } else { role }, text),
            ])
        })
        .collect()
}
