//! What all lists have alike: a frame that says what is shown, how it is sorted and which
//! part of it is seen; clicks on rows and headings; and words where there is no row.
//!
//! Invariant: what is hidden by a filter, or does not fit, is counted.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, draw_ends, wrap};
use crate::{
    app::{
        action::{Action, Sorting, Step},
        list::List,
        view::View,
    },
    ui::{
        format, keymap, layout,
        theme::Role,
        widgets::{Column, Pane, Row, Table},
    },
};

/// Rows that the wheel moves by.
const WHEEL: isize = 3;

/// Widest line of words.
const WIDEST: usize = 64;

/// A list and its frame.
pub(super) struct Listing<'a> {
    /// What is listed.
    pub(super) title: String,
    /// How it is looked at.
    pub(super) list: &'a List,
    /// How many there are, those that the filter hides included.
    pub(super) total: usize,
    /// The headings, by the numbers of their columns.
    pub(super) headings: &'a [&'static str],
    /// Something short, such as an age.
    pub(super) note: Option<(Role, String)>,
}

impl Listing<'_> {
    /// Draws the frame and returns what is inside: on a small screen there is only a line.
    pub(super) fn frame(&self, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) -> Rect {
        if is_framed(area, scene) {
            let title = self.titled(usize::from(area.width / 2));
            return Pane::new(&title).note(self.note.clone()).render(area, buffer, scene.theme);
        }
        Rect {
            x: area.x + 1,
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height.saturating_sub(1),
        }
        .intersection(area)
    }

    /// Says which rows are seen, and takes the wheel.
    pub(super) fn close(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        (first, rows): (usize, usize),
        scene: &Scene<'_>,
    ) {
        scene.has_rows(rows);
        let by = |by| Action::Select(Step::By(by));
        scene.wheel(area, by(-WHEEL), by(WHEEL));
        let position = self.position(first, rows);
        if is_framed(area, scene) {
            let row =
                Rect { y: area.bottom() - 1, height: 1, x: area.x + 2, width: area.width - 4 };
            let sorted = self.sorted().map_or_else(String::new, |sorted| format!(" {sorted} "));
            let left = scene.span(Role::Dim, sorted);
            let right = scene.span(Role::Dim, format!(" {position} "));
            // The border between them stays.
            let at = |width: usize| Rect { width: (width as u16).min(row.width), ..row };
            Line::from(left.clone()).render(at(left.width()), buffer);
            let width = at(right.width()).width;
            Line::from(right).render(Rect { x: row.right() - width, width, ..row }, buffer);
            return self.scrollbar(buffer, area, first, rows, scene);
        }
        let row = Rect { x: area.x + 1, height: 1, width: area.width.saturating_sub(2), ..area };
        let sorted = self.sorted().map_or_else(String::new, |sorted| format!("  {sorted}"));
        let mut left =
            Line::from(scene.span(Role::Strong, self.titled(usize::from(row.width / 2))));
        left.push_span(scene.span(Role::Dim, sorted));
        let mut right = Line::default();
        if let Some((role, note)) = &self.note {
            right.push_span(scene.span(*role, format!("{note}  ")));
        }
        right.push_span(scene.span(Role::Dim, position));
        draw_ends(buffer, row.intersection(area), left, right);
    }

    /// Draws the rows of a table, which `row` makes; the answer is what was seen.
    pub(super) fn table(
        &self,
        buffer: &mut Buffer,
        inner: Rect,
        columns: &[Column],
        row: impl Fn(usize) -> Option<Row>,
        scene: &Scene<'_>,
    ) -> (usize, usize) {
        let rows = usize::from(inner.height.saturating_sub(1));
        let first = self.list.first(rows);
        let places = self.list.order.iter().skip(first).take(rows);
        let cells: Vec<Row> =
            places.map(|place| row(*place as usize).unwrap_or_default()).collect();
        let sorted = self.list.sort.checked_sub(1).map(|column| (column, self.list.descending));
        let headings = Table::new(columns, &cells, scene.theme)
            .selected(self.list.selected.checked_sub(first))
            .sorted(sorted)
            .render(inner, buffer);
        for (column, place) in headings {
            let heading = Rect { height: place.height.min(1), ..place };
            scene.click(heading, Action::Sort(Sorting::Column(column + 1)));
        }
        for (nth, row) in inner.rows().skip(1).take(cells.len()).enumerate() {
            scene.click(row, Action::SelectRow(first + nth));
        }
        (first, rows)
    }

    /// `Tasks with "state:failed"`.
    fn titled(&self, width: usize) -> String {
        if self.list.filter.is_empty() {
            return self.title.clone();
        }
        format::cut(&format!("{} with \"{}\"", self.title, self.list.filter), width)
    }

    /// `by cpu ↓`.
    fn sorted(&self) -> Option<String> {
        let arrow = if self.list.descending { "↓" } else { "↑" };
        match self.list.sort.checked_sub(1) {
            Some(column) => Some(format!("by {} {arrow}", self.headings.get(column)?)),
            None if self.list.descending => Some("the other way round".to_owned()),
            None => None,
        }
    }

    /// `12–40 of 10,000`, and how many there are without the filter.
    fn position(&self, first: usize, rows: usize) -> String {
        let count = |n: usize| format::count(n as u64);
        let shown = self.list.order.len();
        let all = match self.total {
            total if total > shown => format!(", {} in all", count(total)),
            _ => String::new(),
        };
        if shown <= rows {
            return format!("{} shown{all}", count(shown));
        }
        let last = (first + rows).min(shown);
        format!("{}–{} of {}{all}", count(first + 1), count(last), count(shown))
    }

    /// A thumb on the right border, where not all is seen.
    fn scrollbar(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        first: usize,
        rows: usize,
        scene: &Scene<'_>,
    ) {
        let (shown, track) = (self.list.order.len(), usize::from(area.height.saturating_sub(2)));
        if shown <= rows || track == 0 {
            return;
        }
        let thumb = (track * rows / shown).clamp(1, track);
        let from = (track - thumb) * first / (shown - rows).max(1);
        for nth in from..(from + thumb).min(track) {
            let at = (area.right() - 1, area.y + 1 + nth as u16);
            if let Some(cell) = buffer.cell_mut(at) {
                cell.set_symbol("┃").set_style(scene.theme.style(Role::Accent));
            }
        }
    }
}

/// Whether there is room for a border around a list.
pub(super) fn is_framed(area: Rect, scene: &Scene<'_>) -> bool {
    // A small screen has none around the whole of it; a pane beside others has, as those.
    let is_pane = scene.app.view == View::Overview;
    (area.width >= 76 || is_pane) && area.height >= 9
}

/// Words in the place of a list: why there is none, and what to do.
pub(super) fn say(
    buffer: &mut Buffer,
    area: Rect,
    title: &str,
    words: &[(Role, String)],
    scene: &Scene<'_>,
) {
    let inner = if is_framed(area, scene) {
        Pane::new(title).render(area, buffer, scene.theme)
    } else {
        let row = Rect { x: area.x + 1, height: area.height.min(1), ..area }.intersection(area);
        Line::from(scene.span(Role::Strong, title.to_owned())).render(row, buffer);
        let width = area.width.saturating_sub(2);
        let height = area.height.saturating_sub(1);
        Rect { x: area.x + 1, y: area.y + 1, width, height }.intersection(area)
    };
    let width = usize::from(inner.width).min(WIDEST);
    let lines: Vec<Line<'static>> = words
        .iter()
        .flat_map(|(role, words)| wrap(words, width).into_iter().map(|line| (*role, line)))
        .map(|(role, line)| Line::from(scene.span(role, line)))
        .collect();
    let place = layout::centred(inner, inner.width, lines.len() as u16);
    for (line, row) in lines.into_iter().zip(place.rows()) {
        line.centered().render(row, buffer);
    }
}

/// That the filter matches nothing, and how to take it back.
pub(super) fn nothing_matches(
    list: &List,
    total: usize,
    things: &str,
    scene: &Scene<'_>,
) -> Vec<(Role, String)> {
    let filter = format::cut(&list.filter, 40);
    vec![
        (
            Role::Strong,
            format!("none of {} {things} has \"{filter}\" in it", format::count(total as u64)),
        ),
        (Role::Dim, format!("{} takes the filter back", key(&Action::Back, scene))),
    ]
}

/// The key that does this here, as it is written.
pub(super) fn key(action: &Action, scene: &Scene<'_>) -> String {
    let row = keymap::ROWS.iter().find(|row| row.action == *action);
    row.map(|row| scene.app.keymap.first(row)).unwrap_or_default()
}
