//! The bucket's time, learned from the `Date` of its answers.
//!
//! A `Date` has whole seconds, so one answer only bounds the offset between the
//! bucket's clock and ours; further answers narrow the bounds. Invariant: the
//! estimate lies within what every answer so far allows (unless a clock was set,
//! which starts over).

use super::Millis;

/// How much two honest clocks may drift apart, in parts per million.
const DRIFT_PPM: i64 = 200;

/// Bounds on what the bucket's clock says, from our monotonic clock.
#[derive(Debug, Clone, Default)]
pub struct BucketClock {
    bounds: Option<Bounds>,
}

/// `low <= bucket's time - ours <= high`, in milliseconds, as of `at`.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    low: i64,
    high: i64,
    at: i64,
}

impl BucketClock {
    /// Takes an answer in: asked at `sent` and received at `received` (both in
    /// milliseconds of our monotonic clock), dated `date` (in milliseconds, cut to
    /// whole seconds as HTTP dates are).
    pub fn observe(&mut self, sent: Millis, received: Millis, date: Millis) {
        let (sent, received, date) =
            (sent.cast_signed(), received.cast_signed(), date.cast_signed());
        let fresh = Bounds { low: date - received, high: date + 1000 - sent, at: received };
        self.bounds = Some(match self.bounds {
            None => fresh,
            Some(old) => {
                let slack = (received - old.at).max(0) * DRIFT_PPM / 1_000_000 + 1;
                let low = fresh.low.max(old.low - slack);
                let high = fresh.high.min(old.high + slack);
                if low <= high { Bounds { low, high, at: received } } else { fresh }
            }
        });
    }

    /// The bucket's time at `monotonic`, or none before the first answer.
    #[must_use]
    pub fn at(&self, monotonic: Millis) -> Option<Millis> {
        let bounds = self.bounds?;
        let now = monotonic.cast_signed() + i64::midpoint(bounds.low, bounds.high);
        Some(now.max(0).cast_unsigned())
    }

    /// How far the estimate may be off, in milliseconds.
    #[must_use]
    pub fn uncertainty(&self) -> Option<Millis> {
        self.bounds.map(|bounds| ((bounds.high - bounds.low) / 2) as Millis)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_known_before_the_first_answer() {
        assert_eq!(BucketClock::default().at(5), None);
    }

    #[test]
    fn a_clock_that_was_set_is_believed() {
        let mut clock = BucketClock::default();
        clock.observe(0, 1, 1_000_000_000);
        clock.observe(1000, 1001, 2_000_000_000);
        assert!(clock.at(1001).expect("answered") >= 2_000_000_000);
    }

    proptest! {
        #[test]
        fn the_truth_stays_within_the_bounds(
            offset in 1_700_000_000_000_u64..1_800_000_000_000,
            polls in prop::collection::vec((700u64..1300, 0u64..40, 0u64..40), 1..60),
        ) {
            let mut clock = BucketClock::default();
            let mut now = 0;
            for (gap, there, back) in &polls {
                now += gap;
                let answered = now + there;
                let received = answered + back;
                clock.observe(now, received, (answered + offset) / 1000 * 1000);
                now = received;
                let estimate = clock.at(now).expect("answered").cast_signed();
                let off = (estimate - (now + offset).cast_signed()).unsigned_abs();
                prop_assert!(off <= clock.uncertainty().expect("answered") + 1);
            }
            // Polls at changing phases narrow a second down to much less.
            if polls.len() > 40 {
                prop_assert!(clock.uncertainty().expect("answered") < 250);
            }
        }
    }
}
