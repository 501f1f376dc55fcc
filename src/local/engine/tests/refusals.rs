//! Requests that AWS refuses: with which code, and in which words.

use super::{
    api::{ContainerOverride, ListTasks, Overrides, Tag},
    fargate::{by, network, on_fargate},
    *,
};

#[expect(clippy::unnecessary_wraps, reason = "most fields of requests are optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

fn strategy(items: &[(&str, i64, i64)]) -> RunTask {
    let mut request = by(&items.iter().map(|item| item.0).collect::<Vec<_>>());
    for (item, (_, weight, base)) in request.capacity_provider_strategy.iter_mut().zip(items) {
        (item.weight, item.base) = (*weight, *base);
    }
    request
}

/// What is wrong wherever the tasks would be.
fn anywhere() -> Vec<(RunTask, &'static str)> {
    let overridden = |container| RunTask {
        overrides: Overrides { container_overrides: vec![container], ..Overrides::default() },
        ..request()
    };
    let tagged = |tags: Vec<Tag>| RunTask { tags, ..request() };
    let of = |name: &str| ContainerOverride { name: name.to_owned(), ..Default::default() };
    let long = ContainerOverride { command: Some(vec!["x".repeat(8192)]), ..of("agent") };
    vec![
        (RunTask { count: Some(0), ..request() }, "count must be between 1 and 10."),
        (RunTask { count: Some(11), ..request() }, "count must be between 1 and 10."),
        (RunTask { client_token: Some("x".repeat(65)), ..request() }, "clientToken must be"),
        (RunTask { client_token: some("a b"), ..request() }, "clientToken must be"),
        (RunTask { started_by: Some("x".repeat(129)), ..request() }, "startedBy must be up to"),
        (RunTask { started_by: some("a:b"), ..request() }, "startedBy can only contain"),
        (RunTask { started_by: some("a b"), ..request() }, "startedBy can only contain"),
        (overridden(long), "Container Overrides length must be at most 8192"),
        (overridden(of("x")), "Override for container named x is not a container in the"),
        (RunTask { propagate_tags: some("SERVICE"), ..request() }, "propagateTags must be"),
        (tagged((0..51).map(|n| tag(&n.to_string(), "")).collect()), "at most 50 items"),
        (tagged(vec![tag("", "")]), "between 1 and 128"),
        (tagged(vec![tag(&"x".repeat(129), "")]), "between 1 and 128"),
        (tagged(vec![tag("k", &"x".repeat(257))]), "at most 256"),
        (tagged(vec![tag("aws:k", "")]), "prefix aws: are reserved"),
        (tagged(vec![tag("k", "AWS:v")]), "prefix aws: are reserved"),
        (tagged(vec![tag("k", "{}")]), "Some tags contain invalid characters."),
        (tagged(vec![tag("k", "1"), tag("k", "2")]), "Tag keys must be unique: k"),
        (
            RunTask { platform_version: some("LATEST"), ..request() },
            "The platform version must be null when specifying an EC2 launch type.",
        ),
        (RunTask { launch_type: some("MOON"), ..request() }, "Unsupported launch type."),
        (
            RunTask { launch_type: some("EXTERNAL"), ..request() },
            "No Container Instances were found in your cluster.",
        ),
    ]
}

fn about_networks() -> Vec<(RunTask, &'static str)> {
    let with = |subnets: &[&str], groups: &[&str]| RunTask {
        network_configuration: Some(network(subnets, groups)),
        ..on_fargate()
    };
    vec![
        (
            RunTask { network_configuration: None, ..on_fargate() },
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (with(&[], &[]), "subnets can not be empty."),
        (with(&["subnet-1"; 17], &[]), "subnets can have at most 16 items."),
        (with(&["subnet-1"], &["sg-1"; 6]), "securityGroups can have at most 5 items."),
        (with(&["x"], &[]), "Error retrieving subnet information for [x]"),
        (with(&["subnet-1"], &["x"]), "Error retrieving security group information for [x]"),
        (
            RunTask { network_configuration: Some(network(&["subnet-1"], &[])), ..request() },
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        (
            RunTask { launch_type: some("EC2"), ..on_fargate() },
            "Assign public IP is not supported for this launch type.",
        ),
        (
            RunTask { task_definition: "loadtop-agent".to_owned(), ..on_fargate() },
            "Task definition does not support launch_type FARGATE.",
        ),
    ]
}

fn about_strategies() -> Vec<(RunTask, &'static str)> {
    vec![
        (
            RunTask { launch_type: some("FARGATE"), ..by(&["FARGATE"]) },
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            by(&["other"]),
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster.",
        ),
        (by(&["FARGATE"; 21]), "can contain a maximum of 20 capacity providers."),
        (by(&["FARGATE", "FARGATE"]), "the same capacity provider twice"),
        (strategy(&[("FARGATE", 1001, 0)]), "weight must be between 0 and 1000."),
        (strategy(&[("FARGATE", 1, -1)]), "base must be between 0 and 100000."),
        (
            strategy(&[("FARGATE", 1, 1), ("FARGATE_SPOT", 1, 1)]),
            "Only one capacity provider in a capacity provider strategy can have a base defined.",
        ),
        (
            strategy(&[("FARGATE", 0, 0), ("FARGATE_SPOT", 0, 0)]),
            "There are no capacity providers with a weight value greater than zero",
        ),
        (by(&["FARGATE", "loadtop-provider"]), "cannot contain a mix of capacity providers"),
    ]
}

#[test]
fn tasks_that_cannot_be_started() {
    let setup = Setup { managed_scaling: true, ..World::setup() };
    let mut world = World { engine: Engine::new(setup, START), now: START, effects: Vec::new() };
    for (request, says) in anywhere().into_iter().chain(about_networks()).chain(about_strategies())
    {
        world.pass(1000);
        let error = world.engine.run_task(request, world.now).expect_err(says);
        assert_eq!((error.code, error.status), ("InvalidParameterException", 400), "{says}");
        assert!(error.message.contains(says), "{says}: {}", error.message);
    }
    let others = [
        (RunTask { cluster: None, ..request() }, "ClusterNotFoundException", "Cluster not found."),
        (
            RunTask { task_definition: "x".to_owned(), ..request() },
            "ClientException",
            "TaskDefinition not found.",
        ),
        (
            RunTask { platform_version: some("9.9.9"), ..on_fargate() },
            "PlatformUnknownException",
            "The specified platform does not exist.",
        ),
    ];
    for (request, code, says) in others {
        let error = world.engine.run_task(request, world.now).expect_err(says);
        assert_eq!((error.code, error.message.as_str()), (code, says));
    }
    assert!(world.engine.tasks.is_empty(), "nothing of it was started");
}

#[test]
fn limits_that_are_just_met_are_no_error() {
    let mut world = World::new(10);
    let good = [
        RunTask { count: Some(10), ..request() },
        RunTask { started_by: Some("a-Z_0/".repeat(21)), ..request() },
        RunTask { client_token: Some("!~".repeat(32)), ..request() },
        RunTask {
            tags: (0..50).map(|n| tag(&format!("k {n}"), "é+-=._:/@")).collect(),
            ..request()
        },
        RunTask { tags: vec![tag(&"x".repeat(128), &"y".repeat(256))], ..request() },
        RunTask {
            network_configuration: Some(network(&["subnet-1"; 16], &["sg-1"; 5])),
            platform_version: some("LATEST"),
            ..on_fargate()
        },
    ];
    for request in good {
        let answer = world.engine.run_task(request.clone(), world.now);
        assert!(answer.is_ok_and(|it| it.failures.is_empty()), "{request:?}");
    }
    // The braces and quotes count.
    let overrides = |length| Overrides {
        container_overrides: vec![ContainerOverride {
            name: "agent".to_owned(),
            command: Some(vec!["ü".repeat(length)]),
            ..ContainerOverride::default()
        }],
        ..Overrides::default()
    };
    let around = serde_json::to_string(&overrides(0)).expect("JSON").len();
    for (length, is_good) in [(8192 - around, true), (8193 - around, false)] {
        let request = RunTask { overrides: overrides(length), ..request() };
        assert_eq!(world.engine.run_task(request, world.now).is_ok(), is_good, "{length}");
    }
}

#[test]
fn identifiers_are_read_as_ecs_reads_them() {
    let mut world = World::new(1);
    let arn = world.running();
    let short = id(&arn);
    let with = |resource: &str| format!("arn:aws:ecs:us-east-1:000000000000:{resource}");
    for good in [&arn, &short, &with(&format!("task/{short}")), &format!("loadtop/{short}")] {
        let answer = world.describe(std::slice::from_ref(good));
        assert_eq!(answer.tasks.len(), 1, "{good}");
    }
    let missing = world.describe(&[NOWHERE.to_owned()]);
    assert_eq!(missing.failures, [api::Failure::missing(NOWHERE)]);
    let table = [
        (
            with(&format!("task/other/{short}")),
            "Invalid identifier: Identifier is for cluster other. Your cluster is loadtop",
        ),
        (with("cluster/loadtop"), "Unsupported resource type: cluster"),
        (
            with(&format!("task/loadtop/{short}/x")),
            "Invalid identifier: Unexpected number of separators",
        ),
        (with("task"), "Invalid identifier: Unexpected number of separators"),
        ("None".to_owned(), "taskId length should be one of [32,36]"),
        (String::new(), "taskId length should be one of [32,36]"),
        (
            arn.replace("us-east-1", "us-west-2"),
            "Invalid identifier: Identifier is for region us-west-2",
        ),
        (arn.replace(":ecs:", ":ec2:"), "Invalid identifier: Not an ECS ARN"),
    ];
    for (identifier, says) in table {
        let cluster = some("loadtop");
        let tasks = vec![arn.clone(), identifier.clone()];
        let request = DescribeTasks { cluster: cluster.clone(), tasks, include: Vec::new() };
        let error = world.engine.describe_tasks(&request, world.now).expect_err(says);
        assert_eq!((error.code, error.message.as_str()), ("InvalidParameterException", says));
        let request = StopTask { cluster, task: identifier, reason: None };
        let error = world.engine.stop_task(request, world.now).expect_err(says);
        assert_eq!((error.code, error.message.as_str()), ("InvalidParameterException", says));
    }
    let request = StopTask { cluster: some("loadtop"), task: NOWHERE.to_owned(), reason: None };
    let error = world.engine.stop_task(request, world.now).expect_err("unknown");
    assert_eq!(error.message, "The referenced task was not found.");
}

#[test]
fn a_long_reason_is_cut() {
    let mut world = World::new(1);
    let task = world.running();
    let request = StopTask { cluster: some("loadtop"), task, reason: Some("ü".repeat(2000)) };
    let answer = world.engine.stop_task(request, world.now).expect("there");
    assert_eq!(answer.task.stopped_reason.expect("a reason").chars().count(), 1024);
}

#[test]
fn lists_refuse_what_cannot_be_combined() {
    let mut world = World::new(0);
    let all = || ListTasks { cluster: some("loadtop"), ..ListTasks::default() };
    let by = || ListTasks { started_by: some("a"), ..all() };
    let alone = "cannot specify startedBy with other arguments";
    let table = [
        (ListTasks { desired_status: some("RUNNING"), ..by() }, alone),
        (ListTasks { family: some("f"), ..by() }, alone),
        (ListTasks { launch_type: some("EC2"), ..by() }, alone),
        (ListTasks { container_instance: some(NOWHERE), ..by() }, alone),
        (ListTasks { service_name: some("s"), ..by() }, alone),
        (ListTasks { max_results: Some(0), ..all() }, "maxResults must be between 1 and 100."),
        (ListTasks { max_results: Some(101), ..all() }, "maxResults must be between 1 and 100."),
        (ListTasks { next_token: some("x"), ..all() }, "Invalid token."),
        (ListTasks { launch_type: some("x"), ..all() }, "Invalid launchType."),
        (ListTasks { desired_status: some("x"), ..all() }, "Invalid desiredStatus."),
        (
            ListTasks { container_instance: some("x"), ..all() },
            "instanceId length should be one of [32,36]",
        ),
        (
            ListTasks { container_instance: some(NOWHERE), ..all() },
            "The referenced container instance was not found.",
        ),
    ];
    for (request, says) in table {
        let error = world.engine.list_tasks(&request, world.now).expect_err(says);
        assert_eq!((error.code, error.message.as_str()), ("InvalidParameterException", says));
    }
    let request = ListTasks { max_results: Some(1), ..by() };
    world.engine.list_tasks(&request, world.now).expect("pages are no filter");
}

#[test]
fn what_container_instances_are_asked() {
    let mut world = World::new(1);
    let known = world.instances()[0].container_instance_arn.clone();
    let request = |names: Vec<String>, status| ContainerInstancesRequest {
        cluster: some("loadtop"),
        container_instances: names,
        status,
    };
    for (count, is_good) in [(0, false), (1, true), (10, true), (11, false)] {
        let request = request(vec![NOWHERE.to_owned(); count], some("DRAINING"));
        let answer = world.engine.update_container_instances_state(&request, world.now);
        assert_eq!(answer.as_ref().is_ok(), is_good, "{count}");
        assert!(answer.is_err() || answer.is_ok_and(|it| it.failures[0].reason == "MISSING"));
    }
    // What cannot be a name refuses all of it.
    let mixed = request(vec![known.clone(), "x".to_owned()], some("DRAINING"));
    assert!(world.engine.update_container_instances_state(&mixed, world.now).is_err());
    assert_eq!(world.instances()[0].status, "ACTIVE");
    let part = request(vec![known, NOWHERE.to_owned()], some("DRAINING"));
    let answer = world.engine.update_container_instances_state(&part, world.now).expect("partly");
    assert_eq!((answer.container_instances[0].status, answer.failures.len()), ("DRAINING", 1));
    for (count, is_good) in [(0, false), (100, true), (101, false)] {
        let request = request(vec![NOWHERE.to_owned(); count], None);
        let answer = world.engine.describe_container_instances(&request, world.now);
        assert_eq!(answer.is_ok(), is_good, "{count}");
    }
    let all = || ListContainerInstances { cluster: some("loadtop"), ..Default::default() };
    for (request, count) in [
        (ListContainerInstances { status: some("DRAINING"), ..all() }, Some(1)),
        (ListContainerInstances { status: some("ACTIVE"), ..all() }, Some(0)),
        (ListContainerInstances { status: some("x"), ..all() }, None),
        (ListContainerInstances { filter: some("agentConnected==true"), ..all() }, None),
        (ListContainerInstances { max_results: Some(101), ..all() }, None),
    ] {
        let answer = world.engine.list_container_instances(&request, world.now).ok();
        let listed = answer.map(|it| it.container_instance_arns.len());
        assert_eq!(listed, count, "{request:?}");
    }
}
