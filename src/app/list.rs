//! The lists of a snapshot as a person looks at them: filtered, sorted, one row selected.
//!
//! Invariant: what is drawn is `order`, made anew when a snapshot, the filter or the sort
//! changes and at no other time; the selected row stays the same thing while it is there.

use super::{action::Step, state::App, view::View};
use crate::model::Millis;

/// One list as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The rows to show, by their places in the snapshot.
    pub order: Vec<u32>,
    /// Which of them is selected, by its place in `order`.
    pub selected: usize,
    /// What a row must have in it to be shown.
    pub filter: String,
    /// The column that it is sorted by; 0 is the snapshot's own order.
    pub sort: usize,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether the details of the selected row are open.
    pub details: bool,
}

/// The lists of all views.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lists {
    /// Of [`View::Instances`](super::view::View::Instances).
    pub instances: List,
    /// Of [`View::Tasks`](super::view::View::Tasks).
    pub tasks: List,
    /// Of [`View::Notices`](super::view::View::Notices).
    pub notices: List,
}

impl Lists {
    /// The list of a view, if it is one.
    pub(super) fn of(&mut self, view: View) -> Option<&mut List> {
        match view {
            View::Instances => Some(&mut self.instances),
            View::Tasks => Some(&mut self.tasks),
            View::Notices => Some(&mut self.notices),
            View::Overview | View::Latency | View::Target => None,
        }
    }
}

/// Moves the selection of the list that is shown.
pub(super) fn select(_app: &mut App, _step: Step) {}

/// Selects the row at this place of the list that is shown; again: opens its details.
pub(super) fn select_row(_app: &mut App, _row: usize) {}

/// Opens or closes the details of the selected row.
pub(super) fn toggle_details(_app: &mut App) {}

/// Closes the details, or else takes the filter back; whether there was any of it.
pub(super) fn back(_app: &mut App) -> bool {
    false
}

/// Asks whether the selected task shall stop.
pub(super) fn ask_to_stop(_app: &mut App, _now: Millis) -> Vec<super::effect::Effect> {
    Vec::new()
}

/// Sorts the list that is shown by the next column, or the other way round.
pub(super) fn sort(_app: &mut App, _by: super::action::Sorting) {}

/// Shows only the rows of the list that is shown which have `text` in them.
pub(super) fn filter(app: &mut App, text: &str) {
    if let Some(list) = app.lists.of(app.view) {
        text.clone_into(&mut list.filter);
        refresh(app);
    }
}

/// Makes the orders anew, from what is shown now.
pub(super) fn refresh(_app: &mut App) {}
