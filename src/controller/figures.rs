//! The live figures: what is asked of CloudWatch at each refresh, and what the
//! screen gets of the answers.
//!
//! One call a refresh, whatever the fleet's size. Invariants: percentiles of an
//! interval or window come from that interval's or window's merged distribution;
//! a point is final (and counted into the totals) only when it is old enough for
//! every agent to have reported; an interval that some agent is missing from is
//! marked so. The report interval may grow in mid-run: moments at which agents disagreed
//! about it count into the totals and are no points. What was before this controller came
//! is asked for once, by minutes ([`past`]).

mod past;
mod queries;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    history::{History, MINUTE_MS},
    intervals::Intervals,
    snapshot::{Aged, DevicesView, Point, Quantiles, TrafficView, Window},
};
use crate::{
    cloud::types::Series,
    model::{Millis, ramp, wish::Wish},
};

use past::Past;
pub(super) use past::PastAsked;
pub(super) use queries::{Asked, queries, queries_a_refresh};
use queries::{quantiles, transpose};

/// How far back every refresh asks again, in seconds: late data finds its way in.
const LOOK_BACK_S: u64 = 30;
/// How long the local cloud keeps seconds; AWS keeps three hours.
const KEPT_S: u64 = 3_600;
/// Least length of the window of the current figures, in seconds.
const WINDOW_S: u32 = 5;
/// A point is final when it is this old, in milliseconds.
const FINAL_MS: Millis = 8_000;
/// An incomplete point is held back for so long, in milliseconds.
const HELD_BACK_MS: Millis = 4_000;

/// What the agents reported, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Figures {
    intervals: Intervals,
    history: History,
    /// Points up to here are final.
    settled: Millis,
    /// Whole minutes up to here were asked for.
    minutes_to: Millis,
    /// What was before.
    past: Past,
    /// Of all final points.
    sums: Sums,
    /// The minute that the latest final points are in, and the sums before it: a past
    /// that is asked for by whole minutes takes their place from there on.
    before_minute: (Millis, Sums),
    /// Of the points that are not final yet, as far as reported.
    recent: Sums,
    devices: DevicesView,
    /// End of the interval that the devices are of (the bucket's clock).
    devices_at: Option<Millis>,
    window: Option<Window>,
    /// How many tasks were RUNNING, by the moment from which on.
    expected: BTreeMap<Millis, u32>,
    /// What the screen gets, made once a refresh.
    traffic: Aged<TrafficView>,
}

/// What is summed up over intervals.
#[derive(Debug, Default, Clone)]
struct Sums {
    requests: u64,
    late: u64,
    errors: BTreeMap<String, u64>,
}

impl Figures {
    /// What a refresh at `now` (the bucket's clock) asks for: the latest half minute, and
    /// after a time without answers all that is not final. A window holds an interval.
    pub(super) fn ask(&self, wish: &Wish, now: Millis) -> Asked {
        let window_s = WINDOW_S.max((wish.report_ms / 1000) as u32);
        let window = Millis::from(window_s) * 1000;
        let recent = now.saturating_sub(LOOK_BACK_S * 1000);
        let missed = if self.settled > 0 { self.settled } else { recent };
        let kept = now.saturating_sub(KEPT_S * 1000);
        let from = recent.min(missed).max(kept) / window * window;
        let minutes = self.minutes_due(wish, now);
        // Minutes begin where windows of every length do.
        let from = minutes.map_or(from, |(minute, _)| minute.min(from));
        Asked { range: (from, now), window_s, minutes }
    }

    /// The whole minutes that became final and whose own percentiles were not asked for.
    fn minutes_due(&self, wish: &Wish, now: Millis) -> Option<(Millis, Millis)> {
        let known_from = self.history.fine_from()? / MINUTE_MS * MINUTE_MS;
        let kept = (now.saturating_sub(KEPT_S * 1000) / MINUTE_MS + 1) * MINUTE_MS;
        let from = self.minutes_to.max(known_from).max(kept);
        let to = now.saturating_sub(wish.report_ms.max(1000) + FINAL_MS) / MINUTE_MS * MINUTE_MS;
        (from < to).then_some((from, to))
    }

    /// Notes how many tasks should report from `at` on.
    pub(super) fn expect(&mut self, at: Millis, tasks: u32) {
        if self.expected.last_key_value().is_none_or(|(_, &last)| last != tasks) {
            self.expected.insert(at, tasks);
        }
        while self.expected.len() > 100 {
            self.expected.pop_first();
        }
    }

    /// Tasks that were RUNNING over the whole interval from `at` on, at least.
    fn expected_at(&self, at: Millis, interval_ms: Millis) -> u32 {
        let before = self.expected.range(..=at).next_back().map_or(0, |(_, &tasks)| tasks);
        let within = self.expected.range(at..at + interval_ms).map(|(_, &tasks)| tasks).min();
        within.map_or(before, |within| within.min(before))
    }

    /// Whether fewer tasks reported lately than should have: some agent may be lost.
    pub(super) fn is_missing_reports(&self) -> bool {
        self.devices_at.is_some() && self.devices.tasks_reporting < self.devices.tasks_expected
    }

    /// Takes the answers of a refresh in, as it was asked for; `to_wall` makes this
    /// machine's time of the bucket's.
    pub(super) fn learn(
        &mut self,
        series: &Series,
        wish: &Wish,
        asked: Asked,
        to_wall: impl Fn(Millis) -> Millis,
    ) {
        let now = asked.range.1;
        self.intervals.note(wish, now);
        let by_moment = transpose(series);
        let mut last_complete = None;
        for (&at, values) in &by_moment {
            let value = |id: &str| values.get(id).copied();
            let sum = |id: &str| value(id).unwrap_or(0.0);
            let Some(interval_ms) = self.intervals.at(at) else {
                continue;
            };
            let rate = 1000.0 / interval_ms as f64;
            // Windows have moments of their own; a point needs a report.
            if value("reporters").is_none() || at + interval_ms > now || at < self.settled {
                continue;
            }
            let expected = self.expected_at(at, interval_ms);
            let point = Point {
                at,
                length_ms: interval_ms,
                requests_per_s: sum("requests") * rate,
                errors_per_s: sum("errors") * rate,
                planned: f64::from(ramp::progress(wish, at + interval_ms).due),
                connected: sum("d_connected"),
                response: quantiles(values, "r"),
                lag_ms: sum("lag"),
                cpu: sum("cpu"),
                complete: sum("reporters") as u32 >= expected,
            };
            if !point.complete && at + interval_ms + HELD_BACK_MS > now {
                continue;
            }
            // What was planned then is not changed by what the wish became.
            let planned = self.history.get(at).map_or(point.planned, |old| old.planned);
            self.history.add(Point { planned, ..point });
            last_complete = Some((at, interval_ms));
        }
        if let Some((at, interval_ms)) = last_complete {
            self.learn_devices(&by_moment[&at], at, interval_ms);
        }
        let interval_ms = wish.report_ms.max(1000);
        self.settle(&by_moment, interval_ms, now);
        self.learn_window(series, asked);
        self.learn_minutes(&by_moment, asked);
        self.history.thin(now);
        self.traffic = self.view(interval_ms, to_wall);
    }

    fn learn_devices(&mut self, values: &BTreeMap<&str, f64>, at: Millis, interval_ms: Millis) {
        let count = |id: &str| values.get(id).map_or(0, |value| value.round() as u32);
        self.devices.starting = count("d_starting");
        self.devices.connected = count("d_connected");
        self.devices.failed = count("d_failed");
        self.devices.tasks_reporting = count("reporters");
        // A task that ends reports for the last time after it was counted out.
        let expected = self.expected_at(at, interval_ms);
        self.devices.tasks_expected = expected.max(self.devices.tasks_reporting);
        self.devices_at = Some(at + interval_ms);
    }

    /// Counts the intervals that became final into the totals, once each.
    fn settle(
        &mut self,
        by_moment: &BTreeMap<Millis, BTreeMap<&str, f64>>,
        interval_ms: Millis,
        now: Millis,
    ) {
        let until = now.saturating_sub(interval_ms + FINAL_MS) / interval_ms * interval_ms;
        if until > self.settled {
            for (&at, values) in by_moment.range(self.settled..until) {
                let minute = at / MINUTE_MS * MINUTE_MS;
                if minute > self.before_minute.0 {
                    self.before_minute = (minute, self.sums.clone());
                }
                self.sums.add(values);
            }
            self.settled = until;
        }
        self.recent = Sums::default();
        for (_, values) in by_moment.range(self.settled..) {
            self.recent.add(values);
        }
    }

    /// Takes in the percentiles of whole minutes.
    fn learn_minutes(&mut self, by_moment: &BTreeMap<Millis, BTreeMap<&str, f64>>, asked: Asked) {
        let Some((from, to)) = asked.minutes else {
            return;
        };
        for (&at, values) in by_moment.range(from..to) {
            if let Some(own) = quantiles(values, "m") {
                self.history.know(at, own);
            }
        }
        self.minutes_to = to;
    }

    fn learn_window(&mut self, series: &Series, asked: Asked) {
        let now = asked.range.1;
        let length_ms = Millis::from(asked.window_s) * 1000;
        // Its last interval must have had time to be reported.
        let whole = |at: Millis| at + length_ms + 1_500 <= now;
        let at = |id: &str, at: Millis| {
            let points = series.get(id)?;
            points.iter().find(|(moment, _)| *moment == at).map(|(_, value)| *value)
        };
        let Some(from) = series.get("w_response_p50").and_then(|points| {
            points.iter().rev().map(|&(from, _)| from).find(|&from| whole(from))
        }) else {
            return;
        };
        let quantiles = |kind: &str| {
            let get = |id: &str| at(&format!("w_{kind}_{id}"), from).unwrap_or(0.0);
            Quantiles { p50: get("p50"), p90: get("p90"), p99: get("p99"), max: get("max") }
        };
        self.window = Some(Window {
            from,
            length_ms,
            response: quantiles("response"),
            service: quantiles("service"),
        });
    }

    /// The devices as the agents say, with what the wish wants.
    pub(super) fn devices(
        &self,
        wanted: u32,
        to_wall: impl Fn(Millis) -> Millis,
    ) -> Aged<DevicesView> {
        let mut value = self.devices.clone();
        value.wanted = wanted;
        value.late = (self.sums.late + self.recent.late) as u32;
        Aged { value, at: self.devices_at.map(to_wall) }
    }

    /// The traffic, its moments by this machine's clock.
    pub(super) fn traffic(&self) -> Aged<TrafficView> {
        self.traffic.clone()
    }

    fn view(&self, interval_ms: Millis, to_wall: impl Fn(Millis) -> Millis) -> Aged<TrafficView> {
        let mut points = Vec::with_capacity(self.history.len());
        points.extend(self.history.iter().map(|it| Point { at: to_wall(it.at), ..*it }));
        let at = points.last().map(|last| last.at + last.length_ms);
        let window = self.window.map(|it| Window { from: to_wall(it.from), ..it });
        let mut errors = self.sums.errors.clone();
        for (kind, count) in &self.recent.errors {
            *errors.entry(kind.clone()).or_default() += count;
        }
        let value = TrafficView {
            interval_ms,
            points: Arc::new(points),
            window,
            requests: self.sums.requests + self.recent.requests,
            errors,
        };
        Aged { value, at }
    }
}

impl Sums {
    fn add(&mut self, values: &BTreeMap<&str, f64>) {
        let count = |id: &str| values.get(id).map_or(0, |value| value.round() as u64);
        self.requests += count("requests");
        self.late += count("late");
        for (id, value) in values {
            if let Some(kind) = id.strip_prefix("e_").filter(|_| *value >= 1.0) {
                *self.errors.entry(kind.replace('_', "-")).or_default() += value.round() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(seconds: &[(Millis, f64, f64)]) -> Series {
        let mut series = Series::new();
        for &(at, reporters, requests) in seconds {
            for (id, value) in [
                ("reporters", reporters),
                ("requests", requests),
                ("errors", 1.0),
                ("e_connect_timeout", 1.0),
                ("d_connected", 10.0),
            ] {
                series.entry(id.to_owned()).or_default().push((at, value));
            }
        }
        series
    }

    fn at(now: Millis) -> Asked {
        Asked { range: (0, now), window_s: WINDOW_S, minutes: None }
    }

    #[test]
    fn a_longer_interval_changes_no_total_and_makes_no_wrong_point() {
        let mut wish = Wish::new("p", 0);
        let mut figures = Figures::default();
        figures.expect(0, 1);
        // Ten requests a second, first reported every second.
        let every_second: Vec<_> = (0..100).map(|s| (s * 1000, 1.0, 10.0)).collect();
        figures.learn(&series(&every_second), &wish, at(100_000), |at| at);
        assert_eq!(figures.traffic().value.points.len(), 100);
        // The wish says ten seconds from 100 s on; its agent knows at 101 s.
        wish.report_ms = 10_000;
        let mut all = every_second;
        all.push((100_000, 1.0, 10.0));
        all.extend((0..9).map(|n| (110_000 + n * 10_000, 1.0, 100.0)));
        figures.learn(&series(&all), &wish, at(101_000), |at| at);
        figures.learn(&series(&all), &wish, at(205_000), |at| at);
        figures.learn(&series(&all), &wish, at(240_000), |at| at);
        let traffic = figures.traffic().value;
        assert_eq!(traffic.requests, 101 * 10 + 9 * 100);
        assert_eq!(traffic.interval_ms, 10_000);
        let rates: Vec<_> = traffic.points.iter().map(|it| it.requests_per_s).collect();
        assert!(rates.iter().all(|rate| (rate - 10.0).abs() < 1e-9), "{rates:?}");
        let last = traffic.points.last().map(|it| it.at);
        assert_eq!(last, Some(190_000));
        assert_eq!(figures.ask(&wish, 240_000).window_s, 10, "a window holds an interval");
    }

    #[test]
    fn incomplete_intervals_are_held_back_and_totals_count_once() {
        let wish = Wish::new("p", 0);
        let mut figures = Figures::default();
        figures.expect(0, 2);
        let now = 22_500;
        let data = series(&[(10_000, 2.0, 5.0), (19_000, 2.0, 7.0), (21_000, 1.0, 9.0)]);
        figures.learn(&data, &wish, at(now), |at| at);
        let traffic = figures.traffic().value;
        let ats: Vec<_> = traffic.points.iter().map(|it| it.at).collect();
        assert_eq!(ats, [10_000, 19_000], "the last one misses a task");
        assert_eq!(traffic.requests, 21, "also what is not final yet");
        figures.learn(&data, &wish, at(now + 10_000), |at| at);
        figures.learn(&data, &wish, at(now + 10_000), |at| at);
        let traffic = figures.traffic().value;
        assert_eq!(traffic.requests, 21);
        assert_eq!(traffic.errors, BTreeMap::from([("connect-timeout".to_owned(), 3)]));
    }

    #[test]
    fn a_task_that_just_started_is_not_missed_yet() {
        let mut figures = Figures::default();
        figures.expect(0, 1);
        figures.expect(5_500, 2);
        assert_eq!(figures.expected_at(4_000, 1000), 1);
        assert_eq!(figures.expected_at(5_000, 1000), 1);
        assert_eq!(figures.expected_at(6_000, 1000), 2);
    }
}
