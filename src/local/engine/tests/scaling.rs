use super::{
    group::{SetDesiredCapacity, Sizes, TerminateInstance, UpdateGroup},
    *,
};

impl World {
    pub(super) fn set_desired(&mut self, desired: i64) -> Result<(), ApiError> {
        let request = SetDesiredCapacity { group: "loadtop".to_owned(), desired };
        self.engine.set_desired_capacity(&request, self.now)
    }

    pub(super) fn sizes(&mut self) -> (u32, u32, u32) {
        let group = &self.engine.group;
        (group.min, group.desired, group.max)
    }

    fn update(
        &mut self,
        min: Option<i64>,
        max: Option<i64>,
        desired: Option<i64>,
    ) -> Result<(), ApiError> {
        let sizes = Sizes { min, max, desired };
        self.engine.update_group(&UpdateGroup { group: "loadtop".to_owned(), sizes }, self.now)
    }

    pub(super) fn machines(&mut self) -> Vec<(String, &'static str)> {
        let groups = self.engine.describe_groups(&[], self.now).expect("described");
        let machines = groups.into_iter().flat_map(|group| group.machines);
        machines.map(|machine| (machine.id, machine.lifecycle.name())).collect()
    }

    fn terminate(&mut self, machine: &str, decrement: bool) -> Result<group::Activity, ApiError> {
        let request = TerminateInstance { machine: machine.to_owned(), decrement };
        self.engine.terminate_instance(&request, self.now)
    }
}

#[test]
fn a_new_machine_boots_before_it_takes_tasks() {
    let mut world = World::new(1);
    world.set_desired(2).expect("within the limits");
    assert_eq!(world.machines()[1].1, "Pending");
    world.pass(BOOT - 1);
    assert_eq!(world.instances().len(), 1);
    world.pass(1);
    assert_eq!(world.machines()[1].1, "InService");
    let instances = world.instances();
    assert_eq!(instances.len(), 2);
    assert_eq!(instances[1].ec2_instance_id, world.machines()[1].0);
}

#[test]
fn the_limits_hold() {
    let mut world = World::new(1);
    for (desired, what) in [(11, "above max value 10"), (-1, "below min value 0")] {
        let error = world.set_desired(desired).expect_err("refused");
        assert_eq!((error.code, error.status), ("ValidationError", 400));
        assert!(error.message.contains(what), "{}", error.message);
    }
    let other = SetDesiredCapacity { group: "other".to_owned(), desired: 1 };
    assert!(world.engine.set_desired_capacity(&other, world.now).is_err());
    world.set_desired(0).expect("min is 0");
    world.pass(1000);
    assert_eq!(world.machines(), []);
    assert!(world.terminate("i-nowhere", true).is_err());
}

#[test]
fn a_chosen_machine_goes_and_the_others_stay() {
    let mut world = World::new(3);
    let machines = world.machines();
    world.terminate(&machines[1].0, true).expect("there");
    world.pass(1000);
    let left: Vec<_> = [&machines[0], &machines[2]].into_iter().cloned().collect();
    assert_eq!(world.machines(), left);
    // Without the decrement it is replaced.
    world.terminate(&machines[0].0, false).expect("there");
    assert_eq!(world.machines().len(), 3);
    world.pass(BOOT);
    assert_eq!(world.machines().len(), 2);
    assert!(world.machines().iter().all(|machine| machine.1 == "InService"));
}

#[test]
fn the_last_decrement_is_refused_at_the_minimum() {
    let mut world = World::new(1);
    let machine = world.machines()[0].0.clone();
    world.set_desired(0).expect("min is 0");
    let error = world.terminate(&machine, true).expect_err("it goes already");
    assert_eq!(error.code, "ValidationError");
}

#[test]
fn no_machine_is_taken_from_a_group_at_its_minimum() {
    let mut world = World::new(2);
    world.engine.group.min = 2;
    let machine = world.machines()[0].0.clone();
    let error = world.terminate(&machine, true).expect_err("too few would be left");
    assert_eq!((error.code, error.status), ("ValidationError", 400));
    assert!(error.message.contains("equals minSize (2)"), "{}", error.message);
    assert!(world.set_desired(1).is_err());
    assert_eq!(world.machines().iter().filter(|machine| machine.1 == "InService").count(), 2);
    world.terminate(&machine, false).expect("it is replaced");
}

#[test]
fn a_machine_takes_its_tasks_along() {
    let mut world = World::new(1);
    let arn = world.running();
    world.set_desired(0).expect("min is 0");
    assert_eq!(world.task(&arn).desired_status, "STOPPED");
    let instance = world.instances().remove(0);
    assert!(!instance.agent_connected);
    let error = world.run(1).expect_err("no instance takes tasks");
    assert_eq!(error.code, "InvalidParameterException");
    world.pass(1000);
    assert_eq!(world.effects[1], Effect::Terminate { task: id(&arn) });
    world.pass(2000);
    assert_eq!(world.effects[2], Effect::Kill { task: id(&arn) });
    assert_eq!(world.machines()[0].1, "Terminating", "as long as something runs there");
    world.tell(exited(&arn, Exit::Signal(9)));
    world.pass(1000);
    let task = world.task(&arn);
    assert_eq!((task.last_status, task.stop_code), ("STOPPED", Some("TerminationNotice")));
    let reason = task.stopped_reason.expect("a reason");
    assert_eq!(reason, format!("Host EC2 (instance {}) terminated.", instance.ec2_instance_id));
    assert_eq!((world.machines(), world.instances()), (Vec::new(), Vec::new()));
}

#[test]
fn a_lower_number_takes_machines_whatever_runs_on_them() {
    let mut world = World::new(2);
    let oldest = world.machines()[0].0.clone();
    world.set_desired(1).expect("within the limits");
    assert_eq!(world.machines()[0], (oldest, "Terminating"));
}

#[test]
fn new_limits_move_the_desired_number_only_as_far_as_they_must() {
    let mut world = World::new(2);
    for (min, max, desired, sizes) in [
        (Some(1), None, None, (1, 2, 10)),
        (Some(4), None, None, (4, 4, 10)),
        (Some(0), None, None, (0, 4, 10)),
        (None, Some(3), None, (0, 3, 3)),
        (None, Some(9), None, (0, 3, 9)),
        (Some(2), Some(5), Some(5), (2, 5, 5)),
    ] {
        world.update(min, max, desired).expect("it fits");
        assert_eq!(world.sizes(), sizes, "{min:?} {max:?} {desired:?}");
    }
    for (min, max, desired, words) in [
        (Some(6), None, None, "Max bound, 5, must be greater than or equal to min bound, 6"),
        (None, Some(1), None, "Max bound, 1, must be greater than or equal to min bound, 2"),
        (None, None, Some(1), "Desired capacity:1 must be between the specified min size:2"),
        (None, None, Some(6), "and max size:5"),
        (Some(-1), None, None, "Value '-1' at 'minSize'"),
    ] {
        let error = world.update(min, max, desired).expect_err("it does not fit");
        assert_eq!((error.code, error.status), ("ValidationError", 400));
        assert!(error.message.contains(words), "{}", error.message);
    }
    assert_eq!(world.sizes(), (2, 5, 5));
}

#[test]
fn a_change_that_honours_the_cooldown_waits_for_it() {
    let mut world = World::new(1);
    world.engine.cool_down(world.now).expect("nothing changed before");
    world.set_desired(2).expect("within the limits");
    world.pass(299_999);
    let error = world.engine.cool_down(world.now).expect_err("it is warm");
    assert_eq!((error.code, error.status), ("ScalingActivityInProgress", 400));
    world.pass(1);
    world.engine.cool_down(world.now).expect("it has cooled down");
}

#[test]
fn no_lower_number_takes_what_is_protected() {
    let mut world = World::new(3);
    let machines = world.machines();
    assert!(world.engine.protect(&machines[0].0));
    world.set_desired(0).expect("min is 0");
    world.pass(1000);
    assert_eq!(world.machines(), [machines[0].clone()]);
    world.update(Some(0), Some(0), None).expect("it fits");
    world.pass(1000);
    assert_eq!(world.machines(), [machines[0].clone()]);
    assert!(world.terminate(&machines[0].0, false).is_ok(), "who names it can take it");
}
