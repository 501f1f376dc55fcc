//! ECS's requests and answers, in AWS's own names, as far as they are known here.
//!
//! Invariant: plain data. What a request has beyond these fields is ignored, as a
//! newer client's would be. Moments are seconds since the epoch, as in AWS JSON.

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// A moment on the wire.
pub(super) fn seconds(at: Millis) -> f64 {
    at as f64 / 1000.0
}

/// A name and its value: an environment variable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// `containerDefinitions[]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerDefinition {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) cpu: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_reservation: Option<i32>,
    pub(crate) essential: Option<bool>,
    pub(crate) entry_point: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_timeout: Option<u32>,
}

/// RegisterTaskDefinition.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RegisterTaskDefinition {
    pub(crate) family: String,
    pub(crate) container_definitions: Vec<ContainerDefinition>,
    pub(crate) cpu: Option<String>,
    pub(crate) memory: Option<String>,
    pub(crate) tags: Vec<Tag>,
}

/// DescribeTaskDefinition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeTaskDefinition {
    pub(crate) task_definition: String,
}

/// A task definition as it is described.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are AWS's")]
pub(crate) struct TaskDefinition {
    pub(crate) task_definition_arn: String,
    pub(crate) family: String,
    pub(crate) revision: u32,
    pub(crate) status: &'static str,
    pub(crate) network_mode: &'static str,
    pub(crate) compatibilities: [&'static str; 1],
    pub(crate) container_definitions: Vec<ContainerDefinition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    pub(crate) registered_at: f64,
}

/// The answer of the two.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionAnswer {
    pub(crate) task_definition: TaskDefinition,
    pub(crate) tags: Vec<Tag>,
}

/// `containerOverrides[]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerOverride {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<Vec<String>>,
    pub(crate) environment: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<i32>,
}

/// `overrides`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Overrides {
    pub(crate) container_overrides: Vec<ContainerOverride>,
}

/// RunTask.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunTask {
    pub(crate) cluster: Option<String>,
    pub(crate) task_definition: String,
    pub(crate) count: Option<i64>,
    pub(crate) overrides: Overrides,
    pub(crate) client_token: Option<String>,
    pub(crate) started_by: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) launch_type: Option<String>,
    pub(crate) tags: Vec<Tag>,
}

/// `failures[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    pub(crate) arn: String,
    pub(crate) reason: String,
}

/// The answer of RunTask and DescribeTasks.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(crate) struct Tasks {
    pub(crate) tasks: Vec<TaskView>,
    pub(crate) failures: Vec<Failure>,
}

/// A task as it is described.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskView {
    pub(crate) task_arn: String,
    pub(crate) cluster_arn: String,
    pub(crate) task_definition_arn: String,
    pub(crate) container_instance_arn: String,
    pub(crate) last_status: &'static str,
    pub(crate) desired_status: &'static str,
    pub(crate) launch_type: &'static str,
    pub(crate) cpu: String,
    pub(crate) memory: String,
    pub(crate) group: String,
    pub(crate) overrides: Overrides,
    pub(crate) containers: [ContainerView; 1],
    pub(crate) tags: Vec<Tag>,
    pub(crate) version: u64,
    pub(crate) created_at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopping_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_stopped_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_at: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stopped_reason: Option<String>,
}

/// `containers[]` of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerView {
    pub(crate) container_arn: String,
    pub(crate) task_arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) last_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// StopTask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct StopTask {
    pub(crate) cluster: Option<String>,
    pub(crate) task: String,
    pub(crate) reason: Option<String>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StopTaskAnswer {
    pub(crate) task: TaskView,
}

/// DescribeTasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct DescribeTasks {
    pub(crate) cluster: Option<String>,
    pub(crate) tasks: Vec<String>,
}

/// ListTasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListTasks {
    pub(crate) cluster: Option<String>,
    pub(crate) container_instance: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) started_by: Option<String>,
    pub(crate) desired_status: Option<String>,
    pub(crate) launch_type: Option<String>,
    pub(crate) service_name: Option<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskArns {
    pub(crate) task_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// DescribeClusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct DescribeClusters {
    pub(crate) clusters: Vec<String>,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Clusters {
    pub(crate) clusters: Vec<ClusterView>,
    pub(crate) failures: Vec<Failure>,
}

/// A cluster as it is described.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterView {
    pub(crate) cluster_arn: String,
    pub(crate) cluster_name: String,
    pub(crate) status: &'static str,
    pub(crate) registered_container_instances_count: usize,
    pub(crate) running_tasks_count: usize,
    pub(crate) pending_tasks_count: usize,
    pub(crate) active_services_count: usize,
    pub(crate) capacity_providers: Vec<String>,
}

/// The answer of ListClusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterArns {
    pub(crate) cluster_arns: Vec<String>,
}

/// ListContainerInstances.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListContainerInstances {
    pub(crate) cluster: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerInstanceArns {
    pub(crate) container_instance_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// DescribeContainerInstances and UpdateContainerInstancesState.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerInstancesRequest {
    pub(crate) cluster: Option<String>,
    pub(crate) container_instances: Vec<String>,
    /// Of UpdateContainerInstancesState: ACTIVE or DRAINING.
    pub(crate) status: Option<String>,
}

/// Their answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerInstances {
    pub(crate) container_instances: Vec<ContainerInstanceView>,
    pub(crate) failures: Vec<Failure>,
}

/// A container instance as it is described.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerInstanceView {
    pub(crate) container_instance_arn: String,
    pub(crate) ec2_instance_id: String,
    pub(crate) status: &'static str,
    pub(crate) agent_connected: bool,
    pub(crate) registered_at: f64,
    pub(crate) running_tasks_count: usize,
    pub(crate) pending_tasks_count: usize,
    pub(crate) registered_resources: [Resource; 2],
    pub(crate) remaining_resources: [Resource; 2],
}

/// `remainingResources[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) integer_value: i32,
}
