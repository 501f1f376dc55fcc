//! The fault table: a thousand devices asked for, steered and killed, with each thing
//! that can go wrong.
//!
//! Invariant: whatever a row does, no device lives twice, none is missing in the end,
//! no task is left, and what a person reads is the row's.

use std::time::Duration;

use super::{MINUTE, assert_alive, each};
use crate::{
    controller::{
        Command,
        snapshot::{Level, Phase},
    },
    local::sim::{Seat, World},
};

/// One thing that goes wrong.
struct Row {
    name: &'static str,
    /// Calls that fail, from the start.
    faults: &'static [&'static str],
    /// What happens beside.
    upset: Upset,
    /// Part of a warning or an error that a person reads; none: nothing of the kind.
    says: Option<&'static str>,
}

/// What happens beside calls that fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upset {
    Nothing,
    /// Two tasks are lost while devices still start.
    RampLosesTasks,
    /// Two tasks are lost while all devices run.
    HoldLosesTasks,
    /// A machine is lost with all that runs on it.
    LosesMachine,
    /// Tasks that start are missing from lists and descriptions for three seconds.
    Lag,
    /// There is room for three tasks only.
    Full,
    /// Calls fail only once all devices run.
    Steered,
    /// Agents do not hear that the run ends: only StopTask ends them.
    Deaf,
}

/// A row with calls that fail, and nothing else.
const fn calls(
    name: &'static str,
    faults: &'static [&'static str],
    says: Option<&'static str>,
) -> Row {
    Row { name, faults, upset: Upset::Nothing, says }
}

/// The same where agents do not hear of the end.
const fn stops(
    name: &'static str,
    faults: &'static [&'static str],
    says: Option<&'static str>,
) -> Row {
    Row { name, faults, upset: Upset::Deaf, says }
}

/// A row without calls that fail.
const fn upset(name: &'static str, upset: Upset, says: Option<&'static str>) -> Row {
    Row { name, faults: &[], upset, says }
}

const ROWS: &[Row] = &[
    calls("nothing", &[], None),
    calls(
        "RunTask is throttled",
        &["RunTask:throttle:5"],
        Some("AWS throttles RunTask: calls go more slowly for a while"),
    ),
    calls(
        "RunTask fails",
        &["RunTask:error-before:3"],
        Some("(ServerException); task 00000-1 is asked for again"),
    ),
    calls(
        "RunTask fails after its effect",
        &["RunTask:error-after:3"],
        Some("(ServerException); task 00000-1 is asked for again"),
    ),
    calls(
        "RunTask breaks off",
        &["RunTask:reset-before:3"],
        Some("connection reset; task 00000-1 is asked for again"),
    ),
    calls(
        "RunTask breaks off after its effect",
        &["RunTask:reset-after:3"],
        Some("connection reset; task 00000-1 is asked for again"),
    ),
    calls(
        "RunTask is slow",
        &["RunTask:slow=9s:3"],
        Some("RunTask: no answer within 7 s; task 00000-1 is asked for again"),
    ),
    stops(
        "StopTask is throttled",
        &["StopTask:throttle:5"],
        Some("AWS throttles StopTask: calls go more slowly for a while"),
    ),
    stops(
        "StopTask fails",
        &["StopTask:error-before:3"],
        Some("(ServerException); the task is told again"),
    ),
    stops(
        "StopTask fails after its effect",
        &["StopTask:error-after:3"],
        Some("(ServerException); the task is told again"),
    ),
    stops(
        "StopTask breaks off",
        &["StopTask:reset-before:3"],
        Some("connection reset; the task is told again"),
    ),
    stops(
        "StopTask breaks off after its effect",
        &["StopTask:reset-after:3"],
        Some("connection reset; the task is told again"),
    ),
    stops("StopTask is slow", &["StopTask:slow=20s:3"], Some("after 10s; the task is told again")),
    calls(
        "wish: answer lost",
        &["PutObject@wish.json:reset-after:3"],
        Some("connection reset; the run begins as soon as its bucket can be written"),
    ),
    calls(
        "wish: error",
        &["PutObject@wish.json:error-before:3"],
        Some("(InternalError); the run begins as soon as its bucket can be written"),
    ),
    calls("slots: answer lost", &["PutObject@slots/:reset-after:3"], None),
    calls(
        "slots: error",
        &["PutObject@slots/:error-before:6"],
        Some("no task is started before its slot is written"),
    ),
    calls(
        "leader: answer lost",
        &["PutObject@leader.json:reset-after:3"],
        Some("connection reset; who leads is looked at again"),
    ),
    calls(
        "leader: error",
        &["PutObject@leader.json:error-before:3"],
        Some("(InternalError); who leads is looked at again"),
    ),
    calls(
        "DescribeTasks is throttled",
        &["DescribeTasks:throttle:5"],
        Some("(ThrottlingException); tasks are looked at more slowly"),
    ),
    Row {
        upset: Upset::Steered,
        ..calls("edits: answer lost", &["PutObject@wish.json:reset-after:2"], None)
    },
    Row {
        upset: Upset::Steered,
        ..calls(
            "edits: error",
            &["PutObject@wish.json:error-before:9"],
            Some("(InternalError); the wish is written again"),
        )
    },
    upset(
        "tasks are lost in the ramp",
        Upset::RampLosesTasks,
        Some(
            "00001-1 with 250 devices ended by itself: exit code 137, Essential container in task exited; it is replaced",
        ),
    ),
    upset(
        "tasks are lost in the hold",
        Upset::HoldLosesTasks,
        Some(
            "00001-1 with 250 devices ended by itself: exit code 137, Essential container in task exited; it is replaced",
        ),
    ),
    upset("an instance is lost", Upset::LosesMachine, Some("terminated.; it is replaced")),
    upset("the cloud lags by three seconds", Upset::Lag, None),
    upset("the cluster is too small", Upset::Full, None),
];

#[test]
fn whatever_fails_nothing_is_doubled_lost_or_left() {
    each(ROWS, |row| row.name.to_owned(), run);
}

async fn run(row: &Row) {
    let world = World::new(11, |options| {
        options.instances = 3;
        if row.upset == Upset::Lag {
            options.lag = Duration::from_secs(3);
        }
        if row.upset == Upset::Full {
            (options.instances, options.tasks_per_instance) = (1, 3);
        }
    });
    let strike =
        || row.faults.iter().for_each(|it| world.local.faults().add(it.parse().expect(it)));
    if row.upset != Upset::Steered {
        strike();
    }
    let seat = world.controller("a");
    bring_up(row, &world, &seat).await;
    if row.upset == Upset::Steered {
        strike();
    }
    steer(&world, &seat).await;
    world.agents_hear(row.upset != Upset::Deaf);
    seat.end_run(false).await;
    seat.until("it has ended", 15 * MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| run.phase == Phase::Ended && run.summary.is_some())
    })
    .await;
    let ledger = world.ledger();
    assert_eq!((ledger.tasks, ledger.alive(), ledger.doubled()), (0, 0, 0));
    assert_eq!(seat.cloud.list_tasks(None).await.expect("listed"), Vec::<String>::new());
    assert_eq!(world.local.faults().struck().len(), row.faults.len(), "all faults have struck");
    assert_says(row, &seat);
    seat.leave().await;
}

/// A thousand devices, paused on their way up.
async fn bring_up(row: &Row, world: &World, seat: &Seat) {
    seat.add(1000, Duration::from_secs(10)).await;
    if row.upset == Upset::Full {
        seat.until("one waits for room", MINUTE, |it| it.tasks.value.waiting_for_room == 1).await;
        seat.order(Command::ScaleBy(1, None)).await;
    }
    world.until("some are alive", 5 * MINUTE, |it| it.alive() >= 200).await;
    if row.upset == Upset::RampLosesTasks {
        lose_tasks(world, seat).await;
    }
    seat.order(Command::Pause).await;
    world.run_for(Duration::from_secs(5)).await;
    let paused = world.ledger().alive();
    assert!(paused < 1000, "{paused} run although starts are paused");
    world.run_for(Duration::from_secs(5)).await;
    assert_eq!(world.ledger().alive(), paused, "none starts while starts are paused");
    seat.order(Command::Resume).await;
    world.until("all are alive", 15 * MINUTE, |it| it.alive() == 1000).await;
    match row.upset {
        Upset::HoldLosesTasks => lose_tasks(world, seat).await,
        Upset::LosesMachine => {
            let instances = seat.cloud.container_instances().await.expect("described");
            let busy = instances.iter().find(|it| it.running > 0).expect("one with tasks");
            assert!(world.local.lose_instance(&busy.machine_id), "{busy:?}");
        }
        _ => {}
    }
    world.run_for(MINUTE / 3).await;
    world.until("all are alive again", 15 * MINUTE, |it| it.alive() == 1000).await;
    assert_alive(world, 0..1000);
}

async fn steer(world: &World, seat: &Seat) {
    seat.order(Command::Remove { devices: 300 }).await;
    world.until("700 are left", 5 * MINUTE, |it| it.alive() == 700).await;
    assert_alive(world, 0..700);
    seat.add(300, Duration::from_secs(5)).await;
    world.until("300 others are there", 5 * MINUTE, |it| it.alive() == 1000).await;
    world.run_for(MINUTE / 6).await;
    // An index is never used again.
    assert_alive(world, (0..700).chain(1000..1300));
}

async fn lose_tasks(world: &World, seat: &Seat) {
    let tasks = seat.cloud.list_tasks(None).await.expect("listed");
    let lost = tasks.iter().filter(|arn| world.local.lose_task(arn)).take(2).count();
    assert_eq!(lost, 2, "{tasks:?}");
}

/// What the person reads that is no mere information.
fn assert_says(row: &Row, seat: &Seat) {
    let notices = seat.handle.snapshots.borrow().notices.clone();
    let told: Vec<_> = notices.iter().filter(|it| it.level > Level::Info).collect();
    for notice in &told {
        println!("{}: {:?} ×{} {}", row.name, notice.level, notice.times, notice.text);
    }
    match row.says {
        Some(text) => assert!(told.iter().any(|it| it.text.contains(text)), "{text}: {told:#?}"),
        None => assert!(told.is_empty(), "{told:#?}"),
    }
}
