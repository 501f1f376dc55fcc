//! `loadtop doctor`: what a run would stumble over, before it costs anything.
//!
//! First everything is looked at, all at once and each with a deadline ([`facts`]); then
//! it is judged, by functions that ask nobody. Invariants: it changes nothing but one
//! small object of the bucket, and not even that if told so; a look that fails hides no
//! other; every finding says what was seen, and every one that is not good what to do.
//!
//! | module | what it judges |
//! |---|---|
//! | [`access`] | who calls, by which clock |
//! | [`places`] | cluster, group, bucket |
//! | [`network`] | subnets and security groups |
//! | [`definition`] | the task definition and the container in it |
//! | [`permissions`] | what operator and tasks may do |
//! | [`ceilings`] | quotas and limits against the load |
//! | [`machine`] | this machine, where devices run on it |

mod access;
mod ceilings;
mod command;
mod definition;
mod facts;
mod finding;
mod machine;
mod network;
mod permissions;
mod places;
pub mod policy;
mod table;

#[cfg(test)]
mod tests;

pub use command::run;
pub use finding::{Finding, Report, Verdict};

use crate::{
    cloud::Cloud,
    config::{Config, Task},
    model::capacity::Capacity,
};

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where runs are made.
    pub cloud: Cloud,
    /// What runs in the tasks.
    pub task: Task,
    /// Whether the group is loadtop's own, so that its switch must work.
    pub owns_group: bool,
    /// How much is to run.
    pub load: Load,
    /// Whether the bucket may be written to.
    pub writes: bool,
}

/// How much is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Devices.
    pub devices: u32,
    /// How many a task has room for.
    pub per_task: u32,
}

impl Load {
    /// Tasks that this takes.
    #[must_use]
    pub fn tasks(self) -> u32 {
        self.devices.div_ceil(self.per_task)
    }
}

impl Subject {
    /// Runs of the definition that the cloud's names name, with loadtop's agent in it.
    #[must_use]
    pub fn new(cloud: Cloud, load: Load, writes: bool) -> Self {
        let names = cloud.names();
        let task = Task::Definition {
            name: names.task_definition.clone(),
            container: names.container.clone(),
            identity: None,
        };
        Subject { cloud, task, owns_group: false, load, writes }
    }

    /// The same with what the configuration says of tasks and group. A task of an image of
    /// the user's own is one device.
    #[must_use]
    pub fn configured(mut self, config: &Config) -> Self {
        self.task = config.task.clone();
        self.owns_group = config.owns_group;
        if !self.runs_agent() {
            self.load.per_task = 1;
        }
        self
    }

    /// What tasks run on.
    fn capacity(&self) -> &Capacity {
        &self.cloud.names().capacity
    }

    /// The bucket of the runs, if they have one.
    fn bucket(&self) -> Option<&str> {
        Some(self.cloud.names().bucket.as_str()).filter(|bucket| !bucket.is_empty())
    }

    /// Whether loadtop's own agent runs in the tasks.
    fn runs_agent(&self) -> bool {
        match &self.task {
            Task::Definition { identity, .. } => identity.is_none(),
            Task::Image(image) => image.identity.is_none(),
        }
    }

    /// What it is like at Amazon's own: elsewhere tasks get credentials as they do there.
    fn is_amazons(&self) -> bool {
        self.cloud.endpoint_url().is_none()
    }
}

/// Looks at everything, and judges it.
pub async fn examine(subject: &Subject) -> Report {
    let facts = facts::gather(subject).await;
    let permissions = permissions::judge(subject, &facts).await;
    let mut findings = access::judge(subject, &facts);
    findings.extend(places::judge(subject, &facts));
    findings.extend(network::judge(subject, &facts));
    findings.extend(definition::judge(subject, &facts));
    findings.extend(permissions);
    findings.extend(ceilings::judge(subject, &facts));
    if machine::runs_devices(&subject.cloud) {
        findings.extend(machine::judge(subject.load));
    }
    Report::of(findings)
}
