//! Task definitions: what a task is made of, looked at and registered.
//!
//! A definition of loadtop's own says what a container runs in full (`loadtop agent`,
//! `loadtop watchdog`), so that its image needs no more than `loadtop` in its `PATH`,
//! whatever entry point it has.
//!
//! | capacity | network | size |
//! |---|---|---|
//! | Fargate | `awsvpc`, it knows no other | of the task: Fargate wants one |
//! | instances, with subnets | `awsvpc`: an address for each task | of the containers |
//! | instances, without | `host`: the instance's address, and no translation on the way | of the containers |
//!
//! On instances the CPU of a container is a share: an agent may use what is idle, and a
//! device that is a task of its own may be smaller than the least size of a task. Tasks
//! with the network of their host get the credentials of their role from the ECS agent
//! if that has `ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST`, as Amazon's images do.
//!
//! An agent's devices need a socket each, so that it may have [`FILES`] open files, and,
//! where the network is the task's own, nearly all ports: `net.*` of a host cannot be set
//! by a task, and Fargate takes it from platform version 1.4.0 on. Any other image keeps
//! the limits that it was made for: it is one device.
//!
//! Invariant: revisions are for ever, so none is registered that the family's latest one
//! is already, in all that loadtop says of it.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    Compatibility, ContainerDefinition, LogConfiguration, LogDriver, NetworkMode, SystemControl,
    Tag, TaskDefinition, Ulimit, UlimitName,
};
use serde_json::json;

use super::{
    Cloud, CloudError, ErrorKind, calls,
    types::{DefinitionSeen, TaskRequest},
};
use crate::{
    config::Image,
    model::capacity::{Capacity, Network},
};

/// The container of loadtop's agent in a definition of loadtop's own.
pub const AGENT: &str = "agent";
/// The container of an image of the user's own there.
pub const DEVICE: &str = "device";
/// The container of the watchdog there.
pub const WATCHDOG: &str = "watchdog";
/// What all of loadtop's containers run, with another word behind it.
const LOADTOP: &str = "loadtop";
/// The image of programs that are registered by their command: there is none.
const NO_IMAGE: &str = "none";
/// What a watchdog takes of an instance beside the program that it ends: CPU units, MiB.
const WATCHDOG_TAKES: (i32, i32) = (16, 64);
/// Open files of an agent: as many as Linux lets a process have.
const FILES: i32 = 1_048_576;
/// Ports of an agent whose network is its own.
const PORTS: (&str, &str) = ("net.ipv4.ip_local_port_range", "1024 65535");
/// What the log streams of tasks begin with.
const STREAM: &str = "loadtop";
/// How ECS says, as ClientException, that it knows no such definition.
const NO_SUCH_DEFINITION: &str = "Unable to describe task definition";

/// A task definition, as far as loadtop says what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Form {
    capacity: Option<Compatibility>,
    network: Option<NetworkMode>,
    cpu: Option<String>,
    memory: Option<String>,
    task_role: Option<String>,
    execution_role: Option<String>,
    containers: Vec<Part>,
}

/// One of its containers. All of them are essential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Part {
    name: String,
    image: String,
    words: Vec<String>,
    cpu: i32,
    memory: Option<i32>,
    stop_s: Option<i32>,
    log: Option<BTreeMap<String, String>>,
    files: Option<i32>,
    /// Whether it has nearly all ports.
    ports: bool,
}

impl Cloud {
    /// What a task definition is: `family` (its latest active revision) or
    /// `family:revision`. None: there is none.
    ///
    /// Equivalent to `aws ecs describe-task-definition --task-definition D`.
    /// Needs `ecs:DescribeTaskDefinition`.
    pub async fn describe_definition(
        &self,
        name: &str,
    ) -> Result<Option<DefinitionSeen>, CloudError> {
        Ok(self.definition(name).await?.map(|definition| self.definition_seen(&definition)))
    }

    /// Sees to it that the family's latest revision is this image with what belongs to
    /// it, on the capacity and in the network of the names, and says which revision that
    /// is. `tags` are those of a new one.
    ///
    /// Equivalent to `aws ecs describe-task-definition --task-definition F` and, unless
    /// that is so already, `aws ecs register-task-definition --family F
    /// --requires-compatibilities … --network-mode … --container-definitions … --tags …`.
    /// Needs `ecs:DescribeTaskDefinition`, `ecs:RegisterTaskDefinition`,
    /// `ecs:TagResource` and `iam:PassRole`.
    pub async fn ensure_definition(
        &self,
        image: &Image,
        tags: &BTreeMap<String, String>,
    ) -> Result<DefinitionSeen, CloudError> {
        let form = Form::of(image, &self.names.capacity, &self.names.network, self.region());
        self.ensure(&image.family, &form, tags).await
    }

    /// Sees to it that the family's latest revision runs one program, and says its name,
    /// `family:revision`. `cpu` is in CPU units, `memory` in MiB.
    ///
    /// Equivalent to `aws ecs describe-task-definition --task-definition F` and `aws ecs
    /// register-task-definition --family F --container-definitions …`.
    /// Needs `ecs:DescribeTaskDefinition` and `ecs:RegisterTaskDefinition`.
    pub async fn register_program(
        &self,
        family: &str,
        container: &str,
        command: &[String],
        cpu: i32,
        memory: i32,
    ) -> Result<String, CloudError> {
        let container = Part {
            name: container.to_owned(),
            image: NO_IMAGE.to_owned(),
            words: command.to_vec(),
            cpu,
            memory: Some(memory),
            ..Part::default()
        };
        let form = Form { containers: vec![container], ..Form::default() };
        Ok(self.ensure(family, &form, &BTreeMap::new()).await?.name)
    }

    async fn ensure(
        &self,
        family: &str,
        form: &Form,
        tags: &BTreeMap<String, String>,
    ) -> Result<DefinitionSeen, CloudError> {
        if let Some(latest) = self.definition(family).await?
            && form.is(&latest)
        {
            return Ok(self.definition_seen(&latest));
        }
        let containers: Result<Vec<_>, _> = form.containers.iter().map(Part::definition).collect();
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tags: Vec<_> = tags.collect();
        let call = self
            .ecs
            .register_task_definition()
            .family(family)
            .set_requires_compatibilities(form.capacity.clone().map(|it| vec![it]))
            .set_network_mode(form.network.clone())
            .set_cpu(form.cpu.clone())
            .set_memory(form.memory.clone())
            .set_task_role_arn(form.task_role.clone())
            .set_execution_role_arn(form.execution_role.clone())
            .set_container_definitions(Some(containers?))
            // An empty list is refused.
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()));
        let answer = self.settle(calls::REGISTER, call.send().await)?;
        let registered = answer.task_definition().map(|it| self.definition_seen(it));
        Ok(registered.unwrap_or_default())
    }

    async fn definition(&self, name: &str) -> Result<Option<TaskDefinition>, CloudError> {
        let call = self.ecs.describe_task_definition().task_definition(name);
        match self.settle(calls::DESCRIBE_DEFINITION, call.send().await) {
            Ok(answer) => Ok(answer.task_definition),
            Err(error) if error.message.starts_with(NO_SUCH_DEFINITION) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What each container of a task is told over its definition: the one that the run
    /// is about all of the request, its watchdog what a watchdog needs.
    pub(super) fn overrides(&self, request: &TaskRequest) -> Vec<(String, Told)> {
        let mut ours = request.environment.clone();
        let Some(watchdog) = &request.watchdog else {
            return vec![(self.names.container.clone(), ours)];
        };
        let region = self.told_region().map(|region| (REGION.to_owned(), region.to_owned()));
        if *watchdog == self.names.container {
            let is_told = ours.iter().any(|(name, _)| name == REGION);
            ours.extend(region.filter(|_| !is_told));
            return vec![(watchdog.clone(), ours)];
        }
        let told = ours.iter().filter(|(name, _)| name.starts_with("LOADTOP_")).cloned();
        let told = told.chain(region).collect();
        vec![(self.names.container.clone(), ours), (watchdog.clone(), told)]
    }

    /// How many characters the overrides of a request take: ECS bounds them.
    #[must_use]
    pub fn overrides_length(&self, request: &TaskRequest) -> usize {
        let containers = self.overrides(request).into_iter().map(|(name, told)| {
            let told: Vec<_> =
                told.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
            json!({"name": name, "environment": told})
        });
        let containers: Vec<_> = containers.collect();
        json!({ "containerOverrides": containers }).to_string().chars().count()
    }
}

/// Variables and their values.
type Told = Vec<(String, String)>;

/// The variable with the region.
const REGION: &str = "AWS_REGION";

impl Form {
    /// The definition that an image of the configuration is run with.
    fn of(image: &Image, capacity: &Capacity, network: &Network, region: &str) -> Self {
        let (cpu, memory) = (small(image.cpu), small(image.memory));
        let is_fargate = !capacity.has_instances();
        let has_address = is_fargate || !network.subnets.is_empty();
        let log = image.log_group.as_ref().map(|group| log_to(group, region));
        let stop_s = Some(small(image.stop_timeout_s));
        let sized = |part: Part, (cpu, memory): (i32, i32)| {
            if is_fargate { part } else { Part { cpu, memory: Some(memory), ..part } }
        };
        let ours = |name: &str, image: &str, word: &str| Part {
            name: name.to_owned(),
            image: image.to_owned(),
            words: [LOADTOP, word].map(str::to_owned).into(),
            stop_s,
            log: log.clone(),
            ..Part::default()
        };
        let mut containers = Vec::new();
        if image.identity.is_none() {
            let files = Some(FILES);
            let agent = Part { files, ports: has_address, ..ours(AGENT, &image.image, "agent") };
            containers.push(sized(agent, (cpu, memory)));
        } else {
            // What it runs is the image's own.
            let device = Part { words: Vec::new(), ..ours(DEVICE, &image.image, "") };
            containers.push(sized(device, (cpu, memory)));
            if let Some(watchdog) = &image.watchdog {
                containers.push(sized(ours(WATCHDOG, watchdog, "watchdog"), WATCHDOG_TAKES));
            }
        }
        Form {
            capacity: Some(if is_fargate { Compatibility::Fargate } else { Compatibility::Ec2 }),
            network: Some(if has_address { NetworkMode::Awsvpc } else { NetworkMode::Host }),
            cpu: is_fargate.then(|| cpu.to_string()),
            memory: is_fargate.then(|| memory.to_string()),
            task_role: image.task_role.clone(),
            execution_role: image.execution_role.clone(),
            containers,
        }
    }

    /// Whether a definition is this one, in all that is said here.
    fn is(&self, there: &TaskDefinition) -> bool {
        let capacity = there.requires_compatibilities();
        let network = there.network_mode();
        let same = |ours: &Option<String>, theirs: Option<&str>| {
            ours.as_deref().map(short) == theirs.map(short)
        };
        (self.capacity.is_none() || self.capacity.as_slice() == capacity)
            && (self.network.is_none() || self.network.as_ref() == network)
            && self.cpu.as_deref() == there.cpu()
            && self.memory.as_deref() == there.memory()
            && same(&self.task_role, there.task_role_arn())
            && same(&self.execution_role, there.execution_role_arn())
            && self.containers.len() == there.container_definitions().len()
            && there.container_definitions().iter().all(|it| self.containers.contains(&part(it)))
    }
}

impl Part {
    fn definition(&self) -> Result<ContainerDefinition, CloudError> {
        let files = self.files.map(|files| {
            Ulimit::builder().name(UlimitName::Nofile).soft_limit(files).hard_limit(files).build()
        });
        let log = self.log.as_ref().map(|options| {
            LogConfiguration::builder()
                .log_driver(LogDriver::Awslogs)
                .set_options(Some(options.clone().into_iter().collect()))
                .build()
        });
        let (port_range, ports) = PORTS;
        let ports = SystemControl::builder().namespace(port_range).value(ports).build();
        // A program's words are its command, as it is with `docker run`; what of loadtop
        // runs must not depend on the entry point of the image.
        let is_ours =
            self.words.first().is_some_and(|word| word == LOADTOP) && self.image != NO_IMAGE;
        let (entry, command) = self.words.split_at(usize::from(is_ours));
        let some = |words: &[String]| Some(words.to_vec()).filter(|words| !words.is_empty());
        Ok(ContainerDefinition::builder()
            .name(&self.name)
            .image(&self.image)
            .essential(true)
            .set_entry_point(some(entry))
            .set_command(some(command))
            .cpu(self.cpu)
            .set_memory(self.memory)
            .set_stop_timeout(self.stop_s)
            .set_log_configuration(log.transpose().map_err(not_made)?)
            .set_ulimits(files.transpose().map_err(not_made)?.map(|files| vec![files]))
            .set_system_controls(self.ports.then(|| vec![ports]))
            .build())
    }
}

/// A container as it is there. What loadtop never says makes it another one.
fn part(there: &ContainerDefinition) -> Part {
    let log = there.log_configuration().filter(|it| *it.log_driver() == LogDriver::Awslogs);
    let options = log.and_then(LogConfiguration::options);
    let files = there.ulimits().iter().find(|it| *it.name() == UlimitName::Nofile);
    let has_ports =
        |it: &SystemControl| (it.namespace(), it.value()) == (Some(PORTS.0), Some(PORTS.1));
    Part {
        name: there.name().unwrap_or_default().to_owned(),
        image: there.image().unwrap_or_default().to_owned(),
        words: words(there),
        cpu: there.cpu(),
        memory: there.memory(),
        stop_s: there.stop_timeout(),
        log: options.map(|options| options.clone().into_iter().collect()),
        files: files.map(Ulimit::hard_limit),
        ports: there.system_controls().iter().any(has_ports),
    }
}

/// What a container runs, as far as its definition says it.
fn words(container: &ContainerDefinition) -> Vec<String> {
    [container.entry_point(), container.command()].concat()
}

/// The options of the log driver. It is not to hold up who writes: an agent says a line
/// each interval, and devices do not wait for it.
fn log_to(group: &str, region: &str) -> BTreeMap<String, String> {
    [
        ("awslogs-group", group),
        ("awslogs-region", region),
        ("awslogs-stream-prefix", STREAM),
        ("mode", "non-blocking"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A role by its name: ECS takes names and ARNs.
fn short(role: &str) -> &str {
    role.rsplit_once('/').map_or(role, |(_, name)| name)
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn not_made(error: impl std::fmt::Display) -> CloudError {
    CloudError {
        call: calls::REGISTER.operation,
        kind: ErrorKind::NotSent,
        code: None,
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
