//! Whole runs on Fargate, and on a group that a capacity provider scales.

use std::time::Duration;

use super::{MINUTE, assert_alive};
use crate::{
    controller::{
        Command, Snapshot,
        snapshot::{CapacityView, FargateView, Level, Phase, ScaledBy},
    },
    local::sim::{Seat, World},
    model::{
        capacity::Capacity,
        confirmed::Confirmed,
        registry::{Policy, Registry},
    },
    runs,
};

const NO_TIME: Duration = Duration::ZERO;
/// What the local cloud calls the provider that scales its group.
const PROVIDER: &str = "loadtop-provider";

fn says(snapshot: &Snapshot, text: &str) -> bool {
    snapshot.notices.iter().any(|it| it.text.contains(text) && it.level >= Level::Warning)
}

fn fargate(snapshot: &Snapshot) -> FargateView {
    *snapshot.capacity.fargate().expect("it is on Fargate")
}

async fn registry(seat: &Seat) -> Registry {
    runs::all(&seat.cloud).await.expect("read").remove(0)
}

/// Ends a run by hand, and sees that nothing is left.
async fn end(world: &World, seat: Seat, scale_to_zero: bool) {
    seat.end_run(scale_to_zero).await;
    let has_ended = |it: &Snapshot| it.run.as_ref().is_some_and(|run| run.phase == Phase::Ended);
    seat.until("it has ended", 3 * MINUTE, has_ended).await;
    assert_eq!((world.running_tasks(), world.ledger().doubled()), (0, 0));
    seat.leave().await;
}

/// What became of the order with this number.
async fn refusal(seat: &Seat, number: u64) -> String {
    let decided = |it: &Snapshot| it.orders.outcome(number).is_some();
    seat.until("the order is answered", MINUTE, decided).await;
    let snapshot = seat.handle.snapshots.borrow();
    let outcome = snapshot.orders.outcome(number).expect("answered");
    outcome.expect_err("it cannot be carried out").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_run_on_fargate_needs_no_instance_and_asks_for_none() {
    let world = World::new(61, |_| {});
    let seat = world.controller_on_fargate("a", false, |_| {});
    // More than the group's instances had room for.
    seat.add(10_000, NO_TIME).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 10_000).await;
    assert_alive(&world, 0..10_000);
    let quota = |it: &Snapshot| fargate(it).quota_vcpu;
    seat.until("all of it is seen", MINUTE, |it| fargate(it).tasks == 40 && quota(it).is_some())
        .await;
    let seen = fargate(&seat.handle.snapshots.borrow());
    assert_eq!((seen.vcpu(), seen.memory_gb(), seen.quota_vcpu), (10.0, 20.0, Some(64.0)));
    assert_eq!(registry(&seat).await.capacity, Some(Capacity::Fargate { spot: false }));
    for (number, command) in
        [(2, Command::ScaleBy(1, None)), (3, Command::ScaleTo(0, Some(Confirmed::ByFlag)))]
    {
        seat.order(command).await;
        let why = refusal(&seat, number).await;
        assert!(why.starts_with("Fargate has no instances: "), "{why}");
    }
    let calls = seat.cloud.calls();
    let of_instances = [
        "DescribeAutoScalingGroups",
        "SetDesiredCapacity",
        "ListContainerInstances",
        "DescribeContainerInstances",
        "DescribeCapacityProviders",
    ];
    assert!(of_instances.iter().all(|call| !calls.contains_key(*call)), "{calls:?}");
    assert_eq!((calls.get("RunTask"), calls.get("throttled")), (Some(&40), None));
    // There is nothing to scale to zero, and that is no trouble.
    end(&world, seat, true).await;
}

#[tokio::test(start_paused = true)]
async fn the_vcpu_quota_is_waited_for_and_named() {
    let world = World::new(62, |options| options.fargate_vcpus = 1);
    let policy = Policy { capacity_wait_ms: 30_000, ..Policy::default() };
    let seat = world.controller_on_fargate("a", false, |options| options.policy = policy);
    seat.add(1_500, NO_TIME).await;
    let waits = |it: &Snapshot| it.tasks.value.waiting_for_room == 2;
    seat.until("two tasks wait", MINUTE, waits).await;
    let quota = "the quota \"Fargate On-Demand vCPU resource count\" is used up";
    seat.until("it is said", MINUTE, |it| says(it, quota)).await;
    seat.until("it is shown", MINUTE, |it| fargate(it).shortage.is_some()).await;
    let left_out = "500 devices found no room for 30s (the quota \"Fargate On-Demand vCPU";
    seat.until("they are given up", MINUTE, |it| says(it, left_out)).await;
    let tasks = seat.handle.snapshots.borrow().tasks.value.clone();
    let only = ("no room".to_owned(), 1);
    assert_eq!(tasks.failures.into_iter().collect::<Vec<_>>(), [only], "none was refused");
    world.until("the others run", MINUTE, |it| it.alive() == 1_000).await;
    end(&world, seat, false).await;
}

#[tokio::test(start_paused = true)]
async fn spot_tasks_that_aws_takes_back_are_replaced_when_they_are_stopped() {
    let world = World::new(63, |_| {});
    let seat = world.controller_on_fargate("a", true, |_| {});
    seat.add(1_000, NO_TIME).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 1_000).await;
    seat.until("4 tasks run", MINUTE, |it| it.tasks.value.running == 4).await;
    let tasks = seat.cloud.list_tasks(None).await.expect("listed");
    let seen = seat.cloud.describe_tasks(&tasks).await.expect("described");
    assert!(seen.iter().all(|it| it.provider.as_deref() == Some("FARGATE_SPOT")), "{seen:?}");
    let first = seen.iter().find(|it| it.name.as_deref() == Some("00000-1")).expect("it runs");
    assert!(world.local.interrupt_spot(&first.arn));
    let words = "ended by itself: AWS took its Spot capacity back; it is replaced";
    seat.until("it is said", 3 * MINUTE, |it| says(it, words)).await;
    world.until("all are alive again", 2 * MINUTE, |it| it.alive() == 1_000).await;
    assert_alive(&world, 0..1_000);
    assert_eq!(world.ledger().doubled(), 0, "a successor waits until its task is STOPPED");
    end(&world, seat, false).await;
}

#[tokio::test(start_paused = true)]
async fn many_tasks_on_fargate_start_at_its_rate_and_report_less_often() {
    let world = World::new(64, |_| {});
    let few = |options: &mut crate::controller::Options| options.devices_per_task = 10;
    let seat = world.controller_on_fargate("a", false, few);
    seat.add(2_000, NO_TIME).await;
    world.until("all are alive", 2 * MINUTE, |it| it.alive() == 2_000).await;
    assert_eq!(seat.cloud.calls().get("throttled"), None, "20 a second, and no more");
    // 200 tasks: every 5 s makes 40 reports a second.
    let interval = |it: &Snapshot| it.traffic.value.interval_ms == 5_000;
    seat.until("the interval is longer", MINUTE, interval).await;
    let whole = |it: &Snapshot| {
        let devices = &it.devices.value;
        (devices.connected, devices.tasks_reporting, devices.tasks_expected) == (2_000, 200, 200)
    };
    seat.until("every device is counted once", MINUTE, whole).await;
    end(&world, seat, false).await;
}

#[tokio::test(start_paused = true)]
async fn who_scales_the_group_is_seen_first_and_respected() {
    let world = World::new(65, |options| options.managed_scaling = true);
    let seat = world.controller("a");
    let scaled = ScaledBy::Provider(PROVIDER.into());
    seat.add(2_000, NO_TIME).await;
    // Eight tasks need two instances, and nobody here asks for the second.
    world.until("all are alive", 3 * MINUTE, |it| it.alive() == 2_000).await;
    let group = "loadtop".to_owned();
    let view = CapacityView::Instances { group: group.clone(), scaled_by: scaled };
    assert_eq!(seat.handle.snapshots.borrow().capacity, view);
    let through = Capacity::Group { name: group, provider: Some(PROVIDER.into()) };
    assert_eq!(registry(&seat).await.capacity, Some(through));
    let tasks = seat.cloud.list_tasks(None).await.expect("listed");
    let seen = seat.cloud.describe_tasks(&tasks).await.expect("described");
    assert_eq!(seen.len(), 8);
    assert!(seen.iter().all(|it| it.provider.as_deref() == Some(PROVIDER)), "{seen:?}");
    seat.order(Command::ScaleBy(1, None)).await;
    let why = refusal(&seat, 2).await;
    let words = "is scaled by the capacity provider loadtop-provider (managed scaling)";
    assert!(why.contains(words), "{why}");
    assert_eq!(seat.cloud.calls().get("SetDesiredCapacity"), None);
    // A successor with other settings starts tasks as the run's registry says.
    seat.leave().await;
    let next = world.controller_with("b", |options| options.join = crate::controller::Join::Latest);
    next.until("it leads", MINUTE, |it| {
        let us = |lead: &_| matches!(lead, crate::controller::snapshot::LeadView::Us { .. });
        it.run.as_ref().is_some_and(|run| us(&run.lead))
    })
    .await;
    assert!(world.local.lose_task(&seen[0].arn));
    next.until("it is seen", 2 * MINUTE, |it| it.tasks.value.failed > 0).await;
    world.until("all are alive again", 2 * MINUTE, |it| it.alive() == 2_000).await;
    let tasks = next.cloud.list_tasks(None).await.expect("listed");
    let seen = next.cloud.describe_tasks(&tasks).await.expect("described");
    assert!(seen.iter().all(|it| it.provider.as_deref() == Some(PROVIDER)), "{seen:?}");
    end(&world, next, true).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_a_provider_has_no_instance_for_wait_and_are_given_up_in_time() {
    let world = World::new(66, |options| {
        options.managed_scaling = true;
        options.max_instances = 1;
    });
    let policy = Policy { capacity_wait_ms: 60_000, ..Policy::default() };
    let seat = world.controller_with("a", |options| options.policy = policy);
    seat.add(1_500, NO_TIME).await;
    let wait = |it: &Snapshot| it.tasks.value.waiting_for_room == 2;
    seat.until("two tasks wait", MINUTE, wait).await;
    let words = "500 devices found no room for 1m";
    seat.until("they are given up", 2 * MINUTE, |it| says(it, words)).await;
    seat.until("their tasks are gone", MINUTE, |it| it.tasks.value.wanted == 4).await;
    world.until("the others run", MINUTE, |it| it.alive() == 1_000).await;
    assert_alive(&world, 0..1_000);
    end(&world, seat, false).await;
}
