//! The Auto Scaling group: it keeps as many machines as it is told to.
//!
//! Invariant: minimum ≤ desired ≤ maximum, and after every change the machines
//! that boot or serve are as many as desired, or those that are protected from
//! scale-in if these are more.

use std::collections::BTreeSet;

use super::{ApiError, Engine, Quota, Setup, ids::autoscaling_arn, instances::Lifecycle};
use crate::model::Millis;

/// How long a change of the size holds others up that honour the cooldown.
const COOLDOWN: Millis = 300_000;
/// Groups of a page, and names in a request, unless told otherwise.
const USUAL: usize = 50;
/// The same at most.
const MOST: usize = 100;

/// A group's size and its limits.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    created: Millis,
    pub(super) desired: u32,
    pub(super) min: u32,
    pub(super) max: u32,
    /// Machines that no lower number takes away.
    protected: BTreeSet<u64>,
    /// When the size was changed last.
    changed: Option<Millis>,
}

impl Group {
    pub(super) fn new(setup: &Setup, now: Millis) -> Self {
        Group {
            name: setup.name.clone(),
            created: now,
            desired: setup.instances.min(setup.max_instances),
            min: 0,
            max: setup.max_instances,
            protected: BTreeSet::new(),
            changed: None,
        }
    }
}

/// Which groups are asked for, and how many at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DescribeGroups {
    pub(crate) names: Vec<String>,
    pub(crate) most: Option<i64>,
    pub(crate) token: Option<String>,
}

/// UpdateAutoScalingGroup: sizes that are left out stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UpdateGroup {
    pub(crate) group: String,
    pub(crate) sizes: Sizes,
}

/// Sizes of a group, as far as they are said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) desired: Option<i64>,
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
    /// Whether a lower number does not take it away.
    pub(crate) is_protected: bool,
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

/// Checks how much is asked for at once; the answer is the most that a page holds.
pub(super) fn page(
    names: usize,
    most: Option<i64>,
    token: Option<&str>,
) -> Result<usize, ApiError> {
    let size = most.map_or(Some(USUAL), |most| usize::try_from(most).ok());
    let size = size.filter(|size| (1..=MOST).contains(size)).ok_or_else(|| {
        ApiError::validation(format!(
            "1 validation error detected: Value '{}' at 'maxRecords' failed to satisfy constraint: \
             Member must have value less than or equal to {MOST}",
            most.unwrap_or_default()
        ))
    })?;
    if names > size {
        return Err(ApiError::validation(format!(
            "The number of names that may be passed in is limited to {size}"
        )));
    }
    if token.is_some_and(|token| !token.starts_with("after-")) {
        return Err(ApiError::new("InvalidNextToken", 400, "The token is not valid."));
    }
    Ok(size)
}

impl Engine {
    /// A page of the groups with these names, or of all. There is only one, so that
    /// there is no second page.
    pub(crate) fn describe_some_groups(
        &mut self,
        request: &DescribeGroups,
        now: Millis,
    ) -> Result<Vec<GroupView>, ApiError> {
        let DescribeGroups { names, most, token } = request;
        page(names.len(), *most, token.as_deref())?;
        let mut groups = self.describe_groups(names, now)?;
        groups.retain(|_| token.is_none());
        Ok(groups)
    }

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
        let machines = self.instances.iter().map(|(number, instance)| MachineView {
            id: instance.machine.clone(),
            lifecycle: instance.lifecycle,
            is_healthy: instance.lifecycle != Lifecycle::Terminating || !instance.is_dead(),
            is_protected: self.group.protected.contains(number),
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
                self.group.changed = Some(now);
                self.group.desired = desired as u32;
                self.reconcile(now);
                return Ok(());
            }
        };
        Err(ApiError::validation(format!(
            "New SetDesiredCapacity value {desired} is {bound} for the AutoScalingGroup."
        )))
    }

    /// Refuses what honours the cooldown, while the latest change has not cooled down.
    pub(crate) fn cool_down(&self, now: Millis) -> Result<(), ApiError> {
        if self.group.changed.is_some_and(|at| now < at + COOLDOWN) {
            return Err(ApiError::new(
                "ScalingActivityInProgress",
                400,
                "Scaling activity initiated by user is in progress and blocks this action",
            ));
        }
        Ok(())
    }

    pub(crate) fn update_group(
        &mut self,
        request: &UpdateGroup,
        now: Millis,
    ) -> Result<(), ApiError> {
        self.admit(Quota::Scaling, now)?;
        if request.group != self.group.name {
            return Err(no_group());
        }
        self.resize(request.sizes, now)
    }

    /// Changes the sizes that are said. A new minimum above the desired number raises
    /// it, a new maximum below lowers it, unless the desired number is said, too.
    pub(super) fn resize(&mut self, sizes: Sizes, now: Millis) -> Result<(), ApiError> {
        let size = |said: Option<i64>, is: u32, what: &str| match said {
            None => Ok(is),
            Some(said) => u32::try_from(said).map_err(|_| negative(said, what)),
        };
        let min = size(sizes.min, self.group.min, "minSize")?;
        let max = size(sizes.max, self.group.max, "maxSize")?;
        if min > max {
            return Err(ApiError::validation(format!(
                "Max bound, {max}, must be greater than or equal to min bound, {min}"
            )));
        }
        let desired = match sizes.desired {
            None => self.group.desired.clamp(min, max),
            Some(_) => size(sizes.desired, 0, "desiredCapacity")?,
        };
        if !(min..=max).contains(&desired) {
            return Err(ApiError::validation(format!(
                "Desired capacity:{desired} must be between the specified min size:{min} and max \
                 size:{max}"
            )));
        }
        (self.group.min, self.group.max, self.group.desired) = (min, max, desired);
        self.reconcile(now);
        Ok(())
    }

    /// Has a lower number never take this machine. False if there is no such machine.
    #[cfg(test)]
    pub(crate) fn protect(&mut self, machine: &str) -> bool {
        self.find_machine(machine).is_some_and(|number| self.group.protected.insert(number))
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
        self.group.changed = Some(now);
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
    /// on them, but none that is protected.
    pub(super) fn reconcile(&mut self, now: Millis) {
        let alive = |(number, instance): (&u64, &super::Instance)| {
            (instance.lifecycle != Lifecycle::Terminating).then_some(*number)
        };
        let alive: Vec<u64> = self.instances.iter().filter_map(alive).collect();
        let desired = self.group.desired as usize;
        for _ in alive.len()..desired {
            self.launch(now + self.setup.boot);
        }
        let may_go = |number: &&u64| !self.group.protected.contains(*number);
        let surplus = alive.len().saturating_sub(desired);
        let go: Vec<u64> = alive.iter().filter(may_go).take(surplus).copied().collect();
        for number in go {
            self.terminate(number, now);
        }
    }
}

/// There is no such group, as all but SetDesiredCapacity say it.
pub(super) fn no_group() -> ApiError {
    ApiError::validation("AutoScalingGroup name not found - null")
}

/// A size below zero.
pub(super) fn negative(size: i64, what: &str) -> ApiError {
    ApiError::validation(format!(
        "1 validation error detected: Value '{size}' at '{what}' failed to satisfy constraint: \
         Member must have value greater than or equal to 0"
    ))
}
