//! Counts and times of the interval that is under way.
//!
//! Invariant: recording allocates nothing once a label and an error's kind have
//! been seen in the interval; taking the interval out leaves all at zero.

use std::time::Duration;

use crate::stats::{
    Counts, ErrorKind, Histogram, Interval, LabelCounts, Outcome, Report, Time, Times,
    times::histogram,
};

/// Where a label's figures go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LabelId(usize);

/// How a request or a connection came out.
pub(super) type Ended = Result<(), ErrorKind>;

/// The one recorder of an agent.
#[derive(Debug)]
pub(super) struct Recorder {
    labels: Vec<Label>,
    connect: Split,
    lag: Histogram,
    counts: Report,
}

#[derive(Debug)]
struct Label {
    name: String,
    counts: LabelCounts,
    response: Split,
    service: Split,
}

#[derive(Debug)]
struct Split {
    ok: Histogram,
    error: Histogram,
}

impl Default for Recorder {
    fn default() -> Self {
        let (connect, lag) = (Split::default(), histogram());
        Recorder { labels: Vec::new(), connect, lag, counts: Report::default() }
    }
}

impl Default for Split {
    fn default() -> Self {
        Split { ok: histogram(), error: histogram() }
    }
}

impl Recorder {
    /// The place of a label.
    pub(super) fn label(&mut self, name: &str) -> LabelId {
        let known = self.labels.iter().position(|label| label.name == name);
        LabelId(known.unwrap_or_else(|| {
            self.labels.push(Label {
                name: name.to_owned(),
                counts: LabelCounts::default(),
                response: Split::default(),
                service: Split::default(),
            });
            self.labels.len() - 1
        }))
    }

    /// A request was sent and finished.
    pub(super) fn request(
        &mut self,
        label: LabelId,
        response: Duration,
        service: Duration,
        ended: Ended,
    ) {
        let label = &mut self.labels[label.0];
        label.response.record(response, ended);
        label.service.record(service, ended);
        label.counts.requests += 1;
        self.counts.requests += 1;
        if let Err(kind) = ended {
            label.counts.errors += 1;
            *self.counts.request_errors.entry(kind).or_default() += 1;
        }
    }

    /// A connection was made, or was not.
    pub(super) fn connection(&mut self, took: Duration, ended: Ended) {
        self.connect.record(took, ended);
        if let Err(kind) = ended {
            self.broken(kind);
        }
    }

    /// A connection ended while no request was under way.
    pub(super) fn broken(&mut self, kind: ErrorKind) {
        *self.counts.connection_errors.entry(kind).or_default() += 1;
    }

    /// A request that a schedule asked for has finished.
    pub(super) fn paced(&mut self) {
        self.counts.paced += 1;
    }

    /// So many requests were due and are not sent.
    pub(super) fn unsent(&mut self, requests: u64) {
        self.counts.unsent += requests;
    }

    /// A request was sent, and its device ended before it could finish.
    pub(super) fn unfinished(&mut self) {
        self.counts.unfinished += 1;
    }

    /// A device started late.
    pub(super) fn late_start(&mut self) {
        self.counts.late_starts += 1;
    }

    /// A timer of the agent's own went off this late.
    pub(super) fn lag(&mut self, late: Duration) {
        self.lag.saturating_record(micros(late));
    }

    /// Takes the interval's counts and times out. The rest of the report is up to
    /// the caller.
    pub(super) fn take(&mut self) -> Interval {
        let mut interval = Interval { report: std::mem::take(&mut self.counts), times: Vec::new() };
        let report = &mut interval.report;
        report.lag_p99_ms = self.lag.value_at_quantile(0.99) as f64 / 1000.0;
        report.lag_max_ms = self.lag.max() as f64 / 1000.0;
        for label in &mut self.labels {
            let counts = std::mem::take(&mut label.counts);
            report.labels.insert(label.name.clone(), counts);
            label.response.take(&mut interval.times, &label.name, Time::Response);
            label.service.take(&mut interval.times, &label.name, Time::Service);
        }
        self.connect.take(&mut interval.times, "", Time::Connect);
        take(&mut self.lag, &mut interval.times, "", Time::Lag, Outcome::Ok);
        interval
    }
}

impl Split {
    fn record(&mut self, took: Duration, ended: Ended) {
        let histogram = match ended {
            Ok(()) => &mut self.ok,
            Err(_) => &mut self.error,
        };
        histogram.saturating_record(micros(took));
    }

    fn take(&mut self, times: &mut Vec<Times>, label: &str, time: Time) {
        take(&mut self.ok, times, label, time, Outcome::Ok);
        take(&mut self.error, times, label, time, Outcome::Error);
    }
}

fn take(
    histogram: &mut Histogram,
    out: &mut Vec<Times>,
    label: &str,
    time: Time,
    outcome: Outcome,
) {
    if !histogram.is_empty() {
        let counts = Counts::from(&*histogram);
        out.push(Times { label: label.to_owned(), time, outcome, counts });
        histogram.reset();
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_interval_is_taken_out_once() {
        let mut recorder = Recorder::default();
        let (a, b) = (recorder.label("a"), recorder.label("b"));
        assert_eq!(recorder.label("a"), a);
        recorder.request(a, 2 * MS, MS, Ok(()));
        recorder.request(b, 9 * MS, 9 * MS, Err(ErrorKind::Timeout));
        recorder.connection(MS, Err(ErrorKind::Refused));
        recorder.broken(ErrorKind::Closed);
        recorder.lag(3 * MS);
        let first = recorder.take();
        assert_eq!(first.report.requests, 2);
        assert_eq!(first.report.request_errors, [(ErrorKind::Timeout, 1)].into());
        let connection_errors = [(ErrorKind::Refused, 1), (ErrorKind::Closed, 1)];
        assert_eq!(first.report.connection_errors, connection_errors.into());
        assert_eq!(first.report.labels["b"], LabelCounts { requests: 1, errors: 1 });
        assert!(first.report.lag_max_ms >= 3.0);
        // Two times of two requests, one connection, one lag.
        assert_eq!(first.times.iter().map(|times| times.counts.total()).sum::<u64>(), 6);

        let second = recorder.take();
        assert_eq!(second.report.requests, 0);
        // A label that is known is reported with its zeros.
        assert_eq!(second.report.labels["a"], LabelCounts::default());
        assert!(second.times.is_empty());
    }
}
