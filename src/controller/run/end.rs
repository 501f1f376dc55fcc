//! How far the end of a run is: for its leader, and for those who follow.
//!
//! Invariant: plain data; the stages come in their order, and none is left out.

use std::sync::Arc;

use crate::{
    controller::snapshot::Stuck,
    model::{Millis, confirmed::Confirmed},
};

/// The end of a run that another one led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::controller) enum Over {
    #[default]
    No,
    /// It has ended; its summary is being read.
    Reading,
    /// It has ended.
    Yes,
}

/// How far the end of a run is, for its leader.
#[derive(Debug, Clone)]
pub(in crate::controller) struct Ending {
    /// When it was asked for (monotonic).
    pub(in crate::controller) since: Millis,
    /// When the wish said so (the bucket's clock).
    pub(in crate::controller) stopped_at: Option<Millis>,
    /// Who agreed.
    pub(in crate::controller) confirmed: Confirmed,
    /// Lists of tasks in a row that were empty, and when the last was asked for.
    pub(in crate::controller) empty_lists: u32,
    pub(in crate::controller) listed_at: Option<Millis>,
    pub(in crate::controller) listing: bool,
    /// The fewest tasks that were left so far, and since when (monotonic).
    pub(in crate::controller) fewest: (u32, Millis),
    pub(in crate::controller) stuck: Option<Arc<Stuck>>,
    pub(in crate::controller) stage: Stage,
}

/// The stages of a run's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::controller) enum Stage {
    /// Devices and tasks are being ended.
    Clearing,
    /// Nothing runs; the results are being collected.
    Collecting,
    /// Done.
    Ended,
}
