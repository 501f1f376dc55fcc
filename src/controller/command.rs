//! What the controller can be asked to do.

use std::time::Duration;

use crate::{
    model::{confirmed::Confirmed, wish::Spread},
    plan::Target,
};

/// An order to the controller; its outcome is seen in the next snapshots.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Adds a batch of devices, their starts spread over a window. Begins a new
    /// run where none is on.
    Add {
        /// How many.
        devices: u32,
        /// The window.
        over: Duration,
        /// How the starts are spread over it.
        spread: Spread,
        /// What the spread's randomness comes from; none: anything.
        seed: Option<u64>,
    },
    /// Takes the newest devices away.
    Remove {
        /// How many.
        devices: u32,
    },
    /// So many instances more, or fewer. Instances with live devices go only if that
    /// was confirmed: their devices move to where there is room.
    ScaleBy(i32, Option<Confirmed>),
    /// This many instances; with live devices as above.
    ScaleTo(u32, Option<Confirmed>),
    /// Lets no further device start; those that run go on.
    Pause,
    /// Lets the starts go on.
    Resume,
    /// So many requests per second of all devices together; none: as many as their
    /// scenario makes.
    Rate(Option<f64>),
    /// The devices that run and those that come talk to another target.
    Open(Target),
    /// Stops one task; its devices come back in a new one.
    StopTask {
        /// Its slot.
        slot: u32,
        /// Which attempt of the slot it is: a later one is not meant.
        attempt: u32,
        /// Who agreed.
        confirmed: Confirmed,
    },
    /// Writes the figures so far into the run's folder.
    Export,
    /// Gives the lead up, since whoever this controller is for goes and the run goes on.
    /// Nothing is led again after it.
    Leave,
    /// Ends the run: all devices, then all tasks. Final.
    End {
        /// Whether the instances go too.
        scale_to_zero: bool,
        /// Who agreed.
        confirmed: Confirmed,
    },
}
