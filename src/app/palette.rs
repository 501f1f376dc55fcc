//! The palette: every key by its name, found by typing some of it.
//!
//! Invariant: whatever it does is what the key of the same row does.

use super::{effect::Effect, state::App};
use crate::model::Millis;

/// The palette while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    /// Typed so far.
    pub text: String,
    /// Which of the matches is selected.
    pub selected: usize,
}

/// Completes what was typed as far as that is sure.
pub(super) fn complete(_app: &mut App) -> Vec<Effect> {
    Vec::new()
}

/// Does what is selected.
pub(super) fn submit(_app: &mut App, _now: Millis) -> Vec<Effect> {
    Vec::new()
}
