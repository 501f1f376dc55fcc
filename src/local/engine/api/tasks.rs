//! Tasks on the wire.

use serde::{Deserialize, Serialize};

use super::{Failure, Others, Tag, Variable};

/// `containerOverrides[]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerOverride {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) environment: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<i32>,
    #[serde(flatten)]
    pub(crate) others: Others,
}

/// `overrides`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "the names are AWS's")]
pub(crate) struct Overrides {
    pub(crate) container_overrides: Vec<ContainerOverride>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(flatten)]
    pub(crate) others: Others,
}

/// `awsvpcConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AwsvpcConfiguration {
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) assign_public_ip: Option<String>,
}

/// `networkConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct NetworkConfiguration {
    pub(crate) awsvpc_configuration: Option<AwsvpcConfiguration>,
}

/// `capacityProviderStrategy[]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StrategyItem {
    pub(crate) capacity_provider: String,
    pub(crate) weight: i64,
    pub(crate) base: i64,
}

/// RunTask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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
    pub(crate) capacity_provider_strategy: Vec<StrategyItem>,
    pub(crate) network_configuration: Option<NetworkConfiguration>,
    pub(crate) platform_version: Option<String>,
    pub(crate) propagate_tags: Option<String>,
    pub(crate) enable_execute_command: bool,
    pub(crate) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(crate) others: Others,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) container_instance_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) availability_zone: Option<&'static str>,
    pub(crate) last_status: &'static str,
    pub(crate) desired_status: &'static str,
    pub(crate) launch_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_provider_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform_family: Option<&'static str>,
    pub(crate) cpu: String,
    pub(crate) memory: String,
    pub(crate) group: String,
    pub(crate) overrides: Overrides,
    pub(crate) containers: Vec<ContainerView>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) enable_execute_command: bool,
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

/// `attachments[]`: a network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) details: Vec<Variable>,
}

/// `containers[]` of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerView {
    pub(crate) container_arn: String,
    pub(crate) task_arn: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) cpu: String,
    pub(crate) last_status: &'static str,
    pub(crate) network_interfaces: Vec<NetworkInterface>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// `networkInterfaces[]` of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NetworkInterface {
    pub(crate) attachment_id: String,
    pub(crate) private_ipv4_address: String,
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
    /// TAGS: without it there are none in the answer.
    pub(crate) include: Vec<String>,
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
