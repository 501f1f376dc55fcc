//! The bucket's time, on this machine's monotonic clock.

use std::{cell::RefCell, time::Duration};

use tokio::time::Instant;

use crate::{
    cloud::types::Dated,
    model::{Millis, clock::BucketClock},
};

/// A task's one clock: fed by the answers' dates, carried on monotonically.
#[derive(Debug)]
pub(crate) struct Clock {
    zero: Instant,
    bucket: RefCell<BucketClock>,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { zero: Instant::now(), bucket: RefCell::default() }
    }
}

impl Clock {
    /// Learns from an answer.
    pub(crate) fn observe(&self, dated: Option<Dated>) {
        if let Some(Dated { sent, received, date }) = dated {
            self.bucket.borrow_mut().observe(self.ours(sent), self.ours(received), date);
        }
    }

    /// The bucket's time now, or none before its first answer.
    pub(crate) fn now(&self) -> Option<Millis> {
        self.bucket.borrow().at(self.ours(Instant::now()))
    }

    /// How long it is until the bucket's clock shows `at`; a while if that is unknown.
    pub(crate) fn until(&self, at: Millis) -> Duration {
        let now = self.now();
        now.map_or(Duration::from_secs(1), |now| Duration::from_millis(at.saturating_sub(now)))
    }

    fn ours(&self, at: Instant) -> Millis {
        at.saturating_duration_since(self.zero).as_millis() as Millis
    }
}
