//! The exact results of a run, or of a part of its time: all agents' parts in one.
//!
//! Invariant: distributions are added bucket by bucket, so the merged one is the
//! one that a single recorder of all requests would have made. Every percentile of
//! a summary comes from here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    ErrorKind, Histogram, Interval, Outcome, Part, Report, Time,
    times::{Times, histogram},
};
use crate::model::Millis;

/// All that the added parts hold together.
#[derive(Debug, Clone, Default)]
pub struct Merged {
    /// Times of all requests.
    pub requests_times: RequestTimes,
    /// Requests by label.
    pub labels: BTreeMap<String, Label>,
    /// Times of connecting; failures are those of connections that were not made.
    pub connect: Split,
    /// The agents' lateness.
    pub lag: Split,
    /// Requests that were sent and finished.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub request_errors: BTreeMap<ErrorKind, u64>,
    /// Connections that were not made, or broke while no request was under way.
    pub connection_errors: BTreeMap<ErrorKind, u64>,
    /// Those of `requests` whose moment was a schedule's.
    pub paced: u64,
    /// Requests that were due and not sent.
    pub unsent: u64,
    /// Requests that were sent and did not finish.
    pub unfinished: u64,
    /// Devices that started late.
    pub late_starts: u64,
    /// The busiest agent's CPU; 1.0 is one core.
    pub cpu_max: f64,
    /// How many intervals were added, over all tasks.
    pub intervals: u64,
    /// When the first interval began.
    pub from: Option<Millis>,
    /// When the last interval ended.
    pub to: Option<Millis>,
    /// The tasks that had a say.
    pub tasks: BTreeSet<String>,
    moments: BTreeMap<Millis, Moment>,
}

/// What all tasks together said of the intervals that began at one moment.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    length_ms: Millis,
    connected: u64,
}

/// One label's requests.
#[derive(Debug, Clone, Default)]
pub struct Label {
    /// Sent and finished.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub errors: u64,
    /// Their times.
    pub times: RequestTimes,
}

/// Both times of some requests.
#[derive(Debug, Clone, Default)]
pub struct RequestTimes {
    /// From the intended send.
    pub response: Split,
    /// From the actual send.
    pub service: Split,
}

/// One time's distribution, kept apart by how the requests came out.
#[derive(Debug, Clone)]
pub struct Split {
    /// Of those with an answer.
    pub ok: Histogram,
    /// Of those with an error.
    pub error: Histogram,
}

impl Default for Split {
    fn default() -> Self {
        Split { ok: histogram(), error: histogram() }
    }
}

impl Split {
    /// Both together.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "all histograms have the same bounds")]
    pub fn all(&self) -> Histogram {
        let mut all = self.ok.clone();
        all.add(&self.error).expect("all histograms have the same bounds");
        all
    }

    fn add(&mut self, times: &Times) {
        times.counts.add_to(match times.outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Error => &mut self.error,
        });
    }
}

impl RequestTimes {
    fn add(&mut self, times: &Times) {
        match times.time {
            Time::Response => self.response.add(times),
            Time::Service => self.service.add(times),
            Time::Connect | Time::Lag => {}
        }
    }
}

impl Merged {
    /// Adds those of the part's intervals whose beginning `keep` wants.
    pub fn add(&mut self, part: &Part, keep: impl Fn(Millis) -> bool) {
        for interval in part.intervals.iter().filter(|interval| keep(interval.report.at)) {
            self.count(&interval.report);
            self.add_times(interval);
        }
    }

    /// Errors by kind: of requests and of connections together.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<ErrorKind, u64> {
        let mut errors = self.request_errors.clone();
        add_counts(&mut errors, &self.connection_errors);
        errors
    }

    /// The most devices that were connected in one interval, all tasks together:
    /// the sum of the tasks' peaks, which need not have been at the same moment of it.
    #[must_use]
    pub fn peak_connected(&self) -> u64 {
        self.moments.values().map(|moment| moment.connected).max().unwrap_or(0)
    }

    /// How much time the added intervals cover together, in milliseconds: where
    /// several tasks report of the same time it counts once, and gaps do not count.
    #[must_use]
    pub fn covered_ms(&self) -> Millis {
        let mut covered = 0;
        let mut reached = 0;
        for (&at, moment) in &self.moments {
            let end = at + moment.length_ms;
            covered += end.saturating_sub(at.max(reached));
            reached = reached.max(end);
        }
        covered
    }

    fn count(&mut self, report: &Report) {
        self.requests += report.requests;
        add_counts(&mut self.request_errors, &report.request_errors);
        add_counts(&mut self.connection_errors, &report.connection_errors);
        for (name, counts) in &report.labels {
            let label = self.labels.entry(name.clone()).or_default();
            label.requests += counts.requests;
            label.errors += counts.errors;
        }
        self.paced += report.paced;
        self.unsent += report.unsent;
        self.unfinished += report.unfinished;
        self.late_starts += report.late_starts;
        self.cpu_max = self.cpu_max.max(report.cpu);
        self.intervals += 1;
        let end = report.at + report.length_ms;
        self.from = Some(self.from.map_or(report.at, |from| from.min(report.at)));
        self.to = Some(self.to.map_or(end, |to| to.max(end)));
        if !self.tasks.contains(&report.task) {
            self.tasks.insert(report.task.clone());
        }
        let moment = self.moments.entry(report.at).or_default();
        moment.connected += report.devices.peak;
        moment.length_ms = moment.length_ms.max(report.length_ms);
    }

    fn add_times(&mut self, interval: &Interval) {
        for times in &interval.times {
            match times.time {
                Time::Connect => self.connect.add(times),
                Time::Lag => self.lag.add(times),
                Time::Response | Time::Service => {
                    self.requests_times.add(times);
                    self.labels.entry(times.label.clone()).or_default().times.add(times);
                }
            }
        }
    }
}

fn add_counts(sum: &mut BTreeMap<ErrorKind, u64>, more: &BTreeMap<ErrorKind, u64>) {
    for (&kind, &count) in more {
        *sum.entry(kind).or_default() += count;
    }
}

/// A distribution in a few figures, in milliseconds. The names are a contract: they
/// are those of the summary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// Smallest.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// 99.9 %.
    pub p99_9: f64,
    /// Largest.
    pub max: f64,
}

impl Percentiles {
    /// The histogram's figures, or none of an empty one.
    #[must_use]
    pub fn of(histogram: &Histogram) -> Option<Percentiles> {
        if histogram.is_empty() {
            return None;
        }
        let ms = |micros: u64| micros as f64 / 1000.0;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Some(Percentiles {
            min: ms(histogram.min()),
            mean: histogram.mean() / 1000.0,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            max: ms(histogram.max()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Counts, Devices, LabelCounts};

    fn interval(task: &str, at: Millis, peak: u64, micros: &[u64]) -> Interval {
        let mut recorded = histogram();
        for &micros in micros {
            recorded.saturating_record(micros);
        }
        let counts = LabelCounts { requests: micros.len() as u64, errors: 0 };
        Interval {
            report: Report {
                at,
                length_ms: 1000,
                task: task.to_owned(),
                requests: counts.requests,
                labels: [("line".to_owned(), counts)].into(),
                devices: Devices { peak, ..Devices::default() },
                ..Report::default()
            },
            times: vec![Times {
                label: "line".to_owned(),
                time: Time::Response,
                outcome: Outcome::Ok,
                counts: Counts::from(&recorded),
            }],
        }
    }

    fn part(task: &str, intervals: Vec<Interval>) -> Part {
        Part { task: task.to_owned(), number: 1, intervals }
    }

    #[test]
    fn peaks_add_up_over_tasks_and_not_over_time() {
        let mut merged = Merged::default();
        merged.add(
            &part("a", vec![interval("a", 1000, 5, &[]), interval("a", 2000, 7, &[])]),
            |_| true,
        );
        merged.add(
            &part("b", vec![interval("b", 1000, 6, &[]), interval("b", 2000, 3, &[])]),
            |_| true,
        );
        assert_eq!(merged.peak_connected(), 11);
        assert_eq!((merged.from, merged.to), (Some(1000), Some(3000)));
        assert_eq!((merged.intervals, merged.tasks.len()), (4, 2));
        assert_eq!(merged.covered_ms(), 2000);
        merged.add(
            &part("b", vec![interval("b", 7500, 1, &[]), interval("b", 8000, 1, &[])]),
            |_| true,
        );
        assert_eq!(merged.covered_ms(), 3500, "gaps do not count, nor overlaps twice");
    }

    #[test]
    fn a_phase_is_of_its_own_intervals() {
        let both =
            part("a", vec![interval("a", 1000, 1, &[500]), interval("a", 2000, 1, &[900, 900])]);
        let mut hold = Merged::default();
        hold.add(&both, |at| at >= 2000);
        assert_eq!(hold.requests, 2);
        let summary = Percentiles::of(&hold.requests_times.response.all()).expect("two requests");
        assert!((summary.min - 0.9).abs() < 1e-9 && (summary.max - 0.9).abs() < 1e-9);
        assert_eq!(Percentiles::of(&hold.requests_times.service.all()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn merged_is_what_one_recorder_would_have_recorded(
            streams in prop::collection::vec(prop::collection::vec(0u64..4_000_000_000, 0..40), 1..6),
        ) {
            let mut single = histogram();
            let mut merged = Merged::default();
            for (n, stream) in streams.iter().enumerate() {
                for &micros in stream { single.saturating_record(micros); }
                let task = n.to_string();
                let written = part(&task, vec![interval(&task, 1000, 1, stream)]).encode();
                merged.add(&Part::parse(&written).expect("as written"), |_| true);
            }
            prop_assert_eq!(&merged.requests_times.response.all(), &single);
            prop_assert_eq!(&merged.requests_times.response.ok, &single);
            prop_assert_eq!(merged.requests, single.len());
            if let Some(label) = merged.labels.get("line") {
                prop_assert_eq!(&label.times.response.ok, &single);
            }
        }
    }
}
