//! Distributions of times: recorded as HDR histograms, kept as counts.
//!
//! Invariant: every histogram has the same bounds (1 µs to 1 h, three digits), so
//! that adding any to any loses nothing. At rest a distribution is a [`Counts`]:
//! only what occurred, some hundred pairs instead of a hundred kilobytes.

use serde::{Deserialize, Serialize};

/// An HDR histogram of microseconds.
pub type Histogram = hdrhistogram::Histogram<u64>;

/// The shortest time that is told from others, in microseconds.
pub const LOWEST_US: u64 = 1;
/// The longest time that is told from others, in microseconds: an hour. Longer
/// ones count as this.
pub const HIGHEST_US: u64 = 3_600_000_000;
/// Significant decimal digits of a time.
pub const DIGITS: u8 = 3;

/// An empty histogram with the bounds that all have.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the bounds are constants")]
pub fn histogram() -> Histogram {
    Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS).expect("the bounds are valid")
}

/// What a time is the time of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// From the intended send to the answer.
    Response,
    /// From the actual send to the answer.
    Service,
    /// From the wish for a connection to the connection, or to its failure.
    Connect,
    /// How late the agent itself was: from when a timer was set for to its wake-up.
    Lag,
}

impl Time {
    /// All of them.
    pub const ALL: [Time; 4] = [Time::Response, Time::Service, Time::Connect, Time::Lag];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Time::Response => "response",
            Time::Service => "service",
            Time::Connect => "connect",
            Time::Lag => "lag",
        }
    }
}

/// How what took the time came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With an answer (a connection).
    Ok,
    /// With an error.
    Error,
}

impl Outcome {
    /// Both.
    pub const ALL: [Outcome; 2] = [Outcome::Ok, Outcome::Error];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
        }
    }
}

/// One distribution of one interval, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// The label of the requests; empty for connections and lag, which have none.
    pub label: String,
    /// What the times are of.
    pub time: Time,
    /// How the requests came out.
    pub outcome: Outcome,
    /// The distribution.
    pub counts: Counts,
}

/// A distribution as pairs of microseconds and count, ascending. The value stands
/// for its histogram bucket, of which it is the highest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(Vec<(u64, u64)>);

impl Counts {
    /// These pairs, which ascend and of which no count is zero.
    pub(super) fn ascending(pairs: Vec<(u64, u64)>) -> Self {
        Counts(pairs)
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many times were recorded.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|&(_, count)| count).sum()
    }

    /// Microseconds and how often they occurred, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// Adds these to `histogram`; nothing is lost.
    pub fn add_to(&self, histogram: &mut Histogram) {
        for &(micros, count) in &self.0 {
            histogram.saturating_record_n(micros, count);
        }
    }

    /// The same as a histogram of its own.
    #[must_use]
    pub fn to_histogram(&self) -> Histogram {
        let mut histogram = histogram();
        self.add_to(&mut histogram);
        histogram
    }
}

impl From<&Histogram> for Counts {
    fn from(histogram: &Histogram) -> Self {
        let recorded = histogram.iter_recorded();
        Counts(
            recorded.map(|it| (it.value_iterated_to(), it.count_since_last_iteration())).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_hold_all_that_a_histogram_holds(
            times in prop::collection::vec(0..=2 * HIGHEST_US, 0..200),
        ) {
            let mut direct = histogram();
            for &micros in &times {
                direct.saturating_record(micros);
            }
            let counts = Counts::from(&direct);
            prop_assert_eq!(counts.total(), times.len() as u64);
            prop_assert_eq!(counts.to_histogram(), direct);
        }
    }
}
