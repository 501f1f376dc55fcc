//! What the cloud seam takes and gives: ours, plain, and without SDK types.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::model::{
    Millis,
    capacity::{Capacity, Network},
};

/// What RunTask is called with: one task. It is written down before the call, and
/// read back by whoever has to send the very same request again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRequest {
    /// Idempotency token, at most 64 ASCII characters.
    pub client_token: String,
    /// Who started it: the run.
    pub started_by: String,
    /// Environment of the container, over the definition's.
    pub environment: Vec<(String, String)>,
    /// Tags of the task.
    pub tags: Vec<(String, String)>,
    /// What it is to run on; none in a request of an earlier version: instances, whoever
    /// they are scaled by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Where it is in the network, if it has an address of its own.
    #[serde(default, skip_serializing_if = "Network::is_shared")]
    pub network: Network,
    /// The container that ends the task with its run: it is told of it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<String>,
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
        self.reason.starts_with("RESOURCE:")
            || ["CAPACITY", "AGENT"].contains(&&*self.reason)
            || self.shortage().is_some()
    }

    /// What is short on Fargate, where this says so.
    #[must_use]
    pub fn shortage(&self) -> Option<Shortage> {
        Shortage::of(&self.reason).or_else(|| Shortage::of(&self.detail))
    }
}

/// What is short when ECS does not start a task although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The account may not have more vCPU on Fargate at a time.
    Vcpus,
    /// The account may not have more tasks on Fargate at a time.
    Tasks,
    /// AWS has no Fargate capacity left where the subnets are.
    Capacity,
    /// Too many tasks of the cluster wait for a capacity provider's instances.
    Provisioning,
}

impl Shortage {
    /// What these words of ECS mean. It has no codes for them, they come as the reason of
    /// a failure or as the message of an error.
    #[must_use]
    pub fn of(words: &str) -> Option<Self> {
        let is_about_number = words.contains("reached the limit on the number of");
        match words {
            _ if is_about_number && words.contains("vCPU") => Some(Shortage::Vcpus),
            _ if is_about_number && words.contains("tasks") => Some(Shortage::Tasks),
            _ if words.contains("Capacity is unavailable") => Some(Shortage::Capacity),
            _ if words.contains("limit") && words.contains("PROVISIONING") => {
                Some(Shortage::Provisioning)
            }
            _ => None,
        }
    }

    /// The quota or the thing that is short, by its name in Service Quotas if it has one.
    #[must_use]
    pub fn name(self, spot: bool) -> &'static str {
        match (self, spot) {
            (Shortage::Vcpus, false) => "the quota \"Fargate On-Demand vCPU resource count\"",
            (Shortage::Vcpus, true) => "the quota \"Fargate Spot vCPU resource count\"",
            (Shortage::Tasks, _) => "the quota of concurrent Fargate tasks",
            (Shortage::Capacity, false) => "Fargate capacity in these subnets",
            (Shortage::Capacity, true) => "Fargate Spot capacity in these subnets",
            (Shortage::Provisioning, _) => {
                "the quota \"Tasks in the PROVISIONING state per cluster\""
            }
        }
    }
}

/// A task as ECS describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// The kind of its end, such as `SpotInterruption`.
    pub stop_code: Option<String>,
    /// CPU units that it takes, where the task as a whole has a size.
    pub cpu: Option<i32>,
    /// Memory that it takes in MiB, where the task as a whole has a size.
    pub memory: Option<i32>,
    /// The availability zone that it is in.
    pub zone: Option<String>,
    /// The capacity provider that it was started through.
    pub provider: Option<String>,
}

impl TaskSeen {
    /// Whether AWS took its Spot capacity back.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.stop_code.as_deref() == Some("SpotInterruption")
    }

    /// A task that is gone, of which no more is known.
    #[must_use]
    pub fn stopped(arn: String) -> Self {
        TaskSeen {
            arn,
            last_status: "STOPPED".to_owned(),
            desired_status: "STOPPED".to_owned(),
            ..TaskSeen::default()
        }
    }
}

/// A container instance as ECS describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// CPU units of all tasks that it could have.
    pub cpu_all: i32,
    /// The same of memory in MiB.
    pub memory_all: i32,
    /// When it registered (AWS's clock).
    pub registered_at: Option<Millis>,
    /// Its type, such as `c5.large`.
    pub kind: Option<String>,
    /// The availability zone that it is in.
    pub zone: Option<String>,
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSeen {
    /// How many instances it should have.
    pub desired: u32,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Machine id and lifecycle state (`Pending`, `InService`, `Terminating`, …).
    pub machines: Vec<(String, String)>,
    /// The instance types of the machines, by their ids.
    pub types: BTreeMap<String, String>,
    /// The availability zones of the machines, by their ids.
    pub zones: BTreeMap<String, String>,
    /// Whether some of the machines may be Spot instances.
    pub spot: bool,
    /// Those of them that no lower number takes away: they are protected from scale-in.
    pub protected: Vec<String>,
}

/// The capacity providers of a cluster, as far as they concern us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProvidersSeen {
    /// All that tasks of this cluster can be started through.
    pub associated: Vec<String>,
    /// Those that tasks are started through when nothing is said.
    pub by_default: Vec<String>,
    /// The one that manages our group.
    pub of_group: Option<ProviderSeen>,
}

/// A capacity provider over an Auto Scaling group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSeen {
    /// Its name.
    pub name: String,
    /// Whether it scales the group: whoever else sets its size is overruled.
    pub scales: bool,
    /// Whether it protects instances with tasks from going.
    pub protects: bool,
}

/// What a task definition asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionSeen {
    /// `family:revision`.
    pub name: String,
    /// Whether tasks of it can still be started.
    pub is_active: bool,
    /// CPU units that a task takes: of the task as a whole, or of its containers together.
    pub cpu: i32,
    /// Memory in MiB that a task takes, as above.
    pub memory: i32,
    /// Its containers' names.
    pub containers: Vec<String>,
    /// CPU units of the task as a whole, where it says so; on Fargate it must.
    pub task_cpu: Option<i32>,
    /// Memory of the task as a whole in MiB, as above.
    pub task_memory: Option<i32>,
    /// What it can run on, as ECS found: `EC2`, `FARGATE`, …
    pub compatibilities: Vec<String>,
    /// `awsvpc`, `host`, `bridge`, …
    pub network_mode: Option<String>,
    /// The role of what runs in the task.
    pub task_role: Option<String>,
    /// The role of who starts it: image and log.
    pub execution_role: Option<String>,
    /// How many seconds its containers may take to end, where it says so.
    pub stop_s: BTreeMap<String, u32>,
    /// Its container that ends the task with its run: loadtop's watchdog.
    pub watchdog: Option<String>,
    /// Where the log of the container that is ours goes: `awslogs`, …
    pub log_driver: Option<String>,
    /// Where in CloudWatch Logs that is, where it goes there.
    pub log_stream: Option<LogStream>,
}

/// Where in CloudWatch Logs a container's output goes: each task has a stream
/// `prefix/container/task id` there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// The log group.
    pub group: String,
    /// What its streams' names begin with.
    pub prefix: String,
    /// Its region, where the definition says it.
    pub region: Option<String>,
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
