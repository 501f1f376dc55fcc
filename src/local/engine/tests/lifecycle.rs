use super::*;

#[test]
fn a_task_that_ends_by_itself() {
    let mut world = World::new(1);
    let arn = world.run(1).expect("room").tasks[0].task_arn.clone();
    assert_eq!(world.task(&arn).last_status, "PROVISIONING");
    world.pass(1000);
    assert_eq!(world.task(&arn).last_status, "PENDING");
    assert_eq!(world.effects, [start(&arn)]);
    world.tell(Event::Started { task: id(&arn) });
    assert_eq!(world.task(&arn).last_status, "RUNNING");
    world.tell(exited(&arn, Exit::Code(3)));
    assert_eq!(world.task(&arn).last_status, "DEPROVISIONING");
    assert_eq!(world.task(&arn).desired_status, "STOPPED");
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!(task.last_status, "STOPPED");
    assert_eq!(task.stop_code, Some("EssentialContainerExited"));
    assert_eq!(task.containers[0].exit_code, Some(3));
    let times =
        [task.created_at, task.started_at.expect("it did"), task.stopped_at.expect("it did")];
    assert!(times.is_sorted() && times[0] < times[2]);
    assert_eq!(world.effects.len(), 1, "nobody was signalled");
}

#[test]
fn a_task_that_is_told_to_stop_and_does() {
    let mut world = World::new(1);
    let arn = world.running();
    let told = world.stop(&arn);
    assert_eq!((told.desired_status, told.last_status), ("STOPPED", "RUNNING"));
    world.pass(1000);
    assert_eq!(world.task(&arn).last_status, "STOPPING");
    world.tell(exited(&arn, Exit::Code(0)));
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!((task.last_status, task.stop_code), ("STOPPED", Some("UserInitiated")));
    assert_eq!(task.stopped_reason.as_deref(), Some("Task stopped by user"));
    world.pass(60_000);
    assert_eq!(world.effects, [start(&arn), Effect::Terminate { task: id(&arn) }]);
}

#[test]
fn a_task_that_does_not_stop_is_killed_after_its_timeout() {
    let mut world = World::new(1);
    let arn = world.running();
    world.stop(&arn);
    world.pass(29_000);
    assert_eq!(world.effects.len(), 2);
    world.pass(2_000);
    assert_eq!(world.effects[2], Effect::Kill { task: id(&arn) });
    // It is not STOPPED before its process is surely gone.
    world.pass(60_000);
    assert_eq!(world.task(&arn).last_status, "STOPPING");
    world.tell(exited(&arn, Exit::Signal(9)));
    world.pass(1000);
    assert_eq!(world.task(&arn).containers[0].exit_code, Some(137));
    assert_eq!(world.effects.len(), 3);
}

#[test]
fn a_stop_between_start_and_started_waits_for_the_process() {
    let mut world = World::new(1);
    let arn = world.run(1).expect("room").tasks[0].task_arn.clone();
    world.pass(1000);
    world.stop(&arn);
    world.pass(1000);
    assert_eq!(world.effects, [start(&arn)], "nothing to signal yet");
    world.tell(Event::Started { task: id(&arn) });
    world.pass(1000);
    assert_eq!(world.effects[1], Effect::Terminate { task: id(&arn) });
}

#[test]
fn a_stop_before_the_start_starts_nothing() {
    let mut world = World::new(1);
    let arn = world.run(1).expect("room").tasks[0].task_arn.clone();
    world.stop(&arn);
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!((task.last_status, task.started_at), ("STOPPED", None));
    assert_eq!(world.effects, []);
}

#[test]
fn a_process_that_cannot_start_says_why() {
    let mut world = World::new(1);
    let arn = world.run(1).expect("room").tasks[0].task_arn.clone();
    world.pass(1000);
    world.tell(Event::NotStarted { task: id(&arn), reason: "no such file".to_owned() });
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!((task.last_status, task.stop_code), ("STOPPED", Some("TaskFailedToStart")));
    let reason = task.containers[0].reason.as_deref();
    assert_eq!(reason, Some("CannotStartContainerError: no such file"));
    assert_eq!(world.instances()[0].remaining_resources[0].integer_value, 2048);
}

#[test]
fn stopped_tasks_stay_visible_for_an_hour() {
    let mut world = World::new(1);
    let arn = world.running();
    world.tell(exited(&arn, Exit::Code(0)));
    world.pass(59 * 60_000);
    assert_eq!(world.task(&arn).last_status, "STOPPED");
    world.pass(2 * 60_000);
    let answer = world.describe(std::slice::from_ref(&arn));
    assert_eq!((answer.tasks.len(), answer.failures[0].reason.as_str()), (0, "MISSING"));
    let request = StopTask { cluster: Some("loadtop".to_owned()), task: arn, reason: None };
    let error = world.engine.stop_task(request, world.now).expect_err("unknown");
    assert_eq!(error.code, "InvalidParameterException");
}

#[test]
fn stopping_twice_keeps_the_first_reason() {
    let mut world = World::new(1);
    let arn = world.running();
    let request = |reason: &str| StopTask {
        cluster: Some("loadtop".to_owned()),
        task: arn.clone(),
        reason: Some(reason.to_owned()),
    };
    for reason in ["first", "second"] {
        world.engine.stop_task(request(reason), world.now).expect("there");
        world.pass(1000);
    }
    assert_eq!(world.task(&arn).stopped_reason.as_deref(), Some("first"));
    assert_eq!(world.effects.len(), 2, "one start, one signal");
}
