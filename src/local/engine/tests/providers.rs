use super::{
    api::{DescribeCapacityProviders, DescribeClusters},
    fargate::{by, on_fargate},
    group::SetDesiredCapacity,
    *,
};

/// A world whose group is scaled by its provider.
fn managed(instances: u32) -> World {
    let setup = Setup { instances, managed_scaling: true, ..World::setup() };
    World { engine: Engine::new(setup, START), now: START, effects: Vec::new() }
}

fn names(world: &mut World, asked: &[&str]) -> (Vec<String>, Vec<String>) {
    let request = DescribeCapacityProviders {
        capacity_providers: asked.iter().map(|&name| name.to_owned()).collect(),
        ..DescribeCapacityProviders::default()
    };
    let answer = world.engine.describe_capacity_providers(&request, world.now).expect("described");
    let found = answer.capacity_providers.into_iter().map(|it| it.name);
    let missing = answer.failures.into_iter().map(|it| {
        assert_eq!(it.reason, "MISSING");
        it.arn.expect("what is missing")
    });
    (found.collect(), missing.collect())
}

#[test]
fn the_clusters_providers_are_described() {
    let mut world = World::new(0);
    assert_eq!(names(&mut world, &[]).0, ["FARGATE", "FARGATE_SPOT"]);
    let mut world = managed(0);
    let (found, missing) = names(&mut world, &["loadtop-provider", "FARGATE", "other"]);
    assert_eq!(
        (found, missing),
        (vec!["loadtop-provider".into(), "FARGATE".into()], vec!["other".into()])
    );
    let arn = "arn:aws:ecs:us-east-1:000000000000:capacity-provider/FARGATE_SPOT";
    assert_eq!(names(&mut world, &[arn]).0, ["FARGATE_SPOT"]);
    let all = DescribeCapacityProviders { max_results: Some(2), ..Default::default() };
    let page = world.engine.describe_capacity_providers(&all, START).expect("described");
    let rest = DescribeCapacityProviders { next_token: page.next_token, ..all };
    let rest = world.engine.describe_capacity_providers(&rest, START).expect("described");
    let provider = &rest.capacity_providers[0];
    assert_eq!((rest.capacity_providers.len(), rest.next_token), (1, None));
    let group = provider.auto_scaling_group_provider.as_ref().expect("a group's");
    assert_eq!((provider.kind, group.managed_scaling.status), ("EC2_AUTOSCALING", "ENABLED"));
    let groups = world.engine.describe_groups(&[], START).expect("described");
    assert_eq!(group.auto_scaling_group_arn, groups[0].arn);
    let elsewhere =
        DescribeCapacityProviders { cluster: Some("other".to_owned()), ..Default::default() };
    let error = world.engine.describe_capacity_providers(&elsewhere, START).expect_err("unknown");
    assert_eq!(error.code, "ClusterNotFoundException");
}

#[test]
fn a_cluster_names_its_providers_and_its_default() {
    for (mut world, providers, default) in
        [(World::new(0), 2, None), (managed(0), 3, Some("loadtop-provider"))]
    {
        let request =
            DescribeClusters { clusters: vec!["loadtop".to_owned()], include: Vec::new() };
        let cluster = world.engine.describe_clusters(&request, START).expect("described");
        let cluster = &cluster.clusters[0];
        assert_eq!(cluster.capacity_providers.len(), providers);
        let strategy = &cluster.default_capacity_provider_strategy;
        assert_eq!(strategy.first().map(|item| item.capacity_provider.as_str()), default);
    }
}

/// Without a launch type the cluster's default decides; with one it does not.
#[test]
fn who_says_nothing_gets_the_default() {
    let mut world = World::new(1);
    let task = world.run(1).expect("room").tasks.remove(0);
    assert_eq!((task.launch_type, task.capacity_provider_name), ("EC2", None));
    let mut world = managed(1);
    let task = world.run(1).expect("room").tasks.remove(0);
    assert_eq!(task.capacity_provider_name.as_deref(), Some("loadtop-provider"));
    let on_ec2 = RunTask { launch_type: Some("EC2".to_owned()), ..request() };
    let task = world.engine.run_task(on_ec2, world.now).expect("room").tasks.remove(0);
    assert_eq!(task.capacity_provider_name, None);
    let task = world.engine.run_task(on_fargate(), world.now).expect("started").tasks.remove(0);
    assert_eq!(task.launch_type, "FARGATE");
}

#[test]
fn a_strategy_spreads_a_calls_tasks() {
    let mut world = World::new(0);
    let request = RunTask { count: Some(10), ..by(&["FARGATE", "FARGATE_SPOT"]) };
    let tasks = world.engine.run_task(request, world.now).expect("started").tasks;
    let spot =
        tasks.iter().filter(|it| it.capacity_provider_name.as_deref() == Some("FARGATE_SPOT"));
    assert_eq!((tasks.len(), spot.count()), (10, 5));
}

#[test]
fn tasks_without_room_wait_for_machines_that_come_by_themselves() {
    let mut world = managed(1);
    let tasks = world.run(10).expect("all are taken").tasks;
    assert_eq!((tasks.len(), world.engine.group.desired), (10, 1));
    let waiting: Vec<_> = tasks.iter().filter(|it| it.container_instance_arn.is_none()).collect();
    assert_eq!((waiting.len(), waiting[0].launch_type), (6, "EC2"));
    world.pass(5_000);
    assert_eq!(world.engine.group.desired, 3, "six more need two machines");
    assert_eq!(world.task(&waiting[0].task_arn).last_status, "PROVISIONING");
    world.pass(BOOT + 100);
    for task in &tasks {
        let task = world.task(&task.task_arn);
        assert_eq!((task.last_status, task.container_instance_arn.is_some()), ("PENDING", true));
    }
    assert_eq!(world.effects.len(), 10);
    world.pass(60_000);
    assert_eq!(world.engine.group.desired, 3, "no more than are needed");
}

#[test]
fn what_waits_gets_the_room_that_others_leave() {
    let mut world = managed(1);
    world.engine.group.max = 1;
    let running: Vec<String> = (0..4).map(|_| world.running()).collect();
    let waits = world.run(2).expect("taken").tasks;
    world.pass(60_000);
    assert_eq!(world.engine.group.desired, 1, "the group's maximum");
    let stopped = world.stop(&waits[0].task_arn);
    assert_eq!(stopped.desired_status, "STOPPED");
    world.pass(1000);
    assert_eq!(world.task(&waits[0].task_arn).last_status, "STOPPED");
    world.tell(exited(&running[0], Exit::Code(0)));
    world.pass(1000);
    assert_eq!(world.task(&waits[1].task_arn).last_status, "PENDING");
    assert!(world.engine.scaling.awaited.is_empty());
}

#[test]
fn a_size_that_others_set_is_taken_back() {
    let mut world = managed(1);
    world.running();
    let set = |world: &mut World, desired| {
        let request = SetDesiredCapacity { group: "loadtop".to_owned(), desired };
        world.engine.set_desired_capacity(&request, world.now).expect("within the limits");
    };
    set(&mut world, 4);
    world.pass(10_000);
    assert_eq!(world.engine.group.desired, 4, "not at once");
    world.pass(20_000);
    assert_eq!(world.engine.group.desired, 1);
    let left = world.instances();
    assert_eq!((left.len(), left[0].running_tasks_count), (1, 1), "the one that is used");
    assert_eq!(left[0].capacity_provider_name, Some("loadtop-provider"));
    // Where it does not scale, nobody interferes.
    let mut world = World::new(1);
    set(&mut world, 4);
    world.pass(60_000);
    assert_eq!(world.engine.group.desired, 4);
}

#[test]
fn many_that_wait_are_placed_in_order_and_quickly() {
    let setup =
        Setup { instances: 0, max_instances: 1000, managed_scaling: true, ..World::setup() };
    let mut world = World { engine: Engine::new(setup, START), now: START, effects: Vec::new() };
    for _ in 0..400 {
        world.pass(25);
        world.run(10).expect("taken");
    }
    world.pass(5_000 + BOOT + 100);
    assert_eq!((world.engine.group.desired, world.effects.len()), (1000, 4000));
    assert!(world.engine.scaling.awaited.is_empty());
}
