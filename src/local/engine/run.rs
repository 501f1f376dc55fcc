//! RunTask: a token is answered once, a request is checked, tasks find room.
//!
//! Invariant: one token never starts tasks twice. Only an answer with tasks is
//! remembered: who got nothing but failures may ask again.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    ApiError, Engine, Quota,
    api::{ContainerOverride, Failure, Overrides, RunTask, Tag, Tasks},
    definitions::Definition,
    fargate::{self, Interface, Market},
    providers::Target,
    tasks::{Host, Phase, Place, STEP, Task, Times},
    validate::{check_started_by, check_tags, check_token},
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

/// What the tasks of a call have in common.
struct Order<'a> {
    request: &'a RunTask,
    definition: Arc<Definition>,
    /// CPU units and MiB.
    size: (i32, i32),
    tags: Vec<Tag>,
}

impl Engine {
    pub(crate) fn run_task(&mut self, request: RunTask, now: Millis) -> Result<Tasks, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Change, now)?;
        let count = check(&request)?;
        let targets = self.targets(&request, count)?;
        let on_fargate = targets.iter().any(|target| target.market().is_some());
        if on_fargate {
            self.admit(Quota::FargateCalls, now)?;
        }
        if let Some(answer) = self.remembered(&request, now)? {
            return Ok(answer);
        }
        let definition = self.definitions.to_run(&request.task_definition)?;
        check_overrides(&request.overrides, &definition)?;
        if on_fargate {
            fargate::check_run(&request, &definition)?;
        } else if request.platform_version.is_some() {
            return Err(ApiError::parameter(
                "The platform version must be null when specifying an EC2 launch type.",
            ));
        }
        fargate::network(&request, &definition, on_fargate)?;
        let size = definition.size(&request.overrides)?;
        if on_fargate {
            fargate::check_size(size.0, size.1)?;
        }
        let none_is_active = || !self.instances.values().any(|instance| instance.is_active());
        if targets.contains(&Target::Instances) && none_is_active() {
            return Err(ApiError::no_instances());
        }
        self.admit_launches(&targets, now)?;
        let tags = tags(&request, &definition);
        let order = Order { request: &request, definition, size, tags };
        let mut answer = Tasks::default();
        for target in targets {
            match self.start(&order, target, now) {
                Ok(task) => answer.tasks.push(self.tasks[&task].view(&self.setup.name, true)),
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

    /// Fargate launches so many tasks a second, each of its markets for itself.
    fn admit_launches(&mut self, targets: &[Target], now: Millis) -> Result<(), ApiError> {
        for (market, quota) in
            [(Market::OnDemand, Quota::FargateTasks), (Market::Spot, Quota::SpotTasks)]
        {
            let count = targets.iter().filter(|target| target.market() == Some(market)).count();
            self.throttle.take_many(quota, count, now)?;
        }
        Ok(())
    }

    /// One task, or why not.
    fn start(&mut self, order: &Order, target: Target, now: Millis) -> Result<u64, Vec<Failure>> {
        let (cpu, memory) = order.size;
        let number = self.next_number + 1;
        let (place, due) = match target {
            Target::Fargate { market, .. } => {
                self.take_vcpus(market, cpu).map_err(|failure| vec![failure])?;
                (Place::Fargate(market), Some(now + self.setup.fargate_start))
            }
            Target::Instances | Target::Provider => match self.place(cpu, memory) {
                Ok(instance) => (self.take_room(instance, number, order.size), Some(now + STEP)),
                Err(_) if target == Target::Provider => {
                    self.scaling.awaited.insert(number);
                    (Place::Awaited, None)
                }
                Err(failures) => return Err(failures),
            },
        };
        let number = self.number();
        self.create(number, order, target, place, now);
        self.set_task_timer(number, due);
        Ok(number)
    }

    /// An instance with room, or what each of them lacks. As on AWS, any will do:
    /// the default placement of RunTask is random.
    pub(super) fn place(&mut self, cpu: i32, memory: i32) -> Result<u64, Vec<Failure>> {
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
                Some(Failure { arn: Some(instance.arn.clone()), reason })
            })
            .collect())
    }

    fn create(&mut self, number: u64, order: &Order, target: Target, place: Place, now: Millis) {
        let (request, definition) = (order.request, &order.definition);
        let id = self.ids.hex();
        let container = definition.main();
        let wanted = wanted(&request.overrides, &container.name);
        let overridden = wanted.map_or(&[][..], |wanted| &wanted.environment);
        let variables = container.environment.iter().chain(overridden);
        let environment: BTreeMap<String, String> =
            variables.map(|variable| (variable.name.clone(), variable.value.clone())).collect();
        // An override takes the place of the arguments only.
        let arguments = wanted.and_then(|it| it.command.as_ref()).unwrap_or(&container.command);
        let group = request.group.clone();
        let network = request.network_configuration.as_ref();
        let network = network.and_then(|it| it.awsvpc_configuration.as_ref());
        let task = Task {
            container_ids: definition.containers.iter().map(|_| self.ids.hex()).collect(),
            place,
            provider: target.provider(),
            interface: network.map(|network| Interface::new(&mut self.ids, network, number)),
            cpu: order.size.0,
            memory: order.size.1,
            stop_timeout: definition.stop_timeout(),
            command: [&container.entry_point[..], arguments].concat(),
            environment,
            overrides: request.overrides.clone(),
            started_by: request.started_by.clone(),
            group: group.unwrap_or_else(|| format!("family:{}", definition.family)),
            tags: order.tags.clone(),
            enable_execute_command: request.enable_execute_command,
            definition: Arc::clone(definition),
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
    }
}

/// How many tasks are asked for, if all that needs no look at the cluster is as AWS wants it.
fn check(request: &RunTask) -> Result<usize, ApiError> {
    let count = request.count.unwrap_or(1);
    let count = usize::try_from(count).ok().filter(|count| (1..=10).contains(count));
    let count = count.ok_or_else(|| ApiError::parameter("count must be between 1 and 10."))?;
    check_token(request.client_token.as_deref())?;
    check_started_by(request.started_by.as_deref())?;
    check_tags(&request.tags)?;
    if request
        .propagate_tags
        .as_deref()
        .is_some_and(|from| !["TASK_DEFINITION", "NONE"].contains(&from))
    {
        return Err(ApiError::parameter(
            "propagateTags must be TASK_DEFINITION or NONE for a task.",
        ));
    }
    // Counted are characters, formatting included.
    let json = serde_json::to_string(&request.overrides).unwrap_or_default();
    if json.chars().count() > MAX_OVERRIDES {
        return Err(ApiError::parameter("Container Overrides length must be at most 8192"));
    }
    Ok(count)
}

/// Overrides must be of containers that there are.
fn check_overrides(overrides: &Overrides, definition: &Definition) -> Result<(), ApiError> {
    let is_there = |name: &str| definition.containers.iter().any(|it| it.name == name);
    match overrides.container_overrides.iter().find(|it| !is_there(&it.name)) {
        None => Ok(()),
        Some(unknown) => Err(ApiError::parameter(format!(
            "Override for container named {} is not a container in the TaskDefinition.",
            unknown.name
        ))),
    }
}

/// What is wanted of this container; of several the last one counts.
fn wanted<'a>(overrides: &'a Overrides, container: &str) -> Option<&'a ContainerOverride> {
    overrides.container_overrides.iter().rfind(|it| it.name == container)
}

/// The task's own tags, and the definition's others if they are to be propagated.
fn tags(request: &RunTask, definition: &Definition) -> Vec<Tag> {
    let mut tags = request.tags.clone();
    if request.propagate_tags.as_deref() == Some("TASK_DEFINITION") {
        let is_own = |tag: &&Tag| request.tags.iter().all(|own| own.key != tag.key);
        tags.extend(definition.tags.iter().filter(is_own).cloned());
    }
    tags
}
