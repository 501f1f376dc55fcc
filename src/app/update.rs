//! How the dashboard takes an action in.
//!
//! Invariant: pure. The only ways out are the returned effects, and a command that
//! changes the run leaves through [`send`] alone, which is shut in read-only mode.

use std::sync::Arc;

use super::{
    action::{Action, Recording},
    dialog::{self, open_dialog},
    effect::{Cause, Effect},
    help,
    leave::{called_away, fleet_now, interrupt, leave, leave_when_over, quit},
    list, look,
    palette::{self, Palette},
    preview, prompt,
    scale::{Scaling, scale},
    state::{App, Choice, Frozen, Hint, Mode, Question, Setting},
    stretch, typing,
    view::View,
};
use crate::{
    controller::{
        command::Command,
        snapshot::{Phase, Snapshot},
    },
    model::{Millis, confirmed::Confirmed},
};

/// What a key that changes something hears on the way out.
pub(super) const LEAVING: &str = "leaving: nothing can be changed any more";

/// Takes `action` in, which happened at `now`.
pub fn update(app: &mut App, action: Action, now: Millis) -> Vec<Effect> {
    let effects = take_in(app, action, now);
    // Whatever it was: what the charts show follows from what is now.
    stretch::refresh(app);
    effects
}

fn take_in(app: &mut App, action: Action, now: Millis) -> Vec<Effect> {
    if action.is_from_a_key() && action != Action::Interrupt && app.departing.is_none() {
        app.interrupts = 0;
    }
    if palette::takes(app, &action) {
        return Vec::new();
    }
    let mut effects = Vec::new();
    match action {
        Action::AddBatch => effects = add(app, now),
        Action::RemoveBatch => effects = remove(app, now),
        Action::Scale(by) => effects = scale(app, Scaling::By(by), now),
        Action::PauseOrResume => effects = pause_or_resume(app, now),
        Action::AskToEnd => effects = ask_to_end(app, now),
        Action::AskToStopTask => effects = list::ask_to_stop(app, now),
        // Changes nothing of the run, so that it is there in read-only mode, too.
        Action::Export => effects.push(Effect::Send(Command::Export)),
        Action::Quit => effects = quit(app, now),
        Action::Interrupt => effects = interrupt(app, now),

        Action::Show(view) => (app.view, app.pane) = (view, None),
        Action::NextPane => next_pane(app, 1),
        Action::PreviousPane => next_pane(app, -1),
        Action::Focus(pane) => app.pane = Some(pane),
        Action::Open => open(app),
        Action::Back => back(app),
        Action::Select(step) => list::select(app, step),
        Action::SelectRow(row) => list::select_row(app, row),
        Action::Paged(page) => list::paged(app, page),
        Action::Sort(by) => list::sort(app, by),
        Action::Shift(by) => stretch::shift(app, by, now),
        Action::ReadAt(at) => stretch::read_at(app, Some(at)),
        Action::ReadNext(by) => stretch::read_next(app, by),
        Action::ToggleFreeze => toggle_freeze(app, now),
        Action::ToggleLogAxis => app.log_axis = !app.log_axis,
        Action::ToggleHelp => toggle_help(app),
        Action::Scroll(by) => scroll(app, by),
        Action::NextTheme => effects = look::next_theme(app, now),
        Action::SetTheme(theme) => effects = look::set_theme(app, theme, now),
        Action::ToggleRecord => effects.push(toggle_record(app)),
        Action::Suspend => effects.push(Effect::Suspend),

        Action::OpenPalette => app.mode = Mode::Palette(Palette::default()),
        Action::Complete => effects = palette::complete(app),
        Action::Edit(setting) => effects = typing::edit(app, setting, now),
        Action::Type(_)
        | Action::Erase
        | Action::EraseNext
        | Action::EraseAll
        | Action::Move(_) => typing::type_into(app, &action),
        Action::Paste(text) => typing::paste(app, &text),
        Action::Submit => effects = submit(app, now),
        Action::Close => effects = dialog::choose(app, Choice::Cancel, now),
        Action::NextChoice => dialog::move_focus(app, 1),
        Action::PreviousChoice => dialog::move_focus(app, -1),
        Action::Choose(choice) => effects = dialog::choose(app, choice, now),
        Action::PointAt(choice) => effects = dialog::point_at(app, choice, now),
        Action::ToggleScaleToZero => dialog::toggle_scale_to_zero(app),

        Action::Observed(snapshot) => effects = observe(app, snapshot, now),
        Action::Recorded(recording) => effects = recorded(app, recording, now),
        Action::Tick => effects = tick(app, now),
        Action::Signalled(signal) => effects = called_away(app, Cause::Signal(signal), now),
        Action::TerminalLost => effects = called_away(app, Cause::TerminalLost, now),
        Action::ControllerLost => {
            effects = leave(app, Cause::ControllerLost, fleet_now(app, now), now);
        }
        Action::Overrun => {
            effects = say(app, "too many keys at once: the last one was dropped", now);
        }
    }
    effects
}

fn toggle_help(app: &mut App) {
    let mode = if app.mode == Mode::Help { Mode::Normal } else { Mode::Help };
    open_panel(app, mode);
}

fn toggle_record(app: &App) -> Effect {
    let is_on = matches!(app.recording, Some(Recording::On(_)));
    Effect::Record(!is_on)
}

/// Enter: what is left of a run that does not end, or more of what is selected.
fn open(app: &mut App) {
    if app.stuck().is_some() {
        return open_panel(app, Mode::Stuck);
    }
    match app.pane.take() {
        Some(pane) => app.view = pane.view(),
        None => list::toggle_details(app),
    }
}

/// Esc: one thing less, the innermost first.
fn back(app: &mut App) {
    if app.stretch.cursor.take().is_some() || list::back(app) || app.pane.take().is_some() {
        return;
    }
    app.view = View::Overview;
}

fn next_pane(app: &mut App, by: isize) {
    let panes = app.view.panes();
    if panes.is_empty() {
        return;
    }
    let here = app.pane.and_then(|pane| panes.iter().position(|it| *it == pane));
    let there = match here {
        None if by > 0 => 0,
        None => panes.len() - 1,
        Some(here) => here.wrapping_add_signed(by).wrapping_add(panes.len()) % panes.len(),
    };
    app.pane = Some(panes[there]);
}

/// Says what became of a recording.
fn recorded(app: &mut App, recording: Recording, now: Millis) -> Vec<Effect> {
    let text = match &recording {
        Recording::On(file) => format!("recording to {file}"),
        Recording::Ended(file) => format!("recorded: {file}"),
        Recording::Failed(why) => format!("not recorded: {why}"),
    };
    app.recording = Some(recording);
    say(app, &text, now)
}

fn add(app: &mut App, now: Millis) -> Vec<Effect> {
    if app.snapshot.finding && app.phase().is_none() {
        return say(app, "looking for a live run first: press + again in a moment", now);
    }
    if app.is_ending(now) {
        return say(app, "the run is ending; + begins a new one after that", now);
    }
    // What it takes is seen before it is asked for, where that is much.
    let is_large = preview::forecast(app, app.batch).is_some_and(|it| it.is_large());
    if is_large && !app.readonly {
        return open_dialog(app, Question::AddLarge);
    }
    add_now(app, now)
}

pub(super) fn add_now(app: &mut App, now: Millis) -> Vec<Effect> {
    let effects = send(
        app,
        Command::Add { devices: app.batch, over: app.window, spread: app.spread, seed: app.seed },
        now,
    );
    app.unseen.add = (!effects.is_empty()).then_some(now);
    effects
}

fn remove(app: &mut App, now: Millis) -> Vec<Effect> {
    if app.is_ending(now) || !app.has_run(now) {
        return say(app, "there are no devices to remove", now);
    }
    send(app, Command::Remove { devices: app.batch }, now)
}

fn pause_or_resume(app: &mut App, now: Millis) -> Vec<Effect> {
    if app.is_ending(now) || !app.has_run(now) {
        return say(app, "there is no ramp to pause", now);
    }
    let pause = !app.is_paused(now);
    let effects = send(app, if pause { Command::Pause } else { Command::Resume }, now);
    app.unseen.paused = (!effects.is_empty()).then_some((pause, now));
    effects
}

fn ask_to_end(app: &mut App, now: Millis) -> Vec<Effect> {
    if app.stuck().is_some() {
        open_panel(app, Mode::Stuck);
        return Vec::new();
    }
    if app.is_ending(now) {
        return say(app, "the run is ending already", now);
    }
    if !app.has_run(now) {
        return say(app, "there is no run to end", now);
    }
    open_dialog(app, Question::EndRun)
}

fn toggle_freeze(app: &mut App, now: Millis) {
    app.frozen = match app.frozen {
        Some(_) => None,
        None => Some(Frozen { snapshot: Arc::clone(&app.snapshot), at: now }),
    };
    list::refresh(app);
}

/// Ends the run.
pub(super) fn end(
    app: &mut App,
    scale_to_zero: bool,
    confirmed: Confirmed,
    now: Millis,
) -> Vec<Effect> {
    app.mode = Mode::Normal;
    app.frozen = None;
    list::refresh(app);
    app.unseen.end = Some(now);
    send(app, Command::End { scale_to_zero, confirmed }, now)
}

fn submit(app: &mut App, now: Millis) -> Vec<Effect> {
    let limits = typing::limits(app);
    match &mut app.mode {
        Mode::Dialog(dialog) => {
            let focus = dialog.focus;
            dialog::choose(app, focus, now)
        }
        // Enter on nothing keeps what is.
        Mode::Prompt(prompt) if prompt.text.is_empty() && prompt.setting != Setting::Filter => {
            app.mode = Mode::Normal;
            Vec::new()
        }
        Mode::Prompt(prompt) => match prompt::parse(prompt.setting, &prompt.text, limits) {
            Ok(value) => {
                app.mode = Mode::Normal;
                typing::set(app, value, now)
            }
            Err(refusal) => {
                prompt.refusal = Some(refusal);
                Vec::new()
            }
        },
        Mode::Palette(_) => palette::submit(app, now),
        Mode::Normal | Mode::Help | Mode::Stuck => Vec::new(),
    }
}

fn open_panel(app: &mut App, mode: Mode) {
    (app.mode, app.scroll) = (mode, 0);
}

/// Scrolls what is open, until its last entry is the first that is seen.
fn scroll(app: &mut App, by: isize) {
    let entries = match app.mode {
        Mode::Stuck => app.stuck().map_or(0, |stuck| stuck.what.len() + stuck.commands.len()),
        _ => help::entries(app).len(),
    };
    app.scroll = app.scroll.saturating_add_signed(by).min(entries.saturating_sub(1));
}

fn observe(app: &mut App, snapshot: Arc<Snapshot>, now: Millis) -> Vec<Effect> {
    let phase = snapshot.run.as_ref().map(|run| run.phase);
    let is_after = |asked: Option<Millis>| asked.is_some_and(|asked| snapshot.at > asked);
    if is_after(app.unseen.add) && matches!(phase, Some(Phase::Running | Phase::Paused)) {
        app.unseen.add = None;
    }
    if is_after(app.unseen.end)
        && matches!(phase, Some(Phase::Ending { .. } | Phase::Collecting { .. } | Phase::Ended))
    {
        app.unseen.end = None;
    }
    if app.unseen.paused.is_some_and(|(paused, _)| paused == (phase == Some(Phase::Paused))) {
        app.unseen.paused = None;
    }
    let same_run =
        app.snapshot.run.as_ref().map(|run| &run.id) == snapshot.run.as_ref().map(|run| &run.id);
    app.ended_at = match phase {
        Some(Phase::Ended) if same_run => app.ended_at.or(Some(snapshot.at)),
        Some(Phase::Ended) => Some(snapshot.at),
        _ => None,
    };
    let was_stuck = app.stuck().is_some();
    app.snapshot = snapshot;
    list::refresh(app);
    if let Some(departing) = &mut app.departing {
        departing.observe(phase, now);
    }
    if dialog::is_moot(app, now) {
        app.mode = Mode::Normal;
    }
    if app.stuck().is_some() && !was_stuck && app.mode == Mode::Normal {
        open_panel(app, Mode::Stuck);
    }
    leave_when_over(app, now)
}

fn tick(app: &mut App, now: Millis) -> Vec<Effect> {
    if app.fresh_hint(now).is_none() {
        app.hint = None;
    }
    leave_when_over(app, now)
}

/// The one door for commands.
pub(super) fn send(app: &mut App, command: Command, now: Millis) -> Vec<Effect> {
    if app.readonly {
        return say(app, "read-only: nothing can be changed from here", now);
    }
    vec![Effect::Send(command)]
}

/// A word about what a key did.
pub(super) fn say(app: &mut App, text: &str, now: Millis) -> Vec<Effect> {
    app.hint = Some(Hint { text: text.into(), at: now });
    Vec::new()
}
