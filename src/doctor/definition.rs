//! The task definition, and the container in it that is told its devices.

use super::{Finding, Subject, facts::Facts, network::AWSVPC};
use crate::{
    cloud::{ContainerFacts, DefinitionFacts},
    config::Task,
};

const DEFINITION: &str = "definition";
/// What ends programs that know nothing of the run.
const WATCHDOG: &str = "watchdog";
const AGENT: &str = "agent";
/// An agent drains for two seconds and then writes its last results.
const STOP_TIMEOUT_LEAST_S: u32 = 10;

pub(super) fn judge(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let definition = match &facts.definition {
        Ok(definition) => definition,
        Err(error) => {
            return vec![Finding::broken(
                DEFINITION,
                error,
                "`aws ecs list-task-definitions` lists those of this region; with an `image` in \
                 loadtop.toml loadtop registers its own",
            )];
        }
    };
    let container = &subject.cloud.names().container;
    let mut findings = vec![fits(subject, definition)];
    match definition.containers.iter().find(|it| it.name == *container) {
        None => {
            let there: Vec<&str> =
                definition.containers.iter().map(|it| it.name.as_str()).collect();
            findings.push(Finding::fail(
                DEFINITION,
                format!(
                    "{} has no container {container}, but {}",
                    definition.name,
                    there.join(", ")
                ),
                "name one of them: --container, `container` in loadtop.toml",
            ));
        }
        Some(container) => findings.extend(of_container(subject, definition, container)),
    }
    findings.extend(credentials(subject, definition));
    findings
}

/// Whether it is there, and can run on the capacity.
fn fits(subject: &Subject, definition: &DefinitionFacts) -> Finding {
    let name = &definition.name;
    let takes = format!("{} CPU units and {} MiB", definition.cpu, definition.memory);
    if definition.status != "ACTIVE" {
        return Finding::fail(
            DEFINITION,
            format!("{name} is {}", definition.status),
            "register a new revision: `aws ecs register-task-definition …`",
        );
    }
    let fargate = !subject.capacity().has_instances();
    let wanted = if fargate { "FARGATE" } else { "EC2" };
    let runs_on = &definition.compatibilities;
    if !runs_on.iter().any(|it| it == wanted) {
        let others = if runs_on.is_empty() { "nothing".to_owned() } else { runs_on.join(", ") };
        let todo = if fargate {
            "register a revision with network mode awsvpc, CPU and memory of the task, and \
             requiresCompatibilities FARGATE"
        } else {
            "register a revision with requiresCompatibilities EC2"
        };
        return Finding::fail(
            DEFINITION,
            format!("{name} runs on {others}, not on {wanted}"),
            todo,
        );
    }
    if fargate && definition.network_mode != AWSVPC {
        let seen = format!(
            "{name} has network mode {}: Fargate knows only awsvpc",
            definition.network_mode
        );
        return Finding::fail(DEFINITION, seen, "register a revision with network mode awsvpc");
    }
    match &subject.task {
        Task::Definition { .. } => Finding::pass(
            DEFINITION,
            format!("{name} is ACTIVE and runs on {wanted}; a task takes {takes}"),
        ),
        Task::Image(image) => Finding::pass(
            DEFINITION,
            format!("the first run registers {name} with {}; a task takes {takes}", image.image),
        ),
    }
}

fn of_container(
    subject: &Subject,
    definition: &DefinitionFacts,
    container: &ContainerFacts,
) -> Vec<Finding> {
    let says = |container: &ContainerFacts, word: &str| container.runs.iter().any(|it| it == word);
    let name = &container.name;
    let mut findings = Vec::new();
    if subject.runs_agent() {
        findings.push(if says(container, AGENT) {
            Finding::pass(DEFINITION, format!("{name} runs loadtop's agent"))
        } else if container.runs.is_empty() {
            Finding::unknown(
                DEFINITION,
                format!("{name} runs what its image says: whether that is loadtop's agent cannot be seen"),
                "give it the command [\"loadtop\", \"agent\"], or say which variable tells an image of \
                 your own its device: `identity` in loadtop.toml",
            )
        } else {
            Finding::fail(
                DEFINITION,
                format!("{name} does not run loadtop's agent, but {}", container.runs.join(" ")),
                "give it the command [\"loadtop\", \"agent\"], or say which variable tells it its \
                 device: `identity` in loadtop.toml",
            )
        });
    } else {
        let watchdogs = |it: &&ContainerFacts| says(it, WATCHDOG);
        findings.push(match definition.containers.iter().find(watchdogs) {
            Some(watchdog) if watchdog.essential || watchdog.name == *name => {
                Finding::pass(DEFINITION, format!("{} ends the task with its run", watchdog.name))
            }
            Some(watchdog) => Finding::warn(
                DEFINITION,
                format!("{} is not essential: the task goes on without it", watchdog.name),
                "set essential to true",
            ),
            None => Finding::warn(
                DEFINITION,
                "no container is loadtop's watchdog: nothing ends such tasks when every \
                 controller is gone",
                "add an essential container with the command [\"loadtop\", \"watchdog\"]: the README \
                 shows one",
            ),
        });
    }
    if !container.logs && subject.is_amazons() {
        findings.push(Finding::warn(
            DEFINITION,
            format!("{name} has no log driver: what it says is lost"),
            "add logConfiguration with awslogs and a log group",
        ));
    }
    if let Some(timeout) = container.stop_timeout_s.filter(|it| *it < STOP_TIMEOUT_LEAST_S) {
        findings.push(Finding::warn(
            DEFINITION,
            format!(
                "{name} is killed {timeout} s after it is told to end: last results may be lost"
            ),
            format!("set stopTimeout to {STOP_TIMEOUT_LEAST_S} or more"),
        ));
    }
    findings
}

/// Whether an agent finds credentials.
fn credentials(subject: &Subject, definition: &DefinitionFacts) -> Option<Finding> {
    if !subject.runs_agent() || definition.task_role.is_some() || !subject.is_amazons() {
        return None;
    }
    let todo = "set taskRoleArn to a role with what `loadtop doctor --policy task` prints";
    let name = &definition.name;
    Some(if subject.capacity().has_instances() {
        let seen =
            format!("{name} has no task role: agents have no more than the instance's own role");
        Finding::warn(DEFINITION, seen, todo)
    } else {
        let seen = format!("{name} has no task role: on Fargate agents have no credentials then");
        Finding::fail(DEFINITION, seen, todo)
    })
}
