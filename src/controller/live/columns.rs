//! Exact distributions over time, in fixed memory.
//!
//! Invariant: columns never overlap, and adding is exact: what is added to where
//! something is becomes one column with it. Where there are too many, two neighbours are
//! added together: those that are shortest for their age, so that what is recent stays
//! fine and a day keeps its shape.

use std::{collections::BTreeMap, sync::Arc};

use super::super::snapshot::{Column, LabelColumn};
use crate::{
    model::Millis,
    stats::{Interval, LogCounts, Part, Time},
};

/// How many columns there are at most.
const COLUMNS_MOST: usize = 600;
/// How many of the latest ones are not added together, unless memory demands it.
const FRESH: usize = 120;
/// How many buckets all columns together have at most: 16 MB.
const BUCKETS_MOST: usize = 1_000_000;
/// How many labels are told apart.
const LABELS_MOST: usize = 32;
/// What those beyond that are counted under.
const OTHERS: &str = "other labels";
/// An interval that claims to be longer is nonsense.
const LONGEST_MS: Millis = 600_000;
/// The clocks may differ by so much before moments are shown anew, in milliseconds.
const DRIFT_MS: i64 = 250;

/// What intervals brought: all of each moment together.
#[derive(Debug, Default)]
pub(super) struct Slices(BTreeMap<(Millis, Millis), Slice>);

/// What came from one moment to another.
#[derive(Debug, Default)]
struct Slice {
    /// Time of tasks: two tasks for a second are two seconds.
    task_ms: Millis,
    labels: BTreeMap<String, Sums>,
}

/// One label's requests.
#[derive(Debug, Default)]
struct Sums {
    requests: u64,
    errors: u64,
    response: LogCounts,
    service: LogCounts,
}

impl Slices {
    /// Adds all that a part holds, as far as it can be of a time up to `now`.
    pub(super) fn add(&mut self, part: &Part, now: Millis) {
        let can_be = |it: &&Interval| {
            (1..=LONGEST_MS).contains(&it.report.length_ms) && it.report.at <= now + LONGEST_MS
        };
        for interval in part.intervals.iter().filter(can_be) {
            let report = &interval.report;
            let slice = self.0.entry((report.at, report.at + report.length_ms)).or_default();
            slice.task_ms += report.length_ms;
            for (label, counts) in report.labels.iter().filter(|(_, it)| it.requests > 0) {
                let sums = slice.labels.entry(label.clone()).or_default();
                sums.requests += counts.requests;
                sums.errors += counts.errors;
            }
            for times in &interval.times {
                let sums = |slice: &mut Slice| match times.time {
                    Time::Response => {
                        let sums = slice.labels.entry(times.label.clone()).or_default();
                        sums.response.add_counts(&times.counts);
                    }
                    Time::Service => {
                        let sums = slice.labels.entry(times.label.clone()).or_default();
                        sums.service.add_counts(&times.counts);
                    }
                    Time::Connect | Time::Lag => {}
                };
                sums(slice);
            }
        }
    }
}

/// All columns, oldest first.
#[derive(Debug, Default)]
pub(super) struct Columns {
    bins: Vec<Bin>,
    labels: Arc<Vec<String>>,
    buckets: usize,
    /// How far this machine's clock is ahead of the bucket's.
    ahead_ms: i64,
}

/// A column, by the bucket's clock; in it, its moment is by this machine's.
#[derive(Debug)]
struct Bin {
    from: Millis,
    to: Millis,
    task_ms: Millis,
    column: Arc<Column>,
}

impl Columns {
    /// Adds these. `ahead_ms` is how far this machine's clock is ahead of the bucket's.
    pub(super) fn add(&mut self, slices: Slices, ahead_ms: i64) {
        if (ahead_ms - self.ahead_ms).abs() > DRIFT_MS {
            self.ahead_ms = ahead_ms;
            for bin in &mut self.bins {
                Arc::make_mut(&mut bin.column).at = bin.from.saturating_add_signed(ahead_ms);
            }
        }
        for ((from, to), slice) in slices.0 {
            let bin = self.bin(from, to, slice);
            self.insert(bin);
        }
        self.thin();
    }

    /// The columns.
    pub(super) fn list(&self) -> Vec<Arc<Column>> {
        self.bins.iter().map(|bin| Arc::clone(&bin.column)).collect()
    }

    /// The labels that columns name by their place.
    pub(super) fn labels(&self) -> Arc<Vec<String>> {
        Arc::clone(&self.labels)
    }

    /// When the latest column ends, by this machine's clock.
    pub(super) fn end(&self) -> Option<Millis> {
        self.bins.last().map(|it| it.column.at + it.column.length_ms)
    }

    fn bin(&mut self, from: Millis, to: Millis, slice: Slice) -> Bin {
        let mut column = Column::default();
        for (label, sums) in slice.labels {
            let Sums { requests, errors, response, service } = sums;
            let label = self.label(label);
            add_label(
                &mut column.labels,
                &LabelColumn { label, requests, errors, response, service },
            );
        }
        let mut bin = Bin { from, to, task_ms: slice.task_ms, column: Arc::new(column) };
        bin.settle(self.ahead_ms);
        bin
    }

    fn label(&mut self, name: String) -> u32 {
        if let Some(place) = self.labels.iter().position(|it| *it == name) {
            return place as u32;
        }
        let labels = Arc::make_mut(&mut self.labels);
        if labels.len() < LABELS_MOST - 1 {
            labels.push(name);
        } else if labels.len() == LABELS_MOST - 1 {
            labels.push(OTHERS.to_owned());
        }
        labels.len() as u32 - 1
    }

    /// Puts a column to where it belongs; with what is there already it becomes one.
    fn insert(&mut self, mut bin: Bin) {
        let first = self.bins.partition_point(|it| it.to <= bin.from);
        let there = self.bins[first..].iter().take_while(|it| it.from < bin.to).count();
        let there: Vec<Bin> = self.bins.splice(first..first + there, []).collect();
        for other in there {
            self.buckets -= other.buckets();
            bin.absorb(&other, self.ahead_ms);
        }
        self.buckets += bin.buckets();
        self.bins.insert(first, bin);
    }

    fn thin(&mut self) {
        while self.bins.len() > COLUMNS_MOST || self.buckets > BUCKETS_MOST {
            let fresh = if self.bins.len() > 2 * FRESH { FRESH } else { 1 };
            let Some(now) = self.bins.last().map(|it| it.to) else {
                return;
            };
            // Of a length that grows with the root of the age, so many columns are a day.
            let badness = |pair: &[Bin]| {
                let span = u128::from(pair[1].to - pair[0].from);
                span * span / u128::from(now.saturating_sub(pair[0].from).max(1))
            };
            let old = self.bins.len().saturating_sub(fresh);
            let pairs = self.bins[..old].windows(2).enumerate();
            let Some((place, _)) = pairs.min_by_key(|(_, pair)| badness(pair)) else {
                return;
            };
            let second = self.bins.remove(place + 1);
            let first = &mut self.bins[place];
            self.buckets -= first.buckets() + second.buckets();
            first.absorb(&second, self.ahead_ms);
            self.buckets += first.buckets();
        }
    }
}

impl Bin {
    /// Takes in all that another has, and the time between them.
    fn absorb(&mut self, other: &Bin, ahead_ms: i64) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.task_ms += other.task_ms;
        let column = Arc::make_mut(&mut self.column);
        for label in &other.column.labels {
            add_label(&mut column.labels, label);
        }
        self.settle(ahead_ms);
    }

    fn settle(&mut self, ahead_ms: i64) {
        let column = Arc::make_mut(&mut self.column);
        column.at = self.from.saturating_add_signed(ahead_ms);
        column.length_ms = self.to - self.from;
        column.tasks = self.task_ms.div_ceil(column.length_ms.max(1)) as u32;
    }

    fn buckets(&self) -> usize {
        let of = |it: &LabelColumn| it.response.buckets() + it.service.buckets();
        self.column.labels.iter().map(of).sum()
    }
}

fn add_label(labels: &mut Vec<LabelColumn>, more: &LabelColumn) {
    match labels.binary_search_by_key(&more.label, |it| it.label) {
        Ok(place) => {
            let sum = &mut labels[place];
            sum.requests += more.requests;
            sum.errors += more.errors;
            sum.response.add(&more.response);
            sum.service.add(&more.service);
        }
        Err(place) => labels.insert(place, more.clone()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Counts, LabelCounts, Outcome, Report, Times, times::histogram};

    fn interval(at: Millis, length_ms: Millis, label: &str, micros: &[u64]) -> Interval {
        let mut recorded = histogram();
        for &micros in micros {
            recorded.saturating_record(micros);
        }
        let counts = LabelCounts { requests: micros.len() as u64, errors: 1 };
        let times = |outcome| Times {
            label: label.to_owned(),
            time: Time::Response,
            outcome,
            counts: Counts::from(&recorded),
        };
        let labels = [(label.to_owned(), counts)].into();
        Interval {
            report: Report { at, length_ms, labels, ..Report::default() },
            times: vec![times(Outcome::Ok)],
        }
    }

    fn slices(intervals: Vec<Interval>) -> Slices {
        let mut slices = Slices::default();
        slices.add(&Part { task: "t".to_owned(), number: 1, intervals }, Millis::MAX / 2);
        slices
    }

    fn assert_apart(columns: &Columns) {
        let list = columns.list();
        for pair in list.windows(2) {
            assert!(pair[0].at + pair[0].length_ms <= pair[1].at);
        }
    }

    fn total(columns: &Columns) -> (u64, u64) {
        let list = columns.list();
        let labels = || list.iter().flat_map(|it| &it.labels);
        (labels().map(|it| it.requests).sum(), labels().map(|it| it.response.total()).sum())
    }

    #[test]
    fn what_several_tasks_say_of_a_moment_is_one_column() {
        let mut columns = Columns::default();
        columns.add(slices(vec![interval(5_000, 1_000, "a", &[100, 200])]), 500);
        columns.add(slices(vec![interval(5_000, 1_000, "a", &[300])]), 500);
        columns.add(slices(vec![interval(6_000, 1_000, "b", &[300])]), 500);
        // One whose interval is longer already.
        columns.add(slices(vec![interval(5_000, 5_000, "a", &[400])]), 500);
        let list = columns.list();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].at, list[0].length_ms, list[0].tasks), (5_500, 5_000, 2));
        assert_eq!(*columns.labels(), ["a", "b"]);
        assert_eq!((list[0].labels[0].requests, list[0].labels[0].errors), (4, 3));
        assert_eq!(list[0].labels[0].response.total(), 4);
        assert_eq!(columns.end(), Some(10_500));
        columns.add(Slices::default(), -1_000);
        assert_eq!(columns.list()[0].at, 4_000, "the clock was set");
    }

    #[test]
    fn a_day_of_seconds_has_a_bound_and_loses_nothing() {
        let mut columns = Columns::default();
        for second in 0..86_400_u64 {
            let times = [1_000 + second % 500, 2_000];
            columns.add(slices(vec![interval(second * 1000, 1000, "a", &times)]), 0);
        }
        assert!(columns.bins.len() <= COLUMNS_MOST);
        assert_eq!(total(&columns), (2 * 86_400, 2 * 86_400));
        assert_apart(&columns);
        let list = columns.list();
        let length_at = |ago_s: u64| {
            let at = (86_400 - ago_s) * 1000;
            list.iter().find(|it| it.at + it.length_ms > at).map_or(0, |it| it.length_ms / 1000)
        };
        assert_eq!(length_at(60), 1);
        assert!(length_at(900) <= 60, "{}", length_at(900));
        assert!(length_at(3_600) <= 180, "{}", length_at(3_600));
        assert!(length_at(80_000) <= 900, "{}", length_at(80_000));
    }

    #[test]
    fn many_labels_and_many_buckets_have_a_bound() {
        let mut columns = Columns::default();
        let spread: Vec<u64> = (0..2_000).map(|n| 100 + n * n).collect();
        for second in 0..100 {
            let labels = (0..40).map(|n| {
                let label = format!("label {n}");
                interval(second * 1000, 1000, &label, &spread)
            });
            columns.add(slices(labels.collect()), 0);
        }
        assert_eq!(columns.labels().len(), LABELS_MOST);
        assert_eq!(columns.labels().last().map(String::as_str), Some(OTHERS));
        assert!(columns.buckets <= BUCKETS_MOST);
        let counted: usize = columns.bins.iter().map(Bin::buckets).sum();
        assert_eq!(columns.buckets, counted);
        assert_eq!(total(&columns).1, 100 * 40 * 2_000);
        assert_apart(&columns);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_order_and_any_lengths_lose_nothing(
            intervals in prop::collection::vec(
                (0u64..200, prop::sample::select(vec![1u64, 5, 10, 30, 60]), 1usize..5), 0..200),
        ) {
            let mut columns = Columns::default();
            let mut sum = 0;
            for (at, length, requests) in intervals {
                let at = at / length * length * 1000;
                let times = vec![1_000; requests];
                columns.add(slices(vec![interval(at, length * 1000, "a", &times)]), 0);
                sum += requests as u64;
            }
            prop_assert_eq!(total(&columns), (sum, sum));
            assert_apart(&columns);
        }
    }
}
