//! GetMetricData: statistics per period.
//!
//! Invariant: periods begin at the rounded start and follow each other without
//! gaps; a period without data has no data point; what is at the end or after it
//! is not looked at.
//!
//! The start is rounded down as AWS documents it: to the period where that is
//! shorter than a minute, otherwise to the minute.

use std::collections::HashMap;

use super::{Key, Metric, Metrics, distribution::Distribution, statistic::Statistic};
use crate::{
    local::engine::{ApiError, throttle::Quota},
    model::Millis,
};

/// Queries in a call.
const MOST_QUERIES: usize = 500;

/// GetMetricData.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GetMetricData {
    pub(crate) start: Millis,
    pub(crate) end: Millis,
    /// Newest first: AWS's default.
    pub(crate) descending: bool,
    pub(crate) queries: Vec<Query>,
}

/// One line of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    /// False: not to be answered, as only other lines would use it.
    pub(crate) hidden: bool,
    pub(crate) metric: Option<MetricStat>,
}

/// `MetricStat`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct MetricStat {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) period_s: i64,
    pub(crate) stat: String,
}

/// One line's answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series {
    pub(crate) id: String,
    pub(crate) label: String,
    /// When each period began.
    pub(crate) at: Vec<Millis>,
    pub(crate) values: Vec<f64>,
}

/// A line that was checked.
struct Checked<'a> {
    query: &'a Query,
    name: &'a str,
    key: Key,
    period: u64,
    statistic: Statistic,
}

/// Periods' merged distributions, by the second each begins at.
type Windows = Vec<(u64, Distribution)>;

impl Metrics {
    pub(crate) fn get(
        &mut self,
        request: &GetMetricData,
        now: Millis,
    ) -> Result<Vec<Series>, ApiError> {
        self.throttle.take(Quota::GetMetrics, now)?;
        if request.start >= request.end {
            return Err(ApiError::validation("StartTime must be before EndTime."));
        }
        if request.queries.is_empty() || request.queries.len() > MOST_QUERIES {
            return Err(ApiError::validation("Between 1 and 500 MetricDataQueries can be given."));
        }
        let checked = request.queries.iter().map(check).collect::<Result<Vec<_>, _>>()?;
        // Several statistics of one metric are the rule: merge once.
        let mut merged: HashMap<(&Key, u64), Windows> = HashMap::new();
        let mut answer = Vec::new();
        for line in checked.iter().filter(|line| !line.query.hidden) {
            let windows = merged.entry((&line.key, line.period)).or_insert_with(|| {
                let metric = self.by_key.get(&line.key);
                metric.map(|metric| windows(metric, line.period, request)).unwrap_or_default()
            });
            answer.push(series(line, windows, request.descending));
        }
        Ok(answer)
    }
}

fn check(query: &Query) -> Result<Checked<'_>, ApiError> {
    let starts_well = query.id.starts_with(|first: char| first.is_ascii_lowercase());
    if !starts_well || !query.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(ApiError::validation(format!("The value '{}' for Id is not valid.", query.id)));
    }
    let Some(metric) = &query.metric else {
        return Err(ApiError::validation("The local cloud has no metric math: give a MetricStat."));
    };
    let period = metric.period_s;
    if !matches!(period, 1 | 5 | 10 | 20 | 30) && (period < 60 || period % 60 != 0) {
        return Err(ApiError::validation("Period must be 1, 5, 10, 20, 30 or a multiple of 60."));
    }
    let statistic = Statistic::parse(&metric.stat)
        .ok_or_else(|| ApiError::validation(format!("Stat '{}' is not known.", metric.stat)))?;
    let key = Key::new(&metric.namespace, &metric.name, &metric.dimensions);
    Ok(Checked { query, name: &metric.name, key, period: period as u64, statistic })
}

/// The merged distribution of each period that has data, ascending.
fn windows(metric: &Metric, period: u64, request: &GetMetricData) -> Windows {
    let grain = period.min(60);
    let start = request.start / 1000 / grain * grain;
    let end = request.end.div_ceil(1000);
    let mut parts: HashMap<u64, Vec<&Distribution>> = HashMap::new();
    let minutes = (period >= 60).then_some(&metric.minutes);
    for data in std::iter::once(&metric.seconds).chain(minutes) {
        for (&second, distribution) in data.range(start..end.max(start)) {
            let window = start + (second - start) / period * period;
            parts.entry(window).or_default().push(distribution);
        }
    }
    let merged = parts.into_iter();
    let mut windows: Windows =
        merged.map(|(at, parts)| (at, Distribution::merged(parts.into_iter()))).collect();
    windows.sort_by_key(|&(at, _)| at);
    windows
}

fn series(line: &Checked<'_>, windows: &Windows, descending: bool) -> Series {
    let points = windows.iter().filter_map(|(second, distribution)| {
        Some((second * 1000, line.statistic.of(distribution)?))
    });
    let (at, values) = if descending { points.rev().unzip() } else { points.unzip() };
    let label = line.query.label.clone().unwrap_or_else(|| line.name.to_owned());
    Series { id: line.query.id.clone(), label, at, values }
}
