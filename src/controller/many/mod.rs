//! Several controllers on one cloud, under virtual time: who leads, what lands, and
//! that nothing runs twice.
//!
//! Invariant of all of these tests: what a test says of the cloud is read from its own
//! ledger and over a link of the test's own, which nothing disturbs.

pub(super) mod machine;
mod random;
mod scenarios;

use std::{sync::Arc, time::Duration};

use super::{
    Command, Join, Snapshot,
    snapshot::{LeadView, Phase},
    wishes,
};
use crate::{
    local::sim::{Seat, World},
    model::wish::{Spread, Wish},
};
use machine::Machine;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A controller that follows the latest run, on a machine of its own.
struct Desk {
    seat: Seat,
    machine: Arc<Machine>,
}

impl std::ops::Deref for Desk {
    type Target = Seat;

    fn deref(&self) -> &Seat {
        &self.seat
    }
}

impl Desk {
    /// One whose wall clock is so many milliseconds ahead, and whose runs have this
    /// lease.
    fn with(world: &World, name: &str, ahead: i64, lease_ms: u64) -> Desk {
        let machine = Machine::new(ahead);
        let seat = machine.host(|| {
            world.controller_with(name, |options| {
                options.join = Join::Latest;
                options.policy.lease_ms = lease_ms;
            })
        });
        Desk { seat, machine }
    }

    fn new(world: &World, name: &str) -> Desk {
        Self::with(world, name, 0, 600_000)
    }

    fn now(&self) -> Arc<Snapshot> {
        self.handle.snapshots.borrow().clone()
    }

    fn run(&self) -> Option<String> {
        self.now().run.as_ref().map(|run| run.id.clone())
    }

    fn leads(&self) -> bool {
        leads(&self.now())
    }

    /// Closes the machine, and opens it later: neither it nor its link does anything
    /// in between.
    async fn sleep_for(&self, time: Duration) {
        self.fall_asleep();
        tokio::time::sleep(time).await;
        self.wake();
    }

    fn fall_asleep(&self) {
        self.link.sleep();
        self.machine.set_awake(false);
    }

    fn wake(&self) {
        self.link.up();
        self.machine.set_awake(true);
    }

    /// Waits until it follows a run that another one leads.
    async fn follows(&self, deadline: Duration) {
        self.until("it follows", deadline, |it| {
            it.run.as_ref().is_some_and(|run| matches!(run.lead, LeadView::Other { .. }))
        })
        .await;
    }

    async fn takes_the_lead(&self, deadline: Duration) {
        self.until("it leads", deadline, leads).await;
    }

    async fn sees_the_end(&self, deadline: Duration) {
        self.until("it has ended", deadline, has_ended).await;
    }

    /// Ends it as a crash does, in the midst of whatever it does.
    async fn crash(self) {
        self.seat.leave().await;
    }
}

fn leads(snapshot: &Snapshot) -> bool {
    snapshot.run.as_ref().is_some_and(|run| matches!(run.lead, LeadView::Us { .. }))
}

fn has_ended(snapshot: &Snapshot) -> bool {
    snapshot.run.as_ref().is_some_and(|run| run.phase == Phase::Ended)
}

/// The run's wish as it is in the bucket.
async fn wish(world: &World, run: &str) -> Wish {
    let (cloud, _link) = world.client();
    let key = format!("loadtop/{run}/wish.json");
    wishes::read(&cloud, &key).await.expect("a wish").wish
}

/// All runs that ever were.
async fn runs(world: &World) -> Vec<String> {
    let (cloud, _link) = world.client();
    cloud.list_prefixes("loadtop/").await.expect("listed")
}

fn add(devices: u32, seed: u64) -> Command {
    Command::Add { devices, over: 2 * SECOND, spread: Spread::Uniform, seed: Some(seed) }
}
