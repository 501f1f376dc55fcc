//! CloudWatch, over CBOR.
#![expect(clippy::float_cmp, reason = "what was published comes back as it was")]

use std::time::{SystemTime, UNIX_EPOCH};

use super::sdk::cloudwatch::{
    error::ProvideErrorMetadata,
    types::{MetricDatum, StatisticSet},
};

use super::Site;
use crate::cloud::types::{Datum, Query, Unit};

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn query(id: &str, stat: &str, period_s: u32) -> Query {
    let dimensions = vec![("Run", "r".to_owned())];
    Query { id: id.to_owned(), name: "ResponseTime", dimensions, stat: stat.to_owned(), period_s }
}

#[tokio::test]
async fn a_large_distribution_is_published_gzipped_and_read_as_percentiles() {
    let site = Site::start().await;
    let second = now_s() - 10;
    // 1,500 values that do not compress well: far more than the 10 KB from which
    // the SDK compresses.
    let value = |n: u32| f64::from(n) + 1.0 / f64::from(n + 1);
    let datum = |at, values| Datum {
        name: "ResponseTime",
        dimensions: vec![("Run", "r".to_owned())],
        at: at * 1000,
        values,
        unit: Unit::Milliseconds,
    };
    let many = datum(second, (0..1500).map(|n| (value(n), 2.0)).collect());
    let few = datum(second + 1, vec![(5000.0, 1.0)]);
    site.cloud.put_metrics("loadtop", &[many, few]).await.expect("published");
    let queries = [
        query("count", "SampleCount", 1),
        query("sum", "Sum", 1),
        query("p50", "p50", 1),
        query("p999", "p99.9", 1),
        query("max", "Maximum", 60),
        Query { name: "Nothing", ..query("none", "Sum", 1) },
    ];
    let (from, to) = (second * 1000, (second + 2) * 1000);
    let series = site.cloud.metrics("loadtop", &queries, from, to).await.expect("read");
    assert_eq!(series["count"], [(second * 1000, 3000.0), ((second + 1) * 1000, 1.0)]);
    assert_eq!(series["sum"][1].1, 5000.0);
    assert_eq!(series["p50"][0].1, value(749));
    assert_eq!(series["p999"][0].1, value(1498));
    assert_eq!(series["max"].iter().map(|point| point.1).fold(0.0, f64::max), 5000.0);
    assert!(!series.contains_key("none"));
    site.local.shutdown().await;
}

#[tokio::test]
async fn values_statistics_and_mistakes() {
    let site = Site::start().await;
    let put = |datum: MetricDatum| {
        site.cloudwatch.put_metric_data().namespace("loadtop").metric_data(datum).send()
    };
    let datum = || MetricDatum::builder().metric_name("ResponseTime").storage_resolution(1);
    put(datum().value(2.5).build()).await.expect("published");
    let set = StatisticSet::builder().sample_count(3.0).sum(6.0).minimum(1.0).maximum(3.0).build();
    put(datum().statistic_values(set).build()).await.expect("published");
    let error = put(datum().build()).await.expect_err("nothing in it");
    assert_eq!(error.code(), Some("InvalidParameterCombination"));
    let error = put(datum().value(f64::NAN).build()).await.expect_err("no number");
    assert_eq!(error.code(), Some("InvalidParameterValue"));
    let dimensions = Vec::new();
    let sum = Query { dimensions, ..query("sum", "Sum", 60) };
    let from = now_s().saturating_sub(60) * 1000;
    let read = |query: Query| {
        let site = &site;
        async move { site.cloud.metrics("loadtop", &[query], from, from + 120_000).await }
    };
    let series = read(sum.clone()).await.expect("read");
    assert_eq!(series["sum"].iter().map(|point| point.1).sum::<f64>(), 8.5);
    let error = read(Query { period_s: 7, ..sum.clone() }).await.expect_err("no such period");
    assert_eq!(error.code.as_deref(), Some("ValidationError"));
    let error = read(Query { stat: "median".to_owned(), ..sum }).await.expect_err("no such stat");
    assert_eq!(error.code.as_deref(), Some("ValidationError"));
    let error = site.cloudwatch.list_metrics().send().await.expect_err("unknown");
    assert_eq!(error.code(), Some("UnknownOperationException"));
    site.local.shutdown().await;
}
