//! A task as it is described.

use super::{
    super::{
        api::{ContainerView, TaskView, seconds},
        definitions::Definition,
        fargate,
        ids::ecs_arn,
    },
    Phase, Place, Task,
};

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Phase::Provisioning => "PROVISIONING",
            Phase::Pending => "PENDING",
            Phase::Running => "RUNNING",
            Phase::Deactivating => "DEACTIVATING",
            Phase::Stopping => "STOPPING",
            Phase::Deprovisioning => "DEPROVISIONING",
            Phase::Stopped => "STOPPED",
        }
    }

    /// A container knows fewer states.
    fn container_name(self) -> &'static str {
        match self {
            Phase::Provisioning | Phase::Pending => "PENDING",
            Phase::Running | Phase::Deactivating | Phase::Stopping => "RUNNING",
            Phase::Deprovisioning | Phase::Stopped => "STOPPED",
        }
    }
}

impl Task {
    /// Tags are told only to who asks for them.
    pub(in super::super) fn view(&self, cluster: &str, with_tags: bool) -> TaskView {
        let arn = self.arn(cluster);
        let stop = self.stop.as_ref();
        let definition: &Definition = &self.definition;
        let (instance, is_fargate) = match &self.place {
            Place::Machine { arn, .. } => (Some(arn.clone()), false),
            Place::Awaited => (None, false),
            Place::Fargate(_) => (None, true),
        };
        TaskView {
            cluster_arn: ecs_arn(&format!("cluster/{cluster}")),
            task_definition_arn: definition.arn.clone(),
            container_instance_arn: instance,
            availability_zone: (self.place != Place::Awaited).then_some(fargate::ZONE),
            last_status: self.phase.name(),
            desired_status: self.desired_status(),
            launch_type: self.place.launch_type(),
            capacity_provider_name: self.provider.map(str::to_owned),
            platform_version: is_fargate.then_some(fargate::PLATFORM),
            platform_family: is_fargate.then_some("Linux"),
            cpu: self.cpu.to_string(),
            memory: self.memory.to_string(),
            group: self.group.clone(),
            overrides: self.overrides.clone(),
            containers: self.containers(cluster, &arn),
            attachments: self.interface.iter().map(|it| it.attachment(self.phase)).collect(),
            enable_execute_command: self.enable_execute_command,
            tags: if with_tags { self.tags.clone() } else { Vec::new() },
            version: self.version,
            created_at: seconds(self.times.created),
            started_by: self.started_by.clone(),
            started_at: self.times.started.map(seconds),
            stopping_at: stop.map(|stop| seconds(stop.at)),
            execution_stopped_at: self.times.ended.map(seconds),
            stopped_at: self.times.stopped.map(seconds),
            stop_code: stop.map(|stop| stop.code),
            stopped_reason: stop.map(|stop| stop.reason.clone()),
            task_arn: arn,
        }
    }

    /// All of them; how it ended is known only of the one that was started.
    fn containers(&self, cluster: &str, arn: &str) -> Vec<ContainerView> {
        let definition = &self.definition;
        let view = |(at, id): (usize, &String)| {
            let container = &definition.containers[at];
            let is_main = at == definition.main;
            let interface = self.interface.as_ref().and_then(|it| it.of_container(self.phase));
            ContainerView {
                container_arn: ecs_arn(&format!("container/{cluster}/{}/{id}", self.id)),
                task_arn: arn.to_owned(),
                name: container.name.clone(),
                image: container.image.clone(),
                cpu: container.cpu.to_string(),
                last_status: self.phase.container_name(),
                network_interfaces: interface.into_iter().collect(),
                exit_code: self.exit_code.filter(|_| is_main),
                reason: self.container_reason.clone().filter(|_| is_main),
            }
        };
        self.container_ids.iter().enumerate().map(view).collect()
    }
}
