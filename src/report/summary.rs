//! The summary of a run. Its names are a contract; more may be added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Results;
use crate::{
    model::{Millis, confirmed::Confirmed, cost::Bill, wish::Wish},
    stats::{Histogram, Merged, Percentiles, merged::RequestTimes},
};

/// An agent that used more of a core than this was its own bottleneck.
const SATURATED_CPU: f64 = 0.9;
/// So was one whose timers were later than this at p99, in milliseconds.
const SATURATED_LAG_MS: f64 = 20.0;

/// What stands for a source where nothing reports.
pub(super) const NO_SOURCE: &str = "none: the image does not report";

/// What the controller knows of a run that has ended.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its id.
    pub run: String,
    /// When it began (the controller's clock).
    pub started_at: Millis,
    /// When nothing of it was left (the controller's clock).
    pub ended_at: Millis,
    /// Who agreed to its end.
    pub confirmed: Confirmed,
    /// Its last wish.
    pub wish: Wish,
    /// What its devices talked to.
    pub target: String,
    /// Tasks that were placed.
    pub tasks_started: u32,
    /// Tasks that ended by themselves or never started.
    pub tasks_failed: u32,
    /// Tasks that still run.
    pub tasks_left: u32,
    /// Whether what runs in the tasks reports; images of the user's own do not.
    pub devices_report: bool,
    /// Devices that were wanted and had no task, since their slots were given up.
    pub devices_given_up: u32,
    /// Tasks that were lost, and when that was seen (the bucket's clock).
    pub lost: Vec<(String, Millis)>,
    /// Calls to AWS of this run by operation.
    pub calls: BTreeMap<String, u64>,
    /// What it cost; none where nothing does.
    pub cost: Option<Bill>,
}

/// How a run came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunResult {
    /// It ended as planned.
    Passed,
    /// A criterion failed.
    Failed,
    /// A person, a signal or its budget ended it.
    Stopped,
    /// It could not do what it was for: nothing was answered, or tasks are missing.
    Error,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The run's id.
    pub run: String,
    /// What its devices talked to.
    pub target: String,
    /// How it came out.
    pub result: RunResult,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// When it began, in RFC 3339.
    pub started_at: String,
    /// From its beginning until nothing was left of it.
    pub duration_s: f64,
    /// Its devices.
    pub devices: Devices,
    /// Its tasks.
    pub tasks: Tasks,
    /// Requests that were sent and finished: answered, timed out or broken.
    pub requests: u64,
    /// Requests that were due and never sent.
    pub unsent: u64,
    /// Requests that were sent and neither answered nor given up at the end.
    pub unfinished: u64,
    /// Errors, of requests and of connections.
    pub errors: Errors,
    /// Answers by status, where the protocol has one.
    pub status_codes: BTreeMap<String, u64>,
    /// Finished requests per second of the time that agents reported.
    pub rate_per_s: f64,
    /// Times from the intended send, of all finished requests; none without any.
    pub response_ms: Option<Percentiles>,
    /// Times from the actual send.
    pub service_ms: Option<Percentiles>,
    /// The same for parts of the run.
    pub phases: Phases,
    /// The same by label.
    pub labels: BTreeMap<String, Label>,
    /// The verdicts; none without criteria.
    pub criteria: Vec<serde_json::Value>,
    /// What the figures are of.
    pub coverage: Coverage,
    /// Where the figures come from.
    pub source: String,
    /// How requests followed each other.
    #[serde(rename = "loop")]
    pub pacing: String,
    /// What it cost.
    pub cost_usd: f64,
    /// How that comes about; none where nothing costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Bill>,
    /// Calls to AWS by operation, and how many were throttled.
    pub api_calls: BTreeMap<String, u64>,
    /// The load generator's own health.
    pub generator: Generator,
}

/// A run's devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Devices of all batches.
    pub requested: u64,
    /// The most that were connected in one interval.
    pub peak_connected: u64,
    /// Those that were wanted and had no connection when the devices were told to end.
    pub failed: u64,
    /// Those that started more than a second late.
    pub late_starts: u64,
}

/// A run's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// Placed.
    pub started: u32,
    /// Ended by themselves, or never started.
    pub failed: u32,
    /// Still running.
    pub left_running: u32,
}

/// Errors, of requests and of connections together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Errors {
    /// All.
    pub total: u64,
    /// Those of finished requests (they are among `requests`).
    pub of_requests: u64,
    /// Connections that were not made, or broke at rest.
    pub of_connections: u64,
    /// By kind, requests and connections together.
    pub by_kind: BTreeMap<String, u64>,
    /// Of requests, by kind.
    pub requests_by_kind: BTreeMap<String, u64>,
}

/// The parts of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// While the window of some batch was open.
    pub ramp: Phase,
    /// Afterwards, until the devices were told to end.
    pub hold: Phase,
}

/// One part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Seconds of it that agents reported.
    pub duration_s: f64,
    /// Requests that finished.
    pub requests: u64,
    /// Errors, of requests and of connections.
    pub errors: u64,
    /// Finished requests per second.
    pub rate_per_s: f64,
    /// Times from the intended send.
    pub response_ms: Option<Percentiles>,
    /// Times from the actual send.
    pub service_ms: Option<Percentiles>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// Requests that finished.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub errors: u64,
    /// Times from the intended send.
    pub response_ms: Option<Percentiles>,
    /// Times from the actual send.
    pub service_ms: Option<Percentiles>,
}

/// What the figures are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Tasks that were placed.
    pub tasks: u32,
    /// Tasks whose results are in.
    pub reporting: u32,
    /// Intervals that are missing between a task's first and last one.
    pub intervals_missing: u64,
}

/// The load generator's own health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// The busiest agent's CPU; 1.0 is one core.
    pub cpu_max: f64,
    /// How late the agents' timers were, 99 % of the time, in milliseconds.
    pub lag_p99_ms: f64,
    /// Whether the figures say more about the generator than about the target.
    pub saturated: bool,
}

impl Summary {
    /// The summary of a run from all its agents' results.
    #[must_use]
    pub fn new(facts: &Facts, results: &Results) -> Self {
        let whole = &results.whole;
        let peak_connected = whole.peak_connected();
        let answered = whole.requests_times.response.ok.len();
        let did_nothing =
            if facts.devices_report { answered == 0 } else { facts.tasks_started == 0 };
        let result = match facts.confirmed {
            Confirmed::ByPlan if did_nothing || facts.devices_given_up > 0 => RunResult::Error,
            Confirmed::ByPolicy | Confirmed::ByLease => RunResult::Error,
            Confirmed::ByPlan => RunResult::Passed,
            _ => RunResult::Stopped,
        };
        let exit_code = match (result, facts.confirmed) {
            // One that its budget ended did not do what was asked for.
            (RunResult::Error, _) | (_, Confirmed::ByBudget) => 1,
            (_, Confirmed::BySignal | Confirmed::BySecondInterrupt) => 130,
            _ => 0,
        };
        let lag_p99_ms = Percentiles::of(&whole.lag.all()).map_or(0.0, |lag| lag.p99);
        let started = std::time::UNIX_EPOCH + std::time::Duration::from_millis(facts.started_at);
        let live = u64::from(facts.wish.live.len());
        Summary {
            run: facts.run.clone(),
            target: facts.target.clone(),
            result,
            exit_code,
            started_at: humantime::format_rfc3339_millis(started).to_string(),
            duration_s: seconds(facts.ended_at.saturating_sub(facts.started_at)),
            devices: Devices {
                requested: facts.wish.batches.iter().map(|it| u64::from(it.count)).sum(),
                peak_connected,
                failed: if facts.devices_report {
                    live.saturating_sub(results.connected_at_end())
                } else {
                    u64::from(facts.devices_given_up)
                },
                late_starts: whole.late_starts,
            },
            tasks: Tasks {
                started: facts.tasks_started,
                failed: facts.tasks_failed,
                left_running: facts.tasks_left,
            },
            requests: whole.requests,
            unsent: whole.unsent,
            unfinished: whole.unfinished,
            errors: Errors::of(whole),
            status_codes: BTreeMap::new(),
            rate_per_s: rate(whole),
            response_ms: Percentiles::of(&whole.requests_times.response.all()),
            service_ms: Percentiles::of(&whole.requests_times.service.all()),
            phases: Phases { ramp: phase(&results.ramp), hold: phase(&results.hold) },
            labels: whole.labels.iter().map(|(name, it)| (name.clone(), label(it))).collect(),
            criteria: Vec::new(),
            coverage: Coverage {
                tasks: facts.tasks_started,
                reporting: whole.tasks.len() as u32,
                intervals_missing: results.missing(&facts.lost),
            },
            source: if facts.devices_report { "merged histograms" } else { NO_SOURCE }.to_owned(),
            pacing: pacing(whole).to_owned(),
            cost_usd: facts.cost.as_ref().map_or(0.0, |bill| bill.so_far_usd),
            cost: facts.cost.clone(),
            api_calls: with_throttled(&facts.calls),
            generator: Generator {
                cpu_max: whole.cpu_max,
                lag_p99_ms,
                saturated: whole.cpu_max > SATURATED_CPU || lag_p99_ms > SATURATED_LAG_MS,
            },
        }
    }
}

impl Errors {
    fn of(merged: &Merged) -> Self {
        let named = |counts: BTreeMap<crate::stats::ErrorKind, u64>| {
            counts.into_iter().map(|(kind, n)| (kind.as_str().to_owned(), n)).collect()
        };
        let of_requests: u64 = merged.request_errors.values().sum();
        let of_connections: u64 = merged.connection_errors.values().sum();
        Errors {
            total: of_requests + of_connections,
            of_requests,
            of_connections,
            by_kind: named(merged.errors()),
            requests_by_kind: named(merged.request_errors.clone()),
        }
    }
}

fn phase(merged: &Merged) -> Phase {
    Phase {
        duration_s: seconds(merged.covered_ms()),
        requests: merged.requests,
        errors: merged.errors().values().sum(),
        rate_per_s: rate(merged),
        response_ms: Percentiles::of(&merged.requests_times.response.all()),
        service_ms: Percentiles::of(&merged.requests_times.service.all()),
    }
}

fn label(label: &crate::stats::merged::Label) -> Label {
    let of = |pick: fn(&RequestTimes) -> Histogram| Percentiles::of(&pick(&label.times));
    Label {
        requests: label.requests,
        errors: label.errors,
        response_ms: of(|times| times.response.all()),
        service_ms: of(|times| times.service.all()),
    }
}

/// `closed` where devices rested between an answer and the next request, `paced` where a
/// schedule said when, `mixed` where a rate was set for a part of the run.
fn pacing(merged: &Merged) -> &'static str {
    match merged.paced {
        0 => "closed",
        paced if paced == merged.requests => "paced",
        _ => "mixed",
    }
}

fn with_throttled(calls: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut calls = calls.clone();
    calls.entry("throttled".to_owned()).or_default();
    calls
}

/// Finished requests per second of the time that agents reported.
fn rate(merged: &Merged) -> f64 {
    let covered = seconds(merged.covered_ms());
    if covered > 0.0 { merged.requests as f64 / covered } else { 0.0 }
}

fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1000.0
}
