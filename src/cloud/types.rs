//! What the cloud seam takes and gives: ours, plain, and without SDK types.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// What RunTask is called with: one task. It is written down before the call, and
/// read back by whoever has to send the very same request again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRequest {
    /// Idempotency token, at most 64 ASCII characters.
    pub client_token: String,
    /// Who started it: the run.
    pub started_by: String,
    /// Environment of the container, over the definition's.
    pub environment: Vec<(String, String)>,
    /// Tags of the task.
    pub tags: Vec<(String, String)>,
}

/// What RunTask answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Started {
    /// Tasks that were placed.
    pub tasks: Vec<TaskSeen>,
    /// Why others were not.
    pub failures: Vec<Failure>,
}

/// One entry of `failures[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it is about.
    pub arn: String,
    /// Such as `RESOURCE:MEMORY`.
    pub reason: String,
    /// More of it, if any.
    pub detail: String,
}

impl Failure {
    /// Whether the cluster has no room, so that room would help.
    #[must_use]
    pub fn is_capacity(&self) -> bool {
        self.reason.starts_with("RESOURCE:") || ["CAPACITY", "AGENT"].contains(&&*self.reason)
    }
}

/// A task as ECS describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSeen {
    /// Its ARN.
    pub arn: String,
    /// What it was told to call itself: `LOADTOP_TASK` of its overrides.
    pub name: Option<String>,
    /// Who started it: the run.
    pub started_by: Option<String>,
    /// Where it is: PROVISIONING, PENDING, RUNNING, …, STOPPED.
    pub last_status: String,
    /// Where it should be: RUNNING or STOPPED.
    pub desired_status: String,
    /// The container instance that it is on.
    pub instance_arn: Option<String>,
    /// Why it stopped.
    pub stopped_reason: Option<String>,
    /// Exit code of the container of the task definition's that is ours.
    pub exit_code: Option<i32>,
    /// Why that container ended, if ECS says so.
    pub container_reason: Option<String>,
}

impl TaskSeen {
    /// A task that is gone, of which no more is known.
    #[must_use]
    pub fn stopped(arn: String) -> Self {
        TaskSeen {
            arn,
            name: None,
            started_by: None,
            last_status: "STOPPED".to_owned(),
            desired_status: "STOPPED".to_owned(),
            instance_arn: None,
            stopped_reason: None,
            exit_code: None,
            container_reason: None,
        }
    }
}

/// A container instance as ECS describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceSeen {
    /// Its ARN.
    pub arn: String,
    /// The machine's id (`i-…`).
    pub machine_id: String,
    /// ACTIVE, DRAINING, …
    pub status: String,
    /// Whether ECS's agent there answers. It does not on a machine that is on its way
    /// out, which stays ACTIVE for a while: nothing is placed there any more.
    pub connected: bool,
    /// Tasks that run there.
    pub running: u32,
    /// Tasks that are on their way there.
    pub pending: u32,
    /// CPU units left.
    pub cpu_left: i32,
    /// Memory left in MiB.
    pub memory_left: i32,
}

/// What a cluster counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterSeen {
    /// Container instances, in whatever state.
    pub registered: u32,
    /// Tasks that run, whoever started them.
    pub running: u32,
    /// Tasks that are on their way, whoever started them.
    pub pending: u32,
}

/// An Auto Scaling group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSeen {
    /// How many instances it should have.
    pub desired: u32,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Machine id and lifecycle state (`Pending`, `InService`, `Terminating`, …).
    pub machines: Vec<(String, String)>,
    /// Those of them that no lower number takes away: they are protected from scale-in.
    pub protected: Vec<String>,
}

/// What a task definition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionSeen {
    /// `family:revision`.
    pub name: String,
    /// CPU units of its containers together.
    pub cpu: i32,
    /// Memory of its containers together, in MiB.
    pub memory: i32,
    /// Its containers' names.
    pub containers: Vec<String>,
}

/// One metric's data of one moment, as an agent publishes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// Metric name.
    pub name: &'static str,
    /// Dimensions, name and value.
    pub dimensions: Vec<(&'static str, String)>,
    /// The moment (start of the interval).
    pub at: Millis,
    /// Values and how often each occurred; split into several datums where there
    /// are more than CloudWatch takes in one.
    pub values: Vec<(f64, f64)>,
    /// CloudWatch's unit.
    pub unit: Unit,
}

/// The units that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Count.
    Count,
    /// None: a ratio.
    None,
}

/// One line of a metric query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Whatever the caller wants to find the answer by; `[a-z][a-zA-Z0-9_]*`.
    pub id: String,
    /// Metric name.
    pub name: &'static str,
    /// Dimensions, name and value.
    pub dimensions: Vec<(&'static str, String)>,
    /// `Sum`, `SampleCount`, `Average`, `Minimum`, `Maximum` or `p99.9`.
    pub stat: String,
    /// Seconds: 1, 5, 10, 20, 30 or a multiple of 60.
    pub period_s: u32,
}

/// A metric query's answers: by id, moments (milliseconds) and values, ascending.
pub type Series = BTreeMap<String, Vec<(Millis, f64)>>;

/// An object that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub body: Bytes,
    /// Its entity tag, with quotes.
    pub etag: String,
}

/// What a conditional read found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// A version that is not the one known.
    New(Object),
    /// The version known.
    Unchanged,
    /// No such object.
    Missing,
}

/// When a write is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// In any case.
    Always,
    /// If no such object exists.
    Absent,
    /// If the object still has this entity tag.
    Matches(String),
}

/// When an answer was asked for, came and is dated: what a clock learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// When the request left.
    pub sent: tokio::time::Instant,
    /// When the answer was there.
    pub received: tokio::time::Instant,
    /// Its `Date`, in milliseconds; whole seconds.
    pub date: Millis,
}
