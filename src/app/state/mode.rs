//! What is open on the screen: a prompt, a question with buttons, or a panel.
//!
//! Invariant: plain data, of which at most one is open; a question opens with the focus on
//! the button that changes nothing.

use crate::app::{palette::Palette, scale::Scaling};

/// What is open on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// Nothing but the dashboard.
    #[default]
    Normal,
    /// A value is asked for.
    Prompt(Prompt),
    /// A question is asked.
    Dialog(Dialog),
    /// The keys are shown.
    Help,
    /// Every key by its name.
    Palette(Palette),
    /// What is left of a run that does not end is shown.
    Stuck,
}

/// A value that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Which.
    pub setting: Setting,
    /// Typed so far.
    pub text: String,
    /// How many of its characters are before the cursor.
    pub cursor: usize,
    /// What was set before, where each character takes effect at once.
    pub before: String,
    /// Why the last try was refused.
    pub refusal: Option<String>,
}

impl Prompt {
    /// Asks for a value, with this text to begin with.
    #[must_use]
    pub fn new(setting: Setting, text: String) -> Self {
        Self { setting, cursor: text.chars().count(), before: text.clone(), text, refusal: None }
    }
}

/// The values that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Devices of a batch.
    Batch,
    /// The ramp window.
    Window,
    /// How many instances.
    Instances,
    /// Requests per second.
    Rate,
    /// What the devices talk to.
    Target,
    /// What rows of the list that is shown must have in them.
    Filter,
}

/// A question with buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialog {
    /// What is asked.
    pub question: Question,
    /// The button in focus: at first the one that changes nothing.
    pub focus: Choice,
    /// Whether the instances go too.
    pub scale_to_zero: bool,
}

/// What a dialog asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// End the run?
    EndRun,
    /// Leave, and what of the fleet?
    Quit,
    /// Take instances away, and stop the tasks on them?
    Drain(Scaling),
    /// Stop this task?
    StopTask {
        /// Its slot.
        slot: u32,
        /// Which attempt.
        attempt: u32,
    },
    /// Add a batch that takes a lot?
    AddLarge,
}

/// A button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// End the run.
    Kill,
    /// Leave it running.
    Leave,
    /// Let tasks stop, so that their instances can go.
    Drain,
    /// Stop the task.
    StopTask,
    /// Add the batch.
    Add,
    /// Change nothing.
    Cancel,
}

impl Choice {
    /// Whether devices or tasks die of it.
    #[must_use]
    pub fn ends_something(self) -> bool {
        matches!(self, Self::Kill | Self::Drain | Self::StopTask)
    }
}

impl Question {
    /// The buttons. Leaving a fleet behind is offered only where it would survive.
    #[must_use]
    pub fn choices(self, outlives_us: bool) -> &'static [Choice] {
        match self {
            Self::Quit if outlives_us => &[Choice::Kill, Choice::Leave, Choice::Cancel],
            Self::Quit | Self::EndRun => &[Choice::Kill, Choice::Cancel],
            Self::Drain(_) => &[Choice::Drain, Choice::Cancel],
            Self::StopTask { .. } => &[Choice::StopTask, Choice::Cancel],
            Self::AddLarge => &[Choice::Add, Choice::Cancel],
        }
    }
}
