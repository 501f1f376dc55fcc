//! Capacity providers, and the one that scales the group.
//!
//! Invariants: every task of a call has one target, decided before anything is started; a
//! task that waits for a machine is on none, and takes room on one as soon as it has it.
//!
//! `FARGATE` and `FARGATE_SPOT` are always there. With managed scaling there is a third one,
//! which is also the cluster's default: it gives the group as many machines as its tasks
//! need (a target of 100 %), whatever size others set. On AWS it takes a minute to grow and a
//! quarter of an hour to shrink; nobody wants to wait for that here.

use std::collections::BTreeSet;

use super::{
    ApiError, Engine, Quota, Timer,
    api::{
        CapacityProviderView, CapacityProviders, DescribeCapacityProviders, Failure, GroupProvider,
        ManagedScaling, RunTask, StrategyItem,
    },
    definitions::{INSTANCE_CPU, INSTANCE_MEMORY},
    fargate::Market,
    ids::{autoscaling_arn, ecs_arn, short},
    instances::Lifecycle,
    list::Page,
    tasks::{Place, STEP},
};
use crate::model::Millis;

/// What the group's provider is called.
pub(super) const GROUPS: &str = "loadtop-provider";
/// How often it looks.
const BEAT: Millis = 5_000;
/// How long there are too many machines before some go.
const SHRINKS_AFTER: Millis = 15_000;
/// Providers in a strategy.
const MOST_ITEMS: usize = 20;
/// Providers in a description.
const MOST_DESCRIBED: usize = 100;

/// What a task is to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// An instance that is there.
    Instances,
    /// An instance that the group's provider gets, if none has room.
    Provider,
    /// Fargate, `named` if by its provider.
    Fargate { market: Market, named: bool },
}

impl Target {
    pub(super) fn provider(self) -> Option<&'static str> {
        match self {
            Target::Provider => Some(GROUPS),
            Target::Fargate { market: Market::Spot, .. } => Some("FARGATE_SPOT"),
            Target::Fargate { named: true, .. } => Some("FARGATE"),
            Target::Fargate { named: false, .. } | Target::Instances => None,
        }
    }

    pub(super) fn market(self) -> Option<Market> {
        match self {
            Target::Fargate { market, .. } => Some(market),
            Target::Instances | Target::Provider => None,
        }
    }
}

/// What the group's provider has on its mind.
#[derive(Debug, Default)]
pub(super) struct Scaling {
    /// Tasks without a machine, the first that came first.
    pub(super) awaited: BTreeSet<u64>,
    /// Since when the group has more machines than are needed.
    surplus_since: Option<Millis>,
}

impl Engine {
    /// What the tasks of a call are to be on, one by one.
    pub(super) fn targets(&self, request: &RunTask, count: usize) -> Result<Vec<Target>, ApiError> {
        let strategy = &request.capacity_provider_strategy;
        match request.launch_type.as_deref() {
            Some(_) if !strategy.is_empty() => Err(ApiError::parameter(
                "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
            )),
            Some("EC2") => Ok(vec![Target::Instances; count]),
            Some("FARGATE") => {
                Ok(vec![Target::Fargate { market: Market::OnDemand, named: false }; count])
            }
            Some("EXTERNAL") => Err(ApiError::no_instances()),
            Some(_) => Err(ApiError::parameter("Unsupported launch type.")),
            None if !strategy.is_empty() => {
                self.check_strategy(strategy)?;
                Ok(spread(strategy, count))
            }
            None => match &self.default_strategy()[..] {
                [] => Ok(vec![Target::Instances; count]),
                default => Ok(spread(default, count)),
            },
        }
    }

    fn check_strategy(&self, strategy: &[StrategyItem]) -> Result<(), ApiError> {
        if strategy.len() > MOST_ITEMS {
            return Err(ApiError::parameter(format!(
                "A capacity provider strategy can contain a maximum of {MOST_ITEMS} capacity providers."
            )));
        }
        let known = self.provider_names();
        for (at, item) in strategy.iter().enumerate() {
            if !known.contains(&item.capacity_provider.as_str()) {
                return Err(ApiError::parameter(
                    "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
                ));
            }
            if strategy[..at].iter().any(|it| it.capacity_provider == item.capacity_provider) {
                return Err(ApiError::parameter(
                    "A capacity provider strategy cannot contain the same capacity provider twice.",
                ));
            }
            if !(0..=1000).contains(&item.weight) {
                return Err(ApiError::parameter("weight must be between 0 and 1000."));
            }
            if !(0..=100_000).contains(&item.base) {
                return Err(ApiError::parameter("base must be between 0 and 100000."));
            }
        }
        if strategy.iter().filter(|it| it.base > 0).count() > 1 {
            return Err(ApiError::parameter(
                "Only one capacity provider in a capacity provider strategy can have a base defined.",
            ));
        }
        let on_group = strategy.iter().any(|it| it.capacity_provider == GROUPS);
        if on_group && strategy.len() > 1 {
            return Err(ApiError::parameter(
                "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers. Specify one or the other and try again.",
            ));
        }
        // A single one takes all, whatever its weight.
        if strategy.len() > 1 && strategy.iter().all(|it| it.weight == 0) {
            return Err(ApiError::parameter(
                "There are no capacity providers with a weight value greater than zero defined in the capacity provider strategy. At least one capacity provider must have a weight value greater than zero specified.",
            ));
        }
        Ok(())
    }

    /// The cluster's providers.
    pub(super) fn provider_names(&self) -> Vec<&'static str> {
        let of_group = self.setup.managed_scaling.then_some(GROUPS);
        ["FARGATE", "FARGATE_SPOT"].into_iter().chain(of_group).collect()
    }

    /// What decides where nothing is said; empty where that means instances.
    pub(super) fn default_strategy(&self) -> Vec<StrategyItem> {
        let item = StrategyItem { capacity_provider: GROUPS.to_owned(), weight: 1, base: 0 };
        if self.setup.managed_scaling { vec![item] } else { Vec::new() }
    }

    pub(crate) fn describe_capacity_providers(
        &mut self,
        request: &DescribeCapacityProviders,
        now: Millis,
    ) -> Result<CapacityProviders, ApiError> {
        self.admit(Quota::Providers, now)?;
        if let Some(cluster) = &request.cluster
            && !self.is_cluster(cluster)
        {
            return Err(ApiError::cluster_not_found());
        }
        let page = Page::read(request.max_results, request.next_token.as_deref())?;
        if request.capacity_providers.len() > MOST_DESCRIBED {
            return Err(ApiError::parameter("Capacity providers can be at most 100."));
        }
        let known = self.provider_names();
        let asked = &request.capacity_providers;
        let (found, missing): (Vec<&str>, Vec<&str>) = if asked.is_empty() {
            (known, Vec::new())
        } else {
            asked.iter().map(String::as_str).partition(|name| known.contains(&short(name)))
        };
        let rows = (1..).zip(found.into_iter().map(|name| short(name).to_owned()));
        let (names, next_token) = page.cut(page.only(rows));
        let capacity_providers = names.iter().map(|name| self.provider_view(name)).collect();
        let failures = missing.into_iter().map(Failure::missing).collect();
        Ok(CapacityProviders { capacity_providers, failures, next_token })
    }

    fn provider_view(&self, name: &str) -> CapacityProviderView {
        let of_group = (name == GROUPS).then(|| GroupProvider {
            auto_scaling_group_arn: autoscaling_arn(&format!(
                "autoScalingGroup::autoScalingGroupName/{}",
                self.setup.name
            )),
            managed_scaling: ManagedScaling {
                status: "ENABLED",
                target_capacity: 100,
                minimum_scaling_step_size: 1,
                maximum_scaling_step_size: 10_000,
                instance_warmup_period: 0,
            },
            managed_termination_protection: "DISABLED",
            managed_draining: "ENABLED",
        });
        CapacityProviderView {
            capacity_provider_arn: ecs_arn(&format!("capacity-provider/{name}")),
            name: name.to_owned(),
            status: "ACTIVE",
            kind: match name {
                "FARGATE" => "FARGATE",
                "FARGATE_SPOT" => "FARGATE_SPOT",
                _ => "EC2_AUTOSCALING",
            },
            auto_scaling_group_provider: of_group,
        }
    }

    /// Begins to look after the group, if that is its provider's business.
    pub(super) fn schedule_scaling(&mut self, now: Millis) {
        if self.setup.managed_scaling {
            self.timers.insert((now + BEAT, Timer::Scaling));
        }
    }

    /// Makes the group as large as its tasks need.
    pub(super) fn advance_scaling(&mut self, now: Millis) {
        self.place_awaited(now);
        let needed = self.needed_machines().clamp(self.group.min, self.group.max);
        if self.group.desired <= needed {
            self.scaling.surplus_since = None;
            if self.group.desired < needed {
                self.group.desired = needed;
                self.reconcile(now);
            }
        } else if now >= *self.scaling.surplus_since.get_or_insert(now) + SHRINKS_AFTER {
            self.shrink_to(needed, now);
            self.scaling.surplus_since = None;
        }
        self.schedule_scaling(now);
    }

    /// Machines with tasks, and those that tasks wait for.
    fn needed_machines(&self) -> u32 {
        let busy = self.instances.values();
        let busy = busy.filter(|it| it.lifecycle != Lifecycle::Terminating && !it.is_empty());
        let mut room: Vec<(i32, i32)> = Vec::new();
        for task in self.scaling.awaited.iter().filter_map(|number| self.tasks.get(number)) {
            let (cpu, memory) = (task.cpu, task.memory);
            // No machine will ever do for it.
            if cpu > INSTANCE_CPU || memory > INSTANCE_MEMORY {
                continue;
            }
            match room.last_mut() {
                Some(left) if left.0 >= cpu && left.1 >= memory => {
                    *left = (left.0 - cpu, left.1 - memory);
                }
                _ => room.push((INSTANCE_CPU - cpu, INSTANCE_MEMORY - memory)),
            }
        }
        u32::try_from(busy.count() + room.len()).unwrap_or(u32::MAX)
    }

    /// Lets machines go on which nothing runs, the newest first.
    fn shrink_to(&mut self, needed: u32, now: Millis) {
        let surplus = (self.group.desired - needed) as usize;
        let idle = self.instances.iter().rev();
        let idle = idle.filter(|(_, it)| it.lifecycle != Lifecycle::Terminating && it.is_empty());
        let idle: Vec<u64> = idle.map(|(&number, _)| number).take(surplus).collect();
        self.group.desired -= idle.len() as u32;
        for number in idle {
            self.terminate(number, now);
        }
    }

    /// Gives machines to tasks that wait for one, as far as there is room.
    pub(super) fn place_awaited(&mut self, now: Millis) {
        // Of many tasks of one size none fits where the first does not.
        let mut too_large: Vec<(i32, i32)> = Vec::new();
        let awaited: Vec<u64> = self.scaling.awaited.iter().copied().collect();
        for number in awaited {
            let Some(task) = self.tasks.get(&number) else { continue };
            let size = (task.cpu, task.memory);
            if task.stop.is_some() || too_large.contains(&size) {
                continue;
            }
            let Ok(instance) = self.place(size.0, size.1) else {
                too_large.push(size);
                continue;
            };
            let place = self.take_room(instance, number, size);
            if let Some(task) = self.tasks.get_mut(&number) {
                task.place = place;
                task.version += 1;
            }
            self.scaling.awaited.remove(&number);
            self.set_task_timer(number, Some(now + STEP));
        }
    }

    /// Room on an instance for a task, which is there from now on.
    pub(super) fn take_room(&mut self, instance: u64, task: u64, size: (i32, i32)) -> Place {
        let host = self.instances.get_mut(&instance).expect("it was just found");
        host.take_in(task, size.0, size.1);
        Place::Machine { number: instance, arn: host.arn.clone() }
    }
}

/// How a strategy that was checked spreads the tasks of one call: first the base, then by
/// weight, each to the one that is furthest behind.
fn spread(strategy: &[StrategyItem], count: usize) -> Vec<Target> {
    let targets: Vec<Target> = strategy
        .iter()
        .map(|item| match Market::of(&item.capacity_provider) {
            Some(market) => Target::Fargate { market, named: true },
            None => Target::Provider,
        })
        .collect();
    let mut given = vec![0i64; strategy.len()];
    (0i64..)
        .take(count)
        .map(|number| {
            let of_base = strategy.iter().position(|item| number < item.base);
            let chosen = of_base.unwrap_or_else(|| {
                let candidates = (0..strategy.len()).filter(|&at| strategy[at].weight > 0);
                // (given + 1) / weight is least, without division; the first of equals.
                let least = candidates.reduce(|best, at| {
                    let mine = (given[at] + 1) * strategy[best].weight;
                    let theirs = (given[best] + 1) * strategy[at].weight;
                    if mine < theirs { at } else { best }
                });
                let chosen = least.unwrap_or(0);
                given[chosen] += 1;
                chosen
            });
            targets[chosen]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_spreads_by_base_and_weight() {
        let item = |name: &str, weight, base| StrategyItem {
            capacity_provider: name.to_owned(),
            weight,
            base,
        };
        let spot = |strategy: &[StrategyItem], count| {
            let targets = spread(strategy, count);
            targets.iter().filter(|it| it.market() == Some(Market::Spot)).count()
        };
        for (on_demand, on_spot, count, expected) in [
            ((1, 0), (1, 0), 10, 5),
            ((1, 0), (4, 0), 10, 8),
            ((1, 0), (4, 0), 1, 1),
            ((1, 3), (4, 0), 3, 0),
            ((1, 3), (4, 0), 8, 4),
            ((0, 1), (1, 0), 5, 4),
            ((1, 0), (0, 0), 5, 0),
        ] {
            let strategy = [
                item("FARGATE", on_demand.0, on_demand.1),
                item("FARGATE_SPOT", on_spot.0, on_spot.1),
            ];
            assert_eq!(spot(&strategy, count), expected, "{on_demand:?} {on_spot:?} {count}");
        }
        assert_eq!(spot(&[item("FARGATE_SPOT", 0, 0)], 3), 3, "one alone needs no weight");
        assert_eq!(spread(&[item(GROUPS, 1, 0)], 2), [Target::Provider; 2]);
    }
}
