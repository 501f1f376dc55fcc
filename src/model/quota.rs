//! AWS's token buckets, as far as we can know them: each call takes a token, and they
//! come back at a steady rate.
//!
//! Invariant: never more calls than the bucket allows since it was made; after a
//! refusal (the account shares its buckets) fewer, and back to the full rate within
//! [`RECOVERY_MS`].

use super::Millis;

/// Tokens that only StopTask may take: ending must not wait for starting.
pub const KEPT_FOR_STOPPING: f64 = 20.0;
/// Tokens of each of AWS's buckets that nobody takes: a call that was slower on its way
/// than the next one finds its token gone, and a refusal costs far more than these.
const KEPT_FOR_DELAYS: f64 = 10.0;
/// How long a refusal slows us down, in milliseconds.
pub const RECOVERY_MS: Millis = 60_000;
/// Refusals within so many milliseconds count as one: their calls had left before the
/// first of them was known.
const ONE_REFUSAL_MS: Millis = 1_000;
/// The rate never falls below this part of the full one.
const LEAST_SHARE: f64 = 1.0 / 16.0;
/// Sums of fractions miss whole tokens by less than this.
const ROUNDING: f64 = 1e-6;

/// One of AWS's token buckets as we keep it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Tokens when full.
    burst: f64,
    /// Tokens a second when nobody disturbs us.
    per_s: f64,
    /// Tokens at `at`.
    tokens: f64,
    at: Millis,
    /// The last refusal: when, and the rate that it left us.
    slowed: Option<(Millis, f64)>,
}

/// The buckets that the leader's calls come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Quotas {
    /// RunTask, StopTask, UpdateContainerInstancesState.
    pub change: Quota,
    /// Describe and List of tasks and instances.
    pub look: Quota,
    /// RunTask on Fargate, which takes from `change` as well. With one task a call this is
    /// tighter than Fargate's bucket of tasks (a burst of 100, and 20 a second).
    pub fargate: Quota,
}

impl Quotas {
    /// AWS's own figures, less what is kept for delays, both buckets full.
    #[must_use]
    pub fn new(now: Millis) -> Self {
        let burst = 100.0 - KEPT_FOR_DELAYS;
        Quotas {
            change: Quota::new(burst, 40.0, now),
            look: Quota::new(burst, 20.0, now),
            fargate: Quota::new(20.0 - KEPT_FOR_DELAYS, 20.0, now),
        }
    }

    /// Takes what a RunTask costs, if that leaves what is kept for stopping.
    pub fn take_launch(&mut self, now: Millis, on_fargate: bool) -> bool {
        if on_fargate && self.fargate.left(now) + ROUNDING < 1.0 {
            return false;
        }
        self.change.take(now, KEPT_FOR_STOPPING) && (!on_fargate || self.fargate.take(now, 0.0))
    }
}

impl Quota {
    /// A full bucket of `burst` tokens, of which `per_s` a second come back.
    #[must_use]
    pub fn new(burst: f64, per_s: f64, now: Millis) -> Self {
        Quota { burst, per_s, tokens: burst, at: now, slowed: None }
    }

    /// Takes a token, if `keep` are left without it.
    pub fn take(&mut self, now: Millis, keep: f64) -> bool {
        self.refill(now);
        let takes = self.tokens - 1.0 + ROUNDING >= keep;
        if takes {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
        takes
    }

    /// AWS refused a call: others use the bucket too. It is empty, and we go on at half
    /// our rate, which recovers within [`RECOVERY_MS`].
    pub fn throttled(&mut self, now: Millis) {
        self.refill(now);
        self.tokens = 0.0;
        if self.slowed.is_none_or(|(since, _)| now.saturating_sub(since) >= ONE_REFUSAL_MS) {
            let rate = (self.rate(now) / 2.0).max(self.per_s * LEAST_SHARE);
            self.slowed = Some((now, rate));
        }
    }

    /// How many tokens there are.
    pub fn left(&mut self, now: Millis) -> f64 {
        self.refill(now);
        self.tokens
    }

    /// How long that many calls take, in milliseconds from when a token was last asked
    /// for.
    #[must_use]
    pub fn time_for(&self, calls: u32) -> Millis {
        let missing = f64::from(calls) - self.tokens;
        if missing <= 0.0 {
            return 0;
        }
        let rate = self.rate(self.at) / 1000.0;
        let recovery = self.slowed.map_or(0.0, |(since, _)| {
            RECOVERY_MS.saturating_sub(self.at.saturating_sub(since)) as f64
        });
        let full = self.per_s / 1000.0;
        let while_slow = recovery * f64::midpoint(rate, full);
        let ms = if missing > while_slow {
            recovery + (missing - while_slow) / full
        } else {
            // rate · t + slope · t² / 2 = missing, in a form that survives a slope of 0.
            let slope = (full - rate) / recovery;
            2.0 * missing / (rate + (rate * rate + 2.0 * slope * missing).sqrt())
        };
        (ms - ROUNDING).ceil() as Millis
    }

    /// Tokens a second at `now`.
    fn rate(&self, now: Millis) -> f64 {
        let Some((since, low)) = self.slowed else {
            return self.per_s;
        };
        let share = now.saturating_sub(since) as f64 / RECOVERY_MS as f64;
        low + (self.per_s - low) * share.min(1.0)
    }

    fn refill(&mut self, now: Millis) {
        if now <= self.at {
            return;
        }
        // The rate grows along a straight line, so its mean over each piece is exact.
        let bend = self.slowed.map_or(self.at, |(since, _)| since + RECOVERY_MS);
        let bend = bend.clamp(self.at, now);
        for (from, to) in [(self.at, bend), (bend, now)] {
            let mean = f64::midpoint(self.rate(from), self.rate(to));
            self.tokens += mean * (to - from) as f64 / 1000.0;
        }
        self.tokens = self.tokens.min(self.burst);
        self.at = now;
        self.slowed = self.slowed.filter(|&(since, _)| now - since < RECOVERY_MS);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes until `until`, asking every `every` milliseconds; how many it got.
    fn drain(quota: &mut Quota, from: Millis, until: Millis, every: usize, keep: f64) -> u32 {
        let mut got = 0;
        for now in (from..=until).step_by(every) {
            while quota.take(now, keep) {
                got += 1;
            }
        }
        got
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut quota = Quota::new(100.0, 40.0, 0);
        assert_eq!(quota.time_for(100), 0);
        assert_eq!(quota.time_for(140), 1_000);
        assert_eq!(drain(&mut quota, 0, 0, 1, 0.0), 100);
        assert!(quota.left(0).abs() < 0.01);
        assert_eq!(quota.time_for(1_000), 25_000);
        assert_eq!(drain(&mut quota, 0, 10_000, 7, 0.0), 399);
        assert!((quota.left(1_000_000) - 100.0).abs() < 0.01, "never more than the burst");
    }

    #[test]
    fn what_is_kept_for_stopping_stays() {
        let mut quota = Quotas::new(0).change;
        assert_eq!(drain(&mut quota, 0, 0, 1, KEPT_FOR_STOPPING), 70);
        assert_eq!(drain(&mut quota, 0, 0, 1, 0.0), 20);
        // Starting goes on at the rate, above what is kept.
        assert_eq!(drain(&mut quota, 0, 499, 1, KEPT_FOR_STOPPING), 0);
        assert_eq!(drain(&mut quota, 500, 1_500, 1, KEPT_FOR_STOPPING), 40);
    }

    #[test]
    fn on_fargate_tasks_are_started_at_its_own_rate() {
        let launched = |on_fargate| {
            let mut quotas = Quotas::new(0);
            let within = |quotas: &mut Quotas, from: Millis, until: Millis| {
                (from..until).filter(|&now| quotas.take_launch(now, on_fargate)).count()
            };
            let first = within(&mut quotas, 0, 10_000);
            (first, within(&mut quotas, 10_000, 20_000))
        };
        assert_eq!(launched(false).1, 400);
        assert_eq!(launched(true).1, 200);
        // One that is refused takes nothing of the bucket that all share.
        let mut quotas = Quotas::new(0);
        while quotas.take_launch(0, true) {}
        let left = quotas.change.left(0);
        assert!(!quotas.take_launch(0, true));
        assert!((quotas.change.left(0) - left).abs() < f64::EPSILON);
    }

    #[test]
    fn a_refusal_slows_down_for_a_minute() {
        let mut quota = Quota::new(100.0, 40.0, 0);
        quota.throttled(0);
        // Those that were on their way are refused too: that counts once.
        (0..8).for_each(|ms| quota.throttled(ms * 10));
        assert!((quota.rate(70) - 20.0).abs() < 0.1, "{}", quota.rate(70));
        assert_eq!(drain(&mut quota, 70, 1_070, 1, 0.0), 20);
        assert!((quota.rate(30_000) - 30.0).abs() < 0.1);
        // 30 a second is the mean of that minute.
        let mut asked = Quota::new(100.0, 40.0, 0);
        asked.throttled(0);
        assert_eq!(asked.time_for(1_800), 60_000);
        assert_eq!(asked.time_for(1_840), 61_000);
        assert_eq!(drain(&mut asked, 0, 60_000, 3, 0.0), 1_800);
        assert!((asked.rate(60_000) - 40.0).abs() < f64::EPSILON);
        for n in 0..20 {
            quota.throttled(100_000 + n * 1_000);
        }
        assert!((quota.rate(119_000) - 2.5).abs() < 0.2, "not below a sixteenth");
    }

    proptest! {
        #[test]
        fn it_is_never_more_than_allowed_and_the_forecast_holds(
            asks in prop::collection::vec((0u64..3_000, 0u32..60, prop::bool::weighted(0.05)), 1..80),
            calls in 0u32..500,
        ) {
            let mut quota = Quota::new(100.0, 40.0, 5);
            let (mut now, mut got) = (5, 0_u32);
            for (gap, wanted, refused) in asks {
                now += gap;
                if refused {
                    quota.throttled(now);
                }
                got += (0..wanted).map(|_| u32::from(quota.take(now, 0.0))).sum::<u32>();
                let allowed = 100.0 + (now - 5) as f64 * 0.04;
                prop_assert!(f64::from(got) <= allowed + 0.01, "{} of {}", got, allowed);
            }
            let _ = quota.left(now);
            // Whoever asks each millisecond is done when the forecast says so.
            let forecast = quota.time_for(calls);
            let mut done = (now..).scan(0, |taken, at| {
                while *taken < calls && quota.take(at, 0.0) {
                    *taken += 1;
                }
                Some((at, *taken))
            });
            let end = done.find(|&(_, taken)| taken == calls).map_or(0, |(at, _)| at);
            prop_assert!((end - now).abs_diff(forecast) <= 1, "{} or {}", end - now, forecast);
        }
    }
}
