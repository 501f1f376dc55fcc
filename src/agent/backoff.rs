//! Randomness from a seed, and the pauses between attempts that it makes.

use std::time::Duration;

/// The first pause is at most this long.
const FIRST: Duration = Duration::from_millis(500);
/// A small generator of well mixed bits (`SplitMix64`: Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// What follows is a function of these.
    pub(crate) fn new(task: &str, index: u32) -> Self {
        // FNV-1a: tasks that differ by a digit get seeds that have nothing in common.
        let seed = task.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Random(seed ^ (u64::from(index) << 32))
    }

    /// Uniform in `0.0..1.0`.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

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
