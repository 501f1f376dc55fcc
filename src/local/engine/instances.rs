//! Machines of the group, and the container instances that they are once they
//! have booted.
//!
//! Invariant: what a machine has given away is what its tasks that are not
//! STOPPED take; a machine is gone only after all its tasks are.

use std::collections::BTreeSet;

use super::{
    ApiError, Engine, Quota, Timer,
    api::{
        Attribute, ContainerInstanceArns, ContainerInstanceView, ContainerInstances,
        ContainerInstancesRequest, Failure, ListContainerInstances, Resource, seconds,
    },
    definitions::{INSTANCE_CPU, INSTANCE_MEMORY},
    fargate::ZONE,
    ids::{ecs_arn, short},
    list::{self, Page},
    providers::GROUPS,
    tasks::{Place, STEP},
    validate::Kind,
};
use crate::model::Millis;

/// What the group says of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// It boots.
    Pending,
    /// It takes tasks.
    InService,
    /// It is on its way out.
    Terminating,
}

impl Lifecycle {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Lifecycle::Pending => "Pending",
            Lifecycle::InService => "InService",
            Lifecycle::Terminating => "Terminating",
        }
    }
}

/// What the local cloud's machines are: slots of this one, which have no price unless
/// somebody sets one.
pub(crate) const INSTANCE_TYPE: &str = "local.large";

/// What lists of container instances can be narrowed to.
const STATES: [&str; 5] =
    ["ACTIVE", "DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED"];

/// A machine.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) machine: String,
    pub(super) arn: String,
    pub(super) lifecycle: Lifecycle,
    registered: Option<Millis>,
    pub(super) draining: bool,
    /// It died, and this is when the group notices.
    noticed: Option<Millis>,
    cpu: i32,
    memory: i32,
    tasks: BTreeSet<u64>,
}

impl Instance {
    /// Whether the cluster knows it.
    pub(super) fn is_registered(&self) -> bool {
        self.registered.is_some()
    }

    /// Whether the cluster counts on it.
    pub(super) fn is_active(&self) -> bool {
        self.lifecycle == Lifecycle::InService && !self.draining
    }

    pub(super) fn is_dead(&self) -> bool {
        self.noticed.is_some()
    }

    /// Whether ECS's agent there answers.
    fn is_connected(&self) -> bool {
        self.lifecycle == Lifecycle::InService && !self.is_dead()
    }

    /// Whether no task holds room on it.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Dies; these are its tasks.
    pub(super) fn die(&mut self, noticed: Millis) -> Vec<u64> {
        self.noticed = Some(noticed);
        self.tasks.iter().copied().collect()
    }

    /// Why a task of this size cannot be placed here, in ECS's words.
    pub(super) fn lacks(&self, cpu: i32, memory: i32) -> Option<&'static str> {
        match () {
            () if !self.is_connected() => Some("AGENT"),
            () if self.cpu < cpu => Some("RESOURCE:CPU"),
            () if self.memory < memory => Some("RESOURCE:MEMORY"),
            () => None,
        }
    }

    pub(super) fn take_in(&mut self, task: u64, cpu: i32, memory: i32) {
        self.tasks.insert(task);
        self.cpu -= cpu;
        self.memory -= memory;
    }
}

impl Engine {
    /// A machine that takes tasks from `ready` on.
    pub(super) fn launch(&mut self, ready: Millis) {
        let number = self.number();
        let (machine, id) = (self.ids.machine(), self.ids.hex());
        for name in [&machine, &id] {
            self.instance_numbers.insert(name.clone(), number);
        }
        let instance = Instance {
            machine,
            arn: ecs_arn(&format!("container-instance/{}/{id}", self.setup.name)),
            lifecycle: Lifecycle::Pending,
            registered: None,
            draining: false,
            noticed: None,
            cpu: INSTANCE_CPU,
            memory: INSTANCE_MEMORY,
            tasks: BTreeSet::new(),
        };
        self.instances.insert(number, instance);
        self.timers.insert((ready, Timer::Instance(number)));
    }

    /// Ends a machine and what runs on it.
    pub(super) fn terminate(&mut self, number: u64, now: Millis) {
        let Some(instance) = self.instances.get_mut(&number) else { return };
        if instance.lifecycle == Lifecycle::Terminating {
            return;
        }
        instance.lifecycle = Lifecycle::Terminating;
        let machine = instance.machine.clone();
        for task in instance.tasks.clone() {
            self.lose_host(task, &machine, now);
        }
        self.timers.insert((now + STEP, Timer::Instance(number)));
    }

    /// A machine has booted, is found dead, or is gone once nothing runs on it.
    pub(super) fn advance_instance(&mut self, number: u64, now: Millis) {
        let Some(instance) = self.instances.get_mut(&number) else { return };
        if let Some(noticed) = instance.noticed
            && instance.lifecycle != Lifecycle::Terminating
        {
            if now >= noticed {
                self.terminate(number, now);
                self.reconcile(now);
            }
            return;
        }
        match instance.lifecycle {
            Lifecycle::Pending => {
                instance.lifecycle = Lifecycle::InService;
                instance.registered = Some(now);
                self.place_awaited(now);
            }
            Lifecycle::Terminating if instance.tasks.is_empty() => {
                for name in [&instance.machine, short(&instance.arn)] {
                    self.instance_numbers.remove(name);
                }
                self.instances.remove(&number);
            }
            Lifecycle::InService | Lifecycle::Terminating => {}
        }
    }

    /// Gives a stopped task's room back, wherever it had any.
    pub(super) fn release(&mut self, task: u64, now: Millis) {
        let Some(stopped) = self.tasks.get(&task) else { return };
        let number = match stopped.place {
            Place::Machine { number, .. } => number,
            Place::Fargate(market) => {
                *self.fargate.of(market) -= stopped.cpu;
                return;
            }
            Place::Awaited => {
                self.scaling.awaited.remove(&task);
                return;
            }
        };
        let Some(instance) = self.instances.get_mut(&number) else { return };
        if instance.tasks.remove(&task) {
            instance.cpu += stopped.cpu;
            instance.memory += stopped.memory;
        }
        self.advance_if_leaving(number, now);
        self.place_awaited(now);
    }

    fn advance_if_leaving(&mut self, number: u64, now: Millis) {
        let leaving = self.instances.get(&number);
        if leaving.is_some_and(|instance| instance.lifecycle == Lifecycle::Terminating) {
            self.advance_instance(number, now);
        }
    }

    pub(crate) fn list_container_instances(
        &mut self,
        request: &ListContainerInstances,
        now: Millis,
    ) -> Result<ContainerInstanceArns, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Look, now)?;
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        let status = request.status.as_deref();
        if status.is_some_and(|status| !STATES.contains(&status)) {
            return Err(ApiError::parameter("Invalid container instance status."));
        }
        if request.filter.is_some() {
            return Err(ApiError::parameter("The local cloud knows no cluster query language."));
        }
        let registered = self.instances.range(page.range()).filter(|(_, instance)| {
            instance.is_registered() && status.is_none_or(|status| status == state(instance))
        });
        let arns = registered.map(|(&number, instance)| (number, instance.arn.clone()));
        let (container_instance_arns, next_token) = page.cut(arns);
        Ok(ContainerInstanceArns { container_instance_arns, next_token })
    }

    pub(crate) fn describe_container_instances(
        &mut self,
        request: &ContainerInstancesRequest,
        now: Millis,
    ) -> Result<ContainerInstances, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Look, now)?;
        list::at_most_100(&request.container_instances, "Container instances")?;
        self.instance_views(&request.container_instances)
    }

    pub(crate) fn update_container_instances_state(
        &mut self,
        request: &ContainerInstancesRequest,
        now: Millis,
    ) -> Result<ContainerInstances, ApiError> {
        self.admit_to(request.cluster.as_deref(), Quota::Change, now)?;
        if !(1..=10).contains(&request.container_instances.len()) {
            return Err(ApiError::parameter("Specify between 1 and 10 container instances."));
        }
        let draining = match request.status.as_deref() {
            Some("ACTIVE") => false,
            Some("DRAINING") => true,
            _ => {
                return Err(ApiError::parameter(
                    "Container instance status must be ACTIVE or DRAINING.",
                ));
            }
        };
        // A name that cannot be one refuses the call, before any of it is done.
        let answer = self.instance_views(&request.container_instances)?;
        for wanted in &answer.container_instances {
            let number = self.find_instance(&wanted.container_instance_arn);
            if let Some(instance) = number.and_then(|number| self.instances.get_mut(&number)) {
                instance.draining = draining;
            }
        }
        if !draining {
            self.place_awaited(now);
        }
        self.instance_views(&request.container_instances)
    }

    fn instance_views(&self, wanted: &[String]) -> Result<ContainerInstances, ApiError> {
        let mut answer = ContainerInstances::default();
        for wanted in wanted {
            let number = self.find_instance(self.identify(Kind::ContainerInstance, wanted)?);
            match number.and_then(|number| self.instances.get(&number)) {
                Some(instance) => answer.container_instances.push(self.instance_view(instance)),
                None => answer.failures.push(Failure::missing(wanted)),
            }
        }
        Ok(answer)
    }

    /// The number of the registered instance with this id or ARN.
    pub(super) fn find_instance(&self, id_or_arn: &str) -> Option<u64> {
        let id = short(id_or_arn);
        let number = *self.instance_numbers.get(id)?;
        let instance = self.instances.get(&number)?;
        (instance.is_registered() && short(&instance.arn) == id).then_some(number)
    }

    /// The number of the machine with this id.
    pub(super) fn find_machine(&self, id: &str) -> Option<u64> {
        let number = *self.instance_numbers.get(id)?;
        self.instances.get(&number).filter(|it| it.machine == id).map(|_| number)
    }

    fn instance_view(&self, instance: &Instance) -> ContainerInstanceView {
        let tasks = || instance.tasks.iter().filter_map(|number| self.tasks.get(number));
        ContainerInstanceView {
            container_instance_arn: instance.arn.clone(),
            ec2_instance_id: instance.machine.clone(),
            capacity_provider_name: self.setup.managed_scaling.then_some(GROUPS),
            status: state(instance),
            agent_connected: instance.is_connected(),
            registered_at: seconds(instance.registered.unwrap_or_default()),
            running_tasks_count: tasks().filter(|task| task.is_running()).count(),
            pending_tasks_count: tasks().filter(|task| task.is_pending()).count(),
            registered_resources: resources(INSTANCE_CPU, INSTANCE_MEMORY),
            remaining_resources: resources(instance.cpu, instance.memory),
            attributes: [
                Attribute { name: "ecs.availability-zone", value: ZONE },
                Attribute { name: "ecs.instance-type", value: INSTANCE_TYPE },
            ],
        }
    }
}

fn state(instance: &Instance) -> &'static str {
    if instance.draining { "DRAINING" } else { "ACTIVE" }
}

fn resources(cpu: i32, memory: i32) -> [Resource; 2] {
    let resource = |name, integer_value| Resource { name, kind: "INTEGER", integer_value };
    [resource("CPU", cpu), resource("MEMORY", memory)]
}
