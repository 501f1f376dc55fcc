//! Which stretch of time the charts show, and the moment that is read from them.
//!
//! Invariant: live means that the right end is now; whoever looks at the past stays there
//! until they go back.

use super::{action::Shift, state::App};
use crate::model::Millis;

/// What the charts show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// How long it is; none: as long as there is something to show.
    pub span: Option<Millis>,
    /// Its right end (this machine's clock); none: live.
    pub end: Option<Millis>,
    /// The moment whose figures are read, if one is.
    pub cursor: Option<Millis>,
}

/// Zooms, moves, or goes back to live.
pub(super) fn shift(_app: &mut App, _by: Shift, _now: Millis) {}

/// Reads the figures of this moment; none closes it.
pub(super) fn read_at(app: &mut App, at: Option<Millis>) {
    app.stretch.cursor = at;
}

/// Reads the figures of a point earlier or later.
pub(super) fn read_next(_app: &mut App, _by: i32) {}
