//! The dead man's switch of a group: whatever happens to its leaders, nothing is stopped
//! before the lease, and nothing runs after it.
//!
//! Invariant: what the group and the tasks do is read from the cloud's own books, every
//! second of the way.

mod dying;
mod requests;

use std::{collections::BTreeMap, time::Duration};

use super::{MINUTE, Moment, arm, disarm};
use crate::{
    cloud::{
        Cloud,
        types::{Fetched, GroupSeen},
    },
    controller::{
        Command, Join, Snapshot,
        snapshot::{Level, Phase},
        switch::read,
    },
    local::sim::{Seat, World},
    model::{
        Millis,
        switch::{ACTION, Limits, fires_at},
        wish::{State, Wish},
    },
    record::IntentKind,
};

const SECOND: Duration = Duration::from_secs(1);
/// The lease of the runs here, in milliseconds.
const LEASE: Millis = 60_000;
/// How late actions fire, as on a bad day of AWS.
const LATE: Duration = Duration::from_secs(90);
/// Instances at the start.
const MACHINES: u32 = 2;

/// Two instances, and a group that has at least so many.
async fn world(seed: u64, min: u32) -> (World, Cloud) {
    let world = World::new(seed, |options| {
        options.instances = MACHINES;
        options.scheduled_delay = LATE;
    });
    let (cloud, _link) = world.client();
    cloud.set_limits(min, 10).await.expect("set");
    (world, cloud)
}

fn seat(world: &World, name: &str, lease: Millis, join: Join) -> Seat {
    world.controller_with(name, |options| {
        options.policy.owns_group = true;
        options.policy.lease_ms = lease;
        options.join = join;
    })
}

fn own(world: &World, name: &str) -> Seat {
    seat(world, name, LEASE, Join::Own)
}

async fn group(cloud: &Cloud) -> GroupSeen {
    cloud.group().await.expect("described")
}

async fn wish(cloud: &Cloud, run: &str) -> Option<Wish> {
    let key = format!("loadtop/{run}/wish.json");
    match cloud.get_object(&key, None).await.expect("answered").0 {
        Fetched::New(object) => Some(serde_json::from_slice(&object.body).expect("a wish")),
        _ => None,
    }
}

/// The wishes of all runs, as they are in the bucket.
async fn wishes(cloud: &Cloud) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for run in cloud.list_prefixes("loadtop/").await.expect("listed") {
        wishes.extend(wish(cloud, &run).await);
    }
    wishes
}

fn run(seat: &Seat) -> String {
    seat.handle.snapshots.borrow().run.as_ref().expect("a run").id.clone()
}

fn has_ended(snapshot: &Snapshot) -> bool {
    snapshot.run.as_ref().is_some_and(|run| run.phase == Phase::Ended)
}

fn says(seat: &Seat, level: Level, text: &str) -> bool {
    let notices = seat.handle.snapshots.borrow().notices.clone();
    notices.iter().any(|it| it.level == level && it.text.contains(text))
}

/// A run of so many devices that has come up.
async fn up(world: &World, seat: &Seat, devices: u32) -> String {
    let before = world.ledger().alive();
    seat.add(devices, SECOND).await;
    world.until("all are alive", MINUTE, |it| it.alive() == before + devices).await;
    run(seat)
}

/// Whoever is left: watches every second until all leases have lapsed and the action has
/// had its time; until the last lease no instance goes, and afterwards nothing is left.
async fn watch(world: &World, cloud: &Cloud, now: impl AsyncFn() -> Millis) {
    let least = group(cloud).await.desired;
    let wishes = wishes(cloud).await;
    let on = wishes.iter().filter(|it| it.state != State::Stop);
    let until = on.map(|it| it.lease_until).max().unwrap_or(0);
    let alive = world.ledger().alive();
    while now().await < until {
        let seen = group(cloud).await;
        assert!(seen.desired >= least, "{seen:?} before {until}");
        assert_eq!(seen.machines.len(), least.max(seen.desired) as usize, "{seen:?}");
        assert!(world.ledger().alive() >= alive || now().await + 2_000 >= until);
        world.run_for(SECOND).await;
    }
    // A run that was stopped has no lease any more, and its action still a time.
    let set = cloud.scheduled(ACTION).await.expect("described").unwrap_or(0);
    let over = set.max(fires_at(until)) + LATE.as_millis() as Millis + 1_000;
    while now().await < over {
        world.run_for(SECOND).await;
    }
    // What was on an instance has its stop timeout.
    world.run_for(Duration::from_secs(35)).await;
    let seen = group(cloud).await;
    assert_eq!((seen.min, seen.desired, seen.machines), (0, 0, vec![]), "after {until}");
    assert_eq!((world.ledger().alive(), world.running_tasks()), (0, 0));
}

/// The cloud's time.
async fn cloud_now(cloud: &Cloud) -> Millis {
    let (_, dated) = cloud.get_object("loadtop/-/-", None).await.expect("answered");
    dated.expect("it is dated").date
}

#[tokio::test(start_paused = true)]
async fn it_is_set_before_the_first_task_moved_with_the_lease_and_taken_back_at_zero() {
    let (world, cloud) = world(1, 2).await;
    let a = own(&world, "a");
    a.add(500, SECOND).await;
    let mut tasks = 0;
    while tasks == 0 {
        tasks = cloud.list_tasks(None).await.expect("listed").len();
        let set = cloud.scheduled(ACTION).await.expect("described");
        assert!(tasks == 0 || set.is_some(), "{tasks} tasks, and no switch");
        world.run_for(Duration::from_millis(20)).await;
    }
    world.until("all are alive", MINUTE, |it| it.alive() == 500).await;
    let run = run(&a);
    let first = cloud.scheduled(ACTION).await.expect("described").expect("set");
    for _ in 0..600 {
        let lease = wish(&cloud, &run).await.expect("a wish").lease_until;
        let set = cloud.scheduled(ACTION).await.expect("described").expect("set");
        assert!(set >= fires_at(lease), "{set} for {lease}");
        assert!(set <= fires_at(lease) + LEASE, "{set} for {lease}");
        world.run_for(SECOND).await;
    }
    let last = cloud.scheduled(ACTION).await.expect("described").expect("set");
    assert!(last >= first + 500_000);
    assert_eq!(world.ledger().alive(), 500);
    a.end_run(false).await;
    a.until("it has ended", 3 * MINUTE, has_ended).await;
    assert_eq!(cloud.scheduled(ACTION).await, Ok(None));
    let seen = group(&cloud).await;
    assert_eq!((seen.min, seen.desired, seen.max), (2, 2, 10), "the instances stay");
    let (note, _) = read(&cloud).await.expect("read").expect("there");
    assert_eq!((note.claims, note.former), (BTreeMap::new(), None));
    let told = a.handle.snapshots.borrow().notices.clone();
    assert!(told.iter().all(|it| it.level == Level::Info), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn another_controller_moves_it_on() {
    let (world, cloud) = world(2, 0).await;
    let a = own(&world, "a");
    let id = up(&world, &a, 500).await;
    a.leave().await;
    let b = seat(&world, "b", LEASE, Join::Latest);
    world.run_for(5 * MINUTE).await;
    assert_eq!((world.ledger().alive(), group(&cloud).await.desired), (500, MACHINES));
    let lease = wish(&cloud, &id).await.expect("a wish").lease_until;
    assert!(cloud.scheduled(ACTION).await.expect("described") >= Some(fires_at(lease)));
    b.leave().await;
    watch(&world, &cloud, async || cloud_now(&cloud).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_left_is_ended_by_whoever_comes_and_the_minimum_put_back() {
    let (world, cloud) = world(4, 1).await;
    let a = own(&world, "a");
    let id = up(&world, &a, 500).await;
    a.leave().await;
    watch(&world, &cloud, async || cloud_now(&cloud).await).await;
    let b = seat(&world, "b", LEASE, Join::Latest);
    b.until("it has ended", 3 * MINUTE, has_ended).await;
    world.run_for(10 * SECOND).await;
    let seen = group(&cloud).await;
    assert_eq!((seen.min, seen.max), (1, 10));
    assert_eq!(wish(&cloud, &id).await.expect("a wish").state, State::Stop);
    assert!(says(&b, Level::Info, "has its minimum of 1 again"));
    let (note, _) = read(&cloud).await.expect("read").expect("there");
    assert_eq!(note.former, None);
}

/// Somebody comes after the lease and before the action: it is left to do its work, and
/// what it changed is put back.
#[tokio::test(start_paused = true)]
async fn who_comes_before_a_late_action_lets_it_fire() {
    for kind in [None, Some(IntentKind::SetLimits), Some(IntentKind::LeaveGroup)] {
        let (world, cloud) = world(5, 1).await;
        let a = own(&world, "a");
        up(&world, &a, 500).await;
        a.leave().await;
        let until = wishes(&cloud).await[0].lease_until;
        while cloud_now(&cloud).await < until + 20_000 {
            world.run_for(SECOND).await;
        }
        assert_eq!(group(&cloud).await.desired, MACHINES, "it is late");
        let crashed = kind.map(|kind| arm(kind, 1, Moment::After));
        let b = seat(&world, "b", LEASE, Join::Latest);
        b.until("it has ended", 3 * MINUTE, has_ended).await;
        assert!(says(&b, Level::Warning, "its switch ends the instances at"));
        if let Some(crashed) = crashed {
            let crashed = tokio::time::timeout(5 * MINUTE, crashed.notified()).await;
            assert!(crashed.is_ok(), "{kind:?} never came");
            b.leave().await;
            disarm();
        } else {
            world.run_for(3 * MINUTE).await;
            b.leave().await;
        }
        let seen = group(&cloud).await;
        assert_eq!((seen.min, seen.max, seen.desired), (1, 10, 1), "{kind:?}");
        assert_eq!(cloud.scheduled(ACTION).await, Ok(None));
    }
}

#[tokio::test(start_paused = true)]
async fn the_longer_of_two_leases_holds_the_group() {
    let (world, cloud) = world(6, 0).await;
    let a = seat(&world, "a", 600_000, Join::Own);
    let of_a = up(&world, &a, 250).await;
    let b = own(&world, "b");
    let of_b = up(&world, &b, 250).await;
    let lease = |id: String| {
        let cloud = cloud.clone();
        async move { wish(&cloud, &id).await.expect("a wish").lease_until }
    };
    let set = cloud.scheduled(ACTION).await.expect("described").expect("set");
    assert!(set >= fires_at(lease(of_a.clone()).await));
    // B is gone for good; A lives on the same instances.
    b.leave().await;
    world.run_for(20 * MINUTE).await;
    assert_eq!((world.ledger().alive(), group(&cloud).await.desired), (250, MACHINES));
    // C holds on while A is left: nothing of A's is stopped before its lease.
    let c = own(&world, "c");
    let of_c = up(&world, &c, 250).await;
    let set = cloud.scheduled(ACTION).await.expect("described").expect("set");
    assert!(set >= fires_at(lease(of_a.clone()).await));
    // A ends in order: the action comes back to what C needs.
    a.end_run(false).await;
    a.until("A has ended", 3 * MINUTE, has_ended).await;
    let set = cloud.scheduled(ACTION).await.expect("described").expect("C needs it");
    let needed = fires_at(lease(of_c.clone()).await);
    assert!((needed..=needed + LEASE).contains(&set), "{set} for {needed}");
    assert!(wish(&cloud, &of_b).await.is_some());
    c.leave().await;
    watch(&world, &cloud, async || cloud_now(&cloud).await).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_of_two_takes_it_back() {
    let (world, cloud) = world(7, 0).await;
    let (a, b) = (own(&world, "a"), own(&world, "b"));
    up(&world, &a, 250).await;
    up(&world, &b, 250).await;
    a.end_run(false).await;
    a.until("A has ended", 3 * MINUTE, has_ended).await;
    assert!(cloud.scheduled(ACTION).await.expect("described").is_some());
    world.run_for(5 * MINUTE).await;
    assert_eq!((world.ledger().alive(), group(&cloud).await.desired), (250, MACHINES));
    b.end_run(false).await;
    b.until("B has ended", 3 * MINUTE, has_ended).await;
    assert_eq!(cloud.scheduled(ACTION).await, Ok(None));
    assert_eq!(group(&cloud).await.desired, MACHINES);
}

/// Somebody takes the action away: the leader sees that and sets it again.
#[tokio::test(start_paused = true)]
async fn an_action_that_is_gone_is_set_again() {
    let (world, cloud) = world(8, 0).await;
    let a = own(&world, "a");
    let id = up(&world, &a, 250).await;
    cloud.delete_scheduled(ACTION).await.expect("there");
    world.run_for(Duration::from_millis(LEASE / 4 + 3_000)).await;
    let lease = wish(&cloud, &id).await.expect("a wish").lease_until;
    assert!(cloud.scheduled(ACTION).await.expect("described") >= Some(fires_at(lease)));
    a.leave().await;
    watch(&world, &cloud, async || cloud_now(&cloud).await).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_permission_nothing_begins() {
    let (world, cloud) = world(9, 0).await;
    world.local.faults().add("PutScheduledUpdateGroupAction:deny:100%".parse().expect("a fault"));
    let a = own(&world, "a");
    a.add(250, SECOND).await;
    a.order(Command::ScaleTo(MACHINES + 1, None)).await;
    a.until("it ends by itself", 3 * MINUTE, has_ended).await;
    assert!(says(&a, Level::Error, "the run is aborted: the switch of the group loadtop cannot"));
    assert!(says(&a, Level::Error, "autoscaling:PutScheduledUpdateGroupAction"));
    assert_eq!(cloud.calls().get("RunTask"), None);
    assert_eq!(world.ledger().runs.len(), 0, "no task was ever started");
    let seen = a.handle.snapshots.borrow().clone();
    assert_eq!(seen.orders.outcome(2).map(|it| it.is_err()), Some(true), "{:?}", seen.orders);
    assert_eq!(group(&cloud).await.desired, MACHINES);
}

/// In mid-run it cannot be moved any more: the lease is not prolonged beyond it, and the
/// devices end before their instances do.
#[tokio::test(start_paused = true)]
async fn where_it_cannot_be_moved_the_run_ends_with_its_lease() {
    for fault in ["deny", "throttle", "error-before", "reset-before"] {
        let (world, cloud) = world(10, 0).await;
        let a = own(&world, "a");
        let id = up(&world, &a, 250).await;
        let fault = format!("PutScheduledUpdateGroupAction:{fault}:100%");
        world.local.faults().add(fault.parse().expect("a fault"));
        let set = cloud.scheduled(ACTION).await.expect("described").expect("set");
        a.until("that is said", MINUTE, |it| {
            it.notices.iter().any(|it| it.level == Level::Error && it.text.contains("moved on"))
        })
        .await;
        assert_eq!(world.ledger().alive(), 250, "as long as the lease");
        a.until("it has ended", 3 * MINUTE, has_ended).await;
        assert!(says(&a, Level::Error, "the switch of its group could not be moved on"));
        let lease = wish(&cloud, &id).await.expect("a wish").lease_until;
        assert!(fires_at(lease) <= set, "the lease never outran its action");
        world.run_for(LATE + 2 * MINUTE).await;
        let seen = group(&cloud).await;
        assert_eq!((seen.desired, seen.machines.len()), (0, 0), "nobody kept it");
        assert_eq!((world.ledger().alive(), world.running_tasks()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again() {
    for fault in [
        "PutScheduledUpdateGroupAction:reset-after:2",
        "PutScheduledUpdateGroupAction:error-after:2",
        "PutScheduledUpdateGroupAction:slow=20s:1",
        "DescribeScheduledActions:throttle:3",
        "DescribeAutoScalingGroups:throttle:5",
        "PutObject@switch-:reset-after:2",
        "PutObject@switch-:error-before:2",
        "DeleteScheduledAction:reset-after:2",
        "DeleteScheduledAction:error-before:3",
    ] {
        let (world, cloud) = world(11, 0).await;
        world.local.faults().add(fault.parse().expect("a fault"));
        let a = own(&world, "a");
        a.add(250, SECOND).await;
        world.until(fault, 3 * MINUTE, |it| it.alive() == 250).await;
        world.run_for(3 * MINUTE).await;
        assert_eq!((world.ledger().alive(), group(&cloud).await.desired), (250, MACHINES));
        a.end_run(false).await;
        a.until(fault, 3 * MINUTE, has_ended).await;
        assert_eq!(cloud.scheduled(ACTION).await, Ok(None), "{fault}");
        assert_eq!(group(&cloud).await.desired, MACHINES);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_named_at_the_begin() {
    let (world, cloud) = world(12, 0).await;
    let machine = group(&cloud).await.machines[0].0.clone();
    assert!(world.local.protect(&machine));
    let a = own(&world, "a");
    up(&world, &a, 250).await;
    assert!(says(&a, Level::Warning, &format!("loadtop: {machine}; aws autoscaling")));
}

/// A group that is not loadtop's own is left alone.
#[tokio::test(start_paused = true)]
async fn nothing_is_scheduled_on_a_group_of_others() {
    let (world, cloud) = world(13, 1).await;
    let a = world.controller("a");
    up(&world, &a, 250).await;
    world.run_for(6 * MINUTE).await;
    assert_eq!(cloud.scheduled(ACTION).await, Ok(None));
    assert_eq!(read(&cloud).await, Ok(None));
    assert!(!a.cloud.calls().contains_key("DescribeScheduledActions"));
    let seen = group(&cloud).await;
    let limits = Limits { min: seen.min, max: seen.max };
    assert_eq!(limits, Limits { min: 1, max: 10 });
}
