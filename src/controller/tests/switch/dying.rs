//! Leaders that die for good, at every step and at any time.

use proptest::{prelude::*, test_runner::Config};

use super::*;
use crate::{controller::tests::each, local::sim::paused};

/// Where a leader dies for good: an intent of its journal, and before or after its call.
#[derive(Debug, Clone, Copy)]
struct Step {
    kind: IntentKind,
    number: u32,
    moment: Moment,
}

#[test]
fn wherever_the_leader_dies_nothing_runs_after_the_lease() {
    let kinds = [
        (IntentKind::BeginRun, 1),
        (IntentKind::PutWish, 2),
        (IntentKind::PutWish, 4),
        (IntentKind::PutLeader, 1),
        (IntentKind::PutSlots, 1),
        (IntentKind::RunTask, 1),
        (IntentKind::RunTask, 2),
        (IntentKind::SetDesiredCapacity, 1),
        (IntentKind::ClaimGroup, 1),
        (IntentKind::ClaimGroup, 2),
        (IntentKind::PutScheduledAction, 1),
        (IntentKind::PutScheduledAction, 2),
        (IntentKind::PutScheduledAction, 3),
    ];
    let steps: Vec<Step> = kinds
        .into_iter()
        .flat_map(|(kind, number)| {
            [Moment::Before, Moment::After].map(|moment| Step { kind, number, moment })
        })
        .collect();
    each(
        &steps,
        |step| format!("{step:?}"),
        async |step| {
            let (world, cloud) = world(3, 0).await;
            let a = own(&world, "a");
            let crashed = arm(step.kind, step.number, step.moment);
            a.add(500, 5 * SECOND).await;
            a.order(Command::ScaleTo(MACHINES + 1, None)).await;
            let crashed = tokio::time::timeout(5 * MINUTE, crashed.notified()).await;
            assert!(crashed.is_ok(), "{step:?} never came");
            a.leave().await;
            disarm();
            let claims = read(&cloud).await.expect("read").map_or(0, |(note, _)| note.claims.len());
            let set = cloud.scheduled(ACTION).await.expect("described");
            if set.is_none() {
                // Nothing had begun that would cost anything.
                assert_eq!((world.running_tasks(), group(&cloud).await.desired), (0, MACHINES));
                assert!(claims <= 1);
                return;
            }
            watch(&world, &cloud, async || cloud_now(&cloud).await).await;
        },
    );
}

proptest! {
    #![proptest_config(Config { cases: cases(10), max_shrink_iters: 8, failure_persistence: None, ..Config::default() })]
    /// The leader is killed at any time, another one may come for a while and is killed,
    /// too, while calls fail.
    #[test]
    fn whenever_the_leaders_die_nothing_runs_after_the_lease(
        seed in 0..10_000_u64,
        first_ms in 0..150_000_u64,
        gap_ms in 0..40_000_u64,
        second_ms in prop::option::of(0..150_000_u64),
        share in 0..20_u32,
    ) {
        paused(async {
            let (world, cloud) = world(seed, 0).await;
            for call in ["PutScheduledUpdateGroupAction", "DescribeScheduledActions", "PutObject"] {
                let fault = format!("{call}:error-after:{share}%");
                world.local.faults().add(fault.parse().expect("a fault"));
            }
            let a = own(&world, "a");
            a.add(500, 5 * SECOND).await;
            world.run_for(Duration::from_millis(first_ms)).await;
            a.leave().await;
            world.run_for(Duration::from_millis(gap_ms)).await;
            if let Some(second_ms) = second_ms {
                let b = seat(&world, "b", LEASE, Join::Latest);
                world.run_for(Duration::from_millis(second_ms)).await;
                b.leave().await;
            }
            world.local.faults().clear();
            if cloud.scheduled(ACTION).await.expect("described").is_some() {
                watch(&world, &cloud, async || cloud_now(&cloud).await).await;
            } else {
                // It was never begun, or brought to its end.
                world.run_for(5 * MINUTE).await;
                assert_eq!((world.running_tasks(), world.ledger().alive()), (0, 0));
            }
        });
    }
}

/// So many cases, or as many as `PROPTEST_CASES` says.
fn cases(usual: u32) -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    asked.unwrap_or(usual)
}
