//! Exact response times over time, as far as they came into the run's bucket.
//!
//! Invariant: a column's counts are of all requests in it that were read, errors
//! included; columns never overlap, and older ones are longer: neighbours are added
//! together, so nothing is forgotten. What was not read is counted as coverage.

use std::sync::Arc;

use crate::{model::Millis, stats::LogCounts};

/// Response times over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LatencyView {
    /// Oldest first.
    pub columns: Vec<Arc<Column>>,
    /// The labels; columns name them by their place here.
    pub labels: Arc<Vec<String>>,
    /// Tasks whose parts are read.
    pub tasks_read: u32,
    /// Tasks there are; where more are than can be read, an even choice of them is.
    pub tasks_of: u32,
    /// Parts that could not be read.
    pub unreadable: u32,
    /// How often agents write a part, in milliseconds: figures are as old as that.
    pub every_ms: Millis,
}

/// What some time brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Column {
    /// When it began (this machine's clock).
    pub at: Millis,
    /// How long it is.
    pub length_ms: Millis,
    /// Tasks that had a say in it.
    pub tasks: u32,
    /// By label; labels without requests are left out.
    pub labels: Vec<LabelColumn>,
}

/// One label's requests in a column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LabelColumn {
    /// Its place in [`LatencyView::labels`].
    pub label: u32,
    /// Requests finished.
    pub requests: u64,
    /// Those of them that ended with an error.
    pub errors: u64,
    /// From the intended send.
    pub response: LogCounts,
    /// From the actual send.
    pub service: LogCounts,
}
