//! What was before this controller came, or while it slept.
//!
//! It is asked for once: minutes as far back as they are kept, and the seconds of the last
//! hour. Invariant: what is before `to` counts into the totals by its minutes and nothing
//! else, what is later by the refreshes; so each request counts once.
//!
//! Of a minute, agents said as often as their interval then was how many devices are
//! connected, and nobody wrote that interval down. It only grows during a run: the present
//! one is taken, and a shorter one where more devices would have been connected than there
//! were.

use std::collections::BTreeMap;

use super::{
    FINAL_MS, Figures, KEPT_S, LOOK_BACK_S,
    queries::{of_past, quantiles, transpose},
};
use crate::{
    cloud::{
        Cloud, CloudError,
        types::{Query, Series},
    },
    controller::{
        history::{FINE_MS, MINUTE_MS},
        snapshot::Point,
    },
    model::{Millis, ramp, wish::Wish},
    stats::metrics,
};

/// How much earlier than its registry says a run may have begun: whoever wrote it had
/// another clock than the bucket.
const BEGAN_EARLIER_MS: Millis = 10 * MINUTE_MS;
/// How far back minutes are asked for.
const BACK_MS: Millis = 7 * 24 * FINE_MS;
/// Report intervals that agents may have had, in milliseconds, longest first.
const INTERVALS: [Millis; 5] = [60_000, 30_000, 10_000, 5_000, 1_000];

/// What is to be asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// Nothing.
    #[default]
    Known,
    /// All since then.
    Since(Millis),
    /// This; it was asked for, or is asked for again.
    Of(PastAsked),
}

/// A time that was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::controller) struct PastAsked {
    from: Millis,
    /// From here on seconds are known.
    seconds_from: Millis,
    to: Millis,
}

impl PastAsked {
    /// Asks, in two calls.
    pub(in crate::controller) async fn read(
        self,
        cloud: Cloud,
        run: String,
    ) -> Result<(Series, Series), CloudError> {
        let (minutes, seconds) = of_past(&run);
        let read = async |queries: &[Query], from| {
            cloud.metrics(metrics::NAMESPACE, queries, from, self.to).await
        };
        let minutes = read(&minutes, self.from).await?;
        let seconds = read(&seconds, self.seconds_from).await?;
        Ok((minutes, seconds))
    }
}

impl Figures {
    /// The run began before we came, at that time: its past is to be asked for.
    pub(in crate::controller) fn recall(&mut self, began: Millis) {
        self.past = Past::Since(began.saturating_sub(BEGAN_EARLIER_MS));
    }

    /// What is to be asked for of what was before `now` (the bucket's clock), if anything.
    pub(in crate::controller) fn ask_past(&mut self, now: Millis) -> Option<PastAsked> {
        if self.past == Past::Known
            && self.settled > 0
            && now.saturating_sub(self.settled) > KEPT_S * 1000 - 2 * MINUTE_MS
        {
            let from = self.settled / MINUTE_MS * MINUTE_MS;
            // That minute comes whole: its seconds that are counted already would count twice.
            if self.before_minute.0 == from {
                self.sums = self.before_minute.1.clone();
            }
            self.past = Past::Since(from);
        }
        if let Past::Since(from) = self.past {
            let to = now.saturating_sub(LOOK_BACK_S * 1000 + FINAL_MS) / MINUTE_MS * MINUTE_MS;
            let from = from.max(to.saturating_sub(BACK_MS)) / MINUTE_MS * MINUTE_MS;
            let hour_ago = to.saturating_sub(KEPT_S * 1000 - 2 * MINUTE_MS);
            if from >= to {
                self.past = Past::Known;
                return None;
            }
            self.past = Past::Of(PastAsked { from, seconds_from: from.max(hour_ago), to });
            self.settled = to;
            self.minutes_to = to;
        }
        match self.past {
            Past::Of(asked) => Some(asked),
            Past::Known | Past::Since(_) => None,
        }
    }

    /// Takes the past in.
    pub(in crate::controller) fn learn_past(
        &mut self,
        asked: PastAsked,
        (minutes, seconds): &(Series, Series),
        wish: &Wish,
    ) {
        if self.past != Past::Of(asked) {
            return;
        }
        self.past = Past::Known;
        let (minutes, seconds) = (transpose(minutes), transpose(seconds));
        let interval_ms = wish.report_ms.max(1000);
        let fine_from = fine_from(seconds.keys().copied(), asked.seconds_from, interval_ms);
        for (&at, values) in seconds.range(fine_from..asked.to) {
            if values.contains_key("reporters") && at.is_multiple_of(interval_ms) {
                self.history.add(point(values, wish, (at, interval_ms), 1));
            }
        }
        for (&at, values) in minutes.range(asked.from..asked.to) {
            self.sums.add(values);
            self.before_minute.1.add(values);
            if let Some(own) = quantiles(values, "r") {
                self.history.know(at, own);
            }
            if values.contains_key("reporters") {
                let times = reports_of_each(values, wish, at);
                self.history.add_minute(point(values, wish, (at, MINUTE_MS), times));
            }
        }
    }
}

/// From when on all reports are of this interval: before, they were of a shorter one.
fn fine_from(
    moments: impl DoubleEndedIterator<Item = Millis>,
    seconds_from: Millis,
    interval_ms: Millis,
) -> Millis {
    let mut later = Millis::MAX;
    for at in moments.rev() {
        if !at.is_multiple_of(interval_ms) || later - at < interval_ms {
            return (at / MINUTE_MS + 1) * MINUTE_MS;
        }
        later = at;
    }
    seconds_from
}

/// How often each task reported in the minute from `at` on.
fn reports_of_each(values: &BTreeMap<&str, f64>, wish: &Wish, at: Millis) -> u64 {
    let begun = wish.batches.iter();
    let begun = begun.filter(|it| it.start_at.is_some_and(|start| start < at + MINUTE_MS));
    let devices: f64 = begun.map(|it| f64::from(it.count)).sum();
    let connected = values.get("d_connected").copied().unwrap_or(0.0);
    let can_be = |ms: &Millis| {
        *ms <= wish.report_ms.max(1000) && connected * *ms as f64 <= devices * MINUTE_MS as f64
    };
    MINUTE_MS / INTERVALS.into_iter().find(can_be).unwrap_or(1000)
}

/// A point of these values; gauges are the sum of so many `times`.
fn point(
    values: &BTreeMap<&str, f64>,
    wish: &Wish,
    (at, length_ms): (Millis, Millis),
    times: u64,
) -> Point {
    let value = |id: &str| values.get(id).copied().unwrap_or(0.0);
    let rate = 1000.0 / length_ms as f64;
    Point {
        at,
        length_ms,
        requests_per_s: value("requests") * rate,
        errors_per_s: value("errors") * rate,
        planned: f64::from(ramp::progress(wish, at + length_ms).due),
        connected: value("d_connected") / times as f64,
        response: quantiles(values, "r"),
        lag_ms: value("lag"),
        cpu: value("cpu"),
        complete: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wish::{Batch, Change, Edit, Spread};

    fn wish(report_ms: Millis) -> Wish {
        let mut wish = Wish::new("p", Millis::MAX);
        wish.report_ms = report_ms;
        let batch = Batch {
            first: 0,
            count: 10,
            execution: 0,
            start_at: Some(0),
            over_ms: 0,
            spread: Spread::Uniform,
            seed: 0,
        };
        wish.edited(&Edit { id: "a".into(), change: Change::Add(batch) }, 0)
    }

    /// Ten devices that make ten requests a second, reported every `interval_s`, as
    /// sums over `period_s`.
    fn series(from_s: u64, to_s: u64, interval_s: u64, period_s: u64) -> Series {
        let mut series = Series::new();
        for at in (from_s..to_s).step_by(period_s.max(interval_s) as usize) {
            let reports = (period_s / interval_s).max(1) as f64;
            let requests = 10.0 * interval_s as f64 * reports;
            for (id, value) in [
                ("reporters", reports),
                ("requests", requests),
                ("d_connected", 10.0 * reports),
                ("r_p50", 1.0),
                ("r_p99", 2.0),
                ("e_timeout", reports),
            ] {
                series.entry(id.to_owned()).or_default().push((at * 1000, value));
            }
        }
        series
    }

    fn assert_steady(figures: &Figures) {
        let mut reached = 0;
        for point in figures.history.iter() {
            assert!(point.at >= reached, "they overlap: {point:?}");
            reached = point.at + point.length_ms;
            assert!((point.requests_per_s - 10.0).abs() < 1e-9, "{point:?}");
            assert!((point.connected - 10.0).abs() < 1e-9, "{point:?}");
        }
    }

    #[test]
    fn who_comes_late_sees_the_past_and_counts_it_once() {
        let (wish, mut figures) = (wish(1000), Figures::default());
        let now = 3 * 3_600_000 + 30_000;
        figures.recall(600_000);
        let asked = figures.ask_past(now).expect("there is a past");
        assert_eq!(figures.ask_past(now + 5_000), Some(asked), "as long as it is not answered");
        let PastAsked { from, seconds_from, to } = asked;
        assert_eq!((from, to), (0, now - 90_000), "only what is final");
        // A refresh comes first: it asks for all that the past will not bring.
        let ask = figures.ask(&wish, now);
        assert!(ask.range.0 <= to, "{ask:?}");
        figures.learn(&series(ask.range.0 / 1000, now / 1000, 1, 1), &wish, ask, |at| at);
        let minutes = series(from / 1000, to / 1000, 1, 60);
        let seconds = series(seconds_from / 1000, to / 1000, 1, 1);
        figures.learn_past(asked, &(minutes.clone(), seconds.clone()), &wish);
        figures.learn_past(asked, &(minutes, seconds), &wish);
        let ask = figures.ask(&wish, now + 5_000);
        let now_s = now / 1000 + 5;
        figures.learn(&series(ask.range.0 / 1000, now_s, 1, 1), &wish, ask, |at| at);
        let traffic = figures.traffic().value;
        assert_eq!(traffic.requests, now_s * 10);
        assert_eq!(traffic.errors["timeout"], now_s);
        assert_steady(&figures);
        let (first, last) = (traffic.points[0], traffic.points.last().expect("points"));
        assert_eq!((first.at, first.length_ms), (0, MINUTE_MS));
        assert_eq!((last.at, last.length_ms), ((now_s - 1) * 1000, 1000));
        assert_eq!(figures.ask_past(now + 10_000), None);
    }

    #[test]
    fn what_was_reported_more_often_then_is_not_counted_more() {
        let (wish, mut figures) = (wish(10_000), Figures::default());
        let now = 2 * 3_600_000;
        figures.recall(0);
        let asked = figures.ask_past(now).expect("there is a past");
        let change_s = asked.to / 1000 - 600;
        let mut minutes = series(0, change_s, 1, 60);
        let mut seconds = series(asked.seconds_from / 1000, change_s, 1, 1);
        for (all, period_s) in [(&mut minutes, 60), (&mut seconds, 10)] {
            for (id, points) in series(change_s, asked.to / 1000, 10, period_s) {
                all.entry(id).or_default().extend(points);
            }
        }
        figures.learn_past(asked, &(minutes, seconds), &wish);
        assert_steady(&figures);
        let lengths = figures.history.iter().map(|it| it.length_ms);
        let lengths: std::collections::BTreeSet<_> = lengths.collect();
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [10_000, MINUTE_MS]);
        assert_eq!(figures.sums.requests, asked.to / 1000 * 10);
    }

    #[test]
    fn a_long_sleep_becomes_a_past() {
        let (wish, mut figures) = (wish(1000), Figures::default());
        let ask = figures.ask(&wish, 100_000);
        figures.learn(&series(0, 100, 1, 1), &wish, ask, |at| at);
        assert_eq!(figures.ask_past(2_000_000), None, "refreshes reach back that far");
        let asked = figures.ask_past(4 * 3_600_000).expect("they do not");
        assert!(asked.from <= 91_000 && asked.seconds_from > asked.from, "{asked:?}");
        let minutes = series(asked.from / 1000, asked.to / 1000, 1, 60);
        let seconds = series(asked.seconds_from / 1000, asked.to / 1000, 1, 1);
        figures.learn_past(asked, &(minutes, seconds), &wish);
        assert_eq!(figures.sums.requests, asked.to / 1000 * 10, "each once");
    }
}
