//! The last line: a prompt, a word about the last key, or the keys.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Scene, draw_ends, draw_headline};
use crate::{
    app::{
        action::Action,
        preview,
        state::{Mode, Prompt, Setting},
    },
    ui::{
        format,
        keymap::{self, Danger, Row},
        theme::Role,
    },
};

pub(super) fn draw(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>) {
    let row = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
    if let Mode::Prompt(prompt) = &scene.app.mode {
        // Why it was refused matters more than which keys there are.
        let left = asked(scene, prompt, row.width, false);
        let right = match prompt.refusal {
            Some(_) => Line::default(),
            None => keys(scene, usize::from(row.width)),
        };
        let Some(preview) = preview::typed(scene.app, prompt) else {
            return draw_ends(buffer, row, left, right);
        };
        let preview = scene.span(Role::Dim, format!("  {preview}"));
        let fits = left.width() + preview.width() <= usize::from(row.width);
        let mut left = if fits { left } else { asked(scene, prompt, row.width, true) };
        left.push_span(preview);
        return draw_headline(buffer, row, left, right);
    }
    if let Some(hint) = scene.app.fresh_hint(scene.now) {
        let hint = fitted(hint, usize::from(row.width));
        return Line::from(scene.span(Role::Warn, hint)).render(row, buffer);
    }
    let rows = offered(scene, usize::from(row.width));
    line(scene, &rows).render(row, buffer);
    let mut x = row.x;
    for entry_of in rows {
        let width = Line::from_iter(entry(scene, entry_of)).width() as u16;
        let at = Rect { x, width: width.saturating_sub(2), ..row }.intersection(row);
        scene.click(at, entry_of.action.clone());
        x = x.saturating_add(width);
    }
}

/// As much of it as fits: of a file at its end the name matters more than the folders.
fn fitted(hint: &str, width: usize) -> String {
    match hint.rsplit_once(' ') {
        Some((words, file)) if file.contains('/') => {
            let room = width.saturating_sub(format::width(words) + 1);
            format!("{words} {}", format::cut_start(file, room))
        }
        _ => format::cut(hint, width),
    }
}

/// `batch size (now 100): 25▏`, or in the fewest words.
fn asked(scene: &Scene<'_>, prompt: &Prompt, width: u16, is_short: bool) -> Line<'static> {
    let instances = &scene.snapshot().instances.value;
    let what = match prompt.setting {
        Setting::Batch if is_short => "batch".to_owned(),
        Setting::Batch => {
            format!("devices of a batch (now {})", format::count(scene.app.batch.into()))
        }
        Setting::Window => format!("ramp window (now {})", format::over(scene.app.window)),
        Setting::Instances => format!("instances (now {})", instances.desired),
        Setting::Rate if is_short => "rate".to_owned(),
        Setting::Rate => {
            let now = scene.snapshot().run.as_ref().and_then(|run| run.rate);
            let now = now.map_or_else(|| "off".to_owned(), format::rate);
            format!("requests per second, or off (now {now})")
        }
        Setting::Target => "open target".to_owned(),
        Setting::Filter => "filter".to_owned(),
    };
    let mut line = Line::from(vec![scene.span(Role::Accent, what), Span::raw(": ")]);
    let room = usize::from(width).saturating_sub(line.width());
    line.extend(typed(scene, prompt, room));
    if let Some(refusal) = &prompt.refusal {
        line.push_span(scene.span(Role::Error, format!("  {refusal}")));
    }
    line
}

/// What was typed, with the cursor in it, and from the left no more than `room` allows
/// the cursor to be seen.
fn typed(scene: &Scene<'_>, prompt: &Prompt, room: usize) -> [Span<'static>; 3] {
    let mut chars = prompt.text.chars();
    let mut before: String = chars.by_ref().take(prompt.cursor).collect();
    let under = chars.next().map_or_else(|| " ".to_owned(), String::from);
    let needed = Span::raw(under.as_str()).width();
    while Span::raw(before.as_str()).width() + needed > room && !before.is_empty() {
        before.remove(0);
    }
    [
        scene.span(Role::Strong, before),
        scene.span(Role::Focus, under),
        scene.span(Role::Strong, chars.collect::<String>()),
    ]
}

/// The keys of what is open, as many as fit.
fn keys(scene: &Scene<'_>, width: usize) -> Line<'static> {
    line(scene, &offered(scene, width))
}

fn line(scene: &Scene<'_>, rows: &[&Row]) -> Line<'static> {
    rows.iter().flat_map(|row| entry(scene, row)).collect()
}

/// The rows of what is open, as many as fit: the row with the highest rank goes first,
/// the table's order stays.
fn offered(scene: &Scene<'_>, width: usize) -> Vec<&'static Row> {
    let is_offered =
        |row: &&Row| !row.label.is_empty() && keymap::is_offered(row, scene.app, scene.now);
    let mut rows: Vec<&Row> = keymap::rows(scene.app).filter(is_offered).collect();
    // Nothing follows the last one, so its gap needs no room.
    while line(scene, &rows).width() > width + 2 {
        let Some(last) = (0..rows.len()).max_by_key(|nth| (rows[*nth].rank, *nth)) else { break };
        rows.remove(last);
    }
    rows
}

fn entry(scene: &Scene<'_>, row: &Row) -> [Span<'static>; 3] {
    let role = if row.danger == Danger::Destroys { Role::Error } else { Role::Accent };
    let key = scene.app.keymap.first(row);
    [
        scene.span(role, key),
        scene.span(Role::Dim, format!(" {}", label(scene, row))),
        Span::raw("  "),
    ]
}

/// The label; with the batch's size where that is what the key is about.
fn label(scene: &Scene<'_>, row: &Row) -> String {
    match row.action {
        Action::AddBatch | Action::RemoveBatch => {
            format!("{} {}", row.label, format::count(scene.app.batch.into()))
        }
        _ => row.label.to_owned(),
    }
}
