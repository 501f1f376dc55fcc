use super::{
    api::{ContainerOverride, ListTaskDefinitions, OneTaskDefinition, Overrides, Tag, Variable},
    *,
};

pub(super) fn container(name: &str) -> ContainerDefinition {
    ContainerDefinition {
        name: name.to_owned(),
        image: "none".to_owned(),
        cpu: 16,
        memory: Some(64),
        command: vec!["program".to_owned()],
        ..ContainerDefinition::default()
    }
}

pub(super) fn family(containers: Vec<ContainerDefinition>) -> RegisterTaskDefinition {
    RegisterTaskDefinition {
        family: "mine".to_owned(),
        container_definitions: containers,
        ..RegisterTaskDefinition::default()
    }
}

/// As JSON has it, so that what is not known here is there as well.
fn parsed(json: &str) -> RegisterTaskDefinition {
    serde_json::from_str(json).expect("a request")
}

fn named(name: &str) -> OneTaskDefinition {
    OneTaskDefinition { task_definition: name.to_owned(), include: Vec::new() }
}

#[test]
fn what_is_wrong_with_a_definition_is_told_in_awss_words() {
    let good = || family(vec![container("a")]);
    let one = |change: fn(&mut ContainerDefinition)| {
        let mut container = container("a");
        change(&mut container);
        family(vec![container])
    };
    let fargate = |cpu: Option<&str>, memory: Option<&str>| RegisterTaskDefinition {
        cpu: cpu.map(str::to_owned),
        memory: memory.map(str::to_owned),
        network_mode: Some("awsvpc".to_owned()),
        requires_compatibilities: vec!["FARGATE".to_owned()],
        ..good()
    };
    let text = str::to_owned;
    let many = |count| (0..count).map(|n| container(&format!("c{n}"))).collect();
    let table = [
        (RegisterTaskDefinition { family: String::new(), ..good() }, "Family should not be null"),
        (RegisterTaskDefinition { family: text("a b"), ..good() }, "Family contains invalid"),
        (RegisterTaskDefinition { family: "x".repeat(256), ..good() }, "Family contains invalid"),
        (family(Vec::new()), "Container list cannot be empty."),
        (family(many(11)), "Too many containers."),
        (one(|it| it.name.clear()), "Container.name should not be null or empty."),
        (one(|it| it.name.push('.')), "Container.name contains invalid characters."),
        (one(|it| it.image.clear()), "Container.image should not be null or empty."),
        (
            family(vec![container("a"), container("a")]),
            "Container names must be unique within a Task Definition.",
        ),
        (one(|it| it.essential = Some(false)), "does not have any essential container"),
        (one(|it| it.memory = None), "At least one of 'memory' or 'memoryReservation'"),
        (one(|it| it.memory_reservation = Some(65)), "greater than or equal to"),
        (one(|it| it.memory = Some(3)), "at least 4"),
        (one(|it| it.cpu = -1), "must not be negative"),
        (one(|it| it.stop_timeout = Some(1)), "'a' must be at least 2 seconds."),
        (RegisterTaskDefinition { cpu: Some(text("x")), ..good() }, "Invalid 'cpu' setting"),
        (RegisterTaskDefinition { memory: Some(text("0")), ..good() }, "Invalid 'memory' setting"),
        (RegisterTaskDefinition { cpu: Some(text("8")), ..good() }, "more than the task's"),
        (RegisterTaskDefinition { memory: Some(text("63")), ..good() }, "greater than the task's"),
        (RegisterTaskDefinition { network_mode: Some(text("x")), ..good() }, "network mode"),
        (
            RegisterTaskDefinition { requires_compatibilities: vec![text("X")], ..good() },
            "Invalid compatibility: X",
        ),
        (
            RegisterTaskDefinition { network_mode: None, ..fargate(Some("256"), Some("512")) },
            "Fargate only supports network mode ‘awsvpc’.",
        ),
        (fargate(None, Some("512")), "Fargate requires that 'cpu' be defined at the task level."),
        (
            fargate(Some("256"), None),
            "Fargate requires that 'memory' be defined at the task level.",
        ),
        (
            fargate(Some("1024"), Some("1024")),
            "No Fargate configuration exists for given values: 1024 CPU, 1024 memory. See the Amazon ECS documentation for the valid values.",
        ),
        (
            RegisterTaskDefinition {
                container_definitions: one(|it| it.stop_timeout = Some(121)).container_definitions,
                ..fargate(Some("256"), Some("512"))
            },
            "must have a container stop timeout of less than 120 seconds.",
        ),
        (one(|it| it.command = vec!["x".repeat(65536)]), "Max allowed length is '65536' bytes."),
    ];
    for (request, says) in table {
        let mut world = World::new(0);
        let error = world.engine.register_task_definition(request, START).expect_err(says);
        assert_eq!((error.code, error.status), ("ClientException", 400), "{says}");
        assert!(error.message.contains(says), "{says}: {}", error.message);
    }
    let mut world = World::new(0);
    for request in [good(), family(many(10)), fargate(Some(".25 vCPU"), Some("0.5 GB"))] {
        world.engine.register_task_definition(request, START).expect("valid");
    }
}

#[test]
fn a_definition_is_described_as_it_was_given() {
    let mut world = World::new(0);
    let request = parsed(
        r#"{"family": "mine", "networkMode": "awsvpc", "cpu": "1 vCPU", "memory": "2GB",
            "requiresCompatibilities": ["FARGATE"], "taskRoleArn": "arn:role",
            "executionRoleArn": "arn:other", "runtimePlatform": {"cpuArchitecture": "ARM64"},
            "containerDefinitions": [{"name": "a", "image": "i", "stopTimeout": 120,
                "portMappings": [{"containerPort": 80}], "secrets": [{"name": "S"}],
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}}],
            "tags": [{"key": "k", "value": "v"}]}"#,
    );
    world.engine.register_task_definition(request, START).expect("valid");
    let with_tags = OneTaskDefinition { include: vec!["TAGS".to_owned()], ..named("mine") };
    let answer = world.engine.describe_task_definition(&with_tags, START).expect("there");
    assert_eq!(answer.tags, [Tag { key: "k".to_owned(), value: "v".to_owned() }]);
    let json = serde_json::to_value(&answer.task_definition).expect("JSON");
    let container = &json["containerDefinitions"][0];
    let table = [
        (&json["networkMode"], "\"awsvpc\""),
        (&json["cpu"], "\"1024\""),
        (&json["memory"], "\"2048\""),
        (&json["requiresCompatibilities"], "[\"FARGATE\"]"),
        (&json["compatibilities"], "[\"EC2\",\"FARGATE\"]"),
        (&json["taskRoleArn"], "\"arn:role\""),
        (&json["executionRoleArn"], "\"arn:other\""),
        (&json["runtimePlatform"], r#"{"cpuArchitecture":"ARM64"}"#),
        (&json["status"], "\"ACTIVE\""),
        (&container["essential"], "true"),
        (&container["stopTimeout"], "120"),
        (&container["portMappings"], r#"[{"containerPort":80}]"#),
        (&container["secrets"], r#"[{"name":"S"}]"#),
        (&container["logConfiguration"]["options"]["awslogs-group"], "\"g\""),
        (&container["mountPoints"], "[]"),
    ];
    for (value, expected) in table {
        assert_eq!(value.to_string(), expected);
    }
    let answer = world.engine.describe_task_definition(&named("mine"), START).expect("there");
    assert_eq!(answer.tags, [], "tags are for who asks for them");
}

#[test]
fn an_inactive_revision_starts_no_more() {
    let mut world = World::new(1);
    world.register("mine", 16, 64);
    world.register("mine", 16, 64);
    let run = |world: &mut World, name: &str| {
        let request = RunTask { task_definition: name.to_owned(), ..request() };
        world.engine.run_task(request, world.now)
    };
    let running = run(&mut world, "mine:2").expect("room").tasks[0].task_arn.clone();
    let gone = world.engine.deregister_task_definition(&named("mine:2"), world.now);
    assert_eq!(gone.expect("there").task_definition.status, "INACTIVE");
    world
        .engine
        .deregister_task_definition(&named("mine:2"), world.now)
        .expect("as often as wanted");
    let error = run(&mut world, "mine:2").expect_err("inactive");
    assert_eq!(
        (error.code, error.message.as_str()),
        ("InvalidParameterException", "TaskDefinition is inactive")
    );
    let started = run(&mut world, "mine").expect("the latest active one").tasks.remove(0);
    assert!(started.task_definition_arn.ends_with("mine:1"));
    assert_eq!(world.task(&running).desired_status, "RUNNING");
    let inactive = world.engine.describe_task_definition(&named("mine:2"), world.now);
    let inactive = inactive.expect("still described").task_definition;
    assert!(inactive.status == "INACTIVE" && inactive.deregistered_at.is_some());
    for name in ["mine", "mine:3", "mine:0", "yours:1"] {
        let error = world.engine.deregister_task_definition(&named(name), world.now);
        assert_eq!(error.expect_err(name).code, "ClientException", "{name}");
    }
    // A number is never given twice.
    world.register("mine", 16, 64);
    let latest = world.engine.describe_task_definition(&named("mine"), world.now).expect("there");
    assert_eq!(latest.task_definition.revision, 3);
}

#[test]
fn definitions_are_listed() {
    let mut world = World::new(0);
    world.register("b", 1, 64);
    world.register("a", 1, 64);
    world.register("a", 1, 64);
    world.engine.deregister_task_definition(&named("a:1"), START).expect("there");
    let all = ListTaskDefinitions::default;
    let some = |text: &str| Some(text.to_owned());
    let table = [
        (all(), &["a:2", "b:1", "loadtop-agent:1", "loadtop-agent-fargate:1"][..]),
        (ListTaskDefinitions { status: some("INACTIVE"), ..all() }, &["a:1"]),
        (ListTaskDefinitions { family_prefix: some("a"), ..all() }, &["a:2"]),
        (
            ListTaskDefinitions { max_results: Some(1), next_token: some("after-1"), ..all() },
            &["b:1"],
        ),
        (
            ListTaskDefinitions { sort: some("DESC"), max_results: Some(1), ..all() },
            &["loadtop-agent-fargate:1"],
        ),
    ];
    for (request, expected) in table {
        let answer = world.engine.list_task_definitions(&request, START).expect("listed");
        let names: Vec<&str> =
            answer.task_definition_arns.iter().map(|arn| ids::short(arn)).collect();
        assert_eq!(names, expected, "{request:?}");
        assert_eq!(answer.next_token.is_some(), request.max_results.is_some());
    }
}

/// The shim around the program does what a watchdog does on ECS.
#[test]
fn of_several_containers_the_program_is_started() {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let watchdog = ContainerDefinition {
        entry_point: words(&["loadtop"]),
        command: words(&["watchdog"]),
        ..container("watchdog")
    };
    let shim = ContainerDefinition {
        command: words(&["loadtop", "watchdog", "--", "program"]),
        ..container("shim")
    };
    let minor = ContainerDefinition { essential: Some(false), ..container("minor") };
    for (containers, main) in [
        (vec![watchdog.clone(), minor.clone(), container("app")], "app"),
        (vec![minor, watchdog.clone()], "watchdog"),
        (vec![watchdog.clone(), shim], "shim"),
    ] {
        let mut world = World::new(1);
        world.engine.register_task_definition(family(containers.clone()), START).expect("valid");
        let variable = |it: &ContainerDefinition| ContainerOverride {
            name: it.name.clone(),
            environment: vec![Variable { name: "FOR".to_owned(), value: it.name.clone() }],
            ..ContainerOverride::default()
        };
        let overrides = Overrides {
            container_overrides: containers.iter().map(variable).collect(),
            ..Overrides::default()
        };
        let request = RunTask { task_definition: "mine".to_owned(), overrides, ..request() };
        let task = world.engine.run_task(request, START).expect("room").tasks.remove(0);
        let all: i32 = containers.iter().map(|it| it.cpu).sum();
        assert_eq!(task.cpu, all.to_string(), "the room of all of them");
        world.pass(1000);
        let [Effect::Start { environment, .. }] = &world.effects[..] else {
            panic!("one process: {:?}", world.effects);
        };
        assert_eq!(environment["FOR"], main);
        world.tell(Event::Started { task: id(&task.task_arn) });
        world.tell(exited(&task.task_arn, Exit::Code(3)));
        world.pass(1000);
        let task = world.task(&task.task_arn);
        assert_eq!(task.last_status, "STOPPED");
        let codes = task.containers.iter().map(|it| (it.name.as_str(), it.exit_code));
        let expected =
            containers.iter().map(|it| (it.name.as_str(), (it.name == main).then_some(3)));
        assert_eq!(codes.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
}

#[test]
fn the_size_of_a_task_goes_by_its_overrides() {
    let mut world = World::new(1);
    let request_with =
        |overrides| RunTask { task_definition: "mine".to_owned(), overrides, ..request() };
    let containers = vec![
        container("a"),
        ContainerDefinition { memory_reservation: Some(32), ..container("b") },
    ];
    world.engine.register_task_definition(family(containers), START).expect("valid");
    let larger = ContainerOverride {
        name: "a".to_owned(),
        cpu: Some(100),
        memory: Some(200),
        ..ContainerOverride::default()
    };
    let of_container = Overrides { container_overrides: vec![larger], ..Overrides::default() };
    let of_task = Overrides {
        cpu: Some("0.5 vCPU".to_owned()),
        memory: Some("1GB".to_owned()),
        ..Overrides::default()
    };
    for (overrides, cpu, memory) in
        [(Overrides::default(), "32", "96"), (of_container, "116", "232"), (of_task, "512", "1024")]
    {
        let answer = world.engine.run_task(request_with(overrides), START).expect("room");
        assert_eq!((answer.tasks[0].cpu.as_str(), answer.tasks[0].memory.as_str()), (cpu, memory));
    }
}
