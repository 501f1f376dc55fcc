use super::*;

impl World {
    fn set_state(&mut self, arn: &str, status: &str) -> Result<&'static str, ApiError> {
        let request = ContainerInstancesRequest {
            cluster: Some("loadtop".to_owned()),
            container_instances: vec![arn.to_owned()],
            status: Some(status.to_owned()),
        };
        let answer = self.engine.update_container_instances_state(&request, self.now)?;
        Ok(answer.container_instances.first().map_or("none", |instance| instance.status))
    }
}

#[test]
fn a_draining_instance_keeps_its_tasks_and_gets_no_more() {
    let mut world = World::new(2);
    let running = world.running();
    let pending = world.run(1).expect("room").tasks[0].clone();
    let arn = world.task(&running).container_instance_arn.expect("placed");
    assert_eq!(world.set_state(&arn, "DRAINING"), Ok("DRAINING"));
    let started = world.run(8).expect("answered");
    assert!(started.tasks.iter().all(|task| task.container_instance_arn.as_ref() != Some(&arn)));
    // Only those that could take tasks say what they lack.
    let failed: Vec<_> = started.failures.iter().map(|failure| &failure.arn).collect();
    assert_eq!(failed.len(), 1);
    assert_ne!(failed[0].as_ref(), Some(&arn));
    world.pass(600_000);
    for task in [&running, &pending.task_arn] {
        assert_eq!(world.task(task).desired_status, "RUNNING", "standalone tasks are left alone");
    }
    let drained = world.instances().into_iter().find(|it| it.container_instance_arn == arn);
    let drained = drained.expect("it is still listed");
    assert_eq!((drained.status, drained.agent_connected), ("DRAINING", true));
    assert_eq!(world.set_state(&arn, "ACTIVE"), Ok("ACTIVE"));
    let room = 8 - 2 - started.tasks.len();
    let started = world.run(8).expect("room again").tasks;
    assert!(started.iter().all(|task| task.container_instance_arn.as_ref() == Some(&arn)));
    assert_eq!(started.len(), room);
}

#[test]
fn where_all_drain_there_are_no_instances() {
    let mut world = World::new(1);
    let arn = world.instances()[0].container_instance_arn.clone();
    world.set_state(&arn, "DRAINING").expect("known");
    let error = world.run(1).expect_err("nowhere to go");
    assert_eq!(error.message, "No Container Instances were found in your cluster.");
    assert_eq!(world.set_state(NOWHERE, "DRAINING"), Ok("none"));
    assert_eq!(
        world.set_state(&arn, "GONE").expect_err("no state").code,
        "InvalidParameterException"
    );
}

#[test]
fn an_instance_that_was_emptied_goes_without_a_trace() {
    let mut world = World::new(2);
    let task = world.running();
    let arn = world.task(&task).container_instance_arn.expect("placed");
    world.set_state(&arn, "DRAINING").expect("known");
    world.stop(&task);
    world.pass(1000);
    world.tell(exited(&task, Exit::Code(0)));
    world.pass(1000);
    let emptied = world.instances().into_iter().find(|it| it.container_instance_arn == arn);
    let emptied = emptied.expect("it waits for its end");
    assert_eq!((emptied.running_tasks_count, emptied.pending_tasks_count), (0, 0));
    let machine = emptied.ec2_instance_id;
    let request = group::TerminateInstance { machine: machine.clone(), decrement: true };
    world.engine.terminate_instance(&request, world.now).expect("there");
    world.pass(1000);
    assert!(world.instances().iter().all(|it| it.ec2_instance_id != machine));
    assert_eq!(world.task(&task).stop_code, Some("UserInitiated"));
}
