//! Quotas and limits against the load: what would be hit, by its name.

use super::{
    Finding, Subject,
    facts::{Facts, quota},
    finding::{counted, grouped},
    network::AWSVPC,
};
use crate::{
    cloud::{ContainerFacts, DefinitionFacts, GroupFacts, types::InstanceSeen},
    model::capacity::Capacity,
};

const ROOM: &str = "room";
const VCPUS: &str = "vCPU quota";
const LAUNCH: &str = "launch rate";
const PORTS: &str = "ports";
const FILES: &str = "open files";
const OVERRIDES: &str = "overrides";
/// CPU units of a vCPU.
const UNITS: f64 = 1024.0;
/// RunTask calls at once, and a second after that: on instances and on Fargate.
const BURST: f64 = 100.0;
const RATE: f64 = 40.0;
const RATE_FARGATE: f64 = 20.0;
/// From when on waiting for launches is worth a word, in seconds.
const LAUNCH_LONG_S: f64 = 600.0;
/// Ports of one address to one target, unless the definition says otherwise.
const USUAL_PORTS: u32 = 28_000;
/// Open files of a container on Fargate, unless the definition says otherwise.
const FARGATE_FILES: u64 = 65_535;
/// Open files that an agent needs beside its devices' sockets.
const SPARE_FILES: u64 = 64;
/// Characters that the overrides of a call may have.
const OVERRIDES_MOST: usize = 8192;
/// What the variables of a task say beside the names that are known here: ids, numbers.
const TOLD: usize = 800;
/// What the standard families of instances begin with.
const STANDARD: [char; 9] = ['a', 'c', 'd', 'h', 'i', 'm', 'r', 't', 'z'];

pub(super) fn judge(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![launches(subject)];
    if let Ok(definition) = &facts.definition {
        match (&facts.group, &facts.instances) {
            (Some(Ok(group)), Some(Ok(instances))) => {
                findings.push(room(subject, definition, group, instances));
                findings.push(instance_vcpus(facts, group, instances));
            }
            (None, _) => findings.push(fargate_vcpus(subject, facts, definition)),
            // What is not known of them was said before.
            _ => {}
        }
        let container = &subject.cloud.names().container;
        if let Some(container) = definition.containers.iter().find(|it| it.name == *container) {
            findings.push(ports(subject, facts, definition, container));
            findings.extend(files(subject, container));
        }
    }
    findings.push(overrides(subject));
    findings
}

/// How long starting takes.
fn launches(subject: &Subject) -> Finding {
    let tasks = subject.load.tasks();
    let fargate = !subject.capacity().has_instances();
    let rate = if fargate { RATE_FARGATE } else { RATE };
    let seconds = (f64::from(tasks) - BURST).max(0.0) / rate;
    let calls = counted(tasks, "RunTask call");
    if seconds > LAUNCH_LONG_S {
        let minutes = (seconds / 60.0).ceil();
        return Finding::warn(
            LAUNCH,
            format!(
                "{calls} take {minutes} minutes: AWS lets {BURST} through at once, then {rate} a second"
            ),
            "more devices per task (--devices-per-task), as far as a task's CPU carries them",
        );
    }
    let time =
        if seconds > 0.0 { format!("about {} s", seconds.ceil()) } else { "one burst".to_owned() };
    Finding::pass(LAUNCH, format!("{calls}: {time}"))
}

/// Whether the tasks fit on the group's instances.
fn room(
    subject: &Subject,
    definition: &DefinitionFacts,
    group: &GroupFacts,
    instances: &[InstanceSeen],
) -> Finding {
    let tasks = subject.load.tasks();
    let active = instances.iter().filter(|it| it.status == "ACTIVE" && it.connected);
    let fits: Vec<u32> = active.map(|it| fit(definition, it)).collect();
    let now: u64 = fits.iter().map(|fit| u64::from(*fit)).sum();
    let Some(best) = fits.iter().copied().max() else {
        return Finding::unknown(
            ROOM,
            format!(
                "no instance is there to tell how many of {} fit on one",
                counted(tasks, "task")
            ),
            "`loadtop scale 1 --wait`, then ask again",
        );
    };
    let most = u64::from(best) * u64::from(group.max);
    let name = subject.cloud.names().group();
    let wanted = counted(tasks, "task");
    if u64::from(tasks) > most.max(now) {
        let needed = tasks.div_ceil(best.max(1));
        return Finding::fail(
            ROOM,
            format!(
                "{wanted} do not fit: an instance takes {}, and {name} may have at most {}",
                grouped(best.into()),
                counted(group.max, "instance")
            ),
            format!(
                "`aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} \
                 --max-size {needed}`, larger instances, or more devices per task"
            ),
        );
    }
    if u64::from(tasks) > now {
        let missing = (u64::from(tasks) - now).div_ceil(u64::from(best.max(1)));
        let wanted_instances = u64::from(group.desired) + missing;
        return Finding::warn(
            ROOM,
            format!(
                "{wanted} need {} more: there is room for {} now",
                counted(missing, "instance"),
                grouped(now)
            ),
            format!("`loadtop scale {wanted_instances} --wait` first, or tasks wait for room"),
        );
    }
    Finding::pass(
        ROOM,
        format!("there is room for {} now; {wanted} are needed", counted(now, "task")),
    )
}

/// How many tasks fit on an instance beside what is there.
fn fit(definition: &DefinitionFacts, instance: &InstanceSeen) -> u32 {
    let by = |left: i32, takes: u32| match takes {
        0 => u32::MAX,
        takes => u32::try_from(left).unwrap_or(0) / takes,
    };
    by(instance.cpu_left, definition.cpu).min(by(instance.memory_left, definition.memory))
}

/// Whether the group can become as large as it may.
fn instance_vcpus(facts: &Facts, group: &GroupFacts, instances: &[InstanceSeen]) -> Finding {
    let quota = quota(&Capacity::group(""));
    let (service, code) = quota.code();
    let most = match &facts.vcpus {
        Ok(most) => *most,
        Err(error) => return no_quota(error),
    };
    // Amazon's have a number in the name of their family; others are of no quota of its.
    let is_amazons = |kind: &str| {
        let family = kind.split('.').next().unwrap_or_default();
        family.contains(|c: char| c.is_ascii_digit())
    };
    let foreign = group.types.iter().find(|kind| is_amazons(kind) && !kind.starts_with(STANDARD));
    let largest = instances.iter().map(|it| it.cpu_left).max().unwrap_or(0);
    // What is free of an instance is at most what it has.
    let each = (f64::from(largest) / UNITS).ceil();
    let wanted = each * f64::from(group.max);
    if let Some(kind) = foreign {
        return Finding::unknown(
            VCPUS,
            format!("instances of type {kind} have a quota of their own, which is not looked at"),
            "see EC2 in the console of Service Quotas",
        );
    }
    if each == 0.0 {
        let seen = format!("{most} vCPUs for instances; how many one has cannot be seen");
        return Finding::unknown(VCPUS, seen, "`loadtop scale 1 --wait`, then ask again");
    }
    let seen = format!(
        "the group's {} take {wanted} vCPUs; {} ({code}) is {most}",
        counted(group.max, "instance"),
        quota.name()
    );
    if wanted > most {
        Finding::warn(VCPUS, seen, raise(service, code, wanted))
    } else {
        Finding::pass(VCPUS, seen)
    }
}

fn fargate_vcpus(subject: &Subject, facts: &Facts, definition: &DefinitionFacts) -> Finding {
    let quota = quota(subject.capacity());
    let (service, code) = quota.code();
    let most = match &facts.vcpus {
        Ok(most) => *most,
        Err(error) => return no_quota(error),
    };
    let tasks = subject.load.tasks();
    let wanted = f64::from(tasks) * f64::from(definition.cpu) / UNITS;
    let seen = format!(
        "{} take {wanted} vCPUs; {} ({code}) is {most}, for all that run in the region",
        counted(tasks, "task"),
        quota.name()
    );
    if wanted > most {
        Finding::fail(VCPUS, seen, raise(service, code, wanted))
    } else {
        Finding::pass(VCPUS, seen)
    }
}

fn no_quota(error: &crate::cloud::CloudError) -> Finding {
    let code = "see Fargate and EC2 in the console of Service Quotas";
    let finding = Finding::broken(VCPUS, error, code);
    // That there is no such quota is not the run's failure.
    Finding { verdict: super::Verdict::Unknown, ..finding }
}

fn raise(service: &str, code: &str, to: f64) -> String {
    format!(
        "`aws service-quotas request-service-quota-increase --service-code {service} --quota-code \
         {code} --desired-value {}`, or more devices per task",
        to.ceil()
    )
}

/// Ports of one source address to one target.
fn ports(
    subject: &Subject,
    facts: &Facts,
    definition: &DefinitionFacts,
    container: &ContainerFacts,
) -> Finding {
    let most = container.ports.unwrap_or(USUAL_PORTS);
    let load = subject.load;
    let (devices, of) = if definition.network_mode == AWSVPC {
        (load.per_task.min(load.devices), "a task's")
    } else {
        // Tasks on an instance share its address: at the worst, as many as fit on it.
        let seen = facts.instances.as_ref().and_then(|seen| seen.as_ref().ok());
        let fit = seen.and_then(|them| them.iter().map(|it| fit(definition, it)).max());
        let devices = fit.map_or(load.devices, |fit| load.per_task.saturating_mul(fit));
        (devices.min(load.devices), "an instance's")
    };
    let seen = format!(
        "{} to one target from {of} address, which has {}",
        counted(devices, "connection"),
        counted(most, "port")
    );
    if devices > most {
        let todo = if definition.network_mode == AWSVPC {
            format!(
                "--devices-per-task {most}, several targets, or net.ipv4.ip_local_port_range in \
                     the definition's systemControls"
            )
        } else {
            "smaller instances, or a task that takes more of one; network mode awsvpc; or several targets"
                .to_owned()
        };
        Finding::fail(PORTS, seen, todo)
    } else {
        Finding::pass(PORTS, seen)
    }
}

/// Open files of an agent: a socket each. None where nothing is known of them.
fn files(subject: &Subject, container: &ContainerFacts) -> Option<Finding> {
    let fargate = !subject.capacity().has_instances();
    let most = container.files.or(fargate.then_some(FARGATE_FILES))?;
    let wanted = u64::from(subject.load.per_task.min(subject.load.devices)) + SPARE_FILES;
    let seen =
        format!("a task needs {} open files and may have {}", grouped(wanted), grouped(most));
    Some(if wanted > most {
        let todo = format!(
            "--devices-per-task {}, or a larger nofile in the container's ulimits",
            most.saturating_sub(SPARE_FILES)
        );
        Finding::fail(FILES, seen, todo)
    } else {
        Finding::pass(FILES, seen)
    })
}

/// How long the overrides of a call are.
fn overrides(subject: &Subject) -> Finding {
    let names = subject.cloud.names();
    let identity = match &subject.task {
        crate::config::Task::Definition { identity, .. } => identity.as_deref(),
        crate::config::Task::Image(image) => image.identity.as_deref(),
    };
    let long = TOLD + names.container.len() + names.bucket.len() + identity.map_or(4, str::len);
    let seen =
        format!("about {} characters of {}", grouped(long as u64), grouped(OVERRIDES_MOST as u64));
    if long > OVERRIDES_MOST {
        Finding::fail(OVERRIDES, seen, "a shorter container name or identity variable")
    } else {
        Finding::pass(OVERRIDES, seen)
    }
}
