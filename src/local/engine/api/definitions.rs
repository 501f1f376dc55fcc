//! Task definitions on the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Others, Tag, Variable};

/// `containerDefinitions[]`. What is not known here is described back as it was given.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) essential: Option<bool>,
    pub(crate) entry_point: Vec<String>,
    pub(crate) command: Vec<String>,
    pub(crate) environment: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_timeout: Option<u32>,
    #[serde(flatten)]
    pub(crate) others: Others,
}

impl ContainerDefinition {
    /// Whether the task ends when it does; it does unless said otherwise.
    pub(crate) fn is_essential(&self) -> bool {
        self.essential.unwrap_or(true)
    }
}

/// What a task definition has that means nothing here; described back as it was given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Described {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) task_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) runtime_platform: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ephemeral_storage: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ipc_mode: Option<String>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) placement_constraints: Vec<Value>,
}

/// RegisterTaskDefinition.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RegisterTaskDefinition {
    pub(crate) family: String,
    pub(crate) container_definitions: Vec<ContainerDefinition>,
    pub(crate) cpu: Option<String>,
    pub(crate) memory: Option<String>,
    pub(crate) network_mode: Option<String>,
    pub(crate) requires_compatibilities: Vec<String>,
    pub(crate) tags: Vec<Tag>,
    #[serde(flatten)]
    pub(crate) described: Described,
}

/// DescribeTaskDefinition and DeregisterTaskDefinition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OneTaskDefinition {
    pub(crate) task_definition: String,
    /// Of DescribeTaskDefinition: TAGS.
    pub(crate) include: Vec<String>,
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
    pub(crate) network_mode: String,
    pub(crate) compatibilities: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) requires_compatibilities: Vec<String>,
    pub(crate) container_definitions: Vec<ContainerDefinition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<String>,
    #[serde(flatten)]
    pub(crate) described: Described,
    pub(crate) registered_at: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deregistered_at: Option<f64>,
}

/// The answer of the three.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionAnswer {
    pub(crate) task_definition: TaskDefinition,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag>,
}

/// ListTaskDefinitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListTaskDefinitions {
    pub(crate) family_prefix: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) sort: Option<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskDefinitionArns {
    pub(crate) task_definition_arns: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}
