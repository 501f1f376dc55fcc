//! Each task and each instance in the snapshot, and the replacement of one task.

use std::time::Duration;

use super::{MINUTE, assert_alive};
use crate::{
    cloud::types::Fetched,
    controller::{
        Command, Join, Snapshot,
        snapshot::{InstanceState, LeadView, Phase, TaskRow, TaskState},
    },
    local::sim::{Seat, World},
    model::{confirmed::Confirmed, wish::Wish},
};

const SECOND: Duration = Duration::from_secs(1);

fn seat(world: &World, name: &str, details: bool) -> Seat {
    world.controller_with(name, |options| {
        options.join = Join::Latest;
        options.details = details;
    })
}

/// A world with a leader and 500 devices in two tasks that run.
async fn fleet_of_two(seed: u64) -> (World, Seat) {
    let world = World::new(seed, |_| {});
    let seat = seat(&world, "a", true);
    seat.add(500, SECOND).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 500).await;
    seat.until("both are seen to run", MINUTE, |it| running(it) == ["00000-1", "00001-1"]).await;
    (world, seat)
}

fn rows(snapshot: &Snapshot, state: TaskState) -> Vec<TaskRow> {
    snapshot.task_rows.value.iter().filter(|row| row.state == state).cloned().collect()
}

fn running(snapshot: &Snapshot) -> Vec<String> {
    rows(snapshot, TaskState::Running).into_iter().map(|row| row.name).collect()
}

fn now(seat: &Seat) -> std::sync::Arc<Snapshot> {
    seat.handle.snapshots.borrow().clone()
}

fn stop(slot: u32, attempt: u32) -> Command {
    Command::StopTask { slot, attempt, confirmed: Confirmed::ByPrompt }
}

async fn wish(seat: &Seat) -> Wish {
    let run = now(seat).run.as_ref().expect("a run").id.clone();
    let key = format!("loadtop/{run}/wish.json");
    match seat.cloud.get_object(&key, None).await.expect("answered").0 {
        Fetched::New(object) => serde_json::from_slice(&object.body).expect("a wish"),
        other => panic!("{other:?}"),
    }
}

async fn refused(seat: &Seat, command: Command, why: &str) {
    let before = now(seat).orders.refused.len();
    seat.order(command).await;
    seat.until("it is refused", MINUTE, |it| {
        it.orders.refused.len() > before && it.orders.refused.iter().any(|it| it.1.contains(why))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_leads_and_who_follows_see_each_task_and_its_machine() {
    let (world, a) = fleet_of_two(71).await;
    let b = seat(&world, "b", true);
    let c = seat(&world, "c", false);
    b.until("it follows", MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| matches!(run.lead, LeadView::Other { .. }))
    })
    .await;
    b.until("it sees the tasks", MINUTE, |it| running(it) == ["00000-1", "00001-1"]).await;
    let machine = now(&a).instances.value.list[0].id.clone();
    for seat in [&a, &b] {
        let snapshot = now(seat);
        let rows = rows(&snapshot, TaskState::Running);
        let ranges: Vec<_> = rows.iter().map(|it| (it.first, it.room, it.devices)).collect();
        assert_eq!(ranges, [(0, 250, 250), (250, 250, 250)]);
        assert!(rows.iter().all(|it| it.instance.as_deref() == Some(&*machine)), "{rows:?}");
        assert!(rows.iter().all(|it| it.id.as_ref().is_some_and(|id| !id.contains('/'))));
        let age = |it: &TaskRow| snapshot.at.saturating_sub(it.since.expect("known"));
        assert!(rows.iter().all(|it| age(it) < 60_000), "{rows:?}");
        assert!(snapshot.task_rows.at.is_some_and(|at| snapshot.at < at + 20_000));
    }
    assert_eq!(now(&c).task_rows.at, None, "nobody looks there, so nothing is read");
    // Whoever takes the lead goes on with what was known.
    a.leave().await;
    b.until("it leads", MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| matches!(run.lead, LeadView::Us { .. }))
    })
    .await;
    b.until("it has seen them", MINUTE, |it| running(it) == ["00000-1", "00001-1"]).await;
    let known = rows(&now(&b), TaskState::Running);
    assert!(known.iter().all(|it| it.since.is_some() && it.instance.is_some()), "{known:?}");
}

#[tokio::test(start_paused = true)]
async fn instances_say_what_they_are_at() {
    let (world, a) = fleet_of_two(72).await;
    let up = now(&a).instances.value.list[0].clone();
    assert_eq!((up.state, up.tasks, up.room), (InstanceState::Up, 2, 2));
    assert_eq!(up.kind.as_deref(), Some("local.large"));
    assert_eq!(up.zone.as_deref(), Some("us-east-1a"));
    let half = |reserved: Option<(u32, u32)>| reserved.is_some_and(|(part, all)| part * 2 == all);
    assert!(half(up.cpu_units) && half(up.memory_mib), "{up:?}");
    assert!(up.since.is_some_and(|since| since <= now(&a).at));
    a.order(Command::ScaleTo(2, None)).await;
    a.until("one boots", MINUTE, |it| {
        let view = &it.instances.value;
        let booting = view.list.iter().find(|it| it.state == InstanceState::Booting);
        view.registered == 1 && booting.is_some_and(|it| (it.room, it.since) == (0, None))
    })
    .await;
    a.until("both are up", 5 * MINUTE, |it| it.instances.value.registered == 2).await;
    a.order(Command::ScaleTo(1, None)).await;
    a.until("one goes", MINUTE, |it| {
        let view = &it.instances.value;
        let going = |state| matches!(state, InstanceState::Draining | InstanceState::Leaving);
        let goes = view.list.iter().filter(|it| going(it.state)).count();
        (view.registered, view.room, goes) == (1, 2, 1)
    })
    .await;
    assert_alive(&world, 0..500);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_says_how_and_one_without_room_why_it_waits() {
    let (world, a) = fleet_of_two(73).await;
    let id = rows(&now(&a), TaskState::Running)[1].id.clone().expect("placed");
    assert!(world.local.lose_task(&id));
    a.until("it has failed", MINUTE, |it| {
        rows(it, TaskState::Failed).iter().any(|row| {
            (row.name.as_str(), row.devices) == ("00001-1", 250)
                && row.id.as_ref() == Some(&id)
                && row.exit_code.is_some()
                && row.reason.as_ref().is_some_and(|why| why.contains("exit code"))
        })
    })
    .await;
    a.until("another one runs", MINUTE, |it| running(it) == ["00000-1", "00001-2"]).await;
    // The instance has room for four.
    a.add(750, SECOND).await;
    a.until("one waits", MINUTE, |it| {
        let waits = rows(it, TaskState::NoRoom);
        waits.len() == 1
            && waits[0].name == "00004"
            && waits[0].id.is_none()
            && waits[0].reason.as_deref() == Some("the cluster is full")
    })
    .await;
    a.end_run(false).await;
    a.until("it has ended", 3 * MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| run.phase == Phase::Ended)
    })
    .await;
    a.until("no row is alive", MINUTE, |it| {
        it.task_rows.value.len() == 5
            && rows(it, TaskState::Stopped).len() == 4
            && rows(it, TaskState::Stopped).iter().all(|row| row.exit_code == Some(0))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_task_is_replaced_whoever_asks_and_while_the_ramp_is_paused() {
    let (world, a) = fleet_of_two(74).await;
    let b = seat(&world, "b", true);
    b.until("it sees the tasks", MINUTE, |it| running(it) == ["00000-1", "00001-1"]).await;
    a.order(Command::Pause).await;
    b.order(stop(0, 1)).await;
    b.until("it is told", MINUTE, |it| {
        it.notices.iter().any(|notice| {
            notice.text == "task 00000-1 is stopped: its 250 devices come back in a new one"
        })
    })
    .await;
    for seat in [&a, &b] {
        seat.until("another one runs", MINUTE, |it| running(it) == ["00000-2", "00001-1"]).await;
        seat.until("the first has stopped, and well", MINUTE, |it| {
            let stopped = rows(it, TaskState::Stopped);
            stopped.len() == 1
                && stopped[0].name == "00000-1"
                && stopped[0].exit_code == Some(0)
                && stopped[0].reason.as_deref() == Some("it is replaced, as asked for")
        })
        .await;
    }
    // Starts wait while the ramp is paused, also those that come back.
    a.order(Command::Resume).await;
    world.until("all are alive again", MINUTE, |it| it.alive() == 500).await;
    assert_alive(&world, 0..500);
    assert_eq!(now(&a).tasks.value.failed, 0, "as asked for");
    a.until("the wish is done", MINUTE, |it| it.orders.unwritten == 0).await;
    assert_eq!(wish(&a).await.restarts, [], "nothing is left to do");
    refused(&a, stop(0, 1), "task 00000-1 is gone already: 00000-2 came after it").await;
    refused(&b, stop(7, 1), "there is no task 00007-1 to stop").await;
    a.end_run(false).await;
    refused(&a, stop(0, 2), "the run is ending").await;
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_task_is_shown_by_a_command() {
    let (_world, a) = fleet_of_two(75).await;
    let first = |it: &Snapshot| it.task_rows.value[0].log.clone();
    assert_eq!(first(&now(&a)), None, "modelled tasks write none");
    let folder = now(&a).run.as_ref().expect("a run").folder.join("tasks");
    std::fs::create_dir_all(&folder).expect("a folder");
    let command = format!("cat {}", folder.join("00000-1.log").display());
    a.until("it is there", MINUTE, |it| first(it).as_ref() == Some(&command)).await;
}
