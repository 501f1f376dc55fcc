//! Scheduled actions: sizes that the group gets at a time in the future.
//!
//! Only actions that happen once. Invariants: no two actions of the group have the same
//! start; one that was performed is gone; none is performed before its start, and all
//! are as late as the set-up says.

use std::collections::BTreeMap;

use super::{
    ApiError, Engine, Quota, Timer,
    group::{Sizes, negative, no_group, page},
    ids::autoscaling_arn,
};
use crate::model::Millis;

/// Actions that a group may have.
const MOST: usize = 125;
/// Characters that a name may have.
const LONGEST_NAME: usize = 255;

/// A group's scheduled actions by their names.
#[derive(Debug, Default)]
pub(super) struct Scheduled {
    actions: BTreeMap<String, Action>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Action {
    start: Millis,
    sizes: Sizes,
}

/// PutScheduledUpdateGroupAction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PutAction {
    pub(crate) group: String,
    pub(crate) name: String,
    /// Whole seconds.
    pub(crate) start: Option<Millis>,
    pub(crate) sizes: Sizes,
    /// Whether it says when to happen again: that is not known here.
    pub(crate) recurs: bool,
}

/// Which actions are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DescribeActions {
    pub(crate) group: Option<String>,
    pub(crate) names: Vec<String>,
    pub(crate) from: Option<Millis>,
    pub(crate) to: Option<Millis>,
    pub(crate) most: Option<i64>,
    pub(crate) token: Option<String>,
}

/// An action as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActionView {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) start: Millis,
    pub(crate) sizes: Sizes,
}

impl Engine {
    /// Writes an action, over one with the same name. What is left out of that stays.
    pub(crate) fn put_action(&mut self, request: PutAction, now: Millis) -> Result<(), ApiError> {
        self.admit(Quota::Scaling, now)?;
        if request.group != self.group.name {
            return Err(no_group());
        }
        let PutAction { name, sizes, recurs, .. } = request;
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            return Err(ApiError::validation(format!(
                "1 validation error detected: Value '{name}' at 'scheduledActionName' failed to \
                 satisfy constraint: Member must have length between 1 and {LONGEST_NAME}"
            )));
        }
        if recurs {
            return Err(ApiError::validation(
                "The local cloud performs actions once: no Recurrence, TimeZone or EndTime.",
            ));
        }
        let before = self.scheduled.actions.get(&name).copied();
        let Some(start) = request.start.or(before.map(|it| it.start)) else {
            return Err(ApiError::validation("Either a start time or a recurrence must be given"));
        };
        if start <= now {
            return Err(ApiError::validation("Given start time is in the past"));
        }
        let action = Action { start, sizes: merged(sizes, before) };
        checked(action.sizes)?;
        let mut others = self.scheduled.actions.iter().filter(|(other, _)| **other != name);
        if others.any(|(_, other)| other.start == start) {
            return Err(ApiError::new(
                "AlreadyExists",
                400,
                "Scheduled action with this scheduled start time already exists",
            ));
        }
        if before.is_none() && self.scheduled.actions.len() >= MOST {
            return Err(ApiError::new(
                "LimitExceeded",
                400,
                format!("Only {MOST} scheduled actions are allowed for an AutoScalingGroup"),
            ));
        }
        self.scheduled.actions.insert(name, action);
        self.timers.insert((start + self.setup.scheduled_delay, Timer::Scheduled));
        Ok(())
    }

    /// The actions with these names, or all between two times, by name; and the token of
    /// the next page if there is more.
    pub(crate) fn describe_actions(
        &mut self,
        request: &DescribeActions,
        now: Millis,
    ) -> Result<(Vec<ActionView>, Option<String>), ApiError> {
        self.admit(Quota::Scaling, now)?;
        let DescribeActions { group, names, from, to, most, token } = request;
        let size = page(names.len(), *most, token.as_deref())?;
        if group.as_ref().is_some_and(|group| *group != self.group.name) {
            return Err(no_group());
        }
        let after = token.as_deref().and_then(|token| token.strip_prefix("after-"));
        let is_asked_for = |(name, action): &(&String, &Action)| {
            let is_within = from.is_none_or(|from| action.start >= from)
                && to.is_none_or(|to| action.start <= to);
            let is_named = if names.is_empty() { is_within } else { names.contains(*name) };
            is_named && after.is_none_or(|after| name.as_str() > after)
        };
        let mut found = self.scheduled.actions.iter().filter(is_asked_for).peekable();
        let mut views = Vec::new();
        for (name, action) in found.by_ref().take(size) {
            views.push(ActionView {
                group: self.group.name.clone(),
                name: name.clone(),
                arn: autoscaling_arn(&format!(
                    "scheduledUpdateGroupAction::autoScalingGroupName/{}:scheduledActionName/{name}",
                    self.group.name
                )),
                start: action.start,
                sizes: action.sizes,
            });
        }
        let last = views.last().map(|view| format!("after-{}", view.name));
        let token = if found.peek().is_some() { last } else { None };
        Ok((views, token))
    }

    pub(crate) fn delete_action(
        &mut self,
        group: &str,
        name: &str,
        now: Millis,
    ) -> Result<(), ApiError> {
        self.admit(Quota::Scaling, now)?;
        if group != self.group.name {
            return Err(no_group());
        }
        match self.scheduled.actions.remove(name) {
            Some(_) => Ok(()),
            None => Err(ApiError::validation("Scheduled action name not found")),
        }
    }

    /// Performs what is due, the earliest first. One whose sizes do not fit by now
    /// changes nothing, as on AWS, and is gone all the same.
    pub(super) fn advance_scheduled(&mut self, now: Millis) {
        let delay = self.setup.scheduled_delay;
        let actions = &mut self.scheduled.actions;
        let due = actions.extract_if(.., |_, action| now >= action.start + delay);
        let mut due: Vec<Action> = due.map(|(_, action)| action).collect();
        due.sort_by_key(|action| action.start);
        for action in due {
            let _too_late_to_say = self.resize(action.sizes, now);
        }
    }
}

fn merged(sizes: Sizes, before: Option<Action>) -> Sizes {
    let before = before.map(|it| it.sizes).unwrap_or_default();
    Sizes {
        min: sizes.min.or(before.min),
        max: sizes.max.or(before.max),
        desired: sizes.desired.or(before.desired),
    }
}

/// Whether the sizes of an action fit to each other; those of the group may change until
/// then.
fn checked(sizes: Sizes) -> Result<(), ApiError> {
    let Sizes { min, max, desired } = sizes;
    for (size, what) in [(min, "minSize"), (max, "maxSize"), (desired, "desiredCapacity")] {
        if let Some(size) = size.filter(|size| *size < 0) {
            return Err(negative(size, what));
        }
    }
    let is_below = |low: Option<i64>, high: Option<i64>| low.zip(high).is_some_and(|(l, h)| l > h);
    let wrong = match () {
        () if (min, max, desired) == (None, None, None) => {
            "At least one of min size, max size and desired capacity must be given"
        }
        () if is_below(min, max) => "Max size must be greater than or equal to min size",
        () if is_below(min, desired) => {
            "Desired capacity must be greater than or equal to min size"
        }
        () if is_below(desired, max) => "Desired capacity must be less than or equal to max size",
        () => return Ok(()),
    };
    Err(ApiError::validation(wrong))
}
