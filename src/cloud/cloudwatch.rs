//! CloudWatch: what agents publish, and what the controller reads of it.

use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy, StandardUnit, StatusCode,
};
use aws_smithy_types::DateTime;

use super::{
    Cloud, CloudError, calls,
    types::{Datum, Query, Series, Unit},
};
use crate::model::Millis;

/// The most distinct values of one datum.
const VALUES_MOST: usize = 150;
/// The most datums of one call. AWS takes 1,000 and 1 MB: with 150 values each
/// this many stay below a megabyte.
const DATUMS_MOST: usize = 200;
/// The most queries of one call.
const QUERIES_MOST: usize = 500;

impl Cloud {
    /// Publishes these data, in as few calls as the service's limits allow. After an
    /// ambiguous failure the data may be there or not, and must not be sent again.
    ///
    /// Equivalent to `aws cloudwatch put-metric-data --namespace N --metric-data …`.
    /// Needs `cloudwatch:PutMetricData`.
    pub async fn put_metrics(&self, namespace: &str, data: &[Datum]) -> Result<(), CloudError> {
        let split: Vec<MetricDatum> = data.iter().flat_map(datums).collect();
        for some in split.chunks(DATUMS_MOST) {
            let call = self
                .cloudwatch
                .put_metric_data()
                .namespace(namespace)
                .set_metric_data(Some(some.to_vec()));
            self.settle(calls::PUT_METRICS, call.send().await)?;
        }
        Ok(())
    }

    /// Answers these queries over `from <= t < to` (milliseconds), oldest first. A
    /// query without data has no entry.
    ///
    /// Equivalent to `aws cloudwatch get-metric-data --metric-data-queries …
    /// --start-time … --end-time …`. Needs `cloudwatch:GetMetricData`.
    pub async fn metrics(
        &self,
        namespace: &str,
        queries: &[Query],
        from: Millis,
        to: Millis,
    ) -> Result<Series, CloudError> {
        let mut series = Series::new();
        for some in queries.chunks(QUERIES_MOST) {
            let mut token = None;
            loop {
                let call = self
                    .cloudwatch
                    .get_metric_data()
                    .set_metric_data_queries(Some(
                        some.iter().map(|query| data_query(namespace, query)).collect(),
                    ))
                    .start_time(moment(from))
                    .end_time(moment(to))
                    .scan_by(ScanBy::TimestampAscending)
                    .set_next_token(token);
                let page = self.settle(calls::GET_METRICS, call.send().await)?;
                for result in page.metric_data_results() {
                    if result.status_code() == Some(&StatusCode::InternalError) {
                        continue;
                    }
                    let at = result.timestamps().iter().map(millis);
                    let points = at.zip(result.values().iter().copied());
                    let id = result.id().unwrap_or_default().to_owned();
                    series.entry(id).or_default().extend(points);
                }
                token = page.next_token().map(str::to_owned);
                if token.is_none() {
                    break;
                }
            }
        }
        series.retain(|_, points| !points.is_empty());
        Ok(series)
    }
}

/// A datum in as many of CloudWatch's as its number of values needs.
fn datums(datum: &Datum) -> Vec<MetricDatum> {
    let unit = match datum.unit {
        Unit::Milliseconds => StandardUnit::Milliseconds,
        Unit::Count => StandardUnit::Count,
        Unit::None => StandardUnit::None,
    };
    let part = |values: &[(f64, f64)]| {
        let (values, counts) = values.iter().copied().unzip();
        MetricDatum::builder()
            .metric_name(datum.name)
            .set_dimensions(Some(dimensions(&datum.dimensions)))
            .timestamp(moment(datum.at))
            .set_values(Some(values))
            .set_counts(Some(counts))
            .unit(unit.clone())
            // Seconds, not minutes.
            .storage_resolution(1)
            .build()
    };
    datum.values.chunks(VALUES_MOST).map(part).collect()
}

fn data_query(namespace: &str, query: &Query) -> MetricDataQuery {
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(query.name)
        .set_dimensions(Some(dimensions(&query.dimensions)))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(i32::try_from(query.period_s).unwrap_or(i32::MAX))
        .stat(&query.stat)
        .build();
    MetricDataQuery::builder().id(&query.id).metric_stat(stat).return_data(true).build()
}

fn dimensions(pairs: &[(&'static str, String)]) -> Vec<Dimension> {
    pairs
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(value).build())
        .collect()
}

fn moment(at: Millis) -> DateTime {
    DateTime::from_millis(at.cast_signed())
}

fn millis(at: &DateTime) -> Millis {
    at.to_millis().unwrap_or(0).max(0).cast_unsigned()
}
