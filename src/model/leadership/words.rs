//! What a [`Leadership`](super::Leadership) is told and says.
//!
//! Invariant: plain data; [`LeaderNote`]'s field names are a contract between versions.

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// What `leader.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderNote {
    /// Who leads; none: released.
    pub owner: Option<String>,
    /// Grows by one with each leader.
    pub term: u64,
    /// Grows with each write, so that each is another object.
    pub beat: u64,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Read `leader.json`; [`Leadership::looked`](super::Leadership::looked) says what came of it.
    Look,
    /// Write it; [`Leadership::wrote`](super::Leadership::wrote) says what came of it.
    Write {
        /// What to write.
        note: LeaderNote,
        /// The entity tag that it replaces; none: there must be no object.
        over: Option<String>,
    },
}

/// How a write went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is there, with this entity tag.
    Landed(String),
    /// The precondition failed: something else is there.
    Beaten,
    /// Nobody knows, or it failed: look again.
    Unknown,
}

/// What a controller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The leader: it may act.
    Leading {
        /// Its term.
        term: u64,
    },
    /// The leader as far as it knows, but not sure enough to act: not renewed for half
    /// a term, or in doubt.
    Unsure {
        /// Its term.
        term: u64,
    },
    /// Someone else leads.
    Following {
        /// Who.
        owner: String,
        /// For how long it was not seen to renew.
        silent_ms: Millis,
    },
    /// Nobody leads.
    Vacant,
    /// Never looked.
    Unknown,
}
