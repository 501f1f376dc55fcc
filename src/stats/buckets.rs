//! The buckets in which agents publish times live, the same for every agent.
//!
//! CloudWatch keeps a distribution as pairs of value and count; the fewer the
//! values, the cheaper, and equal values of many agents add up. Invariant: a
//! bucket is at most 1 % of its values wide (in fact 1/128), its bounds are powers
//! of two times whole microseconds, and so an HDR histogram's finer bucket never
//! straddles two. All in integers: two kinds of processors agree to the last bit.

/// Significant bits of a bucket's lower bound: 128 buckets an octave.
const BITS: u32 = 8;

/// What stands for all times in the bucket of `micros`, in milliseconds: its middle.
#[must_use]
pub fn representative_ms(micros: u64) -> f64 {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(BITS);
    let lowest = micros >> shift << shift;
    let width = (1_u64 << shift) - 1;
    // Exact: 53 bits are more than an hour in half microseconds needs.
    (lowest as f64 + width as f64 / 2.0) / 1000.0
}

/// The number of the bucket of `micros`; larger times never have lower ones.
#[must_use]
pub fn bucket(micros: u64) -> u16 {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(BITS);
    // From 2^7 on, each octave has 128 buckets; below, each microsecond has its own.
    let number = (u64::from(shift) << (BITS - 1)) + (micros >> shift);
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The lowest and the highest time of a bucket, in milliseconds.
#[must_use]
pub fn bounds_ms(bucket: u16) -> (f64, f64) {
    let octave = 1_u64 << (BITS - 1);
    let bucket = u64::from(bucket);
    let shift = (bucket / octave).saturating_sub(1);
    let lowest = (bucket - shift * octave) << shift;
    let width = (1_u64 << shift) - 1;
    (lowest as f64 / 1000.0, (lowest + width) as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::times::{HIGHEST_US, histogram};

    #[test]
    fn short_times_are_exact() {
        assert!((representative_ms(1) - 0.001).abs() < f64::EPSILON);
        assert!((representative_ms(255) - 0.255).abs() < f64::EPSILON);
        assert!((representative_ms(1000) - 1.0015).abs() < f64::EPSILON);
    }

    proptest! {
        #[test]
        fn a_value_is_within_half_a_percent_of_its_bucket(micros in 1..=HIGHEST_US) {
            let true_ms = micros as f64 / 1000.0;
            prop_assert!((representative_ms(micros) - true_ms).abs() <= true_ms * 0.005);
        }

        #[test]
        fn a_value_is_within_the_bounds_of_its_bucket(micros in 0..=HIGHEST_US) {
            let (low, high) = bounds_ms(bucket(micros));
            let ms = micros as f64 / 1000.0;
            prop_assert!(low <= ms && ms <= high, "{} not in {}..={}", ms, low, high);
            prop_assert!((f64::midpoint(low, high) - representative_ms(micros)).abs() < 1e-9);
        }

        #[test]
        fn larger_values_never_lie_in_lower_buckets(a in 1..=HIGHEST_US, b in 1..=HIGHEST_US) {
            prop_assert!(representative_ms(a.min(b)) <= representative_ms(a.max(b)));
        }

        #[test]
        fn what_a_histogram_holds_as_equal_is_one_bucket(micros in 1..=HIGHEST_US) {
            let fine = histogram();
            let (low, high) = (fine.lowest_equivalent(micros), fine.highest_equivalent(micros));
            prop_assert!((representative_ms(low) - representative_ms(high)).abs() < f64::EPSILON);
        }
    }
}
