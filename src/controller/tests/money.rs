//! What runs cost, on a cloud whose machines were given a price; and their budgets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::MINUTE;
use crate::{
    controller::{
        Join, Snapshot,
        snapshot::{LeadView, Level, Phase},
    },
    local::sim::{Seat, World},
    model::{
        cost::{Bill, PartName},
        prices::Prices,
        registry::Policy,
    },
    report::RunResult,
};

/// What a machine of the local cloud costs here: a tenth of a cent a second.
const HOUR_USD: f64 = 3.6;
const SECOND_USD: f64 = HOUR_USD / 3_600.0;

/// Machines cost that much, and nothing else does.
fn prices() -> Option<Arc<Prices>> {
    let own = BTreeMap::from([
        ("local.large".to_owned(), HOUR_USD),
        ("put-metric-data".to_owned(), 0.0),
        ("get-metric-data".to_owned(), 0.0),
        ("s3-put".to_owned(), 0.0),
        ("s3-get".to_owned(), 0.0),
    ]);
    Prices::at(false, "us-east-1", &own)
}

fn seat(world: &World, name: &str, budget_usd: Option<f64>) -> Seat {
    world.controller_with(name, |options| {
        options.join = Join::Latest;
        options.prices = prices();
        options.policy = Policy { budget_usd, ..Policy::default() };
    })
}

fn bill(seat: &Seat) -> Bill {
    seat.handle.snapshots.borrow().cost.clone().expect("it costs")
}

fn instances_usd(bill: &Bill) -> f64 {
    let part = bill.parts.iter().find(|part| part.name == PartName::Instances);
    part.map_or(0.0, |part| part.so_far_usd)
}

fn has_ended(snapshot: &Snapshot) -> bool {
    snapshot.run.as_ref().is_some_and(|run| run.phase == Phase::Ended)
}

fn says(snapshot: &Snapshot, text: &str) -> bool {
    snapshot.notices.iter().any(|it| it.text.contains(text) && it.level >= Level::Warning)
}

#[track_caller]
fn assert_about(usd: f64, seconds: f64, within_s: f64) {
    let expected = seconds * SECOND_USD;
    let off = (usd - expected).abs() / SECOND_USD;
    assert!(off <= within_s, "${usd} is not ${expected}: {off} s of it are wrong");
}

#[tokio::test(start_paused = true)]
async fn machines_are_counted_while_the_run_is_on_and_the_summary_says_so() {
    let world = World::new(61, |_| {});
    let seat = seat(&world, "a", None);
    seat.add(500, Duration::from_secs(5)).await;
    seat.until("all run", MINUTE, |it| it.tasks.value.running == 2).await;
    let began = bill(&seat);
    world.run_for(10 * MINUTE).await;
    let later = bill(&seat);
    // One machine, which was there before; ten minutes are 60 cents.
    assert_about(instances_usd(&later) - instances_usd(&began), 600.0, 2.0);
    assert!((later.per_hour_usd - HOUR_USD).abs() < 1e-9, "{later:?}");
    assert!((later.before_usd - later.so_far_usd).abs() < 1e-9, "{later:?}");
    assert!(later.unknown.is_empty() && !later.estimate, "{later:?}");
    // A second one costs as much, and was not there before.
    seat.order(crate::controller::Command::ScaleTo(2, None)).await;
    seat.until("two are up", 2 * MINUTE, |it| it.instances.value.registered == 2).await;
    let two = bill(&seat);
    world.run_for(5 * MINUTE).await;
    assert_about(instances_usd(&bill(&seat)) - instances_usd(&two), 2.0 * 300.0, 3.0);
    seat.end_run(false).await;
    seat.until("it has ended", 3 * MINUTE, has_ended).await;
    let now = seat.handle.snapshots.borrow().clone();
    let summary = now.run.as_ref().and_then(|run| run.summary.clone()).expect("a summary");
    assert!((summary.cost_usd - bill(&seat).so_far_usd).abs() < 1e-9);
    let of = summary.cost.as_ref().expect("its parts");
    assert!(summary.cost_usd > of.before_usd && of.before_usd > 0.0, "{of:?}");
    let text = summary.to_string();
    assert!(text.contains("  cost       $1.") && text.contains("before the run"), "{text}");
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_successor_neither_loses_nor_doubles_what_was_spent() {
    let world = World::new(62, |_| {});
    let first = seat(&world, "a", None);
    first.add(250, Duration::from_secs(1)).await;
    first.until("it runs", MINUTE, |it| it.tasks.value.running == 1).await;
    let second = seat(&world, "b", None);
    let (began, since) = (bill(&first), Instant::now());
    world.run_for(5 * MINUTE).await;
    // Who follows says what the leader says, a few seconds later.
    let (leads, follows) = (bill(&first), bill(&second));
    assert!((leads.so_far_usd - follows.so_far_usd).abs() <= 6.0 * SECOND_USD, "{follows:?}");
    first.leave().await;
    second
        .until("it leads", MINUTE, |it| {
            it.run.as_ref().is_some_and(|run| matches!(run.lead, LeadView::Us { .. }))
        })
        .await;
    world.run_for(5 * MINUTE).await;
    second.end_run(false).await;
    second.until("it has ended", 3 * MINUTE, has_ended).await;
    let now = second.handle.snapshots.borrow().clone();
    let summary = now.run.as_ref().and_then(|run| run.summary.clone()).expect("a summary");
    // All the time counts once: also that in which nobody led.
    let passed = since.elapsed().as_secs_f64();
    assert!(passed > 600.0, "{passed}");
    assert_about(summary.cost_usd - instances_usd(&began), passed, 3.0);
    second.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_budget_ends_the_run_before_it_is_passed() {
    // Ten minutes of one machine.
    let budget = 0.6;
    let world = World::new(63, |_| {});
    let seat = seat(&world, "a", Some(budget));
    seat.add(500, Duration::from_secs(5)).await;
    seat.until("it is said before", 10 * MINUTE, |it| {
        says(it, "the budget of $0.60 is used up in")
    })
    .await;
    let left = bill(&seat).budget.and_then(|budget| budget.left_ms).expect("it costs");
    assert!((1..=300_000).contains(&left), "{left}");
    seat.until("it is said", 10 * MINUTE, |it| says(it, "the budget of $0.60 is used up: ")).await;
    seat.until("it has ended by itself", 3 * MINUTE, has_ended).await;
    assert_eq!((world.running_tasks(), world.ledger().alive()), (0, 0));
    let now = seat.handle.snapshots.borrow().clone();
    let summary = now.run.as_ref().and_then(|run| run.summary.clone()).expect("a summary");
    assert_eq!((summary.result, summary.exit_code), (RunResult::Stopped, 1));
    assert!(summary.cost_usd <= budget, "{summary:?}");
    // And not much before, either: what ending takes at most is a minute and a bit.
    assert!(summary.cost_usd > budget - 90.0 * SECOND_USD, "{}", summary.cost_usd);
    let text = summary.to_string();
    assert!(text.contains("  budget     $0.60: it ended the run"), "{text}");
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_another_leader_took_over_ends_the_run_too() {
    let world = World::new(64, |_| {});
    let first = seat(&world, "a", Some(0.6));
    first.add(250, Duration::from_secs(1)).await;
    first.until("it runs", MINUTE, |it| it.tasks.value.running == 1).await;
    let second = seat(&world, "b", None);
    world.run_for(5 * MINUTE).await;
    first.leave().await;
    second.until("it has ended by itself", 10 * MINUTE, has_ended).await;
    let now = second.handle.snapshots.borrow().clone();
    let summary = now.run.as_ref().and_then(|run| run.summary.clone()).expect("a summary");
    assert!(summary.cost_usd <= 0.6 && summary.cost_usd > 0.5, "{}", summary.cost_usd);
    assert_eq!(summary.exit_code, 1);
    second.leave().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_is_said_and_no_budget_counts_it() {
    let world = World::new(65, |_| {});
    let seat = world.controller_with("a", |options| {
        options.prices = Prices::at(true, "us-east-1", &BTreeMap::new());
        options.policy.budget_usd = Some(50.0);
    });
    seat.add(250, Duration::from_secs(1)).await;
    let unknown = "price of local.large in us-east-1 unknown: set it in [prices]";
    seat.until("it is unknown", MINUTE, |it| {
        it.cost.as_ref().is_some_and(|bill| bill.unknown == [unknown])
    })
    .await;
    seat.until("it is said", MINUTE, |it| says(it, "the budget counts without what is unknown"))
        .await;
    // Requests cost something all the same: ours are counted, those of agents estimated.
    world.run_for(10 * MINUTE).await;
    let bill = bill(&seat);
    let names: Vec<PartName> = bill.parts.iter().map(|part| part.name).collect();
    assert_eq!(names, [PartName::CloudWatch, PartName::S3]);
    assert!(bill.parts.iter().all(|part| part.estimate && part.so_far_usd > 0.0), "{bill:?}");
    seat.end_run(false).await;
    seat.until("it has ended", 3 * MINUTE, has_ended).await;
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn where_nothing_costs_nothing_is_said() {
    let world = World::new(66, |_| {});
    let seat = world.controller("a");
    seat.add(250, Duration::from_secs(1)).await;
    seat.until("it runs", MINUTE, |it| it.tasks.value.running == 1).await;
    world.run_for(MINUTE).await;
    assert_eq!(seat.handle.snapshots.borrow().cost, None);
    // A forecast there is all the same.
    let basis = seat.handle.snapshots.borrow().basis.clone().expect("it looks");
    assert_eq!((basis.per_task, basis.next, basis.last_has_task), (250, 250, false));
    seat.end_run(false).await;
    seat.until("it has ended", 3 * MINUTE, has_ended).await;
    let now = seat.handle.snapshots.borrow().clone();
    let summary = now.run.as_ref().and_then(|run| run.summary.clone()).expect("a summary");
    assert_eq!((summary.cost_usd, &summary.cost), (0.0, &None));
    seat.leave().await;
}
