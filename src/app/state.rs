//! All that the dashboard knows: the latest snapshot, and what the person is at.
//!
//! Invariant: only [`update`](super::update::update) changes it, and drawing needs
//! nothing beside it and the time. No styles, no clock.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use super::{
    action::Recording,
    effect::Cause,
    keymap::Keymap,
    list::{self, Lists},
    look::Look,
    stretch::Stretch,
    view::{Pane, View},
};
use crate::{
    controller::snapshot::{DevicesView, LeadView, Phase, Snapshot, Stuck, TasksView},
    model::{Millis, wish::Spread},
};

mod mode;

pub use mode::{Choice, Dialog, Mode, Prompt, Question, Setting};

/// How long an order may stay unseen in the snapshots before we stop assuming it.
pub const SETTLES_MS: Millis = 3_000;
/// How long the end of a run is waited for after it last came nearer, before we leave
/// without having seen it.
pub const END_DEADLINE_MS: Millis = 60_000;
/// How long a leader that is well can go unheard of: it renews its term every five
/// seconds, and those who follow look every second.
pub const QUIET_MS: Millis = 7_000;
/// How long a hint stays on the screen.
pub const HINT_MS: Millis = 5_000;

/// The dashboard.
#[derive(Debug, Clone)]
pub struct App {
    /// The latest from the controller.
    pub snapshot: Arc<Snapshot>,
    /// The picture that is held still, if it is.
    pub frozen: Option<Frozen>,
    /// Devices of the next batch.
    pub batch: u32,
    /// Over which the next batch starts.
    pub window: Duration,
    /// How its starts are spread.
    pub spread: Spread,
    /// What the spread's randomness comes from; none: anything.
    pub seed: Option<u64>,
    /// What fills the screen.
    pub view: View,
    /// Which pane of it has the keys, if one has.
    pub pane: Option<Pane>,
    /// The lists of the views.
    pub lists: Lists,
    /// The stretch of time that the charts show.
    pub stretch: Stretch,
    /// The keys as they were chosen.
    pub keymap: Arc<Keymap>,
    /// How it looks.
    pub look: Look,
    /// The file that is recorded to, or what became of the last recording.
    pub recording: Option<Recording>,
    /// What is open.
    pub mode: Mode,
    /// Whether the latency axis is logarithmic.
    pub log_axis: bool,
    /// Whether nothing may be changed from here.
    pub readonly: bool,
    /// Set once we are on our way out and wait for the run to end.
    pub departing: Option<Departing>,
    /// Entries of the open panel above the first that is seen.
    pub scroll: usize,
    /// A word about what the last key did.
    pub hint: Option<Hint>,
    /// When the run on the screen was seen to have ended.
    pub ended_at: Option<Millis>,
    /// Orders that no snapshot shows yet.
    pub(super) unseen: Unseen,
    /// Ctrl-C's in a row.
    pub(super) interrupts: u8,
}

/// A picture that is held still.
#[derive(Debug, Clone)]
pub struct Frozen {
    /// What it shows.
    pub snapshot: Arc<Snapshot>,
    /// Since when.
    pub at: Millis,
}

/// On our way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departing {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Millis,
    /// How near the end was seen.
    pub progress: Progress,
    /// When it last came nearer.
    pub progress_at: Millis,
}

impl Departing {
    /// Takes in what the run is at now. Only what was never reached before counts: a
    /// retry that goes back and forth is no progress, so the waiting has an end.
    pub(super) fn observe(&mut self, phase: Option<Phase>, now: Millis) {
        let progress = Progress::of(phase);
        if progress > self.progress {
            (self.progress, self.progress_at) = (progress, now);
        }
    }

    /// When nothing is waited for any more.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        self.progress_at + END_DEADLINE_MS
    }
}

/// How near a run is to its end; the nearer, the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// It was not seen to end.
    Unseen,
    /// Tasks are left.
    TasksLeft(Reverse<u32>),
    /// Parts of the results were read.
    PartsRead(u32),
    /// It is over.
    Over,
}

impl Progress {
    /// What a phase says of it.
    #[must_use]
    pub fn of(phase: Option<Phase>) -> Self {
        match phase {
            Some(Phase::Running | Phase::Paused) => Self::Unseen,
            Some(Phase::Ending { tasks_left, .. }) => Self::TasksLeft(Reverse(tasks_left)),
            Some(Phase::Collecting { read, .. }) => Self::PartsRead(read),
            None | Some(Phase::Ended) => Self::Over,
        }
    }
}

/// A word about what a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The word.
    pub text: String,
    /// When.
    pub at: Millis,
}

/// When orders were given that no snapshot shows yet: between a key and the next
/// snapshot the screen must not act on what it knows to be outdated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Unseen {
    pub(super) add: Option<Millis>,
    pub(super) end: Option<Millis>,
    pub(super) paused: Option<(bool, Millis)>,
}

impl App {
    /// A dashboard before its first key.
    #[must_use]
    pub fn new(snapshot: Arc<Snapshot>, batch: u32, window: Duration, readonly: bool) -> Self {
        let mut app = Self {
            snapshot,
            frozen: None,
            batch,
            window,
            spread: Spread::Uniform,
            seed: None,
            view: View::default(),
            pane: None,
            lists: Lists::default(),
            stretch: Stretch::default(),
            keymap: Arc::default(),
            look: Look::default(),
            recording: None,
            mode: Mode::Normal,
            log_axis: false,
            readonly,
            departing: None,
            scroll: 0,
            hint: None,
            ended_at: None,
            unseen: Unseen::default(),
            interrupts: 0,
        };
        list::refresh(&mut app);
        app
    }

    /// The snapshot to draw: the frozen one, or the latest.
    #[must_use]
    pub fn shown(&self) -> &Snapshot {
        self.frozen.as_ref().map_or(&self.snapshot, |frozen| &frozen.snapshot)
    }

    /// The time that the picture shows: ages do not grow on a frozen one.
    #[must_use]
    pub fn shown_at(&self, now: Millis) -> Millis {
        self.frozen.as_ref().map_or(now, |frozen| frozen.at)
    }

    /// What the run is at, if there is one.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.snapshot.run.as_ref().map(|run| run.phase)
    }

    /// What is left of the run, and how to end it by hand, where its end does not come.
    #[must_use]
    pub fn stuck(&self) -> Option<&Stuck> {
        self.snapshot.run.as_ref()?.stuck.as_deref()
    }

    /// Whether another controller leads the run and is heard of: nothing hangs on us.
    #[must_use]
    pub fn is_led_elsewhere(&self) -> bool {
        self.snapshot.run.as_ref().is_some_and(
            |run| matches!(run.lead, LeadView::Other { silent_ms, .. } if silent_ms < QUIET_MS),
        )
    }

    /// The hint, while it is fresh.
    #[must_use]
    pub fn fresh_hint(&self, now: Millis) -> Option<&str> {
        let hint = self.hint.as_ref()?;
        (now < hint.at + HINT_MS).then_some(hint.text.as_str())
    }

    /// Whether something would be left behind if we left now.
    #[must_use]
    pub fn something_runs(&self, now: Millis) -> bool {
        // A run without devices still has results to collect.
        is_recent(self.unseen.add, now) || !matches!(self.phase(), None | Some(Phase::Ended))
    }

    /// Whether there is a run that devices can be added to, removed from, or that
    /// can be paused and ended.
    #[must_use]
    pub fn has_run(&self, now: Millis) -> bool {
        is_recent(self.unseen.add, now)
            || matches!(self.phase(), Some(Phase::Running | Phase::Paused))
    }

    /// Whether the run is being ended, as far as we asked or saw.
    #[must_use]
    pub fn is_ending(&self, now: Millis) -> bool {
        self.departing.is_some()
            || is_recent(self.unseen.end, now)
            || matches!(self.phase(), Some(Phase::Ending { .. } | Phase::Collecting { .. }))
    }

    /// Whether the starts are paused, or were just asked to be.
    #[must_use]
    pub fn is_paused(&self, now: Millis) -> bool {
        match self.unseen.paused {
            Some((paused, at)) if is_recent(Some(at), now) => paused,
            _ => self.phase() == Some(Phase::Paused),
        }
    }
}

/// Tasks that are not known to have stopped.
#[must_use]
pub fn tasks_alive(tasks: &TasksView) -> u32 {
    [tasks.requested, tasks.pending, tasks.running, tasks.stopping]
        .into_iter()
        .fold(0, u32::saturating_add)
}

/// Devices that run or should.
#[must_use]
pub fn devices_alive(devices: &DevicesView) -> u32 {
    let seen = devices.starting.saturating_add(devices.connected).saturating_add(devices.failed);
    devices.wanted.max(seen)
}

/// Whether an order given then may still be on its way into the snapshots.
pub(super) fn is_recent(at: Option<Millis>, now: Millis) -> bool {
    at.is_some_and(|at| now < at + SETTLES_MS)
}
