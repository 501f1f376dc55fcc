//! What the exact response times of the shown stretch come to: the table, the heatmap,
//! the percentile curve.
//!
//! Invariant: percentiles are of merged distributions, never of percentiles. Made when
//! the columns or the stretch change, and at no other time; drawing only reads it.

use std::{ops::Range, sync::Arc};

use super::stretch::Shown;
use crate::{
    controller::snapshot::{Column, LabelColumn, LatencyView},
    model::Millis,
    stats::LogCounts,
};

/// Bands of the heatmap in a tenfold of time. Each is some buckets wide, so that none
/// stays empty only because of where the buckets lie.
pub const BANDS_PER_DECADE: f64 = 48.0;
/// Points of the curve for each further nine.
const CURVE_STEPS: u32 = 24;
/// The farthest point of the curve: 99.9999 %.
const MOST_NINES: u32 = 6;

/// Percentiles that are told: what they are called, and which share is not above them.
pub const PERCENTILES: [(&str, f64); 7] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// What the times of some columns come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// When the first column begins (this machine's clock).
    pub from: Millis,
    /// When the last one ends.
    pub to: Millis,
    /// All requests, and then those of each label, the most frequent first.
    pub rows: Vec<Row>,
    /// Where the times of all requests lie, column by column, oldest first.
    pub heat: Vec<Arc<Heat>>,
    /// The percentile curve of all requests, from the fastest on.
    pub curve: Vec<CurvePoint>,
    source: Arc<LatencyView>,
    range: Range<usize>,
}

/// The figures of a label.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The label; none: all of them.
    pub label: Option<String>,
    /// Requests finished.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub errors: u64,
    /// [`PERCENTILES`] of the response times, in milliseconds; none without requests.
    pub response: Option<[f64; 7]>,
    /// The same of the service times.
    pub service: Option<[f64; 7]>,
}

/// Where the response times of a column lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// When it began.
    pub at: Millis,
    /// How long it is.
    pub length_ms: Millis,
    /// Requests by band, ascending: see [`band_ms`].
    pub bands: Vec<(i16, u64)>,
    /// Requests in all.
    pub requests: u64,
    /// [`PERCENTILES`] of them; none without requests.
    pub response: Option<[f64; 7]>,
    of: Arc<Column>,
}

/// A point of the percentile curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// How many nines: 1 is 90 %, 2 is 99 %.
    pub nines: f64,
    /// Response time in milliseconds.
    pub response: f64,
    /// Service time in milliseconds.
    pub service: f64,
}

/// The band of a time in milliseconds.
#[must_use]
pub fn band_of(ms: f64) -> i16 {
    (ms.max(1e-6).log10() * BANDS_PER_DECADE).floor() as i16
}

/// The lower bound of a band, in milliseconds.
#[must_use]
pub fn band_ms(band: i16) -> f64 {
    10f64.powf(f64::from(band) / BANDS_PER_DECADE)
}

impl Times {
    /// What the columns in `shown` come to; the one `before`, where that is still it.
    /// None where there are no columns.
    #[must_use]
    pub fn of(
        view: &Arc<LatencyView>,
        shown: Shown,
        before: Option<&Arc<Times>>,
    ) -> Option<Arc<Times>> {
        let range = columns_in(view, shown);
        if let Some(before) = before
            && Arc::ptr_eq(&before.source, view)
            && before.range == range
        {
            return Some(Arc::clone(before));
        }
        let columns = &view.columns[range.clone()];
        let (first, last) = columns.first().zip(columns.last())?;
        let all: Vec<&LabelColumn> = columns.iter().flat_map(|it| &it.labels).collect();
        let response = LogCounts::sum(all.iter().map(|it| &it.response));
        let service = LogCounts::sum(all.iter().map(|it| &it.service));
        let curve = curve(&response, &service);
        let mut rows = vec![row(None, &all, &response, &service)];
        rows.extend(by_label(view, &all));
        Some(Arc::new(Times {
            from: first.at,
            to: last.at.saturating_add(last.length_ms),
            rows,
            heat: columns.iter().map(|column| heat(column, before)).collect(),
            curve,
            source: Arc::clone(view),
            range,
        }))
    }

    /// The column that a moment is in.
    #[must_use]
    pub fn heat_at(&self, at: Millis) -> Option<&Heat> {
        let next = self.heat.partition_point(|heat| heat.at <= at);
        let heat = self.heat[..next].last()?;
        (at < heat.at.saturating_add(heat.length_ms)).then_some(heat)
    }
}

/// The columns that have a part in what is shown.
fn columns_in(view: &LatencyView, shown: Shown) -> Range<usize> {
    let columns = &view.columns;
    let end = |column: &Arc<Column>| column.at.saturating_add(column.length_ms);
    let first = columns.partition_point(|column| end(column) <= shown.from);
    let last = columns.partition_point(|column| column.at < shown.to);
    first..last.max(first)
}

fn by_label(view: &LatencyView, all: &[&LabelColumn]) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..)
        .zip(view.labels.iter())
        .filter_map(|(label, name): (u32, _)| {
            let its: Vec<&LabelColumn> =
                all.iter().copied().filter(|it| it.label == label).collect();
            let response = LogCounts::sum(its.iter().map(|it| &it.response));
            let service = LogCounts::sum(its.iter().map(|it| &it.service));
            (!its.is_empty()).then(|| row(Some(name.clone()), &its, &response, &service))
        })
        .collect();
    rows.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.label.cmp(&b.label)));
    rows
}

fn row(
    label: Option<String>,
    columns: &[&LabelColumn],
    response: &LogCounts,
    service: &LogCounts,
) -> Row {
    let sum =
        |of: fn(&LabelColumn) -> u64| columns.iter().map(|it| of(it)).fold(0, u64::saturating_add);
    Row {
        label,
        requests: sum(|it| it.requests),
        errors: sum(|it| it.errors),
        response: percentiles(response),
        service: percentiles(service),
    }
}

fn percentiles(counts: &LogCounts) -> Option<[f64; 7]> {
    let found = quantiles(counts, PERCENTILES.iter().map(|(_, share)| *share));
    found.try_into().ok()
}

/// The times that these shares do not exceed, in one pass; the shares ascend. Nothing of
/// an empty distribution.
fn quantiles(counts: &LogCounts, shares: impl Iterator<Item = f64>) -> Vec<f64> {
    let total = counts.total();
    let mut buckets = counts.iter();
    let Some(mut bucket) = buckets.next() else { return Vec::new() };
    let mut seen = bucket.2;
    let mut found = Vec::new();
    for share in shares {
        let wanted = ((share * total as f64).ceil() as u64).max(1);
        while seen < wanted
            && let Some(next) = buckets.next()
        {
            bucket = next;
            seen += bucket.2;
        }
        found.push(f64::midpoint(bucket.0, bucket.1));
    }
    found
}

/// The curve as far as there are requests for it: of a thousand, the one that is slowest
/// is at three nines.
fn curve(response: &LogCounts, service: &LogCounts) -> Vec<CurvePoint> {
    let total = response.total();
    let last = f64::from(MOST_NINES).min((total.max(1) as f64).log10());
    let nines: Vec<f64> = (0..=MOST_NINES * CURVE_STEPS)
        .map(|step| f64::from(step) / f64::from(CURVE_STEPS))
        .take_while(|nines| *nines < last)
        .chain([last])
        .collect();
    let shares = || nines.iter().map(|nines| 1.0 - 10f64.powf(-nines));
    let both = quantiles(response, shares()).into_iter().zip(quantiles(service, shares()));
    let both = nines.iter().zip(both);
    both.map(|(nines, (response, service))| CurvePoint { nines: *nines, response, service })
        .collect()
}

/// Where a column's times lie; as `before`, where it is the same column.
fn heat(column: &Arc<Column>, before: Option<&Arc<Times>>) -> Arc<Heat> {
    let known = before.and_then(|before| {
        let place = before.heat.binary_search_by_key(&column.at, |heat| heat.at).ok()?;
        before.heat.get(place).filter(|heat| Arc::ptr_eq(&heat.of, column))
    });
    if let Some(known) = known {
        return Arc::clone(known);
    }
    let all = LogCounts::sum(column.labels.iter().map(|it| &it.response));
    let mut bands: Vec<(i16, u64)> = Vec::new();
    for (low, high, count) in all.iter() {
        let band = band_of(f64::midpoint(low, high));
        match bands.last_mut() {
            Some((last, sum)) if *last == band => *sum += count,
            _ => bands.push((band, count)),
        }
    }
    Arc::new(Heat {
        at: column.at,
        length_ms: column.length_ms,
        bands,
        requests: column.labels.iter().map(|it| it.requests).sum(),
        response: percentiles(&all),
        of: Arc::clone(column),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        fixtures::{self, NOW},
        keys::press,
    };

    fn times(keys: &str) -> Arc<Times> {
        let mut app = fixtures::app(fixtures::measured());
        press(&mut app, keys, NOW);
        app.stretch.times.expect("the latency view is shown")
    }

    #[test]
    fn only_the_view_that_shows_them_merges_them() {
        let mut app = fixtures::app(fixtures::measured());
        press(&mut app, "z", NOW);
        assert_eq!(app.stretch.times, None);
        press(&mut app, "4", NOW);
        let first = app.stretch.times.clone().expect("it is shown");
        // The same columns are not merged again; others are.
        press(&mut app, "l", NOW);
        assert!(app.stretch.times.as_ref().is_some_and(|times| Arc::ptr_eq(times, &first)));
        press(&mut app, "z", NOW);
        let second = app.stretch.times.clone().expect("it is shown");
        assert!(second.rows[0].requests < first.rows[0].requests);
        assert!(Arc::ptr_eq(&second.heat[0], &first.heat[first.heat.len() - second.heat.len()]));
        press(&mut app, "1", NOW);
        assert_eq!(app.stretch.times, None);
    }

    #[test]
    fn a_row_is_the_merged_distribution_of_its_columns() {
        let snapshot = fixtures::measured();
        let times = times("4");
        let columns = &snapshot.latency.value.columns;
        let mut merged = LogCounts::default();
        let (mut requests, mut errors) = (0, 0);
        for label in columns.iter().flat_map(|it| &it.labels) {
            merged.add(&label.response);
            requests += label.requests;
            errors += label.errors;
        }
        let all = &times.rows[0];
        assert_eq!((all.requests, all.errors), (requests, errors));
        let expected = PERCENTILES.map(|(_, share)| merged.quantile(share).expect("not empty"));
        assert_eq!(all.response, Some(expected));
        let labels: Vec<_> = times.rows.iter().map(|row| row.label.as_deref()).collect();
        assert_eq!(labels, [None, Some("read"), Some("login"), Some("upload")]);
        assert_eq!(times.rows[1..].iter().map(|row| row.requests).sum::<u64>(), requests);
    }

    #[test]
    fn every_request_is_in_the_heatmap_and_the_curve_ends_with_the_slowest() {
        let times = times("4");
        let heat: u64 = times.heat.iter().flat_map(|it| &it.bands).map(|(_, count)| count).sum();
        assert_eq!(heat, times.rows[0].requests);
        let last = times.curve.last().expect("there is a curve");
        assert_eq!(Some(last.response), times.rows[0].response.map(|it| it[6]));
        assert!(times.curve.is_sorted_by(|a, b| a.nines < b.nines && a.response <= b.response));
        assert!((last.nines - (heat as f64).log10()).abs() < 1e-9);
    }

    #[test]
    fn bands_are_ascending_and_hold_their_times() {
        for ms in [0.001, 0.05, 1.0, 3.3, 250.0, 3_600_000.0] {
            let band = band_of(ms);
            assert!(band_ms(band) <= ms * 1.000_001 && ms < band_ms(band + 1) * 1.000_001);
        }
    }
}
