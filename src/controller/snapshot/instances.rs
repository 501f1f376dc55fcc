//! The cluster's machines, for the screen.
//!
//! Invariant: only those that are up count as registered, and as room.

use super::InstanceState;
use crate::model::Millis;

/// The cluster's machines.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstancesView {
    /// How many there should be.
    pub desired: u32,
    /// The group's limits.
    pub min: u32,
    /// The group's limits.
    pub max: u32,
    /// Those that take tasks.
    pub registered: u32,
    /// Those that are on their way up.
    pub booting: u32,
    /// Those that are on their way out.
    pub leaving: u32,
    /// How long the ones that boot are waited for, in milliseconds, before it is said
    /// that they do not come; none while none boots.
    pub boot_left_ms: Option<Millis>,
    /// Tasks that still fit on the registered ones.
    pub room: u32,
    /// Each of them.
    pub list: Vec<InstanceView>,
}

impl InstancesView {
    /// Those that take tasks.
    pub fn up(&self) -> impl Iterator<Item = &InstanceView> {
        self.list.iter().filter(|it| it.state == InstanceState::Up)
    }
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstanceView {
    /// Its id (`i-…`).
    pub id: String,
    /// Tasks on it, those that start included.
    pub tasks: u32,
    /// Tasks that still fit.
    pub room: u32,
    /// What it is at.
    pub state: InstanceState,
    /// Since when it is known to the cluster (this machine's clock).
    pub since: Option<Millis>,
    /// Its type, such as `c5.large`.
    pub kind: Option<String>,
    /// The availability zone that it is in.
    pub zone: Option<String>,
    /// CPU units that tasks have reserved, and all there are.
    pub cpu_units: Option<(u32, u32)>,
    /// MiB of memory that tasks have reserved, and all there are.
    pub memory_mib: Option<(u32, u32)>,
    /// Connected devices of this run's tasks there, as those said last.
    pub connected: Option<u32>,
    /// CPU that agents of this run use there, as those said last; 1.0 is one core.
    pub agents_cpu: Option<f64>,
}
