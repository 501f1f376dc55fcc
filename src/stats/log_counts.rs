//! Distributions in the buckets that agents share, kept as counts: small, and added
//! exactly.
//!
//! Invariant: the buckets are those of [`buckets`](super::buckets), at most 1 % wide, so
//! that a percentile is within half a percent of the time that it stands for. Adding in
//! any order gives the same.

use super::{
    Counts,
    buckets::{bounds_ms, bucket},
};

/// Counts by bucket, ascending; only what occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogCounts(Vec<(u16, u64)>);

impl LogCounts {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|&(_, count)| count).sum()
    }

    /// How many buckets hold something: what it takes in memory, in pairs of 16 bytes.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.0.len()
    }

    /// Adds what `counts` holds.
    pub fn add_counts(&mut self, counts: &Counts) {
        let mut more = LogCounts::default();
        // Ascending, so those of one bucket are neighbours.
        for (micros, count) in counts.iter() {
            let bucket = bucket(micros);
            match more.0.last_mut() {
                Some((last, sum)) if *last == bucket => *sum += count,
                _ => more.0.push((bucket, count)),
            }
        }
        self.add(&more);
    }

    /// Adds so many of one time, in microseconds.
    pub fn record(&mut self, micros: u64, count: u64) {
        let bucket = bucket(micros);
        match self.0.binary_search_by_key(&bucket, |&(it, _)| it) {
            Ok(place) => self.0[place].1 += count,
            Err(place) => self.0.insert(place, (bucket, count)),
        }
    }

    /// All of these together: the same as adding them one after the other, in one pass.
    #[must_use]
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a LogCounts>) -> LogCounts {
        let mut sums: Vec<u64> = Vec::new();
        for &(bucket, count) in all.into_iter().flat_map(|it| &it.0) {
            let place = usize::from(bucket);
            if place >= sums.len() {
                sums.resize(place + 1, 0);
            }
            sums[place] += count;
        }
        LogCounts((0..).zip(sums).filter(|&(_, count)| count > 0).collect())
    }

    /// Adds another distribution.
    pub fn add(&mut self, more: &LogCounts) {
        if self.0.is_empty() {
            self.0.clone_from(&more.0);
            return;
        }
        let mut sum = Vec::with_capacity(self.0.len() + more.0.len());
        let (mut ours, mut theirs) = (self.0.iter().peekable(), more.0.iter().peekable());
        loop {
            match (ours.peek(), theirs.peek()) {
                (Some((a, n)), Some((b, m))) if a == b => {
                    sum.push((*a, n + m));
                    ours.next();
                    theirs.next();
                }
                (Some((a, _)), Some((b, _))) if a < b => sum.extend(ours.next()),
                (_, Some(_)) => sum.extend(theirs.next()),
                (Some(_), None) => sum.extend(ours.next()),
                (None, None) => break,
            }
        }
        // Equal buckets leave up to half of it empty, and sums are kept for long.
        sum.shrink_to_fit();
        self.0 = sum;
    }

    /// Lower and upper bound of each bucket in milliseconds, and its count, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        self.0.iter().map(|&(bucket, count)| {
            let (low, high) = bounds_ms(bucket);
            (low, high, count)
        })
    }

    /// The time in milliseconds that a share `q` (0 to 1) of all does not exceed: the
    /// middle of its bucket. None of an empty distribution.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let total = self.total();
        let wanted = ((q.clamp(0.0, 1.0) * total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.iter().find_map(|(low, high, count)| {
            seen += count;
            (seen >= wanted).then_some(f64::midpoint(low, high))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::times::{HIGHEST_US, histogram};

    fn of(times: &[u64]) -> LogCounts {
        let mut recorded = histogram();
        for &micros in times {
            recorded.saturating_record(micros);
        }
        let mut counts = LogCounts::default();
        counts.add_counts(&Counts::from(&recorded));
        counts
    }

    proptest! {
        #[test]
        fn a_sum_is_the_distribution_of_all(
            a in prop::collection::vec(1..=HIGHEST_US, 0..200),
            b in prop::collection::vec(1..=HIGHEST_US, 0..200),
        ) {
            let mut sum = of(&a);
            sum.add(&of(&b));
            let all: Vec<u64> = a.iter().chain(&b).copied().collect();
            prop_assert_eq!(&sum, &of(&all));
            prop_assert_eq!(&LogCounts::sum([&of(&a), &of(&b)]), &sum);
            let mut one_by_one = LogCounts::default();
            for &micros in &all {
                one_by_one.record(micros, 1);
            }
            prop_assert_eq!(&one_by_one, &sum);
            prop_assert_eq!(sum.total(), all.len() as u64);
        }

        #[test]
        fn a_percentile_is_within_a_percent_of_the_sorted_truth(
            mut times in prop::collection::vec(1..=HIGHEST_US, 1..300),
            q in 0.0_f64..=1.0,
        ) {
            let counts = of(&times);
            times.sort_unstable();
            let wanted = ((q * times.len() as f64).ceil() as usize).max(1);
            let truth = times[wanted - 1] as f64 / 1000.0;
            let said = counts.quantile(q).expect("there is something");
            prop_assert!((said - truth).abs() <= truth * 0.01, "{} for {}", said, truth);
        }
    }
}
