//! Each task of the run, one by one: for the screen, and for who reads their results.
//!
//! Invariant: a row says what was seen; what was never seen is none.

use super::{requests::task_name, run::Run};
use crate::model::slots::SlotState;

impl Run {
    /// The names of the tasks whose results may come: those that are placed.
    #[allow(dead_code)]
    pub(super) fn reporting_tasks(&self) -> Vec<String> {
        let placed = self.slots.iter().filter(|it| matches!(it.state, SlotState::Placed { .. }));
        placed.map(|slot| task_name(slot.number, slot.attempt)).collect()
    }
}
