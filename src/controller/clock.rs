//! The controller's three clocks: this machine's (for the person), a monotonic one
//! (for waiting) and the bucket's (for everything that agents share).

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::{
    cloud::types::Dated,
    model::{Millis, clock::BucketClock},
};

#[derive(Debug)]
pub(super) struct Clock {
    origin: Instant,
    bucket: BucketClock,
}

impl Clock {
    pub(super) fn new() -> Self {
        Clock { origin: Instant::now(), bucket: BucketClock::default() }
    }

    /// Milliseconds since the controller began; never goes back.
    pub(super) fn monotonic(&self) -> Millis {
        self.since(Instant::now())
    }

    fn since(&self, at: Instant) -> Millis {
        at.saturating_duration_since(self.origin).as_millis() as Millis
    }

    /// Learns from an answer of the bucket.
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
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_millis() as Millis)
}
