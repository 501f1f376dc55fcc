//! The line above the body: the views by their keys, and at its right what must be known
//! whichever of them is shown.
//!
//! Invariant: what is loud takes the room of the views' names, never the other way round.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    Scene,
    badges::{self, Badge},
};
use crate::{
    app::{action::Action, view::View},
    ui::{layout::Size, theme::Role},
};

/// Between two badges.
const GAP: &str = "  ";

/// How much of the views' names is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// All.
    Full,
    /// Their beginnings.
    Short,
    /// That of the view that is shown.
    Current,
}

pub(super) fn draw(buffer: &mut Buffer, row: Rect, size: Size, scene: &Scene<'_>) {
    if row.is_empty() {
        return;
    }
    let row = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
    let width = usize::from(row.width);
    let loud = badges::loud(scene, size >= Size::Medium);
    let least: usize = loud.iter().map(|badge| spaced(badge.words(true))).sum();
    let all = [Names::Full, Names::Short, Names::Current];
    let fits = |names: &Names| tabs_width(scene, *names) + least <= width;
    let names = all.into_iter().find(fits).unwrap_or(Names::Current);
    draw_tabs(buffer, row, names, scene);
    let room = width.saturating_sub(tabs_width(scene, names));
    draw_badges(buffer, row, &shown(scene, &loud, room, size), scene);
}

/// Whether there is something that must be known.
pub(super) fn has_news(scene: &Scene<'_>) -> bool {
    !badges::loud(scene, true).is_empty()
}

fn name(view: View, names: Names, is_current: bool) -> &'static str {
    match (names, view) {
        (Names::Current, _) if !is_current => "",
        (Names::Short, View::Overview) => "Over",
        (Names::Short, View::Instances) => "Inst",
        (Names::Short, View::Latency) => "Lat",
        (Names::Short, View::Notices) => "Notes",
        _ => view.name(),
    }
}

/// The views, each with its key: ` 1 Overview `.
fn tabs(scene: &Scene<'_>, names: Names) -> impl Iterator<Item = (View, Vec<Span<'static>>)> {
    (1..).zip(View::ALL).map(move |(key, view)| {
        let is_current = scene.app.view == view;
        let name = name(view, names, is_current);
        let gap = if name.is_empty() { "" } else { " " };
        let spans = if is_current {
            vec![scene.span(Role::Focus, format!(" {key}{gap}{name} "))]
        } else {
            vec![
                scene.span(Role::Accent, format!(" {key}")),
                scene.span(Role::Dim, format!("{gap}{name} ")),
            ]
        };
        (view, spans)
    })
}

fn tabs_width(scene: &Scene<'_>, names: Names) -> usize {
    tabs(scene, names).flat_map(|(_, spans)| spans).map(|span| span.width()).sum()
}

fn draw_tabs(buffer: &mut Buffer, row: Rect, names: Names, scene: &Scene<'_>) {
    let mut x = row.x;
    for (view, spans) in tabs(scene, names) {
        let line = Line::from(spans);
        let at = Rect { x, width: line.width() as u16, ..row }.intersection(row);
        x = at.right();
        line.render(at, buffer);
        scene.click(at, Action::Show(view));
    }
}

/// How many columns a badge takes with the gap before it.
fn spaced(words: &str) -> usize {
    GAP.len() + columns(words)
}

/// The loud ones, as many as fit, the gravest in all their words; and as many of the
/// quiet ones as fit beside them.
fn shown(scene: &Scene<'_>, loud: &[Badge], mut room: usize, size: Size) -> Vec<(Role, String)> {
    let mut found: Vec<(Role, String)> = Vec::new();
    for (nth, badge) in loud.iter().enumerate() {
        let others: usize = loud[nth + 1..].iter().map(|badge| spaced(badge.words(true))).sum();
        let least = others.min(spaced("+9"));
        let words = badge.words(spaced(&badge.long) + others > room);
        if spaced(words) + least > room {
            found.push((Role::Warn, format!("+{}", loud.len() - nth)));
            return found;
        }
        room -= spaced(words);
        found.push((badge.role, words.to_owned()));
    }
    for badge in badges::quiet(scene, size >= Size::Medium) {
        let fitting = [false, true].map(|is_short| badge.words(is_short));
        if let Some(words) = fitting.into_iter().find(|words| spaced(words) <= room) {
            room -= spaced(words);
            found.push((badge.role, words.to_owned()));
        }
    }
    found
}

fn draw_badges(buffer: &mut Buffer, row: Rect, badges: &[(Role, String)], scene: &Scene<'_>) {
    let mut line = Line::default();
    for (nth, (role, words)) in badges.iter().enumerate() {
        line.push_span(Span::raw(if nth > 0 { GAP } else { "" }));
        line.push_span(scene.span(*role, words.clone()));
    }
    let width = (line.width() as u16).min(row.width);
    line.render(Rect { x: row.right() - width, width, ..row }, buffer);
}

/// How many columns a text takes on the screen.
pub(super) fn columns(text: &str) -> usize {
    Span::raw(text).width()
}
