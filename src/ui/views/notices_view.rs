//! All that was said, the newest first, and above it what stays true.
//!
//! Invariant: no text is cut silently: each has as many lines as it needs, and the details
//! of one have all the room there is.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{
    Scene,
    details::{Details, Field},
    listing::{self, Listing},
    notices,
};
use crate::{
    app::{
        action::{Action, Sorting},
        list::NoticeColumn,
    },
    controller::snapshot::{Level, Notice},
    ui::{format, theme::Role},
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (rows, list) = (&scene.snapshot().notices, &scene.app.lists.notices);
    let standing = notices::standing(scene, usize::from(area.width.saturating_sub(4)));
    if list.order.is_empty() && (standing.is_empty() || !rows.is_empty()) {
        let words = if rows.is_empty() {
            vec![(Role::Dim, "nothing was said yet".to_owned())]
        } else {
            listing::nothing_matches(list, rows.len(), "notices", scene)
        };
        return listing::say(buffer, area, "Notices", &words, scene);
    }
    let details = list.opened(rows).map(|notice| details(notice, scene));
    let Some(area) = Details::beside(details.as_ref(), buffer, area, scene) else { return };
    let listing = Listing {
        title: "Notices".into(),
        list,
        total: rows.len(),
        headings: &NoticeColumn::ALL.map(NoticeColumn::name),
        note: grave(rows).map(|words| (Role::Warn, words)),
    };
    let inner = listing.frame(buffer, area, scene);
    let mut room = inner;
    for line in standing.into_iter().take(usize::from(inner.height / 2)) {
        line.render(Rect { height: 1, ..room }, buffer);
        room = Rect { y: room.y + 1, height: room.height - 1, ..room };
    }
    let seen = draw_rows(buffer, room, rows, scene);
    listing.close(buffer, area, seen, scene);
}

/// Draws as many notices as there is room for, the selected one among them; the answer is
/// the first and how many.
fn draw_rows(
    buffer: &mut Buffer,
    area: Rect,
    rows: &[Notice],
    scene: &Scene<'_>,
) -> (usize, usize) {
    headings(buffer, Rect { height: area.height.min(1), ..area }, scene);
    let list = &scene.app.lists.notices;
    let height = usize::from(area.height.saturating_sub(1));
    let notice = |nth: usize| list.order.get(nth).and_then(|row| rows.get(*row as usize));
    let lines = |nth| notice(nth).map_or_else(Vec::new, |it| text(it, area.width, scene));
    // Each has a line at least, so the first is no further back than that.
    let mut first = list.first(height);
    let mut used: usize = (first..=list.selected).map(|nth| lines(nth).len()).sum();
    while used > height && first < list.selected {
        used -= lines(first).len();
        first += 1;
    }
    let (mut y, mut nth) = (area.y + 1, first);
    while y < area.bottom() && nth < list.order.len() {
        let all = lines(nth);
        let place = Rect { y, height: (all.len() as u16).min(area.bottom() - y), ..area };
        for (line, row) in all.into_iter().zip(place.rows()) {
            line.render(row, buffer);
        }
        if nth == list.selected {
            buffer.set_style(place, scene.theme.style(Role::Focus));
        }
        scene.click(place, Action::SelectRow(nth));
        y = place.bottom();
        nth += 1;
    }
    (first, (nth - first).max(1))
}

fn headings(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>) {
    let list = &scene.app.lists.notices;
    let mut x = row.x;
    for (nth, column) in (1..).zip(NoticeColumn::ALL) {
        let arrow = match (list.sort == nth, list.descending) {
            (false, _) => "",
            (true, false) => "↑",
            (true, true) => "↓",
        };
        let name = format!("{}{arrow}", column.name());
        // The ages are at the right of theirs.
        let name = if column == NoticeColumn::Age { format!("{name:>8}") } else { name };
        let width = format::width(&name) as u16;
        let place = Rect { x, width, ..row }.intersection(row);
        Line::from(scene.span(Role::Dim, name)).render(place, buffer);
        scene.click(place, Action::Sort(Sorting::Column(nth)));
        x += width + 1;
    }
}

/// A notice with its age, on as many lines as it needs.
fn text(notice: &Notice, width: u16, scene: &Scene<'_>) -> Vec<Line<'static>> {
    let age = format::span(scene.shown_at().saturating_sub(notice.at));
    let text = format!("{}{}", notice.text, times(notice));
    notices::lines(scene, notice.level, &age, &text, usize::from(width))
}

/// ` ×7`, where it came more than once.
fn times(notice: &Notice) -> String {
    if notice.times > 1 { format!(" ×{}", notice.times) } else { String::new() }
}

/// `2 errors, 1 warning`.
fn grave(rows: &[Notice]) -> Option<String> {
    let count = |level| rows.iter().filter(|notice| notice.level == level).count() as u32;
    let words: Vec<String> = [(Level::Error, "error"), (Level::Warning, "warning")]
        .into_iter()
        .filter(|(level, _)| count(*level) > 0)
        .map(|(level, word)| format::counted(count(level), word))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn details(notice: &Notice, scene: &Scene<'_>) -> Details {
    let role = match notice.level {
        Level::Info => Role::Text,
        Level::Warning => Role::Warn,
        Level::Error => Role::Error,
    };
    let age = format::span(scene.shown_at().saturating_sub(notice.at));
    let times =
        if notice.times > 1 { format!(", {} times in a row", notice.times) } else { String::new() };
    Details {
        title: format!("Notice {}", notice.number),
        scroll: scene.app.lists.notices.scroll,
        fields: vec![
            Field::new("", format!("{}, {age} ago{times}", notice.level.as_str())).role(role),
            Field::new("", notice.text.clone()),
        ],
    }
}
