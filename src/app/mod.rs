//! The dashboard's core: `Key → Action → update → Effect → Command`, and back as a
//! [`Snapshot`](crate::controller::snapshot::Snapshot) that is drawn.
//!
//! Invariant: [`state`], [`action`], [`update`] with its parts ([`scale`], [`preview`],
//! [`list`], [`stretch`], [`times`], [`look`], [`palette`], [`prompt`], `typing`, `dialog` and
//! `leave`), [`view`], [`keymap`], [`help`] and [`effect`] are pure: no clock, no terminal, no runtime, no colours. The one loop
//! that touches the world is [`run()`].

pub mod action;
mod dialog;
pub mod effect;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod help;
pub mod keymap;
#[cfg(test)]
pub(crate) mod keys;
mod leave;
pub mod list;
pub mod look;
pub mod palette;
pub mod preview;
pub mod prompt;
mod run;
pub mod scale;
mod signals;
pub mod state;
pub mod stretch;
pub mod times;
mod typing;
pub mod update;
pub mod view;
mod watchdog;

pub use effect::{Cause, Farewell, Fleet, Signal};
pub use run::{Options, run};
