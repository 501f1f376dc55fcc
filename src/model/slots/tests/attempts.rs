//! What becomes of an attempt whose answer is lost, late, or another controller's.

use super::*;

#[test]
fn an_attempt_that_was_not_made_is_made_later() {
    let mut slots = Slots::new(1);
    let one = wish(&[1]);
    let _ = slots.steps(&one, 0, None);
    slots.asked(0, 1);
    slots.answered(0, Outcome::NotAsked, 0);
    assert_eq!(slots.steps(&one, 999, None), []);
    assert_eq!(slots.steps(&one, 1_000, None), [Step::Run { slot: 0, attempt: 1 }]);
    slots.asked(0, 1);
    slots.answered(0, Outcome::NoRoom, 1_000);
    assert_eq!(slots.steps(&one, 3_000, None), [Step::Run { slot: 0, attempt: 2 }]);
}

#[test]
fn an_attempt_that_ended_ambiguously_keeps_its_token_until_it_is_placed() {
    for later in [Outcome::NoRoom, Outcome::Refused, Outcome::NotAsked] {
        let mut slots = Slots::new(1);
        let one = wish(&[1]);
        let _ = slots.steps(&one, 0, None);
        slots.asked(0, 1);
        slots.answered(0, Outcome::Unknown, 0);
        slots.asked(0, 1);
        slots.answered(0, later, 0);
        let again = [Step::Run { slot: 0, attempt: 1 }];
        assert_eq!(slots.steps(&one, 10_000, None), again);
        // Also when nobody wanted it for a while.
        let none = remove(&one, "r", 1);
        assert_eq!(slots.steps(&none, 10_000, None), []);
        assert_eq!(state(&slots, 0), SlotState::Retired);
        assert_eq!(slots.steps(&one, 10_000, None), again);
        place(&mut slots, 0, 1, 10_000);
        slots.gone(0, Gone::AsAsked, 10_000);
        assert_eq!(slots.steps(&one, 10_000, None), [Step::Run { slot: 0, attempt: 2 }]);
    }
}

#[test]
fn a_task_that_is_listed_finds_its_slot() {
    let mut slots = Slots::new(1);
    let five = wish(&[5]);
    let _ = slots.steps(&five, 0, None);
    slots.asked(0, 1);
    assert_eq!(slots.adopt(0, 1, "a", 0), Adopted::Mine, "its answer is still on its way");
    assert_eq!(slots.adopt(0, 1, "a", 0), Adopted::Known);
    // Whatever that says comes too late, also when the task is gone again.
    slots.answered(0, Outcome::NoRoom, 0);
    assert_eq!(slots.by_arn("a"), Some(0));
    slots.gone(0, Gone::AsAsked, 0);
    slots.answered(0, Outcome::Placed("a".into()), 0);
    assert!(slots.is_quiet());
    assert_eq!(slots.steps(&five, 0, None).first(), Some(&Step::Run { slot: 0, attempt: 2 }));
    slots.asked(1, 1);
    slots.answered(1, Outcome::Unknown, 0);
    slots.asked(1, 1);
    slots.answered(1, Outcome::NoRoom, 0);
    assert_eq!(slots.adopt(1, 2, "b", 0), Adopted::Stray, "another attempt");
    assert_eq!(slots.adopt(1, 1, "b", 0), Adopted::Mine);
    slots.asked(2, 1);
    slots.answered(2, Outcome::NoRoom, 0);
    assert_eq!(slots.adopt(2, 1, "c", 0), Adopted::Stray, "surely not placed");
    assert_eq!(slots.adopt(77, 1, "d", 0), Adopted::Stray);
    assert_eq!(slots.by_arn("b"), Some(1));
    assert_eq!(slots.by_arn("c"), None);
}

#[test]
fn a_successor_goes_on_where_the_slots_were_written() {
    let mut slots = Slots::new(1);
    let six = wish(&[6]);
    let _ = slots.steps(&six, 0, None);
    place(&mut slots, 0, 1, 500_000);
    slots.is_running(0);
    slots.told_to_stop(0, true);
    slots.asked(1, 1);
    slots.asked(2, 1);
    slots.answered(2, Outcome::NoRoom, 500_000);
    for attempt in 1..=ATTEMPTS_MOST {
        slots.asked(3, attempt);
        slots.answered(3, Outcome::Refused, 500_000);
    }
    slots.asked(4, 1);
    slots.answered(4, Outcome::Refused, 500_000);
    let text = serde_json::to_string(&slots.iter().collect::<Vec<_>>()).expect("JSON");
    let read = serde_json::from_str(&text).expect("slots");
    let mut next = Slots::restore(1, read, 70);
    let placed =
        SlotState::Placed { arn: "arn-0-1".into(), running: false, since: 70, stopping: false };
    assert_eq!((state(&next, 0), next.by_arn("arn-0-1")), (placed, Some(0)));
    assert_eq!(state(&next, 3), SlotState::GivenUp);
    assert_eq!(next.waiting_longer(1_071, 1_000), [2]);
    let run = |slot, attempt| Step::Run { slot, attempt };
    assert_eq!(next.steps(&six, 70, None), [run(1, 1), run(4, 2), run(5, 1)]);
    next.asked(1, 1);
    next.answered(1, Outcome::NoRoom, 70);
    assert!(next.get(1).is_some_and(|slot| slot.unsure), "the first call may land yet");
    let older = r#"{"number":7,"attempt":2,"failed":0,"state":{"is":"retired"},"moon":1}"#;
    assert!(serde_json::from_str::<Slot>(older).is_ok_and(|slot| !slot.unsure));
}

#[test]
fn an_answer_that_nobody_awaits_changes_nothing() {
    let mut slots = Slots::new(1);
    let _ = slots.steps(&wish(&[1]), 0, None);
    let arn = place(&mut slots, 0, 1, 0);
    for outcome in [Outcome::NoRoom, Outcome::Unknown, Outcome::Placed("other".into())] {
        slots.answered(0, outcome, 5);
        assert_eq!(slots.by_arn(&arn), Some(0));
    }
    slots.answered(99, Outcome::NoRoom, 5);
    slots.asked(99, 1);
    assert_eq!(slots.iter().count(), 1);
}

#[test]
fn who_ends_a_run_may_leave_a_lost_answer_to_the_lists() {
    let mut slots = Slots::new(1);
    let one = wish(&[1]);
    let _ = slots.steps(&one, 0, None);
    slots.asked(0, 1);
    slots.answered(0, Outcome::Unknown, 0);
    let stop = Change::Stop { scale_to_zero: false };
    let stopped = one.edited(&Edit { id: "s".into(), change: stop }, 0);
    assert_eq!(slots.steps(&stopped, 5_000, None), [Step::Run { slot: 0, attempt: 1 }]);
    slots.answered(0, Outcome::NotAsked, 5_000);
    assert!(slots.is_quiet());
    // Until the next step it is still found; then it is a stray, and stopped.
    let mut found = slots.clone();
    assert_eq!(found.adopt(0, 1, "a", 5_000), Adopted::Mine);
    assert_eq!(slots.steps(&stopped, 9_000, None), []);
    assert_eq!(slots.adopt(0, 1, "a", 9_000), Adopted::Stray);
}
