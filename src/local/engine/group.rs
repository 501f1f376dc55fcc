//! The Auto Scaling group: it keeps as many machines as it is told to.
//!
//! Invariant: minimum ≤ desired ≤ maximum, and after every change the machines
//! that boot or serve are as many as desired.

use super::{ApiError, Engine, Quota, Setup, ids::autoscaling_arn, instances::Lifecycle};
use crate::model::Millis;

/// A group's size and its limits.
#[derive(Debug)]
pub(super) struct Group {
    name: String,
    created: Millis,
    pub(super) desired: u32,
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Group {
    pub(super) fn new(setup: &Setup, now: Millis) -> Self {
        Group {
            name: setup.name.clone(),
            created: now,
            desired: setup.instances.min(setup.max_instances),
            min: 0,
            max: setup.max_instances,
        }
    }
}

/// A group as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupView {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created: Millis,
    pub(crate) desired: u32,
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) machines: Vec<MachineView>,
}

/// A machine as its group is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MachineView {
    pub(crate) id: String,
    pub(crate) lifecycle: Lifecycle,
    /// As far as the group has noticed.
    pub(crate) is_healthy: bool,
}

/// SetDesiredCapacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SetDesiredCapacity {
    pub(crate) group: String,
    pub(crate) desired: i64,
}

/// TerminateInstanceInAutoScalingGroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TerminateInstance {
    pub(crate) machine: String,
    pub(crate) decrement: bool,
}

/// What a termination is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activity {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) cause: String,
    pub(crate) started: Millis,
}

impl Engine {
    /// The groups with these names, or all; unknown names are left out.
    pub(crate) fn describe_groups(
        &mut self,
        names: &[String],
        now: Millis,
    ) -> Result<Vec<GroupView>, ApiError> {
        self.admit(Quota::Scaling, now)?;
        if !names.is_empty() && !names.contains(&self.group.name) {
            return Ok(Vec::new());
        }
        let machines = self.instances.values();
        let machines = machines.map(|instance| MachineView {
            id: instance.machine.clone(),
            lifecycle: instance.lifecycle,
            is_healthy: instance.lifecycle != Lifecycle::Terminating || !instance.is_dead(),
        });
        Ok(vec![GroupView {
            name: self.group.name.clone(),
            arn: autoscaling_arn(&format!(
                "autoScalingGroup::autoScalingGroupName/{}",
                self.group.name
            )),
            created: self.group.created,
            desired: self.group.desired,
            min: self.group.min,
            max: self.group.max,
            machines: machines.collect(),
        }])
    }

    pub(crate) fn set_desired_capacity(
        &mut self,
        request: &SetDesiredCapacity,
        now: Millis,
    ) -> Result<(), ApiError> {
        self.admit(Quota::Scaling, now)?;
        if request.group != self.group.name {
            return Err(ApiError::validation(format!(
                "AutoScalingGroup name not found - AutoScalingGroup {} not found",
                request.group
            )));
        }
        let (min, max, desired) = (self.group.min, self.group.max, request.desired);
        let bound = match () {
            () if desired > i64::from(max) => format!("above max value {max}"),
            () if desired < i64::from(min) => format!("below min value {min}"),
            () => {
                self.group.desired = desired as u32;
                self.reconcile(now);
                return Ok(());
            }
        };
        Err(ApiError::validation(format!(
            "New SetDesiredCapacity value {desired} is {bound} for the AutoScalingGroup."
        )))
    }

    pub(crate) fn terminate_instance(
        &mut self,
        request: &TerminateInstance,
        now: Millis,
    ) -> Result<Activity, ApiError> {
        self.admit(Quota::Scaling, now)?;
        let machine = &request.machine;
        let found = self.find_machine(machine).filter(|number| {
            self.instances
                .get(number)
                .is_some_and(|instance| instance.lifecycle != Lifecycle::Terminating)
        });
        let Some(number) = found else {
            return Err(ApiError::validation(format!(
                "Instance Id not found - No managed instance found for instance ID {machine}"
            )));
        };
        let before = self.group.desired;
        if request.decrement {
            if before <= self.group.min {
                return Err(ApiError::validation(format!(
                    "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.",
                    self.group.min
                )));
            }
            self.group.desired -= 1;
        }
        self.terminate(number, now);
        self.reconcile(now);
        Ok(Activity {
            id: self.ids.uuid().to_string(),
            group: self.group.name.clone(),
            description: format!("Terminating EC2 instance: {machine}"),
            cause: format!(
                "instance {machine} was taken out of service in response to a user request, changing the capacity from {before} to {}.",
                self.group.desired
            ),
            started: now,
        })
    }

    /// Launches what is missing, and terminates what is too much: the oldest
    /// machines, as the default termination policy comes down to, whatever runs
    /// on them.
    pub(super) fn reconcile(&mut self, now: Millis) {
        let alive = |(number, instance): (&u64, &super::Instance)| {
            (instance.lifecycle != Lifecycle::Terminating).then_some(*number)
        };
        let alive: Vec<u64> = self.instances.iter().filter_map(alive).collect();
        let desired = self.group.desired as usize;
        for _ in alive.len()..desired {
            self.launch(now + self.setup.boot);
        }
        for &number in &alive[..alive.len().saturating_sub(desired)] {
            self.terminate(number, now);
        }
    }
}
