//! What an interval is in CloudWatch: namespace, names, dimensions.
//!
//! Invariant: publishing and querying use the names of this file and no others.
//! Each task publishes every gauge and count exactly once an interval, zeros too,
//! so that a `SampleCount` is the number of tasks that reported; only an error's
//! kind is left out where it did not occur.

use std::collections::BTreeMap;

use percent_encoding::{CONTROLS, utf8_percent_encode};

use super::{Counts, Interval, Time, buckets::representative_ms};
use crate::cloud::types::{Datum, Unit};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "loadtop";

/// Milliseconds from the intended send to the answer, of every finished request,
/// failed ones included. By run, and by run and label.
pub const RESPONSE_TIME: &str = "ResponseTime";
/// Milliseconds from the actual send; otherwise like [`RESPONSE_TIME`].
pub const SERVICE_TIME: &str = "ServiceTime";
/// Finished requests of the interval, failed ones included. By run, and by run and
/// label.
pub const REQUESTS: &str = "Requests";
/// Errors of the interval. By run and by run and kind: of requests and of
/// connections; by run and label: of requests.
pub const ERRORS: &str = "Errors";
/// Devices at the interval's end. By run and state.
pub const DEVICES: &str = "Devices";
/// Devices that started late in the interval. By run, like all that follow.
pub const LATE: &str = "Late";
/// The agent's worst lateness in the interval, in milliseconds.
pub const LAG: &str = "Lag";
/// CPU that the agent used; 1.0 is one core.
pub const CPU: &str = "Cpu";
/// Sockets of devices.
pub const SOCKETS: &str = "Sockets";
/// Memory that the agent holds, in bytes.
pub const RSS: &str = "Rss";

/// The run's id.
pub const BY_RUN: &str = "Run";
/// A label, as [`label_value`] writes it.
pub const BY_LABEL: &str = "Label";
/// An error's kind, by its word.
pub const BY_KIND: &str = "Kind";
/// A device's state: [`WAITING`], [`STARTING`], [`CONNECTED`] or [`FAILED`].
pub const BY_STATE: &str = "State";

/// Devices whose start is still to come.
pub const WAITING: &str = "waiting";
/// Devices on their way to their first connection.
pub const STARTING: &str = "starting";
/// Devices that are connected.
pub const CONNECTED: &str = "connected";
/// Devices that are not connected and try again.
pub const FAILED: &str = "failed";

/// The longest dimension value that CloudWatch takes, in bytes.
const LONGEST: usize = 1024;

/// A label as a dimension's value: CloudWatch takes printable ASCII.
#[must_use]
pub fn label_value(label: &str) -> String {
    let mut value = utf8_percent_encode(label, CONTROLS).to_string();
    value.truncate(LONGEST);
    value
}

/// All that an agent publishes of an interval.
#[must_use]
pub fn data(run: &str, interval: &Interval) -> Vec<Datum> {
    let report = &interval.report;
    let datum = |name, by: Option<(&'static str, String)>, values, unit| Datum {
        name,
        dimensions: [(BY_RUN, run.to_owned())].into_iter().chain(by).collect(),
        at: report.at,
        values,
        unit,
    };
    let one = |name, by, value: f64| datum(name, by, vec![(value, 1.0)], Unit::Count);
    let count = |name, by, value: u64| one(name, by, value as f64);

    let errors = report.errors();
    let mut data = vec![
        count(REQUESTS, None, report.requests),
        count(ERRORS, None, errors.values().sum()),
        count(LATE, None, report.late_starts),
        count(SOCKETS, None, report.sockets),
        datum(LAG, None, vec![(report.lag_max_ms, 1.0)], Unit::Milliseconds),
        datum(CPU, None, vec![(report.cpu, 1.0)], Unit::None),
        datum(RSS, None, vec![(report.rss as f64, 1.0)], Unit::None),
    ];
    for (state, devices) in [
        (WAITING, report.devices.waiting),
        (STARTING, report.devices.starting),
        (CONNECTED, report.devices.connected),
        (FAILED, report.devices.failed),
    ] {
        data.push(count(DEVICES, Some((BY_STATE, state.to_owned())), devices));
    }
    for (kind, errors) in errors {
        data.push(count(ERRORS, Some((BY_KIND, kind.to_string())), errors));
    }
    for (label, counts) in &report.labels {
        let by = Some((BY_LABEL, label_value(label)));
        data.push(count(REQUESTS, by.clone(), counts.requests));
        data.push(count(ERRORS, by, counts.errors));
    }
    for (name, time) in [(RESPONSE_TIME, Time::Response), (SERVICE_TIME, Time::Service)] {
        let values = bucketed(interval, time, None);
        if !values.is_empty() {
            data.push(datum(name, None, values, Unit::Milliseconds));
        }
        for label in report.labels.keys() {
            let values = bucketed(interval, time, Some(label));
            if !values.is_empty() {
                let by = Some((BY_LABEL, label_value(label)));
                data.push(datum(name, by, values, Unit::Milliseconds));
            }
        }
    }
    data
}

/// The interval's distribution of this time in the shared buckets: of one label or
/// of all, whatever the outcome.
fn bucketed(interval: &Interval, time: Time, label: Option<&str>) -> Vec<(f64, f64)> {
    let wanted = interval
        .times
        .iter()
        .filter(|times| times.time == time && label.is_none_or(|label| times.label == label));
    // Keyed by the representative's bits: positive floats sort as their bits do.
    let mut buckets = BTreeMap::<u64, u64>::new();
    for (micros, count) in wanted.flat_map(|times| Counts::iter(&times.counts)) {
        *buckets.entry(representative_ms(micros).to_bits()).or_default() += count;
    }
    buckets.into_iter().map(|(bits, count)| (f64::from_bits(bits), count as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Devices, ErrorKind, LabelCounts, Outcome, Report, Times, times::histogram};

    fn times(label: &str, outcome: Outcome, micros: &[u64]) -> Times {
        let mut recorded = histogram();
        for &micros in micros {
            recorded.saturating_record(micros);
        }
        Times {
            label: label.to_owned(),
            time: Time::Response,
            outcome,
            counts: Counts::from(&recorded),
        }
    }

    fn find<'a>(data: &'a [Datum], name: &str, by: Option<(&'static str, &str)>) -> Vec<&'a Datum> {
        let wanted: Vec<(&'static str, String)> = [(BY_RUN, "r".to_owned())]
            .into_iter()
            .chain(by.map(|(name, value)| (name, value.to_owned())))
            .collect();
        data.iter().filter(|datum| datum.name == name && datum.dimensions == wanted).collect()
    }

    #[test]
    fn an_interval_without_events_still_sends_its_zeros() {
        let data = data("r", &Interval::default());
        for name in [REQUESTS, ERRORS, LATE, LAG, CPU, SOCKETS, RSS] {
            let found = find(&data, name, None);
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].values, [(0.0, 1.0)], "{name}");
        }
        for state in [WAITING, STARTING, CONNECTED, FAILED] {
            assert_eq!(find(&data, DEVICES, Some((BY_STATE, state))).len(), 1, "{state}");
        }
        assert!(find(&data, RESPONSE_TIME, None).is_empty());
    }

    #[test]
    fn a_distribution_has_all_requests_also_the_failed_ones() {
        let labels = [("a b", 3, 1), ("ü", 1, 0)]
            .map(|(label, requests, errors)| (label.to_owned(), LabelCounts { requests, errors }));
        let interval = Interval {
            report: Report {
                at: 7000,
                requests: 4,
                request_errors: [(ErrorKind::Timeout, 1)].into(),
                connection_errors: [(ErrorKind::Refused, 2), (ErrorKind::Timeout, 1)].into(),
                labels: labels.into(),
                devices: Devices { connected: 9, ..Devices::default() },
                ..Report::default()
            },
            times: vec![
                times("a b", Outcome::Ok, &[100, 100]),
                times("a b", Outcome::Error, &[5_000_000]),
                times("ü", Outcome::Ok, &[100]),
            ],
        };
        let data = data("r", &interval);
        let all = find(&data, RESPONSE_TIME, None);
        assert_eq!(all[0].values.len(), 2);
        assert_eq!(all[0].values[0], (0.1, 3.0));
        assert_eq!(all[0].at, 7000);
        assert_eq!(find(&data, RESPONSE_TIME, Some((BY_LABEL, "%C3%BC")))[0].values, [(0.1, 1.0)]);
        assert_eq!(find(&data, REQUESTS, Some((BY_LABEL, "a b")))[0].values, [(3.0, 1.0)]);
        assert_eq!(find(&data, ERRORS, Some((BY_LABEL, "a b")))[0].values, [(1.0, 1.0)]);
        assert_eq!(find(&data, ERRORS, None)[0].values, [(4.0, 1.0)]);
        assert_eq!(find(&data, ERRORS, Some((BY_KIND, "timeout")))[0].values, [(2.0, 1.0)]);
        assert_eq!(find(&data, DEVICES, Some((BY_STATE, CONNECTED)))[0].values, [(9.0, 1.0)]);
    }
}
