//! Whole controllers against a whole cloud in one process, on a clock that passes as
//! fast as the machine computes: for tests on a paused `current_thread` runtime
//! (`#[tokio::test(start_paused = true)]`).
//!
//! Invariant: nothing here listens, starts a process or waits for real time; the
//! controllers speak the same wire protocols as ever, each over a [`Link`] of its own.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Devices, Ledger, LocalCloud, Options, Runner, Store, clock::wall, link::Link};
use crate::{
    cloud::{Cloud, Names, Site},
    controller::{self, Command, Controller, Handle, Join, Snapshot},
    model::{
        capacity::{Capacity, Network},
        confirmed::Confirmed,
        registry::{Policy, Workload},
        wish::Spread,
    },
    plan::Plan,
};

/// How often is looked whether something holds that no snapshot says.
const LOOK: Duration = Duration::from_millis(100);

/// A cloud with modelled tasks, and a folder for whoever uses it.
pub(crate) struct World {
    /// The cloud.
    pub(crate) local: LocalCloud,
    /// What controllers are told of it. Most of what a simulated minute costs is what
    /// they look at: with a longer `refresh` hours are cheap.
    pub(crate) site: Site,
    folder: TempDir,
}

/// A controller of a world, and its own way to the cloud.
pub(crate) struct Seat {
    /// How to speak with it.
    pub(crate) handle: Handle,
    /// Its way to the cloud.
    pub(crate) link: Link,
    /// Its client, with the counts of its calls.
    pub(crate) cloud: Cloud,
    controller: Controller,
}

/// Plays this on a clock of its own, which shows whatever the timers want.
pub(crate) fn paused<F: Future>(play: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(play)
}

impl World {
    /// A cloud as `loadtop local` makes it, but for what `change` changes. Of two
    /// worlds with the same seed, all that is random in the cloud is the same.
    pub(crate) fn new(seed: u64, change: impl FnOnce(&mut Options)) -> World {
        let folder = TempDir::new().expect("a folder");
        let mut options = Options {
            buckets: Store::Memory,
            runner: Runner::Modelled,
            seed: Uuid::from_u128(u128::from(seed)),
            outlives_us: true,
            ..Options::new(folder.path(), "loadtop".into())
        };
        change(&mut options);
        // Where in its second a clock starts decides what is learned from dates.
        let now = wall() / 1000 * 1000 + seed % 1000;
        let local = LocalCloud::in_process(&options, now).expect("a cloud");
        World { site: local.site(), local, folder }
    }

    /// A client over a way of its own.
    pub(crate) fn client(&self) -> (Cloud, Link) {
        let link = self.local.link();
        let cloud =
            Cloud::with_http_client(&self.local.endpoint(), self.local.names(), link.clone());
        (cloud, link)
    }

    /// A controller with a folder of this name; 250 devices a task.
    pub(crate) fn controller(&self, name: &str) -> Seat {
        self.controller_with(name, |_| {})
    }

    /// The same with other options.
    pub(crate) fn controller_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut controller::Options),
    ) -> Seat {
        let mut options = self.options(name);
        change(&mut options);
        self.seat(self.local.names(), options)
    }

    /// The same on Fargate, with a task definition that is made for it: a quarter of a
    /// vCPU and half a GB a task.
    pub(crate) fn controller_on_fargate(
        &self,
        name: &str,
        spot: bool,
        change: impl FnOnce(&mut controller::Options),
    ) -> Seat {
        let container = json!({"name": "agent", "image": "none", "command": ["loadtop", "agent"]});
        let definition = json!({
            "family": "on-fargate", "containerDefinitions": [container], "cpu": "256",
            "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        });
        let definition = serde_json::from_value(definition).expect("as AWS has it");
        let made = self.local.shell.engine(|it, now| it.register_task_definition(definition, now));
        made.expect("registered");
        let names = Names {
            capacity: Capacity::Fargate { spot },
            network: Network { subnets: vec!["subnet-1".into()], ..Network::default() },
            task_definition: "on-fargate".into(),
            ..self.local.names()
        };
        let mut options = self.options(name);
        change(&mut options);
        self.seat(names, options)
    }

    fn options(&self, name: &str) -> controller::Options {
        let target = "tcp://127.0.0.1:9".parse().expect("a target");
        controller::Options {
            plan: Some(Plan::simple(target)),
            devices_per_task: 250,
            workload: Workload::Agent,
            definition: None,
            takes: None,
            policy: Policy::default(),
            tags: BTreeMap::new(),
            limit: None,
            prices: None,
            runs: self.folder.path().join(name),
            join: Join::Own,
            leads: true,
            details: false,
        }
    }

    fn seat(&self, names: Names, options: controller::Options) -> Seat {
        let link = self.local.link();
        let cloud = Cloud::with_http_client(&self.local.endpoint(), names, link.clone());
        let (controller, handle) = Controller::start(cloud.clone(), self.site.clone(), options);
        Seat { handle, link, cloud, controller }
    }

    /// Lets time pass.
    pub(crate) async fn run_for(&self, time: Duration) {
        sleep(time).await;
    }

    /// Lets time pass until something holds in this world; at the deadline the test
    /// fails with `what`.
    pub(crate) async fn until(
        &self,
        what: &str,
        deadline: Duration,
        mut holds: impl FnMut(&Ledger) -> bool,
    ) {
        let looking = async {
            while !holds(&self.ledger()) {
                sleep(LOOK).await;
            }
        };
        let seen = timeout(deadline, looking).await;
        assert!(seen.is_ok(), "not within {deadline:?}: {what}; {:?}", self.ledger());
    }

    /// What is known of tasks and devices, from where nobody can be deceived.
    pub(crate) fn ledger(&self) -> Ledger {
        self.local.ledger()
    }

    /// The devices of a run, by index.
    pub(crate) fn devices(&self, run: &str) -> Devices {
        self.local.devices(run)
    }

    /// Tasks whose program runs, or is on its way up or down.
    pub(crate) fn running_tasks(&self) -> u32 {
        self.ledger().tasks
    }

    /// Whether agents can read the bucket; they can unless told otherwise.
    pub(crate) fn agents_hear(&self, hear: bool) {
        let population = self.local.shell.tasks().population();
        population.expect("the tasks are modelled").set_deaf(!hear);
    }
}

impl Seat {
    /// Gives an order.
    pub(crate) async fn order(&self, command: Command) {
        self.handle.commands.send(command).await.expect("the controller is there");
    }

    /// Adds devices, their starts spread evenly over a window.
    pub(crate) async fn add(&self, devices: u32, over: Duration) {
        let (spread, seed) = (Spread::Uniform, Some(7));
        self.order(Command::Add { devices, over, spread, seed }).await;
    }

    /// Ends the run, as somebody who has agreed to that.
    pub(crate) async fn end_run(&self, scale_to_zero: bool) {
        self.order(Command::End { scale_to_zero, confirmed: Confirmed::ByPlan }).await;
    }

    /// Lets time pass until a snapshot is as wanted; at the deadline the test fails
    /// with `what`.
    pub(crate) async fn until(
        &self,
        what: &str,
        deadline: Duration,
        mut wanted: impl FnMut(&Snapshot) -> bool,
    ) {
        let mut snapshots = self.handle.snapshots.clone();
        let seen = timeout(deadline, snapshots.wait_for(|snapshot| wanted(snapshot))).await;
        let is_seen = matches!(seen, Ok(Ok(_)));
        let last = &self.handle.snapshots;
        assert!(is_seen, "not within {deadline:?}: {what}; {:#?}", last.borrow());
    }

    /// Ends the controller as a closed terminal does: its calls are abandoned.
    pub(crate) async fn leave(self) {
        self.controller.stop().await;
    }
}
