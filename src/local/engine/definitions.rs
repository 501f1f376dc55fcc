//! Task definitions: what a task of a family runs, and how much room it takes.
//!
//! Invariant: a revision never changes. A task here is one process, so a
//! definition has one container; its command may be any program of this machine.

use std::collections::BTreeMap;

use super::{
    ApiError, Engine, Quota, Setup,
    api::{
        ContainerDefinition, DescribeTaskDefinition, RegisterTaskDefinition, TaskDefinition,
        TaskDefinitionAnswer, seconds,
    },
    ids::{ecs_arn, short},
};
use crate::model::Millis;

/// A machine's CPU units.
pub(super) const INSTANCE_CPU: i32 = 2048;
/// A machine's memory in MiB.
pub(super) const INSTANCE_MEMORY: i32 = 2048;
/// Containers have at least 4 MiB.
const MOST_TASKS_PER_INSTANCE: i32 = INSTANCE_MEMORY / 4;
/// What a container is given to end, unless its definition says otherwise.
const DEFAULT_STOP_TIMEOUT_S: u32 = 30;

/// A revision of a family.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) arn: String,
    pub(super) family: String,
    pub(super) cpu: i32,
    pub(super) memory: i32,
    pub(super) container: ContainerDefinition,
    described: TaskDefinitionAnswer,
}

impl Definition {
    /// How long a container may take to end.
    pub(super) fn stop_timeout(&self) -> Millis {
        Millis::from(self.container.stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT_S)) * 1000
    }
}

/// All families and their revisions.
#[derive(Debug)]
pub(super) struct Definitions {
    families: BTreeMap<String, Vec<Definition>>,
}

impl Definitions {
    /// With loadtop's own definition in it.
    pub(super) fn with_agent(setup: &Setup, now: Millis) -> Self {
        let per_instance = i32::try_from(setup.tasks_per_instance).unwrap_or(i32::MAX);
        let per_instance = per_instance.clamp(1, MOST_TASKS_PER_INSTANCE);
        let container = ContainerDefinition {
            name: setup.container.clone(),
            image: "loadtop".to_owned(),
            cpu: INSTANCE_CPU / per_instance,
            memory: Some(INSTANCE_MEMORY / per_instance),
            essential: Some(true),
            command: vec!["loadtop".to_owned(), "agent".to_owned()],
            ..ContainerDefinition::default()
        };
        let mut definitions = Definitions { families: BTreeMap::new() };
        let request = RegisterTaskDefinition {
            family: setup.family.clone(),
            container_definitions: vec![container],
            ..RegisterTaskDefinition::default()
        };
        definitions.register(request, now).expect("loadtop's own task definition is valid");
        definitions
    }

    /// By `family` (its latest revision), `family:revision` or ARN.
    pub(super) fn find(&self, name: &str) -> Option<&Definition> {
        let name = short(name);
        let Some((family, revision)) = name.split_once(':') else {
            return self.families.get(name)?.last();
        };
        let revision: usize = revision.parse().ok()?;
        self.families.get(family)?.get(revision.checked_sub(1)?)
    }

    fn register(
        &mut self,
        request: RegisterTaskDefinition,
        now: Millis,
    ) -> Result<TaskDefinitionAnswer, ApiError> {
        let container = the_container(&request)?;
        let memory = task_level(request.memory.as_deref(), "memory")?
            .or(container.memory)
            .or(container.memory_reservation)
            .ok_or_else(|| {
                ApiError::client(format!(
                    "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
                    container.name
                ))
            })?;
        let cpu = task_level(request.cpu.as_deref(), "cpu")?.unwrap_or(container.cpu);
        if cpu < 0 || memory < 4 {
            return Err(ApiError::client("cpu must not be negative, and memory at least 4."));
        }
        let revisions = self.families.entry(request.family.clone()).or_default();
        let revision = revisions.len() as u32 + 1;
        let arn = ecs_arn(&format!("task-definition/{}:{revision}", request.family));
        let described = TaskDefinitionAnswer {
            task_definition: TaskDefinition {
                task_definition_arn: arn.clone(),
                family: request.family.clone(),
                revision,
                status: "ACTIVE",
                network_mode: "host",
                compatibilities: ["EC2"],
                container_definitions: vec![container.clone()],
                cpu: request.cpu,
                memory: request.memory,
                registered_at: seconds(now),
            },
            tags: request.tags,
        };
        revisions.push(Definition {
            arn,
            family: request.family,
            cpu,
            memory,
            container,
            described: described.clone(),
        });
        Ok(described)
    }
}

fn the_container(request: &RegisterTaskDefinition) -> Result<ContainerDefinition, ApiError> {
    let name_is_good = |name: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !name.is_empty() && name.len() <= 255 && name.chars().all(letters)
    };
    if !name_is_good(&request.family) {
        return Err(ApiError::client(
            "Family should not be empty, and contain only letters, numbers, hyphens and underscores.",
        ));
    }
    let [container] = &request.container_definitions[..] else {
        return Err(ApiError::client(
            "The local cloud runs exactly one container per task definition.",
        ));
    };
    if !name_is_good(&container.name) {
        return Err(ApiError::client(
            "Container.name should not be empty, and contain only letters, numbers, hyphens and underscores.",
        ));
    }
    Ok(container.clone())
}

/// Task sizes are strings on the wire.
fn task_level(size: Option<&str>, what: &str) -> Result<Option<i32>, ApiError> {
    size.map(|size| size.parse())
        .transpose()
        .map_err(|_| ApiError::client(format!("Invalid '{what}' setting for task.")))
}

impl Engine {
    pub(crate) fn register_task_definition(
        &mut self,
        request: RegisterTaskDefinition,
        now: Millis,
    ) -> Result<TaskDefinitionAnswer, ApiError> {
        self.admit(Quota::Register, now)?;
        self.definitions.register(request, now)
    }

    pub(crate) fn describe_task_definition(
        &mut self,
        request: &DescribeTaskDefinition,
        now: Millis,
    ) -> Result<TaskDefinitionAnswer, ApiError> {
        self.admit(Quota::Look, now)?;
        let found = self.definitions.find(&request.task_definition);
        found
            .map(|definition| definition.described.clone())
            .ok_or_else(|| ApiError::client("Unable to describe task definition."))
    }
}
