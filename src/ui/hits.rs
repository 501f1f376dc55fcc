//! What of a picture can be pointed at, and what that means.
//!
//! Invariant: made by whoever draws, so that what is clicked is what is seen; what was
//! drawn last is on top.

use ratatui::layout::{Position, Rect};

use crate::{
    app::{action::Action, list::Page},
    model::Millis,
};

/// What can be pointed at in one picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hits {
    areas: Vec<(Rect, Hit)>,
    page: Option<Page>,
}

#[derive(Debug, Clone, PartialEq)]
enum Hit {
    Click(Action),
    Wheel { up: Action, down: Action },
    Chart { from: Millis, span: Millis },
}

impl Hits {
    /// A click within `area` means `action`.
    pub fn click(&mut self, area: Rect, action: Action) {
        self.areas.push((area, Hit::Click(action)));
    }

    /// The wheel within `area` means this.
    pub fn wheel(&mut self, area: Rect, up: Action, down: Action) {
        self.areas.push((area, Hit::Wheel { up, down }));
    }

    /// A chart of the time from `from` on: a click reads the figures of its moment.
    pub fn chart(&mut self, area: Rect, from: Millis, span: Millis) {
        self.areas.push((area, Hit::Chart { from, span }));
    }

    /// Nothing that was drawn so far can be pointed at any more: something covers it.
    pub fn cover(&mut self) {
        self.areas.clear();
    }

    /// The list of this picture has room for so many rows.
    pub fn set_rows(&mut self, rows: usize) {
        self.page.get_or_insert_default().rows = rows;
    }

    /// So many lines of the details are out of sight.
    pub fn set_hidden(&mut self, lines: usize) {
        self.page.get_or_insert_default().hidden = lines;
    }

    /// How much of its list and its details the picture has room for, where it has one.
    #[must_use]
    pub fn page(&self) -> Option<Page> {
        self.page
    }

    /// What a click there means.
    #[must_use]
    pub fn clicked(&self, column: u16, row: u16) -> Option<Action> {
        self.at(column, row).find_map(|(area, hit)| match hit {
            Hit::Click(action) => Some(action.clone()),
            Hit::Chart { from, span } => {
                let share = f64::from(column - area.x) / f64::from(area.width.max(2) - 1);
                Some(Action::ReadAt(from + (share * *span as f64).round() as Millis))
            }
            Hit::Wheel { .. } => None,
        })
    }

    /// What the wheel means there.
    #[must_use]
    pub fn scrolled(&self, column: u16, row: u16, is_down: bool) -> Option<Action> {
        self.at(column, row).find_map(|(_, hit)| match hit {
            Hit::Wheel { up, down } => Some(if is_down { down } else { up }.clone()),
            _ => None,
        })
    }

    /// What is there, the topmost first.
    fn at(&self, column: u16, row: u16) -> impl Iterator<Item = &(Rect, Hit)> {
        let position = Position::new(column, row);
        self.areas.iter().rev().filter(move |(area, _)| area.contains(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_top_is_meant() {
        let mut hits = Hits::default();
        hits.click(Rect::new(0, 0, 10, 10), Action::Quit);
        hits.click(Rect::new(2, 2, 3, 3), Action::AddBatch);
        hits.wheel(Rect::new(0, 0, 10, 10), Action::Scroll(-1), Action::Scroll(1));
        assert_eq!(hits.clicked(0, 0), Some(Action::Quit));
        assert_eq!(hits.clicked(4, 4), Some(Action::AddBatch));
        assert_eq!(hits.clicked(10, 0), None);
        assert_eq!(hits.scrolled(4, 4, true), Some(Action::Scroll(1)));
        hits.chart(Rect::new(5, 0, 5, 1), 1_000, 4_000);
        assert_eq!(hits.clicked(5, 0), Some(Action::ReadAt(1_000)));
        assert_eq!(hits.clicked(9, 0), Some(Action::ReadAt(5_000)));
        hits.cover();
        assert_eq!(hits.clicked(4, 4), None);
    }
}
