//! The keys, from the table that they work by, and what the signs mean.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{Scene, panel, wrap};
use crate::{
    app::help::{self, Entry},
    ui::{
        keymap::{Danger, ROWS, Row},
        theme::Role,
    },
};

/// Most columns for the keys.
const KEYS: usize = 14;
/// Widest help: longer lines are hard to read.
const WIDTH: usize = 76;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let all = help::entries(scene.app);
    let keys = all.iter().map(|it| name(scene, it).chars().count()).max().unwrap_or(0).min(KEYS);
    let room = usize::from(area.width).min(WIDTH).saturating_sub(keys + 7);
    let entries: Vec<Vec<Line<'static>>> =
        all.iter().map(|it| entry(scene, it, keys, room)).collect();
    let width = entries.iter().flatten().map(Line::width).max().unwrap_or(0) as u16 + 4;
    panel::draw(buffer, area, ("Keys", width), &entries, scene);
}

/// What stands in the first column.
fn name(scene: &Scene<'_>, entry: &Entry) -> String {
    match entry {
        Entry::Key(name, _) => match row(name).map(|row| scene.app.keymap.names(row, " ")) {
            Some(names) if !names.is_empty() => names,
            // A key that was taken away.
            _ => ":".to_owned(),
        },
        Entry::Sign(sign, _) => (*sign).to_owned(),
        Entry::Title(_) | Entry::Words(_) => String::new(),
    }
}

fn entry(scene: &Scene<'_>, entry: &Entry, keys: usize, room: usize) -> Vec<Line<'static>> {
    let (role, words, means) = match entry {
        Entry::Title(title) => {
            return vec![Line::from(scene.span(Role::Strong, title.clone()))];
        }
        Entry::Words(words) => {
            let lines = wrap(words, room + keys + 1).into_iter();
            return lines.map(|it| Line::from(scene.span(Role::Text, format!(" {it}")))).collect();
        }
        Entry::Key(name, counts) => match row(name) {
            Some(row) => (role(row), row.help, if *counts { Role::Text } else { Role::Dim }),
            None => return Vec::new(),
        },
        Entry::Sign(_, words) => (Role::Accent, *words, Role::Text),
    };
    // What is too wide for the column has a line of its own.
    let name = name(scene, entry);
    let mut lines = Vec::new();
    let mut first = name.clone();
    if name.chars().count() > keys {
        lines.push(Line::from(scene.span(role, format!(" {name}"))));
        first.clear();
    }
    for (nth, words) in wrap(words, room).into_iter().enumerate() {
        let name = if nth == 0 { first.as_str() } else { "" };
        lines.push(Line::from(vec![
            scene.span(role, format!(" {name:>keys$}  ")),
            scene.span(means, words),
        ]));
    }
    lines
}

fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

fn role(row: &Row) -> Role {
    match row.danger {
        Danger::Destroys => Role::Error,
        Danger::Changes | Danger::Harmless => Role::Accent,
    }
}
