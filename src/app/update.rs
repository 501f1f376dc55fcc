//! How the dashboard takes an action in.
//!
//! Invariant: pure. The only ways out are the returned effects, and a command that
//! changes the run leaves through [`send`] alone, which is shut in read-only mode.

use std::sync::Arc;

use super::{
    action::{Action, Recording},
    effect::{Cause, Effect},
    leave::{called_away, fleet_now, interrupt, kill, leave, leave_when_over, quit},
    list, look,
    palette::{self, Palette},
    preview,
    prompt::{self, Value},
    scale::{Drain, Scaling, scale},
    state::{App, Choice, Dialog, Frozen, HELP_ENTRIES, Hint, Mode, Prompt, Question, Setting},
    stretch,
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
    if action.is_from_a_key() && action != Action::Interrupt && app.departing.is_none() {
        app.interrupts = 0;
    }
    match action {
        Action::AddBatch => add(app, now),
        Action::RemoveBatch => remove(app, now),
        Action::Scale(by) => scale(app, Scaling::By(by), now),
        Action::PauseOrResume => pause_or_resume(app, now),
        Action::AskToEnd => ask_to_end(app, now),
        Action::Edit(setting) => edit(app, setting, now),
        Action::ToggleFreeze => toggle_freeze(app, now),
        Action::ToggleLogAxis => {
            app.log_axis = !app.log_axis;
            Vec::new()
        }
        Action::ToggleHelp => {
            let mode = if app.mode == Mode::Help { Mode::Normal } else { Mode::Help };
            open_panel(app, mode)
        }
        Action::Scroll(by) => scroll(app, by),
        Action::Show(view) => {
            (app.view, app.pane) = (view, None);
            Vec::new()
        }
        Action::NextPane => next_pane(app, 1),
        Action::PreviousPane => next_pane(app, -1),
        Action::Focus(pane) => {
            app.pane = Some(pane);
            Vec::new()
        }
        Action::Open => open(app),
        Action::Back => back(app),
        Action::Select(step) => {
            list::select(app, step);
            Vec::new()
        }
        Action::SelectRow(row) => {
            list::select_row(app, row);
            Vec::new()
        }
        Action::Sort(by) => {
            list::sort(app, by);
            Vec::new()
        }
        Action::AskToStopTask => list::ask_to_stop(app, now),
        Action::Shift(by) => {
            stretch::shift(app, by, now);
            Vec::new()
        }
        Action::ReadAt(at) => {
            stretch::read_at(app, Some(at));
            Vec::new()
        }
        Action::ReadNext(by) => {
            stretch::read_next(app, by);
            Vec::new()
        }
        Action::NextTheme => look::next_theme(app, now),
        Action::ToggleRecord => {
            let is_on = matches!(app.recording, Some(Recording::On(_)));
            vec![Effect::Record(!is_on)]
        }
        Action::Recorded(recording) => recorded(app, recording, now),
        Action::Export => send(app, Command::Export, now),
        Action::OpenPalette => {
            app.mode = Mode::Palette(Palette::default());
            Vec::new()
        }
        Action::Suspend => vec![Effect::Suspend],
        Action::Paste(text) => paste(app, &text),
        Action::Complete => palette::complete(app),
        Action::Quit => quit(app, now),
        Action::Interrupt => interrupt(app, now),

        Action::Type(_)
        | Action::Erase
        | Action::EraseNext
        | Action::EraseAll
        | Action::Move(_) => type_into(app, &action),
        Action::Submit => submit(app, now),
        Action::Close => choose(app, Choice::Cancel, now),
        Action::NextChoice => move_focus(app, 1),
        Action::PreviousChoice => move_focus(app, -1),
        Action::Choose(choice) => choose(app, choice, now),
        Action::ToggleScaleToZero => toggle_scale_to_zero(app),

        Action::Observed(snapshot) => observe(app, snapshot, now),
        Action::Tick => tick(app, now),
        Action::Signalled(signal) => called_away(app, Cause::Signal(signal), now),
        Action::TerminalLost => called_away(app, Cause::TerminalLost, now),
        Action::ControllerLost => leave(app, Cause::ControllerLost, fleet_now(app, now), now),
        Action::Overrun => say(app, "too many keys at once: the last one was dropped", now),
    }
}

/// Enter: what is left of a run that does not end, or more of what is selected.
fn open(app: &mut App) -> Vec<Effect> {
    if app.stuck().is_some() {
        return open_panel(app, Mode::Stuck);
    }
    match app.pane.take() {
        Some(pane) => app.view = pane.view(),
        None => list::toggle_details(app),
    }
    Vec::new()
}

/// Esc: one thing less, the innermost first.
fn back(app: &mut App) -> Vec<Effect> {
    if app.stretch.cursor.take().is_some() || list::back(app) || app.pane.take().is_some() {
        return Vec::new();
    }
    app.view = View::Overview;
    Vec::new()
}

fn next_pane(app: &mut App, by: isize) -> Vec<Effect> {
    let panes = app.view.panes();
    if panes.is_empty() {
        return Vec::new();
    }
    let here = app.pane.and_then(|pane| panes.iter().position(|it| *it == pane));
    let there = match here {
        None if by > 0 => 0,
        None => panes.len() - 1,
        Some(here) => here.wrapping_add_signed(by).wrapping_add(panes.len()) % panes.len(),
    };
    app.pane = Some(panes[there]);
    Vec::new()
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

/// A text from elsewhere is typed into a prompt that is open; anywhere else it is nothing.
fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    if let Mode::Prompt(prompt) = &mut app.mode {
        prompt.paste(text);
        filter_as_typed(app);
    }
    Vec::new()
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

fn add_now(app: &mut App, now: Millis) -> Vec<Effect> {
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
        return open_panel(app, Mode::Stuck);
    }
    if app.is_ending(now) {
        return say(app, "the run is ending already", now);
    }
    if !app.has_run(now) {
        return say(app, "there is no run to end", now);
    }
    open_dialog(app, Question::EndRun)
}

fn edit(app: &mut App, setting: Setting, now: Millis) -> Vec<Effect> {
    if app.departing.is_some() {
        return say(app, LEAVING, now);
    }
    if let (Setting::Instances, Some(why)) = (setting, app.snapshot.capacity.refusal()) {
        return say(app, &why, now);
    }
    if let Some(why) = prompt_refusal(app, setting, now) {
        return say(app, why, now);
    }
    let text = match setting {
        Setting::Filter => app.lists.of(app.view).map(|list| list.filter.clone()),
        _ => None,
    };
    app.mode = Mode::Prompt(Prompt::new(setting, text.unwrap_or_default()));
    Vec::new()
}

/// Why a value cannot be asked for as things are.
fn prompt_refusal(app: &App, setting: Setting, now: Millis) -> Option<&'static str> {
    match setting {
        Setting::Rate if app.is_ending(now) || !app.has_run(now) => {
            Some("there is no run whose rate could be set: + begins one")
        }
        Setting::Target if app.is_ending(now) => {
            Some("the run is ending: open the target when it has ended")
        }
        _ => None,
    }
}

fn toggle_freeze(app: &mut App, now: Millis) -> Vec<Effect> {
    app.frozen = match app.frozen {
        Some(_) => None,
        None => Some(Frozen { snapshot: Arc::clone(&app.snapshot), at: now }),
    };
    Vec::new()
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
    app.unseen.end = Some(now);
    send(app, Command::End { scale_to_zero, confirmed }, now)
}

fn type_into(app: &mut App, action: &Action) -> Vec<Effect> {
    if let Mode::Prompt(prompt) = &mut app.mode {
        prompt.edit(action);
        filter_as_typed(app);
    }
    Vec::new()
}

/// A filter takes effect with each character.
fn filter_as_typed(app: &mut App) {
    if let Mode::Prompt(prompt) = &app.mode
        && prompt.setting == Setting::Filter
    {
        let text = prompt.text.clone();
        list::filter(app, &text);
    }
}

fn submit(app: &mut App, now: Millis) -> Vec<Effect> {
    match &mut app.mode {
        Mode::Dialog(dialog) => {
            let focus = dialog.focus;
            choose(app, focus, now)
        }
        // Enter on nothing keeps what is.
        Mode::Prompt(prompt) if prompt.text.is_empty() && prompt.setting != Setting::Filter => {
            app.mode = Mode::Normal;
            Vec::new()
        }
        Mode::Prompt(prompt) => {
            let instances = &app.snapshot.instances;
            let limits = instances.at.map(|_| (instances.value.min, instances.value.max));
            match prompt::parse(prompt.setting, &prompt.text, limits) {
                Ok(value) => {
                    app.mode = Mode::Normal;
                    set(app, value, now)
                }
                Err(refusal) => {
                    prompt.refusal = Some(refusal);
                    Vec::new()
                }
            }
        }
        Mode::Palette(_) => palette::submit(app, now),
        Mode::Normal | Mode::Help | Mode::Stuck => Vec::new(),
    }
}

/// Sets what was typed and understood.
pub(super) fn set(app: &mut App, value: Value, now: Millis) -> Vec<Effect> {
    match value {
        Value::Batch(devices) => {
            app.batch = devices;
            if let Some(next) = preview::forecast(app, devices) {
                return say(app, &next.line(), now);
            }
        }
        Value::Window(window) => app.window = window,
        Value::Instances(count) => return scale(app, Scaling::To(count), now),
        Value::Rate(_) if app.is_ending(now) || !app.has_run(now) => {
            return say(app, "there is no run whose rate could be set: + begins one", now);
        }
        Value::Rate(rate) => return send(app, Command::Rate(rate), now),
        Value::Target(_) if app.is_ending(now) => {
            return say(app, "the run is ending: open the target when it has ended", now);
        }
        Value::Target(target) if target.to_string() == app.snapshot.target => {
            return say(app, "that is what the devices talk to already", now);
        }
        Value::Target(target) => return send(app, Command::Open(target), now),
        Value::Filter(text) => list::filter(app, &text),
    }
    Vec::new()
}

pub(super) fn open_dialog(app: &mut App, question: Question) -> Vec<Effect> {
    app.mode = Mode::Dialog(Dialog { question, focus: Choice::Cancel, scale_to_zero: false });
    Vec::new()
}

fn open_panel(app: &mut App, mode: Mode) -> Vec<Effect> {
    (app.mode, app.scroll) = (mode, 0);
    Vec::new()
}

/// Scrolls what is open, until its last entry is the first that is seen.
fn scroll(app: &mut App, by: isize) -> Vec<Effect> {
    let entries = match app.mode {
        Mode::Stuck => app.stuck().map_or(0, |stuck| stuck.what.len() + stuck.commands.len()),
        _ => HELP_ENTRIES,
    };
    app.scroll = app.scroll.saturating_add_signed(by).min(entries.saturating_sub(1));
    Vec::new()
}

fn move_focus(app: &mut App, by: isize) -> Vec<Effect> {
    let outlives_us = app.snapshot.site.outlives_us;
    if let Mode::Dialog(dialog) = &mut app.mode {
        let choices = dialog.question.choices(outlives_us);
        let here = choices.iter().position(|choice| *choice == dialog.focus).unwrap_or(0);
        let there = here.wrapping_add_signed(by).wrapping_add(choices.len()) % choices.len();
        dialog.focus = choices[there];
    }
    Vec::new()
}

fn toggle_scale_to_zero(app: &mut App) -> Vec<Effect> {
    // Where nobody here scales there is nothing to choose.
    let can_scale = app.snapshot.capacity.refusal().is_none();
    if let Mode::Dialog(dialog) = &mut app.mode {
        dialog.scale_to_zero = can_scale && !dialog.scale_to_zero;
    }
    Vec::new()
}

fn choose(app: &mut App, choice: Choice, now: Millis) -> Vec<Effect> {
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
            app.mode = Mode::Normal;
            let confirmed = Confirmed::ByDialog;
            send(app, Command::StopTask { slot, attempt, confirmed }, now)
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
    if is_moot(app, now) {
        app.mode = Mode::Normal;
    }
    if app.stuck().is_some() && !was_stuck && app.mode == Mode::Normal {
        open_panel(app, Mode::Stuck);
    }
    leave_when_over(app, now)
}

/// Whether what is open has answered itself.
fn is_moot(app: &App, now: Millis) -> bool {
    match app.mode {
        Mode::Dialog(Dialog { question: Question::Drain(scaling), .. }) => {
            Drain::of(scaling, &app.snapshot).is_none()
        }
        Mode::Stuck => app.stuck().is_none(),
        Mode::Normal
        | Mode::Prompt(_)
        | Mode::Help
        | Mode::Palette(_)
        | Mode::Dialog(Dialog { question: Question::AddLarge, .. }) => false,
        Mode::Dialog(_) => !app.has_run(now) && !app.something_runs(now),
    }
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
