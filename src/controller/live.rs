//! The exact results while a run is on: read from the bucket as the agents write them.
//!
//! Invariant: what is held is bounded, whatever the number of tasks and however long the
//! run; what was not read is counted and not guessed.

use std::{collections::BTreeMap, sync::Arc};

use super::snapshot::{Aged, LatencyView, TaskReport};

/// The exact results so far.
#[derive(Debug, Default)]
pub(super) struct Live {
    reports: BTreeMap<String, TaskReport>,
    latency: Aged<Arc<LatencyView>>,
}

impl Live {
    /// What a task (`00003-1`) said last of itself.
    pub(super) fn report(&self, task: &str) -> Option<TaskReport> {
        self.reports.get(task).copied()
    }

    /// Response times over time.
    pub(super) fn latency(&self) -> Aged<Arc<LatencyView>> {
        self.latency.clone()
    }
}
