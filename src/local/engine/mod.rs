//! The engine: ECS, Auto Scaling and CloudWatch as AWS documents them, in memory.
//!
//! Pure: requests, [`Event`]s and `now` go in, answers and [`Effect`]s come out.
//! Invariant: nothing here knows of tokio, sockets or processes; with the same
//! seed, the same calls at the same times give the same answers and ids.
//!
//! [`Engine`] holds the cluster and its group, [`metrics::Metrics`] the metrics.
//! Who calls either must perform the effects in order and call
//! [`Engine::tick`] no later than [`Engine::next_deadline`].

pub(crate) mod api;
pub(crate) mod group;
pub(crate) mod metrics;
pub(crate) mod scheduled;

mod definitions;
mod error;
mod fargate;
mod ids;
mod instances;
mod list;
mod losses;
mod providers;
mod run;
mod tags;
mod tasks;
mod throttle;
mod validate;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

pub use self::losses::{BadLoss, Loss, Lost, Rate};
use self::{
    definitions::Definitions,
    group::Group,
    ids::Ids,
    instances::Instance,
    losses::Due,
    providers::Scaling,
    run::Remembered,
    scheduled::Scheduled,
    tasks::Task,
    throttle::{Quota, Throttle},
};
pub(crate) use self::{
    error::ApiError,
    fargate::ZONE,
    ids::{ACCOUNT, REGION},
    instances::INSTANCE_TYPE,
};
use crate::model::Millis;

/// What a start of the cloud is told.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Name of the cluster and of the group.
    pub(crate) name: String,
    /// Family of the task definition that is there from the start.
    pub(crate) family: String,
    /// Its container.
    pub(crate) container: String,
    /// How long a new machine takes until it takes tasks.
    pub(crate) boot: Millis,
    /// Machines at the start; these are up already.
    pub(crate) instances: u32,
    /// The group's maximum.
    pub(crate) max_instances: u32,
    /// Tasks of `family` that fit on a machine.
    pub(crate) tasks_per_instance: u32,
    /// How long a task that was just started is missing from lists and descriptions:
    /// ECS is eventually consistent.
    pub(crate) lag: Millis,
    /// How late a scheduled action is performed.
    pub(crate) scheduled_delay: Millis,
    /// What is lost again and again.
    pub(crate) losses: Vec<Loss>,
    /// How long a task on Fargate takes until its process is started.
    pub(crate) fargate_start: Millis,
    /// vCPUs of tasks on Fargate, and as many more of those on Fargate Spot.
    pub(crate) fargate_vcpus: u32,
    /// Whether a capacity provider decides how many machines there are.
    pub(crate) managed_scaling: bool,
    /// Where ids come from.
    pub(crate) seed: Uuid,
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Start a task's process.
    Start {
        /// The task's id.
        task: String,
        /// Program and arguments.
        command: Vec<String>,
        /// Its environment.
        environment: BTreeMap<String, String>,
    },
    /// Ask a task's process to end (SIGTERM).
    Terminate {
        /// The task's id.
        task: String,
    },
    /// End a task's process (SIGKILL).
    Kill {
        /// The task's id.
        task: String,
    },
}

/// What the shell saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A process runs.
    Started {
        /// The task's id.
        task: String,
    },
    /// A process could not be started.
    NotStarted {
        /// The task's id.
        task: String,
        /// Why.
        reason: String,
    },
    /// A process ended.
    Exited {
        /// The task's id.
        task: String,
        /// How.
        exit: Exit,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What a timer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Instance(u64),
    Task(u64),
    Losses,
    Scaling,
    Scheduled,
}

/// A cluster and the group that gives it machines.
#[derive(Debug)]
pub(crate) struct Engine {
    setup: Setup,
    ids: Ids,
    throttle: Throttle,
    definitions: Definitions,
    group: Group,
    scheduled: Scheduled,
    instances: BTreeMap<u64, Instance>,
    /// Id of a container instance, and of its machine, to its place in `instances`.
    instance_numbers: HashMap<String, u64>,
    tasks: BTreeMap<u64, Task>,
    /// Task id to its place in `tasks`.
    task_numbers: HashMap<String, u64>,
    /// The stopped ones among `tasks`, the first that stopped first.
    stopped: BTreeSet<(Millis, u64)>,
    tokens: HashMap<String, Remembered>,
    timers: BTreeSet<(Millis, Timer)>,
    losses: Vec<Due>,
    fargate: fargate::Usage,
    scaling: Scaling,
    effects: Vec<Effect>,
    /// Instances and tasks are numbered as they come, so that lists have an order.
    next_number: u64,
}

impl Engine {
    pub(crate) fn new(setup: Setup, now: Millis) -> Self {
        let mut engine = Engine {
            ids: Ids::new(setup.seed),
            throttle: Throttle::default(),
            definitions: Definitions::with_agent(&setup, now),
            group: Group::new(&setup, now),
            scheduled: Scheduled::default(),
            instances: BTreeMap::new(),
            instance_numbers: HashMap::new(),
            tasks: BTreeMap::new(),
            task_numbers: HashMap::new(),
            stopped: BTreeSet::new(),
            tokens: HashMap::new(),
            timers: BTreeSet::new(),
            losses: setup.losses.iter().copied().map(Due::new).collect(),
            fargate: fargate::Usage::default(),
            scaling: Scaling::default(),
            effects: Vec::new(),
            next_number: 0,
            setup,
        };
        for _ in 0..engine.group.desired {
            engine.launch(now);
        }
        engine.schedule_losses(now);
        engine.schedule_scaling(now);
        engine.tick(now);
        engine
    }

    /// When [`Engine::tick`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// Lets everything happen that is due.
    pub(crate) fn tick(&mut self, now: Millis) {
        while let Some(&(at, timer)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            match timer {
                Timer::Instance(number) => self.advance_instance(number, now),
                Timer::Task(number) => self.advance_task(number, now),
                Timer::Losses => self.advance_losses(now),
                Timer::Scaling => self.advance_scaling(now),
                Timer::Scheduled => self.advance_scheduled(now),
            }
        }
    }

    /// What is to be done since the last time, in order.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Takes in what happened to a process.
    pub(crate) fn handle(&mut self, event: Event, now: Millis) {
        match event {
            Event::Started { task } => self.task_started(&task, now),
            Event::NotStarted { task, reason } => self.task_not_started(&task, &reason, now),
            Event::Exited { task, exit } => self.task_exited(&task, exit, now),
        }
    }

    /// Counts a call against its bucket.
    fn admit(&mut self, quota: Quota, now: Millis) -> Result<(), ApiError> {
        self.throttle.take(quota, now)
    }

    /// Counts a call about a cluster; there is only one.
    fn admit_to(
        &mut self,
        cluster: Option<&str>,
        quota: Quota,
        now: Millis,
    ) -> Result<(), ApiError> {
        self.admit(quota, now)?;
        if self.is_cluster(cluster.unwrap_or("default")) {
            Ok(())
        } else {
            Err(ApiError::cluster_not_found())
        }
    }

    fn is_cluster(&self, name_or_arn: &str) -> bool {
        name_or_arn == self.setup.name || name_or_arn == self.cluster_arn()
    }

    fn cluster_arn(&self) -> String {
        ids::ecs_arn(&format!("cluster/{}", self.setup.name))
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
