//! What a run does about losses and missing room, as it was told; and instances that go
//! although they have tasks.

use std::time::Duration;

use super::{MINUTE, assert_alive};
use crate::{
    controller::{
        Command, Snapshot,
        snapshot::{Level, Phase},
    },
    local::sim::{Seat, World},
    model::{
        confirmed::Confirmed,
        registry::{NoCapacity, OnLoss, Policy, Workload},
    },
};

const NO_TIME: Duration = Duration::ZERO;

fn seat(world: &World, policy: Policy) -> Seat {
    world.controller_with("a", |options| options.policy = policy)
}

fn says(snapshot: &Snapshot, text: &str) -> bool {
    snapshot.notices.iter().any(|it| it.text.contains(text) && it.level >= Level::Warning)
}

fn has_ended(snapshot: &Snapshot) -> bool {
    snapshot.run.as_ref().is_some_and(|run| run.phase == Phase::Ended)
}

/// Ends a run by hand, and sees that nothing is left.
async fn end(world: &World, seat: Seat) {
    seat.end_run(false).await;
    seat.until("it has ended", 3 * MINUTE, has_ended).await;
    assert_eq!((world.running_tasks(), world.ledger().doubled()), (0, 0));
    seat.leave().await;
}

/// Loses the task of the first device; its ARN is read as anybody would.
async fn lose_a_task(world: &World, seat: &Seat) {
    let tasks = seat.cloud.list_tasks(None).await.expect("listed");
    let seen = seat.cloud.describe_tasks(&tasks).await.expect("described");
    let first = seen.iter().find(|it| it.name.as_deref() == Some("00000-1")).expect("it runs");
    assert!(world.local.lose_task(&first.arn));
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_in_time_is_left_out() {
    let world = World::new(31, |_| {});
    let policy = Policy { capacity_wait_ms: 20_000, ..Policy::default() };
    let seat = seat(&world, policy);
    seat.add(1_500, NO_TIME).await;
    seat.until("two tasks wait", MINUTE, |it| it.tasks.value.waiting_for_room == 2).await;
    seat.until("it is said", MINUTE, |it| says(it, "500 devices found no room for 20s")).await;
    seat.until("the ramp has ended", MINUTE, |it| it.ramp.total == 1_000 && it.ramp.is_over())
        .await;
    world.until("the others run", MINUTE, |it| it.alive() == 1_000).await;
    assert_alive(&world, 0..1_000);
    end(&world, seat).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_finds_no_room_aborts_if_told_so() {
    let world = World::new(32, |_| {});
    let policy =
        Policy { capacity_wait_ms: 20_000, no_capacity: NoCapacity::Abort, ..Policy::default() };
    let seat = seat(&world, policy);
    seat.add(1_500, NO_TIME).await;
    seat.until("it ends by itself", 3 * MINUTE, has_ended).await;
    seat.until("it is said", MINUTE, |it| says(it, "the run is aborted: 500 devices")).await;
    assert_eq!(world.running_tasks(), 0);
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_loss_shrinks_or_aborts_as_told() {
    for (on_loss, word) in [(OnLoss::Shrink, "goes on without them"), (OnLoss::Abort, "aborted")] {
        let world = World::new(33, |_| {});
        let seat = seat(&world, Policy { on_loss, ..Policy::default() });
        seat.add(1_000, NO_TIME).await;
        world.until("all are alive", MINUTE, |it| it.alive() == 1_000).await;
        seat.until("4 tasks run", MINUTE, |it| it.tasks.value.running == 4).await;
        lose_a_task(&world, &seat).await;
        seat.until("it is said", MINUTE, |it| says(it, word)).await;
        if on_loss == OnLoss::Shrink {
            world.run_for(MINUTE).await;
            assert_alive(&world, 250..1_000);
            end(&world, seat).await;
        } else {
            seat.until("it ends by itself", 3 * MINUTE, has_ended).await;
            assert_eq!(world.running_tasks(), 0);
            seat.leave().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_with_devices_goes_only_when_confirmed_and_they_move() {
    let world = World::new(34, |options| options.instances = 3);
    let seat = seat(&world, Policy::default());
    seat.add(2_000, NO_TIME).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 2_000).await;
    seat.until("all instances have tasks", MINUTE, |it| {
        let list = &it.instances.value.list;
        list.len() == 3
            && list.iter().all(|it| it.tasks > 0)
            && list.iter().map(|it| it.tasks).sum::<u32>() == 8
    })
    .await;
    seat.order(Command::ScaleTo(2, None)).await;
    seat.until("it is refused", MINUTE, |it| it.orders.outcome(2).is_some_and(|it| it.is_err()))
        .await;
    seat.order(Command::ScaleTo(2, Some(Confirmed::ByPlan))).await;
    seat.until("two are left", 5 * MINUTE, |it| {
        let seen = &it.instances.value;
        (seen.desired, seen.registered, seen.leaving) == (2, 2, 0)
    })
    .await;
    world.until("all are alive again", 2 * MINUTE, |it| it.alive() == 2_000).await;
    assert_alive(&world, 0..2_000);
    end(&world, seat).await;
}

/// Any image: a device is a task of its own, started at its time in the ramp.
#[tokio::test(start_paused = true)]
async fn images_start_in_the_ramp_and_none_while_it_is_paused() {
    let world = World::new(35, |options| {
        options.instances = 2;
        options.tasks_per_instance = 50;
    });
    let (cloud, _) = world.client();
    let command = ["/bin/cat".to_owned()];
    let definition =
        cloud.register_program("mine", "main", &command, 16, 16).await.expect("registered");
    let seat = world.controller_with("a", |options| {
        options.workload =
            Workload::Image { definition, container: "main".into(), identity: "ID".into() };
    });
    seat.add(40, Duration::from_secs(40)).await;
    world.run_for(Duration::from_secs(20)).await;
    let half = world.ledger().alive();
    assert!((8..=32).contains(&half), "{half} of 40 after half of the ramp");
    seat.order(Command::Pause).await;
    world.run_for(Duration::from_secs(3)).await;
    let paused = world.ledger().alive();
    world.run_for(MINUTE).await;
    assert_eq!(world.ledger().alive(), paused);
    seat.order(Command::Resume).await;
    world.until("all are there", 2 * MINUTE, |it| it.alive() == 40).await;
    seat.order(Command::Remove { devices: 10 }).await;
    world.until("the newest are gone", MINUTE, |it| it.alive() == 30).await;
    assert_alive(&world, 0..30);
    end(&world, seat).await;
}
