//! A controller for the length of one verb.
//!
//! Invariant: it is stopped before the verb ends, and what it led is released.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use color_eyre::eyre::{WrapErr, eyre};
use tokio::time::{Instant, timeout_at};

use crate::{
    controller::{
        Command, Controller, Handle, Join, Options, Snapshot,
        snapshot::{Phase, RunView},
    },
    model::{
        prices::Prices,
        registry::{Policy, Workload},
    },
    place::Standing,
    record, session,
    tell::Teller,
};

/// How long looking for runs that are on may take.
const FINDING: Duration = Duration::from_secs(30);
/// How long an order may take to be in the wish, or to be carried out.
const ORDER: Duration = Duration::from_secs(30);

/// A controller and what it was told.
#[derive(Debug)]
pub(super) struct Steering {
    handle: Handle,
    controller: Controller,
    teller: Teller,
    orders: u64,
    leads: bool,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// What was waited for.
    Came,
    /// The deadline.
    TooLate,
}

impl Steering {
    /// Joins a run; leads it, too, if told so and nobody else does.
    pub(super) async fn start(
        standing: &Standing,
        join: Join,
        leads: bool,
        teller: Teller,
    ) -> color_eyre::Result<Self> {
        let runs = record::state_dir().join("runs");
        make(&runs)?;
        let (cloud, site) = (standing.connect().await?, standing.site());
        let options = Options {
            // It begins no run.
            plan: None,
            devices_per_task: 1,
            workload: Workload::Agent,
            definition: None,
            takes: None,
            policy: Policy::default(),
            tags: BTreeMap::new(),
            limit: None,
            prices: Prices::at(site.costs, cloud.region(), &standing.config().prices),
            runs,
            join,
            leads,
            details: false,
        };
        let (controller, handle) = Controller::start(cloud, site, options);
        Ok(Steering { handle, controller, teller, orders: 0, leads })
    }

    /// What is known now.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.handle.snapshots.borrow())
    }

    /// The run that was joined, if there is one that has not ended.
    pub(super) async fn find(&mut self) -> color_eyre::Result<Option<RunView>> {
        match self.wait(Instant::now() + FINDING, |it| !it.finding).await? {
            Waited::Came => {}
            Waited::TooLate => {
                return Err(eyre!(
                    "what runs at {} was not found out within {} s: see above",
                    self.snapshot().site.label,
                    FINDING.as_secs()
                ));
            }
        }
        Ok(self.snapshot().run.clone().filter(|run| run.phase != Phase::Ended))
    }

    /// Gives an order, and waits until it is in the wish or carried out. The inner error
    /// is why it was not.
    pub(super) async fn order(
        &mut self,
        command: Command,
    ) -> color_eyre::Result<Result<(), String>> {
        self.orders += 1;
        let number = self.orders;
        self.handle
            .commands
            .send(command)
            .await
            .map_err(|_| eyre!("the controller is gone; see the log"))?;
        let is_known = |it: &Snapshot| it.orders.outcome(number).is_some();
        let waited = self.wait(Instant::now() + ORDER, is_known).await?;
        let snapshot = self.snapshot();
        Ok(match (waited, snapshot.orders.outcome(number)) {
            (_, Some(outcome)) => outcome.map_err(str::to_owned),
            (_, None) => Err(format!(
                "whether it is in the wish is not known after {} s: look with loadtop status",
                ORDER.as_secs()
            )),
        })
    }

    /// Waits until the snapshot is as wished; tells notices and progress meanwhile.
    pub(super) async fn wait(
        &mut self,
        until: Instant,
        wished: impl Fn(&Snapshot) -> bool,
    ) -> color_eyre::Result<Waited> {
        loop {
            let snapshot = Arc::clone(&self.handle.snapshots.borrow_and_update());
            self.teller.tell(&snapshot);
            if wished(&snapshot) {
                return Ok(Waited::Came);
            }
            match timeout_at(until, self.handle.snapshots.changed()).await {
                Err(_) => return Ok(Waited::TooLate),
                Ok(Err(_)) => return Err(eyre!("the controller is gone; see the log")),
                Ok(Ok(())) => {}
            }
        }
    }

    /// Ends the controller; the run goes on.
    pub(super) async fn end(mut self) {
        if self.leads {
            session::leave(&mut self.handle).await;
        }
        self.controller.stop().await;
    }
}

fn make(folder: &Path) -> color_eyre::Result<()> {
    std::fs::create_dir_all(folder)
        .wrap_err_with(|| format!("the folder {} cannot be made", folder.display()))
}
