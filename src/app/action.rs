//! What can happen to the dashboard: what a key means, and what the world did.
//!
//! Invariant: an action is plain data; it says what is meant, never how it is done.

use std::sync::Arc;

use super::{
    effect::Signal,
    state::{Choice, Setting},
};
use crate::controller::snapshot::Snapshot;

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
    /// Show what is left of a run that does not end.
    ShowStuck,
    /// Move what is open by so many entries.
    Scroll(isize),
    /// `q`: leave, and ask first if something runs.
    Quit,
    /// Ctrl-C: as `q`; the second one kills, the third leaves at once.
    Interrupt,

    /// A character for the prompt.
    Type(char),
    /// Take the prompt's last character back.
    Erase,
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
        )
    }
}
