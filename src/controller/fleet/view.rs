//! The instances for the screen.
//!
//! Invariant: everything that the group or the cluster has is in the list, and only what
//! takes tasks counts as registered and has room.

use std::collections::{BTreeMap, BTreeSet};

use super::{BOOT_MS, Drain, Fleet};
use crate::{
    cloud::types::{GroupSeen, InstanceSeen},
    controller::snapshot::{InstanceState, InstanceView, InstancesView},
    model::Millis,
};

impl Fleet {
    /// What the screen shows. What it says of times is AWS's clock.
    pub(in crate::controller) fn view(&self, now: Millis) -> InstancesView {
        let Some(group) = &self.group else {
            return InstancesView::default();
        };
        let lifecycles: BTreeMap<&str, &str> =
            group.machines.iter().map(|(id, state)| (id.as_str(), state.as_str())).collect();
        let state = |it: &InstanceSeen| {
            self.state_of(it, lifecycles.get(it.machine_id.as_str()).copied().unwrap_or_default())
        };
        let list: Vec<InstanceView> = self
            .instances
            .iter()
            .map(|it| self.instance_view(group, it, state(it)))
            .chain(self.unregistered(group))
            .collect();
        let boot_left_ms =
            self.booting_since.map(|(since, _)| (since + BOOT_MS).saturating_sub(now));
        let up = || list.iter().filter(|it| it.state == InstanceState::Up);
        InstancesView {
            desired: self.desired().unwrap_or(0),
            min: group.min,
            max: group.max,
            registered: up().count() as u32,
            booting: self.booting(),
            leaving: self.drains.len() as u32,
            boot_left_ms: boot_left_ms.filter(|_| self.booting() > 0),
            room: up().map(|it| it.room).sum(),
            list,
        }
    }

    fn instance_view(
        &self,
        group: &GroupSeen,
        seen: &InstanceSeen,
        state: InstanceState,
    ) -> InstanceView {
        let reserved = |left: i32, all: i32| {
            let all = u32::try_from(all).ok().filter(|all| *all > 0)?;
            Some((all.saturating_sub(u32::try_from(left).unwrap_or(0)), all))
        };
        let is_up = state == InstanceState::Up;
        let said = |of: &BTreeMap<String, String>| of.get(&seen.machine_id).cloned();
        InstanceView {
            id: seen.machine_id.clone(),
            tasks: seen.running + seen.pending,
            room: if is_up { self.room_on(seen) } else { 0 },
            state,
            since: seen.registered_at,
            kind: seen.kind.clone().or_else(|| said(&group.types)),
            zone: seen.zone.clone().or_else(|| said(&group.zones)),
            cpu_units: reserved(seen.cpu_left, seen.cpu_all),
            memory_mib: reserved(seen.memory_left, seen.memory_all),
            ..InstanceView::default()
        }
    }

    /// What an instance is at, whose machine is at that in the group.
    fn state_of(&self, seen: &InstanceSeen, lifecycle: &str) -> InstanceState {
        let drain = self.drains.get(&seen.machine_id);
        match () {
            () if lifecycle.starts_with("Terminat") => InstanceState::Leaving,
            () if drain.is_some_and(Drain::is_going) => InstanceState::Leaving,
            () if drain.is_some() || seen.status != "ACTIVE" => InstanceState::Draining,
            () if !seen.connected => InstanceState::Silent,
            () => InstanceState::Up,
        }
    }

    /// The group's machines that are no container instances: not yet, or no more.
    fn unregistered(&self, group: &GroupSeen) -> Vec<InstanceView> {
        let known: BTreeSet<&str> =
            self.instances.iter().map(|it| it.machine_id.as_str()).collect();
        let others = group.machines.iter().filter(|(id, _)| !known.contains(id.as_str()));
        let view = |(id, state): &(String, String)| InstanceView {
            id: id.clone(),
            state: if state.starts_with("Terminat") || self.drains.contains_key(id) {
                InstanceState::Leaving
            } else {
                InstanceState::Booting
            },
            kind: group.types.get(id).cloned(),
            zone: group.zones.get(id).cloned(),
            ..InstanceView::default()
        };
        others.map(view).collect()
    }
}
