use super::{
    super::losses::{self, UNNOTICED},
    *,
};

impl World {
    fn lose_instance(&mut self, machine: &str) -> bool {
        let lost = self.engine.lose_instance(machine, self.now);
        self.effects.extend(self.engine.take_effects());
        lost
    }

    fn lose_task(&mut self, arn: &str) -> bool {
        let lost = self.engine.lose_task(arn);
        self.effects.extend(self.engine.take_effects());
        lost
    }

    /// Its machine's id and whether the group finds it healthy; how many there are.
    fn health(&mut self) -> Vec<(String, &'static str, bool)> {
        let groups = self.engine.describe_groups(&[], self.now).expect("described");
        let machines = groups.into_iter().flat_map(|group| group.machines);
        machines.map(|it| (it.id, it.lifecycle.name(), it.is_healthy)).collect()
    }
}

#[test]
fn a_lost_task_exits_as_if_it_was_killed() {
    let mut world = World::new(1);
    let arn = world.running();
    assert!(world.lose_task(&arn));
    assert_eq!(world.effects, [start(&arn), Effect::Kill { task: id(&arn) }]);
    assert_eq!(world.task(&arn).last_status, "RUNNING", "until it is known");
    world.tell(exited(&arn, Exit::Signal(9)));
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!((task.last_status, task.stop_code), ("STOPPED", Some("EssentialContainerExited")));
    assert_eq!(task.containers[0].exit_code, Some(137));
    assert!(!world.lose_task(&arn), "there is nothing left of it");
    assert!(!world.lose_task("nowhere"));
}

#[test]
fn what_ran_on_a_lost_machine_seems_to_run_until_the_group_notices() {
    let mut world = World::new(1);
    let (running, told) = (world.running(), world.running());
    let starting = world.run(1).expect("room").tasks[0].task_arn.clone();
    world.pass(1000);
    let waiting = world.run(1).expect("room").tasks[0].task_arn.clone();
    let machine = world.health()[0].0.clone();
    world.effects.clear();
    assert!(world.lose_instance(&machine));
    assert!(!world.lose_instance(&machine), "it is dead");
    let kill = |arn: &str| Effect::Kill { task: id(arn) };
    assert_eq!(world.effects, [kill(&running), kill(&told)]);
    // The one that was on its way arrives on a dead machine.
    world.tell(Event::Started { task: id(&starting) });
    assert_eq!(world.effects[2], kill(&starting));
    for arn in [&running, &told, &starting] {
        world.tell(exited(arn, Exit::Signal(9)));
    }
    world.stop(&told);
    world.pass(UNNOTICED - 1);
    assert_eq!(world.effects.len(), 3, "a dead machine starts and stops nothing");
    assert_eq!(world.task(&running).last_status, "RUNNING");
    assert_eq!(world.task(&told).desired_status, "STOPPED");
    assert_eq!(world.task(&told).last_status, "RUNNING");
    assert_eq!(world.task(&starting).last_status, "PENDING");
    assert_eq!(world.task(&waiting).last_status, "PROVISIONING");
    assert_eq!(world.health(), [(machine.clone(), "InService", true)]);
    let instance = world.instances().remove(0);
    assert_eq!((instance.status, instance.agent_connected), ("ACTIVE", false));
    assert_eq!(world.run(1).expect("answered").failures[0].reason, "AGENT");
    world.pass(1);
    assert_eq!(world.health()[0], (machine.clone(), "Terminating", false));
    assert_eq!(world.health()[1].1, "Pending", "it is replaced");
    world.pass(1000);
    for arn in [&running, &starting, &waiting] {
        let task = world.task(arn);
        assert_eq!((task.last_status, task.stop_code), ("STOPPED", Some("TerminationNotice")));
        let reason = task.stopped_reason.expect("a reason");
        assert_eq!(reason, format!("Host EC2 (instance {machine}) terminated."));
        assert_eq!(task.containers[0].exit_code, None, "nobody was there to see it");
    }
    assert_eq!(world.task(&told).stop_code, Some("UserInitiated"));
    world.pass(BOOT);
    assert_eq!(world.health().len(), 1);
    assert!(world.health()[0].0 != machine && world.health()[0].1 == "InService");
    assert_eq!(world.run(4).expect("room").tasks.len(), 4);
}

/// The process decides when a task is STOPPED, not what the group believes.
#[test]
fn a_process_that_outlives_its_machine_keeps_its_task() {
    let mut world = World::new(1);
    let arn = world.running();
    let machine = world.health()[0].0.clone();
    world.lose_instance(&machine);
    world.pass(UNNOTICED + 60_000);
    assert_eq!((world.task(&arn).last_status, world.health().len()), ("RUNNING", 2));
    assert_eq!(world.task(&arn).desired_status, "STOPPED");
    world.tell(exited(&arn, Exit::Signal(9)));
    world.pass(1000);
    assert_eq!((world.task(&arn).last_status, world.health().len()), ("STOPPED", 1));
}

#[test]
fn a_machine_that_dies_while_it_boots_is_replaced() {
    let mut world = World::new(0);
    let request = group::SetDesiredCapacity { group: "loadtop".to_owned(), desired: 1 };
    world.engine.set_desired_capacity(&request, world.now).expect("within the limits");
    let machine = world.health()[0].0.clone();
    assert!(world.lose_instance(&machine));
    world.pass(BOOT);
    assert!(world.instances().is_empty(), "it never comes up");
    world.pass(UNNOTICED + BOOT);
    assert_eq!(world.instances().len(), 1);
    assert_ne!(world.instances()[0].ec2_instance_id, machine);
}

#[test]
fn losses_come_at_their_rate() {
    let mut world = World::new(5);
    world.engine.losses = vec![losses::Due::new("tasks:50%/min".parse().expect("a loss"))];
    let arns: Vec<String> = (0..20).map(|_| world.running()).collect();
    world.effects.clear();
    world.engine.schedule_losses(world.now);
    world.pass(60_000);
    let killed: std::collections::BTreeSet<_> =
        arns.iter().filter(|arn| world.effects.contains(&Effect::Kill { task: id(arn) })).collect();
    // Those that were killed are not heard of here, so they may be picked again.
    assert_eq!(world.effects.len(), 10);
    assert!(killed.len() > 5, "not always the same: {}", killed.len());
    let mut world = World::new(3);
    world.engine.losses = vec![losses::Due::new("instances:1/min".parse().expect("a loss"))];
    world.engine.schedule_losses(world.now);
    let before = world.health();
    world.pass(60_000 + UNNOTICED + BOOT);
    let after = world.health();
    assert_eq!(after.iter().filter(|machine| !before.contains(machine)).count(), 1);
    assert_eq!(after.len(), 3);
}

#[test]
fn losses_are_read_and_written() {
    for text in ["tasks:5%/min", "tasks:0.5%/min", "instances:2/min", "tasks:100/min"] {
        let loss: Loss = text.parse().expect(text);
        assert_eq!(loss.to_string(), text);
    }
    for (text, why) in [
        ("tasks", "a colon is missing"),
        ("disks:1/min", "`disks` cannot be lost"),
        ("tasks:5%", "`5%` is no number per minute"),
        ("tasks:x/min", "`x` is not between 0 and 65535"),
        ("tasks:101%/min", "`101` is not between 0 and 100"),
        ("tasks:NaN/min", "`NaN` is not between"),
        ("tasks:-1/min", "`-1` is not between"),
    ] {
        let error = text.parse::<Loss>().expect_err(text).to_string();
        assert!(error.contains(why) && error.contains("tasks:5%/min"), "{error}");
    }
}
