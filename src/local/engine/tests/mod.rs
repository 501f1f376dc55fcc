//! The engine under scripted time: no process runs, no clock ticks by itself.

mod definitions;
mod draining;
mod fargate;
mod large;
mod lifecycle;
mod lists;
mod losses;
mod metrics;
mod placement;
mod providers;
mod random;
mod refusals;
mod scaling;
mod scheduled;
mod tags;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    api::{
        ContainerDefinition, ContainerInstanceView, ContainerInstancesRequest, DescribeTasks,
        ListContainerInstances, RegisterTaskDefinition, RunTask, StopTask, TaskView, Tasks,
    },
    *,
};

const START: Millis = 1_800_000_000_000;
const BOOT: Millis = 3000;
const FARGATE_START: Millis = 500;
/// No such task or instance, but well formed.
const NOWHERE: &str = "00000000000000000000000000000000";
const LATE: Millis = 7000;

/// An engine, the time, and what became of its effects.
struct World {
    engine: Engine,
    now: Millis,
    effects: Vec<Effect>,
}

impl World {
    fn new(instances: u32) -> World {
        let setup = Setup { instances, ..Self::setup() };
        World { engine: Engine::new(setup, START), now: START, effects: Vec::new() }
    }

    fn setup() -> Setup {
        Setup {
            name: "loadtop".to_owned(),
            family: "loadtop-agent".to_owned(),
            container: "agent".to_owned(),
            boot: BOOT,
            instances: 1,
            max_instances: 10,
            tasks_per_instance: 4,
            lag: 0,
            scheduled_delay: LATE,
            losses: Vec::new(),
            fargate_start: FARGATE_START,
            fargate_vcpus: 64,
            managed_scaling: false,
            seed: Uuid::from_u128(7),
        }
    }

    /// Lets time pass, event by event, so that nothing is skipped.
    fn pass(&mut self, span: Millis) {
        let end = self.now + span;
        while let Some(at) = self.engine.next_deadline().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.engine.tick(self.now);
        }
        self.now = end;
        self.effects.extend(self.engine.take_effects());
    }

    fn tell(&mut self, event: Event) {
        self.engine.handle(event, self.now);
        self.effects.extend(self.engine.take_effects());
    }

    fn run(&mut self, count: i64) -> Result<Tasks, ApiError> {
        self.engine.run_task(RunTask { count: Some(count), ..request() }, self.now)
    }

    /// One task whose process runs.
    fn running(&mut self) -> String {
        let arn = self.run(1).expect("room").tasks[0].task_arn.clone();
        self.pass(1000);
        self.tell(Event::Started { task: id(&arn) });
        assert_eq!(self.task(&arn).last_status, "RUNNING");
        arn
    }

    fn stop(&mut self, arn: &str) -> TaskView {
        let cluster = Some("loadtop".to_owned());
        let request = StopTask { cluster, task: arn.to_owned(), reason: None };
        self.engine.stop_task(request, self.now).expect("there").task
    }

    fn describe(&mut self, arns: &[String]) -> Tasks {
        let cluster = Some("loadtop".to_owned());
        let request = DescribeTasks { cluster, tasks: arns.to_vec(), include: Vec::new() };
        self.engine.describe_tasks(&request, self.now).expect("answered")
    }

    fn task(&mut self, arn: &str) -> TaskView {
        self.describe(&[arn.to_owned()]).tasks.remove(0)
    }

    fn instances(&mut self) -> Vec<ContainerInstanceView> {
        let cluster = Some("loadtop".to_owned());
        let list = ListContainerInstances { cluster: cluster.clone(), ..Default::default() };
        let list = self.engine.list_container_instances(&list, self.now).expect("listed");
        let container_instances = list.container_instance_arns;
        if container_instances.is_empty() {
            return Vec::new();
        }
        let wanted = ContainerInstancesRequest { cluster, container_instances, status: None };
        let described = self.engine.describe_container_instances(&wanted, self.now);
        described.expect("described").container_instances
    }

    fn register(&mut self, family: &str, cpu: i32, memory: i32) {
        let container = ContainerDefinition {
            name: "agent".to_owned(),
            image: "none".to_owned(),
            cpu,
            memory: Some(memory),
            command: vec!["program".to_owned()],
            ..ContainerDefinition::default()
        };
        let request = RegisterTaskDefinition {
            family: family.to_owned(),
            container_definitions: vec![container],
            ..RegisterTaskDefinition::default()
        };
        self.engine.register_task_definition(request, self.now).expect("valid");
    }
}

/// For one task of loadtop's own.
fn request() -> RunTask {
    RunTask {
        cluster: Some("loadtop".to_owned()),
        task_definition: "loadtop-agent".to_owned(),
        ..RunTask::default()
    }
}

fn id(arn: &str) -> String {
    ids::short(arn).to_owned()
}

fn exited(arn: &str, exit: Exit) -> Event {
    Event::Exited { task: id(arn), exit }
}

fn start(arn: &str) -> Effect {
    Effect::Start {
        task: id(arn),
        command: vec!["loadtop".to_owned(), "agent".to_owned()],
        environment: BTreeMap::new(),
    }
}
