//! The lists of a snapshot as a person looks at them: filtered, sorted, one row selected.
//!
//! Invariant: what is drawn is `order`, made anew when a snapshot, the filter or the sort
//! changes and at no other time; the selected row stays the same thing while it is there.
//! As long as nobody moved in a list, its first row is selected, whatever that is.

use std::sync::Arc;

use super::{
    action::{Sorting, Step},
    state::App,
    view::View,
};
use crate::controller::snapshot::{Snapshot, TaskRow};

mod columns;
mod filter;
mod order;
mod stop;

pub use columns::{InstanceColumn, NoticeColumn, TaskColumn};
pub use filter::FIELDS;
pub(super) use stop::{ask_to_stop, is_over as stop_is_moot, stop};

/// From so many rows at once on it is a page.
const PAGE: usize = 20;
/// Lines of details that a page is.
const LINES: isize = 6;

/// One list as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The rows to show, by their places in the snapshot.
    pub order: Vec<u32>,
    /// Which of them is selected, by its place in `order`.
    pub selected: usize,
    /// What a row must have in it to be shown.
    pub filter: String,
    /// The column that it is sorted by, counted from 1; 0 is the snapshot's own order
    /// (of notices: the newest first).
    pub sort: usize,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether the details of the selected row are open.
    pub details: bool,
    /// Lines of the details above the first that is seen.
    pub scroll: usize,
    /// The first row that was seen.
    top: usize,
    /// What the screen has room for; no rows as long as that is not known.
    page: Page,
    /// What the selected row is, once somebody selected it.
    held: Option<Held>,
}

/// What the last picture of a list had room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page {
    /// Rows of the list; 0 where the details have all the room.
    pub rows: usize,
    /// Lines of the details that were out of sight.
    pub hidden: usize,
}

/// What a row is about, however it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    Task { slot: u32, attempt: u32 },
    Instance(String),
    Notice(u64),
}

/// The lists of all views.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lists {
    /// Of [`View::Instances`].
    pub instances: List,
    /// Of [`View::Tasks`].
    pub tasks: List,
    /// Of [`View::Notices`].
    pub notices: List,
    /// The rows that the order of the tasks was made of: it is made anew for others only.
    tasks_of: Arc<Vec<TaskRow>>,
}

impl Lists {
    /// The list of a view, where it has one.
    #[must_use]
    pub fn of(&self, view: View) -> Option<&List> {
        match view {
            View::Instances => Some(&self.instances),
            View::Tasks => Some(&self.tasks),
            View::Notices => Some(&self.notices),
            View::Overview | View::Latency | View::Target => None,
        }
    }

    fn of_mut(&mut self, view: View) -> Option<&mut List> {
        match view {
            View::Instances => Some(&mut self.instances),
            View::Tasks => Some(&mut self.tasks),
            View::Notices => Some(&mut self.notices),
            View::Overview | View::Latency | View::Target => None,
        }
    }
}

impl List {
    /// The place of the selected row in the snapshot.
    #[must_use]
    pub fn selected_row(&self) -> Option<usize> {
        self.order.get(self.selected).map(|row| *row as usize)
    }

    /// What is selected among `rows`, where its details are open.
    #[must_use]
    pub fn opened<'a, T>(&self, rows: &'a [T]) -> Option<&'a T> {
        self.selected_row().filter(|_| self.details).and_then(|row| rows.get(row))
    }

    /// The first of `rows` rows to show, so that the selected one is among them.
    #[must_use]
    pub fn first(&self, rows: usize) -> usize {
        let last = self.order.len().saturating_sub(rows);
        self.top.min(self.selected).max((self.selected + 1).saturating_sub(rows)).min(last)
    }

    fn keep_in_sight(&mut self) {
        self.selected = self.selected.min(self.order.len().saturating_sub(1));
        if self.page.rows > 0 {
            self.top = self.first(self.page.rows);
        }
    }

    /// Back to the first row, whatever it is.
    fn let_go(&mut self) {
        (self.held, self.selected, self.top) = (None, 0, 0);
    }
}

impl Held {
    fn of(snapshot: &Snapshot, view: View, row: u32) -> Option<Self> {
        let row = row as usize;
        match view {
            View::Tasks => snapshot
                .task_rows
                .value
                .get(row)
                .map(|row| Self::Task { slot: row.slot, attempt: row.attempt }),
            View::Instances => {
                snapshot.instances.value.list.get(row).map(|it| Self::Instance(it.id.clone()))
            }
            View::Notices => snapshot.notices.get(row).map(|it| Self::Notice(it.number)),
            View::Overview | View::Latency | View::Target => None,
        }
    }

    /// Its place in `order`. A slot that got its first task, or another one, is still
    /// that slot where the former task is not listed any more.
    fn place(&self, snapshot: &Snapshot, order: &[u32]) -> Option<usize> {
        let at = |is: &dyn Fn(usize) -> bool| order.iter().position(|row| is(*row as usize));
        match self {
            Self::Task { slot, attempt } => {
                let rows = &snapshot.task_rows.value;
                at(&|row| rows[row].slot == *slot && rows[row].attempt == *attempt)
                    .or_else(|| at(&|row| rows[row].slot == *slot))
            }
            Self::Instance(id) => at(&|row| snapshot.instances.value.list[row].id == *id),
            Self::Notice(number) => at(&|row| snapshot.notices[row].number == *number),
        }
    }
}

/// Moves the selection of the list that is shown. A page at a time reads on in details
/// that are longer than the screen.
pub(super) fn select(app: &mut App, step: Step) {
    let Some(list) = app.lists.of_mut(app.view) else { return };
    if let Step::By(by) = step
        && list.details
        && list.page.hidden > 0
        && by.unsigned_abs() >= PAGE
    {
        let lines = LINES * by.signum();
        list.scroll = list.scroll.saturating_add_signed(lines).min(list.page.hidden);
        return;
    }
    list.scroll = 0;
    match step {
        Step::By(by) => list.selected = list.selected.saturating_add_signed(by),
        Step::First => list.let_go(),
        Step::Last => list.selected = usize::MAX,
    }
    list.keep_in_sight();
    if step != Step::First || list.details {
        hold(app);
    }
}

/// Selects the row at this place of the list that is shown; again: opens its details.
pub(super) fn select_row(app: &mut App, row: usize) {
    let Some(list) = app.lists.of_mut(app.view).filter(|list| row < list.order.len()) else {
        return;
    };
    if list.selected == row && list.held.is_some() {
        list.details = !list.details;
    }
    list.selected = row;
    hold(app);
}

/// Opens or closes the details of the selected row.
pub(super) fn toggle_details(app: &mut App) {
    let Some(list) = app.lists.of_mut(app.view) else { return };
    list.details = !list.details && !list.order.is_empty();
    list.scroll = 0;
    hold(app);
}

/// The list that is shown has so much room.
pub(super) fn paged(app: &mut App, page: Page) {
    if let Some(list) = app.lists.of_mut(app.view) {
        let rows = if page.rows > 0 { page.rows } else { list.page.rows };
        list.page = Page { rows, ..page };
        list.scroll = list.scroll.min(page.hidden);
        list.keep_in_sight();
    }
}

/// From now on the selected row is what it is now.
fn hold(app: &mut App) {
    let selected = app.lists.of(app.view).and_then(|list| list.order.get(list.selected));
    let held = selected.and_then(|row| Held::of(app.shown(), app.view, *row));
    if let Some(list) = app.lists.of_mut(app.view) {
        list.held = held;
    }
}

/// Closes the details, or else takes the filter back; whether there was any of it.
pub(super) fn back(app: &mut App) -> bool {
    let Some(list) = app.lists.of_mut(app.view) else { return false };
    if list.details {
        list.details = false;
        return true;
    }
    let is_filtered = !list.filter.is_empty();
    if is_filtered {
        filter(app, "");
    }
    is_filtered
}

/// Shows only what has `text` in it, in the list that is shown.
pub(super) fn filter(app: &mut App, text: &str) {
    if let Some(list) = app.lists.of_mut(app.view) {
        text.clone_into(&mut list.filter);
        arrange(app, app.view);
    }
}

/// Sorts the list that is shown by another column, or the other way round.
pub(super) fn sort(app: &mut App, by: Sorting) {
    let view = app.view;
    let Some(list) = app.lists.of_mut(view) else { return };
    let choices = columns::count(view) + 1;
    let sort = match by {
        Sorting::Next => (list.sort + 1) % choices,
        Sorting::Previous => (list.sort + choices - 1) % choices,
        Sorting::Column(column) if column < choices => column,
        Sorting::Column(_) | Sorting::Reverse => list.sort,
    };
    list.descending =
        if sort == list.sort { !list.descending } else { columns::is_largest_first(view, sort) };
    list.sort = sort;
    // Whoever sorts wants to see what comes first; whoever reads details goes on with them.
    if !list.details {
        list.let_go();
    }
    arrange(app, view);
}

/// Makes the orders anew, from what is shown now.
pub(super) fn refresh(app: &mut App) {
    let rows = Arc::clone(&app.shown().task_rows.value);
    if !Arc::ptr_eq(&rows, &app.lists.tasks_of) {
        app.lists.tasks_of = rows;
        arrange(app, View::Tasks);
    }
    arrange(app, View::Instances);
    arrange(app, View::Notices);
}

fn arrange(app: &mut App, view: View) {
    let Some(list) = app.lists.of(view) else { return };
    let order = order::of(app.shown(), view, list);
    let held = list.held.as_ref();
    let (is_held, place) = (held.is_some(), held.and_then(|it| it.place(app.shown(), &order)));
    let Some(list) = app.lists.of_mut(view) else { return };
    list.order = order;
    // What is not there any more leaves its place to its successor, but its details close:
    // nobody shall read of one thing what is true of another.
    list.details &= place.is_some();
    list.selected = place.unwrap_or(if is_held { list.selected } else { 0 });
    list.keep_in_sight();
}

#[cfg(test)]
mod tests;
