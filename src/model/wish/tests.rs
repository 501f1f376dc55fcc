//! What the wish becomes, edit by edit, and over any sequence of edits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const LEASE: Millis = 600_000;

fn batch(first: u32, count: u32) -> Batch {
    Batch {
        first,
        count,
        execution: 0,
        start_at: None,
        over_ms: 60_000,
        spread: Spread::Uniform,
        seed: 7,
    }
}

fn edit(id: &str, change: Change) -> Edit {
    Edit { id: id.to_string(), change }
}

/// The wish after these changes, each made at this time.
fn after(wish: &Wish, changes: &[(Millis, Change)]) -> Wish {
    changes.iter().fold(wish.clone(), |wish, (now, change)| {
        let id = format!("{}-{change:?}", wish.version);
        wish.edited(&edit(&id, change.clone()), *now)
    })
}

fn new() -> Wish {
    Wish::new("plan-1.json", LEASE)
}

const STOP: Change = Change::Stop { scale_to_zero: false };

#[test]
fn the_written_form_is_the_contract() {
    let mut wish = Wish::new("plan-3.json", LEASE)
        .edited(&edit("9f", Change::Add(batch(0, 1000))), 0)
        .edited(&edit("a0", Change::Open { firsts: vec![0], at: 5 }), 0)
        .edited(&edit("a1", Change::Remove { count: 100 }), 0)
        .edited(&edit("a2", Change::Pause { at: 9 }), 0);
    wish.rates.insert(0, 1200.0);
    let written = serde_json::to_value(&wish).expect("a wish is JSON");
    assert_eq!(
        written,
        serde_json::json!({
            "version": 5, "edits": ["9f", "a0", "a1", "a2"], "state": "paused",
            "lease_until": 600_000, "ends_at": null, "plan": "plan-3.json",
            "poll_ms": 1000, "report_ms": 1000, "results_ms": 60000,
            "batches": [{"first": 0, "count": 1000, "execution": 0, "start_at": 5,
                "over_ms": 60000, "spread": "uniform", "seed": 7}],
            "live": "0-899", "pauses": [{"from": 9, "to": null}], "rates": {"0": 1200.0}
        })
    );
    assert_eq!(serde_json::from_value::<Wish>(written).expect("and back"), wish);
}

#[test]
fn what_is_newer_than_the_reader_is_ignored() {
    let mut written = serde_json::to_value(after(
        &new(),
        &[(0, Change::Drain { machine: "i-1".into() }), (0, Change::Stop { scale_to_zero: true })],
    ))
    .expect("a wish is JSON");
    assert_eq!(written["drain"], serde_json::json!(["i-1"]));
    assert_eq!(written["scale_to_zero"], true);
    written["moon"] = serde_json::json!({"phase": "full"});
    written["batches"] = serde_json::json!([{"first": 0, "count": 1, "execution": 0,
        "start_at": null, "over_ms": 0, "spread": "at-once", "seed": 0, "moon": 1}]);
    let read: Wish = serde_json::from_value(written).expect("readable");
    assert_eq!((read.drain, read.scale_to_zero), (vec!["i-1".to_owned()], true));
}

#[test]
fn an_edit_lands_once() {
    let add = edit("x", Change::Add(batch(0, 10)));
    let wish = new().edited(&add, 0).edited(&add, 0);
    assert_eq!((wish.live.len(), wish.version), (10, 2));
}

#[test]
fn the_latest_edits_are_remembered() {
    let mut wish = new();
    for n in 0..100_u64 {
        wish = wish.edited(&edit(&n.to_string(), Change::Renew { until: LEASE + n }), 0);
    }
    assert_eq!((wish.version, wish.edits.len()), (101, EDITS_REMEMBERED));
    assert_eq!(wish.edits.first().map(String::as_str), Some("68"));
    assert!(wish.has_edit("68") && wish.has_edit("99") && !wish.has_edit("67"));
    // Made from version 69: 32 edits since. From 68, one of them is forgotten.
    assert!(wish.remembers_since(69) && !wish.remembers_since(68));
    assert!(new().remembers_since(1));
}

#[test]
fn stop_is_final() {
    let stopped = after(&new(), &[(0, Change::Add(batch(0, 10))), (0, STOP)]);
    assert_eq!(stopped.state, State::Stop);
    for change in everything() {
        assert_eq!(after(&stopped, &[(0, change.clone())]), stopped, "{change:?}");
    }
    assert!(!stopped.is_lapsed(Millis::MAX), "it has no lease to lose");
}

#[test]
fn a_lapsed_lease_is_final() {
    let wish = after(&new(), &[(0, Change::Add(batch(0, 10)))]);
    let lapse = LEASE - LAPSE_MARGIN_MS;
    assert!(!wish.is_lapsed(lapse - 1) && wish.is_lapsed(lapse) && wish.is_lapsed(Millis::MAX));
    for change in everything() {
        let before = after(&wish, &[(lapse - 1, change.clone())]);
        assert_eq!(before.version, wish.version + 1, "{change:?}");
        let late = after(&wish, &[(lapse, change.clone())]);
        if matches!(change, Change::Stop { .. }) {
            assert_eq!(late.state, State::Stop);
        } else {
            assert_eq!(late, wish, "{change:?}");
        }
    }
    let renewed = after(&wish, &[(lapse - 1, Change::Renew { until: 2 * LEASE })]);
    assert!(!renewed.is_lapsed(lapse));
    // Two controllers renewed; the one whose clock is behind takes nothing back.
    let again = after(&renewed, &[(lapse - 1, Change::Renew { until: LEASE + 1 })]);
    assert_eq!(again.lease_until, 2 * LEASE);
}

/// One of each change.
fn everything() -> Vec<Change> {
    let mut devices = DeviceSet::new();
    devices.insert(0, 3);
    vec![
        Change::Add(batch(10, 5)),
        Change::Remove { count: 1 },
        Change::Drop { devices },
        Change::Open { firsts: vec![0], at: 1 },
        Change::Pause { at: 1 },
        Change::Resume { at: 1 },
        Change::Renew { until: 9 * LEASE },
        Change::EndAt { at: Some(1) },
        Change::Poll { ms: 1 },
        Change::Drain { machine: "i-1".into() },
        Change::Drained { machine: "i-1".into() },
        Change::Restart { slot: 1, attempt: 1 },
        Change::Restarted { slot: 1, attempt: 1 },
        Change::Stop { scale_to_zero: true },
    ]
}

#[test]
fn a_batch_opens_once_and_never_changes() {
    let two = after(&new(), &[(0, Change::Add(batch(0, 10))), (0, Change::Add(batch(10, 10)))]);
    let one = after(&two, &[(0, Change::Open { firsts: vec![0, 7], at: 50 })]);
    let starts = |wish: &Wish| wish.batches.iter().map(|it| it.start_at).collect::<Vec<_>>();
    assert_eq!(starts(&one), [Some(50), None]);
    for at in [20, 90] {
        let both = after(&one, &[(0, Change::Open { firsts: vec![0, 10], at })]);
        assert_eq!(starts(&both), [Some(50), Some(at)]);
    }
    let less = after(&one, &[(0, Change::Remove { count: 15 })]);
    assert_eq!(less.batches, one.batches);
}

#[test]
fn exactly_what_is_dropped_goes() {
    let wish = after(&new(), &[(0, Change::Add(batch(0, 10)))]);
    let devices = "2-3,8-20".parse().expect("a set");
    let less = after(&wish, &[(0, Change::Drop { devices })]);
    assert_eq!(less.live.to_string(), "0-1,4-7");
    assert_eq!(less.next_index(), 10);
}

#[test]
fn a_batch_that_cannot_be_is_none() {
    let wish = after(&new(), &[(0, Change::Add(batch(0, 0)))]);
    assert!(wish.batches.is_empty());
    let full = after(&wish, &[(0, Change::Add(batch(u32::MAX - 10, 10)))]);
    assert_eq!(full.next_index(), u32::MAX);
    let more = after(&full, &[(0, Change::Add(batch(0, 1)))]);
    assert_eq!((more.live.len(), more.batches.len()), (10, 1));
}

#[test]
fn resuming_moves_the_end_by_the_pause() {
    let end = Change::EndAt { at: Some(100) };
    let paused = after(&new(), &[(0, end), (0, Change::Pause { at: 40 })]);
    assert_eq!(paused.state, State::Paused);
    assert_eq!(after(&paused, &[(0, Change::Pause { at: 45 })]).pauses, paused.pauses);
    let wish = after(&paused, &[(0, Change::Resume { at: 70 })]);
    assert_eq!((wish.state, wish.ends_at), (State::Run, Some(130)));
    assert_eq!(after(&wish, &[(0, Change::Resume { at: 90 })]).ends_at, Some(130));
    let never = after(&wish, &[(0, Change::EndAt { at: None })]);
    assert_eq!(never.ends_at, None);
    let paused = after(&never, &[(0, Change::Pause { at: 200 })]);
    assert_eq!(after(&paused, &[(0, Change::Resume { at: 300 })]).ends_at, None);
}

#[test]
fn pauses_follow_each_other_whoever_made_them() {
    // The second controller's clock is 10 ms behind, and so is who resumes.
    let changes = [Change::Pause { at: 40 }, Change::Resume { at: 70 }, Change::Pause { at: 60 }];
    let wish = after(&new(), &changes.map(|change| (0, change)));
    let wish = after(&wish, &[(0, Change::Resume { at: 65 })]);
    let pause = |from, to| Pause { from, to: Some(to) };
    assert_eq!(wish.pauses, [pause(40, 70), pause(70, 70)]);
}

#[test]
fn an_instance_drains_once() {
    let drain = |machine: &str| (0, Change::Drain { machine: machine.into() });
    let wish = after(&new(), &[drain("i-1"), drain("i-2"), drain("i-1")]);
    assert_eq!(wish.drain, ["i-1", "i-2"]);
    let gone = (0, Change::Drained { machine: "i-1".into() });
    assert_eq!(after(&wish, &[gone.clone(), gone]).drain, ["i-2"]);
}

#[test]
fn a_task_is_replaced_once_and_by_its_attempt() {
    let restart = |slot, attempt| (0, Change::Restart { slot, attempt });
    let wish = after(&new(), &[restart(3, 1), restart(4, 2), restart(3, 1)]);
    assert_eq!(wish.restarts, [(3, 1), (4, 2)]);
    let gone = |slot, attempt| (0, Change::Restarted { slot, attempt });
    assert_eq!(after(&wish, &[gone(3, 2)]).restarts, wish.restarts, "another attempt");
    let none = after(&wish, &[gone(3, 1), gone(4, 2), gone(4, 2)]);
    let written = |wish: &Wish| serde_json::to_string(wish).expect("JSON");
    assert!(written(&wish).contains(r#""restarts":[[3,1],[4,2]]"#));
    assert!(!written(&none).contains("restarts"), "left out while it says nothing");
}

#[test]
fn stop_says_what_becomes_of_the_instances() {
    for scale_to_zero in [false, true] {
        let wish = after(&new(), &[(0, Change::Stop { scale_to_zero })]);
        assert_eq!(wish.scale_to_zero, scale_to_zero);
    }
}

#[test]
fn a_thousand_tasks_look_once_a_second() {
    assert_eq!([0, 1, 1_000, 1_001, 10_000].map(pace), [1_000, 1_000, 1_000, 1_001, 10_000]);
    let wish = after(&new(), &[(0, Change::Poll { ms: 5_000 })]);
    assert_eq!(wish.poll_ms, 5_000);
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0u32..300, 0u32..100).prop_map(|(first, count)| Change::Add(batch(first, count))),
        (0u32..100).prop_map(|count| Change::Remove { count }),
        (0u32..300, 0u32..50).prop_map(|(first, count)| {
            let mut devices = DeviceSet::new();
            devices.insert(first, count);
            Change::Drop { devices }
        }),
        (prop::collection::vec(0u32..300, 0..5), 0u64..2_000)
            .prop_map(|(firsts, at)| Change::Open { firsts, at }),
        (0u64..2_000).prop_map(|at| Change::Pause { at }),
        (0u64..2_000).prop_map(|at| Change::Resume { at }),
        (0u64..2_000).prop_map(|at| Change::EndAt { at: Some(at) }),
        (0u64..LEASE * 2).prop_map(|until| Change::Renew { until }),
        Just(STOP),
    ]
}

proptest! {
    #[test]
    fn whatever_is_edited_the_rules_hold(
        steps in prop::collection::vec((changes(), 0u64..10_000), 1..60),
    ) {
        let mut wish = new();
        let mut ever = BTreeSet::new();
        let mut now = 0;
        for (n, (change, gap)) in steps.into_iter().enumerate() {
            now += gap;
            let before = wish.clone();
            let edit = edit(&n.to_string(), change);
            wish = before.edited(&edit, now);
            prop_assert_eq!(&wish, &wish.edited(&edit, now), "an edit lands once");
            prop_assert!(wish == before || wish.version == before.version + 1);
            prop_assert_eq!(wish.has_edit(&edit.id), wish != before);
            if before.state == State::Stop {
                prop_assert_eq!(&wish, &before);
            }
            if before.is_lapsed(now) {
                prop_assert!(wish == before || wish.state == State::Stop);
                prop_assert_eq!(&wish.live, &before.live);
            }
            prop_assert!(wish.lease_until >= before.lease_until);
            // No device comes back, and each has one batch.
            for index in wish.live.iter().filter(|index| !before.live.contains(*index)) {
                prop_assert!(ever.insert(index));
            }
            let owned: u32 = wish.batches.iter().map(|it| it.count).sum();
            prop_assert_eq!(owned as usize, ever.len());
            prop_assert!(wish.live.iter().all(|index| wish.batch_of(index).is_some()));
            // Batches stay what they are, but for the opening of a window.
            prop_assert!(wish.batches.len() >= before.batches.len());
            for (old, new) in before.batches.iter().zip(&wish.batches) {
                let opened = Batch { start_at: old.start_at.or(new.start_at), ..old.clone() };
                prop_assert_eq!(new, &opened);
            }
            // Pauses are ascending and apart, and only the last may be open.
            let mut floor = 0;
            for (n, pause) in wish.pauses.iter().enumerate() {
                prop_assert!(pause.from >= floor);
                prop_assert!(pause.to.is_some() || n + 1 == wish.pauses.len());
                floor = pause.to.unwrap_or(pause.from);
                prop_assert!(floor >= pause.from);
            }
            let open = wish.pauses.last().is_some_and(|pause| pause.to.is_none());
            prop_assert!(open == (wish.state == State::Paused) || wish.state == State::Stop);
            let text = serde_json::to_string(&wish).expect("a wish is JSON");
            prop_assert_eq!(serde_json::from_str::<Wish>(&text).expect("and back"), wish.clone());
        }
    }
}

#[test]
fn the_report_interval_grows_with_the_tasks_and_never_shrinks() {
    let intervals = [
        (0, 1_000),
        (100, 1_000),
        (101, 5_000),
        (500, 5_000),
        (501, 10_000),
        (1_001, 30_000),
        (3_001, 60_000),
        (100_000, 60_000),
    ];
    for (tasks, ms) in intervals {
        assert_eq!(report_interval(tasks, 1_000), ms, "{tasks} tasks");
    }
    assert_eq!(report_interval(1, 10_000), 10_000, "not below what the site asks for");
    let edit = |id: &str, ms| Edit { id: id.into(), change: Change::Report { ms } };
    let wish = Wish::new("p", 1_000_000).edited(&edit("a", 10_000), 0);
    assert_eq!(wish.report_ms, 10_000);
    assert_eq!(wish.edited(&edit("b", 5_000), 0).report_ms, 10_000);
}

#[test]
fn a_rate_is_set_and_taken_away_and_nonsense_changes_nothing() {
    let rate = |per_s| (0, Change::Rate { execution: 0, per_s });
    let paced = after(&new(), &[rate(Some(500.0)), rate(Some(0.0)), rate(Some(f64::NAN))]);
    assert_eq!(paced.rates, [(0, 500.0)].into());
    assert_eq!(after(&paced, &[rate(None)]).rates, BTreeMap::new());
}

#[test]
fn a_plan_is_named() {
    let opened = after(&new(), &[(0, Change::Plan { plan: "plan-2.json".into() })]);
    assert_eq!((opened.plan.as_str(), opened.version), ("plan-2.json", 2));
}
