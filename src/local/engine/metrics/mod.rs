//! CloudWatch metrics: distributions in, statistics of merged distributions out.
//!
//! Invariants: a statistic over a period is computed from everything that fell
//! into the period, never from other statistics; data is kept for an hour, and
//! no more of it than has a fixed weight in memory (the oldest goes first).
//!
//! As on AWS, a datum without `StorageResolution: 1` counts for its whole minute
//! only, and the metrics of one name with different dimensions are different.
//! Units are taken and not looked at.

mod distribution;
mod query;
mod statistic;

use std::collections::{BTreeMap, HashMap};

use self::distribution::Distribution;
pub(crate) use self::query::{GetMetricData, MetricStat, Query, Series};
use super::{
    ApiError,
    throttle::{Quota, Throttle},
};
use crate::model::Millis;

/// How long data is kept, in seconds.
const KEPT_S: u64 = 3600;
/// How far ahead a datum may be, in seconds.
const AHEAD_S: u64 = 2 * 3600;
/// What is kept over all metrics, in values of 16 bytes, what surrounds them counted
/// in: 64 MB, and up to twice that where vectors grew and are not full.
const MOST_WEIGHT: usize = 4_000_000;
/// Metrics kept; those that came first go first.
const MOST_METRICS: usize = 10_000;
/// Metrics in a call.
const MOST_DATA: usize = 1000;
/// Values in a datum.
const MOST_DATUM_VALUES: usize = 150;

/// PutMetricData.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PutMetricData {
    pub(crate) namespace: String,
    pub(crate) data: Vec<Datum>,
}

/// One metric's data of one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Datum {
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) at: Option<Millis>,
    pub(crate) value: Option<f64>,
    pub(crate) values: Vec<f64>,
    pub(crate) counts: Vec<f64>,
    pub(crate) statistics: Option<StatisticSet>,
    pub(crate) resolution: Option<i64>,
}

/// `StatisticValues`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct StatisticSet {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// What makes a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    namespace: String,
    name: String,
    dimensions: Vec<(String, String)>,
}

impl Key {
    /// The order of dimensions does not matter.
    fn new(namespace: &str, name: &str, dimensions: &[(String, String)]) -> Key {
        let mut dimensions = dimensions.to_vec();
        dimensions.sort();
        Key { namespace: namespace.to_owned(), name: name.to_owned(), dimensions }
    }
}

/// A metric's data by second.
#[derive(Debug, Default)]
struct Metric {
    seconds: BTreeMap<u64, Distribution>,
    /// What is known to the minute only, by the minute's first second.
    minutes: BTreeMap<u64, Distribution>,
}

/// All metrics.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    throttle: Throttle,
    by_key: HashMap<Key, Metric>,
    /// Of all distributions; at most [`MOST_WEIGHT`] between calls.
    weight: usize,
    cleaned_at: u64,
}

impl Metrics {
    pub(crate) fn put(&mut self, request: PutMetricData, now: Millis) -> Result<(), ApiError> {
        self.throttle.take(Quota::PutMetrics, now)?;
        if request.namespace.is_empty() || request.namespace.starts_with("AWS/") {
            return Err(ApiError::value("The value for parameter Namespace is invalid."));
        }
        if request.data.is_empty() || request.data.len() > MOST_DATA {
            return Err(ApiError::value(
                "The collection MetricData must have a size between 1 and 1000.",
            ));
        }
        // All or nothing, so check before the first is stored.
        let mut stored = Vec::with_capacity(request.data.len());
        for datum in request.data {
            let distribution = distribution_of(&datum)?;
            let at = datum.at.unwrap_or(now) / 1000;
            if at > now / 1000 + AHEAD_S {
                return Err(ApiError::value("The timestamp must not be in the far future."));
            }
            stored.push((datum, at, distribution));
        }
        for (datum, at, distribution) in stored {
            if at + KEPT_S > now / 1000 {
                let key = Key::new(&request.namespace, &datum.name, &datum.dimensions);
                self.store(key, at, datum.resolution == Some(1), &distribution);
            }
        }
        self.clean(now / 1000);
        Ok(())
    }

    fn store(&mut self, key: Key, second: u64, fine: bool, distribution: &Distribution) {
        if self.by_key.len() >= MOST_METRICS && !self.by_key.contains_key(&key) {
            self.forget_stalest();
        }
        let metric = self.by_key.entry(key).or_default();
        let (data, at) = if fine {
            (&mut metric.seconds, second)
        } else {
            (&mut metric.minutes, second / 60 * 60)
        };
        let before = data.get(&at).map_or(0, Distribution::weight);
        let slot = data.entry(at).or_default();
        slot.merge(distribution);
        self.weight += slot.weight() - before;
    }

    fn forget_stalest(&mut self) {
        let stalest = self.by_key.iter().min_by_key(|(_, metric)| metric.newest());
        if let Some(key) = stalest.map(|(key, _)| key.clone())
            && let Some(metric) = self.by_key.remove(&key)
        {
            self.weight -= metric.weight();
        }
    }

    /// Drops what is too old, and the oldest of what is too much.
    fn clean(&mut self, second: u64) {
        if self.cleaned_at != second {
            self.cleaned_at = second;
            self.drop_before(second.saturating_sub(KEPT_S));
        }
        while self.weight > MOST_WEIGHT {
            let oldest = self.by_key.values().filter_map(Metric::oldest).min();
            let Some(oldest) = oldest else { return };
            self.drop_before(oldest + 60);
        }
    }

    fn drop_before(&mut self, second: u64) {
        let mut dropped = 0;
        self.by_key.retain(|_, metric| {
            dropped += drop_from(&mut metric.seconds, second);
            dropped += drop_from(&mut metric.minutes, second.saturating_sub(59));
            !(metric.seconds.is_empty() && metric.minutes.is_empty())
        });
        self.weight -= dropped;
    }
}

/// Drops what is before `second`, and says what it weighed.
fn drop_from(data: &mut BTreeMap<u64, Distribution>, second: u64) -> usize {
    let mut dropped = 0;
    while let Some(entry) = data.first_entry()
        && *entry.key() < second
    {
        dropped += entry.remove().weight();
    }
    dropped
}

impl Metric {
    fn oldest(&self) -> Option<u64> {
        let first = |data: &BTreeMap<u64, _>| data.first_key_value().map(|(&at, _)| at);
        [first(&self.seconds), first(&self.minutes)].into_iter().flatten().min()
    }

    fn newest(&self) -> Option<u64> {
        let last = |data: &BTreeMap<u64, _>| data.last_key_value().map(|(&at, _)| at);
        last(&self.seconds).max(last(&self.minutes))
    }

    fn weight(&self) -> usize {
        self.seconds.values().chain(self.minutes.values()).map(Distribution::weight).sum()
    }
}

/// What a datum says, as a distribution.
fn distribution_of(datum: &Datum) -> Result<Distribution, ApiError> {
    if datum.name.is_empty() {
        return Err(ApiError::new("MissingParameter", 400, "MetricName is required."));
    }
    if !matches!(datum.resolution, None | Some(1 | 60)) {
        return Err(ApiError::value("StorageResolution must be 1 or 60."));
    }
    let set = u8::from(datum.value.is_some())
        + u8::from(!datum.values.is_empty())
        + u8::from(datum.statistics.is_some());
    if set != 1 {
        return Err(ApiError::new(
            "InvalidParameterCombination",
            400,
            "Exactly one of Value, Values and StatisticValues must be given.",
        ));
    }
    if let Some(set) = datum.statistics {
        return Distribution::of_statistics(set)
            .ok_or_else(|| ApiError::value("The StatisticValues are not valid."));
    }
    if let Some(value) = datum.value {
        return Distribution::of_values([(value, 1.0)])
            .ok_or_else(|| ApiError::value("The Value is not a number in CloudWatch's range."));
    }
    let counts = &datum.counts;
    if datum.values.len() > MOST_DATUM_VALUES
        || !counts.is_empty() && counts.len() != datum.values.len()
    {
        return Err(ApiError::value(
            "Values must have at most 150 members, and Counts none or as many.",
        ));
    }
    let count_of = |index: usize| counts.get(index).copied().unwrap_or(1.0);
    let pairs = datum.values.iter().enumerate().map(|(index, &value)| (value, count_of(index)));
    Distribution::of_values(pairs)
        .ok_or_else(|| ApiError::value("Values or Counts are not in CloudWatch's range."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A statistic set has no values, and must count all the same.
    fn statistics(name: usize, at_s: u64) -> Datum {
        let statistics = Some(StatisticSet { count: 2.0, sum: 3.0, min: 1.0, max: 2.0 });
        let (name, at) = (name.to_string(), Some(at_s * 1000));
        Datum { name, at, statistics, resolution: Some(1), ..Datum::default() }
    }

    #[test]
    fn what_is_kept_has_a_bound_and_the_books_balance() {
        let mut metrics = Metrics::default();
        let start = 1_800_000_000;
        let a_slot = Distribution::default().weight();
        let calls = MOST_WEIGHT / a_slot / MOST_DATA + 10;
        for call in 0..calls as u64 {
            // All within the hour.
            let at = start + call * 2;
            let data = (0..MOST_DATA).map(|name| statistics(name, at)).collect();
            let request = PutMetricData { namespace: "n".to_owned(), data };
            metrics.put(request, at * 1000).expect("valid");
            assert!(metrics.weight <= MOST_WEIGHT);
        }
        let sum: usize = metrics.by_key.values().map(Metric::weight).sum();
        assert_eq!(metrics.weight, sum);
        let oldest = metrics.by_key.values().filter_map(Metric::oldest).min();
        assert!(oldest > Some(start), "the oldest went first");
    }
}
