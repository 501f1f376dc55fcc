//! The pauses between attempts.

use std::time::Duration;

use crate::follow::Random;

/// The first pause is at most this long.
const FIRST: Duration = Duration::from_millis(500);

/// Pauses that double up to a cap, each anywhere between none and its full length,
/// so that those who failed together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    random: Random,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// No pause will be longer than `longest`.
    pub(super) fn new(random: Random, longest: Duration) -> Self {
        Backoff { random, longest, failures: 0 }
    }

    /// How long to wait after this failure.
    pub(super) fn pause(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(self.random.unit())
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_are_spread_below_it() {
        let cap = Duration::from_secs(30);
        let mut longest = [Duration::ZERO; 10];
        for index in 0..2000 {
            let mut backoff = Backoff::new(Random::new("0-1", index), cap);
            for longest in &mut longest {
                *longest = backoff.pause().max(*longest);
            }
        }
        let full = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000];
        for (longest, full) in longest.into_iter().zip(full.map(Duration::from_millis)) {
            assert!(longest <= full && longest > full.mul_f64(0.98), "{longest:?} of {full:?}");
        }
        let mut backoff = Backoff::new(Random::new("0-1", 1), cap);
        assert!((0..40).all(|_| backoff.pause() <= cap));
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }
}
