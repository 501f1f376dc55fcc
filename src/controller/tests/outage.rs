//! The way to the cloud is gone for a minute, or the credentials are not accepted, at each
//! stage of a run: nothing is forgotten, nothing is done twice, and what was ordered
//! meanwhile comes.

use std::time::Duration;

use super::{MINUTE, assert_alive};
use crate::{
    controller::{
        Command,
        snapshot::{LeadView, Level, Phase},
    },
    local::{
        Options,
        sim::{Seat, World},
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// A fleet of a thousand, on its way up for half a minute.
async fn ramping(seed: u64) -> (World, Seat) {
    let world = World::new(seed, |_: &mut Options| {});
    let seat = world.controller("a");
    seat.add(1_000, 30 * SECOND).await;
    (world, seat)
}

/// The network is gone for a minute. That it is must be told.
async fn outage(world: &World, seat: &Seat) {
    seat.link.down();
    seat.until("it is told", MINUTE, |it| {
        it.notices.iter().any(|notice| notice.level >= Level::Warning)
    })
    .await;
    world.run_for(MINUTE).await;
    seat.link.up();
}

fn leads(seat: &Seat) -> bool {
    let snapshot = seat.handle.snapshots.borrow();
    snapshot.run.as_ref().is_some_and(|run| matches!(run.lead, LeadView::Us { .. }))
}

async fn end(world: &World, seat: Seat) {
    seat.end_run(false).await;
    ended(world, seat).await;
}

async fn ended(world: &World, seat: Seat) {
    seat.until("it has ended", 3 * MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| run.phase == Phase::Ended)
    })
    .await;
    assert_eq!((world.running_tasks(), world.ledger().doubled()), (0, 0));
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn before_the_first_task() {
    let (world, seat) = ramping(51).await;
    outage(&world, &seat).await;
    world.until("all run", 3 * MINUTE, |it| it.alive() == 1_000).await;
    assert_alive(&world, 0..1_000);
    assert!(leads(&seat));
    end(&world, seat).await;
}

#[tokio::test(start_paused = true)]
async fn in_the_ramp_and_with_orders_meanwhile() {
    let (world, seat) = ramping(52).await;
    world.until("some run", MINUTE, |it| it.alive() > 300).await;
    seat.link.down();
    seat.order(Command::Remove { devices: 250 }).await;
    outage(&world, &seat).await;
    world.until("the others run", 3 * MINUTE, |it| it.alive() == 750).await;
    assert_alive(&world, 0..750);
    end(&world, seat).await;
}

#[tokio::test(start_paused = true)]
async fn while_it_is_being_ended() {
    let (world, seat) = ramping(53).await;
    world.until("all run", 2 * MINUTE, |it| it.alive() == 1_000).await;
    seat.end_run(false).await;
    outage(&world, &seat).await;
    ended(&world, seat).await;
}

/// The credentials expire, and are renewed two minutes later.
#[tokio::test(start_paused = true)]
async fn expired_credentials_in_mid_run() {
    let (world, seat) = ramping(54).await;
    world.until("some run", MINUTE, |it| it.alive() > 300).await;
    world.local.expire_credentials();
    seat.order(Command::Remove { devices: 250 }).await;
    seat.until("it is told, with what to do", MINUTE, |it| {
        let says = |text: &str| text.contains("expired") && text.contains("aws sso login");
        it.notices.iter().any(|it| it.level >= Level::Warning && says(&it.text))
    })
    .await;
    world.run_for(2 * MINUTE).await;
    let notices = seat.handle.snapshots.borrow().notices.len();
    assert!(notices < 30, "{notices} notices of the same");
    // Those that run go on: their lease is longer than that.
    assert!(world.ledger().alive() > 300);
    world.local.renew_credentials();
    world.until("what was ordered comes", 3 * MINUTE, |it| it.alive() == 750).await;
    assert_alive(&world, 0..750);
    assert!(leads(&seat));
    let gave_up = seat.handle.snapshots.borrow().tasks.value.given_up;
    assert_eq!(gave_up, 0, "nothing was given up because of that");
    end(&world, seat).await;
}
