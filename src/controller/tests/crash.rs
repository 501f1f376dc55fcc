//! The crash table: the controller dies at every kind of intent of its journal, in
//! every phase in which it occurs, just before the call and just after its effect;
//! another one goes on, and the run is what it would have been.
//!
//! Invariant: the steps are those that an undisturbed run notes, on a group of its own; a
//! kind that none of its phases reaches fails the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;

use super::{MINUTE, Moment, arm, assert_alive, disarm, each};
use crate::{
    cloud::types::Fetched,
    controller::{
        Command, Join,
        snapshot::{LeadView, TaskState},
    },
    local::sim::{Seat, World},
    model::{
        registry::Registry,
        switch::ACTION,
        wish::{State, Wish},
    },
    record::IntentKind,
    report::Summary,
};

/// What a person does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// A thousand devices.
    Launch,
    /// One task is replaced.
    Restart,
    /// 300 fewer.
    Removal,
    /// An instance more.
    Out,
    /// An instance fewer.
    In,
    /// The end; agents do not hear of it, so that all tasks must be told.
    Kill,
}

impl Phase {
    const ALL: [Phase; 6] =
        [Phase::Launch, Phase::Restart, Phase::Removal, Phase::Out, Phase::In, Phase::Kill];

    fn order(self) -> Command {
        match self {
            Phase::Launch => Command::Add {
                devices: 1000,
                over: Duration::from_secs(10),
                spread: crate::model::wish::Spread::Uniform,
                seed: Some(7),
            },
            Phase::Restart => Command::StopTask {
                slot: 1,
                attempt: 1,
                confirmed: crate::model::confirmed::Confirmed::ByPlan,
            },
            Phase::Removal => Command::Remove { devices: 300 },
            Phase::Out => Command::ScaleTo(MACHINES + 1, None),
            Phase::In => Command::ScaleTo(MACHINES, None),
            Phase::Kill => Command::End {
                scale_to_zero: false,
                confirmed: crate::model::confirmed::Confirmed::ByPlan,
            },
        }
    }
}

/// Instances at the start.
const MACHINES: u32 = 2;

/// Where a controller dies.
#[derive(Debug, Clone, Copy)]
struct Step {
    phase: Phase,
    kind: IntentKind,
    number: u32,
    moment: Moment,
}

#[test]
fn whenever_a_controller_dies_another_one_goes_on() {
    let steps = steps();
    println!("{} steps", steps.len());
    let mut kinds: BTreeSet<_> = steps.iter().map(|step| step.kind).collect();
    // Nothing is put back unless the switch has fired: see the switch's own tests.
    kinds.insert(IntentKind::SetLimits);
    assert_eq!(kinds, IntentKind::ALL.iter().copied().collect(), "every kind is reached");
    each(
        &steps,
        |step| format!("{step:?}"),
        async |step| {
            live(Some(*step)).await;
        },
    );
}

/// The first and the last intent of each kind in each phase of an undisturbed run.
fn steps() -> Vec<Step> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let mut steps = Vec::new();
    for (phase, noted) in runtime.block_on(live(None)) {
        println!("{phase:?}: {noted:?}");
        for (kind, count) in noted {
            for number in BTreeSet::from([1, count]) {
                for moment in [Moment::Before, Moment::After] {
                    steps.push(Step { phase, kind, number, moment });
                }
            }
        }
    }
    steps
}

/// A run from its begin to its end; what each phase noted.
async fn live(step: Option<Step>) -> BTreeMap<Phase, BTreeMap<IntentKind, u32>> {
    let world = World::new(13, |options| options.instances = MACHINES);
    let mut seat = controller(&world);
    let mut noted = BTreeMap::new();
    for phase in Phase::ALL {
        world.agents_hear(phase != Phase::Kill);
        disarm();
        match step.filter(|step| step.phase == phase) {
            Some(step) => {
                let crashed = arm(step.kind, step.number, step.moment);
                seat.order(phase.order()).await;
                let crashed = tokio::time::timeout(3 * MINUTE, crashed.notified()).await;
                assert!(crashed.is_ok(), "{step:?} never came");
                seat.leave().await;
                disarm();
                seat = controller(&world);
                go_on(&world, &seat, phase).await;
            }
            None => seat.order(phase.order()).await,
        }
        reach(&world, &seat, phase).await;
        // What is noted afterwards is of this phase, too.
        world.run_for(Duration::from_secs(5)).await;
        noted.insert(phase, disarm());
    }
    seat.leave().await;
    noted
}

fn controller(world: &World) -> Seat {
    world.controller_with("a", |options| {
        options.join = Join::Latest;
        options.policy.owns_group = true;
        options.details = true;
    })
}

/// What a person does who starts loadtop again: looks what is there, and gives the
/// order again if nothing of it is.
async fn go_on(world: &World, seat: &Seat, phase: Phase) {
    seat.until("runs were looked for", MINUTE, |it| !it.finding).await;
    let wish = wish(seat).await;
    let live = wish.as_ref().map_or(0, |wish| wish.live.len());
    let desired = seat.cloud.group().await.expect("described").desired;
    let there = match phase {
        Phase::Launch => live == 1000,
        // Asked for again, it means no later attempt.
        Phase::Restart => false,
        Phase::Removal => live == 700,
        Phase::Out => desired == MACHINES + 1,
        Phase::In => desired == MACHINES || wish.is_some_and(|wish| !wish.drain.is_empty()),
        Phase::Kill => wish.is_none_or(|wish| wish.state == State::Stop),
    };
    if seat.handle.snapshots.borrow().run.is_some() {
        seat.until("it leads", MINUTE, |it| {
            it.run.as_ref().is_none_or(|run| matches!(run.lead, LeadView::Us { .. }))
        })
        .await;
    }
    if !there {
        seat.order(phase.order()).await;
    }
    assert_eq!(world.ledger().doubled(), 0);
}

/// Waits until a phase has come to its end, and checks that it is as in any run.
async fn reach(world: &World, seat: &Seat, phase: Phase) {
    let deadline = 5 * MINUTE;
    match phase {
        Phase::Launch => {
            world.until("1000 are alive", deadline, |it| it.alive() == 1000).await;
            seat.until("4 tasks run", deadline, |it| it.tasks.value.running == 4).await;
            assert_alive(world, 0..1000);
        }
        Phase::Restart => {
            seat.until("it is replaced", deadline, |it| {
                let row = it.task_rows.value.iter().find(|row| row.slot == 1);
                row.is_some_and(|row| (row.attempt, row.state) == (2, TaskState::Running))
            })
            .await;
            world.until("1000 are alive", deadline, |it| it.alive() == 1000).await;
            assert_alive(world, 0..1000);
            assert_eq!(seat.handle.snapshots.borrow().tasks.value.failed, 0);
        }
        Phase::Removal => {
            world.until("700 in 3 tasks", deadline, |it| (it.alive(), it.tasks) == (700, 3)).await;
            assert_alive(world, 0..700);
        }
        Phase::Out | Phase::In => {
            let machines = MACHINES + u32::from(phase == Phase::Out);
            seat.until("the instances are there", deadline, |it| {
                let seen = &it.instances.value;
                (seen.desired, seen.registered, seen.leaving) == (machines, machines, 0)
            })
            .await;
            assert_alive(world, 0..700);
        }
        Phase::Kill => {
            world.until("no task is left", deadline, |it| it.tasks == 0).await;
            until_ended(world, seat).await;
            assert_alive(world, []);
        }
    }
    let ledger = world.ledger();
    assert_eq!((ledger.doubled(), ledger.runs.len()), (0, 1), "{ledger:?}");
}

/// The wish of the run that has not ended.
async fn wish(seat: &Seat) -> Option<Wish> {
    let run = seat.handle.snapshots.borrow().run.as_ref().map(|run| run.id.clone())?;
    let wish = object(seat, &format!("loadtop/{run}/wish.json")).await?;
    Some(serde_json::from_slice(&wish).expect("a wish"))
}

/// The only run has ended as every reader of the bucket sees, with all of its tasks.
async fn until_ended(world: &World, seat: &Seat) {
    let ledger = world.ledger();
    let run = ledger.runs.keys().next().expect("a run");
    let ended = async {
        loop {
            let registry = object(seat, &format!("loadtop/{run}/run.json")).await;
            let registry: Registry =
                serde_json::from_slice(&registry.expect("there")).expect("a registry");
            if registry.ended_at.is_some() {
                break;
            }
            world.run_for(Duration::from_secs(1)).await;
        }
    };
    let ended = tokio::time::timeout(5 * MINUTE, ended).await;
    let last = &seat.handle.snapshots;
    assert!(ended.is_ok(), "it never ends: {:?} {:#?}", last.borrow().run, last.borrow().notices);
    let summary = object(seat, &format!("loadtop/{run}/summary.json")).await.expect("a summary");
    serde_json::from_slice::<Summary>(&summary).expect("a summary");
    assert_eq!(seat.cloud.list_tasks(None).await.expect("listed"), Vec::<String>::new());
    assert_eq!(seat.cloud.scheduled(ACTION).await, Ok(None), "the switch is taken back");
}

async fn object(seat: &Seat, key: &str) -> Option<Bytes> {
    match seat.cloud.get_object(key, None).await.expect("answered").0 {
        Fetched::New(object) => Some(object.body),
        _ => None,
    }
}
