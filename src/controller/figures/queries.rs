//! What is asked of CloudWatch.
//!
//! Invariant: one call a refresh; the ids say what an answer is: windows begin with `w_`,
//! whole minutes with `m_`, and all else is asked for in the finest period.

use std::collections::BTreeMap;

use super::super::snapshot::Quantiles;
use crate::{
    cloud::types::{Query, Series},
    model::Millis,
    stats::{ErrorKind, metrics},
};

/// Reports are asked for one by one, whatever their interval: a moment at which none
/// begins has none.
const FINEST_S: u32 = 1;
const MINUTE_S: u32 = 60;
/// The percentiles that are asked for, and how ids call them.
const STATS: [(&str, &str); 4] =
    [("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("Maximum", "max")];

/// What a refresh asks for.
#[derive(Debug, Clone, Copy)]
pub(in crate::controller) struct Asked {
    /// From when to when (the bucket's clock).
    pub(in crate::controller) range: (Millis, Millis),
    /// Length of the windows.
    pub(super) window_s: u32,
    /// The whole minutes whose own percentiles are asked for, if any.
    pub(super) minutes: Option<(Millis, Millis)>,
}

/// How many metrics one refresh asks for. Minutes add a few once a minute.
pub(in crate::controller) fn queries_a_refresh() -> u64 {
    queries("", Asked { range: (0, 0), window_s: FINEST_S, minutes: None }).len() as u64
}

/// The queries of a refresh.
pub(in crate::controller) fn queries(run: &str, asked: Asked) -> Vec<Query> {
    let mut queries = by_period(run, FINEST_S);
    for (stat, id) in STATS {
        let of = |kind: &str, name, period_s| {
            let id = format!("{kind}_{id}");
            Query { id, name, dimensions: of_run(run, None), stat: stat.to_owned(), period_s }
        };
        queries.push(of("w_response", metrics::RESPONSE_TIME, asked.window_s));
        queries.push(of("w_service", metrics::SERVICE_TIME, asked.window_s));
        if asked.minutes.is_some() {
            queries.push(of("m", metrics::RESPONSE_TIME, MINUTE_S));
        }
    }
    queries
}

/// The queries of what was before, by minutes and one by one.
pub(super) fn of_past(run: &str) -> (Vec<Query>, Vec<Query>) {
    (by_period(run, MINUTE_S), by_period(run, FINEST_S))
}

/// All that points and totals are made of.
fn by_period(run: &str, period_s: u32) -> Vec<Query> {
    let query = |id: &str, name, more, stat: &str| Query {
        id: id.to_owned(),
        name,
        dimensions: of_run(run, more),
        stat: stat.to_owned(),
        period_s,
    };
    let mut queries = vec![
        query("requests", metrics::REQUESTS, None, "Sum"),
        query("errors", metrics::ERRORS, None, "Sum"),
        query("late", metrics::LATE, None, "Sum"),
        query("lag", metrics::LAG, None, "Maximum"),
        query("cpu", metrics::CPU, None, "Maximum"),
    ];
    for (stat, id) in STATS {
        queries.push(query(&format!("r_{id}"), metrics::RESPONSE_TIME, None, stat));
    }
    for state in [metrics::STARTING, metrics::CONNECTED, metrics::FAILED] {
        let id = format!("d_{state}");
        queries.push(query(&id, metrics::DEVICES, Some((metrics::BY_STATE, state)), "Sum"));
    }
    let reporters = Some((metrics::BY_STATE, metrics::CONNECTED));
    queries.push(query("reporters", metrics::DEVICES, reporters, "SampleCount"));
    for kind in ErrorKind::ALL {
        let id = format!("e_{}", kind.as_str().replace('-', "_"));
        let kind = Some((metrics::BY_KIND, kind.as_str()));
        queries.push(query(&id, metrics::ERRORS, kind, "Sum"));
    }
    queries
}

fn of_run(run: &str, more: Option<(&'static str, &str)>) -> Vec<(&'static str, String)> {
    let mut dimensions = vec![(metrics::BY_RUN, run.to_owned())];
    dimensions.extend(more.map(|(name, value)| (name, value.to_owned())));
    dimensions
}

/// The percentiles of a moment, by what their ids begin with; none where nothing was
/// answered.
pub(super) fn quantiles(values: &BTreeMap<&str, f64>, kind: &str) -> Option<Quantiles> {
    let get = |id: &str| values.get(format!("{kind}_{id}").as_str()).copied();
    let or_zero = |id: &str| get(id).unwrap_or(0.0);
    let (p90, p99, max) = (or_zero("p90"), or_zero("p99"), or_zero("max"));
    Some(Quantiles { p50: get("p50")?, p90, p99, max })
}

/// From a series an id to the values of each moment by id. Windows are left out:
/// their moments are others.
pub(super) fn transpose(series: &Series) -> BTreeMap<Millis, BTreeMap<&str, f64>> {
    let mut by_moment: BTreeMap<Millis, BTreeMap<&str, f64>> = BTreeMap::new();
    for (id, points) in series.iter().filter(|(id, _)| !id.starts_with("w_")) {
        for &(at, value) in points {
            by_moment.entry(at).or_default().insert(id, value);
        }
    }
    by_moment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_cloudwatch_allows_and_unique() {
        let asked = Asked { range: (0, 1), window_s: 5, minutes: Some((0, 60_000)) };
        let queries = queries("r", asked);
        let ids: std::collections::BTreeSet<_> = queries.iter().map(|it| &it.id).collect();
        assert_eq!(ids.len(), queries.len());
        for id in ids {
            assert!(id.starts_with(|c: char| c.is_ascii_lowercase()), "{id}");
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{id}");
        }
    }
}
