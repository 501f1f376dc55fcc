//! What lists can be sorted by.
//!
//! Invariant: a column's number is its place here, counted from 1; the screen shows the
//! columns in the same order and under the same names.

use crate::app::view::View;

/// A column of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskColumn {
    /// Slot and attempt.
    Name,
    /// In the order of a task's life.
    State,
    /// Connected ones.
    Devices,
    /// The machine.
    Instance,
    /// How long it has been in its state.
    Age,
    /// Requests per second.
    Requests,
    /// Errors per second.
    Errors,
    /// Cores that its agent uses.
    Cpu,
    /// How late its agent's timers are.
    Lag,
    /// How old its last report is.
    Report,
    /// Its exit code.
    Exit,
    /// Why it ended.
    Reason,
}

impl TaskColumn {
    /// All of them, from left to right.
    pub const ALL: [TaskColumn; 12] = [
        TaskColumn::Name,
        TaskColumn::State,
        TaskColumn::Devices,
        TaskColumn::Instance,
        TaskColumn::Age,
        TaskColumn::Requests,
        TaskColumn::Errors,
        TaskColumn::Cpu,
        TaskColumn::Lag,
        TaskColumn::Report,
        TaskColumn::Exit,
        TaskColumn::Reason,
    ];

    /// Its heading.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TaskColumn::Name => "task",
            TaskColumn::State => "state",
            TaskColumn::Devices => "devices",
            TaskColumn::Instance => "instance",
            TaskColumn::Age => "age",
            TaskColumn::Requests => "req/s",
            TaskColumn::Errors => "err/s",
            TaskColumn::Cpu => "cpu",
            TaskColumn::Lag => "lag",
            TaskColumn::Report => "report",
            TaskColumn::Exit => "exit",
            TaskColumn::Reason => "reason",
        }
    }
}

/// A column of the instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceColumn {
    /// `i-…`.
    Id,
    /// What it is at.
    State,
    /// Tasks on it.
    Tasks,
    /// Tasks that still fit.
    Room,
    /// Connected devices on it.
    Devices,
    /// Cores that agents use.
    Cpu,
    /// CPU that tasks have reserved.
    Reserved,
    /// Memory that tasks have reserved.
    Memory,
    /// Such as `c5.large`.
    Kind,
    /// Availability zone.
    Zone,
    /// How long the cluster has known it.
    Age,
}

impl InstanceColumn {
    /// All of them, from left to right.
    pub const ALL: [InstanceColumn; 11] = [
        InstanceColumn::Id,
        InstanceColumn::State,
        InstanceColumn::Tasks,
        InstanceColumn::Room,
        InstanceColumn::Devices,
        InstanceColumn::Cpu,
        InstanceColumn::Reserved,
        InstanceColumn::Memory,
        InstanceColumn::Kind,
        InstanceColumn::Zone,
        InstanceColumn::Age,
    ];

    /// Its heading.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            InstanceColumn::Id => "instance",
            InstanceColumn::State => "state",
            InstanceColumn::Tasks => "tasks",
            InstanceColumn::Room => "room",
            InstanceColumn::Devices => "devices",
            InstanceColumn::Cpu => "cpu",
            InstanceColumn::Reserved => "reserved",
            InstanceColumn::Memory => "memory",
            InstanceColumn::Kind => "type",
            InstanceColumn::Zone => "zone",
            InstanceColumn::Age => "age",
        }
    }
}

/// A column of the notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeColumn {
    /// How long ago it was.
    Age,
    /// How grave it is.
    Level,
    /// What was said.
    Text,
}

impl NoticeColumn {
    /// All of them, from left to right.
    pub const ALL: [NoticeColumn; 3] = [NoticeColumn::Age, NoticeColumn::Level, NoticeColumn::Text];

    /// Its heading.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NoticeColumn::Age => "age",
            NoticeColumn::Level => "level",
            NoticeColumn::Text => "notice",
        }
    }
}

/// How many columns a view's list can be sorted by.
pub(super) fn count(view: View) -> usize {
    match view {
        View::Tasks => TaskColumn::ALL.len(),
        View::Instances => InstanceColumn::ALL.len(),
        View::Notices => NoticeColumn::ALL.len(),
        View::Overview | View::Latency | View::Target => 0,
    }
}

/// Whether the largest comes first where a list is newly sorted by this column: numbers
/// do, and the states in which something is wrong; names do not.
pub(super) fn is_largest_first(view: View, sort: usize) -> bool {
    let Some(column) = sort.checked_sub(1) else { return false };
    match view {
        View::Tasks => !matches!(
            TaskColumn::ALL.get(column),
            None | Some(TaskColumn::Name | TaskColumn::Instance | TaskColumn::Reason)
        ),
        View::Instances => !matches!(
            InstanceColumn::ALL.get(column),
            None | Some(InstanceColumn::Id | InstanceColumn::Kind | InstanceColumn::Zone)
        ),
        View::Notices => matches!(NoticeColumn::ALL.get(column), Some(NoticeColumn::Level)),
        View::Overview | View::Latency | View::Target => false,
    }
}
