//! ECS's answers as ours.

use aws_sdk_ecs::types::{
    CapacityProvider, ContainerDefinition, ContainerInstance, LogConfiguration, LogDriver,
    ManagedScalingStatus, ManagedTerminationProtection, Resource, Task, TaskDefinition,
    TaskDefinitionStatus,
};

use crate::cloud::{
    Cloud,
    types::{DefinitionSeen, Failure, InstanceSeen, LogStream, ProviderSeen, TaskSeen},
};

/// The variable that tells a task its name.
const TASK_NAME: &str = "LOADTOP_TASK";
/// How a task calls the program that watches over it.
const WATCHDOG: &str = "watchdog";

impl Cloud {
    pub(in crate::cloud) fn definition_seen(&self, definition: &TaskDefinition) -> DefinitionSeen {
        let containers = definition.container_definitions();
        let ours = containers.iter().find(|it| it.name() == Some(self.names.container.as_str()));
        let task_cpu = definition.cpu().and_then(cpu_units);
        let task_memory = definition.memory().and_then(mebibytes);
        let reserved = |it: &ContainerDefinition| it.memory_reservation().or(it.memory());
        let log = ours.and_then(|it| it.log_configuration());
        DefinitionSeen {
            name: format!("{}:{}", definition.family().unwrap_or_default(), definition.revision()),
            // Who does not say so (some emulators) means that it is.
            is_active: definition.status().is_none_or(|it| *it == TaskDefinitionStatus::Active),
            cpu: task_cpu.unwrap_or_else(|| containers.iter().map(|it| it.cpu()).sum()),
            memory: task_memory.unwrap_or_else(|| containers.iter().filter_map(reserved).sum()),
            containers: containers.iter().filter_map(|it| it.name()).map(str::to_owned).collect(),
            task_cpu,
            task_memory,
            compatibilities: definition
                .compatibilities()
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            network_mode: definition.network_mode().map(|it| it.as_str().to_owned()),
            task_role: definition.task_role_arn().map(str::to_owned),
            execution_role: definition.execution_role_arn().map(str::to_owned),
            stop_s: containers.iter().filter_map(stop_timeout).collect(),
            watchdog: containers.iter().find(|it| is_watchdog(it)).and_then(name),
            log_driver: log.map(|it| it.log_driver().as_str().to_owned()),
            log_stream: log.and_then(log_stream),
        }
    }

    /// Of its containers only the one that the agent is in counts: others, such as
    /// sidecars, may come before it.
    pub(in crate::cloud) fn task_seen(&self, task: &Task) -> TaskSeen {
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
            stop_code: task.stop_code().map(|it| it.as_str().to_owned()),
            cpu: task.cpu().and_then(cpu_units),
            memory: task.memory().and_then(mebibytes),
            zone: task.availability_zone().map(str::to_owned),
            provider: task.capacity_provider_name().map(str::to_owned),
        }
    }
}

/// The provider, if it manages this group.
pub(super) fn provider_of(provider: &CapacityProvider, group: &str) -> Option<ProviderSeen> {
    let manages = provider.auto_scaling_group_provider()?;
    // The ARN ends with the name, but the name alone is taken, too.
    let arn = manages.auto_scaling_group_arn();
    let named = arn.rsplit_once("autoScalingGroupName/").map_or(arn, |(_, name)| name);
    let scaling = manages.managed_scaling().and_then(|it| it.status());
    (named == group).then(|| ProviderSeen {
        name: provider.name().unwrap_or_default().to_owned(),
        scales: scaling == Some(&ManagedScalingStatus::Enabled),
        protects: manages.managed_termination_protection()
            == Some(&ManagedTerminationProtection::Enabled),
    })
}

/// Where a log goes, if each task has a stream of a known name there.
fn log_stream(log: &LogConfiguration) -> Option<LogStream> {
    let options = log.options().filter(|_| *log.log_driver() == LogDriver::Awslogs)?;
    Some(LogStream {
        group: options.get("awslogs-group")?.clone(),
        prefix: options.get("awslogs-stream-prefix")?.clone(),
        region: options.get("awslogs-region").cloned(),
    })
}

fn name(container: &ContainerDefinition) -> Option<String> {
    container.name().map(str::to_owned)
}

/// A container and its seconds between SIGTERM and SIGKILL, where it says them.
fn stop_timeout(container: &ContainerDefinition) -> Option<(String, u32)> {
    Some((name(container)?, u32::try_from(container.stop_timeout()?).ok()?))
}

/// Whether a container is a watchdog that takes its task along when it ends.
fn is_watchdog(container: &ContainerDefinition) -> bool {
    let mut words = container.entry_point().iter().chain(container.command());
    container.essential() != Some(false) && words.any(|word| word == WATCHDOG)
}

/// CPU units of a size as it is written: `1024`, or `1 vCPU`.
fn cpu_units(written: &str) -> Option<i32> {
    let (number, is_vcpu) = size(written, "vcpu")?;
    Some(if is_vcpu { number * 1024.0 } else { number }.round() as i32)
}

/// MiB of a size as it is written: `2048`, or `2 GB`.
fn mebibytes(written: &str) -> Option<i32> {
    let (number, is_gb) = size(written, "gb")?;
    Some(if is_gb { number * 1024.0 } else { number }.round() as i32)
}

/// A number, and whether this unit follows it.
fn size(written: &str, unit: &str) -> Option<(f64, bool)> {
    let written = written.trim().to_ascii_lowercase();
    match written.strip_suffix(unit) {
        Some(number) => Some((number.trim().parse().ok()?, true)),
        None => Some((written.parse().ok()?, false)),
    }
}

pub(super) fn failure(failure: &aws_sdk_ecs::types::Failure) -> Failure {
    Failure {
        arn: failure.arn().unwrap_or_default().to_owned(),
        reason: failure.reason().unwrap_or_default().to_owned(),
        detail: failure.detail().unwrap_or_default().to_owned(),
    }
}

pub(super) fn instance_seen(instance: &ContainerInstance) -> InstanceSeen {
    let attribute = |name: &str| {
        let found = instance.attributes().iter().find(|it| it.name() == name);
        found.and_then(|it| it.value()).map(str::to_owned)
    };
    let registered = instance.registered_at().and_then(|at| at.to_millis().ok());
    InstanceSeen {
        arn: instance.container_instance_arn().unwrap_or_default().to_owned(),
        machine_id: instance.ec2_instance_id().unwrap_or_default().to_owned(),
        status: instance.status().unwrap_or_default().to_owned(),
        connected: instance.agent_connected(),
        running: count(instance.running_tasks_count()),
        pending: count(instance.pending_tasks_count()),
        cpu_left: amount(instance.remaining_resources(), "CPU"),
        memory_left: amount(instance.remaining_resources(), "MEMORY"),
        cpu_all: amount(instance.registered_resources(), "CPU"),
        memory_all: amount(instance.registered_resources(), "MEMORY"),
        registered_at: registered.and_then(|at| at.try_into().ok()),
        kind: attribute("ecs.instance-type"),
        zone: attribute("ecs.availability-zone"),
    }
}

pub(super) fn count(of: i32) -> u32 {
    u32::try_from(of).unwrap_or(0)
}

/// How much of this there is, of those that are registered or remain.
fn amount(resources: &[Resource], name: &str) -> i32 {
    resources
        .iter()
        .find(|resource| resource.name() == Some(name))
        .map_or(0, Resource::integer_value)
}
