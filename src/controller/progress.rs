//! `progress.json`: what the leader knows of the tasks, for all who do not lead.
//!
//! Invariant: only the leader writes it, at most once a refresh and when something
//! in it changed; it is a report, nothing is decided by it. A successor's counts go
//! on from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::snapshot::{Phase, Stuck, TasksView};
use crate::model::{
    Millis,
    cost::{Bill, Used},
};

/// The object's name in a run's prefix.
pub const NAME: &str = "progress.json";

/// What the leader knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// When it was written (the bucket's clock).
    pub at: Millis,
    /// What the run is at.
    pub phase: Phase,
    /// The tasks.
    pub tasks: TasksView,
    /// What is left of a run that does not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// What happened to the tasks so far.
    pub tally: Tally,
    /// What the run used so far; none where nothing costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Box<Counted>>,
}

/// What a run used so far: a successor counts on from there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// As amounts.
    pub used: Used,
    /// By the leader's prices, for those who follow.
    pub bill: Bill,
}

/// What happened to the tasks so far.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// RunTask calls that placed one.
    pub started: u32,
    /// STOPPED as asked for.
    pub stopped: u32,
    /// STOPPED without having been asked, or never started.
    pub failed: u32,
    /// Failures by reason.
    pub failures: BTreeMap<String, u32>,
    /// Tasks that ended by themselves, and when that was seen (the bucket's clock).
    pub lost: Vec<(String, Millis)>,
}
