//! ECS: tasks, and the instances they are placed on.

use aws_sdk_ecs::{
    operation::run_task::RunTaskError,
    types::{
        ContainerDefinition, ContainerInstance, ContainerInstanceStatus, ContainerOverride,
        DesiredStatus, KeyValuePair, LaunchType, Resource, Tag, Task, TaskOverride,
    },
};

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{self, Call},
    types::{ClusterSeen, DefinitionSeen, Failure, InstanceSeen, Started, TaskRequest, TaskSeen},
};

/// How often a list waits for AWS's bucket to fill again, and for how long.
const THROTTLED_MOST: u32 = 20;
const AFTER_THROTTLE: std::time::Duration = std::time::Duration::from_secs(1);
/// The most things that one describe call takes.
const DESCRIBE_MOST: usize = 100;
/// The variable that tells a task its name.
const TASK_NAME: &str = "LOADTOP_TASK";
/// The image of programs that are registered by their command: there is none.
const NO_IMAGE: &str = "none";

impl Cloud {
    /// What the cluster counts.
    ///
    /// Equivalent to `aws ecs describe-clusters --clusters C`.
    /// Needs `ecs:DescribeClusters`.
    pub async fn cluster(&self) -> Result<ClusterSeen, CloudError> {
        const CALL: Call = calls::DESCRIBE_CLUSTERS;
        let call = self.ecs.describe_clusters().clusters(&self.names.cluster);
        let answer = self.settle(CALL, call.send().await)?;
        let cluster = answer.clusters().first().ok_or_else(|| CloudError {
            call: CALL.operation,
            kind: ErrorKind::NotFound,
            code: answer.failures().first().and_then(|it| it.reason()).map(str::to_owned),
            message: format!("there is no cluster named {}", self.names.cluster),
        })?;
        Ok(ClusterSeen {
            registered: count(cluster.registered_container_instances_count()),
            running: count(cluster.running_tasks_count()),
            pending: count(cluster.pending_tasks_count()),
        })
    }

    /// Starts one task. Overrides are shared by all tasks of a call, so there is
    /// one call for each.
    ///
    /// Equivalent to `aws ecs run-task --cluster C --task-definition D
    /// --launch-type EC2 --client-token T --started-by R --overrides … --tags …`.
    /// Needs `ecs:RunTask`, `ecs:TagResource` and `iam:PassRole`.
    ///
    /// A token that belongs to another request is an [`ErrorKind::Conflict`], whose
    /// message ends with the ARNs of the tasks which that one started.
    pub async fn run_task(&self, request: &TaskRequest) -> Result<Started, CloudError> {
        let environment = request
            .environment
            .iter()
            .map(|(name, value)| KeyValuePair::builder().name(name).value(value).build())
            .collect();
        let container = ContainerOverride::builder()
            .name(&self.names.container)
            .set_environment(Some(environment))
            .build();
        let tags = request.tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build());
        let call = self
            .ecs
            .run_task()
            .cluster(&self.names.cluster)
            .task_definition(&self.names.task_definition)
            // Always given: without it the cluster's default strategy would decide.
            .launch_type(LaunchType::Ec2)
            .count(1)
            .client_token(&request.client_token)
            .started_by(&request.started_by)
            .overrides(TaskOverride::builder().container_overrides(container).build())
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

    /// Registers a task definition that runs one program, and says its name,
    /// `family:revision`. `cpu` is in CPU units, `memory` in MiB.
    ///
    /// Equivalent to `aws ecs register-task-definition --family F
    /// --container-definitions …`. Needs `ecs:RegisterTaskDefinition`.
    pub async fn register_program(
        &self,
        family: &str,
        container: &str,
        command: &[String],
        cpu: i32,
        memory: i32,
    ) -> Result<String, CloudError> {
        let container = ContainerDefinition::builder()
            .name(container)
            .image(NO_IMAGE)
            .cpu(cpu)
            .memory(memory)
            .essential(true)
            .set_command(Some(command.to_vec()))
            .build();
        let call =
            self.ecs.register_task_definition().family(family).container_definitions(container);
        let answer = self.settle(calls::REGISTER, call.send().await)?;
        let revision = answer.task_definition().map_or(0, |it| it.revision());
        Ok(format!("{family}:{revision}"))
    }

    /// What the task definition of the runs asks for.
    ///
    /// Equivalent to `aws ecs describe-task-definition --task-definition D`.
    /// Needs `ecs:DescribeTaskDefinition`.
    pub async fn task_definition(&self) -> Result<DefinitionSeen, CloudError> {
        let call = self.ecs.describe_task_definition().task_definition(&self.names.task_definition);
        let answer = self.settle(calls::DESCRIBE_DEFINITION, call.send().await)?;
        let definition = answer.task_definition();
        let containers = definition.map(|it| it.container_definitions()).unwrap_or_default();
        Ok(DefinitionSeen {
            name: definition.map_or_else(String::new, |it| {
                format!("{}:{}", it.family().unwrap_or_default(), it.revision())
            }),
            cpu: containers.iter().map(|it| it.cpu()).sum(),
            memory: containers.iter().filter_map(|it| it.memory()).sum(),
            containers: containers.iter().filter_map(|it| it.name()).map(str::to_owned).collect(),
        })
    }

    /// Of its containers only the one that the agent is in counts: others, such as
    /// sidecars, may come before it.
    pub(super) fn task_seen(&self, task: &Task) -> TaskSeen {
        let name = Some(self.names.container.as_str());
        let container = task.containers().iter().find(|it| it.name() == name);
        let overrides = task.overrides().map(|it| it.container_overrides()).unwrap_or_default();
        let mut variables = overrides.iter().flat_map(|it| it.environment());
        let called = variables.find(|variable| variable.name() == Some(TASK_NAME));
        TaskSeen {
            arn: task.task_arn().unwrap_or_default().to_owned(),
            name: called.and_then(|variable| variable.value()).map(str::to_owned),
            started_by: task.started_by().map(str::to_owned),
            last_status: task.last_status().unwrap_or_default().to_owned(),
            desired_status: task.desired_status().unwrap_or_default().to_owned(),
            instance_arn: task.container_instance_arn().map(str::to_owned),
            stopped_reason: task.stopped_reason().map(str::to_owned),
            exit_code: container.and_then(|it| it.exit_code()),
            container_reason: container.and_then(|it| it.reason()).map(str::to_owned),
        }
    }
}

fn failure(failure: &aws_sdk_ecs::types::Failure) -> Failure {
    Failure {
        arn: failure.arn().unwrap_or_default().to_owned(),
        reason: failure.reason().unwrap_or_default().to_owned(),
        detail: failure.detail().unwrap_or_default().to_owned(),
    }
}

fn instance_seen(instance: &ContainerInstance) -> InstanceSeen {
    InstanceSeen {
        arn: instance.container_instance_arn().unwrap_or_default().to_owned(),
        machine_id: instance.ec2_instance_id().unwrap_or_default().to_owned(),
        status: instance.status().unwrap_or_default().to_owned(),
        connected: instance.agent_connected(),
        running: count(instance.running_tasks_count()),
        pending: count(instance.pending_tasks_count()),
        cpu_left: left(instance.remaining_resources(), "CPU"),
        memory_left: left(instance.remaining_resources(), "MEMORY"),
    }
}

fn count(of: i32) -> u32 {
    u32::try_from(of).unwrap_or(0)
}

fn left(resources: &[Resource], name: &str) -> i32 {
    resources
        .iter()
        .find(|resource| resource.name() == Some(name))
        .map_or(0, Resource::integer_value)
}
