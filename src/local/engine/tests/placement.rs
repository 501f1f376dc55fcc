use super::{
    api::{ContainerOverride, Overrides, Variable},
    *,
};

#[test]
fn a_full_cluster_names_what_each_instance_lacks() {
    let mut world = World::new(2);
    assert_eq!(world.run(8).expect("room").tasks.len(), 8);
    let full = world.run(1).expect("failures are no error");
    assert_eq!(full.tasks, []);
    let reasons: Vec<&str> = full.failures.iter().map(|failure| failure.reason.as_str()).collect();
    assert_eq!(reasons, ["RESOURCE:CPU", "RESOURCE:CPU"]);
    let mut arns: Vec<_> = full.failures.into_iter().map(|failure| failure.arn).collect();
    arns.dedup();
    assert_eq!(arns.len(), 2);
    world.register("hungry", 1, 2048);
    let mut world_of_memory = World::new(1);
    world_of_memory.register("hungry", 1, 1500);
    let request = RunTask { task_definition: "hungry".to_owned(), count: Some(2), ..request() };
    let now = world_of_memory.now;
    let answer = world_of_memory.engine.run_task(request, now).expect("partly");
    assert_eq!((answer.tasks.len(), answer.failures[0].reason.as_str()), (1, "RESOURCE:MEMORY"));
}

#[test]
fn room_comes_back_with_stopped_and_not_before() {
    let mut world = World::new(1);
    let arns: Vec<String> = (0..4).map(|_| world.running()).collect();
    world.stop(&arns[0]);
    world.pass(1000);
    assert_eq!(world.run(1).expect("answered").tasks, []);
    world.tell(exited(&arns[0], Exit::Code(0)));
    assert_eq!(world.run(1).expect("answered").tasks, []);
    world.pass(1000);
    assert_eq!(world.run(1).expect("answered").tasks.len(), 1);
    let instance = &world.instances()[0];
    assert_eq!((instance.running_tasks_count, instance.pending_tasks_count), (3, 1));
    assert_eq!(instance.remaining_resources[1].integer_value, 0);
}

#[test]
fn a_token_starts_its_tasks_once() {
    let mut world = World::new(1);
    let with_token = |token: &str, count| RunTask {
        client_token: Some(token.to_owned()),
        count: Some(count),
        ..request()
    };
    let request = with_token("a", 2);
    let first = world.engine.run_task(request.clone(), world.now).expect("room");
    world.pass(1000);
    let again = world.engine.run_task(request.clone(), world.now).expect("known");
    assert_eq!(first, again, "the first answer, not today's state");
    let error = world.engine.run_task(with_token("a", 1), world.now).expect_err("changed");
    assert_eq!(error.code, "ConflictException");
    let arns: Vec<_> = first.tasks.iter().map(|task| task.task_arn.clone()).collect();
    assert_eq!(error.resource_ids, arns);
    // Failures are not remembered: the same token may try again.
    world.run(2).expect("room");
    let full = world.engine.run_task(with_token("b", 1), world.now).expect("answered");
    assert_eq!((full.tasks.len(), full.failures.len()), (0, 1));
    world
        .engine
        .set_desired_capacity(
            &group::SetDesiredCapacity { group: "loadtop".to_owned(), desired: 2 },
            world.now,
        )
        .expect("within the limits");
    world.pass(BOOT);
    let retried = world.engine.run_task(with_token("b", 1), world.now).expect("answered");
    assert_eq!(retried.tasks.len(), 1);
    // After a day a token is new again.
    world.pass(24 * 3_600_000);
    let later = world.engine.run_task(request, world.now).expect("answered");
    assert_ne!(later.tasks.first().map(|task| &task.task_arn), Some(&arns[0]));
}

#[test]
fn overrides_win_over_the_definition() {
    let mut world = World::new(1);
    let variable =
        |name: &str, value: &str| Variable { name: name.to_owned(), value: value.to_owned() };
    let container = ContainerOverride {
        name: "agent".to_owned(),
        command: Some(vec!["other".to_owned()]),
        environment: vec![variable("A", "1"), variable("A", "2")],
        ..ContainerOverride::default()
    };
    let overrides = Overrides { container_overrides: vec![container], ..Overrides::default() };
    let request = RunTask { overrides, ..request() };
    world.engine.run_task(request, world.now).expect("room");
    world.pass(1000);
    let [Effect::Start { command, environment, .. }] = &world.effects[..] else {
        panic!("{:?}", world.effects);
    };
    assert_eq!(command, &["other"]);
    assert_eq!(environment["A"], "2");
}

#[test]
fn bad_requests_are_refused_in_awss_words() {
    let mut world = World::new(1);
    let good = request();
    let wrong_name = ContainerOverride { name: "x".to_owned(), ..ContainerOverride::default() };
    let long = ContainerOverride {
        name: "agent".to_owned(),
        command: Some(vec!["x".repeat(8192)]),
        ..ContainerOverride::default()
    };
    let overrides =
        |container| Overrides { container_overrides: vec![container], ..Overrides::default() };
    let some = |text: &str| Some(text.to_owned());
    let table = [
        (RunTask { cluster: None, ..good.clone() }, "ClusterNotFoundException"),
        (RunTask { cluster: some("x"), ..good.clone() }, "ClusterNotFoundException"),
        (RunTask { count: Some(0), ..good.clone() }, "InvalidParameterException"),
        (RunTask { count: Some(11), ..good.clone() }, "InvalidParameterException"),
        (RunTask { launch_type: some("FARGATE"), ..good.clone() }, "InvalidParameterException"),
        (
            RunTask { client_token: Some("x".repeat(65)), ..good.clone() },
            "InvalidParameterException",
        ),
        (
            RunTask { started_by: Some("x".repeat(129)), ..good.clone() },
            "InvalidParameterException",
        ),
        (RunTask { overrides: overrides(wrong_name), ..good.clone() }, "InvalidParameterException"),
        (RunTask { overrides: overrides(long), ..good.clone() }, "InvalidParameterException"),
        (RunTask { task_definition: "x".to_owned(), ..good.clone() }, "ClientException"),
        (RunTask { task_definition: "loadtop-agent:2".to_owned(), ..good }, "ClientException"),
    ];
    for (request, code) in table {
        let error = world.engine.run_task(request.clone(), world.now).expect_err("refused");
        assert_eq!(error.code, code, "{request:?}");
    }
    let mut empty = World::new(0);
    let error = empty.run(1).expect_err("no instances");
    assert_eq!(error.message, "No Container Instances were found in your cluster.");
}

#[test]
fn calls_beyond_the_bucket_are_throttled() {
    let mut world = World::new(0);
    let codes: Vec<_> = (0..101).map(|_| world.run(1).expect_err("no instances").code).collect();
    assert_eq!(codes[99], "InvalidParameterException");
    assert_eq!(codes[100], "ThrottlingException");
    world.pass(1000);
    assert_eq!(world.run(1).expect_err("no instances").code, "InvalidParameterException");
}
