//! The local cloud's clock.
//!
//! Invariant: it never goes back and never stands still. Otherwise it is this
//! machine's wall clock, so that the `Date` of answers and metric times agree; or,
//! where time is only modelled, what the runtime's timers say, which may run hours
//! ahead of it.

use std::{
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use crate::model::Millis;

/// The clock.
#[derive(Debug)]
pub(super) struct Clock {
    last: Mutex<(Instant, Millis)>,
    follows_wall: bool,
}

impl Clock {
    /// This machine's.
    pub(super) fn new() -> Self {
        Clock { last: Mutex::new((Instant::now(), wall())), follows_wall: true }
    }

    /// One that shows `start` now and goes on with the runtime's timers alone.
    #[cfg(test)]
    pub(super) fn carried(start: Millis) -> Self {
        Clock { last: Mutex::new((Instant::now(), start)), follows_wall: false }
    }

    /// Whether it can be set forward by others.
    pub(super) fn can_jump(&self) -> bool {
        self.follows_wall
    }

    /// Milliseconds since the epoch.
    pub(super) fn now(&self) -> Millis {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let instant = Instant::now();
        let passed = instant.duration_since(last.0).as_millis() as Millis;
        let carried = last.1 + passed;
        if !self.follows_wall {
            // From the beginning, so that parts of milliseconds do not get lost.
            return carried;
        }
        let now = wall().max(carried);
        // Whole milliseconds are counted from where the last one began.
        if now > last.1 {
            *last = (instant, now);
        }
        now
    }
}

/// This machine's time, in milliseconds since the epoch.
pub(super) fn wall() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as Millis
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_goes_with_the_timers_also_when_they_are_ahead() {
        let (ours, carried) = (Clock::new(), Clock::carried(5000));
        let began = ours.now();
        tokio::time::advance(Duration::from_hours(3)).await;
        assert!(ours.now() >= began + 3 * 3_600_000);
        assert_eq!(carried.now(), 5000 + 3 * 3_600_000);
    }
}
