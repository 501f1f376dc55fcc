//! A fleet of ten thousand tasks on a thousand instances, and its successor.

use super::{super::tasks::MOST_STOPPED, api::ListTasks, *};

const TASKS: usize = 10_000;
const INSTANCES: u32 = 1_000;

/// A world that large; calls are paced so that nothing is throttled.
fn large() -> World {
    let setup = Setup {
        instances: INSTANCES,
        max_instances: INSTANCES,
        tasks_per_instance: 10,
        ..World::setup()
    };
    World { engine: Engine::new(setup, START), now: START, effects: Vec::new() }
}

impl World {
    fn start_all(&mut self) -> Vec<String> {
        let mut arns = Vec::new();
        while arns.len() < TASKS {
            self.pass(25);
            let answer = self.run(10).expect("room");
            assert_eq!(answer.failures, []);
            arns.extend(answer.tasks.into_iter().map(|task| task.task_arn));
        }
        self.pass(1000);
        for arn in &arns {
            self.tell(Event::Started { task: id(arn) });
        }
        arns
    }

    fn all_listed(&mut self) -> Vec<String> {
        let mut request = ListTasks { cluster: Some("loadtop".to_owned()), ..ListTasks::default() };
        let mut arns = Vec::new();
        loop {
            self.pass(50);
            let page = self.engine.list_tasks(&request, self.now).expect("listed");
            arns.extend(page.task_arns);
            request.next_token = page.next_token;
            if request.next_token.is_none() {
                return arns;
            }
        }
    }

    fn last_statuses(&mut self, arns: &[String]) -> BTreeMap<&'static str, usize> {
        let mut statuses = BTreeMap::new();
        for some in arns.chunks(100) {
            self.pass(50);
            for task in self.describe(some).tasks {
                *statuses.entry(task.last_status).or_default() += 1;
            }
        }
        statuses
    }
}

#[test]
fn ten_thousand_run_and_as_many_stopped_ones_are_remembered() {
    let mut world = large();
    let first = world.start_all();
    assert_eq!(world.all_listed(), first);
    assert_eq!(world.run(1).expect("answered").failures.len(), INSTANCES as usize);
    for arn in &first {
        world.tell(exited(arn, Exit::Code(0)));
    }
    world.pass(1000);
    let second = world.start_all();
    assert_eq!(world.all_listed(), second);
    assert_eq!(world.last_statuses(&first), [("STOPPED", TASKS)].into());
    assert_eq!(world.last_statuses(&second), [("RUNNING", TASKS)].into());
    // The bound is on the stopped ones alone.
    for arn in &second {
        world.tell(exited(arn, Exit::Code(0)));
    }
    world.pass(1000);
    let third = world.run(1).expect("room").tasks[0].task_arn.clone();
    world.pass(1000);
    world.tell(Event::Started { task: id(&third) });
    world.tell(exited(&third, Exit::Code(0)));
    world.pass(1000);
    assert_eq!(world.engine.tasks.len(), MOST_STOPPED);
    assert_eq!(world.last_statuses(&first), [("STOPPED", TASKS - 1)].into(), "the first goes");
    world.pass(3_600_000);
    assert_eq!((world.engine.tasks.len(), world.engine.stopped.len()), (0, 0));
}
