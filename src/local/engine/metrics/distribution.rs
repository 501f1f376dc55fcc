//! A distribution: values, and how often each occurred.
//!
//! Invariant: the values are ascending and distinct, each with a positive count;
//! count, sum, minimum and maximum also cover what came as statistics only.

use super::StatisticSet;

/// Values beyond this are refused by CloudWatch.
const LARGEST: f64 = 2.348_542_582_773_833_2e108;

/// What a distribution takes beside its values, in values of 16 bytes: itself, its
/// allocation, its place in a tree that is half full at worst.
const SURROUNDINGS: usize = 12;

/// Values and counts, and the four numbers that always merge.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Distribution {
    values: Vec<(f64, f64)>,
    totals: Option<StatisticSet>,
    /// Whether some of the totals are of values that are not known.
    opaque: bool,
}

impl Distribution {
    /// None if a value or a count cannot be. Values that occurred zero times are
    /// left out.
    pub(super) fn of_values(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut values: Vec<(f64, f64)> = pairs.into_iter().collect();
        let good = |&(value, count): &(f64, f64)| {
            value.abs() <= LARGEST && (0.0..=LARGEST).contains(&count)
        };
        if !values.iter().all(good) {
            return None;
        }
        values.retain(|&(_, count)| count > 0.0);
        sort_and_join(&mut values);
        let totals = totals(&values);
        Some(Distribution { values, totals, opaque: false })
    }

    /// None if the numbers contradict each other. What is known to be one value
    /// is a value; of anything else the percentiles stay unknown.
    pub(super) fn of_statistics(set: StatisticSet) -> Option<Self> {
        let StatisticSet { count, sum, min, max } = set;
        let numbers = [sum, min, max].iter().all(|number| number.abs() <= LARGEST);
        let counted = count > 0.0 && count <= LARGEST;
        if !(numbers && counted && min <= max) {
            return None;
        }
        #[expect(clippy::float_cmp, reason = "equal means: the very same value")]
        if min == max {
            return Self::of_values([(min, count)]);
        }
        Some(Distribution { values: Vec::new(), totals: Some(set), opaque: true })
    }

    /// What it takes in memory, in values: its own, and what surrounds them. Most
    /// distributions are of one value, and some of none.
    pub(super) fn weight(&self) -> usize {
        SURROUNDINGS + self.values.len()
    }

    /// Takes in all that another has.
    pub(super) fn merge(&mut self, other: &Distribution) {
        self.values.extend_from_slice(&other.values);
        sort_and_join(&mut self.values);
        self.totals = add(self.totals, other.totals);
        self.opaque |= other.opaque;
    }

    /// All of these in one.
    pub(super) fn merged<'a>(parts: impl Iterator<Item = &'a Distribution>) -> Self {
        let mut all = Distribution::default();
        for part in parts {
            all.values.extend_from_slice(&part.values);
            all.totals = add(all.totals, part.totals);
            all.opaque |= part.opaque;
        }
        sort_and_join(&mut all.values);
        all
    }

    /// Count, sum, minimum and maximum; none if it is empty.
    pub(super) fn totals(&self) -> Option<StatisticSet> {
        self.totals
    }

    /// The nearest-rank percentile: the least value that at least `percent` % of
    /// all samples do not exceed. It is always a value that occurred, within one
    /// of the publisher's buckets of the truth. None where values are unknown.
    pub(super) fn percentile(&self, percent: f64) -> Option<f64> {
        if self.opaque {
            return None;
        }
        let count = self.totals?.count;
        // 99.9 % of 1000 is 999, which binary fractions miss by a hair.
        let rank = count * percent / 100.0 - count * 1e-12;
        let mut below = 0.0;
        for &(value, count) in &self.values {
            below += count;
            if below >= rank {
                return Some(value);
            }
        }
        self.values.last().map(|&(value, _)| value)
    }
}

/// The stable sort finds the runs that are ascending already, and merges them.
fn sort_and_join(values: &mut Vec<(f64, f64)>) {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values.dedup_by(|later, first| {
        let same = later.0.total_cmp(&first.0).is_eq();
        if same {
            first.1 += later.1;
        }
        same
    });
}

fn totals(values: &[(f64, f64)]) -> Option<StatisticSet> {
    let (first, last) = (values.first()?, values.last()?);
    Some(StatisticSet {
        count: values.iter().map(|&(_, count)| count).sum(),
        sum: values.iter().map(|&(value, count)| value * count).sum(),
        min: first.0,
        max: last.0,
    })
}

fn add(a: Option<StatisticSet>, b: Option<StatisticSet>) -> Option<StatisticSet> {
    let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
    Some(StatisticSet {
        count: a.count + b.count,
        sum: a.sum + b.sum,
        min: a.min.min(b.min),
        max: a.max.max(b.max),
    })
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small whole numbers are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every sample on its own, as slow and as plain as can be.
    fn naive(samples: &[f64], permille: usize) -> f64 {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() * permille).div_ceil(1000) - 1]
    }

    #[test]
    fn statistics_without_values_have_no_percentiles() {
        let set = StatisticSet { count: 2.0, sum: 3.0, min: 1.0, max: 2.0 };
        let mut some = Distribution::of_statistics(set).expect("valid");
        assert_eq!((some.totals(), some.percentile(50.0)), (Some(set), None));
        some.merge(&Distribution::of_values([(9.0, 1.0)]).expect("valid"));
        assert_eq!(some.percentile(50.0), None);
        assert_eq!(some.totals().expect("not empty").max, 9.0);
        let one = StatisticSet { count: 4.0, sum: 4.0, min: 1.0, max: 1.0 };
        assert_eq!(Distribution::of_statistics(one).expect("valid").percentile(99.0), Some(1.0));
    }

    #[test]
    fn ranks_are_not_missed_by_a_hair() {
        let all = Distribution::of_values((1..=1000).map(|n| (f64::from(n), 1.0))).expect("valid");
        for permille in 1..=1000 {
            let percentile = all.percentile(f64::from(permille) / 10.0);
            assert_eq!(percentile, Some(f64::from(permille)), "{permille}");
        }
        assert_eq!(all.percentile(0.0), Some(1.0));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in
            [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, -1.0), (1e109, 1.0), (1.0, f64::NAN)]
        {
            assert_eq!(Distribution::of_values([bad]), None, "{bad:?}");
        }
        let upside_down = StatisticSet { count: 1.0, sum: 1.0, min: 2.0, max: 1.0 };
        assert_eq!(Distribution::of_statistics(upside_down), None);
    }

    proptest! {
        #[test]
        fn merged_parts_are_as_all_samples_in_one(
            parts in prop::collection::vec(prop::collection::vec((0u8..40, 1u8..5), 1..20), 1..8),
            permille in 1usize..=1000,
        ) {
            let percent = permille as f64 / 10.0;
            let parts: Vec<Vec<(f64, f64)>> = parts.into_iter().map(|part| {
                part.into_iter().map(|(value, count)| (f64::from(value), f64::from(count))).collect()
            }).collect();
            let mut samples = Vec::new();
            let mut one_by_one = Distribution::default();
            for part in &parts {
                one_by_one.merge(&Distribution::of_values(part.iter().copied()).expect("valid"));
                for &(value, count) in part {
                    samples.extend(std::iter::repeat_n(value, count as usize));
                }
            }
            let distributions: Vec<_> = parts.iter()
                .map(|part| Distribution::of_values(part.iter().copied()).expect("valid"))
                .collect();
            let at_once = Distribution::merged(distributions.iter());
            prop_assert_eq!(&one_by_one, &at_once);
            let totals = at_once.totals().expect("not empty");
            prop_assert_eq!(totals.count, samples.len() as f64);
            prop_assert_eq!(totals.sum, samples.iter().sum::<f64>());
            prop_assert_eq!(totals.max, samples.iter().copied().fold(0.0, f64::max));
            prop_assert_eq!(at_once.percentile(percent), Some(naive(&samples, permille)));
        }
    }
}
