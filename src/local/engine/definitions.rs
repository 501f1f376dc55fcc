//! Task definitions: what a task of a family runs, and how much room it takes.
//!
//! Invariant: a revision never changes but from ACTIVE to INACTIVE.
//!
//! A definition may have up to ten containers, whose commands may be any programs of this
//! machine. Of a task only one is started as a process: the first essential one whose
//! command is not `loadtop watchdog`. What a watchdog does beside a program on ECS, the shim
//! around the program does here; others are described, and nothing of them runs.

mod checks;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ApiError, Engine, Quota, Setup,
    api::{
        ContainerDefinition, ListTaskDefinitions, OneTaskDefinition, Overrides,
        RegisterTaskDefinition, Tag, TaskDefinition, TaskDefinitionAnswer, TaskDefinitionArns,
        seconds,
    },
    fargate,
    ids::{ecs_arn, short},
    list::Page,
};
use crate::model::Millis;

/// A machine's CPU units.
pub(super) const INSTANCE_CPU: i32 = 2048;
/// A machine's memory in MiB.
pub(super) const INSTANCE_MEMORY: i32 = 2048;
/// Containers have at least 4 MiB.
const LEAST_MEMORY: i32 = 4;
const MOST_TASKS_PER_INSTANCE: i32 = INSTANCE_MEMORY / LEAST_MEMORY;
/// What a container is given to end, unless its definition says otherwise.
const DEFAULT_STOP_TIMEOUT_S: u32 = 30;
/// What the family for Fargate that is there from the start is called after the other.
const FOR_FARGATE: &str = "-fargate";

/// A revision of a family, as it was registered.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) arn: String,
    pub(super) family: String,
    pub(super) containers: Vec<ContainerDefinition>,
    /// The one among them that is started.
    pub(super) main: usize,
    /// `awsvpc` and so on.
    pub(super) network_mode: String,
    /// Whether it was validated for Fargate.
    pub(super) for_fargate: bool,
    pub(super) tags: Vec<Tag>,
    cpu: Option<i32>,
    memory: Option<i32>,
    described: TaskDefinition,
}

impl Definition {
    /// The container that is started.
    pub(super) fn main(&self) -> &ContainerDefinition {
        &self.containers[self.main]
    }

    /// How long its container may take to end.
    pub(super) fn stop_timeout(&self) -> Millis {
        Millis::from(self.main().stop_timeout.unwrap_or(DEFAULT_STOP_TIMEOUT_S)) * 1000
    }

    /// CPU units and MiB that a task with these overrides takes.
    pub(super) fn size(&self, overrides: &Overrides) -> Result<(i32, i32), ApiError> {
        let wanted = |name: &str| overrides.container_overrides.iter().rfind(|it| it.name == name);
        let cpu = checks::cpu_units(overrides.cpu.as_deref())?.or(self.cpu);
        let memory = checks::mebibytes(overrides.memory.as_deref())?.or(self.memory);
        let cpu = cpu.unwrap_or_else(|| {
            let of = |it: &ContainerDefinition| wanted(&it.name).and_then(|it| it.cpu);
            self.containers.iter().map(|it| of(it).unwrap_or(it.cpu)).sum()
        });
        let memory = memory.unwrap_or_else(|| {
            let of = |it: &ContainerDefinition| wanted(&it.name).and_then(|it| it.memory);
            let reserved = |it: &ContainerDefinition| it.memory_reservation.or(it.memory);
            self.containers.iter().filter_map(|it| of(it).or_else(|| reserved(it))).sum()
        });
        Ok((cpu, memory))
    }
}

/// A revision, and whether it is INACTIVE.
#[derive(Debug)]
struct Revision {
    definition: Arc<Definition>,
    deregistered: Option<Millis>,
}

impl Revision {
    fn status(&self) -> &'static str {
        if self.deregistered.is_some() { "INACTIVE" } else { "ACTIVE" }
    }

    fn view(&self) -> TaskDefinition {
        TaskDefinition {
            status: self.status(),
            deregistered_at: self.deregistered.map(seconds),
            ..self.definition.described.clone()
        }
    }
}

/// All families and their revisions.
#[derive(Debug)]
pub(super) struct Definitions {
    families: BTreeMap<String, Vec<Revision>>,
}

impl Definitions {
    /// With loadtop's own definitions in it: one that fits on instances, one for Fargate.
    pub(super) fn with_agent(setup: &Setup, now: Millis) -> Self {
        let per_instance = i32::try_from(setup.tasks_per_instance).unwrap_or(i32::MAX);
        let per_instance = per_instance.clamp(1, MOST_TASKS_PER_INSTANCE);
        let container = ContainerDefinition {
            name: setup.container.clone(),
            image: "loadtop".to_owned(),
            cpu: INSTANCE_CPU / per_instance,
            memory: Some(INSTANCE_MEMORY / per_instance),
            command: vec!["loadtop".to_owned(), "agent".to_owned()],
            ..ContainerDefinition::default()
        };
        let on_fargate = RegisterTaskDefinition {
            family: format!("{}{FOR_FARGATE}", setup.family),
            container_definitions: vec![ContainerDefinition {
                cpu: 0,
                memory: None,
                ..container.clone()
            }],
            cpu: Some("256".to_owned()),
            memory: Some("512".to_owned()),
            network_mode: Some("awsvpc".to_owned()),
            requires_compatibilities: vec!["FARGATE".to_owned()],
            ..RegisterTaskDefinition::default()
        };
        let on_instances = RegisterTaskDefinition {
            family: setup.family.clone(),
            container_definitions: vec![container],
            network_mode: Some("host".to_owned()),
            ..RegisterTaskDefinition::default()
        };
        let mut definitions = Definitions { families: BTreeMap::new() };
        for request in [on_instances, on_fargate] {
            definitions.register(request, now).expect("loadtop's own task definition is valid");
        }
        definitions
    }

    /// By `family` (its latest ACTIVE revision), `family:revision` or ARN.
    fn find(&self, name: &str) -> Option<&Revision> {
        let name = short(name);
        let Some((family, revision)) = name.split_once(':') else {
            return self.families.get(name)?.iter().rfind(|it| it.deregistered.is_none());
        };
        let revision: usize = revision.parse().ok()?;
        self.families.get(family)?.get(revision.checked_sub(1)?)
    }

    /// The one that tasks are started from.
    pub(super) fn to_run(&self, name: &str) -> Result<Arc<Definition>, ApiError> {
        match self.find(name) {
            None => Err(ApiError::client("TaskDefinition not found.")),
            Some(it) if it.deregistered.is_some() => {
                Err(ApiError::parameter("TaskDefinition is inactive"))
            }
            Some(it) => Ok(Arc::clone(&it.definition)),
        }
    }

    fn register(
        &mut self,
        request: RegisterTaskDefinition,
        now: Millis,
    ) -> Result<TaskDefinitionAnswer, ApiError> {
        let checked = checks::check(&request)?;
        let revisions = self.families.entry(request.family.clone()).or_default();
        let revision = revisions.len() as u32 + 1;
        let arn = ecs_arn(&format!("task-definition/{}:{revision}", request.family));
        let for_fargate = request.requires_compatibilities.iter().any(|it| it == "FARGATE");
        let containers = described_containers(request.container_definitions);
        let network_mode = request.network_mode.unwrap_or_else(|| "bridge".to_owned());
        let fits_fargate = checked.cpu.zip(checked.memory).is_some_and(fargate::is_a_size);
        let mut compatibilities = vec!["EC2"];
        if network_mode == "awsvpc" && fits_fargate {
            compatibilities.push("FARGATE");
        }
        let described = TaskDefinition {
            task_definition_arn: arn.clone(),
            family: request.family.clone(),
            revision,
            status: "ACTIVE",
            network_mode: network_mode.clone(),
            compatibilities,
            requires_compatibilities: request.requires_compatibilities,
            container_definitions: containers.clone(),
            cpu: checked.cpu.map(|it| it.to_string()),
            memory: checked.memory.map(|it| it.to_string()),
            described: request.described,
            registered_at: seconds(now),
            deregistered_at: None,
        };
        checks::check_length(&described)?;
        let definition = Definition {
            arn,
            family: request.family,
            main: main_of(&containers),
            containers,
            network_mode,
            for_fargate,
            tags: request.tags,
            cpu: checked.cpu,
            memory: checked.memory,
            described,
        };
        let answer = TaskDefinitionAnswer {
            task_definition: definition.described.clone(),
            tags: definition.tags.clone(),
        };
        revisions.push(Revision { definition: Arc::new(definition), deregistered: None });
        Ok(answer)
    }
}

/// As AWS describes them: what was left out has its default.
fn described_containers(mut containers: Vec<ContainerDefinition>) -> Vec<ContainerDefinition> {
    for container in &mut containers {
        container.essential = Some(container.is_essential());
        for list in ["portMappings", "mountPoints", "volumesFrom"] {
            container.others.entry(list).or_insert_with(|| Vec::<String>::new().into());
        }
    }
    containers
}

/// The first essential container that is no watchdog; else the first essential one.
fn main_of(containers: &[ContainerDefinition]) -> usize {
    let is_watchdog = |it: &ContainerDefinition| {
        let words: Vec<&str> =
            it.entry_point.iter().chain(&it.command).map(String::as_str).collect();
        // With a program after it, it is that program's shim.
        words.starts_with(&["loadtop", "watchdog"]) && !words.contains(&"--")
    };
    let first = |wanted: &dyn Fn(&ContainerDefinition) -> bool| containers.iter().position(wanted);
    first(&|it| it.is_essential() && !is_watchdog(it))
        .or_else(|| first(&ContainerDefinition::is_essential))
        .unwrap_or(0)
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
        request: &OneTaskDefinition,
        now: Millis,
    ) -> Result<TaskDefinitionAnswer, ApiError> {
        self.admit(Quota::Definitions, now)?;
        let found = self.definitions.find(&request.task_definition);
        let found = found.ok_or_else(|| ApiError::client("Unable to describe task definition."))?;
        let with_tags = request.include.iter().any(|it| it == "TAGS");
        let tags = if with_tags { found.definition.tags.clone() } else { Vec::new() };
        Ok(TaskDefinitionAnswer { task_definition: found.view(), tags })
    }

    /// Tasks that run go on; no new ones are started from it.
    pub(crate) fn deregister_task_definition(
        &mut self,
        request: &OneTaskDefinition,
        now: Millis,
    ) -> Result<TaskDefinitionAnswer, ApiError> {
        self.admit(Quota::Register, now)?;
        let name = short(&request.task_definition);
        let revision = name.split_once(':').and_then(|(family, revision)| {
            let revision: usize = revision.parse().ok()?;
            self.definitions.families.get_mut(family)?.get_mut(revision.checked_sub(1)?)
        });
        let Some(revision) = revision else {
            return Err(ApiError::client("The specified task definition does not exist."));
        };
        revision.deregistered.get_or_insert(now);
        Ok(TaskDefinitionAnswer { task_definition: revision.view(), tags: Vec::new() })
    }

    /// By family, and by revision within it. A token is a place in that order: a family
    /// that is registered between two pages may move what follows by one.
    pub(crate) fn list_task_definitions(
        &mut self,
        request: &ListTaskDefinitions,
        now: Millis,
    ) -> Result<TaskDefinitionArns, ApiError> {
        self.admit(Quota::Definitions, now)?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let status = request.status.as_deref().unwrap_or("ACTIVE");
        let family = request.family_prefix.as_ref();
        let mut arns: Vec<String> = self
            .definitions
            .families
            .values()
            .flatten()
            .filter(|it| it.status() == status)
            .filter(|it| family.is_none_or(|family| it.definition.family == *family))
            .map(|it| it.definition.arn.clone())
            .collect();
        match request.sort.as_deref() {
            None | Some("ASC") => {}
            Some("DESC") => arns.reverse(),
            Some(_) => return Err(ApiError::parameter("Invalid sort order.")),
        }
        let (task_definition_arns, next_token) = page.cut(page.only((1..).zip(arns)));
        Ok(TaskDefinitionArns { task_definition_arns, next_token })
    }
}
