//! Who leads: a term that is renewed in `leader.json`, and taken over when it is not.

use serde::{Deserialize, Serialize};

use super::Millis;

/// How long a term runs from its last renewal, in milliseconds.
pub const TERM_MS: Millis = 15_000;
/// How often a leader renews, in milliseconds.
pub const RENEW_MS: Millis = 5_000;
/// How often a follower looks, in milliseconds.
pub const LOOK_MS: Millis = 1_000;

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
    /// Read `leader.json`.
    Look,
    /// Write it.
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
    /// Nobody knows.
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
    /// The leader as far as is known, but not renewed for half a term: it may not act.
    Unsure {
        /// Its term.
        term: u64,
    },
    /// Someone else leads.
    Following {
        /// Who.
        owner: String,
        /// How long it was not seen to renew.
        silent_ms: Millis,
    },
    /// Nobody leads.
    Vacant,
    /// Never looked.
    Unknown,
}

/// One controller's knowledge of who leads.
#[derive(Debug, Clone)]
pub struct Leadership {
    me: String,
    wants: bool,
}

impl Leadership {
    /// Nothing is known yet. `wants`: whether it takes over when it can.
    #[must_use]
    pub fn new(me: String, wants: bool) -> Self {
        Leadership { me, wants }
    }
    /// Whether it takes over when it can, from now on.
    pub fn set_wants(&mut self, wants: bool) {
        self.wants = wants;
    }
    /// What is due.
    pub fn step(&mut self, _now: Millis) -> Option<Move> {
        None
    }
    /// What a look found.
    pub fn looked(&mut self, _now: Millis, _found: Option<Option<(LeaderNote, String)>>) {}
    /// How a write went.
    pub fn wrote(&mut self, _now: Millis, _how: Written) {}
    /// Whether it leads.
    #[must_use]
    pub fn may_act(&self, _now: Millis) -> bool {
        false
    }
    /// What it is.
    #[must_use]
    pub fn role(&self, _now: Millis) -> Role {
        Role::Following { owner: self.me.clone(), silent_ms: 0 }
    }
    /// Gives the term back.
    pub fn release(&mut self) -> Option<Move> {
        None
    }
    /// Someone else's write was seen.
    pub fn depose(&mut self) {}
    /// Its term, if it leads.
    #[must_use]
    pub fn term(&self) -> Option<u64> {
        None
    }
}
