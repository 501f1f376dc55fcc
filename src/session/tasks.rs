//! What runs in the tasks of a session's runs: from what was asked for to a revision of
//! a task definition that is there.
//!
//! Invariants: a run is made with a revision, never with a family, which could become
//! another one in mid-run; what cannot run is refused here, by its name and before
//! anything is started.

use std::collections::BTreeMap;

use color_eyre::eyre::WrapErr;

use super::{Image, ImageOf};
use crate::{
    cloud::{AGENT, Cloud, DEVICE, Site, WATCHDOG, types::DefinitionSeen},
    config,
    model::{
        Millis,
        registry::{STOP_MS, TaskDefinition, Workload},
    },
    usage::Usage,
};

/// Family and container of the programs that `--exec` names.
const PROGRAM: (&str, &str) = ("loadtop-exec", "program");
/// What one such program takes of an instance: CPU units and MiB. A local instance has
/// 2,048 of each.
const PROGRAM_TAKES: (i32, i32) = (64, 64);
/// The tag of a definition that says which loadtop made it.
const VERSION: &str = "loadtop:version";

/// What is to run in the tasks; neither: loadtop's agent in the definition of the place.
pub(super) struct Asked {
    /// As the command line says.
    pub(super) image: Option<Image>,
    /// As the configuration says, if the command line says nothing.
    pub(super) task: Option<config::Task>,
    /// Tags of a definition that has to be registered.
    pub(super) tags: BTreeMap<String, String>,
    /// Whether one may be registered; who only looks does without.
    pub(super) registers: bool,
}

/// A definition that is there, and what of it is whose.
struct Found {
    definition: DefinitionSeen,
    container: String,
    /// The variable with the device's id; none: the container runs the agent.
    identity: Option<String>,
}

/// Whether something else than loadtop's agent runs there.
pub(super) fn is_image(task: &config::Task) -> bool {
    identity(task).is_some()
}

fn identity(task: &config::Task) -> Option<&String> {
    match task {
        config::Task::Definition { identity, .. } => identity.as_ref(),
        config::Task::Image(image) => image.identity.as_ref(),
    }
}

/// What the tasks run, the revision that they are of, which is registered first if it
/// has to be, and what is known of it.
pub(super) async fn find(
    cloud: &Cloud,
    site: &Site,
    asked: Asked,
) -> color_eyre::Result<(Workload, TaskDefinition, DefinitionSeen)> {
    let runs_agent = asked.image.is_none() && !asked.task.as_ref().is_some_and(is_image);
    if runs_agent && cloud.names().bucket.is_empty() {
        return Err(needs_bucket().into());
    }
    let Found { definition, container, identity } = found(cloud, site, asked).await?;
    check(cloud, &definition, &container, identity.is_some())?;
    let stop_s = definition.stop_s.get(&container).copied();
    let workload = match identity {
        None => Workload::Agent,
        Some(identity) => Workload::Image {
            definition: definition.name.clone(),
            container: container.clone(),
            identity,
        },
    };
    let known = TaskDefinition {
        name: definition.name.clone(),
        container,
        watchdog: definition.watchdog.clone(),
        stop_ms: stop_s.map_or(STOP_MS, |stop_s| Millis::from(stop_s) * 1000),
    };
    Ok((workload, known, definition))
}

/// What was asked for, as it is there.
async fn found(cloud: &Cloud, site: &Site, asked: Asked) -> color_eyre::Result<Found> {
    let (name, container, identity) = match (asked.image, asked.task) {
        (Some(Image { what: ImageOf::Program(_), identity }), _) if !asked.registers => {
            let (cpu, memory) = PROGRAM_TAKES;
            let seen = unregistered(PROGRAM.0.to_owned(), PROGRAM.1);
            let definition = DefinitionSeen { cpu, memory, ..seen };
            let container = PROGRAM.1.to_owned();
            return Ok(Found { definition, container, identity: Some(identity) });
        }
        (Some(Image { what: ImageOf::Program(command), identity }), _) => {
            let name = program(cloud, site, &command).await?;
            (name, PROGRAM.1.to_owned(), Some(identity))
        }
        (Some(Image { what: ImageOf::Definition { name, container }, identity }), _) => {
            (name, container, Some(identity))
        }
        (None, Some(config::Task::Definition { name, container, identity })) => {
            (name, container, identity)
        }
        (None, Some(config::Task::Image(image))) => {
            if !asked.registers {
                return Ok(image_to_be(&image));
            }
            return image_of(cloud, &image, asked.tags).await;
        }
        (None, None) => {
            let names = cloud.names();
            (names.task_definition.clone(), names.container.clone(), None)
        }
    };
    let definition = match known(cloud, &name).await {
        // An agent follows the wish by itself: what is known of its definition only makes
        // things better, and may be forbidden to ask for.
        Err(error) if identity.is_none() && !error.is::<Usage>() => {
            tracing::warn!("{error:#}; the agent's task definition is taken as it is");
            unregistered(name, &container)
        }
        definition => definition?,
    };
    Ok(Found { definition, container, identity })
}

/// Registers a program of this machine, as far as that is not so already.
async fn program(cloud: &Cloud, site: &Site, command: &[String]) -> color_eyre::Result<String> {
    if site.costs {
        return Err(Usage(format!(
            "--exec names a program of this machine, and tasks of {} are containers: put it into \
             an image, and name that (`image` in loadtop.toml, or --task-definition)",
            site.label
        ))
        .into());
    }
    let (cpu, memory) = PROGRAM_TAKES;
    let registered = cloud.register_program(PROGRAM.0, PROGRAM.1, command, cpu, memory).await;
    registered.wrap_err("the program of --exec cannot be registered")
}

/// Registers an image of the configuration, as far as that is not so already.
async fn image_of(
    cloud: &Cloud,
    image: &config::Image,
    mut tags: BTreeMap<String, String>,
) -> color_eyre::Result<Found> {
    if image.watchdog.is_some() && cloud.names().bucket.is_empty() {
        return Err(watchdog_needs_bucket(&image.family).into());
    }
    tags.insert(VERSION.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let definition = cloud
        .ensure_definition(image, &tags)
        .await
        .wrap_err_with(|| format!("a task definition for {} cannot be registered", image.image))?;
    let container = if image.identity.is_some() { DEVICE } else { AGENT };
    Ok(Found { definition, container: container.to_owned(), identity: image.identity.clone() })
}

/// What an image would be registered as.
fn image_to_be(image: &config::Image) -> Found {
    let container = if image.identity.is_some() { DEVICE } else { AGENT };
    let size = |of: u32| i32::try_from(of).unwrap_or(i32::MAX);
    let definition = DefinitionSeen {
        cpu: size(image.cpu),
        memory: size(image.memory),
        watchdog: image.watchdog.is_some().then(|| WATCHDOG.to_owned()),
        ..unregistered(image.family.clone(), container)
    };
    Found { definition, container: container.to_owned(), identity: image.identity.clone() }
}

/// A definition of which no more is known than its name and this container.
fn unregistered(name: String, container: &str) -> DefinitionSeen {
    let containers = vec![container.to_owned()];
    DefinitionSeen { name, is_active: true, containers, ..DefinitionSeen::default() }
}

/// A definition that must be there.
async fn known(cloud: &Cloud, name: &str) -> color_eyre::Result<DefinitionSeen> {
    let found = cloud
        .describe_definition(name)
        .await
        .wrap_err_with(|| format!("what the task definition {name} is cannot be found out"))?;
    let found = found.ok_or_else(|| {
        Usage(format!(
            "there is no task definition {name} here (`aws ecs list-task-definitions` shows those \
             that are): name another, or its account and region"
        ))
    })?;
    Ok(found)
}

/// Refuses what cannot run.
fn check(
    cloud: &Cloud,
    definition: &DefinitionSeen,
    container: &str,
    is_image: bool,
) -> Result<(), Usage> {
    let name = &definition.name;
    if !definition.is_active {
        return Err(Usage(format!(
            "the task definition {name} was deregistered, and no task of it can be started: name \
             another revision"
        )));
    }
    if !definition.containers.iter().any(|it| it == container) {
        return Err(Usage(format!(
            "the container {container} is not in {name}; it has {}",
            definition.containers.join(", ")
        )));
    }
    let watched = definition.watchdog.as_ref().filter(|it| *it != container);
    if is_image && watched.is_some() && cloud.names().bucket.is_empty() {
        return Err(watchdog_needs_bucket(name));
    }
    Ok(())
}

fn needs_bucket() -> Usage {
    Usage(
        "loadtop's agent needs a bucket: what it is to do and what it finds are there. Name one \
         (--bucket, LOADTOP_BUCKET, or `bucket` in loadtop.toml), or run an image of your own, \
         which needs none (--task-definition with --container)"
            .to_owned(),
    )
}

fn watchdog_needs_bucket(definition: &str) -> Usage {
    Usage(format!(
        "{definition} has a watchdog, which reads in the run's bucket when its task is to end: \
         name a bucket, or leave the watchdog out"
    ))
}

#[cfg(test)]
mod tests;
