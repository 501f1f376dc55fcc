//! The controller's three clocks: this machine's (for the person), a monotonic one
//! (for waiting) and the bucket's (for everything that agents share).
//!
//! Invariant: the monotonic one counts the time that the machine slept, which the
//! system's own does not everywhere: a term or a lease must not outlive a sleep.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::{
    cloud::types::Dated,
    model::{Millis, clock::BucketClock},
};

/// What the wall clock may run ahead between two turns of the loop without a sleep:
/// more is no adjustment any more.
const SLEPT_MS: Millis = 3_000;

#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    /// When the loop turned last, by both clocks.
    turned: (Instant, Millis),
    /// Time slept so far.
    slept: Millis,
    bucket: BucketClock,
}

impl Clock {
    pub(super) fn new() -> Self {
        let origin = Instant::now();
        let bucket = BucketClock::default();
        Clock { origin, turned: (origin, wall()), slept: 0, bucket }
    }

    /// Notices a sleep of the machine; called at every turn of the loop.
    pub(super) fn tick(&mut self) {
        let (now, wall) = (Instant::now(), wall());
        let passed = now.saturating_duration_since(self.turned.0).as_millis() as Millis;
        let ahead = wall.saturating_sub(self.turned.1).saturating_sub(passed);
        if ahead > SLEPT_MS {
            self.slept += ahead;
        }
        self.turned = (now, wall);
    }

    /// Milliseconds since the controller began; never goes back.
    pub(super) fn monotonic(&self) -> Millis {
        self.since(Instant::now())
    }

    fn since(&self, at: Instant) -> Millis {
        at.saturating_duration_since(self.origin).as_millis() as Millis + self.slept
    }

    /// Learns from an answer of the bucket. One that was asked for in an earlier turn
    /// and came after a sleep says nothing of how long it took, but a poll a second
    /// makes up for that.
    pub(super) fn observe(&mut self, dated: Option<Dated>) {
        if let Some(dated) = dated {
            let (sent, received) = (self.since(dated.sent), self.since(dated.received));
            self.bucket.observe(sent, received, dated.date);
        }
    }

    /// The bucket's time; before its first answer, this machine's.
    pub(super) fn bucket(&self) -> Millis {
        self.bucket.at(self.monotonic()).unwrap_or_else(wall)
    }

    /// A moment of the bucket's clock by this machine's.
    pub(super) fn to_wall(&self, bucket: Millis) -> Millis {
        (wall() + bucket).saturating_sub(self.bucket())
    }
}

/// This machine's time, in milliseconds since the Unix epoch.
pub(crate) fn wall() -> Millis {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |it| it.as_millis() as Millis);
    #[cfg(test)]
    let now = super::many::machine::shown(now);
    now
}
