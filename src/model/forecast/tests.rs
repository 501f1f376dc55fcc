//! Forecasts against figures derived by hand.

use super::*;

const MINUTE: Millis = 60_000;

fn basis(per_task: u32, on: On) -> Basis {
    Basis {
        per_task,
        next: 0,
        last_has_task: false,
        in_ramp: false,
        own_address: false,
        pace: Pace::default(),
        on,
        prices: Some(Arc::new(Prices::of("us-east-1", &BTreeMap::new()))),
    }
}

fn group(desired: u32, max: u32, room: u32) -> Group {
    let machine = |nth| Machine { id: format!("i-{nth}"), key: "c5.large".into() };
    Group {
        name: "loadtop".into(),
        desired,
        booting: 0,
        max,
        room,
        per_instance: Some(4),
        task_cpu: 512,
        machines: (0..desired).map(machine).collect(),
    }
}

fn fargate(quota: Option<f64>) -> On {
    let shape = Shape { cpu: 256, memory: 512, spot: false, public_address: false };
    On::Fargate(Fargate { shape: Some(shape), tasks: 0, vcpu_quota: quota, vcpu_used: None })
}

fn ask(devices: u32, ramp_ms: Millis) -> Ask {
    Ask { devices, ramp_ms, hold_ms: None }
}

/// 100,000 devices, one a task: 42 minutes on EC2, 83 on Fargate, $1,234 an hour there.
#[test]
fn a_hundred_thousand_tasks_take_what_was_derived() {
    let one_each = |on| Forecast::of(&ask(100_000, 0), &basis(1, on));
    // 100 at once, then (100,000 − 100) / 40 a second = 2,497.5 s
    let many = Group { per_instance: Some(40), ..group(2_500, 2_500, 100_000) };
    let on_ec2 = one_each(On::Group(many));
    assert_eq!((on_ec2.calls, (on_ec2.full_s / 60.0).round() as u32), (100_000, 42));
    assert_eq!(on_ec2.bound, Bound::RunTask);
    assert!(on_ec2.can_be_done(), "{:?}", on_ec2.refusals);
    // 20 at once, then (100,000 − 20) / 20 a second = 4,999 s
    let on_fargate = one_each(fargate(None));
    assert_eq!((on_fargate.full_s / 60.0).round() as u32, 83);
    // 100,000 × (0.25 × 0.04048 + 0.5 × 0.004445) = $1,234.25
    let cost = on_fargate.cost.as_ref().expect("it costs");
    assert!((cost.per_hour_usd - 1_234.25).abs() < 0.01, "{cost:?}");
    assert!((on_fargate.vcpu - 25_000.0).abs() < 1e-9);
    assert!(on_fargate.unknown[0].contains("Fargate On-Demand vCPU resource count"));
}

#[test]
fn a_thousand_devices_a_task_take_one_burst() {
    let forecast = Forecast::of(&ask(100_000, MINUTE), &basis(1_000, fargate(Some(64.0))));
    assert_eq!((forecast.tasks, forecast.calls), (100, 100));
    // (100 − 20) / 20 = 4 s of calls; the ramp is what takes the time.
    assert_eq!((forecast.launch_s, forecast.full_s), (4.0, 64.0));
    assert_eq!(forecast.bound, Bound::Ramp);
    // 100 × 0.0123425 = $1.23425
    let cost = forecast.cost.as_ref().expect("it costs");
    assert!((cost.per_hour_usd - 1.234_25).abs() < 1e-9, "{cost:?}");
    assert!(forecast.can_be_done());
}

#[test]
fn what_cannot_be_done_is_refused_by_the_quotas_name() {
    let refusal = |devices, basis: &Basis| {
        let forecast = Forecast::of(&ask(devices, 0), basis);
        assert!(!forecast.can_be_done(), "{forecast:?}");
        forecast.refusals.join("; ")
    };
    let why = refusal(400, &basis(1, fargate(Some(64.0))));
    assert!(why.contains("Fargate On-Demand vCPU resource count 64 < 100 needed"), "{why}");
    assert!(why.contains("256 tasks fit"), "{why}");
    let why = refusal(10_001, &basis(250, On::Group(group(1, 10, 4))));
    assert!(why.contains("the group loadtop has at most 10 instances"), "{why}");
    assert!(
        why.contains("10000 devices fit; say at most that, or --devices-per-task 251"),
        "{why}"
    );
    let why = refusal(40_000, &basis(1, On::Group(group(1, 20_000, 4))));
    assert!(why.contains("container instances per cluster 5000"), "{why}");
    let why = refusal(30_000, &basis(30_000, fargate(Some(64.0))));
    assert!(why.contains("ports: 28000 per source address and target < 30000"), "{why}");
    // Four tasks of an instance share its address, unless each has its own.
    let mut shared = basis(10_000, On::Group(group(1, 10, 4)));
    assert!(refusal(40_000, &shared).contains("40000 devices that share one"));
    shared.own_address = true;
    assert!(Forecast::of(&ask(40_000, 0), &shared).can_be_done());
    let why = refusal(1, &basis(1, On::Group(Group { per_instance: Some(0), ..group(1, 10, 0) })));
    assert!(why.contains("not even one task fits"), "{why}");
}

#[test]
fn others_and_those_on_their_way_count() {
    let used = |vcpu_used| {
        let On::Fargate(fargate) = fargate(Some(64.0)) else { unreachable!() };
        let on = On::Fargate(Fargate { vcpu_used, ..fargate });
        Forecast::of(&ask(100, 0), &basis(1, on)).can_be_done()
    };
    assert!(used(None) && used(Some(39.0)) && !used(Some(39.5)));
    // Three tasks fit here, four each on the two that boot.
    let boots = Group { booting: 2, ..group(3, 10, 3) };
    let need = |tasks| Forecast::of(&ask(tasks, 0), &basis(1, On::Group(boots.clone()))).instances;
    assert_eq!(need(11), Some(Need { needed: 3, missing: 0 }));
    assert_eq!(need(12), Some(Need { needed: 4, missing: 1 }));
}

#[test]
fn tasks_are_filled_up_before_others_come() {
    let mut basis = basis(250, On::Group(group(1, 10, 4)));
    let tasks = |basis: &Basis, devices| Forecast::of(&ask(devices, 0), basis).tasks;
    assert_eq!(tasks(&basis, 100), 1);
    basis.next = 100;
    basis.last_has_task = true;
    assert_eq!((tasks(&basis, 150), tasks(&basis, 151)), (0, 1));
    basis.next = 250;
    assert_eq!(tasks(&basis, 1), 1);
}

#[test]
fn instances_that_are_missing_take_their_time_and_money() {
    let forecast = Forecast::of(
        &Ask { hold_ms: Some(60 * MINUTE), ..ask(2_000, MINUTE) },
        &basis(250, On::Group(group(1, 10, 4))),
    );
    assert_eq!(forecast.instances, Some(Need { needed: 2, missing: 1 }));
    assert_eq!((forecast.bound, forecast.full_s), (Bound::Instances, 180.0 + 60.0));
    let cost = forecast.cost.as_ref().expect("it costs");
    assert!((cost.per_hour_usd - 0.17).abs() < 1e-9, "two of c5.large: {cost:?}");
    // Half of it for four minutes, all of it for an hour.
    let run = cost.run_usd.expect("an end was asked for");
    assert!((run - 0.17 * (120.0 + 3_600.0) / 3_600.0).abs() < 1e-9, "{run}");
    // Of a group without any instance nothing is known.
    let empty = Group { per_instance: None, machines: Vec::new(), ..group(0, 10, 0) };
    let forecast = Forecast::of(&ask(100, 0), &basis(250, On::Group(empty)));
    assert!(forecast.can_be_done() && forecast.instances.is_none());
    assert!(!forecast.unknown.is_empty() && !forecast.cost.expect("unknown").unknown.is_empty());
}

#[test]
fn images_start_in_their_ramp() {
    let mut basis = basis(1, fargate(Some(6_000.0)));
    basis.in_ramp = true;
    let full = |ramp| Forecast::of(&ask(1_220, ramp), &basis).full_s;
    // (1,220 − 20) / 20 = 60 s of calls, within a ramp of two minutes.
    assert_eq!((full(2 * MINUTE), full(0)), (120.0, 60.0));
}

#[test]
fn a_batch_in_a_line() {
    let mut free = basis(250, On::Group(group(1, 10, 4)));
    free.prices = None;
    let line = |basis: &Basis, devices| Forecast::of(&ask(devices, 0), basis).line();
    assert_eq!(line(&free, 100), "+100: 1 task, 1 call, fits");
    assert_eq!(line(&free, 2_000), "+2,000: 8 tasks, 8 calls, needs 1 instance more");
    assert_eq!(
        line(&basis(250, On::Group(group(1, 10, 4))), 4_000),
        "+4,000: 16 tasks, 16 calls, needs 3 instances more, $0.34/h then"
    );
    assert!(line(&free, 10_001).contains("the group loadtop has at most 10 instances"));
    let large = |devices| Forecast::of(&ask(devices, 0), &free).is_large();
    assert_eq!([100, 2_000, 3_000, 10_001].map(large), [false, false, true, true]);
    // Where it costs, one more is worth a word.
    let paid = basis(250, On::Group(group(1, 10, 4)));
    let large = |devices| Forecast::of(&ask(devices, 0), &paid).is_large();
    assert_eq!([1_000, 1_001].map(large), [false, true]);
    let table = Forecast::of(&ask(4_000, 0), &basis(250, On::Group(group(1, 10, 4)))).to_string();
    assert!(table.contains("instances  4, 3 of them missing"), "{table}");
    assert!(table.contains("$0.34 an hour"), "{table}");
}
