//! The harness itself, and what a controller does in it.

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_thousand_devices_come_shrink_and_go() {
    let world = World::new(1, |_| {});
    let seat = world.controller("a");
    let over = Duration::from_secs(20);
    let spread = crate::model::wish::Spread::Uniform;
    seat.order(Command::Add { devices: 1000, over, spread, seed: None }).await;
    seat.until("all are planned", MINUTE, |it| it.ramp.planned == 1000 && it.ramp.is_over()).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 1000).await;
    assert_eq!(world.running_tasks(), 4);
    seat.until("all report", MINUTE, |it| {
        (it.devices.value.connected, it.devices.value.tasks_reporting) == (1000, 4)
    })
    .await;
    seat.order(Command::Remove { devices: 300 }).await;
    world.until("700 are left", MINUTE, |it| it.alive() == 700).await;
    world.until("the emptied task is gone", MINUTE, |it| it.tasks == 3).await;
    let ledger = world.ledger();
    let run = ledger.runs.values().next().expect("a run");
    assert_eq!((run.ever.len(), run.starts, run.peak, run.doubled), (1000, 1000, 1000, 0));
    assert!(run.alive.keys().all(|&device| device < 700));
    seat.end_run(false).await;
    seat.until("it has ended", 3 * MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| run.phase == controller::snapshot::Phase::Ended)
    })
    .await;
    assert_eq!((world.running_tasks(), world.ledger().alive()), (0, 0));
    assert_eq!(world.ledger().doubled(), 0);
    seat.leave().await;
}
