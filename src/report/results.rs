//! The agents' exact results of one run, added part by part.
//!
//! Invariant: whatever the number of parts, what is held is a few histograms and a
//! line a task; the order of the parts does not matter.

use std::collections::BTreeMap;

use crate::{
    model::{Millis, ramp, wish::Wish},
    stats::{Merged, Part, Report},
};

/// All results of a run, merged as a whole and by phase.
#[derive(Debug, Clone)]
pub struct Results {
    /// Everything.
    pub whole: Merged,
    /// The intervals in some of which a batch's window was open.
    pub ramp: Merged,
    /// What came later, until the devices were told to end.
    pub hold: Merged,
    windows: Vec<(Millis, Millis)>,
    interval_ms: Millis,
    /// When the devices were told to end (the bucket's clock).
    stopped_at: Millis,
    tasks: BTreeMap<String, Span>,
    /// The most devices that each slot had connected around the end.
    slots: BTreeMap<String, u64>,
}

/// What a task reported of: from its first interval to the end of its last.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: Millis,
    to: Millis,
    reported_ms: Millis,
}

impl Results {
    /// No results yet, of a run with this last wish that was told to end at
    /// `stopped_at` (the bucket's clock).
    #[must_use]
    pub fn new(wish: &Wish, stopped_at: Millis) -> Self {
        Results {
            whole: Merged::default(),
            ramp: Merged::default(),
            hold: Merged::default(),
            windows: wish.batches.iter().filter_map(|it| ramp::window(it, &wish.pauses)).collect(),
            interval_ms: wish.report_ms,
            stopped_at,
            tasks: BTreeMap::new(),
            slots: BTreeMap::new(),
        }
    }

    /// Adds a part.
    pub fn add(&mut self, part: &Part) {
        let (windows, length, stopped_at) = (&self.windows, self.interval_ms, self.stopped_at);
        let begun = windows.iter().map(|(from, _)| *from).min().unwrap_or(Millis::MAX);
        // A window without length is a moment, and belongs to the interval around it.
        let in_ramp = |at: Millis| {
            windows.iter().any(|&(from, to)| at < to.max(from + 1) && at + length > from)
        };
        self.whole.add(part, |_| true);
        self.ramp.add(part, in_ramp);
        self.hold.add(part, |at| at >= begun && !in_ramp(at) && at + length <= stopped_at);
        for interval in &part.intervals {
            self.follow(&interval.report);
        }
    }

    fn follow(&mut self, report: &Report) {
        let end = report.at + report.length_ms;
        let span = self.tasks.entry(report.task.clone()).or_insert(Span {
            from: report.at,
            to: end,
            reported_ms: 0,
        });
        span.from = span.from.min(report.at);
        span.to = span.to.max(end);
        span.reported_ms += report.length_ms;
        // Agents and controller know the bucket's time to half a second or so: what was
        // connected at the end is the peak of the intervals around it.
        if report.at <= self.stopped_at && end + self.interval_ms > self.stopped_at {
            // A task is named SLOT-ATTEMPT.
            let slot = report.task.rsplit_once('-').map_or(&*report.task, |(slot, _)| slot);
            let connected = self.slots.entry(slot.to_owned()).or_default();
            *connected = (*connected).max(report.devices.peak);
        }
    }

    /// Devices that were connected when the run was told to end.
    #[must_use]
    pub fn connected_at_end(&self) -> u64 {
        self.slots.values().sum()
    }

    /// Intervals that no task's results cover: gaps within a task, and what a lost
    /// task had not written when it was seen gone.
    #[must_use]
    pub fn missing(&self, lost: &[(String, Millis)]) -> u64 {
        let gaps = self.tasks.values().map(|it| (it.to - it.from).saturating_sub(it.reported_ms));
        let tails = lost
            .iter()
            .filter_map(|(task, gone_at)| Some(gone_at.saturating_sub(self.tasks.get(task)?.to)));
        gaps.chain(tails).map(|ms| ms / self.interval_ms.max(1)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::wish::{Batch, Change, Edit, Spread},
        stats::{Devices, Interval},
    };

    fn wish() -> Wish {
        let mut wish = Wish::new("plan-1.json", Millis::MAX);
        for (id, start_at, over_ms) in [("a", 1_000, 2_000), ("b", 6_000, 1_000)] {
            let batch = Batch {
                first: 0,
                count: 5,
                execution: 0,
                start_at: Some(start_at),
                over_ms,
                spread: Spread::Uniform,
                seed: 0,
            };
            wish = wish.edited(&Edit { id: id.into(), change: Change::Add(batch) }, 0);
        }
        wish
    }

    fn part(task: &str, intervals: &[(Millis, u64)]) -> Part {
        let intervals = intervals.iter().map(|&(at, connected)| Interval {
            report: Report {
                at,
                length_ms: 1000,
                task: task.to_owned(),
                requests: 10,
                devices: Devices { connected, peak: connected, ..Devices::default() },
                ..Report::default()
            },
            times: Vec::new(),
        });
        Part { task: task.to_owned(), number: 1, intervals: intervals.collect() }
    }

    #[test]
    fn hold_is_what_no_window_touches_and_its_rate_is_of_its_own_time() {
        let mut results = Results::new(&wish(), 10_000);
        let seconds: Vec<(Millis, u64)> = (0..11).map(|n| (n * 1000, 5)).collect();
        results.add(&part("00000-1", &seconds));
        // Windows 1–3 s and 6–7 s; told to end at 10 s.
        assert_eq!(results.ramp.covered_ms(), 2_000 + 1_000);
        assert_eq!(results.hold.covered_ms(), 3_000 + 3_000);
        assert_eq!((results.hold.requests, results.whole.requests), (60, 110));
    }

    #[test]
    fn a_replaced_task_counts_once_and_a_lost_one_not_at_all() {
        let mut results = Results::new(&wish(), 10_000);
        results.add(&part("00000-1", &[(2_000, 4)]));
        results.add(&part("00000-2", &[(8_000, 9), (9_000, 3), (10_000, 2), (11_000, 5)]));
        results.add(&part("00001-1", &[(1_000, 7)]));
        assert_eq!(results.connected_at_end(), 3);
        assert_eq!(results.missing(&[("00001-1".into(), 5_100)]), 3);
    }
}
