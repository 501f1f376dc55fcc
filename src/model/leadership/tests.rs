//! Who leads, case by case.

use super::*;

mod network;

fn note(owner: Option<&str>, term: u64, beat: u64) -> LeaderNote {
    LeaderNote { owner: owner.map(str::to_owned), term, beat }
}

fn write(note: LeaderNote, over: Option<&str>) -> Move {
    Move::Write { note, over: over.map(str::to_owned) }
}

fn landed(etag: &str) -> Written {
    Written::Landed(etag.to_owned())
}

fn finds(who: &mut Leadership, now: Millis, note: LeaderNote, etag: &str) {
    who.looked(now, Some(Some((note, etag.to_owned()))));
}

/// `a`, which leads since 0 with the object `e1`.
fn leader() -> Leadership {
    let mut a = Leadership::new("a".into(), true);
    assert_eq!(a.role(0), Role::Unknown);
    assert_eq!(a.step(0), Some(Move::Look));
    assert_eq!(a.step(0), None, "one at a time");
    a.looked(0, Some(None));
    assert_eq!(a.role(0), Role::Vacant);
    assert_eq!(a.step(0), Some(write(note(Some("a"), 1, 1), None)));
    assert!(!a.may_act(0));
    a.wrote(50, landed("e1"));
    assert_eq!((a.role(50), a.term()), (Role::Leading { term: 1 }, Some(1)));
    a
}

/// `b`, which saw at 0 that `a` leads.
fn follower() -> Leadership {
    let mut b = Leadership::new("b".into(), true);
    assert_eq!(b.step(0), Some(Move::Look));
    finds(&mut b, 0, note(Some("a"), 1, 1), "e1");
    b
}

#[test]
fn a_leader_renews_and_without_renewal_acts_for_half_a_term() {
    let mut a = leader();
    assert_eq!(a.step(4_999), None);
    assert_eq!(a.step(5_000), Some(write(note(Some("a"), 1, 2), Some("e1"))));
    a.wrote(5_100, landed("e2"));
    // It counts from when the renewal left.
    assert!(a.may_act(12_499) && !a.may_act(12_500));
    assert_eq!(a.role(12_500), Role::Unsure { term: 1 });
}

#[test]
fn a_follower_looks_each_second_and_takes_over_after_a_silent_term() {
    let mut b = follower();
    for now in (1_000..15_000).step_by(1_000) {
        assert_eq!(b.step(now - 1), None);
        assert_eq!(b.step(now), Some(Move::Look));
        if now % 2_000 == 0 {
            b.looked(now, None);
        } else {
            finds(&mut b, now, note(Some("a"), 1, 1), "e1");
        }
        assert_eq!(b.role(now), Role::Following { owner: "a".into(), silent_ms: now });
    }
    assert_eq!(b.step(15_000), Some(write(note(Some("b"), 2, 2), Some("e1"))));
    b.wrote(15_010, landed("e2"));
    assert!(b.may_act(15_010));
}

#[test]
fn a_renewal_begins_the_wait_again() {
    let mut b = follower();
    assert_eq!(b.step(14_000), Some(Move::Look));
    finds(&mut b, 14_100, note(Some("a"), 1, 2), "e2");
    assert_eq!(b.step(29_000), Some(Move::Look));
    b.looked(29_050, None);
    assert_eq!(b.step(29_100), Some(write(note(Some("b"), 2, 3), Some("e2"))));
    b.wrote(29_200, Written::Beaten);
    assert_eq!(b.step(30_000), Some(Move::Look));
    finds(&mut b, 30_000, note(Some("a"), 1, 3), "e3");
    assert_eq!(b.step(30_999), None);
}

#[test]
fn who_does_not_want_to_lead_only_looks() {
    let mut b = follower();
    b.set_wants(false);
    assert_eq!(b.step(100_000), Some(Move::Look));
    finds(&mut b, 100_000, note(None, 1, 2), "e2");
    assert_eq!((b.step(100_500), b.role(100_500)), (None, Role::Vacant));
    b.set_wants(true);
    assert_eq!(b.step(100_500), Some(write(note(Some("b"), 2, 3), Some("e2"))));
}

#[test]
fn a_lost_answer_is_cleared_up_by_a_look() {
    // It had landed: the renewal counts from when it left.
    let mut a = leader();
    let _ = a.step(5_000);
    a.wrote(7_000, Written::Unknown);
    assert_eq!(a.step(7_000), Some(Move::Look));
    finds(&mut a, 7_100, note(Some("a"), 1, 2), "e2");
    assert!(a.may_act(12_499) && !a.may_act(12_500));
    assert_eq!(a.step(9_999), None);
    assert_eq!(a.step(10_000), Some(write(note(Some("a"), 1, 3), Some("e2"))));
    // It had not: the one before counts on, and it is renewed at once.
    let mut a = leader();
    let _ = a.step(5_000);
    a.wrote(6_000, Written::Unknown);
    let _ = a.step(6_000);
    finds(&mut a, 6_100, note(Some("a"), 1, 1), "e1");
    assert!(a.may_act(7_499) && !a.may_act(7_500));
    assert_eq!(a.step(6_100), Some(write(note(Some("a"), 1, 3), Some("e1"))));
    // Then it lands late, before the second one: that is ours too.
    a.wrote(6_200, Written::Beaten);
    assert!(!a.may_act(6_200));
    assert_eq!(a.step(7_000), Some(Move::Look));
    finds(&mut a, 7_050, note(Some("a"), 1, 2), "e2");
    assert!(a.may_act(12_499) && !a.may_act(12_500));
}

#[test]
fn a_lost_claim_that_landed_leads() {
    let mut b = follower();
    assert_eq!(b.step(15_000), Some(write(note(Some("b"), 2, 2), Some("e1"))));
    b.wrote(18_000, Written::Unknown);
    assert_eq!(b.step(18_000), Some(Move::Look));
    finds(&mut b, 18_100, note(Some("b"), 2, 2), "e2");
    assert!(b.may_act(22_499) && !b.may_act(22_500));
}

#[test]
fn who_slept_looks_before_it_writes() {
    let mut a = leader();
    let _ = a.step(5_000);
    // The answer waited for the machine to wake up.
    a.wrote(1_000_000, landed("e2"));
    assert!(!a.may_act(1_000_000));
    assert_eq!(a.step(1_000_000), Some(Move::Look));
    // Nobody took over: it may renew, over what it saw.
    let mut lucky = a.clone();
    finds(&mut lucky, 1_000_100, note(Some("a"), 1, 2), "e2");
    assert!(!lucky.may_act(1_000_100));
    assert_eq!(lucky.step(1_000_100), Some(write(note(Some("a"), 1, 3), Some("e2"))));
    lucky.wrote(1_000_200, landed("e3"));
    assert!(lucky.may_act(1_000_200));
    // Somebody did.
    finds(&mut a, 1_000_100, note(Some("b"), 2, 9), "e9");
    assert_eq!(a.term(), None);
    assert_eq!(a.role(1_000_100), Role::Following { owner: "b".into(), silent_ms: 0 });
    assert_eq!(a.step(1_015_100), Some(write(note(Some("a"), 3, 10), Some("e9"))));
}

#[test]
fn who_leaves_acts_no_more_and_the_next_one_leads_at_once() {
    let mut a = leader();
    assert_eq!(a.release(), Some(write(note(None, 1, 2), Some("e1"))));
    assert!(!a.may_act(60) && a.release().is_none());
    a.wrote(100, landed("e2"));
    assert_eq!((a.term(), a.role(100)), (None, Role::Vacant));
    assert_eq!(a.step(1_000), Some(Move::Look), "and no claim");
    let mut b = follower();
    let _ = b.step(1_000);
    finds(&mut b, 1_000, note(None, 1, 2), "e2");
    assert_eq!(b.step(1_000), Some(write(note(Some("b"), 2, 3), Some("e2"))));
    assert!(follower().release().is_none());
}

#[test]
fn who_leaves_during_a_renewal_or_a_claim_gives_back_after_it() {
    let mut a = leader();
    let _ = a.step(5_000);
    assert_eq!(a.release(), None);
    a.wrote(5_100, landed("e2"));
    assert!(!a.may_act(5_100));
    assert_eq!(a.step(5_100), Some(write(note(None, 1, 3), Some("e2"))));
    let mut b = follower();
    let _ = b.step(15_000);
    assert_eq!(b.release(), None);
    b.wrote(15_100, landed("e2"));
    assert!(!b.may_act(15_100));
    assert_eq!(b.step(15_100), Some(write(note(None, 2, 3), Some("e2"))));
}

#[test]
fn who_stays_after_all_acts_only_when_its_release_cannot_land_any_more() {
    let mut a = leader();
    let _ = a.release();
    a.set_wants(true);
    a.wrote(1_000, Written::Unknown);
    assert!(!a.may_act(1_000));
    assert_eq!(a.step(1_000), Some(Move::Look));
    finds(&mut a, 1_100, note(Some("a"), 1, 1), "e1");
    assert!(!a.may_act(1_100));
    assert_eq!(a.step(1_100), Some(write(note(Some("a"), 1, 3), Some("e1"))));
    a.wrote(1_200, landed("e3"));
    assert!(a.may_act(1_200));
}

#[test]
fn doubt_lasts_until_a_look() {
    let mut a = leader();
    a.depose();
    assert_eq!(a.role(60), Role::Unsure { term: 1 });
    assert_eq!(a.step(1_000), Some(Move::Look));
    // What was on its way when the doubt came says nothing about it.
    a.depose();
    finds(&mut a, 1_100, note(Some("a"), 1, 1), "e1");
    assert!(!a.may_act(1_100));
    assert_eq!(a.step(2_000), Some(Move::Look));
    finds(&mut a, 2_100, note(Some("a"), 1, 1), "e1");
    assert!(a.may_act(2_100));
    let _ = a.step(5_000);
    a.depose();
    a.wrote(5_100, landed("e2"));
    assert!(!a.may_act(5_100));
}

#[test]
fn the_written_form_is_the_contract() {
    let written = serde_json::to_value(note(None, 3, 7)).expect("JSON");
    assert_eq!(written, serde_json::json!({"owner": null, "term": 3, "beat": 7}));
    let read = serde_json::json!({"owner": "a", "term": 3, "beat": 7, "moon": 1});
    assert_eq!(
        serde_json::from_value::<LeaderNote>(read).expect("readable"),
        note(Some("a"), 3, 7)
    );
}
