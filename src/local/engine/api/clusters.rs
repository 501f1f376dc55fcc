//! Clusters, their capacity providers and container instances on the wire.

use serde::{Deserialize, Serialize};

use super::{Failure, StrategyItem, Variable};

/// DescribeClusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct DescribeClusters {
    pub(crate) clusters: Vec<String>,
    /// STATISTICS and others.
    pub(crate) include: Vec<String>,
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
    pub(crate) statistics: Vec<Variable>,
    pub(crate) capacity_providers: Vec<String>,
    pub(crate) default_capacity_provider_strategy: Vec<StrategyItem>,
}

/// The answer of ListClusters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterArns {
    pub(crate) cluster_arns: Vec<String>,
}

/// DescribeCapacityProviders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DescribeCapacityProviders {
    pub(crate) capacity_providers: Vec<String>,
    pub(crate) cluster: Option<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) next_token: Option<String>,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are AWS's")]
pub(crate) struct CapacityProviders {
    pub(crate) capacity_providers: Vec<CapacityProviderView>,
    pub(crate) failures: Vec<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_token: Option<String>,
}

/// A capacity provider as it is described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CapacityProviderView {
    pub(crate) capacity_provider_arn: String,
    pub(crate) name: String,
    pub(crate) status: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auto_scaling_group_provider: Option<GroupProvider>,
}

/// `autoScalingGroupProvider`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GroupProvider {
    pub(crate) auto_scaling_group_arn: String,
    pub(crate) managed_scaling: ManagedScaling,
    pub(crate) managed_termination_protection: &'static str,
    pub(crate) managed_draining: &'static str,
}

/// `managedScaling`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagedScaling {
    pub(crate) status: &'static str,
    pub(crate) target_capacity: u32,
    pub(crate) minimum_scaling_step_size: u32,
    pub(crate) maximum_scaling_step_size: u32,
    pub(crate) instance_warmup_period: u32,
}

/// ListContainerInstances.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListContainerInstances {
    pub(crate) cluster: Option<String>,
    pub(crate) status: Option<String>,
    /// In the cluster query language.
    pub(crate) filter: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_provider_name: Option<&'static str>,
    pub(crate) status: &'static str,
    pub(crate) agent_connected: bool,
    pub(crate) registered_at: f64,
    pub(crate) running_tasks_count: usize,
    pub(crate) pending_tasks_count: usize,
    pub(crate) registered_resources: [Resource; 2],
    pub(crate) remaining_resources: [Resource; 2],
    pub(crate) attributes: [Attribute; 2],
}

/// `attributes[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) value: &'static str,
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
