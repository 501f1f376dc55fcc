//! What can happen to the dashboard: what a key means, and what the world did.
//!
//! Invariant: an action is plain data; it says what is meant, never how it is done.

use std::sync::Arc;

use super::{
    effect::Signal,
    list::Page,
    look::ThemeName,
    state::{Choice, Setting},
    view::{Pane, View},
};
use crate::{controller::snapshot::Snapshot, model::Millis};

/// Something that [`update`](super::update::update) takes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A batch more.
    AddBatch,
    /// A batch less.
    RemoveBatch,
    /// So many instances more, or fewer.
    Scale(i32),
    /// Ask for a setting's value.
    Edit(Setting),
    /// Stop the starts, or let them go on.
    PauseOrResume,
    /// Ask whether the run shall end.
    AskToEnd,
    /// Hold the picture still, or let it go on.
    ToggleFreeze,
    /// Logarithmic or linear latency axis.
    ToggleLogAxis,
    /// Show or hide the keys.
    ToggleHelp,
    /// Move what is open by so many entries.
    Scroll(isize),
    /// Show this view.
    Show(View),
    /// The next pane of the view, or the one before.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// This pane, as it was pointed at.
    Focus(Pane),
    /// Enter: more of what is selected, or of the pane.
    Open,
    /// Esc: one thing less: details, the filter, the moment that is read, the view.
    Back,
    /// Move the selection of a list.
    Select(Step),
    /// Select this row of the list that is shown.
    SelectRow(usize),
    /// The list that is shown has so much room.
    Paged(Page),
    /// Sort the list that is shown.
    Sort(Sorting),
    /// Ask whether the selected task shall stop.
    AskToStopTask,
    /// Another stretch of time for the charts.
    Shift(Shift),
    /// Read the figures of this moment.
    ReadAt(Millis),
    /// Read those one point earlier or later.
    ReadNext(i32),
    /// Another theme.
    NextTheme,
    /// This theme.
    SetTheme(ThemeName),
    /// Record what is shown, or stop that.
    ToggleRecord,
    /// Export the current figures.
    Export,
    /// Open the palette: every key by its name.
    OpenPalette,
    /// Give the terminal back until loadtop is called to the foreground.
    Suspend,
    /// `q`: leave, and ask first if something runs.
    Quit,
    /// Ctrl-C: as `q`; the second one kills, the third leaves at once.
    Interrupt,

    /// A character for the prompt.
    Type(char),
    /// A text from elsewhere: for a prompt that is open, and nothing else.
    Paste(String),
    /// What the prompt or the palette can be completed to.
    Complete,
    /// Take the prompt's character before the cursor back.
    Erase,
    /// Take the one under the cursor away.
    EraseNext,
    /// Take all before the cursor back.
    EraseAll,
    /// Move the prompt's cursor.
    Move(Caret),
    /// Enter: set the prompt's value, or press the button in focus.
    Submit,
    /// Close whatever is open and change nothing.
    Close,
    /// The next button of the dialog.
    NextChoice,
    /// The button before.
    PreviousChoice,
    /// Press this button.
    Choose(Choice),
    /// This button was pointed at: one that ends something gets the focus first, and is
    /// pressed when it is pointed at again.
    PointAt(Choice),
    /// In the dialog: whether the instances go too.
    ToggleScaleToZero,

    /// The controller knows something new.
    Observed(Arc<Snapshot>),
    /// Time passed.
    Tick,
    /// The system asks us to go.
    Signalled(Signal),
    /// The terminal is gone.
    TerminalLost,
    /// The controller is gone.
    ControllerLost,
    /// The controller has too much to do; the last key was not sent.
    Overrun,
    /// A recording began, ended or failed.
    Recorded(Recording),
}

/// Where the cursor of a prompt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caret {
    /// One character to the left.
    Left,
    /// One to the right.
    Right,
    /// Before the first character.
    Start,
    /// Behind the last one.
    End,
}

/// How far a selection moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// By so many rows.
    By(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// How a list is sorted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sorting {
    /// By the next column.
    Next,
    /// By the column before.
    Previous,
    /// By this column; again: the other way round.
    Column(usize),
    /// The other way round.
    Reverse,
}

/// How the stretch of time changes that the charts show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// Half as long.
    In,
    /// Twice as long, up to the whole run.
    Out,
    /// Earlier, by a quarter.
    Earlier,
    /// Later, by a quarter.
    Later,
    /// Up to now, and on with it.
    Live,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// It is written to this file.
    On(String),
    /// It was ended; this is the file.
    Ended(String),
    /// It cannot be written, and why.
    Failed(String),
}

impl Action {
    /// Whether a key made it, as opposed to the world.
    #[must_use]
    pub fn is_from_a_key(&self) -> bool {
        !matches!(
            self,
            Self::Observed(_)
                | Self::Tick
                | Self::Signalled(_)
                | Self::TerminalLost
                | Self::ControllerLost
                | Self::Overrun
                | Self::Recorded(_)
                | Self::Paged(_)
        )
    }
}
