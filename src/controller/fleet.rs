//! The instances: what the group and the cluster say of them, and how to have one
//! more or less.
//!
//! Invariant: no instance with a task on it is chosen to go unless that was
//! confirmed. A view that was asked for before the latest change is not believed.

use std::collections::{BTreeMap, BTreeSet};

use super::drain::Drain;
use crate::{
    cloud::types::{ClusterSeen, DefinitionSeen, GroupSeen, InstanceSeen},
    model::{Millis, cost::Machine},
};

/// How long instances may take to come up, in milliseconds.
const BOOT_MS: Millis = 300_000;
/// How often the instances are described although nothing seems to have changed: a
/// few calls, as long as they fit into one each.
const DETAILS_EVERY_MS: Millis = 5_000;
/// The same where they take many calls.
const DETAILS_OF_MANY_EVERY_MS: Millis = 30_000;
/// How long after a change the group is expected to say it.
const SETTLED_MS: Millis = 15_000;
/// Instances that one call describes.
const PER_CALL: usize = 100;

/// What is known of the instances.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    group: Option<GroupSeen>,
    cluster: Option<ClusterSeen>,
    instances: Vec<InstanceSeen>,
    /// What one task takes.
    pub(super) definition: Option<DefinitionSeen>,
    /// The number that was set last, until the group says it too.
    wished: Option<u32>,
    /// Since when the group is seen not to say it (monotonic).
    wished_at: Option<Millis>,
    /// Machines that are to go, and how far that is.
    pub(super) drains: BTreeMap<String, Drain>,
    /// Those about to go that were chosen because they are empty.
    pub(super) unconfirmed: BTreeSet<String>,
    /// Counts the changes: what was asked for before the latest one is stale.
    pub(super) generation: u64,
    /// The same of the changes of the group alone.
    pub(super) group_generation: u64,
    /// The generation that `instances` are of, and when they were described (monotonic).
    seen_in: Option<(u64, Millis)>,
    /// Since when instances are on their way up (monotonic), and whether it was told
    /// that they do not come.
    booting_since: Option<(Millis, bool)>,
    /// Calls on their way that change the number of instances.
    pub(super) calls: usize,
}

/// What changing the number of instances needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scale {
    /// Set the desired number.
    Out(u32),
    /// Have these machines go.
    In(Vec<Leaving>),
    /// It is that many already.
    Already,
    /// It cannot be done, and why.
    Refused(String),
}

/// A machine that was chosen to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaving {
    pub(super) machine: String,
    /// Its container instance; none while it boots.
    pub(super) instance: Option<String>,
    /// Tasks on it.
    pub(super) tasks: u32,
}

impl Fleet {
    /// Takes in what the group and the cluster say, unless a change came after that
    /// was asked for. The answer is whether it was taken.
    pub(super) fn learn_counts(
        &mut self,
        generation: u64,
        group: GroupSeen,
        cluster: ClusterSeen,
        now: Millis,
    ) -> bool {
        if generation != self.group_generation {
            return false;
        }
        // Another controller may have set another number meanwhile.
        let settled = self.wished_at.is_some_and(|at| now >= at + SETTLED_MS);
        if self.wished == Some(group.desired) || settled {
            self.wished = None;
        }
        if self.wished.is_none() {
            self.wished_at = None;
        } else {
            self.wished_at.get_or_insert(now);
        }
        self.group = Some(group);
        self.cluster = Some(cluster);
        self.note_boot(now);
        true
    }

    /// Takes a look at the instances in. The answer is whether there is more room.
    pub(super) fn learn_instances(
        &mut self,
        generation: u64,
        instances: Vec<InstanceSeen>,
        now: Millis,
    ) -> bool {
        let before = self.room();
        self.instances = instances;
        self.seen_in = Some((generation, now));
        self.note_boot(now);
        self.room() > before
    }

    fn note_boot(&mut self, now: Millis) {
        self.booting_since = match self.booting_since {
            _ if self.booting() == 0 => None,
            Some(since) => Some(since),
            None => Some((now, false)),
        };
    }

    /// Whether the instances should be described now.
    pub(super) fn details_due(&self, now: Millis) -> bool {
        let Some((generation, at)) = self.seen_in else {
            return true;
        };
        let few = self.instances.len() <= PER_CALL;
        let every = if few { DETAILS_EVERY_MS } else { DETAILS_OF_MANY_EVERY_MS };
        let count = self.instances.len() as u32;
        let changed = generation != self.generation
            || self.booting() > 0
            || !self.drains.is_empty()
            || self.cluster.as_ref().is_some_and(|it| it.registered != count);
        (changed && few) || now >= at + every
    }

    /// How many instances there should be, as far as known, once those that are to go
    /// have gone.
    pub(super) fn desired(&self) -> Option<u32> {
        let group = self.wished.or(self.group.as_ref().map(|group| group.desired))?;
        Some(group.saturating_sub(self.to_go()))
    }

    /// Machines that are to go and that the group still counts.
    fn to_go(&self) -> u32 {
        self.drains.values().filter(|drain| !drain.is_going()).count() as u32
    }

    /// The group's machines as they are charged; none as long as they are not known.
    pub(super) fn machines(&self) -> Option<Vec<Machine>> {
        let group = self.group.as_ref()?;
        let machine = |(id, state): &(String, String)| {
            Machine::of(id, group.types.get(id).map(String::as_str), group.spot, state)
        };
        Some(group.machines.iter().filter_map(machine).collect())
    }

    /// Whether the group and the instances were seen.
    pub(super) fn is_known(&self) -> bool {
        self.group.is_some() && self.seen_in.is_some()
    }

    /// Whether the instances were seen after the latest change.
    pub(super) fn is_fresh(&self) -> bool {
        self.seen_in.is_some_and(|(generation, _)| generation == self.generation)
    }

    /// Forgets what one task takes: tasks of another kind come.
    pub(super) fn forget_definition(&mut self) {
        self.definition = None;
    }

    /// Forgets everything: other instances count from now on.
    pub(super) fn forget(&mut self) {
        let (generation, group_generation) = (self.generation + 1, self.group_generation + 1);
        *self = Fleet { generation, group_generation, ..Fleet::default() };
    }

    /// Machines on their way out that somebody must still see to.
    pub(super) fn unfinished(&self) -> usize {
        self.to_go() as usize
    }

    /// Whether instances are on their way up.
    pub(super) fn is_booting(&self) -> bool {
        self.booting() > 0
    }

    fn booting(&self) -> u32 {
        let stay = self.instances.iter().filter(|it| self.stays(it)).count() as u32;
        self.desired().unwrap_or(0).saturating_sub(stay)
    }

    /// Instances that did not come up in time; says so once.
    pub(super) fn boot_is_late(&mut self, now: Millis) -> Option<u32> {
        let missing = self.booting();
        let (since, told) = self.booting_since.as_mut()?;
        let late = missing > 0 && !*told && now >= *since + BOOT_MS;
        *told |= late;
        late.then_some(missing)
    }

    /// What it takes to have `target` instances. Those that still boot go first, then
    /// the emptiest; ones with tasks only if that was `confirmed`.
    pub(super) fn scale_to(&self, target: u32, group_name: &str, confirmed: bool) -> Scale {
        let (Some(group), Some(desired), Some(_)) = (&self.group, self.desired(), self.seen_in)
        else {
            return Scale::Refused("the instances are not known yet: try again".to_owned());
        };
        if target > group.max {
            return Scale::Refused(format!(
                "the group {group_name} has at most {} instances, and {target} were asked for: \
                 raise its maximum first",
                group.max
            ));
        }
        if target < group.min {
            return Scale::Refused(format!(
                "the group {group_name} has at least {} instances, and {target} were asked for",
                group.min
            ));
        }
        if target == desired {
            return Scale::Already;
        }
        if target > desired {
            // The group still counts those that are on their way out.
            return Scale::Out(target + self.to_go());
        }
        let surplus = (desired - target) as usize;
        let mut order = self.by_tasks(group);
        order.truncate(surplus);
        let busy: Vec<&Leaving> = order.iter().filter(|it| it.tasks > 0).collect();
        if order.len() < surplus {
            return Scale::Refused(format!(
                "only {} instances can go now, the others are not there yet",
                order.len()
            ));
        }
        if !busy.is_empty() && !confirmed {
            let tasks: u32 = busy.iter().map(|it| it.tasks).sum();
            return Scale::Refused(format!(
                "{} of the instances that would go have {tasks} tasks: remove devices (-) or end \
                 the run (K) first, or confirm that they move",
                busy.len()
            ));
        }
        Scale::In(order)
    }

    /// Machines that could go: those that boot, then by their tasks.
    fn by_tasks(&self, group: &GroupSeen) -> Vec<Leaving> {
        let stays = |id: &String| !self.drains.contains_key(id);
        let registered = |id: &String| self.instances.iter().any(|it| it.machine_id == *id);
        let booting = group
            .machines
            .iter()
            .filter(|(id, state)| state.starts_with("Pending") && !registered(id) && stays(id))
            .map(|(id, _)| Leaving { machine: id.clone(), instance: None, tasks: 0 });
        let mut idle: Vec<Leaving> = self
            .instances
            .iter()
            .filter(|it| self.stays(it))
            .map(|it| Leaving {
                machine: it.machine_id.clone(),
                instance: Some(it.arn.clone()),
                tasks: it.running + it.pending,
            })
            .collect();
        idle.sort_by_key(|it| it.tasks);
        booting.chain(idle).collect()
    }

    /// Whether an instance takes tasks and is not to go.
    fn stays(&self, instance: &InstanceSeen) -> bool {
        instance.connected
            && instance.status == "ACTIVE"
            && !self.drains.contains_key(&instance.machine_id)
    }

    /// An instance as it was seen last, if that was after the latest change.
    pub(super) fn fresh(&self, machine: &str) -> Option<&InstanceSeen> {
        self.seen_in.filter(|(generation, _)| *generation == self.generation)?;
        self.instances.iter().find(|it| it.machine_id == machine)
    }

    /// The container instance on a machine.
    pub(super) fn instance(&self, machine: &str) -> Option<&InstanceSeen> {
        self.instances.iter().find(|it| it.machine_id == machine)
    }

    /// The machine that a container instance is on.
    pub(super) fn machine_of(&self, instance_arn: &str) -> Option<&str> {
        let instance = self.instances.iter().find(|it| it.arn == instance_arn)?;
        Some(&instance.machine_id)
    }

    /// Whether the group still has this machine, as far as known.
    pub(super) fn has_machine(&self, machine: &str) -> bool {
        self.group.as_ref().is_none_or(|group| group.machines.iter().any(|(id, _)| id == machine))
    }

    /// Machines without any task, whoever started it, that could go.
    pub(super) fn empty(&self) -> u32 {
        let all = self.group.as_ref().map(|group| self.by_tasks(group)).unwrap_or_default();
        all.iter().filter(|it| it.tasks == 0).count() as u32
    }

    /// A task was placed or is gone: what was seen of the instances before is stale.
    pub(super) fn tasks_changed(&mut self) {
        self.generation += 1;
    }

    /// The desired number was set.
    pub(super) fn scaled_out(&mut self, target: u32) {
        self.generation += 1;
        self.group_generation += 1;
        (self.wished, self.wished_at) = (Some(target), None);
        self.booting_since = None;
    }

    /// A machine is being terminated, and the group's number lowered with it.
    pub(super) fn scaled_in(&mut self) {
        self.generation += 1;
        self.group_generation += 1;
        self.wished_at = None;
        let counted = self.wished.or(self.group.as_ref().map(|group| group.desired));
        self.wished = counted.map(|counted| counted.saturating_sub(1));
    }

    /// Forgets calls that are on their way.
    pub(super) fn forget_calls(&mut self) {
        self.calls = 0;
        self.drains.values_mut().for_each(Drain::forget_call);
    }

    /// A change failed: what was wished is not so.
    pub(super) fn scaling_failed(&mut self) {
        self.generation += 1;
        self.group_generation += 1;
        (self.wished, self.wished_at) = (None, None);
    }

    fn room(&self) -> u32 {
        self.instances.iter().filter(|it| self.stays(it)).map(|it| self.room_on(it)).sum()
    }

    /// How many more tasks fit on an instance.
    fn room_on(&self, instance: &InstanceSeen) -> u32 {
        let Some(definition) = &self.definition else {
            return 0;
        };
        let fit = |left: i32, each: i32| if each > 0 { left / each } else { i32::MAX };
        let fit = fit(instance.cpu_left, definition.cpu)
            .min(fit(instance.memory_left, definition.memory));
        u32::try_from(fit).unwrap_or(0)
    }
}

mod view;

#[cfg(test)]
mod tests;
