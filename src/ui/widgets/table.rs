//! Rows under headings: columns get the room that they need, and go whole where there is
//! none for them.
//!
//! Invariant: nothing is drawn beside the columns' places, however wide the texts are, and
//! the columns that matter most are the last to go.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use crate::ui::{
    format,
    theme::{Role, Theme},
};

/// A column.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Column {
    /// Its heading.
    pub(in crate::ui) name: &'static str,
    /// The least and the most room that it takes.
    pub(in crate::ui) widths: (u16, u16),
    /// Where there is little room the highest goes first, and 0 never.
    pub(in crate::ui) rank: u8,
    /// How texts lie in it.
    pub(in crate::ui) fit: Fit,
}

/// How texts lie in their column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) enum Fit {
    /// At the left; the end is cut.
    Left,
    /// At the right: numbers.
    Right,
    /// At the left; the beginning is cut: ids.
    Tail,
}

/// A text and what it is.
pub(in crate::ui) type Cell = (Role, String);

/// A row.
#[derive(Debug, Clone, Default)]
pub(in crate::ui) struct Row {
    /// A cell for each column.
    pub(in crate::ui) cells: Vec<Cell>,
    /// Words over this column and all after it, where there are no figures.
    pub(in crate::ui) over: Option<(usize, Cell)>,
}

/// Rows under headings.
pub(in crate::ui) struct Table<'a> {
    columns: &'a [Column],
    rows: &'a [Row],
    selected: Option<usize>,
    sorted: Option<(usize, bool)>,
    theme: Theme,
}

impl<'a> Table<'a> {
    pub(in crate::ui) fn new(columns: &'a [Column], rows: &'a [Row], theme: Theme) -> Self {
        Self { columns, rows, selected: None, sorted: None, theme }
    }

    /// This row is selected.
    pub(in crate::ui) fn selected(mut self, row: Option<usize>) -> Self {
        self.selected = row;
        self
    }

    /// It is sorted by this column, and whether the largest comes first.
    pub(in crate::ui) fn sorted(mut self, by: Option<(usize, bool)>) -> Self {
        self.sorted = by;
        self
    }

    /// Draws the headings and as many rows as there is room for; the answer is where the
    /// headings are, each with its column.
    pub(in crate::ui) fn render(self, area: Rect, buffer: &mut Buffer) -> Vec<(usize, Rect)> {
        let places = self.places(area);
        for (column, place) in &places {
            let heading = Rect { height: place.height.min(1), ..*place };
            self.draw_cell(*column, &(Role::Dim, self.heading(*column)), heading, buffer);
        }
        for (nth, place) in area.rows().skip(1).enumerate().take(self.rows.len()) {
            self.draw_row(nth, place, &places, buffer);
        }
        places
    }

    fn draw_row(&self, nth: usize, area: Rect, places: &[(usize, Rect)], buffer: &mut Buffer) {
        let is_selected = self.selected == Some(nth);
        let seen = |role: Role| if is_selected { Role::Text } else { role };
        let row = &self.rows[nth];
        for (column, place) in places {
            let place = Rect { y: area.y, height: 1, ..*place };
            if let Some((_, (role, text))) = row.over.as_ref().filter(|(from, _)| from == column) {
                let place = Rect { width: area.right() - place.x, ..place };
                let text = format::cut(text, usize::from(place.width));
                Line::styled(text, self.theme.style(seen(*role))).render(place, buffer);
                break;
            }
            if let Some((role, text)) = row.cells.get(*column) {
                self.draw_cell(*column, &(seen(*role), text.clone()), place, buffer);
            }
        }
        if is_selected {
            buffer.set_style(area, self.theme.style(Role::Focus));
        }
    }

    /// The heading, with an arrow where the table is sorted by it.
    fn heading(&self, column: usize) -> String {
        let name = self.columns[column].name;
        match self.sorted {
            Some((sorted, true)) if sorted == column => format!("{name}↓"),
            Some((sorted, false)) if sorted == column => format!("{name}↑"),
            _ => name.to_owned(),
        }
    }

    fn draw_cell(&self, column: usize, (role, text): &Cell, place: Rect, buffer: &mut Buffer) {
        let width = usize::from(place.width);
        let fit = self.columns[column].fit;
        let text = if fit == Fit::Tail {
            format::cut_start(text, width)
        } else {
            format::cut(text, width)
        };
        let line = Line::from(Span::styled(text, self.theme.style(*role)));
        let line = if fit == Fit::Right { line.right_aligned() } else { line };
        line.render(place, buffer);
    }

    /// Which columns there is room for, and where they are.
    fn places(&self, area: Rect) -> Vec<(usize, Rect)> {
        let gap = if area.width >= 100 { 2 } else { 1 };
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let least = |column: &usize| self.columns[*column].widths.0;
        let needed = |shown: &[usize]| {
            shown.iter().map(least).sum::<u16>() + gap * (shown.len().max(1) as u16 - 1)
        };
        while needed(&shown) > area.width {
            let rank = |nth: &usize| (self.columns[shown[*nth]].rank, *nth);
            let Some(goes) = (0..shown.len()).max_by_key(rank) else { break };
            if self.columns[shown[goes]].rank == 0 {
                break;
            }
            shown.remove(goes);
        }
        let mut spare = area.width.saturating_sub(needed(&shown));
        let mut widths: Vec<u16> = shown.iter().map(least).collect();
        let mut by_rank: Vec<usize> = (0..shown.len()).collect();
        by_rank.sort_by_key(|nth| self.columns[shown[*nth]].rank);
        for nth in by_rank {
            let more = self.natural(shown[nth]).saturating_sub(widths[nth]).min(spare);
            widths[nth] += more;
            spare -= more;
        }
        let mut x = area.x;
        let places = shown.into_iter().zip(widths).map(|(column, width)| {
            let place = Rect { x, width, ..area }.intersection(area);
            x = x.saturating_add(width + gap);
            (column, place)
        });
        places.filter(|(_, place)| !place.is_empty()).collect()
    }

    /// The room that a column would like for what is seen of it.
    fn natural(&self, column: usize) -> u16 {
        let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
        let texts = cells.map(|(_, text)| text);
        let widest = texts.map(|text| format::width(text)).max().unwrap_or(0);
        let widest = widest.max(format::width(&self.heading(column)));
        let (least, most) = self.columns[column].widths;
        u16::try_from(widest).unwrap_or(u16::MAX).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column { name: "name", widths: (4, 8), rank: 0, fit: Fit::Left },
        Column { name: "n", widths: (3, 5), rank: 2, fit: Fit::Right },
        Column { name: "id", widths: (4, 9), rank: 1, fit: Fit::Tail },
        Column { name: "why", widths: (3, 20), rank: 3, fit: Fit::Left },
    ];

    fn drawn(width: u16, sorted: Option<(usize, bool)>) -> Vec<String> {
        let cell = |text: &str| (Role::Text, text.to_owned());
        let row = |texts: [&str; 4]| Row { cells: texts.map(cell).to_vec(), over: None };
        let over = Row { over: Some((1, cell("nothing to count"))), ..row(["x", "", "", ""]) };
        let rows = [
            row(["one", "1", "i-0123456789", "名前の"]),
            row(["a long one", "12", "i-1", ""]),
            over,
        ];
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 4));
        let table = Table::new(&COLUMNS, &rows, Theme::default()).sorted(sorted).selected(Some(1));
        table.render(buffer.area, &mut buffer);
        let rows = buffer.content.chunks(usize::from(width));
        rows.map(|row| {
            let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        })
        .collect()
    }

    #[test]
    fn columns_go_whole_and_texts_are_cut() {
        assert_eq!(drawn(40, None)[0], "name       n id        why");
        assert_eq!(drawn(40, None)[2], "a long …  12 i-1");
        assert_eq!(drawn(40, None)[3], "x        nothing to count");
        assert_eq!(
            drawn(13, None),
            ["name   n id", "one    1 …789", "a l…  12 i-1", "x    nothing…"]
        );
        assert_eq!(drawn(9, None), ["name id", "one  …789", "a l… i-1", "x"]);
        assert_eq!(drawn(3, None), ["na…", "one", "a …", "x"]);
    }

    #[test]
    fn the_arrow_says_which_way_it_is_sorted() {
        assert_eq!(drawn(40, Some((1, true)))[0], "name      n↓ id        why");
        assert_eq!(drawn(40, Some((0, false)))[0], "name↑      n id        why");
    }
}
