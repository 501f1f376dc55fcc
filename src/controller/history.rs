//! The points of a run over days, in fixed memory.
//!
//! Invariant: nothing is dropped. Points stay as they were reported for an hour, are then
//! added together to minutes, and beyond a week neighbours are added together: rates and
//! requests stay exact. The percentiles of a minute are its own where CloudWatch was asked
//! for them in time; otherwise, and of what is longer than a minute, they are the worst of
//! what was added, each, and so never too good.

use std::collections::BTreeMap;

use super::snapshot::{Point, Quantiles};
use crate::model::Millis;

/// How long points stay as they were reported.
pub(super) const FINE_MS: Millis = 3_600_000;
/// What they become then.
pub(super) const MINUTE_MS: Millis = 60_000;
/// How many of those there are at most: a week of minutes.
const OLD_MOST: usize = 7 * 24 * 60;

/// Points by when they began (the metrics' clock); they do not overlap.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Minutes, and what is longer.
    old: BTreeMap<Millis, Point>,
    /// As they were reported.
    fine: BTreeMap<Millis, Point>,
    /// Percentiles of whole minutes that are still in `fine`.
    own: BTreeMap<Millis, Quantiles>,
    /// What is before belongs into `old`.
    folded: Millis,
}

impl History {
    /// The points, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Point> {
        self.old.values().chain(self.fine.values())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.old.len() + self.fine.len()
    }

    /// The point that began then, as it was reported.
    pub(super) fn get(&self, at: Millis) -> Option<&Point> {
        self.fine.get(&at)
    }

    /// When the oldest one began that is as it was reported.
    pub(super) fn fine_from(&self) -> Option<Millis> {
        self.fine.first_key_value().map(|(&at, _)| at)
    }

    /// Adds a point as it was reported, in place of one that began then. One that is too
    /// old for that must come as [`History::add_minute`].
    pub(super) fn add(&mut self, point: Point) {
        if point.at >= self.folded {
            self.fine.insert(point.at, point);
        }
    }

    /// Adds the point of a whole minute that is not known more finely.
    pub(super) fn add_minute(&mut self, point: Point) {
        let to = point.at + MINUTE_MS;
        let known = self.fine.range(point.at..to).next().is_some()
            || self.old.range(..to).next_back().is_some_and(|(_, it)| end(it) > point.at);
        if !known {
            self.old.insert(point.at, point);
        }
    }

    /// Notes a whole minute's own percentiles.
    pub(super) fn know(&mut self, minute: Millis, quantiles: Quantiles) {
        if minute >= self.folded {
            self.own.insert(minute, quantiles);
        }
    }

    /// Adds together what is too old, or too much.
    pub(super) fn thin(&mut self, now: Millis) {
        let until = now.saturating_sub(FINE_MS) / MINUTE_MS * MINUTE_MS;
        self.folded = self.folded.max(until);
        while let Some(at) = self.fine_from().filter(|&at| at < until) {
            self.fold(at / MINUTE_MS * MINUTE_MS);
        }
        self.own = self.own.split_off(&until);
        if self.old.len() > OLD_MOST {
            self.join_shortest();
        }
    }

    /// Makes one point of a minute's.
    fn fold(&mut self, minute: Millis) {
        let mut rest = self.fine.split_off(&minute);
        let mut later = rest.split_off(&(minute + MINUTE_MS));
        self.fine.append(&mut later);
        let whole = rest.into_values().reduce(|sum, more| joined(&sum, &more));
        if let Some(mut whole) = whole {
            whole.response = self.own.remove(&minute).or(whole.response);
            self.old.insert(whole.at, whole);
        }
    }

    /// Adds neighbours together that are no longer than the shortest two are, the oldest
    /// first. A pass like this is rare, since it halves the number of such.
    fn join_shortest(&mut self) {
        let pairs = self.old.values().zip(self.old.values().skip(1));
        let Some(shortest) = pairs.map(|(a, b)| end(b) - a.at).min() else {
            return;
        };
        let mut old = std::mem::take(&mut self.old).into_values().peekable();
        while let Some(mut point) = old.next() {
            if let Some(next) = old.next_if(|next| end(next) - point.at <= shortest) {
                point = joined(&point, &next);
            }
            self.old.insert(point.at, point);
        }
    }
}

fn end(point: &Point) -> Millis {
    point.at + point.length_ms
}

/// Two points as one. Its length is the time that both cover, without a gap between
/// them: its rates are those of that time.
fn joined(a: &Point, b: &Point) -> Point {
    let length_ms = a.length_ms + b.length_ms;
    let share = b.length_ms as f64 / (length_ms.max(1)) as f64;
    let mean = |a: f64, b: f64| a + (b - a) * share;
    Point {
        at: a.at,
        length_ms,
        requests_per_s: mean(a.requests_per_s, b.requests_per_s),
        errors_per_s: mean(a.errors_per_s, b.errors_per_s),
        planned: mean(a.planned, b.planned),
        connected: mean(a.connected, b.connected),
        response: match (a.response, b.response) {
            (Some(a), Some(b)) => Some(worst(a, b)),
            (a, b) => a.or(b),
        },
        lag_ms: a.lag_ms.max(b.lag_ms),
        cpu: a.cpu.max(b.cpu),
        complete: a.complete && b.complete,
    }
}

fn worst(a: Quantiles, b: Quantiles) -> Quantiles {
    Quantiles {
        p50: a.p50.max(b.p50),
        p90: a.p90.max(b.p90),
        p99: a.p99.max(b.p99),
        max: a.max.max(b.max),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: Millis = 3_600_000;

    fn point(at: Millis, length_ms: Millis, requests: f64) -> Point {
        let ms = requests + 1.0;
        Point {
            at,
            length_ms,
            requests_per_s: requests * 1000.0 / length_ms as f64,
            connected: requests,
            response: Some(Quantiles { p50: ms, p90: ms, p99: ms, max: ms }),
            complete: true,
            ..Point::default()
        }
    }

    fn requests(history: &History) -> f64 {
        history.iter().map(|it| it.requests_per_s * it.length_ms as f64 / 1000.0).sum()
    }

    fn assert_apart(history: &History) {
        let points: Vec<_> = history.iter().collect();
        for pair in points.windows(2) {
            assert!(end(pair[0]) <= pair[1].at, "{pair:?}");
        }
    }

    #[test]
    fn a_day_of_seconds_is_an_hour_of_seconds_and_minutes() {
        let mut history = History::default();
        for second in 0..24 * 3_600_u64 {
            history.add(point(second * 1000, 1000, 10.0));
            if second % 60 == 59 {
                let own = Quantiles { p50: 1.0, p90: 2.0, p99: 3.0, max: 11.0 };
                // Every second minute's own percentiles were not learned.
                if second / 60 % 2 == 0 {
                    history.know(second / 60 * MINUTE_MS, own);
                }
                history.thin(second * 1000);
            }
        }
        let fine = history.iter().filter(|it| it.length_ms == 1000).count();
        let minutes = history.iter().filter(|it| it.length_ms == MINUTE_MS).count();
        assert_eq!((fine, minutes), (3_660, 23 * 60 - 1));
        assert!((requests(&history) - 864_000.0).abs() < 1e-3);
        assert_apart(&history);
        let first: Vec<_> = history.iter().take(2).filter_map(|it| it.response).collect();
        assert!((first[0].p99 - 3.0).abs() < 1e-9, "its own");
        assert!((first[1].p99 - 11.0).abs() < 1e-9, "the worst");
        assert!(history.own.len() <= 31);
    }

    #[test]
    fn beyond_a_week_neighbours_are_added_and_nothing_is_dropped() {
        let mut history = History::default();
        let minutes = 4 * OLD_MOST as u64;
        for minute in 0..minutes {
            history.add(point(minute * MINUTE_MS, MINUTE_MS, 60.0));
            history.thin((minute + 1) * MINUTE_MS);
            assert!(history.len() <= OLD_MOST + 61);
        }
        assert!((requests(&history) - minutes as f64 * 60.0).abs() < 1e-2);
        assert_apart(&history);
        let longest = history.iter().map(|it| it.length_ms).max();
        assert!(longest <= Some(8 * MINUTE_MS), "{longest:?}: evenly");
    }

    #[test]
    fn a_minute_that_is_known_already_is_not_there_twice() {
        let mut history = History::default();
        history.add(point(90_000, 1000, 5.0));
        history.add_minute(point(0, MINUTE_MS, 7.0));
        history.add_minute(point(0, MINUTE_MS, 7.0));
        history.add_minute(point(MINUTE_MS, MINUTE_MS, 7.0));
        let seen: Vec<_> = history.iter().map(|it| (it.at, it.length_ms)).collect();
        assert_eq!(seen, [(0, MINUTE_MS), (90_000, 1000)]);
    }

    proptest! {
        #[test]
        fn no_request_is_lost_whatever_is_missing(
            seconds in prop::collection::btree_map(0u64..4 * 3_600, 0u32..1000, 0..400),
            step in prop::sample::select(vec![1u64, 5, 10, 30, 60]),
        ) {
            let mut history = History::default();
            let mut sum = 0.0;
            for (second, requests) in seconds {
                let at = second / step * step * 1000;
                if history.get(at).is_none() {
                    history.add(point(at, step * 1000, f64::from(requests)));
                    sum += f64::from(requests);
                }
                history.thin(at + step * 1000);
            }
            history.thin(9 * HOUR_MS);
            prop_assert!((requests(&history) - sum).abs() < 1e-6 * sum.max(1.0));
            prop_assert!(history.fine.is_empty());
            assert_apart(&history);
        }
    }
}
