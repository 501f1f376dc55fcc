//! Auto Scaling: how many instances there are, now and at a time in the future.

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_smithy_types::DateTime;

use super::{
    Cloud, CloudError,
    calls::{self, Call},
    types::GroupSeen,
};
use crate::model::Millis;

/// How Auto Scaling says, as ValidationError, that an action is gone or never was.
const NO_SUCH_ACTION: &str = "Scheduled action name not found";
/// The code of a start that another action of the group has: each must be unique.
const TAKEN: &str = "AlreadyExists";
/// So many starts are tried, a second apart.
const STARTS: u32 = 10;

impl Cloud {
    /// The group as AWS describes it.
    pub(super) async fn described_group(&self) -> Result<AutoScalingGroup, CloudError> {
        const CALL: Call = calls::DESCRIBE_GROUPS;
        let name = self.names.group();
        let call = self.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name);
        let answer = self.settle(CALL, call.send().await)?;
        let group = answer.auto_scaling_groups.unwrap_or_default().into_iter().next();
        group.ok_or_else(|| self.missing(CALL, "Auto Scaling group", name))
    }

    /// The group: its sizes and its machines.
    ///
    /// Equivalent to `aws autoscaling describe-auto-scaling-groups
    /// --auto-scaling-group-names G`. Needs `autoscaling:DescribeAutoScalingGroups`.
    pub async fn group(&self) -> Result<GroupSeen, CloudError> {
        let group = self.described_group().await?;
        let size = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let machines = group.instances().iter().map(|machine| {
            let state = machine.lifecycle_state().map_or("", |state| state.as_str());
            (machine.instance_id().unwrap_or_default().to_owned(), state.to_owned())
        });
        let types = group.instances().iter().filter_map(|machine| {
            Some((machine.instance_id()?.to_owned(), machine.instance_type()?.to_owned()))
        });
        let zones = group.instances().iter().filter_map(|machine| {
            Some((machine.instance_id()?.to_owned(), machine.availability_zone()?.to_owned()))
        });
        // Which of them are Spot is not said; below all on demand, any may be.
        let mixed = group.mixed_instances_policy().and_then(|it| it.instances_distribution());
        let on_demand = mixed.and_then(|it| it.on_demand_percentage_above_base_capacity());
        let protected = group.instances().iter().filter(|it| {
            let is_leaving =
                it.lifecycle_state().is_some_and(|it| it.as_str().starts_with("Terminat"));
            it.protected_from_scale_in() == Some(true) && !is_leaving
        });
        let protected = protected.map(|it| it.instance_id().unwrap_or_default().to_owned());
        Ok(GroupSeen {
            protected: protected.collect(),
            desired: size(group.desired_capacity()),
            min: size(group.min_size()),
            max: size(group.max_size()),
            machines: machines.collect(),
            types: types.collect(),
            zones: zones.collect(),
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

    /// Sets the group's least and most instances. The desired number follows only as far
    /// as it must.
    ///
    /// Equivalent to `aws autoscaling update-auto-scaling-group
    /// --auto-scaling-group-name G --min-size A --max-size B`.
    /// Needs `autoscaling:UpdateAutoScalingGroup`.
    pub async fn set_limits(&self, min: u32, max: u32) -> Result<(), CloudError> {
        let call = self
            .autoscaling
            .update_auto_scaling_group()
            .auto_scaling_group_name(self.names.group())
            .min_size(i32::try_from(min).unwrap_or(i32::MAX))
            .max_size(i32::try_from(max).unwrap_or(i32::MAX));
        self.settle(calls::UPDATE_GROUP, call.send().await).map(|_| ())
    }

    /// When the group's scheduled action of this name is to happen; none: there is none,
    /// or it has happened.
    ///
    /// Equivalent to `aws autoscaling describe-scheduled-actions
    /// --auto-scaling-group-name G --scheduled-action-names N`.
    /// Needs `autoscaling:DescribeScheduledActions`.
    pub async fn scheduled(&self, name: &str) -> Result<Option<Millis>, CloudError> {
        let call = self
            .autoscaling
            .describe_scheduled_actions()
            .auto_scaling_group_name(self.names.group())
            .scheduled_action_names(name);
        let answer = self.settle(calls::DESCRIBE_SCHEDULED, call.send().await)?;
        let actions = answer.scheduled_update_group_actions();
        let action = actions.iter().find(|it| it.scheduled_action_name() == Some(name));
        let start = action.and_then(|it| it.start_time());
        Ok(start.and_then(|at| Millis::try_from(at.secs()).ok()).map(|at| at * 1000))
    }

    /// Has the group go down to no instance at this time (AWS's clock, whole seconds), by
    /// a scheduled action of this name; one that is there is moved. Where another action
    /// has that very start, ours comes a second later. The answer is its start.
    ///
    /// Equivalent to `aws autoscaling put-scheduled-update-group-action
    /// --auto-scaling-group-name G --scheduled-action-name N --start-time T --min-size 0
    /// --desired-capacity 0`. Needs `autoscaling:PutScheduledUpdateGroupAction`.
    pub async fn put_scheduled(&self, name: &str, at: Millis) -> Result<Millis, CloudError> {
        let mut at = at;
        let mut tries = 1;
        loop {
            let start = DateTime::from_secs((at / 1000).cast_signed());
            let call = self
                .autoscaling
                .put_scheduled_update_group_action()
                .auto_scaling_group_name(self.names.group())
                .scheduled_action_name(name)
                .start_time(start)
                .min_size(0)
                .desired_capacity(0);
            match self.settle(calls::PUT_SCHEDULED, call.send().await) {
                Ok(_) => return Ok(at),
                Err(error) if error.code.as_deref() == Some(TAKEN) && tries < STARTS => {
                    tries += 1;
                    at += 1000;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the group's scheduled action of this name back. That there is none is the
    /// same.
    ///
    /// Equivalent to `aws autoscaling delete-scheduled-action
    /// --auto-scaling-group-name G --scheduled-action-name N`.
    /// Needs `autoscaling:DeleteScheduledAction`.
    pub async fn delete_scheduled(&self, name: &str) -> Result<(), CloudError> {
        let call = self
            .autoscaling
            .delete_scheduled_action()
            .auto_scaling_group_name(self.names.group())
            .scheduled_action_name(name);
        match self.settle(calls::DELETE_SCHEDULED, call.send().await) {
            Err(error) if !error.message.starts_with(NO_SUCH_ACTION) => Err(error),
            _ => Ok(()),
        }
    }
}
