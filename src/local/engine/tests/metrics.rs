use crate::{
    local::engine::metrics::{
        Datum, GetMetricData, MetricStat, Metrics, PutMetricData, Query, Series,
    },
    model::Millis,
};

/// On the hour.
const START: Millis = 1_800_000_000_000;

fn datum(at: Millis, values: &[f64], resolution: Option<i64>) -> Datum {
    let dimensions = vec![("Run".to_owned(), "r".to_owned()), ("Label".to_owned(), "l".to_owned())];
    Datum {
        name: "m".to_owned(),
        dimensions,
        at: Some(at),
        values: values.to_vec(),
        resolution,
        ..Datum::default()
    }
}

fn put(metrics: &mut Metrics, data: Vec<Datum>, now: Millis) {
    let request = PutMetricData { namespace: "n".to_owned(), data };
    metrics.put(request, now).expect("valid");
}

fn query(stat: &str, period_s: i64) -> Query {
    // In another order than they were published with.
    let dimensions = vec![("Label".to_owned(), "l".to_owned()), ("Run".to_owned(), "r".to_owned())];
    let metric = MetricStat {
        namespace: "n".to_owned(),
        name: "m".to_owned(),
        dimensions,
        period_s,
        stat: stat.to_owned(),
    };
    Query { id: "q".to_owned(), metric: Some(metric), ..Query::default() }
}

fn get(metrics: &mut Metrics, query: Query, start: Millis, end: Millis) -> Series {
    let request = GetMetricData { start, end, descending: false, queries: vec![query] };
    metrics.get(&request, end).expect("valid").remove(0)
}

#[test]
fn periods_begin_at_the_rounded_start() {
    let mut metrics = Metrics::default();
    let data = (0..120).map(|s| datum(START + s * 1000, &[s as f64], Some(1))).collect();
    put(&mut metrics, data, START);
    // Asked at :23 for ten-second periods: they begin at :20.
    let series = get(&mut metrics, query("Sum", 10), START + 23_500, START + 45_000);
    assert_eq!(series.at, [20, 30, 40].map(|s| START + s * 1000));
    assert_eq!(series.values, [245.0, 345.0, 40.0 + 41.0 + 42.0 + 43.0 + 44.0]);
    // Periods of minutes begin at the minute of the start, wherever that is.
    let series = get(&mut metrics, query("SampleCount", 120), START + 61_000, START + 500_000);
    assert_eq!((series.at, series.values), (vec![START + 60_000], vec![60.0]));
    let request = GetMetricData {
        start: START,
        end: START + 3000,
        descending: true,
        queries: vec![query("Sum", 1)],
    };
    assert_eq!(metrics.get(&request, START).expect("valid")[0].values, [2.0, 1.0, 0.0]);
}

#[test]
fn a_percentile_is_of_all_that_fell_into_the_period() {
    let mut metrics = Metrics::default();
    // Ninety-nine fast requests from one agent, one slow from another: averaging
    // their percentiles would say 500.
    put(&mut metrics, vec![Datum { counts: vec![99.0], ..datum(START, &[1.0], Some(1)) }], START);
    put(&mut metrics, vec![datum(START + 1000, &[1000.0], Some(1))], START);
    for (stat, value) in
        [("p50", 1.0), ("p99", 1.0), ("p99.9", 1000.0), ("p0", 1.0), ("Average", 10.99)]
    {
        assert_eq!(
            get(&mut metrics, query(stat, 5), START, START + 5000).values,
            [value],
            "{stat}"
        );
    }
}

#[test]
fn without_high_resolution_there_are_only_minutes() {
    let mut metrics = Metrics::default();
    put(&mut metrics, vec![datum(START + 65_000, &[1.0], None)], START + 65_000);
    assert_eq!(get(&mut metrics, query("Sum", 1), START, START + 120_000).values, [0.0; 0]);
    let minutes = get(&mut metrics, query("Sum", 60), START, START + 120_000);
    assert_eq!((minutes.at, minutes.values), (vec![START + 60_000], vec![1.0]));
}

#[test]
fn data_is_kept_for_an_hour() {
    let mut metrics = Metrics::default();
    put(&mut metrics, vec![datum(START, &[1.0], Some(1))], START);
    let later = START + 3_599_000;
    put(&mut metrics, vec![datum(later, &[2.0], Some(1))], later);
    assert_eq!(get(&mut metrics, query("Sum", 1), START, later + 1000).values, [1.0, 2.0]);
    let later = later + 10_000;
    put(&mut metrics, vec![datum(later, &[3.0], Some(1)), datum(START, &[9.0], Some(1))], later);
    assert_eq!(get(&mut metrics, query("Sum", 1), START, later + 1000).values, [2.0, 3.0]);
    let request = PutMetricData {
        namespace: "n".to_owned(),
        data: vec![datum(later + 3 * 3_600_000, &[1.0], None)],
    };
    assert!(metrics.put(request, later).is_err(), "the far future");
}

#[test]
fn a_call_is_stored_whole_or_not_at_all() {
    let mut metrics = Metrics::default();
    let data = vec![datum(START, &[1.0], Some(1)), datum(START, &[f64::NAN], Some(1))];
    let request = PutMetricData { namespace: "n".to_owned(), data };
    assert!(metrics.put(request, START).is_err());
    assert_eq!(get(&mut metrics, query("Sum", 1), START, START + 1000).values, [0.0; 0]);
}

#[test]
fn queries_that_cannot_be_are_refused() {
    let mut metrics = Metrics::default();
    let id = |id: &str| Query { id: id.to_owned(), ..query("Sum", 1) };
    let bad = [
        query("Sum", 7),
        query("Sum", 0),
        query("Sum", 90),
        query("median", 1),
        id("Q"),
        id(""),
        id("a-b"),
        Query { metric: None, ..query("Sum", 1) },
    ];
    for query in bad {
        let request = GetMetricData {
            start: START,
            end: START + 1,
            descending: false,
            queries: vec![query.clone()],
        };
        assert!(metrics.get(&request, START).is_err(), "{query:?}");
    }
    let backwards = GetMetricData {
        start: START,
        end: START,
        descending: false,
        queries: vec![query("Sum", 1)],
    };
    assert!(metrics.get(&backwards, START).is_err());
}
