//! The report intervals of a run, which grow with its fleet.
//!
//! Invariant: an interval is said to begin at a moment only where every agent had the same
//! one: what came while they disagreed would make a wrong point.

use crate::model::{Millis, wish::Wish};

/// Whoever follows hears of a longer interval so much later than some agent, in
/// milliseconds.
const HEARD_LATE_MS: Millis = 5_000;
/// The report intervals so far, each from when on every agent has it.
#[derive(Debug, Default)]
pub(super) struct Intervals(Vec<Era>);

/// A time of one report interval.
#[derive(Debug, Clone, Copy)]
struct Era {
    /// From here on some agents have it, and from `from` on all of them.
    mixed_from: Millis,
    from: Millis,
    interval_ms: Millis,
}

impl Intervals {
    /// Notes the report interval as the wish has it at `now`.
    pub(super) fn note(&mut self, wish: &Wish, now: Millis) {
        let interval_ms = wish.report_ms.max(1000);
        // Polls jitter by a fifth.
        let late = wish.poll_ms * 6 / 5 + 1_000;
        match self.0.last() {
            None => self.0.push(Era { mixed_from: 0, from: 0, interval_ms }),
            Some(last) if last.interval_ms != interval_ms => self.0.push(Era {
                mixed_from: now.saturating_sub(HEARD_LATE_MS),
                // All of them are in an interval of that length that began after they knew.
                from: ((now + late) / interval_ms + 2) * interval_ms,
                interval_ms,
            }),
            Some(_) => {}
        }
    }

    /// The report interval that begins at a moment; none where none does, or where agents
    /// disagreed about its length.
    pub(super) fn at(&self, at: Millis) -> Option<Millis> {
        let era = self.0.iter().rev().find(|era| era.mixed_from <= at)?;
        (at >= era.from && at.is_multiple_of(era.interval_ms)).then_some(era.interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_at_which_agents_disagree_begin_no_interval() {
        let (mut wish, mut intervals) = (Wish::new("p", 0), Intervals::default());
        intervals.note(&wish, 20_000);
        assert_eq!((intervals.at(7_000), intervals.at(7_500)), (Some(1_000), None));
        wish.report_ms = 10_000;
        intervals.note(&wish, 101_000);
        intervals.note(&wish, 102_000);
        let seen = [95_000, 96_000, 100_000, 110_000, 120_000, 125_000, 130_000];
        let seen = seen.map(|at| intervals.at(at));
        assert_eq!(seen, [Some(1_000), None, None, None, Some(10_000), None, Some(10_000)]);
    }
}
