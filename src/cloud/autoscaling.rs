//! Auto Scaling: how many instances there are.

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{self, Call},
    types::GroupSeen,
};

impl Cloud {
    /// The group: its sizes and its machines.
    ///
    /// Equivalent to `aws autoscaling describe-auto-scaling-groups
    /// --auto-scaling-group-names G`. Needs `autoscaling:DescribeAutoScalingGroups`.
    pub async fn group(&self) -> Result<GroupSeen, CloudError> {
        const CALL: Call = calls::DESCRIBE_GROUPS;
        let call = self
            .autoscaling
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(self.names.group());
        let answer = self.settle(CALL, call.send().await)?;
        let group = answer.auto_scaling_groups().first().ok_or_else(|| CloudError {
            call: CALL.operation,
            kind: ErrorKind::NotFound,
            code: None,
            message: format!("there is no Auto Scaling group named {}", self.names.group()),
        })?;
        let size = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let machines = group.instances().iter().map(|machine| {
            let state = machine.lifecycle_state().map_or("", |state| state.as_str());
            (machine.instance_id().unwrap_or_default().to_owned(), state.to_owned())
        });
        let types = group.instances().iter().filter_map(|machine| {
            Some((machine.instance_id()?.to_owned(), machine.instance_type()?.to_owned()))
        });
        // Which of them are Spot is not said; below all on demand, any may be.
        let mixed = group.mixed_instances_policy().and_then(|it| it.instances_distribution());
        let on_demand = mixed.and_then(|it| it.on_demand_percentage_above_base_capacity());
        Ok(GroupSeen {
            desired: size(group.desired_capacity()),
            min: size(group.min_size()),
            max: size(group.max_size()),
            machines: machines.collect(),
            types: types.collect(),
            spot: on_demand.is_some_and(|percentage| percentage < 100),
        })
    }

    /// Sets how many instances there should be. Only ever used for more: a lower
    /// number lets AWS choose which instances die.
    ///
    /// Equivalent to `aws autoscaling set-desired-capacity
    /// --auto-scaling-group-name G --desired-capacity N`.
    /// Needs `autoscaling:SetDesiredCapacity`.
    pub async fn set_desired(&self, instances: u32) -> Result<(), CloudError> {
        let call = self
            .autoscaling
            .set_desired_capacity()
            .auto_scaling_group_name(self.names.group())
            .desired_capacity(i32::try_from(instances).unwrap_or(i32::MAX))
            .honor_cooldown(false);
        self.settle(calls::SET_DESIRED, call.send().await).map(|_| ())
    }

    /// Ends this very machine, and lowers the desired number by one.
    ///
    /// Equivalent to `aws autoscaling terminate-instance-in-auto-scaling-group
    /// --instance-id I --should-decrement-desired-capacity`.
    /// Needs `autoscaling:TerminateInstanceInAutoScalingGroup`.
    pub async fn terminate_machine(&self, machine_id: &str) -> Result<(), CloudError> {
        let call = self
            .autoscaling
            .terminate_instance_in_auto_scaling_group()
            .instance_id(machine_id)
            .should_decrement_desired_capacity(true);
        self.settle(calls::TERMINATE, call.send().await).map(|_| ())
    }
}
