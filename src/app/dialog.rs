//! Questions with buttons: how one is opened, and what a button does.
//!
//! Invariant: pure. A button that is not one of the question's does nothing, and what ends
//! something takes more than one click.

use super::{
    effect::{Cause, Effect},
    leave::{fleet_now, kill, leave},
    list,
    scale::Drain,
    state::{App, Choice, Dialog, Mode, Question, Setting},
    update::{add_now, end, say, send},
};
use crate::model::{Millis, confirmed::Confirmed};

pub(super) fn open_dialog(app: &mut App, question: Question) -> Vec<Effect> {
    app.mode = Mode::Dialog(Dialog { question, focus: Choice::Cancel, scale_to_zero: false });
    Vec::new()
}

pub(super) fn move_focus(app: &mut App, by: isize) {
    let outlives_us = app.snapshot.site.outlives_us;
    if let Mode::Dialog(dialog) = &mut app.mode {
        let choices = dialog.question.choices(outlives_us);
        let here = choices.iter().position(|choice| *choice == dialog.focus).unwrap_or(0);
        let there = here.wrapping_add_signed(by).wrapping_add(choices.len()) % choices.len();
        dialog.focus = choices[there];
    }
}

pub(super) fn toggle_scale_to_zero(app: &mut App) {
    // Where nobody here scales there is nothing to choose.
    let can_scale = app.snapshot.capacity.refusal().is_none();
    if let Mode::Dialog(dialog) = &mut app.mode {
        dialog.scale_to_zero = can_scale && !dialog.scale_to_zero;
    }
}

/// A click may have been meant for the window: it ends nothing by itself.
pub(super) fn point_at(app: &mut App, choice: Choice, now: Millis) -> Vec<Effect> {
    if let Mode::Dialog(dialog) = &mut app.mode
        && choice.ends_something()
        && dialog.focus != choice
        && dialog.question.choices(app.snapshot.site.outlives_us).contains(&choice)
    {
        dialog.focus = choice;
        return Vec::new();
    }
    choose(app, choice, now)
}

pub(super) fn choose(app: &mut App, choice: Choice, now: Millis) -> Vec<Effect> {
    let Mode::Dialog(dialog) = app.mode else {
        if let Mode::Prompt(prompt) = std::mem::take(&mut app.mode)
            && prompt.setting == Setting::Filter
        {
            list::filter(app, &prompt.before);
        }
        return Vec::new();
    };
    if !dialog.question.choices(app.snapshot.site.outlives_us).contains(&choice) {
        return Vec::new();
    }
    match (dialog.question, choice) {
        (_, Choice::Cancel) => {
            app.mode = Mode::Normal;
            Vec::new()
        }
        (_, Choice::Leave) => leave(app, Cause::Quit, fleet_now(app, now), now),
        (Question::EndRun, Choice::Kill) => {
            end(app, dialog.scale_to_zero, Confirmed::ByDialog, now)
        }
        (Question::Quit, Choice::Kill) => kill(app, Cause::Quit, Confirmed::ByDialog, now),
        (Question::Drain(scaling), Choice::Drain) => {
            app.mode = Mode::Normal;
            send(app, scaling.command(Some(Confirmed::ByDialog)), now)
        }
        (Question::StopTask { slot, attempt }, Choice::StopTask) => {
            list::stop(app, (slot, attempt), now)
        }
        (Question::AddLarge, Choice::Add) => {
            app.mode = Mode::Normal;
            if app.is_ending(now) {
                return say(app, "the run is ending; + begins a new one after that", now);
            }
            add_now(app, now)
        }
        // Not a button of that question, as was seen above.
        _ => Vec::new(),
    }
}

/// Whether what is open has answered itself.
pub(super) fn is_moot(app: &App, now: Millis) -> bool {
    match app.mode {
        Mode::Dialog(Dialog { question: Question::Drain(scaling), .. }) => {
            Drain::of(scaling, &app.snapshot).is_none()
        }
        Mode::Dialog(Dialog { question: Question::StopTask { slot, attempt }, .. }) => {
            list::stop_is_moot(&app.snapshot, slot, attempt)
        }
        Mode::Stuck => app.stuck().is_none(),
        Mode::Dialog(Dialog { question: Question::AddLarge, .. })
        | Mode::Normal
        | Mode::Prompt(_)
        | Mode::Help
        | Mode::Palette(_) => false,
        Mode::Dialog(_) => !app.has_run(now) && !app.something_runs(now),
    }
}
