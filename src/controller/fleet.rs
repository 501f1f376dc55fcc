//! The instances: what the group and the cluster say of them, and how to have one
//! more or less.
//!
//! Invariant: no instance with a task on it is ever chosen to go. A view that was
//! asked for before the latest change is not believed.

use std::collections::BTreeSet;

use super::snapshot::{InstanceView, InstancesView};
use crate::cloud::types::{DefinitionSeen, GroupSeen, InstanceSeen};

/// What is known of the instances.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    seen: Option<(GroupSeen, Vec<InstanceSeen>)>,
    /// What one task takes.
    pub(super) definition: Option<DefinitionSeen>,
    /// The number that was set last, until the group says it too.
    wished: Option<u32>,
    /// Machines that were told to go.
    leaving: BTreeSet<String>,
    /// Counts the changes: what was asked for before the latest one is stale.
    pub(super) generation: u64,
    /// The generation that `seen` is of.
    seen_in: u64,
    /// A smaller number that waits for a fresh look.
    pub(super) waiting: Option<u32>,
}

/// What changing the number of instances needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scale {
    /// Set the desired number.
    Out(u32),
    /// Terminate these machines, one by one.
    In(Vec<String>),
    /// Which machines are empty must be seen first: ask again after the next look.
    Later,
    /// It is that many already.
    Already,
    /// It cannot be done, and why.
    Refused(String),
}

impl Fleet {
    /// Takes a look at the instances in, unless a change came after it was asked
    /// for: then none. Says whether there is more room than before.
    pub(super) fn learn(
        &mut self,
        generation: u64,
        group: GroupSeen,
        instances: Vec<InstanceSeen>,
    ) -> Option<bool> {
        if generation != self.generation {
            return None;
        }
        let before = self.view().room;
        self.leaving.retain(|id| group.machines.iter().any(|(machine, _)| machine == id));
        if self.wished == Some(group.desired) {
            self.wished = None;
        }
        self.seen = Some((group, instances));
        self.seen_in = generation;
        Some(self.view().room > before)
    }

    /// How many instances there should be, as far as known.
    pub(super) fn desired(&self) -> Option<u32> {
        self.waiting.or(self.wished).or(self.seen.as_ref().map(|(group, _)| group.desired))
    }

    /// Whether instances are on their way up.
    pub(super) fn is_booting(&self) -> bool {
        self.view().booting > 0
    }

    /// What it takes to have `target` instances. Only instances without tasks go,
    /// those that still boot first; none is chosen while `placing`, or before a look
    /// that is newer than the latest placement: a task may be on its way to it.
    pub(super) fn scale_to(&self, target: u32, group_name: &str, placing: bool) -> Scale {
        let (Some((group, instances)), Some(desired)) = (&self.seen, self.desired()) else {
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
            return Scale::Out(target);
        }
        if placing || self.seen_in != self.generation {
            return Scale::Later;
        }
        let empty = self.empty(group, instances);
        let surplus = (desired - target) as usize;
        if empty.len() < surplus {
            let have = if empty.is_empty() {
                "no instance is empty".to_owned()
            } else {
                format!("only {} instances are empty", empty.len())
            };
            return Scale::Refused(format!(
                "{have}: remove devices (-) or end the run (K) first, then [ takes one away"
            ));
        }
        Scale::In(empty.into_iter().take(surplus).collect())
    }

    /// Machines without tasks: those that boot, then the registered ones.
    fn empty(&self, group: &GroupSeen, instances: &[InstanceSeen]) -> Vec<String> {
        let stays = |id: &str| !self.leaving.contains(id);
        let registered = |id: &str| instances.iter().any(|it| it.machine_id == id);
        let booting = group
            .machines
            .iter()
            .filter(|(id, state)| state.starts_with("Pending") && !registered(id) && stays(id))
            .map(|(id, _)| id.clone());
        let idle = instances
            .iter()
            .filter(|it| it.connected && it.running + it.pending == 0 && stays(&it.machine_id))
            .map(|it| it.machine_id.clone());
        booting.chain(idle).collect()
    }

    /// A task was placed or is gone: what was seen of the instances before is stale.
    pub(super) fn tasks_changed(&mut self) {
        self.generation += 1;
    }

    /// The desired number was set.
    pub(super) fn scaled_out(&mut self, target: u32) {
        self.generation += 1;
        self.wished = Some(target);
    }

    /// A machine was told to go.
    pub(super) fn scaled_in(&mut self, machine: &str) {
        self.generation += 1;
        self.wished = self.desired().map(|desired| desired.saturating_sub(1));
        self.leaving.insert(machine.to_owned());
    }

    /// A change failed: what was wished is not so.
    pub(super) fn scaling_failed(&mut self, machine: Option<&str>) {
        self.generation += 1;
        self.wished = None;
        if let Some(machine) = machine {
            self.leaving.remove(machine);
        }
    }

    /// What the screen shows.
    pub(super) fn view(&self) -> InstancesView {
        let Some((group, instances)) = &self.seen else {
            return InstancesView::default();
        };
        let stays = |it: &&InstanceSeen| it.connected && !self.leaving.contains(&it.machine_id);
        let list: Vec<InstanceView> = instances
            .iter()
            .filter(stays)
            .map(|it| InstanceView {
                id: it.machine_id.clone(),
                tasks: it.running + it.pending,
                room: self.room_on(it),
            })
            .collect();
        let registered = list.len() as u32;
        let desired = self.desired().unwrap_or(0);
        InstancesView {
            desired,
            min: group.min,
            max: group.max,
            registered,
            booting: desired.saturating_sub(registered),
            leaving: self.leaving.len() as u32,
            boot_left_ms: None,
            room: list.iter().map(|it| it.room).sum(),
            list,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, running: u32) -> InstanceSeen {
        InstanceSeen {
            arn: format!("arn/{id}"),
            machine_id: id.into(),
            status: "ACTIVE".into(),
            connected: true,
            running,
            pending: 0,
            cpu_left: 2048 - 512 * running.cast_signed(),
            memory_left: 4096,
        }
    }

    fn fleet(desired: u32, running: &[u32]) -> Fleet {
        let mut fleet = Fleet {
            definition: Some(DefinitionSeen {
                name: "d:1".into(),
                cpu: 512,
                memory: 512,
                containers: vec![],
            }),
            ..Fleet::default()
        };
        let machines = (0..desired)
            .map(|n| {
                let up = (n as usize) < running.len();
                (format!("i-{n}"), if up { "InService" } else { "Pending" }.to_owned())
            })
            .collect();
        let instances =
            running.iter().enumerate().map(|(n, it)| instance(&format!("i-{n}"), *it)).collect();
        fleet.learn(0, GroupSeen { desired, min: 0, max: 10, machines }, instances);
        fleet
    }

    #[test]
    fn room_is_what_the_tasks_leave() {
        let view = fleet(3, &[4, 1]).view();
        assert_eq!((view.desired, view.registered, view.booting, view.room), (3, 2, 1, 3));
    }

    #[test]
    fn an_instance_that_does_not_answer_is_no_room_and_not_chosen() {
        let mut fleet = fleet(2, &[0, 0]);
        if let Some((_, instances)) = &mut fleet.seen {
            instances[0].connected = false;
        }
        let view = fleet.view();
        assert_eq!((view.registered, view.booting, view.room), (1, 1, 4));
        assert_eq!(fleet.scale_to(1, "g", false), Scale::In(vec!["i-1".into()]));
    }

    #[test]
    fn only_empty_instances_go_and_booting_ones_first() {
        assert_eq!(fleet(2, &[1, 0]).scale_to(1, "g", false), Scale::In(vec!["i-1".into()]));
        assert_eq!(fleet(2, &[0]).scale_to(1, "g", false), Scale::In(vec!["i-1".into()]));
        let Scale::Refused(why) = fleet(2, &[1, 4]).scale_to(1, "g", false) else {
            panic!("an instance with tasks was chosen");
        };
        assert!(why.starts_with("no instance is empty"), "{why}");
        assert_eq!(fleet(2, &[0, 0]).scale_to(1, "g", true), Scale::Later);
        let mut placed = fleet(2, &[0, 0]);
        placed.tasks_changed();
        assert_eq!(placed.scale_to(1, "g", false), Scale::Later, "it may be on either");
        assert!(matches!(fleet(1, &[0]).scale_to(11, "g", false), Scale::Refused(_)));
        assert_eq!(fleet(1, &[0]).scale_to(2, "g", false), Scale::Out(2));
    }

    #[test]
    fn a_look_from_before_a_change_is_not_believed() {
        let mut fleet = fleet(1, &[0]);
        let stale = fleet.generation;
        fleet.scaled_out(2);
        let old = GroupSeen { desired: 1, min: 0, max: 10, machines: vec![] };
        fleet.learn(stale, old.clone(), vec![]);
        assert_eq!(fleet.desired(), Some(2));
        // One that was asked for later but is still behind keeps what was wished.
        fleet.learn(fleet.generation, old, vec![]);
        assert_eq!(fleet.desired(), Some(2));
    }
}
