use proptest::prelude::*;

use super::*;

const NOW: Millis = 1_800_000_000_000;
const SEEN: Limits = Limits { min: 2, max: 10 };
const FIRED: Limits = Limits { min: 0, max: 10 };

fn note(claims: &[(&str, Millis)]) -> Note {
    let claim = |note: Note, (run, until): &(&str, Millis)| note.claimed(run, *until, NOW, SEEN);
    claims.iter().fold(Note::default(), claim)
}

#[test]
fn an_action_comes_in_the_next_whole_second_after_lease_and_grace() {
    assert_eq!(fires_at(10_000), 15_000);
    assert_eq!(fires_at(10_001), 16_000);
    assert_eq!(fires_at(9_999), 15_000);
}

#[test]
fn a_group_has_an_object_of_its_own() {
    let keys = [key("p", "a b/c"), key("p", "a"), key("q", "a")];
    assert!(keys.iter().all(|key| key.starts_with("loadtop/switch-") && key.len() == 52));
    assert!(keys[0] != keys[1] && keys[1] != keys[2]);
    // No run can be taken for it: what is below `loadtop/NAME/` is a run's.
    assert!(keys.iter().all(|key| key.matches('/').count() == 1));
}

#[test]
fn the_action_stands_for_the_latest_claim() {
    let both = note(&[("a", NOW + 600_000), ("b", NOW + 30_000)]);
    assert_eq!(both.fires_at(), Some(fires_at(NOW + 600_000)));
    assert_eq!((both.former, both.at), (Some(SEEN), fires_at(NOW + 600_000)));
    let again = both.claimed("a", NOW + 1_000, NOW, FIRED);
    assert_eq!(again, both, "a claim never shrinks, and what was there before stays");
    let later = both.claimed("c", NOW + 100_000, NOW + 60_000, SEEN);
    assert_eq!(later.claims.keys().collect::<Vec<_>>(), ["a", "c"], "b has lapsed");
}

#[test]
fn who_goes_leaves_the_action_as_the_others_need_it() {
    let both = note(&[("a", NOW + 600_000), ("b", NOW + 30_000)]);
    let (of_a, of_b) = (Some(fires_at(NOW + 600_000)), Some(fires_at(NOW + 30_000)));
    let parting = |run, found| both.parting(&[run], found, NOW);
    assert_eq!(parting("a", of_a), Parting::Move(fires_at(NOW + 30_000)));
    assert_eq!(parting("a", of_b), Parting::Leave);
    assert_eq!(parting("a", None), Parting::Move(fires_at(NOW + 30_000)));
    assert_eq!(parting("b", of_a), Parting::Leave);
    assert_eq!(parting("b", of_b), Parting::Move(fires_at(NOW + 600_000)));
    let elsewhere = of_a.map(|at| at + 3_600_000);
    assert_eq!(parting("a", elsewhere), Parting::Leave, "another bucket's");
}

#[test]
fn the_last_one_takes_it_back_unless_it_has_lapsed() {
    let one = note(&[("a", NOW + 30_000)]);
    let at = fires_at(NOW + 30_000);
    assert_eq!(one.parting(&["a"], Some(at), NOW), Parting::Delete);
    assert_eq!(one.parting(&["a"], Some(at + 2_000), NOW), Parting::Delete, "its start was taken");
    assert_eq!(one.parting(&["a"], None, NOW), Parting::Restore);
    assert_eq!(one.parting(&["a"], Some(at), NOW + 30_000), Parting::Wait(at));
    assert_eq!(one.parting(&["a"], Some(at), NOW + 90_000), Parting::Wait(at), "it is late");
    assert_eq!(one.parting(&["a"], None, NOW + 90_000), Parting::Restore);
    assert_eq!(one.parting(&["a"], Some(at + 3_600_000), NOW), Parting::Leave, "not ours");
}

#[test]
fn only_what_the_action_took_is_put_back() {
    let one = note(&[("a", NOW + 30_000)]);
    assert_eq!(one.restored(SEEN), None);
    assert_eq!(one.restored(FIRED), Some(SEEN));
    assert_eq!(one.restored(Limits { min: 0, max: 1 }), Some(Limits { min: 2, max: 2 }));
    assert_eq!(one.restored(Limits { min: 0, max: 20 }), Some(Limits { min: 2, max: 20 }));
    assert_eq!(one.restored(Limits { min: 1, max: 10 }), None, "somebody else's");
    // Nobody was there to put it back: whoever comes next still knows.
    let next = one.claimed("b", NOW + 900_000, NOW + 600_000, FIRED);
    assert_eq!(next.former, Some(SEEN));
    let other = Limits { min: 1, max: 5 };
    let next = one.claimed("b", NOW + 900_000, NOW + 600_000, other);
    assert_eq!(next.former, Some(other), "the user has set others since");
}

#[test]
fn a_lease_never_outruns_its_action() {
    let mut switch = Switch::default();
    assert_eq!(switch.step(60_000, 0), None, "nothing is wanted");
    assert_eq!(switch.reach(NOW), 0);
    assert!(!switch.stands_for(NOW));
    assert_eq!(switch.step(60_000, 0), Some(NOW));
    assert_eq!(switch.step(60_000, 1), None, "it is on its way");
    assert!(switch.learn_held(NOW));
    assert!(switch.stands_for(NOW) && !switch.stands_for(NOW + 1));
    assert_eq!(switch.reach(NOW + 30_000), NOW);
    assert_eq!(switch.step(60_000, 2), Some(NOW + 30_000), "at once");
    assert_eq!(switch.learn_failed(NOW + 30_000, false, 2), 1);
    assert!(switch.is_failing() && switch.stands_for(NOW));
    assert_eq!((switch.step(60_000, 2_001), switch.reach(NOW + 31_000)), (None, NOW));
    assert_eq!(switch.step(60_000, 2_002), Some(NOW + 31_000));
    assert!(!switch.learn_held(NOW + 31_000));
    assert_eq!(switch.reach(NOW + 40_000), NOW + 31_000);
}

#[test]
fn what_stands_is_looked_at_again_and_may_be_gone() {
    let mut switch = Switch::default();
    switch.reach(NOW);
    assert_eq!(switch.step(40_000, 0), Some(NOW));
    switch.learn_held(NOW);
    assert_eq!(switch.step(40_000, 9_999), None);
    assert_eq!(switch.step(40_000, 10_000), Some(NOW));
    switch.learn_failed(NOW, true, 10_000);
    assert!(!switch.stands_for(NOW));
    let times: Vec<Millis> = (10_000..90_000)
        .filter(|now| {
            let asked = switch.step(40_000, *now);
            if let Some(until) = asked {
                switch.learn_failed(until, true, *now);
            }
            asked.is_some()
        })
        .collect();
    assert_eq!(times, [12_000, 16_000, 24_000, 39_000, 54_000, 69_000, 84_000]);
}

/// What one of three runs does next.
#[derive(Debug, Clone, Copy)]
enum Does {
    Claims(Millis),
    Goes,
    Nothing,
}

proptest! {
    /// Runs come, hold on, are forgotten and go, one after the other, at any times: the
    /// action never comes before the lease of any, and none is left when all have gone in
    /// order.
    #[test]
    fn no_claim_is_undercut(
        script in prop::collection::vec(
            (0..3_usize, prop_oneof![
                3 => (30_000..600_000_u64).prop_map(Does::Claims),
                1 => Just(Does::Goes),
                1 => Just(Does::Nothing),
            ], 0..200_000_u64),
            1..40,
        ),
    ) {
        let runs = ["a", "b", "c"];
        let (mut now, mut note, mut action) = (NOW, Note::default(), None);
        let mut leases: BTreeMap<&str, Millis> = BTreeMap::new();
        for (who, does, then) in script {
            let run = runs[who];
            match does {
                Does::Claims(lease) => {
                    note = note.claimed(run, now + lease, now, SEEN);
                    let at = note.fires_at().expect("one at least");
                    action = action.max(Some(at));
                    let lease = leases.entry(run).or_default();
                    *lease = note.claims[run];
                }
                Does::Goes => {
                    match note.parting(&[run], action, now) {
                        Parting::Move(at) => action = Some(at),
                        Parting::Delete => action = None,
                        Parting::Leave | Parting::Wait(_) | Parting::Restore => {}
                    }
                    note = note.released(&[run], now);
                    leases.remove(run);
                }
                Does::Nothing => {}
            }
            let latest = leases.values().filter(|until| **until > now).max();
            if let Some(until) = latest {
                prop_assert!(action.is_some_and(|at| at > *until), "{:?} {:?}", action, leases);
            }
            now += then;
            if action.is_some_and(|at| at <= now) {
                action = None;
            }
        }
        for run in runs.into_iter().filter(|run| note.claims.contains_key(*run)).collect::<Vec<_>>() {
            match note.parting(&[run], action, now) {
                Parting::Move(at) => action = Some(at),
                Parting::Delete => action = None,
                Parting::Leave | Parting::Wait(_) | Parting::Restore => {}
            }
            note = note.released(&[run], now);
        }
        let is_over = action.is_none_or(|at| at <= fires_at(now));
        prop_assert!(is_over, "{:?} at {}", action, now);
    }
}
