//! What a run leaves behind on this machine: its folder, its journal
//! and what was recorded of the screen.
//!
//! Invariant: recording never stops a run. What cannot be written becomes a
//! notice, and the run goes on.

pub mod cast;
mod export;
mod folder;
mod journal;

pub use export::Export;
pub use folder::{RunFolder, state_dir};
pub use journal::{Entry, Intent, IntentKind, Journal};
