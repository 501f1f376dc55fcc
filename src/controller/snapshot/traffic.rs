//! Requests and their times, for the screen.
//!
//! Invariant: a percentile is of a distribution that was merged whole, never of percentiles.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::Millis;

/// Requests and their times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrafficView {
    /// Length of a point in milliseconds.
    pub interval_ms: Millis,
    /// One point an interval, oldest first; an interval without data has none.
    pub points: Arc<Vec<Point>>,
    /// The latest whole window, from its own merged distribution.
    pub window: Option<Window>,
    /// Requests since the run began, so far as reported.
    pub requests: u64,
    /// Errors since the run began, by kind.
    pub errors: BTreeMap<String, u64>,
}

/// What one interval brought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// When the interval began (the metrics' clock).
    pub at: Millis,
    /// How long it was, in milliseconds; older ones are longer.
    pub length_ms: Millis,
    /// Requests finished per second.
    pub requests_per_s: f64,
    /// Errors per second.
    pub errors_per_s: f64,
    /// Devices that should have been connected.
    pub planned: f64,
    /// Devices connected.
    pub connected: f64,
    /// Response times; none where nothing was answered.
    pub response: Option<Quantiles>,
    /// The generator's own worst schedule lag, in milliseconds.
    pub lag_ms: f64,
    /// The busiest agent's CPU, 1.0 being one core.
    pub cpu: f64,
    /// Whether every task that should have reported did.
    pub complete: bool,
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 90 %.
    pub p90: f64,
    /// 99 %.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

/// The latest whole window of some seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// When it began.
    pub from: Millis,
    /// Its length in milliseconds.
    pub length_ms: Millis,
    /// Response times, from the intended send.
    pub response: Quantiles,
    /// Service times, from the actual send.
    pub service: Quantiles,
}
