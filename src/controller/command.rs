//! What the controller can be asked to do.

use std::time::Duration;

use crate::model::confirmed::Confirmed;

/// An order to the controller; its outcome is seen in the next snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Adds a batch of devices, their starts spread over a window. Begins a new
    /// run where none is on.
    Add {
        /// How many.
        devices: u32,
        /// The window.
        over: Duration,
    },
    /// Takes the newest devices away.
    Remove {
        /// How many.
        devices: u32,
    },
    /// One instance more or less, and so on.
    ScaleBy(i32),
    /// This many instances.
    ScaleTo(u32),
    /// Lets no further device start; those that run go on.
    Pause,
    /// Lets the starts go on.
    Resume,
    /// Ends the run: all devices, then all tasks. Final.
    End {
        /// Whether the instances go too.
        scale_to_zero: bool,
        /// Who agreed.
        confirmed: Confirmed,
    },
}
