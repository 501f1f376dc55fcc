//! Stopping one task: asked for first, and only where there is something to stop.
//!
//! Invariant: what is stopped is the attempt that the question named, never a later one
//! of its slot; and it is looked at as it is now, even on a frozen screen.

use crate::{
    app::{
        dialog::open_dialog,
        effect::Effect,
        state::{App, Mode, Question},
        update::{LEAVING, say, send},
    },
    controller::{
        command::Command,
        snapshot::{Snapshot, TaskRow, TaskState},
    },
    model::{Millis, confirmed::Confirmed},
};

/// Asks whether the selected task shall stop, or says why there is nothing to ask.
pub(in crate::app) fn ask_to_stop(app: &mut App, now: Millis) -> Vec<Effect> {
    let selected = app.lists.tasks.selected_row();
    let Some(row) = selected.and_then(|row| app.shown().task_rows.value.get(row)) else {
        return say(app, "no task is selected", now);
    };
    let (slot, attempt, name) = (row.slot, row.attempt, row.name.clone());
    if app.readonly {
        return say(app, "read-only: nothing can be changed from here", now);
    }
    if app.departing.is_some() {
        return say(app, LEAVING, now);
    }
    if app.is_ending(now) {
        return say(app, "the run is ending: its tasks stop anyway", now);
    }
    match refusal(find(&app.snapshot, slot, attempt)) {
        Some(why) => say(app, &format!("{name} {why}"), now),
        None => open_dialog(app, Question::StopTask { slot, attempt }),
    }
}

/// Stops it, as was agreed to.
pub(in crate::app) fn stop(app: &mut App, (slot, attempt): (u32, u32), now: Millis) -> Vec<Effect> {
    app.mode = Mode::Normal;
    let confirmed = Confirmed::ByDialog;
    let effects = send(app, Command::StopTask { slot, attempt, confirmed }, now);
    if !effects.is_empty() {
        say(app, &format!("{slot:05}-{attempt} is told to stop"), now);
    }
    effects
}

/// Whether there is nothing left to stop of it.
pub(in crate::app) fn is_over(snapshot: &Snapshot, slot: u32, attempt: u32) -> bool {
    refusal(find(snapshot, slot, attempt)).is_some()
}

fn find(snapshot: &Snapshot, slot: u32, attempt: u32) -> Option<&TaskRow> {
    let rows = snapshot.task_rows.value.iter();
    rows.into_iter().find(|row| row.slot == slot && row.attempt == attempt)
}

/// Why it cannot be stopped; none: it can.
fn refusal(row: Option<&TaskRow>) -> Option<&'static str> {
    match row.map(|row| row.state) {
        None => Some("is not there any more"),
        Some(TaskState::Asked | TaskState::Pending | TaskState::Running) => None,
        Some(TaskState::Due) => Some("has no task yet: its turn comes"),
        Some(TaskState::NoRoom) => Some("has no task yet: it waits for room"),
        Some(TaskState::Stopping) => Some("is stopping already"),
        Some(TaskState::Stopped | TaskState::Failed) => Some("has ended already"),
        Some(TaskState::GivenUp) => Some("was given up: nothing of it runs"),
    }
}
