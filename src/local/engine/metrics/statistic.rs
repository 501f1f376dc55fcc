//! The statistics that can be asked for, by CloudWatch's names.

use super::distribution::Distribution;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statistic {
    SampleCount,
    Sum,
    Average,
    Minimum,
    Maximum,
    /// In percent.
    Percentile(f64),
}

impl Statistic {
    /// `Average`, `p99.9` and so on.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "SampleCount" => Statistic::SampleCount,
            "Sum" => Statistic::Sum,
            "Average" => Statistic::Average,
            "Minimum" => Statistic::Minimum,
            "Maximum" => Statistic::Maximum,
            _ => {
                let digits = name.strip_prefix('p')?;
                let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                let percent: f64 = digits.parse().ok()?;
                let good = plain && (0.0..=100.0).contains(&percent);
                good.then_some(Statistic::Percentile(percent))?
            }
        })
    }

    /// Its value, if the distribution has one.
    pub(super) fn of(self, distribution: &Distribution) -> Option<f64> {
        let totals = distribution.totals()?;
        Some(match self {
            Statistic::SampleCount => totals.count,
            Statistic::Sum => totals.sum,
            Statistic::Average => totals.sum / totals.count,
            Statistic::Minimum => totals.min,
            Statistic::Maximum => totals.max,
            Statistic::Percentile(percent) => distribution.percentile(percent)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_by_their_names() {
        let known = [
            ("Sum", Some(Statistic::Sum)),
            ("p50", Some(Statistic::Percentile(50.0))),
            ("p99.9", Some(Statistic::Percentile(99.9))),
            ("p100", Some(Statistic::Percentile(100.0))),
            ("p101", None),
            ("p", None),
            ("p-1", None),
            ("pinf", None),
            ("sum", None),
            ("tm99", None),
        ];
        for (name, statistic) in known {
            assert_eq!(Statistic::parse(name), statistic, "{name}");
        }
    }
}
