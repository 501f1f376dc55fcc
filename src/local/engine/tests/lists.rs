use super::{
    api::{DescribeClusters, ListTasks, OneTaskDefinition},
    *,
};

fn all() -> ListTasks {
    ListTasks { cluster: Some("loadtop".to_owned()), ..ListTasks::default() }
}

#[test]
fn pages_miss_nothing_even_if_tasks_come_and_go_between() {
    let mut world = World::new(10);
    let arns: Vec<String> =
        (0..4).flat_map(|_| world.run(10).expect("room").tasks).map(|task| task.task_arn).collect();
    let page = |world: &mut World, next_token| {
        let request = ListTasks { max_results: Some(15), next_token, ..all() };
        world.engine.list_tasks(&request, world.now).expect("listed")
    };
    let first = page(&mut world, None);
    world.stop(&first.task_arns[14]);
    let second = page(&mut world, first.next_token);
    let third = page(&mut world, second.next_token);
    assert_eq!(third.next_token, None);
    assert_eq!([first.task_arns, second.task_arns, third.task_arns].concat(), arns);
    for bad in [
        ListTasks { max_results: Some(101), ..all() },
        ListTasks { next_token: Some("x".to_owned()), ..all() },
    ] {
        assert!(world.engine.list_tasks(&bad, world.now).is_err(), "{bad:?}");
    }
}

#[test]
fn lists_go_by_the_desired_status_at_once() {
    let mut world = World::new(1);
    let arn = world.running();
    let with = |status: &str| ListTasks { desired_status: Some(status.to_owned()), ..all() };
    let listed = |world: &mut World, request: &ListTasks| {
        world.engine.list_tasks(request, world.now).expect("listed").task_arns.len()
    };
    assert_eq!((listed(&mut world, &all()), listed(&mut world, &with("STOPPED"))), (1, 0));
    world.stop(&arn);
    assert_eq!((listed(&mut world, &all()), listed(&mut world, &with("STOPPED"))), (0, 1));
}

#[test]
fn filters() {
    let mut world = World::new(2);
    world.register("other", 16, 16);
    let by = |by: &str| RunTask { started_by: Some(by.to_owned()), ..request() };
    let (a, b) = (by("a"), by("b"));
    world.engine.run_task(a, world.now).expect("room");
    let b = RunTask { task_definition: "other".to_owned(), ..b };
    let other = world.engine.run_task(b, world.now).expect("room").tasks.remove(0);
    let some = |text: &str| Some(text.to_owned());
    let table = [
        (all(), Some(2)),
        (ListTasks { started_by: some("a"), ..all() }, Some(1)),
        (ListTasks { started_by: some("c"), ..all() }, Some(0)),
        (ListTasks { started_by: some("a"), desired_status: some("RUNNING"), ..all() }, None),
        (ListTasks { started_by: some("a"), family: some("other"), ..all() }, None),
        (ListTasks { family: some("other"), ..all() }, Some(1)),
        (ListTasks { launch_type: some("FARGATE"), ..all() }, Some(0)),
        (
            ListTasks {
                container_instance: other.container_instance_arn,
                family: some("other"),
                ..all()
            },
            Some(1),
        ),
        (ListTasks { container_instance: some("x"), ..all() }, None),
        (ListTasks { service_name: some("x"), ..all() }, None),
        (ListTasks { desired_status: some("DONE"), ..all() }, None),
        (ListTasks { cluster: some("other"), ..all() }, None),
    ];
    for (request, expected) in table {
        let listed = world.engine.list_tasks(&request, world.now).ok();
        assert_eq!(listed.map(|listed| listed.task_arns.len()), expected, "{request:?}");
    }
}

#[test]
fn descriptions_take_a_hundred() {
    let mut world = World::new(0);
    let request = |count: usize| DescribeTasks {
        cluster: Some("loadtop".to_owned()),
        tasks: vec![NOWHERE.to_owned(); count],
        include: Vec::new(),
    };
    for (count, good) in [(0, false), (1, true), (100, true), (101, false)] {
        let answer = world.engine.describe_tasks(&request(count), world.now);
        assert_eq!(answer.is_ok(), good, "{count}");
        assert!(answer.is_ok_and(|answer| answer.failures.len() == count) || !good);
    }
}

#[test]
fn definitions_have_revisions() {
    let mut world = World::new(0);
    world.register("mine", 1, 100);
    world.register("mine", 2, 200);
    let table = [
        ("mine", Some(2)),
        ("mine:1", Some(1)),
        ("mine:2", Some(2)),
        ("mine:3", None),
        ("mine:0", None),
        ("mine:x", None),
        ("arn:aws:ecs:us-east-1:000000000000:task-definition/mine:1", Some(1)),
        ("yours", None),
    ];
    for (name, revision) in table {
        let request =
            OneTaskDefinition { task_definition: name.to_owned(), ..OneTaskDefinition::default() };
        let found = world.engine.describe_task_definition(&request, world.now);
        assert_eq!(found.ok().map(|found| found.task_definition.revision), revision, "{name}");
    }
}

#[test]
fn the_cluster_counts() {
    let mut world = World::new(2);
    world.running();
    world.run(2).expect("room");
    let request = DescribeClusters {
        clusters: vec!["loadtop".to_owned()],
        include: vec!["STATISTICS".to_owned()],
    };
    let answer = world.engine.describe_clusters(&request, world.now).expect("described");
    let cluster = &answer.clusters[0];
    assert_eq!(
        (
            cluster.registered_container_instances_count,
            cluster.running_tasks_count,
            cluster.pending_tasks_count
        ),
        (2, 1, 2)
    );
    let statistics = cluster.statistics.iter().map(|it| (it.name.as_str(), it.value.as_str()));
    let expected = [
        ("runningEC2TasksCount", "1"),
        ("runningFargateTasksCount", "0"),
        ("pendingEC2TasksCount", "2"),
        ("pendingFargateTasksCount", "0"),
    ];
    assert_eq!(statistics.collect::<Vec<_>>(), expected);
}

#[test]
fn word_of_a_new_task_spreads_after_a_while() {
    let mut world = World::new(1);
    world.engine.setup.lag = 3000;
    let by = RunTask { started_by: Some("a".to_owned()), ..request() };
    let arn = world.engine.run_task(by, world.now).expect("room").tasks[0].task_arn.clone();
    let of_a = ListTasks { started_by: Some("a".to_owned()), ..all() };
    let seen = |world: &mut World| {
        let described = world.describe(std::slice::from_ref(&arn));
        let missing = described.failures.iter().filter(|it| it.reason == "MISSING").count();
        let listed = [all(), of_a.clone()]
            .map(|request| world.engine.list_tasks(&request, world.now).expect("listed").task_arns);
        (described.tasks.len(), missing, listed.map(|arns| arns.len()))
    };
    world.pass(2999);
    assert_eq!(seen(&mut world), (0, 1, [0, 0]));
    world.pass(1);
    assert_eq!(seen(&mut world), (1, 0, [1, 1]));
}

#[test]
fn a_task_that_is_not_seen_yet_can_be_stopped() {
    let mut world = World::new(1);
    world.engine.setup.lag = 3000;
    let arn = world.run(1).expect("room").tasks[0].task_arn.clone();
    assert_eq!(world.stop(&arn).desired_status, "STOPPED");
}
