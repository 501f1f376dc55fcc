//! The keys: a key, its action, its words, its danger and its mode are one row.
//!
//! Invariant: [`ROWS`] is the only place that knows a key. The footer, the help, the
//! README's table and read-only mode are made from it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::{
    app::{
        action::{Action, Caret, Shift, Sorting, Step},
        state::{App, Choice, Dialog, Mode, Question, Setting},
        view::View,
    },
    model::Millis,
};

/// One row of the table.
#[derive(Debug)]
pub struct Row {
    /// The keys, any of which does it.
    pub keys: &'static [Key],
    /// What they mean.
    pub action: Action,
    /// In the footer.
    pub label: &'static str,
    /// In the help.
    pub help: &'static str,
    /// What it may do to the run.
    pub danger: Danger,
    /// Where it counts.
    pub place: Place,
    /// In a narrow footer the higher ones go first.
    pub rank: u8,
}

/// What a key may do to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Nothing.
    Harmless,
    /// Changes it.
    Changes,
    /// Ends it, or asks whether to.
    Destroys,
}

/// Where a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Whatever is open.
    Everywhere,
    /// On the dashboard, whatever view is shown.
    Dashboard,
    /// In the views that are lists.
    List,
    /// In the list of tasks.
    Tasks,
    /// In the views that have charts.
    Charts,
    /// In a prompt.
    Prompt,
    /// In any dialog.
    Dialog,
    /// In the dialogs that end something for good.
    KillDialog,
    /// In the dialog that ends the run.
    EndDialog,
    /// In the dialog that leaves.
    QuitDialog,
    /// In the dialog that takes instances with tasks away.
    DrainDialog,
    /// In the dialog that stops a task.
    TaskDialog,
    /// In the dialog that adds a batch that takes a lot.
    AddDialog,
    /// In the palette.
    Palette,
    /// In whatever can be scrolled.
    Panel,
    /// In the help.
    Help,
    /// In what is left of a run that does not end.
    Stuck,
}

/// A key and its modifiers (without Shift, which is in the character).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(KeyCode, KeyModifiers);

impl Key {
    const fn plain(code: KeyCode) -> Self {
        Self(code, KeyModifiers::NONE)
    }

    const fn of(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    const fn ctrl(c: char) -> Self {
        Self(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    fn matches(self, event: KeyEvent) -> bool {
        let modifiers = event.modifiers.difference(KeyModifiers::SHIFT);
        event.code == self.0 && modifiers == self.1
    }

    /// What a terminal says when it is pressed; a capital letter comes with Shift.
    #[cfg(test)]
    pub(crate) fn event(self) -> KeyEvent {
        let shifted = matches!(self.0, KeyCode::Char(c) if c.is_uppercase());
        let shift = if shifted { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        KeyEvent::new(self.0, self.1 | shift)
    }

    /// As it is written: `K`, `Ctrl-C`, `Enter`.
    #[must_use]
    pub fn name(self) -> String {
        match self.0 {
            KeyCode::Char(' ') => "Space".into(),
            KeyCode::Char(c) if self.1 == KeyModifiers::CONTROL => {
                format!("Ctrl-{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => c.to_string(),
            KeyCode::BackTab => "Shift-Tab".into(),
            other => other.to_string(),
        }
    }
}

impl Row {
    const fn new(keys: &'static [Key], action: Action, place: Place) -> Self {
        Self { keys, action, label: "", help: "", danger: Danger::Harmless, place, rank: 0 }
    }

    const fn says(mut self, label: &'static str, help: &'static str) -> Self {
        self.label = label;
        self.help = help;
        self
    }

    const fn danger(mut self, danger: Danger) -> Self {
        self.danger = danger;
        self
    }

    const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }

    /// Its keys as they are written: `+ =`.
    #[must_use]
    pub fn names(&self, separator: &str) -> String {
        self.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(separator)
    }
}

/// Every key there is.
pub static ROWS: &[Row] = &[
    Row::new(&[Key::of('+'), Key::of('=')], Action::AddBatch, Place::Dashboard)
        .says("add", "add a batch of devices; begins a run if none is on")
        .danger(Danger::Changes),
    Row::new(&[Key::of('-')], Action::RemoveBatch, Place::Dashboard)
        .says("remove", "remove a batch: the newest devices go")
        .danger(Danger::Changes)
        .rank(1),
    Row::new(&[Key::of('b')], Action::Edit(Setting::Batch), Place::Dashboard)
        .says("batch", "set how many devices a batch has")
        .danger(Danger::Changes)
        .rank(4),
    Row::new(&[Key::of('w')], Action::Edit(Setting::Window), Place::Dashboard)
        .says("window", "set the ramp window over which a batch starts")
        .danger(Danger::Changes)
        .rank(4),
    Row::new(&[Key::of(']')], Action::Scale(1), Place::Dashboard)
        .says("+instance", "one instance more")
        .danger(Danger::Changes)
        .rank(1),
    Row::new(&[Key::of('[')], Action::Scale(-1), Place::Dashboard)
        .says("-instance", "one instance less (asks first if tasks must stop)")
        .danger(Danger::Changes)
        .rank(5),
    Row::new(&[Key::of('s')], Action::Edit(Setting::Instances), Place::Dashboard)
        .says("scale", "set how many instances there are")
        .danger(Danger::Changes)
        .rank(6),
    Row::new(&[Key::of('p')], Action::PauseOrResume, Place::Dashboard)
        .says("pause", "pause the ramp, or resume it; devices that run go on")
        .danger(Danger::Changes)
        .rank(2),
    Row::new(&[Key::of('K')], Action::AskToEnd, Place::Dashboard)
        .says("end run", "end the run: kill all devices and tasks (asks first)")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('r')], Action::Edit(Setting::Rate), Place::Dashboard)
        .says("rate", "set the requests per second of all devices together")
        .danger(Danger::Changes)
        .rank(8),
    Row::new(&[Key::of('o')], Action::Edit(Setting::Target), Place::Dashboard)
        .says("open", "open another target on the devices that run")
        .danger(Danger::Changes)
        .rank(8),
    Row::new(&[Key::of('1')], Action::Show(View::Overview), Place::Dashboard)
        .says("", "overview: everything at a glance"),
    Row::new(&[Key::of('2')], Action::Show(View::Instances), Place::Dashboard)
        .says("", "instances: tasks, devices, CPU, age and state of each"),
    Row::new(&[Key::of('3')], Action::Show(View::Tasks), Place::Dashboard)
        .says("", "tasks: devices, state, last report, log of each"),
    Row::new(&[Key::of('4')], Action::Show(View::Latency), Place::Dashboard)
        .says("", "latency: percentiles by label, heatmap, percentile curve"),
    Row::new(&[Key::of('5')], Action::Show(View::Target), Place::Dashboard)
        .says("", "target: connections, errors by kind, codes"),
    Row::new(&[Key::of('6')], Action::Show(View::Notices), Place::Dashboard)
        .says("", "notices: all that was said"),
    Row::new(&[Key::plain(KeyCode::Tab)], Action::NextPane, Place::Dashboard)
        .says("", "the next pane; Shift-Tab: the one before"),
    Row::new(&[Key::plain(KeyCode::BackTab)], Action::PreviousPane, Place::Dashboard),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Open, Place::Dashboard)
        .says("details", "more of the pane or row; what is left, if the end does not come")
        .rank(9),
    Row::new(&[Key::plain(KeyCode::Esc)], Action::Back, Place::Dashboard)
        .says("back", "one thing less: details, filter, view")
        .rank(9),
    Row::new(&[Key::of('/')], Action::Edit(Setting::Filter), Place::List)
        .says("filter", "show the rows that have this in them")
        .rank(2),
    Row::new(&[Key::of('>')], Action::Sort(Sorting::Next), Place::List)
        .says("sort", "sort by the next column")
        .rank(3),
    Row::new(&[Key::of('<')], Action::Sort(Sorting::Previous), Place::List)
        .says("", "sort by the column before"),
    Row::new(&[Key::of('I')], Action::Sort(Sorting::Reverse), Place::List)
        .says("", "sort the other way round"),
    Row::new(&[Key::plain(KeyCode::Down), Key::of('j')], Action::Select(Step::By(1)), Place::List)
        .says("", "the next row"),
    Row::new(&[Key::plain(KeyCode::Up), Key::of('k')], Action::Select(Step::By(-1)), Place::List)
        .says("", "the row before"),
    Row::new(&[Key::plain(KeyCode::PageDown)], Action::Select(Step::By(20)), Place::List)
        .says("", "twenty rows on"),
    Row::new(&[Key::plain(KeyCode::PageUp)], Action::Select(Step::By(-20)), Place::List)
        .says("", "twenty rows back"),
    Row::new(&[Key::of('g')], Action::Select(Step::First), Place::List).says("", "the first row"),
    Row::new(&[Key::of('G')], Action::Select(Step::Last), Place::List).says("", "the last row"),
    Row::new(&[Key::of('X')], Action::AskToStopTask, Place::Tasks)
        .says("stop task", "stop the selected task; its devices come back (asks first)")
        .danger(Danger::Destroys)
        .rank(1),
    Row::new(&[Key::of('z')], Action::Shift(Shift::In), Place::Charts)
        .says("zoom", "zoom in: half the time")
        .rank(7),
    Row::new(&[Key::of('Z')], Action::Shift(Shift::Out), Place::Charts)
        .says("", "zoom out: twice the time, up to the whole run"),
    Row::new(&[Key::plain(KeyCode::Left)], Action::Shift(Shift::Earlier), Place::Charts)
        .says("", "earlier"),
    Row::new(&[Key::plain(KeyCode::Right)], Action::Shift(Shift::Later), Place::Charts)
        .says("", "later"),
    Row::new(&[Key::plain(KeyCode::End)], Action::Shift(Shift::Live), Place::Charts)
        .says("", "back to live"),
    Row::new(&[Key::of(',')], Action::ReadNext(-1), Place::Charts)
        .says("", "read the figures of a moment, one earlier"),
    Row::new(&[Key::of('.')], Action::ReadNext(1), Place::Charts)
        .says("", "read the figures one later"),
    Row::new(&[Key::of('c')], Action::ToggleRecord, Place::Dashboard)
        .says("record", "record the screen as an asciinema cast; again to stop")
        .rank(8),
    Row::new(&[Key::of('x')], Action::Export, Place::Dashboard)
        .says("export", "write the figures so far into the run's folder")
        .rank(8),
    Row::new(&[Key::of('t')], Action::NextTheme, Place::Dashboard)
        .says("theme", "the next theme")
        .rank(9),
    Row::new(&[Key::of(':')], Action::OpenPalette, Place::Dashboard)
        .says("palette", "every key by its name")
        .rank(8),
    Row::new(&[Key::ctrl('z')], Action::Suspend, Place::Everywhere)
        .says("", "suspend; fg comes back"),
    Row::new(&[Key::of('f')], Action::ToggleFreeze, Place::Dashboard)
        .says("freeze", "freeze the screen, not the run; again to go on")
        .rank(3),
    Row::new(&[Key::of('l')], Action::ToggleLogAxis, Place::Charts)
        .says("log", "logarithmic or linear latency axis")
        .rank(7),
    Row::new(&[Key::of('?')], Action::ToggleHelp, Place::Dashboard).says("help", "show the keys"),
    Row::new(&[Key::of('q')], Action::Quit, Place::Dashboard)
        .says("quit", "quit; asks what becomes of a fleet that runs"),
    Row::new(&[Key::ctrl('c')], Action::Interrupt, Place::Everywhere)
        .says("", "quit; twice kills at once, a third time waits for nothing"),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Submit, Place::Prompt).says("set", "set it"),
    Row::new(&[Key::plain(KeyCode::Esc)], Action::Close, Place::Prompt)
        .says("cancel", "change nothing"),
    Row::new(&[Key::plain(KeyCode::Backspace)], Action::Erase, Place::Prompt),
    Row::new(&[Key::plain(KeyCode::Delete)], Action::EraseNext, Place::Prompt),
    Row::new(&[Key::ctrl('u')], Action::EraseAll, Place::Prompt),
    Row::new(&[Key::plain(KeyCode::Left)], Action::Move(Caret::Left), Place::Prompt),
    Row::new(&[Key::plain(KeyCode::Right)], Action::Move(Caret::Right), Place::Prompt),
    Row::new(
        &[Key::plain(KeyCode::Home), Key::ctrl('a')],
        Action::Move(Caret::Start),
        Place::Prompt,
    ),
    Row::new(&[Key::plain(KeyCode::End), Key::ctrl('e')], Action::Move(Caret::End), Place::Prompt),
    Row::new(&[Key::of('y')], Action::Choose(Choice::Kill), Place::KillDialog)
        .says("kill", "kill all devices and tasks")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('l')], Action::Choose(Choice::Leave), Place::QuitDialog)
        .says("leave", "leave the fleet running, where it outlives loadtop"),
    Row::new(&[Key::of('z')], Action::ToggleScaleToZero, Place::EndDialog)
        .says("scale to zero", "let the instances go, too")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('y')], Action::Choose(Choice::Drain), Place::DrainDialog)
        .says("stop tasks", "stop the tasks and take their instances away")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('y')], Action::Choose(Choice::StopTask), Place::TaskDialog)
        .says("stop it", "stop the task")
        .danger(Danger::Destroys),
    Row::new(&[Key::of('y')], Action::Choose(Choice::Add), Place::AddDialog)
        .says("add it", "add the batch")
        .danger(Danger::Changes),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Submit, Place::Palette)
        .says("do it", "do what is selected"),
    Row::new(&[Key::plain(KeyCode::Esc)], Action::Close, Place::Palette)
        .says("cancel", "close the palette"),
    Row::new(&[Key::plain(KeyCode::Tab)], Action::Complete, Place::Palette)
        .says("complete", "complete what was typed"),
    Row::new(&[Key::plain(KeyCode::Backspace)], Action::Erase, Place::Palette),
    Row::new(&[Key::plain(KeyCode::Down)], Action::Scroll(1), Place::Palette),
    Row::new(&[Key::plain(KeyCode::Up)], Action::Scroll(-1), Place::Palette),
    Row::new(&[Key::of('n'), Key::plain(KeyCode::Esc)], Action::Close, Place::Dialog)
        .says("cancel", "change nothing"),
    Row::new(
        &[Key::plain(KeyCode::Tab), Key::plain(KeyCode::Right)],
        Action::NextChoice,
        Place::Dialog,
    ),
    Row::new(
        &[Key::plain(KeyCode::BackTab), Key::plain(KeyCode::Left)],
        Action::PreviousChoice,
        Place::Dialog,
    ),
    Row::new(&[Key::plain(KeyCode::Enter)], Action::Submit, Place::Dialog)
        .says("choose", "press the button in focus"),
    Row::new(
        &[Key::of('?'), Key::of('q'), Key::plain(KeyCode::Esc)],
        Action::ToggleHelp,
        Place::Help,
    )
    .says("close", "close the help"),
    Row::new(&[Key::plain(KeyCode::Esc), Key::plain(KeyCode::Enter)], Action::Close, Place::Stuck)
        .says("close", "close it"),
    Row::new(&[Key::of('q')], Action::Quit, Place::Stuck).says("quit", "quit"),
    Row::new(&[Key::plain(KeyCode::Down)], Action::Scroll(1), Place::Panel),
    Row::new(&[Key::plain(KeyCode::Up)], Action::Scroll(-1), Place::Panel),
    Row::new(&[Key::plain(KeyCode::PageDown), Key::of(' ')], Action::Scroll(8), Place::Panel),
    Row::new(&[Key::plain(KeyCode::PageUp)], Action::Scroll(-8), Place::Panel),
];

/// What a key means on this dashboard, as it is now.
#[must_use]
pub fn resolve(app: &App, event: KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let row = rows(app).find(|row| row.keys.iter().any(|key| key.matches(event)));
    match (row, &app.mode, event.code) {
        (Some(row), ..) => Some(row.action.clone()),
        (None, Mode::Prompt(_) | Mode::Palette(_), KeyCode::Char(c))
            if event.modifiers.difference(KeyModifiers::SHIFT).is_empty() =>
        {
            Some(Action::Type(c))
        }
        _ => None,
    }
}

/// The rows that count now.
pub fn rows(app: &App) -> impl Iterator<Item = &'static Row> {
    let outlives_us = app.snapshot.site.outlives_us;
    let places: &'static [Place] = match &app.mode {
        Mode::Normal => match app.view {
            View::Overview | View::Latency => &[Place::Dashboard, Place::Charts],
            View::Tasks => &[Place::Dashboard, Place::List, Place::Tasks],
            View::Instances | View::Notices => &[Place::Dashboard, Place::List],
            View::Target => &[Place::Dashboard],
        },
        Mode::Palette(_) => &[Place::Palette],
        Mode::Prompt(_) => &[Place::Prompt],
        Mode::Dialog(Dialog { question: Question::EndRun, .. }) => {
            &[Place::Dialog, Place::KillDialog, Place::EndDialog]
        }
        Mode::Dialog(Dialog { question: Question::Quit, .. }) if outlives_us => {
            &[Place::Dialog, Place::KillDialog, Place::QuitDialog]
        }
        Mode::Dialog(Dialog { question: Question::Quit, .. }) => {
            &[Place::Dialog, Place::KillDialog]
        }
        Mode::Dialog(Dialog { question: Question::Drain(_), .. }) => {
            &[Place::Dialog, Place::DrainDialog]
        }
        Mode::Dialog(Dialog { question: Question::StopTask { .. }, .. }) => {
            &[Place::Dialog, Place::TaskDialog]
        }
        Mode::Dialog(Dialog { question: Question::AddLarge, .. }) => {
            &[Place::Dialog, Place::AddDialog]
        }
        Mode::Help => &[Place::Panel, Place::Help],
        Mode::Stuck => &[Place::Panel, Place::Stuck],
    };
    at(places, app.readonly)
}

/// Whether a row's key does something as things are now. The others are there, too,
/// and say why not; only the footer does not offer them.
#[must_use]
pub fn is_offered(row: &Row, app: &App, now: Millis) -> bool {
    let takes_devices = !app.is_ending(now);
    match row.action {
        Action::Open => app.stuck().is_some() || app.view.is_list() || app.pane.is_some(),
        Action::Back => app.view != View::Overview || app.pane.is_some(),
        Action::AddBatch | Action::Edit(Setting::Batch | Setting::Window) => takes_devices,
        Action::RemoveBatch | Action::PauseOrResume | Action::AskToEnd => {
            takes_devices && app.has_run(now)
        }
        Action::Scale(_) | Action::Edit(Setting::Instances) => {
            app.departing.is_none() && app.snapshot.capacity.refusal().is_none()
        }
        Action::ToggleScaleToZero => app.snapshot.capacity.refusal().is_none(),
        _ => true,
    }
}

/// The rows of the dashboard itself, whatever is open.
pub fn dashboard_rows(readonly: bool) -> impl Iterator<Item = &'static Row> {
    at(&[Place::Dashboard, Place::List, Place::Tasks, Place::Charts], readonly)
}

/// In read-only mode the keys that would change the run are not merely refused:
/// they are not there.
fn at(places: &'static [Place], readonly: bool) -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(|row| row.place == Place::Everywhere || places.contains(&row.place))
        .filter(move |row| !readonly || row.danger == Danger::Harmless)
}

/// The dashboard's keys as a table in markdown, for the README.
#[must_use]
pub fn readme_table() -> String {
    let mut table = String::from("| Key | What it does |\n|---|---|\n");
    for row in dashboard_rows(false) {
        table.extend(["| `", &row.names("` `"), "` | ", row.help, " |\n"]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings() {
        for (nth, row) in ROWS.iter().enumerate() {
            for other in &ROWS[nth + 1..] {
                let places = [row.place, other.place];
                let both = |one, few: &[Place]| {
                    places.contains(&one) && places.iter().any(|place| few.contains(place))
                };
                let dialogs = [
                    Place::KillDialog,
                    Place::EndDialog,
                    Place::QuitDialog,
                    Place::DrainDialog,
                    Place::TaskDialog,
                    Place::AddDialog,
                ];
                let of_views = [Place::List, Place::Tasks, Place::Charts];
                let meet = row.place == other.place
                    || places.contains(&Place::Everywhere)
                    || both(Place::Dialog, &dialogs)
                    || both(Place::KillDialog, &[Place::EndDialog, Place::QuitDialog])
                    || both(Place::Dashboard, &of_views)
                    || both(Place::List, &[Place::Tasks])
                    || both(Place::Panel, &[Place::Help, Place::Stuck]);
                let shared = row.keys.iter().find(|key| other.keys.contains(key));
                assert!(!meet || shared.is_none(), "{shared:?} in {:?}", row.place);
            }
        }
    }

    #[test]
    fn the_readme_has_every_key() {
        let table = readme_table();
        assert!(table.contains("| `+` `=` | add a batch of devices; begins a run if none is on |"));
        assert!(table.contains("| `Ctrl-C` | quit; twice kills at once"));
        let rows = dashboard_rows(false).count();
        assert_eq!(table.lines().count(), rows + 2);
        assert_eq!(rows, crate::app::state::HELP_ENTRIES);
    }

    #[test]
    fn whatever_sends_a_command_is_marked() {
        for row in dashboard_rows(true) {
            assert!(
                !matches!(
                    row.action,
                    Action::AddBatch
                        | Action::RemoveBatch
                        | Action::Scale(_)
                        | Action::PauseOrResume
                        | Action::AskToEnd
                        | Action::Edit(_)
                ),
                "{:?}",
                row.action
            );
        }
    }
}
