use super::{
    api::{AwsvpcConfiguration, ListTasks, NetworkConfiguration, Overrides, StrategyItem},
    *,
};

/// In the network that a task on Fargate needs.
pub(super) fn on_fargate() -> RunTask {
    RunTask {
        task_definition: "loadtop-agent-fargate".to_owned(),
        launch_type: Some("FARGATE".to_owned()),
        network_configuration: Some(network(&["subnet-1", "subnet-2"], &["sg-1"])),
        ..request()
    }
}

pub(super) fn network(subnets: &[&str], groups: &[&str]) -> NetworkConfiguration {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    NetworkConfiguration {
        awsvpc_configuration: Some(AwsvpcConfiguration {
            subnets: texts(subnets),
            security_groups: texts(groups),
            assign_public_ip: Some("ENABLED".to_owned()),
        }),
    }
}

pub(super) fn by(providers: &[&str]) -> RunTask {
    let item = |name: &&str| StrategyItem {
        capacity_provider: (*name).to_owned(),
        weight: 1,
        ..StrategyItem::default()
    };
    let capacity_provider_strategy = providers.iter().map(item).collect();
    RunTask { launch_type: None, capacity_provider_strategy, ..on_fargate() }
}

impl World {
    fn spot(&mut self) -> String {
        let run = self.engine.run_task(by(&["FARGATE_SPOT"]), self.now).expect("started");
        let arn = run.tasks[0].task_arn.clone();
        self.pass(FARGATE_START);
        self.tell(Event::Started { task: id(&arn) });
        arn
    }
}

#[test]
fn a_task_on_fargate_needs_no_machine() {
    let mut world = World::new(0);
    let task = world.engine.run_task(on_fargate(), START).expect("started").tasks.remove(0);
    let arn = task.task_arn.clone();
    assert_eq!((task.launch_type, task.last_status), ("FARGATE", "PROVISIONING"));
    assert_eq!((task.cpu.as_str(), task.memory.as_str()), ("256", "512"));
    assert_eq!((task.container_instance_arn, task.capacity_provider_name), (None, None));
    assert_eq!(
        (task.platform_version, task.availability_zone),
        (Some("1.4.0"), Some("us-east-1a"))
    );
    assert_eq!((task.attachments[0].status, task.attachments[0].details.len()), ("PRECREATED", 1));
    world.pass(FARGATE_START - 1);
    assert_eq!(world.task(&arn).last_status, "PROVISIONING");
    world.pass(1);
    assert_eq!((world.task(&arn).last_status, &world.effects[..]), ("PENDING", &[start(&arn)][..]));
    world.tell(Event::Started { task: id(&arn) });
    let task = world.task(&arn);
    let interface = &task.attachments[0];
    assert_eq!((interface.kind, interface.status), ("ElasticNetworkInterface", "ATTACHED"));
    let detail = |name: &str| {
        let found = interface.details.iter().find(|detail| detail.name == name);
        found.map(|detail| detail.value.clone()).unwrap_or_default()
    };
    assert!(detail("subnetId").starts_with("subnet-"), "{interface:?}");
    assert!(detail("networkInterfaceId").starts_with("eni-"), "{interface:?}");
    let of_container = &task.containers[0].network_interfaces[0];
    assert_eq!(of_container.private_ipv4_address, detail("privateIPv4Address"));
    world.stop(&arn);
    world.pass(1000);
    world.tell(exited(&arn, Exit::Code(0)));
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!((task.last_status, task.attachments[0].status), ("STOPPED", "DELETED"));
}

#[test]
fn lists_know_what_tasks_are_on() {
    let mut world = World::new(1);
    world.run(2).expect("room");
    world.engine.run_task(on_fargate(), world.now).expect("started");
    for (kind, count) in [("EC2", 2), ("FARGATE", 1), ("EXTERNAL", 0)] {
        let request = ListTasks {
            cluster: Some("loadtop".to_owned()),
            launch_type: Some(kind.to_owned()),
            ..ListTasks::default()
        };
        let listed = world.engine.list_tasks(&request, world.now).expect("listed");
        assert_eq!(listed.task_arns.len(), count, "{kind}");
    }
}

#[test]
fn the_quota_of_vcpus_is_each_markets_own_and_comes_back_with_stopped() {
    let mut world = World::new(0);
    world.engine.setup.fargate_vcpus = 1;
    let run = |world: &mut World, request: RunTask| {
        let answer = world.engine.run_task(RunTask { count: Some(5), ..request }, world.now);
        let answer = answer.expect("failures are no error");
        world.pass(2000);
        answer
    };
    let first = run(&mut world, on_fargate());
    assert_eq!((first.tasks.len(), first.failures.len()), (4, 1));
    let reason = &first.failures[0].reason;
    assert!(reason.starts_with("You’ve reached the limit on the number of vCPUs"), "{reason}");
    assert_eq!(run(&mut world, by(&["FARGATE"])).tasks.len(), 0, "the same market");
    let spot = run(&mut world, by(&["FARGATE_SPOT"]));
    assert_eq!((spot.tasks.len(), spot.failures.len()), (4, 1));
    let arn = first.tasks[0].task_arn.clone();
    world.tell(Event::Started { task: id(&arn) });
    world.stop(&arn);
    world.pass(1000);
    assert_eq!(run(&mut world, on_fargate()).tasks.len(), 0, "its process is there");
    world.tell(exited(&arn, Exit::Code(0)));
    world.pass(1000);
    assert_eq!(run(&mut world, on_fargate()).tasks.len(), 1);
}

#[test]
fn fargate_has_buckets_of_its_own() {
    let mut world = World::new(0);
    world.engine.setup.fargate_vcpus = 1000;
    let throttled = |world: &mut World, request: RunTask| {
        let answer = world.engine.run_task(request, world.now);
        answer.map(|answer| answer.tasks.len()).map_err(|error| error.code)
    };
    // Calls: twenty a second.
    for _ in 0..20 {
        assert_eq!(throttled(&mut world, on_fargate()), Ok(1));
    }
    assert_eq!(throttled(&mut world, on_fargate()), Err("ThrottlingException"));
    // Tasks: a hundred, and then twenty a second.
    world.pass(1000);
    let ten = RunTask { count: Some(10), ..on_fargate() };
    for _ in 0..10 {
        assert_eq!(throttled(&mut world, ten.clone()), Ok(10));
    }
    assert_eq!(throttled(&mut world, ten.clone()), Err("ThrottlingException"));
    let spot = RunTask { count: Some(10), ..by(&["FARGATE_SPOT"]) };
    assert_eq!(throttled(&mut world, spot), Ok(10), "its launches are counted apart");
    world.pass(1000);
    assert_eq!(throttled(&mut world, ten.clone()), Ok(10));
    assert_eq!(throttled(&mut world, ten.clone()), Ok(10));
    assert_eq!(throttled(&mut world, ten), Err("ThrottlingException"));
}

#[test]
fn a_token_starts_its_tasks_on_fargate_once() {
    let mut world = World::new(0);
    let request = RunTask { client_token: Some("t".to_owned()), ..on_fargate() };
    let first = world.engine.run_task(request.clone(), world.now).expect("started");
    assert_eq!(world.engine.run_task(request.clone(), world.now).expect("known"), first);
    let elsewhere = RunTask { network_configuration: Some(network(&["subnet-9"], &[])), ..request };
    let error = world.engine.run_task(elsewhere, world.now).expect_err("another network");
    assert_eq!(error.code, "ConflictException");
}

#[test]
fn an_interrupted_task_is_told_and_killed_after_its_stop_timeout() {
    let mut world = World::new(0);
    let (spot, on_demand) = (world.spot(), {
        let run = world.engine.run_task(on_fargate(), world.now).expect("started");
        run.tasks[0].task_arn.clone()
    });
    world.pass(1000);
    world.tell(Event::Started { task: id(&on_demand) });
    world.effects.clear();
    assert!(world.engine.interrupt_spot(&spot, world.now));
    assert!(!world.engine.interrupt_spot(&spot, world.now), "once");
    assert!(!world.engine.interrupt_spot(&on_demand, world.now), "it is not on Spot");
    world.pass(29_000);
    assert_eq!(world.effects, [Effect::Terminate { task: id(&spot) }]);
    world.pass(2000);
    assert_eq!(world.effects[1], Effect::Kill { task: id(&spot) });
    world.tell(exited(&spot, Exit::Signal(9)));
    world.pass(1000);
    let task = world.task(&spot);
    assert_eq!((task.last_status, task.stop_code), ("STOPPED", Some("SpotInterruption")));
    assert_eq!(task.stopped_reason.as_deref(), Some("Your Spot Task was interrupted."));
    assert_eq!(task.capacity_provider_name.as_deref(), Some("FARGATE_SPOT"));
}

#[test]
fn spot_tasks_are_lost_at_their_rate() {
    let mut world = World::new(0);
    let spot: Vec<String> = (0..4).map(|_| world.spot()).collect();
    let loss: Loss = "spot:2/min".parse().expect("a loss");
    assert_eq!(loss.to_string(), "spot:2/min");
    world.engine.losses = vec![super::super::losses::Due::new(loss)];
    world.engine.schedule_losses(world.now);
    world.pass(60_000);
    let stopping =
        |arn: &&String| world.engine.tasks.values().any(|it| it.id == id(arn) && it.stop.is_some());
    assert_eq!(spot.iter().filter(stopping).count(), 2);
}

#[test]
fn sizes_are_fargates() {
    let mut world = World::new(0);
    let sized = |cpu: &str, memory: &str| RunTask {
        overrides: Overrides {
            cpu: Some(cpu.to_owned()),
            memory: Some(memory.to_owned()),
            ..Overrides::default()
        },
        ..on_fargate()
    };
    for (cpu, memory, is_one) in [
        ("256", "512", true),
        ("256", "1024", true),
        ("256", "2048", true),
        ("256", "1536", false),
        ("256", "4096", false),
        ("512", "1024", true),
        ("512", "512", false),
        ("512", "5120", false),
        ("1024", "8192", true),
        ("1024", "9216", false),
        ("2048", "16384", true),
        ("2048", "4097", false),
        ("4096", "30720", true),
        ("4096", "31744", false),
        ("8192", "20480", true),
        ("8192", "21504", false),
        ("16384", "122880", true),
        ("16384", "36864", false),
        ("300", "512", false),
    ] {
        world.pass(1000);
        let answer = world.engine.run_task(sized(cpu, memory), world.now);
        assert_eq!(answer.is_ok(), is_one, "{cpu} {memory}: {answer:?}");
    }
}
