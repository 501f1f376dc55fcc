//! The local cloud's clock.
//!
//! Invariant: it never goes back and never stands still. Otherwise it is this
//! machine's wall clock, so that the `Date` of answers and metric times agree.

use std::{
    sync::{Mutex, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::model::Millis;

/// The clock.
#[derive(Debug)]
pub(super) struct Clock {
    last: Mutex<(Instant, Millis)>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Clock { last: Mutex::new((Instant::now(), wall())) }
    }

    /// Milliseconds since the epoch.
    pub(super) fn now(&self) -> Millis {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let instant = Instant::now();
        let passed = instant.duration_since(last.0).as_millis() as Millis;
        let now = wall().max(last.1 + passed);
        // Whole milliseconds are counted from where the last one began.
        if now > last.1 {
            *last = (instant, now);
        }
        now
    }
}

fn wall() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as Millis
}
