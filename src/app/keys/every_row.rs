//! What every row of the key table comes to, row by row.

use super::*;
use crate::app::{
    action::{Caret, Recording, Shift, Sorting, Step},
    keymap::{self, Place, ROWS, Row},
    palette::Palette,
    scale::Scaling,
    state::{Choice, Dialog, Prompt, Question, Setting},
    view::{Pane, View},
};

/// One line: an action in its place, what it sends, and what it leaves behind.
struct Line {
    action: Action,
    sends: Vec<Effect>,
    leaves: fn(&App) -> bool,
}

fn line(action: Action, sends: Vec<Effect>, leaves: fn(&App) -> bool) -> Line {
    Line { action, sends, leaves }
}

/// A key that opens or changes something here and sends nothing.
fn quiet(action: Action, leaves: fn(&App) -> bool) -> Line {
    line(action, vec![], leaves)
}

/// A key that sends this and leaves nothing open.
fn sends(action: Action, effect: Effect) -> Line {
    line(action, vec![effect], is_normal)
}

fn is_normal(app: &App) -> bool {
    app.mode == Mode::Normal
}

fn asks(app: &App, question: Question) -> bool {
    matches!(app.mode, Mode::Dialog(dialog) if dialog.question == question)
}

fn prompts(app: &App, setting: Setting) -> bool {
    matches!(&app.mode, Mode::Prompt(prompt) if prompt.setting == setting)
}

fn typed(app: &App) -> Option<(&str, usize)> {
    match &app.mode {
        Mode::Prompt(prompt) => Some((&prompt.text, prompt.cursor)),
        _ => None,
    }
}

fn focus(app: &App) -> Option<Choice> {
    match app.mode {
        Mode::Dialog(dialog) => Some(dialog.focus),
        _ => None,
    }
}

/// Two instances, all with tasks.
fn busy() -> Snapshot {
    let mut snapshot = outliving();
    snapshot.instances.value.list.iter_mut().for_each(|it| it.tasks = 2);
    snapshot
}

/// A dashboard on which the keys of a place count.
fn at(place: Place) -> App {
    let dialog = |question| {
        let mut app = fixtures::app(busy());
        app.mode = Mode::Dialog(Dialog { question, focus: Choice::Cancel, scale_to_zero: false });
        app
    };
    let mut app = fixtures::app(busy());
    match place {
        Place::Everywhere | Place::Dashboard | Place::Charts => {}
        Place::List | Place::Tasks => app.view = View::Tasks,
        Place::Prompt => {
            let mut prompt = Prompt::new(Setting::Batch, "250".into());
            prompt.cursor = 2;
            app.mode = Mode::Prompt(prompt);
        }
        Place::Dialog | Place::KillDialog | Place::QuitDialog => return dialog(Question::Quit),
        Place::EndDialog => return dialog(Question::EndRun),
        Place::DrainDialog => return dialog(Question::Drain(Scaling::By(-1))),
        Place::TaskDialog => return dialog(Question::StopTask { slot: 3, attempt: 2 }),
        Place::AddDialog => return dialog(Question::AddLarge),
        Place::Palette => app.mode = Mode::Palette(Palette::default()),
        Place::Panel | Place::Help => {
            app.mode = Mode::Help;
            app.scroll = 3;
        }
        Place::Stuck => {
            app = fixtures::app(fixtures::stuck());
            app.mode = Mode::Stuck;
        }
    }
    app
}

/// The lines of a place.
fn lines(place: Place) -> Vec<Line> {
    match place {
        Place::Everywhere => vec![
            line(Action::Suspend, vec![Effect::Suspend], is_normal),
            quiet(Action::Interrupt, |app| asks(app, Question::Quit)),
        ],
        Place::Dashboard => [on_the_run(), on_the_screen()].into_iter().flatten().collect(),
        Place::List => in_lists(),
        Place::Tasks => vec![quiet(Action::AskToStopTask, |app| app.view == View::Tasks)],
        Place::Charts => on_charts(),
        Place::Prompt => in_prompts(),
        Place::Palette => in_the_palette(),
        Place::Panel | Place::Help | Place::Stuck => in_panels(),
        _ => in_dialogs(),
    }
}

fn on_the_run() -> Vec<Line> {
    vec![
        sends(Action::AddBatch, add(100)),
        sends(Action::RemoveBatch, Effect::Send(Command::Remove { devices: 100 })),
        quiet(Action::Edit(Setting::Batch), |app| prompts(app, Setting::Batch)),
        quiet(Action::Edit(Setting::Window), |app| prompts(app, Setting::Window)),
        sends(Action::Scale(1), Effect::Send(Command::ScaleBy(1, None))),
        quiet(Action::Scale(-1), |app| asks(app, Question::Drain(Scaling::By(-1)))),
        quiet(Action::Edit(Setting::Instances), |app| prompts(app, Setting::Instances)),
        sends(Action::PauseOrResume, Effect::Send(Command::Pause)),
        quiet(Action::AskToEnd, |app| asks(app, Question::EndRun)),
        quiet(Action::Edit(Setting::Rate), |app| prompts(app, Setting::Rate)),
        quiet(Action::Edit(Setting::Target), |app| prompts(app, Setting::Target)),
        sends(Action::Export, Effect::Send(Command::Export)),
        quiet(Action::Quit, |app| asks(app, Question::Quit)),
    ]
}

fn on_the_screen() -> Vec<Line> {
    vec![
        quiet(Action::Show(View::Overview), |app| app.view == View::Overview),
        quiet(Action::Show(View::Instances), |app| app.view == View::Instances),
        quiet(Action::Show(View::Tasks), |app| app.view == View::Tasks),
        quiet(Action::Show(View::Latency), |app| app.view == View::Latency),
        quiet(Action::Show(View::Target), |app| app.view == View::Target),
        quiet(Action::Show(View::Notices), |app| app.view == View::Notices),
        quiet(Action::NextPane, |app| app.pane == first_pane()),
        quiet(Action::PreviousPane, |app| app.pane == View::Overview.panes().last().copied()),
        quiet(Action::Open, |app| app.pane.is_none() && is_normal(app)),
        quiet(Action::Back, |app| app.view == View::Overview && app.pane.is_none()),
        line(Action::ToggleRecord, vec![Effect::Record(true)], |app| app.recording.is_none()),
        quiet(Action::NextTheme, is_normal),
        quiet(Action::OpenPalette, |app| matches!(app.mode, Mode::Palette(_))),
        quiet(Action::ToggleFreeze, |app| app.frozen.is_some()),
        quiet(Action::ToggleHelp, |app| app.mode == Mode::Help),
    ]
}

fn first_pane() -> Option<Pane> {
    View::Overview.panes().first().copied()
}

fn in_lists() -> Vec<Line> {
    let moves = [Step::By(1), Step::By(-1), Step::By(20), Step::By(-20), Step::First, Step::Last];
    let sorts = [Sorting::Next, Sorting::Previous, Sorting::Reverse];
    let mut lines = vec![quiet(Action::Edit(Setting::Filter), |app| prompts(app, Setting::Filter))];
    lines.extend(moves.map(|step| quiet(Action::Select(step), is_normal)));
    lines.extend(sorts.map(|by| quiet(Action::Sort(by), is_normal)));
    lines
}

fn on_charts() -> Vec<Line> {
    let shifts = [Shift::In, Shift::Out, Shift::Earlier, Shift::Later, Shift::Live];
    let mut lines: Vec<Line> = shifts.map(|by| quiet(Action::Shift(by), is_normal)).into();
    lines.extend([-1, 1].map(|by| quiet(Action::ReadNext(by), is_normal)));
    lines.push(quiet(Action::ToggleLogAxis, |app| app.log_axis));
    lines
}

fn in_prompts() -> Vec<Line> {
    vec![
        quiet(Action::Submit, |app| is_normal(app) && app.batch == 250),
        quiet(Action::Close, |app| is_normal(app) && app.batch == 100),
        quiet(Action::Erase, |app| typed(app) == Some(("20", 1))),
        quiet(Action::EraseNext, |app| typed(app) == Some(("25", 2))),
        quiet(Action::EraseAll, |app| typed(app) == Some(("0", 0))),
        quiet(Action::Move(Caret::Left), |app| typed(app) == Some(("250", 1))),
        quiet(Action::Move(Caret::Right), |app| typed(app) == Some(("250", 3))),
        quiet(Action::Move(Caret::Start), |app| typed(app) == Some(("250", 0))),
        quiet(Action::Move(Caret::End), |app| typed(app) == Some(("250", 3))),
    ]
}

fn in_the_palette() -> Vec<Line> {
    let is_open: fn(&App) -> bool = |app| matches!(app.mode, Mode::Palette(_));
    vec![
        // The first entry, as nothing was typed: what its own key does.
        sends(Action::Submit, add(100)),
        quiet(Action::Close, is_normal),
        quiet(Action::Complete, is_open),
        quiet(Action::Erase, is_open),
        quiet(Action::Scroll(1), is_open),
        quiet(Action::Scroll(-1), is_open),
    ]
}

fn in_dialogs() -> Vec<Line> {
    let stop = Command::StopTask { slot: 3, attempt: 2, confirmed: Confirmed::ByDialog };
    let left = vec![Effect::Send(Command::Leave), Effect::Leave(Cause::Quit, Fleet::RunsOn)];
    vec![
        line(Action::Choose(Choice::Kill), vec![end(Confirmed::ByDialog)], |app| {
            app.departing.is_some()
        }),
        line(Action::Choose(Choice::Leave), left, |_| true),
        quiet(
            Action::ToggleScaleToZero,
            |app| matches!(app.mode, Mode::Dialog(dialog) if dialog.scale_to_zero),
        ),
        sends(
            Action::Choose(Choice::Drain),
            Effect::Send(Command::ScaleBy(-1, Some(Confirmed::ByDialog))),
        ),
        sends(Action::Choose(Choice::StopTask), Effect::Send(stop)),
        sends(Action::Choose(Choice::Add), add(100)),
        quiet(Action::Close, is_normal),
        // The buttons of this dialog: kill, leave, cancel.
        quiet(Action::NextChoice, |app| focus(app) == Some(Choice::Kill)),
        quiet(Action::PreviousChoice, |app| focus(app) == Some(Choice::Leave)),
        quiet(Action::Submit, is_normal),
    ]
}

fn in_panels() -> Vec<Line> {
    vec![
        quiet(Action::ToggleHelp, is_normal),
        quiet(Action::Close, is_normal),
        // What is left is on the screen: leaving it is no surprise.
        line(Action::Quit, vec![Effect::Leave(Cause::Quit, Fleet::NotSeenToEnd)], |_| true),
        quiet(Action::Scroll(1), |app| app.scroll == 4),
        quiet(Action::Scroll(-1), |app| app.scroll == 2),
        quiet(Action::Scroll(8), |app| app.scroll > 4),
        quiet(Action::Scroll(-8), |app| app.scroll == 0),
    ]
}

/// What is wrong with a row's key, if anything is.
fn wrong(row: &Row, nth: usize) -> Option<String> {
    let mut app = at(row.place);
    let meant = keymap::meaning(&app, row.keys[nth]);
    if meant.as_ref() != Some(&row.action) {
        return Some(format!("means {meant:?}"));
    }
    let lines = lines(row.place);
    let Some(line) = lines.iter().find(|line| line.action == row.action) else {
        return Some("has no line in this table".to_owned());
    };
    let effects = update(&mut app, row.action.clone(), NOW);
    if effects != line.sends {
        return Some(format!("comes to {effects:?}"));
    }
    (!(line.leaves)(&app)).then(|| format!("leaves {:?} in {:?}", app.mode, app.view))
}

#[test]
fn every_key_of_every_row_does_what_its_line_says() {
    let mut wrongs = Vec::new();
    for row in ROWS {
        for nth in 0..row.keys.len() {
            if let Some(wrong) = wrong(row, nth) {
                let key = row.keys[nth];
                wrongs.push(format!("{key} in {:?} ({:?}) {wrong}", row.place, row.action));
            }
        }
    }
    assert!(wrongs.is_empty(), "{wrongs:#?}");
}

#[test]
fn a_recording_that_is_on_is_stopped_by_the_same_key() {
    let mut app = at(Place::Dashboard);
    app.recording = Some(Recording::On("a.cast".into()));
    assert_eq!(press(&mut app, "c", NOW), [Effect::Record(false)]);
}
