//! Where a row of the key table counts.
//!
//! Invariant: which places can count at the same time is said here alone: by
//! [`places`] for what is on the screen, and by [`Place::meets`] for any screen.

use crate::app::{
    state::{App, Dialog, Mode, Question},
    view::View,
};

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

/// Every set of places that count together on some screen, [`Place::Everywhere`] aside.
const TOGETHER: [&[Place]; 14] = [
    &[Place::Dashboard],
    &[Place::Dashboard, Place::Charts],
    &[Place::Dashboard, Place::List],
    &[Place::Dashboard, Place::List, Place::Tasks],
    &[Place::Prompt],
    &[Place::Palette],
    &[Place::Dialog, Place::KillDialog, Place::EndDialog],
    &[Place::Dialog, Place::KillDialog, Place::QuitDialog],
    &[Place::Dialog, Place::KillDialog],
    &[Place::Dialog, Place::DrainDialog],
    &[Place::Dialog, Place::TaskDialog],
    &[Place::Dialog, Place::AddDialog],
    &[Place::Panel, Place::Help],
    &[Place::Panel, Place::Stuck],
];

impl Place {
    /// Whether some screen has rows of both: then no key can be in both.
    #[must_use]
    pub fn meets(self, other: Place) -> bool {
        self == other
            || [self, other].contains(&Place::Everywhere)
            || TOGETHER.iter().any(|all| all.contains(&self) && all.contains(&other))
    }

    /// Whether characters are typed there, so that none of them can be a key.
    #[must_use]
    pub fn is_typed_in(self) -> bool {
        matches!(self, Place::Prompt | Place::Palette | Place::Everywhere)
    }
}

/// The places of a view.
pub(super) fn of_view(view: View) -> &'static [Place] {
    match view {
        View::Overview | View::Latency => TOGETHER[1],
        View::Tasks => TOGETHER[3],
        View::Instances | View::Notices => TOGETHER[2],
        View::Target => TOGETHER[0],
    }
}

/// The places that count now.
pub(super) fn places(app: &App) -> &'static [Place] {
    match &app.mode {
        Mode::Normal => of_view(app.view),
        Mode::Prompt(_) => TOGETHER[4],
        Mode::Palette(_) => TOGETHER[5],
        Mode::Dialog(Dialog { question, .. }) => match question {
            Question::EndRun => TOGETHER[6],
            Question::Quit if app.snapshot.site.outlives_us => TOGETHER[7],
            Question::Quit => TOGETHER[8],
            Question::Drain(_) => TOGETHER[9],
            Question::StopTask { .. } => TOGETHER[10],
            Question::AddLarge => TOGETHER[11],
        },
        Mode::Help => TOGETHER[12],
        Mode::Stuck => TOGETHER[13],
    }
}

/// Which rows stand together in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// What changes the run.
    Steering,
    /// What is shown.
    Views,
    /// In lists.
    Lists,
    /// In charts.
    Charts,
    /// The screen, and leaving it.
    Screen,
}

impl Group {
    /// All of them, in the order of the help.
    pub const ALL: [Group; 5] =
        [Group::Steering, Group::Views, Group::Lists, Group::Charts, Group::Screen];

    /// What it is called.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Group::Steering => "Steering",
            Group::Views => "Views",
            Group::Lists => "Lists",
            Group::Charts => "Charts",
            Group::Screen => "Screen",
        }
    }
}
