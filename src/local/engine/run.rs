//! RunTask: a token is answered once, a request is checked, tasks find room.
//!
//! Invariant: one token never starts tasks twice. Only an answer with tasks is
//! remembered: who got nothing but failures may ask again.

use std::collections::BTreeMap;

use super::{
    ApiError, Engine, Quota,
    api::{ContainerOverride, Failure, RunTask, Tasks},
    definitions::Definition,
    tasks::{Host, Phase, STEP, Task, Times},
};
use crate::model::Millis;

/// How long a token is remembered.
const TOKEN_LIFE: Millis = 24 * 3_600_000;
/// How long, when there are so many that memory matters: longer than anybody
/// retries.
const TOKEN_LIFE_CROWDED: Millis = 3_600_000;
const MANY_TOKENS: usize = 20_000;
/// Old tokens are dropped whenever this many have come.
const TOKENS_PER_PRUNING: usize = 1024;
/// What overrides may take as JSON.
const MAX_OVERRIDES: usize = 8192;

/// A token's request and its answer.
#[derive(Debug)]
pub(super) struct Remembered {
    request: RunTask,
    answer: Tasks,
    at: Millis,
}

impl Engine {
    pub(crate) fn run_task(&mut self, request: RunTask, now: Millis) -> Result<Tasks, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Change, now)?;
        let count = check(&request)?;
        if let Some(answer) = self.remembered(&request, now)? {
            return Ok(answer);
        }
        let definition = self.definitions.find(&request.task_definition);
        let definition =
            definition.cloned().ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
        let container = container_override(&request, &definition)?;
        if !self.instances.values().any(|instance| instance.is_active()) {
            return Err(ApiError::parameter("No Container Instances were found in your cluster."));
        }
        let mut answer = Tasks::default();
        for _ in 0..count {
            match self.place(definition.cpu, definition.memory) {
                Ok(instance) => {
                    let task = self.create(&request, &definition, &container, instance, now);
                    answer.tasks.push(self.tasks[&task].view(&self.setup.name));
                }
                Err(failures) => {
                    answer.failures = failures;
                    break;
                }
            }
        }
        self.remember(request, &answer, now);
        Ok(answer)
    }

    fn remembered(&self, request: &RunTask, now: Millis) -> Result<Option<Tasks>, ApiError> {
        let token = request.client_token.as_ref();
        let Some(known) = token.and_then(|token| self.tokens.get(token)) else {
            return Ok(None);
        };
        if now >= known.at + TOKEN_LIFE {
            return Ok(None);
        }
        if known.request != *request {
            let arns = known.answer.tasks.iter().map(|task| task.task_arn.clone());
            return Err(ApiError::conflict(arns.collect()));
        }
        Ok(Some(known.answer.clone()))
    }

    fn remember(&mut self, request: RunTask, answer: &Tasks, now: Millis) {
        let Some(token) = request.client_token.clone() else { return };
        if answer.tasks.is_empty() {
            return;
        }
        if self.tokens.len() % TOKENS_PER_PRUNING == TOKENS_PER_PRUNING - 1 {
            let crowded = self.tokens.len() > MANY_TOKENS;
            let life = if crowded { TOKEN_LIFE_CROWDED } else { TOKEN_LIFE };
            self.tokens.retain(|_, known| now < known.at + life);
        }
        self.tokens.insert(token, Remembered { request, answer: answer.clone(), at: now });
    }

    /// An instance with room, or what each of them lacks. As on AWS, any will do:
    /// the default placement of RunTask is random.
    fn place(&mut self, cpu: i32, memory: i32) -> Result<u64, Vec<Failure>> {
        let candidates = || self.instances.iter().filter(|(_, instance)| !instance.draining);
        let mut fits = candidates().filter(|(_, it)| it.lacks(cpu, memory).is_none());
        // Counted, and then counted again: with a thousand instances a list of them
        // for each task would be most of the work.
        let count = fits.clone().count();
        if count > 0 {
            let chosen = self.ids.pick(count);
            return Ok(fits.nth(chosen).map(|(&number, _)| number).expect("it was counted"));
        }
        let registered = candidates().filter(|(_, instance)| instance.is_registered());
        Err(registered
            .filter_map(|(_, instance)| {
                let reason = instance.lacks(cpu, memory)?.to_owned();
                Some(Failure { arn: instance.arn.clone(), reason })
            })
            .collect())
    }

    fn create(
        &mut self,
        request: &RunTask,
        definition: &Definition,
        wanted: &ContainerOverride,
        instance: u64,
        now: Millis,
    ) -> u64 {
        let number = self.number();
        let id = self.ids.hex();
        let container = &definition.container;
        let variables = container.environment.iter().chain(&wanted.environment);
        let environment: BTreeMap<String, String> =
            variables.map(|variable| (variable.name.clone(), variable.value.clone())).collect();
        let group = request.group.clone();
        let host = self.instances.get_mut(&instance).expect("it was just found");
        host.take_in(number, definition.cpu, definition.memory);
        let task = Task {
            container_id: self.ids.hex(),
            instance,
            instance_arn: host.arn.clone(),
            definition_arn: definition.arn.clone(),
            family: definition.family.clone(),
            container: container.name.clone(),
            image: container.image.clone(),
            cpu: definition.cpu,
            memory: definition.memory,
            stop_timeout: definition.stop_timeout(),
            command: command(definition, wanted),
            environment,
            overrides: request.overrides.clone(),
            started_by: request.started_by.clone(),
            group: group.unwrap_or_else(|| format!("family:{}", definition.family)),
            tags: request.tags.clone(),
            phase: Phase::Provisioning,
            stop: None,
            times: Times { created: now, ..Times::default() },
            exit_code: None,
            container_reason: None,
            version: 1,
            host: Host::There,
            ended_unseen: false,
            due: None,
            id: id.clone(),
        };
        self.tasks.insert(number, task);
        self.task_numbers.insert(id, number);
        self.set_task_timer(number, Some(now + STEP));
        number
    }
}

/// How many tasks are asked for, if all else is as AWS wants it.
fn check(request: &RunTask) -> Result<i64, ApiError> {
    let count = request.count.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(ApiError::parameter("count must be between 1 and 10."));
    }
    if request.launch_type.as_deref().is_some_and(|kind| kind != "EC2") {
        return Err(ApiError::parameter("The local cloud has EC2 instances only."));
    }
    let token = request.client_token.as_deref().unwrap_or_default();
    if token.len() > 64 || !token.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Err(ApiError::parameter("clientToken must be up to 64 ASCII characters."));
    }
    if request.started_by.as_ref().is_some_and(|by| by.chars().count() > 128) {
        return Err(ApiError::parameter("startedBy must be up to 128 characters."));
    }
    let length = serde_json::to_string(&request.overrides).map_or(usize::MAX, |json| json.len());
    if length > MAX_OVERRIDES {
        return Err(ApiError::parameter("Container Overrides length must be at most 8192."));
    }
    Ok(count)
}

/// Program and arguments: an override takes the place of the arguments only.
fn command(definition: &Definition, wanted: &ContainerOverride) -> Vec<String> {
    let container = &definition.container;
    let arguments = wanted.command.as_ref().unwrap_or(&container.command);
    [&container.entry_point[..], arguments].concat()
}

/// The override of the definition's only container.
fn container_override(
    request: &RunTask,
    definition: &Definition,
) -> Result<ContainerOverride, ApiError> {
    let mut wanted = ContainerOverride::default();
    for container in &request.overrides.container_overrides {
        if container.name != definition.container.name {
            return Err(ApiError::parameter(format!(
                "Override for container named {} is not a container in the TaskDefinition.",
                container.name
            )));
        }
        wanted = container.clone();
    }
    Ok(wanted)
}
