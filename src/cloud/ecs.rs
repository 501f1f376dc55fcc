//! ECS: tasks, and the instances they are placed on.

mod launch;
mod seen;

use aws_sdk_ecs::{
    operation::run_task::RunTaskError,
    types::{
        ContainerInstanceStatus, ContainerOverride, DesiredStatus, KeyValuePair, Tag, TaskOverride,
    },
};

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{self, Call},
    types::{
        ClusterSeen, DefinitionSeen, InstanceSeen, ProvidersSeen, Started, TaskRequest, TaskSeen,
    },
};
use launch::{in_network, runs_on};
use seen::{count, failure, instance_seen, provider_of};

/// How often a list waits for AWS's bucket to fill again, and for how long.
const THROTTLED_MOST: u32 = 20;
const AFTER_THROTTLE: std::time::Duration = std::time::Duration::from_secs(1);
/// The most things that one describe call takes.
const DESCRIBE_MOST: usize = 100;
/// The capacity providers that every cluster may have, and that manage no group.
const FARGATE: &str = "FARGATE";
const FARGATE_SPOT: &str = "FARGATE_SPOT";

impl Cloud {
    /// What the cluster counts.
    ///
    /// Equivalent to `aws ecs describe-clusters --clusters C`.
    /// Needs `ecs:DescribeClusters`.
    pub async fn cluster(&self) -> Result<ClusterSeen, CloudError> {
        let cluster = self.describe_cluster().await?;
        Ok(ClusterSeen {
            registered: count(cluster.registered_container_instances_count()),
            running: count(cluster.running_tasks_count()),
            pending: count(cluster.pending_tasks_count()),
        })
    }

    async fn describe_cluster(&self) -> Result<aws_sdk_ecs::types::Cluster, CloudError> {
        const CALL: Call = calls::DESCRIBE_CLUSTERS;
        let call = self.ecs.describe_clusters().clusters(&self.names.cluster);
        let answer = self.settle(CALL, call.send().await)?;
        answer.clusters().first().cloned().ok_or_else(|| CloudError {
            call: CALL.operation,
            kind: ErrorKind::NotFound,
            code: answer.failures().first().and_then(|it| it.reason()).map(str::to_owned),
            message: format!("there is no cluster named {}", self.names.cluster),
        })
    }

    /// The cluster's capacity providers, and which of them manages our group.
    ///
    /// Equivalent to `aws ecs describe-clusters --clusters C`
    /// and `aws ecs describe-capacity-providers --capacity-providers …`.
    /// Needs `ecs:DescribeClusters` and `ecs:DescribeCapacityProviders`; without a group,
    /// or providers that could manage it, only the first.
    pub async fn capacity_providers(&self) -> Result<ProvidersSeen, CloudError> {
        let cluster = self.describe_cluster().await?;
        let associated = cluster.capacity_providers().to_vec();
        let by_default = cluster.default_capacity_provider_strategy();
        let mut seen = ProvidersSeen {
            by_default: by_default.iter().map(|it| it.capacity_provider().to_owned()).collect(),
            of_group: None,
            associated,
        };
        let of_groups: Vec<String> = seen
            .associated
            .iter()
            .filter(|name| ![FARGATE, FARGATE_SPOT].contains(&name.as_str()))
            .cloned()
            .collect();
        let Some(group) = self.names.capacity.group_name() else {
            return Ok(seen);
        };
        for some in of_groups.chunks(DESCRIBE_MOST) {
            let mut token = None;
            loop {
                let call = self
                    .ecs
                    .describe_capacity_providers()
                    .set_capacity_providers(Some(some.to_vec()))
                    .set_next_token(token);
                let page = self.settle(calls::DESCRIBE_PROVIDERS, call.send().await)?;
                let mut providers = page.capacity_providers().iter();
                if let Some(found) = providers.find_map(|it| provider_of(it, group)) {
                    seen.of_group = Some(found);
                    return Ok(seen);
                }
                token = page.next_token().map(str::to_owned);
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(seen)
    }

    /// Starts one task. Overrides are shared by all tasks of a call, so there is
    /// one call for each.
    ///
    /// Equivalent to `aws ecs run-task --cluster C --task-definition D
    /// --launch-type EC2|FARGATE --client-token T --started-by R --overrides … --tags …`,
    /// with `--capacity-provider-strategy capacityProvider=P` instead of a launch type
    /// where the tasks go through a provider, and with `--network-configuration …` where
    /// they have addresses of their own.
    /// Needs `ecs:RunTask`, `ecs:TagResource` and `iam:PassRole`.
    ///
    /// A token that belongs to another request is an [`ErrorKind::Conflict`], whose
    /// message ends with the ARNs of the tasks which that one started.
    pub async fn run_task(&self, request: &TaskRequest) -> Result<Started, CloudError> {
        let variable = |(name, value): (String, String)| {
            KeyValuePair::builder().name(name).value(value).build()
        };
        let containers = self.overrides(request).into_iter().map(|(name, told)| {
            let told = told.into_iter().map(variable).collect();
            ContainerOverride::builder().name(name).set_environment(Some(told)).build()
        });
        let overrides =
            TaskOverride::builder().set_container_overrides(Some(containers.collect())).build();
        let tags = request.tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build());
        let (launch_type, strategy) = runs_on(request.capacity.as_ref())?;
        let call = self
            .ecs
            .run_task()
            .cluster(&self.names.cluster)
            .task_definition(&self.names.task_definition)
            // One of both always: without them the cluster's default strategy would decide.
            .set_launch_type(launch_type)
            .set_capacity_provider_strategy(strategy)
            .set_network_configuration(in_network(request)?)
            .count(1)
            .client_token(&request.client_token)
            .started_by(&request.started_by)
            .overrides(overrides)
            .set_tags(Some(tags.collect()));
        let answer = call.send().await;
        let theirs = match answer.as_ref().err().and_then(|error| error.as_service_error()) {
            Some(RunTaskError::ConflictException(conflict)) => conflict.resource_ids().join(" "),
            _ => String::new(),
        };
        let answer = self.settle(calls::RUN_TASK, answer).map_err(|mut error| {
            if !theirs.is_empty() {
                error.message = format!("{}: {theirs}", error.message);
            }
            error
        })?;
        Ok(Started {
            tasks: answer.tasks().iter().map(|task| self.task_seen(task)).collect(),
            failures: answer.failures().iter().map(failure).collect(),
        })
    }

    /// Asks a task to end: SIGTERM, and SIGKILL after its stop timeout.
    ///
    /// Equivalent to `aws ecs stop-task --cluster C --task ARN --reason R`.
    /// Needs `ecs:StopTask`.
    pub async fn stop_task(&self, arn: &str, reason: &str) -> Result<(), CloudError> {
        let call = self.ecs.stop_task().cluster(&self.names.cluster).task(arn).reason(reason);
        self.settle(calls::STOP_TASK, call.send().await).map(|_| ())
    }

    /// The ARNs of the cluster's tasks whose *desired* status is RUNNING, of one run
    /// if `started_by` is given. A task just told to stop is no longer among them
    /// while it still runs; one just started may be missing for a moment.
    ///
    /// Equivalent to `aws ecs list-tasks --cluster C --started-by R`.
    /// Needs `ecs:ListTasks`.
    pub async fn list_tasks(&self, started_by: Option<&str>) -> Result<Vec<String>, CloudError> {
        let mut arns = Vec::new();
        let mut throttled = 0;
        let mut token: Option<String> = None;
        loop {
            let call = self
                .ecs
                .list_tasks()
                .cluster(&self.names.cluster)
                .set_started_by(started_by.map(str::to_owned))
                // The two filters cannot be combined, and RUNNING is the default.
                .set_desired_status(started_by.is_none().then_some(DesiredStatus::Running))
                .set_next_token(token.clone());
            // Half a list is worth nothing: a page that is throttled is asked for again.
            let page = match self.settle(calls::LIST_TASKS, call.clone().send().await) {
                Err(error) if error.kind == ErrorKind::Throttled && throttled < THROTTLED_MOST => {
                    throttled += 1;
                    tokio::time::sleep(AFTER_THROTTLE).await;
                    continue;
                }
                page => page?,
            };
            arns.extend_from_slice(page.task_arns());
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(arns);
            }
        }
    }

    /// What ECS knows of these tasks; those it does not know (any more) are missing.
    ///
    /// Equivalent to `aws ecs describe-tasks --cluster C --tasks …`, 100 a call.
    /// Needs `ecs:DescribeTasks`.
    pub async fn describe_tasks(&self, arns: &[String]) -> Result<Vec<TaskSeen>, CloudError> {
        let mut seen = Vec::with_capacity(arns.len());
        for some in arns.chunks(DESCRIBE_MOST) {
            let call = self
                .ecs
                .describe_tasks()
                .cluster(&self.names.cluster)
                .set_tasks(Some(some.to_vec()));
            let answer = self.settle(calls::DESCRIBE_TASKS, call.send().await)?;
            seen.extend(answer.tasks().iter().map(|task| self.task_seen(task)));
        }
        Ok(seen)
    }

    /// The cluster's container instances that are ACTIVE or DRAINING; their status
    /// says which.
    ///
    /// Equivalent to `aws ecs list-container-instances --cluster C`
    /// and `aws ecs describe-container-instances --cluster C --container-instances …`.
    /// Needs `ecs:ListContainerInstances` and `ecs:DescribeContainerInstances`.
    pub async fn container_instances(&self) -> Result<Vec<InstanceSeen>, CloudError> {
        let mut arns = Vec::new();
        let mut token = None;
        loop {
            let call = self
                .ecs
                .list_container_instances()
                .cluster(&self.names.cluster)
                // Without a status filter one list has all but the inactive ones.
                .set_next_token(token);
            let page = self.settle(calls::LIST_INSTANCES, call.send().await)?;
            arns.extend_from_slice(page.container_instance_arns());
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        let mut seen = Vec::with_capacity(arns.len());
        for some in arns.chunks(DESCRIBE_MOST) {
            let call = self
                .ecs
                .describe_container_instances()
                .cluster(&self.names.cluster)
                .set_container_instances(Some(some.to_vec()));
            let answer = self.settle(calls::DESCRIBE_INSTANCES, call.send().await)?;
            seen.extend(answer.container_instances().iter().map(instance_seen));
        }
        seen.retain(|instance| ["ACTIVE", "DRAINING"].contains(&instance.status.as_str()));
        Ok(seen)
    }

    /// Lets no new task be placed on an instance, or lets them again. What runs there
    /// goes on: draining moves the tasks of services only.
    ///
    /// Equivalent to `aws ecs update-container-instances-state --cluster C
    /// --container-instances ARN --status DRAINING|ACTIVE`.
    /// Needs `ecs:UpdateContainerInstancesState`.
    pub async fn cordon(&self, instance_arn: &str, draining: bool) -> Result<(), CloudError> {
        const CALL: Call = calls::CORDON;
        let status = if draining {
            ContainerInstanceStatus::Draining
        } else {
            ContainerInstanceStatus::Active
        };
        let call = self
            .ecs
            .update_container_instances_state()
            .cluster(&self.names.cluster)
            .container_instances(instance_arn)
            .status(status);
        let answer = self.settle(CALL, call.send().await)?;
        let Some(failed) = answer.failures().first().map(failure) else { return Ok(()) };
        let missing = failed.reason == "MISSING";
        Err(CloudError {
            call: CALL.operation,
            kind: if missing { ErrorKind::NotFound } else { ErrorKind::Refused },
            message: format!("{instance_arn}: {} {}", failed.reason, failed.detail)
                .trim_end()
                .to_owned(),
            code: Some(failed.reason),
        })
    }

    /// What the task definition of the runs asks for.
    ///
    /// Equivalent to `aws ecs describe-task-definition --task-definition D`.
    /// Needs `ecs:DescribeTaskDefinition`.
    pub async fn task_definition(&self) -> Result<DefinitionSeen, CloudError> {
        let call = self.ecs.describe_task_definition().task_definition(&self.names.task_definition);
        let answer = self.settle(calls::DESCRIBE_DEFINITION, call.send().await)?;
        let definition = answer.task_definition();
        Ok(definition.map_or_else(DefinitionSeen::default, |it| self.definition_seen(it)))
    }
}

#[cfg(test)]
mod tests;
