//! What only `loadtop doctor` looks at: the same things as others do, but all of them
//! that can be wrong before a run.
//!
//! Invariant: nothing here changes anything.

use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinition};

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{self, Call},
};

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its ARN.
    pub arn: String,
    /// ACTIVE, or something else.
    pub status: String,
    /// Container instances, in whatever state.
    pub registered: u32,
    /// Tasks that run or are on their way, whoever started them.
    pub tasks: u32,
    /// Its capacity providers.
    pub providers: Vec<String>,
    /// Those of them that manage a group: the provider, the group's ARN, and whether its
    /// scaling is managed.
    pub managed: Vec<(String, String, bool)>,
}

/// An Auto Scaling group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupFacts {
    /// Its ARN.
    pub arn: String,
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// How many instances it should have.
    pub desired: u32,
    /// Its machines that are in service, by id.
    pub in_service: Vec<String>,
    /// Those of all that are protected from scale-in.
    pub protected: u32,
    /// Whether new ones will be.
    pub protects_new: bool,
    /// Its zones.
    pub zones: usize,
    /// What it was told not to do, such as `AZRebalance`.
    pub suspended: Vec<String>,
    /// Types of its machines.
    pub types: Vec<String>,
}

/// A task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionFacts {
    /// `family:revision`.
    pub name: String,
    /// ACTIVE, or something else.
    pub status: String,
    /// CPU units that a task takes: 1,024 a vCPU.
    pub cpu: u32,
    /// Memory that a task takes, in MiB.
    pub memory: u32,
    /// What it can run on: `EC2`, `FARGATE`, `EXTERNAL`.
    pub compatibilities: Vec<String>,
    /// `awsvpc`, `host`, `bridge`; empty: the default.
    pub network_mode: String,
    /// What its containers may do.
    pub task_role: Option<String>,
    /// What ECS may do for it.
    pub execution_role: Option<String>,
    /// Its containers.
    pub containers: Vec<ContainerFacts>,
}

/// A container of a task definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its name.
    pub name: String,
    /// Whether the task ends with it.
    pub essential: bool,
    /// What it runs: entry point and command; empty: what the image says.
    pub runs: Vec<String>,
    /// Whether its output goes anywhere.
    pub logs: bool,
    /// Files that it may have open, if the definition says so.
    pub files: Option<u64>,
    /// Ports that it may have from one address to one target, if the definition says so.
    pub ports: Option<u32>,
    /// How long it may take to end after SIGTERM, in seconds; none: 30.
    pub stop_timeout_s: Option<u32>,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketSeen {
    /// It is there; the region, if that was said.
    There(Option<String>),
    /// It is in another region.
    Elsewhere(String),
}

impl Cloud {
    /// The cluster, with its capacity providers.
    ///
    /// Equivalent to `aws ecs describe-clusters --clusters C` and
    /// `aws ecs describe-capacity-providers --capacity-providers …`.
    /// Needs `ecs:DescribeClusters` and `ecs:DescribeCapacityProviders`.
    pub async fn cluster_facts(&self) -> Result<ClusterFacts, CloudError> {
        const CALL: Call = calls::DESCRIBE_CLUSTERS;
        let call = self.ecs.describe_clusters().clusters(&self.names.cluster);
        let answer = self.settle(CALL, call.send().await)?;
        let cluster = answer.clusters().first();
        let cluster = cluster.ok_or_else(|| self.missing(CALL, "cluster", &self.names.cluster))?;
        let providers = cluster.capacity_providers().to_vec();
        let is_of_a_group = |name: &&String| !name.starts_with("FARGATE");
        let of_groups: Vec<String> = providers.iter().filter(is_of_a_group).cloned().collect();
        Ok(ClusterFacts {
            arn: cluster.cluster_arn().unwrap_or_default().to_owned(),
            status: cluster.status().unwrap_or_default().to_owned(),
            registered: size(Some(cluster.registered_container_instances_count())),
            tasks: size(Some(cluster.running_tasks_count() + cluster.pending_tasks_count())),
            managed: self.managed(of_groups).await?,
            providers,
        })
    }

    async fn managed(
        &self,
        providers: Vec<String>,
    ) -> Result<Vec<(String, String, bool)>, CloudError> {
        if providers.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.ecs.describe_capacity_providers().set_capacity_providers(Some(providers));
        let answer = self.settle(calls::DESCRIBE_PROVIDERS, call.send().await)?;
        let managed = answer.capacity_providers().iter().filter_map(|provider| {
            let of_group = provider.auto_scaling_group_provider()?;
            let status = of_group.managed_scaling().and_then(|scaling| scaling.status());
            let name = provider.name().unwrap_or_default().to_owned();
            let scales = status.is_some_and(|status| status.as_str() == "ENABLED");
            Some((name, of_group.auto_scaling_group_arn().to_owned(), scales))
        });
        Ok(managed.collect())
    }

    /// The group, with all that keeps it from being scaled.
    ///
    /// Equivalent to `aws autoscaling describe-auto-scaling-groups
    /// --auto-scaling-group-names G`. Needs `autoscaling:DescribeAutoScalingGroups`.
    pub async fn group_facts(&self) -> Result<GroupFacts, CloudError> {
        let group = self.described_group().await?;
        let machines = group.instances();
        let in_service = machines
            .iter()
            .filter(|it| it.lifecycle_state().is_some_and(|state| state.as_str() == "InService"));
        let mut types: Vec<String> =
            machines.iter().filter_map(|it| it.instance_type()).map(str::to_owned).collect();
        types.sort();
        types.dedup();
        let suspended = group.suspended_processes().iter().filter_map(|it| it.process_name());
        let protected = machines.iter().filter(|it| it.protected_from_scale_in() == Some(true));
        Ok(GroupFacts {
            arn: group.auto_scaling_group_arn().unwrap_or_default().to_owned(),
            min: size(group.min_size()),
            max: size(group.max_size()),
            desired: size(group.desired_capacity()),
            in_service: in_service.filter_map(|it| it.instance_id()).map(str::to_owned).collect(),
            protected: protected.count() as u32,
            protects_new: group.new_instances_protected_from_scale_in() == Some(true),
            zones: group.availability_zones().len(),
            suspended: suspended.map(str::to_owned).collect(),
            types,
        })
    }

    /// The task definition.
    ///
    /// Equivalent to `aws ecs describe-task-definition --task-definition D`.
    /// Needs `ecs:DescribeTaskDefinition`.
    pub async fn definition_facts(&self) -> Result<DefinitionFacts, CloudError> {
        const CALL: Call = calls::DESCRIBE_DEFINITION;
        let name = &self.names.task_definition;
        let call = self.ecs.describe_task_definition().task_definition(name);
        let answer = self.settle(CALL, call.send().await).map_err(|error| {
            // It has no code of its own for it.
            let unknown = error.message.contains("Unable to describe task definition");
            if unknown { self.missing(CALL, "task definition", name) } else { error }
        })?;
        let definition = answer.task_definition();
        let definition = definition.ok_or_else(|| self.missing(CALL, "task definition", name))?;
        Ok(definition_facts(definition))
    }

    /// Whether the bucket is there, and where.
    ///
    /// Equivalent to `aws s3api head-bucket --bucket B`. Needs `s3:ListBucket`.
    pub async fn bucket_facts(&self) -> Result<BucketSeen, CloudError> {
        let answer = self.s3.head_bucket().bucket(&self.names.bucket).send().await;
        let raw = answer.as_ref().err().and_then(|error| error.raw_response());
        let elsewhere = raw.filter(|raw| (300..400).contains(&raw.status().as_u16()));
        let elsewhere = elsewhere.and_then(|raw| raw.headers().get("x-amz-bucket-region"));
        if let Some(region) = elsewhere {
            self.count(calls::HEAD_BUCKET.operation);
            return Ok(BucketSeen::Elsewhere(region.to_owned()));
        }
        let status = raw.map(|raw| raw.status().as_u16());
        let answer = self.settle(calls::HEAD_BUCKET, answer).map_err(|error| match status {
            Some(404) => self.missing(calls::HEAD_BUCKET, "bucket", &self.names.bucket),
            // The answer to HEAD has no body, so that no code says it.
            Some(403) if error.kind == ErrorKind::Refused => {
                let message = format!("access to {} is denied", self.names.bucket);
                CloudError { kind: ErrorKind::Denied, message, ..error }
            }
            _ => error,
        })?;
        Ok(BucketSeen::There(answer.bucket_region().map(str::to_owned)))
    }

    /// That something is not there, in the region of the calls.
    pub(super) fn missing(&self, call: Call, what: &str, name: &str) -> CloudError {
        CloudError {
            call: call.operation,
            kind: ErrorKind::NotFound,
            code: None,
            message: format!("there is no {what} named {name} in {}", self.address.1),
        }
    }
}

fn definition_facts(definition: &TaskDefinition) -> DefinitionFacts {
    let containers = definition.container_definitions();
    let of_containers: i32 = containers.iter().map(|it| it.cpu()).sum();
    let of_task = definition.cpu().and_then(|cpu| cpu.parse().ok());
    let memory = definition.memory().and_then(|memory| memory.parse().ok());
    let of_containers_memory: i32 =
        containers.iter().filter_map(|it| it.memory().or(it.memory_reservation())).sum();
    let compatibilities = definition.compatibilities().iter().map(|it| it.as_str().to_owned());
    let mode = definition.network_mode().map_or("", |mode| mode.as_str());
    DefinitionFacts {
        name: format!("{}:{}", definition.family().unwrap_or_default(), definition.revision()),
        status: definition.status().map_or("", |status| status.as_str()).to_owned(),
        cpu: of_task.unwrap_or_else(|| size(Some(of_containers))),
        memory: memory.unwrap_or_else(|| size(Some(of_containers_memory))),
        compatibilities: compatibilities.collect(),
        network_mode: mode.to_owned(),
        task_role: definition.task_role_arn().map(str::to_owned),
        execution_role: definition.execution_role_arn().map(str::to_owned),
        containers: containers.iter().map(container_facts).collect(),
    }
}

fn container_facts(container: &ContainerDefinition) -> ContainerFacts {
    let files = container.ulimits().iter().find(|it| it.name().as_str() == "nofile");
    let files = files.and_then(|limit| u64::try_from(limit.hard_limit()).ok());
    let mut controls = container.system_controls().iter();
    let range = controls.find(|it| it.namespace() == Some("net.ipv4.ip_local_port_range"));
    let range = range.and_then(|it| it.value()?.split_once([' ', '\t']));
    let range = range.and_then(|(first, last)| {
        Some((first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?))
    });
    let runs = container.entry_point().iter().chain(container.command());
    ContainerFacts {
        name: container.name().unwrap_or_default().to_owned(),
        essential: container.essential() != Some(false),
        runs: runs.cloned().collect(),
        logs: container.log_configuration().is_some(),
        files,
        ports: range.map(|(first, last)| (last + 1).saturating_sub(first)),
        stop_timeout_s: container.stop_timeout().map(|it| size(Some(it))),
    }
}

fn size(n: Option<i32>) -> u32 {
    n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}
