//! Taking instances away: what stops if there are to be fewer of them.
//!
//! Invariant: where tasks would stop, a person has seen which and how many first. The
//! controller refuses such an order unless that was confirmed.

use super::{
    dialog::open_dialog,
    effect::Effect,
    state::{App, Question, devices_alive, tasks_alive},
    update::{LEAVING, say, send},
};
use crate::{
    controller::{
        command::Command,
        snapshot::{InstanceView, Snapshot},
    },
    model::{Millis, confirmed::Confirmed},
};

/// A change of the number of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// So many more, or fewer.
    By(i32),
    /// This many.
    To(u32),
}

impl Scaling {
    /// The order for it.
    #[must_use]
    pub fn command(self, confirmed: Option<Confirmed>) -> Command {
        match self {
            Self::By(by) => Command::ScaleBy(by, confirmed),
            Self::To(count) => Command::ScaleTo(count, confirmed),
        }
    }

    /// The instances there are to be after it.
    fn target(self, desired: u32) -> u32 {
        match self {
            Self::By(by) => desired.saturating_add_signed(by),
            Self::To(count) => count,
        }
    }
}

/// What stops so that instances can go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// The instances with tasks that would go.
    pub instances: Vec<String>,
    /// Tasks on them.
    pub tasks: u32,
    /// Devices in those, about: taken as spread evenly over all tasks.
    pub devices: u32,
    /// Tasks that fit on the instances that stay, as they are now.
    pub room: u32,
}

impl Drain {
    /// What `scaling` would stop, as far as is known; none where the instances that
    /// boot or are empty are enough, or where the group does not go so low.
    #[must_use]
    pub fn of(scaling: Scaling, snapshot: &Snapshot) -> Option<Self> {
        let instances = &snapshot.instances.value;
        let target = scaling.target(instances.desired);
        if snapshot.instances.at.is_none() || target < instances.min {
            return None;
        }
        let (mut busy, empty): (Vec<&InstanceView>, Vec<_>) =
            instances.up().partition(|it| it.tasks > 0);
        let free = instances.booting.saturating_add(empty.len() as u32);
        let surplus = instances.desired.saturating_sub(target).saturating_sub(free);
        busy.sort_by_key(|it| it.tasks);
        busy.truncate(surplus as usize);
        if busy.is_empty() {
            return None;
        }
        let tasks = sum(busy.iter().copied());
        let all = sum(instances.up()).max(tasks_alive(&snapshot.tasks.value)).max(1);
        let stays = |it: &&InstanceView| !busy.iter().any(|gone| gone.id == it.id);
        let room = instances.up().filter(stays).map(|it| it.room);
        let room = room.fold(0, u32::saturating_add);
        let devices = u64::from(devices_alive(&snapshot.devices.value)) * u64::from(tasks);
        Some(Self {
            instances: busy.into_iter().map(|it| it.id.clone()).collect(),
            tasks,
            devices: (devices / u64::from(all)) as u32,
            room,
        })
    }
}

fn sum<'a>(instances: impl Iterator<Item = &'a InstanceView>) -> u32 {
    instances.map(|it| it.tasks).fold(0, u32::saturating_add)
}

/// Orders it, or asks first where tasks would stop. On the way to the end of a run
/// they stop anyway.
pub(super) fn scale(app: &mut App, scaling: Scaling, now: Millis) -> Vec<Effect> {
    if app.departing.is_some() {
        return say(app, LEAVING, now);
    }
    if let Some(why) = app.snapshot.capacity.refusal() {
        return say(app, &why, now);
    }
    if !app.readonly && !app.is_ending(now) && Drain::of(scaling, &app.snapshot).is_some() {
        return open_dialog(app, Question::Drain(scaling));
    }
    send(app, scaling.command(None), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        fixtures::{self, NOW},
        keys::{observe, on, press},
        state::Mode,
    };

    /// Two instances with these tasks.
    fn busy(tasks: [u32; 2]) -> Snapshot {
        let mut snapshot = fixtures::steady();
        for (instance, tasks) in snapshot.instances.value.list.iter_mut().zip(tasks) {
            (instance.tasks, instance.room) = (tasks, 4 - tasks);
        }
        snapshot
    }

    fn by(by: i32, confirmed: Option<Confirmed>) -> Effect {
        Effect::Send(Command::ScaleBy(by, confirmed))
    }

    fn to(count: u32, confirmed: Option<Confirmed>) -> Effect {
        Effect::Send(Command::ScaleTo(count, confirmed))
    }

    #[test]
    fn tasks_stop_only_after_a_yes() {
        let yes = Some(Confirmed::ByDialog);
        let table: &[([u32; 2], &str, Vec<Effect>)] = &[
            ([4, 0], "[", vec![by(-1, None)]),
            ([4, 0], "s 1 Enter", vec![to(1, None)]),
            ([4, 1], "[", vec![]),
            ([4, 1], "[ n", vec![]),
            ([4, 1], "[ Enter", vec![]),
            ([4, 1], "[ Esc", vec![]),
            ([4, 1], "[ y", vec![by(-1, yes)]),
            ([4, 1], "[ Tab Enter", vec![by(-1, yes)]),
            // What kills in other dialogs does not here, and the other way round.
            ([4, 1], "[ K z l", vec![]),
            ([4, 0], "s 0 Enter", vec![]),
            ([4, 0], "s 0 Enter y", vec![to(0, yes)]),
            ([4, 1], "]", vec![by(1, None)]),
            ([4, 1], "s 2 Enter", vec![to(2, None)]),
        ];
        for (tasks, keys, effects) in table {
            assert_eq!(on(busy(*tasks), keys), *effects, "{keys} on {tasks:?}");
        }
    }

    #[test]
    fn where_nobody_here_scales_the_keys_say_why() {
        for (snapshot, why) in [
            (fixtures::fargate(), "Fargate has no instances"),
            (fixtures::managed(), "is scaled by the capacity provider autopilot (managed scaling)"),
        ] {
            for keys in ["]", "[", "s"] {
                let mut app = fixtures::app(snapshot.clone());
                assert_eq!(press(&mut app, keys, NOW), [], "{keys}");
                assert_eq!(app.mode, Mode::Normal, "{keys} opens nothing");
                let hint = app.hint.as_ref().map(|hint| hint.text.clone()).unwrap_or_default();
                assert!(hint.contains(why), "{keys}: {hint}");
            }
        }
    }

    #[test]
    fn what_would_stop_is_the_emptiest() {
        let drain = Drain::of(Scaling::By(-1), &busy([4, 1])).expect("a task is in the way");
        assert_eq!(drain.instances, ["i-01"]);
        assert_eq!((drain.tasks, drain.devices), (1, 250));
        let drain = Drain::of(Scaling::To(0), &busy([4, 1])).expect("tasks are in the way");
        assert_eq!((drain.instances.len(), drain.tasks, drain.devices), (2, 5, 1250));
        let mut booting = busy([4, 1]);
        (booting.instances.value.desired, booting.instances.value.booting) = (3, 1);
        assert_eq!(Drain::of(Scaling::By(-1), &booting), None);
        // Below the minimum the controller says no, and what is not known is its matter.
        let mut small = busy([4, 1]);
        small.instances.value.min = 2;
        assert_eq!(Drain::of(Scaling::By(-1), &small), None);
        small.instances.value.min = 0;
        small.instances.at = None;
        assert_eq!(Drain::of(Scaling::By(-1), &small), None);
    }

    #[test]
    fn the_question_goes_when_an_instance_is_empty_by_itself() {
        let mut app = fixtures::app(busy([4, 1]));
        press(&mut app, "[", NOW);
        observe(&mut app, busy([4, 1]), NOW + 1000);
        assert!(matches!(app.mode, Mode::Dialog(_)));
        observe(&mut app, busy([4, 0]), NOW + 2000);
        assert_eq!(app.mode, Mode::Normal);
        assert_eq!(press(&mut app, "y [", NOW + 2000), [by(-1, None)]);
    }
}
