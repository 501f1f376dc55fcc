//! What an agent says of one interval, and the interval's distributions.
//!
//! Invariant: counts are of the interval alone, so that sums over intervals and
//! tasks are the run's; gauges are of its end. `requests` are those that were sent
//! and finished, and each is once in the response times and once in the service
//! times: what a target received is `requests` plus `unfinished`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ErrorKind, Times};
use crate::model::Millis;

/// What an agent says of one interval: one JSON line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When the interval began, by the bucket's clock; a multiple of its length.
    pub at: Millis,
    /// How long it was. The last one of an agent is cut short.
    pub length_ms: Millis,
    /// Which task says it.
    pub task: String,
    /// The devices at its end.
    pub devices: Devices,
    /// Requests that were sent and finished: with an answer, or with an error.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub request_errors: BTreeMap<ErrorKind, u64>,
    /// Connections that could not be made, or that ended while no request was
    /// under way. No request is counted for them.
    pub connection_errors: BTreeMap<ErrorKind, u64>,
    /// Requests by label; also of labels that had none.
    pub labels: BTreeMap<String, LabelCounts>,
    /// Devices that started more than a second later than they should have.
    pub late_starts: u64,
    /// Those of `requests` whose moment was a schedule's, whatever came before them.
    #[serde(default)]
    pub paced: u64,
    /// Requests that were due and not sent: when their device ended, when its rate was
    /// taken away, or because they were due too long ago.
    pub unsent: u64,
    /// Requests that were sent and neither answered nor failed when their device
    /// ended.
    pub unfinished: u64,
    /// The agent's own lateness in milliseconds: 99 % of its timers' and the worst.
    pub lag_p99_ms: f64,
    /// The worst of it.
    pub lag_max_ms: f64,
    /// CPU that the agent used; 1.0 is one core.
    pub cpu: f64,
    /// Memory that the agent holds, in bytes; zero where the system does not tell.
    pub rss: u64,
    /// Sockets of devices: connected or connecting.
    pub sockets: u64,
}

/// Devices by their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Their start is still to come.
    pub waiting: u64,
    /// On their way to their first connection.
    pub starting: u64,
    /// Connected.
    pub connected: u64,
    /// Not connected; they try again.
    pub failed: u64,
    /// The most that were connected at once in the interval.
    pub peak: u64,
}

/// One label's requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCounts {
    /// Sent and finished.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub errors: u64,
}

/// An interval: the report, and the distributions that are not empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Interval {
    /// The counts.
    pub report: Report,
    /// The distributions.
    pub times: Vec<Times>,
}

impl Report {
    /// Errors by kind: of requests and of connections together.
    #[must_use]
    pub fn errors(&self) -> BTreeMap<ErrorKind, u64> {
        let mut errors = self.request_errors.clone();
        for (&kind, &count) in &self.connection_errors {
            *errors.entry(kind).or_default() += count;
        }
        errors
    }
}
