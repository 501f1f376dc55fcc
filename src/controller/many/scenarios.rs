//! What happens where one controller begins a run and others come, go, sleep or die.

use super::*;
use crate::model::wish::State;

/// One that leads a run of so many devices, and one that follows it.
async fn two(world: &World, devices: u32) -> (Desk, Desk, String) {
    let a = Desk::new(world, "a");
    a.order(add(devices, 1)).await;
    world.until("all are alive", MINUTE, |it| it.alive() == devices).await;
    assert!(a.leads());
    let b = Desk::new(world, "b");
    b.follows(5 * SECOND).await;
    let run = a.run().expect("a run");
    assert_eq!(b.run(), Some(run.clone()));
    (a, b, run)
}

fn doubled(world: &World) -> u64 {
    world.ledger().doubled()
}

#[tokio::test(start_paused = true)]
async fn a_follower_steers_and_the_leader_does_it() {
    let world = World::new(1, |_| {});
    let (a, b, run) = two(&world, 500).await;
    b.order(add(300, 2)).await;
    world.until("B's come", MINUTE, |it| it.alive() == 800).await;
    b.order(Command::Pause).await;
    a.until("A sees the pause", 5 * SECOND, |it| {
        it.run.as_ref().is_some_and(|run| run.phase == Phase::Paused)
    })
    .await;
    a.order(add(100, 3)).await;
    world.run_for(30 * SECOND).await;
    assert_eq!(world.ledger().alive(), 800, "paused");
    b.order(Command::Resume).await;
    world.until("A's come", MINUTE, |it| it.alive() == 900).await;
    b.order(Command::Remove { devices: 450 }).await;
    world.until("450 are left", MINUTE, |it| (it.alive(), it.tasks) == (450, 2)).await;
    assert!(!b.seat.cloud.calls().contains_key("RunTask"), "{:?}", b.seat.cloud.calls());
    assert!(!b.seat.cloud.calls().contains_key("StopTask"));
    assert!(a.leads() && !b.leads());
    assert_eq!((doubled(&world), world.ledger().runs[&run].starts), (0, 900));
    assert_eq!(b.now().orders.outcome(4), Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_of_the_leader_the_other_goes_on() {
    let world = World::new(2, |_| {});
    let (a, b, run) = two(&world, 500).await;
    a.crash().await;
    let began = tokio::time::Instant::now();
    b.takes_the_lead(20 * SECOND).await;
    assert!(began.elapsed() >= 9 * SECOND, "{:?}: a term less a beat", began.elapsed());
    assert_eq!(world.ledger().alive(), 500, "devices are untouched");
    b.order(add(300, 2)).await;
    world.until("B's come", MINUTE, |it| it.alive() == 800).await;
    let ledger = world.ledger();
    assert_eq!((ledger.doubled(), ledger.runs[&run].starts, ledger.tasks), (0, 800, 4));
    // A comes back, and follows.
    let a = Desk::new(&world, "a");
    a.follows(5 * SECOND).await;
    a.end_run(false).await;
    a.sees_the_end(2 * MINUTE).await;
    assert_eq!((world.running_tasks(), doubled(&world)), (0, 0));
}

/// The leader dies at any moment of a launch: the other one brings all of them up.
#[tokio::test(start_paused = true)]
async fn a_crash_in_the_midst_of_a_launch_doubles_nothing() {
    for after_ms in [1, 5, 20, 60, 150, 400, 1000, 2500] {
        let world = World::new(after_ms, |options| options.instances = 5);
        let (a, b, run) = two(&world, 500).await;
        a.order(add(2000, 2)).await;
        world.run_for(Duration::from_millis(after_ms)).await;
        a.crash().await;
        b.takes_the_lead(20 * SECOND).await;
        // What had not been written when it died is nobody's.
        let live = wish(&world, &run).await.live.len();
        assert!(live == 500 || live == 2500, "{live}");
        world.until("all are alive", 2 * MINUTE, |it| it.alive() == live).await;
        world.run_for(20 * SECOND).await;
        let ledger = world.ledger();
        assert_eq!((ledger.alive(), ledger.doubled()), (live, 0), "after {after_ms} ms");
        assert_eq!(ledger.tasks, live / 250);
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_hands_the_lead_over_at_once() {
    let world = World::new(3, |_| {});
    let (a, b, _) = two(&world, 500).await;
    a.order(Command::Leave).await;
    b.takes_the_lead(3 * SECOND).await;
    a.follows(3 * SECOND).await;
    a.crash().await;
    b.order(Command::Remove { devices: 100 }).await;
    world.until("400 are left", MINUTE, |it| it.alive() == 400).await;
    assert_eq!(doubled(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn with_no_controller_left_the_lease_ends_the_run() {
    let world = World::new(4, |_| {});
    let a = Desk::with(&world, "a", 0, 120_000);
    a.order(add(500, 1)).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 500).await;
    let lapsed = a.run().expect("a run");
    a.crash().await;
    world.run_for(45 * SECOND).await;
    assert_eq!(world.ledger().alive(), 500, "half of the lease is always left");
    world.until("the lease has ended all", 2 * MINUTE, |it| it.alive() == 0).await;
    let b = Desk::new(&world, "b");
    b.until("B finds it", 10 * SECOND, |it| it.run.is_some()).await;
    assert_eq!(b.run(), Some(lapsed.clone()));
    b.sees_the_end(2 * MINUTE).await;
    assert!(b.now().run.as_ref().is_some_and(|run| run.summary.is_some()));
    assert_eq!(world.running_tasks(), 0);
    assert_eq!(wish(&world, &lapsed).await.state, State::Stop);
    b.order(add(250, 2)).await;
    world.until("a new one's are alive", MINUTE, |it| it.alive() == 250).await;
    let new = b.run().expect("a run");
    assert_ne!(new, lapsed);
    assert_eq!(world.ledger().runs[&lapsed].alive, 0);
    assert_eq!((doubled(&world), runs(&world).await.len()), (0, 2));
}

/// What a sleeper had on its way, and what it knows, is of a term that is over.
#[tokio::test(start_paused = true)]
async fn a_leader_that_slept_through_its_term_follows() {
    for (seed, before_ms) in [(0, 0), (1, 3), (2, 40), (3, 300), (4, 1500)] {
        let world = World::new(50 + seed, |_| {});
        let (a, b, run) = two(&world, 500).await;
        a.order(add(500, 2)).await;
        world.run_for(Duration::from_millis(before_ms)).await;
        a.fall_asleep();
        b.takes_the_lead(20 * SECOND).await;
        b.order(Command::Remove { devices: 250 }).await;
        world.run_for(30 * SECOND).await;
        let calls = a.seat.cloud.calls();
        a.wake();
        a.follows(15 * SECOND).await;
        world.run_for(30 * SECOND).await;
        assert!(b.leads() && !a.leads());
        let live = wish(&world, &run).await.live.len();
        // A's addition may have been written before it slept, or else after.
        assert_eq!(live, 750, "before {before_ms} ms");
        world.until("all are alive", MINUTE, |it| it.alive() == live).await;
        assert_eq!(doubled(&world), 0);
        let after = a.seat.cloud.calls();
        for call in ["RunTask", "StopTask"] {
            assert_eq!(after.get(call), calls.get(call), "before {before_ms} ms: {call}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_lapsed_while_all_slept_never_comes_back() {
    let world = World::new(6, |_| {});
    let a = Desk::with(&world, "a", 0, 120_000);
    a.order(add(500, 1)).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 500).await;
    let lapsed = a.run().expect("a run");
    let b = Desk::new(&world, "b");
    b.follows(5 * SECOND).await;
    b.fall_asleep();
    a.sleep_for(5 * MINUTE).await;
    assert_eq!(world.ledger().alive(), 0);
    // The person adds before anything was seen.
    a.order(add(100, 2)).await;
    let order = a.now().orders.taken + 1;
    a.sees_the_end(2 * MINUTE).await;
    assert_eq!((world.ledger().alive(), world.running_tasks()), (0, 0));
    assert!(matches!(a.now().orders.outcome(order), Some(Err(_))), "{:?}", a.now().orders);
    b.wake();
    b.sees_the_end(MINUTE).await;
    let run = world.ledger().runs[&lapsed];
    assert_eq!((run.starts, run.doubled, world.running_tasks()), (500, 0, 0));
    assert_eq!(wish(&world, &lapsed).await.batches.len(), 1);
}

/// Only its link sleeps: it stops acting in time, and does not come back as leader.
#[tokio::test(start_paused = true)]
async fn a_leader_without_a_link_is_unsure_and_then_follows() {
    let world = World::new(7, |_| {});
    let (a, b, _) = two(&world, 500).await;
    a.link.sleep();
    a.until("A is unsure", 14 * SECOND, |it| {
        it.run.as_ref().is_some_and(|run| run.lead == LeadView::Unsure)
    })
    .await;
    b.takes_the_lead(20 * SECOND).await;
    assert!(!a.leads());
    a.order(add(250, 9)).await;
    a.link.up();
    a.follows(30 * SECOND).await;
    world.until("A's come", MINUTE, |it| it.alive() == 750).await;
    assert!(b.leads());
    assert_eq!(doubled(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn both_see_the_same_end_and_the_next_run() {
    let world = World::new(8, |_| {});
    let (a, b, first) = two(&world, 500).await;
    a.order(Command::Leave).await;
    b.takes_the_lead(3 * SECOND).await;
    a.end_run(false).await;
    b.sees_the_end(2 * MINUTE).await;
    a.sees_the_end(5 * SECOND).await;
    let summary = |desk: &Desk| desk.now().run.as_ref().and_then(|run| run.summary.clone());
    assert!(summary(&a).is_some());
    assert_eq!(summary(&a), summary(&b));
    b.order(add(250, 2)).await;
    world.until("the next run's are alive", MINUTE, |it| it.alive() == 250).await;
    let second = b.run().expect("a run");
    assert_ne!(second, first);
    a.until("A follows that", 10 * SECOND, |it| {
        it.run.as_ref().is_some_and(|run| run.id == second)
    })
    .await;
    a.order(Command::Remove { devices: 50 }).await;
    world.until("A steers it", MINUTE, |it| it.alive() == 200).await;
    assert_eq!(doubled(&world), 0);
}

/// Two runs begin, since neither knew of the other; both are said, and each ends.
#[tokio::test(start_paused = true)]
async fn two_who_add_at_the_same_time_begin_two_runs() {
    let world = World::new(9, |_| {});
    let (a, b) = (Desk::new(&world, "a"), Desk::new(&world, "b"));
    world.run_for(2 * SECOND).await;
    a.order(add(250, 1)).await;
    b.order(add(250, 2)).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 500).await;
    world.run_for(MINUTE).await;
    let all = runs(&world).await;
    assert_eq!((all.len(), doubled(&world)), (2, 0));
    assert_eq!(a.now().others, [b.run().expect("a run")]);
    assert_eq!(b.now().others, [a.run().expect("a run")]);
    a.end_run(false).await;
    // Then A follows the one that is left.
    a.until("A follows B's", 2 * MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| Some(&run.id) == b.run().as_ref())
    })
    .await;
    a.end_run(false).await;
    a.sees_the_end(2 * MINUTE).await;
    b.sees_the_end(5 * SECOND).await;
    assert_eq!((world.running_tasks(), doubled(&world)), (0, 0));
}
