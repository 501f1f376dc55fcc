//! A vertical axis with round numbers on it: 1, 2, 5 and their tenfolds.

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::ui) enum Scale {
    /// From zero to `top`, a tick every `step`.
    Linear { top: f64, step: f64 },
    /// From `10^low` to `10^high`, both of which are round numbers.
    Log { low: f64, high: f64 },
}

impl Scale {
    /// Linear, from zero to at least `max`, with about `ticks` ticks above zero.
    pub(in crate::ui) fn linear(max: f64, ticks: usize) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let step = round_up(max / ticks.max(1) as f64);
        // A hair of tolerance: 0.3 / 0.1 is more than 3 to a computer.
        let top = (max / step - 1e-9).ceil().max(1.0) * step;
        Self::Linear { top, step }
    }

    /// Logarithmic, from the round number below `min` to at least `max`, and at least a
    /// decade.
    pub(in crate::ui) fn log(min: f64, max: f64) -> Self {
        let sane = |value: f64| if value.is_finite() { value.clamp(1e-6, 1e12) } else { 1.0 };
        let low = round_down(sane(min)).log10();
        let high = round_up(sane(max)).log10().max(low + 1.0);
        Self::Log { low, high }
    }

    /// How high `value` is, from 0 to 1.
    pub(in crate::ui) fn height(&self, value: f64) -> f64 {
        let height = match *self {
            Self::Linear { top, .. } => value / top,
            Self::Log { low, high } => (value.max(1e-9).log10() - low) / (high - low),
        };
        if height.is_finite() { height.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The values that get a tick, on an axis of so many rows.
    pub(in crate::ui) fn ticks(&self, rows: usize) -> Vec<f64> {
        match *self {
            Self::Linear { top, step } => {
                let count = (top / step).round() as u32;
                (0..=count).map(|nth| f64::from(nth) * step).collect()
            }
            Self::Log { low, high } => {
                // A hair of tolerance, as above.
                let is_on = |value: f64| (low - 1e-9..=high + 1e-9).contains(&value.log10());
                let decades = low.floor() as i32..=high.floor() as i32;
                let room = rows.max(1) as f64 / (high - low);
                let factors: &[f64] = if room >= 3.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let every = (1.0 / room).ceil().max(1.0) as usize;
                decades
                    .step_by(every)
                    .flat_map(|exponent| factors.iter().map(move |it| it * 10f64.powi(exponent)))
                    .filter(|value| is_on(*value))
                    .collect()
            }
        }
    }
}

/// The next of …, 0.5, 1, 2, 5, 10, … that is not below `value`.
fn round_up(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * decade)
        .into_iter()
        .find(|round| *round >= value * (1.0 - 1e-9))
        .unwrap_or(decade * 10.0)
}

/// The last of …, 0.5, 1, 2, 5, 10, … that is not above `value`.
pub(super) fn round_down(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    let round = [5.0, 2.0].map(|factor| factor * decade);
    round.into_iter().find(|round| *round <= value * (1.0 + 1e-9)).unwrap_or(decade)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(Scale::linear(45.1, 4), Scale::Linear { top: 60.0, step: 20.0 });
        assert_eq!(Scale::linear(45.1, 4).ticks(12), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(Scale::linear(1000.0, 5).ticks(12), [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
        assert_eq!(Scale::linear(0.0, 3), Scale::linear(1.0, 3));
        assert_eq!(Scale::log(1.4, 45.0).ticks(9), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(Scale::log(0.1, 900.0).ticks(9), [0.1, 1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(Scale::log(0.001, 900.0).ticks(3), [0.001, 0.1, 10.0, 1000.0]);
        assert_eq!(Scale::log(3.0, 4.0).ticks(8), [2.0, 5.0, 10.0, 20.0]);
        assert!((Scale::log(1.0, 100.0).height(10.0) - 0.5).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn every_value_fits(max in 1e-6_f64..1e9, ticks in 0_usize..9, share in 0.0_f64..1.0) {
            let Scale::Linear { top, step } = Scale::linear(max, ticks) else { unreachable!() };
            prop_assert!(top >= max * 0.999_999 && top <= max + step * 1.001);
            prop_assert!(Scale::linear(max, ticks).ticks(9).len() <= ticks.max(1) + 1);
            let log = Scale::log(max * share, max);
            prop_assert!((0.0..=1.0).contains(&log.height(max)));
        }
    }
}
