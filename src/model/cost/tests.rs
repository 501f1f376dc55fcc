//! Bills against hand-computed tables, and what must hold of every meter.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::prices::FARGATE_VCPU;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
const HOUR: Millis = 60 * MINUTE;
/// When the runs of these tests begin.
const START: Millis = 1_000_000;

fn virginia() -> Prices {
    Prices::of("us-east-1", &BTreeMap::new())
}

fn machines(key: &str, ids: std::ops::Range<u32>) -> Vec<Machine> {
    ids.map(|id| Machine { id: format!("i-{id}"), key: key.to_owned() }).collect()
}

fn on_machines(machines: Vec<Machine>) -> Seen {
    Seen { machines: Some(machines), ..Seen::default() }
}

/// Tasks with these keys, placed at these moments after the start.
fn on_fargate(tasks: &[(u64, Millis)]) -> Seen {
    Seen { tasks: tasks.iter().map(|(key, at)| (*key, START + at)).collect(), ..Seen::default() }
}

const SMALL: Shape = Shape { cpu: 256, memory: 512, spot: false, public_address: false };

#[track_caller]
fn assert_usd(is: f64, expected: f64) {
    assert!((is - expected).abs() < 1e-9, "{is} is not {expected}");
}

/// us-east-1: c5.large $0.085 an hour, m5.xlarge $0.192.
#[test]
fn instances_by_hand() {
    let mut meter = Meter::begin(START);
    // Two were there before; a third comes after 5 minutes.
    meter.see(START, on_machines(machines("c5.large", 0..2)));
    meter.see(START + 5 * MINUTE, on_machines(machines("c5.large", 0..2)));
    meter.see(START + 5 * MINUTE, on_machines(machines("c5.large", 0..3)));
    // An m5.xlarge comes at 0:30:00 and goes 20 s later: a minute is charged.
    meter.see(START + 30 * MINUTE, on_machines(machines("c5.large", 0..3)));
    let mut four = machines("c5.large", 0..3);
    four.extend(machines("m5.xlarge", 3..4));
    meter.see(START + 30 * MINUTE, on_machines(four.clone()));
    meter.see(START + 30 * MINUTE + 20 * SECOND, on_machines(four));
    meter.see(START + 30 * MINUTE + 20 * SECOND, on_machines(machines("c5.large", 0..3)));
    // One that was there before goes at 0:50:00; the end is at 1:10:00.
    meter.see(START + 50 * MINUTE, on_machines(machines("c5.large", 0..3)));
    meter.see(START + 50 * MINUTE, on_machines(machines("c5.large", 1..3)));
    meter.see(START + 70 * MINUTE, on_machines(machines("c5.large", 1..3)));

    // c5.large: 2 × 5 min + 3 × 45 min + 2 × 20 min = 10 + 135 + 40 = 185 min
    //           185 / 60 × 0.085             = $0.2620833…
    // m5.xlarge: 1 min / 60 × 0.192          = $0.0032
    // Before:   2 × 70 min at most, min(2, those there) = 2 × 70 min = 140 min
    //           140 / 60 × 0.085             = $0.1983333…
    // An hour of what is there now: 2 × 0.085 = $0.17
    let bill = meter.bill(&virginia(), None);
    assert_usd(bill.so_far_usd, 185.0 / 60.0 * 0.085 + 0.192 / 60.0);
    assert_usd(bill.before_usd, 140.0 / 60.0 * 0.085);
    assert_usd(bill.per_hour_usd, 0.17);
    assert_eq!((bill.estimate, bill.unknown.len(), bill.parts.len()), (false, 0, 1));
}

/// us-east-1, 0.25 vCPU and 0.5 GB: 0.25 × 0.04048 + 0.5 × 0.004445 = $0.0123425 an hour.
#[test]
fn fargate_by_hand() {
    let mut meter = Meter::begin(START);
    meter.see(START, Seen::default());
    // Two tasks are placed at 10 s and seen at 12 s; one ends at 25 s: a minute. A third
    // runs from 60 s to 10:00.5: 9 min 0.5 s are charged as 541 s.
    meter.see(START + 12 * SECOND, on_fargate(&[(1, 10 * SECOND), (2, 10 * SECOND)]));
    meter.see(START + 25 * SECOND, on_fargate(&[(2, 10 * SECOND)]));
    meter.see(START + 60 * SECOND, on_fargate(&[(2, 10 * SECOND), (3, 60 * SECOND)]));
    meter.see(START + 600_500, on_fargate(&[(2, 10 * SECOND)]));
    meter.see(START + HOUR + 10 * SECOND, on_fargate(&[(2, 10 * SECOND)]));
    meter.see(START + HOUR + 10 * SECOND, Seen::default());

    // Task 1: 15 s → 60 s. Task 2: 3,600 s. Task 3: 540.5 s → 541 s.
    // 4,201 s / 3,600 × 0.0123425 = $0.01440304…
    assert_eq!(meter.used().task_ms, (60 + 3_600 + 541) * SECOND);
    let bill = meter.bill(&virginia(), Some(&SMALL));
    assert_usd(bill.so_far_usd, 4_201.0 / 3_600.0 * 0.012_342_5);
    assert_usd(bill.per_hour_usd, 0.0);
    // With an address each: as long, at $0.005 an hour.
    let public = Shape { public_address: true, ..SMALL };
    let bill = meter.bill(&virginia(), Some(&public));
    assert_usd(bill.so_far_usd, 4_201.0 / 3_600.0 * (0.012_342_5 + 0.005));
    assert!(!bill.estimate);
    let names: Vec<PartName> = bill.parts.iter().map(|part| part.name).collect();
    assert_eq!(names, [PartName::Fargate, PartName::Addresses]);
}

/// us-east-1 on 2026-09-28: 1 vCPU $0.01288871, 1 GB $0.00141527 an hour.
#[test]
fn spot_by_hand_and_marked() {
    let mut meter = Meter::begin(START);
    meter.see(START, on_fargate(&[(1, 0), (2, 0), (3, 0)]));
    meter.see(START + 40 * MINUTE, on_fargate(&[(1, 0), (2, 0), (3, 0)]));
    // 2 vCPU and 4 GB: 2 × 0.01288871 + 4 × 0.00141527 = $0.0314385 an hour;
    // 3 tasks × 40 min = 2 hours: $0.062877
    let spot = Shape { cpu: 2_048, memory: 4_096, spot: true, public_address: false };
    let bill = meter.bill(&virginia(), Some(&spot));
    assert_usd(bill.so_far_usd, 0.062_877);
    assert_usd(bill.per_hour_usd, 3.0 * 0.031_438_5);
    assert!(bill.estimate && bill.parts[0].estimate);
    // Spot instances without a price of their own: at most the price on demand.
    let mut meter = Meter::begin(START);
    meter.see(START, on_machines(machines("spot.c5.large", 0..1)));
    meter.see(START + HOUR, on_machines(machines("spot.c5.large", 0..1)));
    let bill = meter.bill(&virginia(), None);
    assert_usd(bill.so_far_usd, 0.085);
    assert!(bill.estimate);
}

#[test]
fn requests_by_hand() {
    let mut meter = Meter::begin(START);
    let pace = Pace { poll_ms: Some(1_000), report_ms: Some(5_000), results_ms: Some(60_000) };
    let ours = Requests { put_metrics: 0, get_metrics: 72_000, puts: 1_000, gets: 10_000 };
    let seen = || Seen { agents: 100, pace, ours, ..Seen::default() };
    meter.see(START, seen());
    meter.see(START + HOUR, seen());
    // Ours: 72,000 metrics × 0.01/1,000 = $0.72; 1,000 PUT × 0.005/1,000 = $0.005;
    //       10,000 GET × 0.0004/1,000 = $0.004
    // 100 agents for an hour: 72,000 PutMetricData = $0.72, 6,000 PUT = $0.03,
    //       360,000 GET = $0.144
    let bill = meter.bill(&virginia(), None);
    assert_usd(bill.so_far_usd, 0.72 + 0.005 + 0.004 + 0.72 + 0.03 + 0.144);
    // All of that in one hour, so that is the rate, too.
    assert_usd(bill.per_hour_usd, bill.so_far_usd);
    assert!(bill.estimate && bill.parts.iter().all(|part| part.estimate));
}

#[test]
fn what_is_unknown_is_named_and_never_nothing() {
    let nowhere = Prices::of("eu-west-9", &BTreeMap::new());
    let mut meter = Meter::begin(START);
    let both = || {
        let mut both = machines("c9.xlarge", 0..2);
        both.extend(machines(UNNAMED, 2..3));
        both
    };
    let seen = || Seen { tasks: vec![(1, START)], agents: 1, ..on_machines(both()) };
    meter.see(START, seen());
    meter.see(START + HOUR, seen());
    let bill = meter.bill(&nowhere, Some(&SMALL));
    let unknown = bill.unknown.join("\n");
    for words in
        ["price of c9.xlarge in eu-west-9 unknown", FARGATE_VCPU, "what the group's instances are"]
    {
        assert!(unknown.contains(words), "{words}: {unknown}");
    }
    // Requests to CloudWatch cost the same everywhere, and none was made to S3.
    assert_eq!(bill.unknown.len(), 3, "{unknown}");
    assert_usd(bill.so_far_usd, 0.0);
    // With a price for one of them, the others are unknown still.
    let own = [("c9.xlarge".to_owned(), 0.5)].into();
    let bill = meter.bill(&Prices::of("eu-west-9", &own), Some(&SMALL));
    assert_usd(bill.so_far_usd, 1.0);
    assert_eq!(bill.unknown.len(), 2, "{:?}", bill.unknown);
}

#[test]
fn machines_that_cost_nothing_are_not_counted() {
    let of = |state| Machine::of("i-1", Some("c5.large"), false, state);
    assert_eq!(of("InService").map(|it| it.key).as_deref(), Some("c5.large"));
    assert!(of("Pending").is_some() && of("Terminating:Wait").is_some() && of("Standby").is_some());
    assert!(of("Warmed:Stopped").is_none() && of("Terminated").is_none());
    let spot = Machine::of("i-1", Some("c5.large"), true, "InService");
    assert_eq!(spot.map(|it| it.key).as_deref(), Some("spot.c5.large"));
    let unnamed = Machine::of("i-1", None, false, "InService");
    assert_eq!(unnamed.map(|it| it.key).as_deref(), Some(UNNAMED));
}

/// Another leader goes on: nothing of what it took over is lost or counted twice, and
/// the time in which nobody counted is made up for.
#[test]
fn a_successor_goes_on() {
    let fleet = || Seen {
        tasks: vec![(1, START), (2, START)],
        ours: Requests { gets: 500, ..Requests::default() },
        ..on_machines(machines("c5.large", 0..2))
    };
    let mut first = Meter::begin(START);
    first.see(START, fleet());
    first.see(START + 10 * MINUTE, fleet());
    let written = serde_json::to_string(first.used()).expect("plain data is JSON");
    let mut second = Meter::resume(serde_json::from_str(&written).expect("and back"));
    let total = |meter: &Meter| meter.bill(&virginia(), Some(&SMALL)).so_far_usd;
    assert_usd(total(&second), total(&first));
    // Nobody looked for 20 s; it asked for 30 things itself by then.
    let ours = Requests { gets: 30, ..Requests::default() };
    second.see(START + 10 * MINUTE + 20 * SECOND, Seen { ours, ..fleet() });
    second.see(START + HOUR, Seen { ours, ..fleet() });
    let mut alone = Meter::begin(START);
    alone.see(START, fleet());
    alone.see(START + HOUR, fleet());
    let (went_on, expected) = (second.used(), alone.used());
    assert_eq!(went_on.machine_ms, expected.machine_ms);
    assert_eq!(went_on.before_ms, expected.before_ms);
    assert_eq!(went_on.task_ms, expected.task_ms);
    assert_eq!((went_on.ours.gets, went_on.from, went_on.until), (530, START, START + HOUR));
}

#[test]
fn a_budget_counts_what_ending_costs() {
    let prices = virginia();
    let mut meter = Meter::begin(START);
    let tasks: Vec<(u64, Millis)> = (0..1_000).map(|key| (key, START + 59 * MINUTE)).collect();
    meter.see(START + 59 * MINUTE, Seen::default());
    meter.see(START + 59 * MINUTE + 10 * SECOND, Seen { tasks, ..Seen::default() });
    let bill = meter.bill(&prices, Some(&SMALL));
    // 1,000 tasks for 10 s: 1,000 × 10 / 3,600 × 0.0123425 = $0.0342847…
    assert_usd(bill.so_far_usd, 1_000.0 * 10.0 / 3_600.0 * 0.012_342_5);
    let budget =
        |usd, to_zero, coming| meter.budget(usd, &bill, (&prices, Some(&SMALL)), to_zero, coming);
    // Gone in 20 s (and 5 s to be sure): 25 s of all, and what is missing of a minute,
    // which is 60 − 35 = 25 s of each: 1,000 × 50 / 3,600 × 0.0123425 = $0.1714236…
    let fits = budget(0.3, 20 * SECOND, 0);
    assert_usd(fits.ending_usd, 1_000.0 * 50.0 / 3_600.0 * 0.012_342_5);
    // (0.3 − 0.0342847 − 0.1714236) / 12.3425 h = 27.5 s
    assert_eq!(fits.left_ms.map(|left| left / SECOND), Some(27));
    assert!(matches!(fits.verdict(), Verdict::Soon(_)));
    assert_eq!(budget(0.2, 20 * SECOND, 0).verdict(), Verdict::Over);
    assert_eq!(budget(9.0, 20 * SECOND, 0).verdict(), Verdict::Enough);
    // 100 more are on their way: a minute of each.
    let more = budget(0.3, 20 * SECOND, 100).ending_usd - fits.ending_usd;
    assert_usd(more, 100.0 * 60.0 / 3_600.0 * 0.012_342_5);
    // Nothing that costs, nothing that ends.
    let nothing = Meter::begin(START);
    let bill = nothing.bill(&prices, None);
    assert_eq!(nothing.budget(1.0, &bill, (&prices, None), MINUTE, 0).verdict(), Verdict::Enough);
    assert_eq!(nothing.budget(0.0, &bill, (&prices, None), MINUTE, 0).verdict(), Verdict::Over);
}

#[test]
fn dollars_read_well() {
    let all = [0.0, 0.000_1, 0.004, 0.012, 1.234, 41.0, 1_234.25, 1e7, f64::NAN];
    let words = all.map(dollars);
    assert_eq!(
        words,
        [
            "$0.00",
            "<$0.001",
            "$0.004",
            "$0.01",
            "$1.23",
            "$41.00",
            "$1,234",
            "$10,000,000",
            "$0.00"
        ]
    );
}

/// What there is from some moment on: machines and tasks by their numbers.
type Stretch = (Millis, Vec<u32>, Vec<u64>);

fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let machines = prop::collection::btree_set(0u32..6, 0..5);
    let tasks = prop::collection::btree_set(0u64..6, 0..5);
    let stretch = (1u64..200_000, machines, tasks).prop_map(|(length, machines, tasks)| {
        (length, machines.into_iter().collect(), tasks.into_iter().collect())
    });
    prop::collection::vec(stretch, 1..12)
}

/// What is seen in a stretch: tasks that go and come again are others.
fn seen(
    stretch: &Stretch,
    nth: usize,
    placed: &mut BTreeMap<u64, (u64, Millis)>,
    at: Millis,
) -> Seen {
    placed.retain(|number, _| stretch.2.contains(number));
    for number in &stretch.2 {
        placed.entry(*number).or_insert((number * 100 + nth as u64, at));
    }
    let mut tasks: Vec<(u64, Millis)> = placed.values().copied().collect();
    tasks.sort_unstable();
    let pace = Pace { poll_ms: Some(1_000), report_ms: Some(7_000), results_ms: None };
    Seen {
        tasks,
        agents: stretch.2.len() as u32,
        pace,
        ..on_machines(
            stretch
                .1
                .iter()
                .map(|id| Machine { id: format!("{nth}-{id}"), key: "c5.large".into() })
                .collect(),
        )
    }
}

proptest! {
    #[test]
    fn it_only_grows_and_looks_in_between_change_nothing(
        stretches in stretches(), cuts in prop::collection::vec(0.0f64..1.0, 0..6),
    ) {
        let prices = virginia();
        let (mut once, mut often) = (Meter::begin(START), Meter::begin(START));
        let (mut at, mut placed, mut last) = (START, BTreeMap::new(), 0.0);
        for (nth, stretch) in stretches.iter().enumerate() {
            let seen = seen(stretch, nth, &mut placed, at);
            once.see(at, seen.clone());
            often.see(at, seen.clone());
            let mut moments: Vec<Millis> =
                cuts.iter().map(|cut| at + (stretch.0 as f64 * cut) as Millis).collect();
            moments.sort_unstable();
            for moment in moments {
                often.see(moment, seen.clone());
                let usd = often.bill(&prices, Some(&SMALL)).so_far_usd;
                prop_assert!(usd >= last - 1e-12, "{} after {}", usd, last);
                last = usd;
            }
            at += stretch.0;
            once.see(at, seen.clone());
            often.see(at, seen);
        }
        let (once, often) = (once.used(), often.used());
        prop_assert_eq!(&once.machine_ms, &often.machine_ms);
        prop_assert_eq!(&once.before_ms, &often.before_ms);
        prop_assert_eq!(once.task_ms, often.task_ms);
        // Of requests less than a millionth is lost at each look.
        prop_assert!(once.agents.gets.abs_diff(often.agents.gets) <= 100);
        prop_assert!(once.agents.put_metrics.abs_diff(often.agents.put_metrics) <= 100);
    }

    /// Whatever there was, it is charged for as long as it was there, and for a minute.
    #[test]
    fn every_task_is_charged_once(lives in prop::collection::vec((0u64..400_000, 1u64..400_000), 0..20)) {
        let mut meter = Meter::begin(START);
        let mut moments: Vec<Millis> = lives.iter().flat_map(|(from, long)| [*from, from + long]).collect();
        moments.sort_unstable();
        for moment in moments {
            let alive = lives.iter().zip(0u64..).filter(|((from, long), _)| (*from..from + long).contains(&moment));
            let tasks: Vec<(u64, Millis)> = alive.map(|((from, _), key)| (key, *from)).collect();
            meter.see(START + moment, on_fargate(&tasks));
        }
        let expected: Millis = lives.iter().map(|(_, long)| charged(*long)).sum();
        prop_assert_eq!(meter.used().task_ms, expected);
    }

    /// A budget that is asked every second ends a ramp on Fargate in time, however fast
    /// that is and however long its end takes.
    #[test]
    fn a_budget_is_never_passed(
        usd in 0.001f64..3.0, rate in 1u64..40, per_minute in 0u32..3, to_zero in 10_000u64..90_000,
    ) {
        let prices = virginia();
        let mut meter = Meter::begin(START);
        let (mut tasks, mut key, mut told, mut called) = (Vec::new(), 0, None, 0);
        for second in 0u64..7_200 {
            let now = START + second * SECOND;
            meter.see(now, Seen { tasks: tasks.clone(), ..Seen::default() });
            let bill = meter.bill(&prices, Some(&SMALL));
            // Those that were called for come, whatever is said now; others wait for it.
            let waiting = if tasks.len() < 2_000 { rate } else { 0 };
            let coming = (called + waiting) as u32;
            let budget = meter.budget(usd, &bill, (&prices, Some(&SMALL)), to_zero, coming);
            if budget.verdict() == Verdict::Over {
                told.get_or_insert(now);
            }
            if told.is_some_and(|told| now >= told + to_zero) {
                meter.see(now, Seen::default());
                break;
            }
            tasks.extend((key..key + called).map(|key| (key, now)));
            key += called;
            called = if told.is_none() { waiting } else { 0 };
            // Some end by themselves, and are charged a minute all the same.
            if second % 60 < u64::from(per_minute) && !tasks.is_empty() {
                tasks.remove(0);
            }
        }
        let spent = meter.bill(&prices, Some(&SMALL)).so_far_usd;
        prop_assert!(spent <= usd, "{} of {}", spent, usd);
        // Nor is much of it left unused where there was time to use it.
        prop_assert!(told.is_none() || usd < 0.5 || spent > usd * 0.5, "{} of {}", spent, usd);
    }
}
