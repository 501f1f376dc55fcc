//! What everything of ours in a task does alike: know what it was told, read the run's
//! wish again and again, and know when the run is over.
//!
//! ```text
//! wish.json ─ Follower ─▶ wishes ─▶ Listener ─▶ a wish to follow, or why it is over
//! ```
//!
//! Invariant: agents and watchdogs go by this code and no other, so that a task ends
//! for the same reasons and at the same moment whatever program runs in it.

mod clock;
mod follower;
mod listener;
#[cfg(test)]
pub(crate) mod memory;
mod random;
mod refusal;
mod settings;
mod station;

pub use self::settings::{BadSettings, Settings};
pub(crate) use self::{
    clock::Clock,
    follower::{Follower, Prepare, Wishes},
    listener::{FIRST_WISH, Heard, Listener, end_at, end_of},
    random::Random,
    refusal::Refusal,
    settings::{LIFELINE, lifeline, stop_time},
    station::{CloudStation, Station},
};
