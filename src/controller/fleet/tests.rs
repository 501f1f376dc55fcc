//! Which instances there are, which go, and which views are believed.

use super::*;

fn instance(id: &str, running: u32) -> InstanceSeen {
    InstanceSeen {
        arn: format!("arn/{id}"),
        machine_id: id.into(),
        status: "ACTIVE".into(),
        connected: true,
        running,
        pending: 0,
        cpu_left: 2048 - 512 * running.cast_signed(),
        memory_left: 4096,
        ..InstanceSeen::default()
    }
}

fn group(desired: u32, up: usize) -> GroupSeen {
    let machines = (0..desired)
        .map(|n| {
            let up = (n as usize) < up;
            (format!("i-{n}"), if up { "InService" } else { "Pending" }.to_owned())
        })
        .collect();
    GroupSeen { desired, max: 10, machines, ..GroupSeen::default() }
}

fn fleet(desired: u32, running: &[u32]) -> Fleet {
    let mut fleet = Fleet {
        definition: Some(DefinitionSeen {
            name: "d:1".into(),
            cpu: 512,
            memory: 512,
            ..DefinitionSeen::default()
        }),
        ..Fleet::default()
    };
    let instances: Vec<_> =
        running.iter().enumerate().map(|(n, it)| instance(&format!("i-{n}"), *it)).collect();
    let cluster = ClusterSeen { registered: running.len() as u32, running: 0, pending: 0 };
    fleet.learn_counts(0, group(desired, running.len()), cluster, 0);
    fleet.learn_instances(0, instances, 0);
    fleet
}

fn chosen(scale: Scale) -> Vec<String> {
    match scale {
        Scale::In(leaving) => leaving.into_iter().map(|it| it.machine).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn room_is_what_the_tasks_leave() {
    let view = fleet(3, &[4, 1]).view(0);
    assert_eq!((view.desired, view.registered, view.booting, view.room), (3, 2, 1, 3));
    assert_eq!(view.boot_left_ms, Some(BOOT_MS));
}

#[test]
fn an_instance_that_does_not_answer_is_no_room_and_not_chosen() {
    let mut fleet = fleet(2, &[0, 0]);
    fleet.instances[0].connected = false;
    let view = fleet.view(0);
    assert_eq!((view.registered, view.booting, view.room), (1, 1, 4));
    assert_eq!(chosen(fleet.scale_to(1, "g", false)), ["i-1"]);
}

#[test]
fn the_emptiest_go_first_and_those_with_tasks_only_when_confirmed() {
    assert_eq!(chosen(fleet(2, &[1, 0]).scale_to(1, "g", false)), ["i-1"]);
    assert_eq!(chosen(fleet(2, &[0]).scale_to(1, "g", false)), ["i-1"], "it boots");
    let busy = fleet(3, &[4, 1, 2]);
    assert!(matches!(busy.scale_to(2, "g", false), Scale::Refused(_)));
    assert_eq!(chosen(busy.scale_to(1, "g", true)), ["i-1", "i-2"]);
    assert!(matches!(fleet(1, &[0]).scale_to(11, "g", false), Scale::Refused(_)));
    assert_eq!(fleet(1, &[0]).scale_to(2, "g", false), Scale::Out(2));
}

#[test]
fn who_is_on_its_way_out_counts_for_the_group_only() {
    let mut fleet = fleet(3, &[0, 0, 0]);
    fleet.drains.insert("i-0".into(), Drain::new(None, false, 0));
    assert_eq!(fleet.desired(), Some(2));
    assert_eq!(fleet.scale_to(4, "g", false), Scale::Out(5));
}

#[test]
fn a_look_from_before_a_change_is_not_believed() {
    let mut fleet = fleet(1, &[0]);
    let stale = fleet.group_generation;
    fleet.scaled_out(2);
    let cluster = ClusterSeen { registered: 1, running: 0, pending: 0 };
    assert!(!fleet.learn_counts(stale, group(1, 1), cluster, 0));
    assert_eq!(fleet.desired(), Some(2));
    // One that was asked for later but is still behind keeps what was wished.
    assert!(fleet.learn_counts(fleet.group_generation, group(1, 1), cluster, 0));
    assert_eq!(fleet.desired(), Some(2));
    // At last the group is right.
    assert!(fleet.learn_counts(fleet.group_generation, group(1, 1), cluster, SETTLED_MS));
    assert_eq!(fleet.desired(), Some(1));
}

#[test]
fn instances_that_do_not_come_are_told_once() {
    let mut fleet = fleet(2, &[0]);
    assert_eq!(fleet.boot_is_late(BOOT_MS - 1), None);
    assert_eq!(fleet.boot_is_late(BOOT_MS), Some(1));
    assert_eq!(fleet.boot_is_late(BOOT_MS + 1), None);
}
