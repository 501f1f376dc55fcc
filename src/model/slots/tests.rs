//! What the slot table does, step by step, and over any sequence of edits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::wish::{Batch, Change, Edit, Spread};

fn wish(counts: &[u32]) -> Wish {
    let mut wish = Wish::new("plan-1.json", Millis::MAX);
    for (n, &count) in counts.iter().enumerate() {
        let batch = Batch {
            first: 0,
            count,
            execution: 0,
            start_at: None,
            over_ms: 1000,
            spread: Spread::Uniform,
            seed: 1,
        };
        wish = wish.edited(&Edit { id: n.to_string(), change: Change::Add(batch) }, 0);
    }
    wish
}

fn remove(wish: &Wish, id: &str, count: u32) -> Wish {
    wish.edited(&Edit { id: id.into(), change: Change::Remove { count } }, 0)
}

#[test]
fn two_batches_share_a_task_that_has_room() {
    let mut slots = Slots::new(250);
    let steps = slots.steps(&wish(&[100, 100]), 0, None);
    assert_eq!(steps, [Step::Run { slot: 0, attempt: 1 }]);
    slots.asked(0, 1);
    assert_eq!(slots.steps(&wish(&[100, 100]), 0, None), []);
    assert_eq!(slots.steps(&wish(&[100, 200]), 0, None), [Step::Run { slot: 1, attempt: 1 }]);
}

#[test]
fn a_task_whose_devices_are_all_gone_is_stopped_and_its_slot_retired() {
    let mut slots = Slots::new(100);
    let full = wish(&[150]);
    for number in [0, 1] {
        let _ = slots.steps(&full, 0, None);
        slots.asked(number, 1);
        slots.answered(number, Outcome::Placed(format!("arn{number}")), 0);
    }
    let fewer = remove(&full, "r", 50);
    let stop = Step::Stop { slot: 1, arn: "arn1".into() };
    assert_eq!(slots.steps(&fewer, 1, None), std::slice::from_ref(&stop));
    assert_eq!(slots.steps(&fewer, 1, None), [stop], "named until it is on its way");
    slots.told_to_stop(1, true);
    assert_eq!(slots.steps(&fewer, 1, None), []);
    // The next batch would begin at 150, in the slot that goes: it begins behind it.
    assert_eq!(slots.usable_from(fewer.next_index()), 200);
    slots.gone(1, Gone::AsAsked, 2);
    assert_eq!(slots.steps(&fewer, 2, None), []);
    assert_eq!(slots.get(1).map(|slot| &slot.state), Some(&SlotState::Retired));
    assert_eq!(slots.usable_from(fewer.next_index()), 200);
    assert!(!slots.is_quiet());
}

#[test]
fn a_lost_task_is_replaced_later_and_later_and_then_given_up() {
    let mut slots = Slots::new(100);
    let one = wish(&[1]);
    let mut now = 0;
    let mut waits = Vec::new();
    for attempt in 1..=ATTEMPTS_MOST {
        assert_eq!(slots.steps(&one, now, None), [Step::Run { slot: 0, attempt }]);
        slots.asked(0, attempt);
        slots.answered(0, Outcome::Placed(attempt.to_string()), now);
        slots.gone(0, Gone::Lost, now);
        let Some(SlotState::Free { from, .. }) = slots.get(0).map(|it| it.state.clone()) else {
            break;
        };
        waits.push(from - now);
        assert_eq!(slots.steps(&one, from - 1, None), []);
        now = from;
    }
    assert_eq!(waits, [1000, 2000, 4000, 8000]);
    assert_eq!(slots.get(0).map(|slot| &slot.state), Some(&SlotState::GivenUp));
    assert_eq!(slots.steps(&one, now + 1_000_000, None), []);
}

#[test]
fn a_lost_answer_is_asked_again_with_the_same_attempt() {
    let mut slots = Slots::new(100);
    let one = wish(&[1]);
    let _ = slots.steps(&one, 0, None);
    slots.asked(0, 1);
    slots.answered(0, Outcome::Unknown, 0);
    assert_eq!(slots.steps(&one, 999, None), []);
    assert_eq!(slots.steps(&one, 1000, None), [Step::Run { slot: 0, attempt: 1 }]);
    let stopped =
        one.edited(&Edit { id: "s".into(), change: Change::Stop { scale_to_zero: false } }, 0);
    assert_eq!(slots.steps(&stopped, 1000, None), [Step::Run { slot: 0, attempt: 1 }]);
    assert!(!slots.is_quiet());
}

#[test]
fn who_waits_for_room_asks_when_room_comes() {
    let mut slots = Slots::new(100);
    let one = wish(&[1]);
    let _ = slots.steps(&one, 0, None);
    slots.asked(0, 1);
    slots.answered(0, Outcome::NoRoom, 0);
    assert_eq!(slots.steps(&one, 1, None), []);
    slots.room_came();
    assert_eq!(slots.steps(&one, 1, None), [Step::Run { slot: 0, attempt: 2 }]);
}

#[test]
fn one_slot_asks_for_all_that_wait_for_room() {
    let mut slots = Slots::new(10);
    let many = wish(&[1000]);
    assert_eq!(slots.steps(&many, 0, None).len(), 100);
    for number in 0..100 {
        slots.asked(number, 1);
        slots.answered(number, Outcome::NoRoom, 0);
    }
    assert_eq!(slots.steps(&many, 2_000, None), [Step::Run { slot: 0, attempt: 2 }]);
    slots.asked(0, 2);
    slots.answered(0, Outcome::Placed("arn".into()), 2_100);
    slots.room_came();
    assert_eq!(slots.steps(&many, 2_100, None).len(), 99);
}

#[test]
fn nothing_is_started_for_a_run_that_stops_but_a_lost_answer_is_cleared_up() {
    let mut slots = Slots::new(1);
    let three = wish(&[3]);
    let _ = slots.steps(&three, 0, None);
    slots.asked(0, 1);
    slots.answered(0, Outcome::NotAsked, 0);
    slots.asked(1, 1);
    slots.answered(1, Outcome::Unknown, 0);
    let stopped =
        three.edited(&Edit { id: "s".into(), change: Change::Stop { scale_to_zero: false } }, 0);
    assert_eq!(slots.steps(&stopped, 5_000, None), [Step::Run { slot: 1, attempt: 1 }]);
}

proptest! {
    /// Whatever is added and removed: each live device has exactly one slot, that
    /// slot has or gets exactly one task, and no other slot keeps one.
    #[test]
    fn planning_loses_and_doubles_no_device(
        room in 1u32..60,
        edits in prop::collection::vec((1u32..150, any::<bool>()), 1..12),
    ) {
        let mut slots = Slots::new(room);
        let mut wish = wish(&[]);
        let mut ever = BTreeSet::new();
        let mut tasks = 0;
        for (n, (count, add)) in edits.into_iter().enumerate() {
            let change = if add {
                let first = slots.usable_from(wish.next_index());
                Change::Add(Batch {
                    first, count, execution: 0, start_at: Some(0), over_ms: 0,
                    spread: Spread::AtOnce, seed: 0,
                })
            } else {
                Change::Remove { count }
            };
            let before = wish.live.clone();
            wish = wish.edited(&Edit { id: n.to_string(), change }, 0);
            for index in wish.live.iter().filter(|index| !before.contains(*index)) {
                prop_assert!(ever.insert(index), "device {} came back", index);
            }
            for step in slots.steps(&wish, 0, None) {
                match step {
                    Step::Run { slot, attempt } => {
                        tasks += 1;
                        slots.asked(slot, attempt);
                        slots.answered(slot, Outcome::Placed(format!("t{tasks}")), 0);
                    }
                    Step::Stop { slot, .. } => slots.told_to_stop(slot, true),
                }
            }
            let needed: BTreeSet<u32> = wish.live.iter().map(|it| it / room).collect();
            let have: BTreeSet<u32> = slots.iter().filter(|slot| matches!(
                slot.state, SlotState::Placed { stopping: false, .. }
            )).map(|slot| slot.number).collect();
            prop_assert_eq!(needed, have);
        }
    }
}
