//! What modelled agents report: their devices by state, and nothing else.
//!
//! Invariant: as with real agents, each one that follows a wish is one sample of each
//! state in each interval, so that `SampleCount` counts who reported.

use std::collections::BTreeMap;

use super::state::{Run, State};
use crate::{
    local::engine::metrics::{Datum, PutMetricData},
    model::Millis,
    stats::metrics::{BY_RUN, BY_STATE, CONNECTED, DEVICES, FAILED, NAMESPACE, STARTING, WAITING},
};

/// CloudWatch's most distinct values in a datum.
const MOST_VALUES: usize = 150;

/// How many agents have how many devices in a state.
type Counts = BTreeMap<usize, u64>;

impl State {
    /// What is to be published of the intervals that are over.
    pub(super) fn reports(&mut self, now: Millis) -> Vec<PutMetricData> {
        let mut reports = Vec::new();
        for number in 0..self.runs.len() {
            let Some(at) = self.runs[number].close_interval(now) else { continue };
            let mut counts: [Counts; 3] = Default::default();
            let mut count = |waiting, connected, agents| {
                for (counts, devices) in counts.iter_mut().zip([waiting, connected, 0]) {
                    *counts.entry(devices).or_default() += agents;
                }
            };
            for devices in self.tasks().filter(|it| it.run == number).filter_map(|it| it.devices())
            {
                count(devices.waiting, devices.connected, 1);
            }
            let run = &mut self.runs[number];
            if run.ended > 0 {
                count(0, 0, std::mem::take(&mut run.ended));
            }
            let [waiting, connected, none] = &counts;
            let states =
                [(WAITING, waiting), (CONNECTED, connected), (STARTING, none), (FAILED, none)];
            let data = states.into_iter().flat_map(|(state, counts)| run.data(at, state, counts));
            let data: Vec<Datum> = data.collect();
            if !data.is_empty() {
                reports.push(PutMetricData { namespace: NAMESPACE.to_owned(), data });
            }
        }
        reports
    }
}

impl Run {
    /// When the interval began that is over now, if one is; the next one begins.
    fn close_interval(&mut self, now: Millis) -> Option<Millis> {
        let length = self.wish.as_ref()?.report_ms.max(1);
        let over = self.report_at.filter(|&end| end <= now);
        if self.tasks == 0 && self.ended == 0 {
            self.report_at = None;
            return None;
        }
        if over.is_some() || self.report_at.is_none() {
            self.report_at = Some((now / length + 1) * length);
        }
        over.map(|end| end.saturating_sub(length) / length * length)
    }

    fn data(&self, at: Millis, state: &str, counts: &Counts) -> Vec<Datum> {
        let pairs: Vec<_> =
            counts.iter().map(|(&value, &count)| (value as f64, count as f64)).collect();
        let datum = |pairs: &[(f64, f64)]| {
            let (values, counts) = pairs.iter().copied().unzip();
            Datum {
                name: DEVICES.to_owned(),
                dimensions: vec![
                    (BY_RUN.to_owned(), self.id.clone()),
                    (BY_STATE.to_owned(), state.to_owned()),
                ],
                at: Some(at),
                values,
                counts,
                resolution: Some(1),
                ..Datum::default()
            }
        };
        pairs.chunks(MOST_VALUES).map(datum).collect()
    }
}
