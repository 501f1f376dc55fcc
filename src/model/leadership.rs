//! Who leads: a term that is renewed in `leader.json`, and taken over when it is not.
//!
//! Invariant: never two controllers for which [`Leadership::may_act`] is true. Who
//! leads may act for half a term from when its last renewal *left*; who takes over has
//! seen the same object for a whole term since the answer that first brought it, and
//! writes only over that object. Both spans are of monotonic clocks, which must go on
//! while a machine sleeps; what they show need not agree.

use super::Millis;

mod words;

pub use words::{LeaderNote, Move, Role, Written};

/// How long a term runs from its last renewal, in milliseconds.
pub const TERM_MS: Millis = 15_000;
/// How often a leader renews, in milliseconds.
pub const RENEW_MS: Millis = 5_000;
/// How often a follower looks, in milliseconds.
pub const LOOK_MS: Millis = 1_000;
/// A leader acts no longer than this without a renewal, in milliseconds.
const ACT_MS: Millis = TERM_MS / 2;

/// So many writes without an answer are remembered; one that is not and lands is ours
/// all the same, but has to be renewed first.
const UNSETTLED_MOST: usize = 16;

/// One controller's part in it.
#[derive(Debug, Clone)]
pub struct Leadership {
    me: String,
    /// Whether it takes over when it can.
    wants: bool,
    /// The term that is ours, as far as is known.
    mine: Option<Mine>,
    seen: Seen,
    /// The highest term and beat so far, of anybody.
    highest: (u64, u64),
    /// Writes whose fate is unknown: their beats, and when they left.
    unsettled: Vec<(u64, Millis)>,
    looking: Option<Looking>,
    writing: Option<Writing>,
    /// A look is due, whatever else is.
    must_look: bool,
    /// When the latest look left.
    looked_at: Option<Millis>,
    /// When the latest write left.
    wrote_at: Option<Millis>,
}

/// A term of ours.
#[derive(Debug, Clone)]
struct Mine {
    term: u64,
    etag: String,
    /// When the latest write that landed left; none: not while it mattered.
    renewed_at: Option<Millis>,
    /// Whether it is being given back.
    leaving: bool,
    /// Whether something says that it is ours no longer; only a look can tell.
    doubted: bool,
}

/// What the latest look found, where it was not ours.
#[derive(Debug, Clone)]
enum Seen {
    Never,
    Nothing,
    Note { note: LeaderNote, etag: String, since: Millis },
}

/// A look on its way.
#[derive(Debug, Clone, Copy)]
struct Looking {
    stale: bool,
}

/// A write on its way.
#[derive(Debug, Clone)]
struct Writing {
    note: LeaderNote,
    sent: Millis,
    /// Whether it was doubted since it left.
    doubted: bool,
}

impl Leadership {
    /// Nothing is known yet. `me` must be another name for each controller that ever
    /// is; `wants` says whether it takes over when it can.
    #[must_use]
    pub fn new(me: String, wants: bool) -> Self {
        Leadership {
            me,
            wants,
            mine: None,
            seen: Seen::Never,
            highest: (0, 0),
            unsettled: Vec::new(),
            looking: None,
            writing: None,
            must_look: false,
            looked_at: None,
            wrote_at: None,
        }
    }

    /// Whether it takes over when it can.
    #[must_use]
    pub fn wants(&self) -> bool {
        self.wants
    }

    /// Says whether it takes over when it can, from now on. Whoever leads goes on.
    pub fn set_wants(&mut self, wants: bool) {
        self.wants = wants;
        if let Some(mine) = self.mine.as_mut().filter(|mine| wants && mine.leaving) {
            // The release may still land: only a renewal over the same object rules
            // that out.
            mine.leaving = false;
            mine.renewed_at = None;
        }
    }

    /// What is due, if anything; it counts as on its way from `now` on.
    pub fn step(&mut self, now: Millis) -> Option<Move> {
        if self.looking.is_some() || self.writing.is_some() {
            return None;
        }
        if !self.must_look
            && let Some((note, over)) = self.due_write(now)
        {
            return Some(self.write(note, over, now));
        }
        let fresh = |at: Millis| now.saturating_sub(at) < LOOK_MS;
        if !self.is_look_due(now) || self.looked_at.is_some_and(fresh) {
            return None;
        }
        self.looking = Some(Looking { stale: false });
        self.looked_at = Some(now);
        Some(Move::Look)
    }

    /// A leader looks only when it is not sure; all others do all the time.
    fn is_look_due(&self, now: Millis) -> bool {
        self.must_look
            || self.mine.as_ref().is_none_or(|mine| {
                // Who was away for a term looks before it writes.
                mine.renewed_at.is_none_or(|at| now.saturating_sub(at) >= TERM_MS)
            })
    }

    /// The note to write and what it replaces, if a write is due.
    fn due_write(&self, now: Millis) -> Option<(LeaderNote, Option<String>)> {
        let within = |at: Option<Millis>, ms| at.is_some_and(|at| now.saturating_sub(at) < ms);
        if within(self.wrote_at, LOOK_MS) {
            return None;
        }
        let beat = self.highest.1 + 1;
        if let Some(mine) = &self.mine {
            let owner = (!mine.leaving).then(|| self.me.clone());
            let is_due = mine.leaving || !within(mine.renewed_at, RENEW_MS);
            let is_known = within(mine.renewed_at, TERM_MS) || within(self.looked_at, RENEW_MS);
            let note = LeaderNote { owner, term: mine.term, beat };
            return (is_due && is_known).then(|| (note, Some(mine.etag.clone())));
        }
        let over = match &self.seen {
            Seen::Never => return None,
            Seen::Nothing => None,
            Seen::Note { note, etag, since } => {
                let is_free = note.owner.is_none() || now.saturating_sub(*since) >= TERM_MS;
                is_free.then(|| Some(etag.clone()))?
            }
        };
        let note = LeaderNote { owner: Some(self.me.clone()), term: self.highest.0 + 1, beat };
        self.wants.then_some((note, over))
    }

    fn write(&mut self, note: LeaderNote, over: Option<String>, now: Millis) -> Move {
        self.highest.1 = note.beat;
        self.wrote_at = Some(now);
        self.writing = Some(Writing { note: note.clone(), sent: now, doubted: false });
        Move::Write { note, over }
    }

    /// What a look found: none if it failed, `Some(None)` if there is no object.
    pub fn looked(&mut self, now: Millis, found: Option<Option<(LeaderNote, String)>>) {
        let Some(found) = self.looking.take().filter(|it| !it.stale).and(found) else {
            return;
        };
        self.must_look = false;
        match found {
            None => {
                self.mine = None;
                self.seen = Seen::Nothing;
            }
            Some((note, etag)) => {
                self.highest = (self.highest.0.max(note.term), self.highest.1.max(note.beat));
                if note.owner.as_ref() == Some(&self.me) {
                    self.found_mine(&note, etag);
                } else {
                    self.mine = None;
                    self.found_other(note, etag, now);
                }
            }
        }
    }

    /// The object is one that we wrote: nobody took over.
    fn found_mine(&mut self, note: &LeaderNote, etag: String) {
        self.seen = Seen::Never;
        let sent = self.unsettled.iter().find(|(beat, _)| *beat == note.beat).map(|it| it.1);
        match &mut self.mine {
            Some(mine) if mine.etag == etag => mine.doubted = false,
            mine => {
                // A write whose answer was lost has landed after all; those before it
                // have no object left to replace.
                let leaving = mine.as_ref().map_or(!self.wants, |mine| mine.leaving);
                let renewed_at = sent.filter(|_| !leaving);
                *mine = Some(Mine { term: note.term, etag, renewed_at, leaving, doubted: false });
                self.unsettled.clear();
            }
        }
    }

    fn found_other(&mut self, note: LeaderNote, etag: String, now: Millis) {
        if !matches!(&self.seen, Seen::Note { etag: known, .. } if *known == etag) {
            self.seen = Seen::Note { note, etag, since: now };
        }
    }

    /// How the write that was on its way went.
    pub fn wrote(&mut self, now: Millis, how: Written) {
        let Some(Writing { note, sent, doubted }) = self.writing.take() else {
            return;
        };
        // A look that left before says nothing about this.
        self.distrust_look();
        match how {
            Written::Landed(etag) => {
                self.highest.0 = self.highest.0.max(note.term);
                // Whatever else was on its way has no object left to replace.
                self.unsettled.clear();
                self.must_look |= doubted;
                if note.owner.is_none() {
                    self.mine = None;
                    return self.found_other(note, etag, now);
                }
                // Who wanted no more while its claim was on its way gives it back.
                let leaving = self.mine.as_ref().map_or(!self.wants, |mine| mine.leaving);
                self.wrote_at = self.wrote_at.filter(|_| !leaving);
                let term = note.term;
                self.mine = Some(Mine { term, etag, renewed_at: Some(sent), leaving, doubted });
                self.seen = Seen::Never;
            }
            Written::Beaten => {
                self.must_look = true;
                if let Some(mine) = &mut self.mine {
                    mine.doubted = true;
                }
            }
            Written::Unknown => {
                self.must_look = true;
                // A release that lands is found as someone else's.
                if note.owner.is_some() {
                    self.unsettled.push((note.beat, sent));
                    let forget = self.unsettled.len().saturating_sub(UNSETTLED_MOST);
                    self.unsettled.drain(..forget);
                }
            }
        }
    }

    /// Whether it leads, surely enough to start and stop tasks.
    #[must_use]
    pub fn may_act(&self, now: Millis) -> bool {
        self.mine.as_ref().is_some_and(|mine| {
            let is_fresh = |at: Millis| now.saturating_sub(at) < ACT_MS;
            !mine.leaving && !mine.doubted && mine.renewed_at.is_some_and(is_fresh)
        })
    }

    /// What it is.
    #[must_use]
    pub fn role(&self, now: Millis) -> Role {
        if let Some(term) = self.term() {
            return if self.may_act(now) { Role::Leading { term } } else { Role::Unsure { term } };
        }
        match &self.seen {
            Seen::Never => Role::Unknown,
            Seen::Nothing => Role::Vacant,
            Seen::Note { note, since, .. } => match &note.owner {
                None => Role::Vacant,
                Some(owner) => {
                    let silent_ms = now.saturating_sub(*since);
                    Role::Following { owner: owner.clone(), silent_ms }
                }
            },
        }
    }

    /// Gives the term back, and wants none any more: at once it may not act. The write
    /// is none where nothing is ours, and while another one is on its way:
    /// [`Leadership::step`] then names it when that was answered.
    pub fn release(&mut self) -> Option<Move> {
        self.wants = false;
        let mine = self.mine.as_mut()?;
        mine.leaving = true;
        if self.writing.is_some() {
            return None;
        }
        let note = LeaderNote { owner: None, term: mine.term, beat: self.highest.1 + 1 };
        let over = Some(mine.etag.clone());
        self.distrust_look();
        let sent = self.wrote_at.unwrap_or(0);
        Some(self.write(note, over, sent))
    }

    /// Someone else's write was seen where only a leader writes: it may not act until a
    /// look has shown that it leads still.
    pub fn depose(&mut self) {
        self.must_look = true;
        if let Some(mine) = &mut self.mine {
            mine.doubted = true;
        }
        if let Some(writing) = &mut self.writing {
            writing.doubted = true;
        }
        self.distrust_look();
    }

    /// Whatever a look that is on its way brings may be older than what is known.
    fn distrust_look(&mut self) {
        self.looking.iter_mut().for_each(|looking| looking.stale = true);
    }

    /// Its term, if it leads as far as it knows.
    #[must_use]
    pub fn term(&self) -> Option<u64> {
        self.mine.as_ref().map(|mine| mine.term)
    }
}

#[cfg(test)]
mod tests;
