//! When a device starts: a pure function of its batch, its index and the pauses.
//!
//! Invariant: every controller and agent computes the same moment; it lies in the
//! batch's window, which pauses stretch and nothing else moves.

use super::{
    Millis,
    wish::{Batch, Pause, Spread, Wish},
};

/// Where in its batch's window the device starts, in milliseconds from the
/// window's opening: `0..over_ms`.
#[must_use]
pub fn offset_ms(batch: &Batch, index: u32) -> Millis {
    let over = u128::from(batch.over_ms);
    let offset = match batch.spread {
        Spread::AtOnce => 0,
        Spread::Linear => {
            over * u128::from(index.saturating_sub(batch.first)) / u128::from(batch.count.max(1))
        }
        Spread::Uniform | Spread::Poisson => (over * u128::from(mix(batch.seed, index))) >> 64,
    };
    offset as Millis
}

/// When the device starts, or none as long as that is not known: its batch has
/// not begun, or a pause lasts that lies before its start.
#[must_use]
pub fn due_at(batch: &Batch, pauses: &[Pause], index: u32) -> Option<Millis> {
    let start = batch.start_at?;
    shifted(start, start + offset_ms(batch, index), pauses)
}

/// Where a moment after `start` moves to when the pauses are put in; none if one
/// lasts that lies before it.
fn shifted(start: Millis, moment: Millis, pauses: &[Pause]) -> Option<Millis> {
    let mut moment = moment;
    for pause in pauses {
        let from = pause.from.max(start);
        match pause.to {
            _ if moment < from => break,
            Some(to) => moment += to.saturating_sub(from),
            None => return None,
        }
    }
    Some(moment)
}

/// When the batch's window opens and closes, pauses included; none as long as it is
/// not open, and without an end that is known while a pause lasts.
#[must_use]
pub fn window(batch: &Batch, pauses: &[Pause]) -> Option<(Millis, Millis)> {
    let start = batch.start_at?;
    let close = shifted(start, start + batch.over_ms, pauses).unwrap_or(Millis::MAX);
    Some((start, close))
}

/// How much of the batch's window has passed, pauses not counted: `0.0..=1.0`.
#[must_use]
pub fn passed(batch: &Batch, pauses: &[Pause], now: Millis) -> f64 {
    let Some(start) = batch.start_at.filter(|&start| start <= now) else {
        return 0.0;
    };
    let still: Millis = pauses
        .iter()
        .map(|pause| {
            let to = pause.to.unwrap_or(now).min(now);
            to.saturating_sub(pause.from.max(start))
        })
        .sum();
    let active = (now - start).saturating_sub(still);
    if active >= batch.over_ms {
        return 1.0;
    }
    active as f64 / batch.over_ms as f64
}

/// How far the ramps of all batches are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Live devices that should have started by now.
    pub due: u32,
    /// Live devices in all.
    pub live: u32,
    /// Milliseconds until the last window closes; none while a batch waits for
    /// its tasks or the ramp is paused.
    pub left_ms: Option<Millis>,
}

impl Progress {
    /// Whether every live device should have started.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left_ms == Some(0)
    }
}

/// How far the ramps are at `now`. Costs the number of batches, not of devices:
/// inside a window the share of devices is taken for the share of time.
#[must_use]
pub fn progress(wish: &Wish, now: Millis) -> Progress {
    let paused = wish.pauses.last().is_some_and(|pause| pause.to.is_none());
    let mut sum = Progress { due: 0, live: wish.live.len(), left_ms: Some(0) };
    for batch in &wish.batches {
        let live = wish.live.within(batch.first, batch.count).len();
        if live == 0 {
            continue;
        }
        let share = passed(batch, &wish.pauses, now);
        sum.due += (f64::from(live) * share).round() as u32;
        let left = match batch.start_at {
            _ if share >= 1.0 => Some(0),
            Some(start) if !paused => Some(
                start.saturating_sub(now) + (batch.over_ms as f64 * (1.0 - share)).ceil() as Millis,
            ),
            _ => None,
        };
        sum.left_ms = sum.left_ms.zip(left).map(|(a, b)| a.max(b));
    }
    sum
}

/// 64 well mixed bits of seed and index (the output function of `SplitMix64`:
/// Steele, Lea and Flood, 2014). Part of the contract: changing it moves starts.
fn mix(seed: u64, index: u32) -> u64 {
    let mut bits = seed.wrapping_add((u64::from(index) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::wish::{Change, Edit};

    fn batch(count: u32, over_ms: Millis, spread: Spread, seed: u64) -> Batch {
        Batch { first: 0, count, execution: 0, start_at: Some(1000), over_ms, spread, seed }
    }

    /// Kolmogorov–Smirnov against the uniform distribution: the p-value.
    fn uniform_p(mut starts: Vec<f64>) -> f64 {
        starts.sort_by(f64::total_cmp);
        let n = starts.len() as f64;
        let distance = starts.iter().enumerate().fold(0.0_f64, |worst, (i, x)| {
            worst.max((x - i as f64 / n).abs()).max(((i + 1) as f64 / n - x).abs())
        });
        let scaled = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
        let terms = (1..=100_i32).map(|k| {
            let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
            let k = f64::from(k);
            sign * (-2.0 * k * k * scaled * scaled).exp()
        });
        terms.sum::<f64>().clamp(0.0, 1.0)
    }

    fn starts(batch: &Batch) -> Vec<f64> {
        let share = |index| offset_ms(batch, index) as f64 / batch.over_ms as f64;
        (0..batch.count).map(share).collect()
    }

    #[test]
    fn ten_thousand_starts_are_uniform_whatever_the_seed() {
        // One p-value may be low by chance; those of many seeds are uniform themselves.
        // Seeds as people choose them, near each other and at the ends.
        let seeds = (0..300).chain([u64::MAX, u64::MAX - 1, 1 << 63, 0x9e37_79b9_7f4a_7c15]);
        let value = |seed| uniform_p(starts(&batch(10_000, 60_000, Spread::Uniform, seed)));
        let values: Vec<f64> = seeds.map(value).collect();
        let worst = values.iter().copied().fold(1.0, f64::min);
        assert!(worst > 1e-5, "p = {worst}");
        let all = uniform_p(values);
        assert!(all > 0.01, "p = {all}");
        // The judge can say no: squares are not uniform.
        let squares = (0..10_000).map(|i| (f64::from(i) / 10_000.0).powi(2));
        assert!(uniform_p(squares.collect()) < 0.001);
    }

    #[test]
    fn gaps_between_poisson_starts_are_exponential() {
        // 1 − e^(−gap/mean) of an exponential gap is uniform.
        for seed in 0..20 {
            let mut starts = starts(&batch(5_000, 1_000_000_000, Spread::Poisson, seed));
            starts.sort_by(f64::total_cmp);
            let gaps = starts.windows(2).map(|pair| (pair[1] - pair[0]) * 5_001.0);
            let p = uniform_p(gaps.map(|gap| 1.0 - (-gap).exp()).collect());
            assert!(p > 1e-4, "seed {seed}: p = {p}");
        }
    }

    #[test]
    fn neighbours_and_seeds_have_nothing_to_do_with_each_other() {
        let correlation = |a: &[f64], b: &[f64]| {
            let n = a.len().min(b.len()) as f64;
            let products = a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5) * 12.0);
            products.sum::<f64>() / n
        };
        let one = starts(&batch(10_000, 60_000, Spread::Uniform, 7));
        let other = starts(&batch(10_000, 60_000, Spread::Uniform, 8));
        // Four standard deviations of 10,000 independent pairs.
        for lag in 1..20 {
            assert!(correlation(&one, &one[lag..]).abs() < 0.04, "lag {lag}");
        }
        assert!(correlation(&one, &other).abs() < 0.04);
    }

    #[test]
    fn linear_starts_are_equally_far_apart() {
        let even = batch(6, 60_000, Spread::Linear, 9);
        let offsets = |batch: &Batch| -> Vec<Millis> {
            (batch.first..batch.first + batch.count).map(|index| offset_ms(batch, index)).collect()
        };
        assert_eq!(offsets(&even), [0, 10_000, 20_000, 30_000, 40_000, 50_000]);
        let later = Batch { first: 1_000, ..even };
        assert_eq!(offsets(&later), offsets(&batch(6, 60_000, Spread::Linear, 1)));
        assert_eq!(offsets(&batch(7, 10, Spread::Linear, 0)), [0, 1, 2, 4, 5, 7, 8]);
        // A million devices over a day: no sum of roundings.
        let large = batch(1_000_000, 86_400_000, Spread::Linear, 0);
        assert_eq!(offset_ms(&large, 999_999), 86_399_913);
        assert_eq!(offsets(&batch(5, 60_000, Spread::AtOnce, 3)), [0; 5]);
    }

    #[test]
    fn the_start_of_a_device_is_part_of_the_contract() {
        for spread in [Spread::Uniform, Spread::Poisson] {
            let batch = batch(1000, 60_000, spread, 7);
            let starts: Vec<Millis> = [0, 1, 999].map(|index| offset_ms(&batch, index)).into();
            assert_eq!(starts, [23_389, 1_007, 35_526]);
        }
        // Of the whole range of indices, windows and seeds.
        let last = Batch { first: 0, ..batch(u32::MAX, Millis::MAX, Spread::Uniform, u64::MAX) };
        assert_eq!(offset_ms(&last, u32::MAX - 1), mix(u64::MAX, u32::MAX - 1) - 1);
    }

    #[test]
    fn a_pause_moves_what_has_not_started() {
        let batch = batch(10, 10_000, Spread::Linear, 0);
        let pauses = [Pause { from: 5_500, to: Some(7_500) }];
        let due = |index| due_at(&batch, &pauses, index);
        assert_eq!(due(4), Some(5_000));
        assert_eq!(due(5), Some(8_000));
        let open = [Pause { from: 5_500, to: None }];
        assert_eq!(due_at(&batch, &open, 4), Some(5_000));
        assert_eq!(due_at(&batch, &open, 5), None);
        // One from before the window opened does not count.
        let before = [Pause { from: 0, to: Some(1_000) }];
        assert_eq!(due_at(&batch, &before, 5), Some(6_000));
    }

    #[test]
    fn progress_says_how_far_it_is() {
        let mut wish = Wish::new("plan-1.json", Millis::MAX);
        assert!(progress(&wish, 0).is_over());
        let mut waiting = batch(100, 10_000, Spread::Uniform, 1);
        waiting.start_at = None;
        wish = wish.edited(&Edit { id: "a".into(), change: Change::Add(waiting) }, 0);
        assert_eq!(progress(&wish, 5_000), Progress { due: 0, live: 100, left_ms: None });
        let open = Change::Open { firsts: vec![0], at: 1_000 };
        wish = wish.edited(&Edit { id: "o".into(), change: open }, 0);
        assert_eq!(progress(&wish, 6_000), Progress { due: 50, live: 100, left_ms: Some(5_000) });
        wish = wish.edited(&Edit { id: "p".into(), change: Change::Pause { at: 6_000 } }, 0);
        assert_eq!(progress(&wish, 9_000), Progress { due: 50, live: 100, left_ms: None });
        wish = wish.edited(&Edit { id: "r".into(), change: Change::Resume { at: 9_000 } }, 0);
        assert_eq!(progress(&wish, 9_000).left_ms, Some(5_000));
        assert!(progress(&wish, 14_000).is_over());
    }

    proptest! {
        #[test]
        fn every_start_lies_in_its_window(
            first in 0u32..1000, count in 1u32..500, over_ms in 0u64..100_000, seed in any::<u64>(),
            spread in prop::sample::select(vec![
                Spread::Uniform, Spread::Linear, Spread::Poisson, Spread::AtOnce,
            ]),
        ) {
            let batch = Batch { first, count, execution: 0, start_at: Some(5), over_ms, spread, seed };
            for index in first..first + count {
                let offset = offset_ms(&batch, index);
                prop_assert!(offset < over_ms.max(1));
                prop_assert_eq!(due_at(&batch, &[], index), Some(5 + offset));
            }
        }
    }
}
