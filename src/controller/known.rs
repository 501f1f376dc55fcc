//! What is known of a slot's tasks beside the slot: since when they are at what they are
//! at, where they are, and how the last ones ended.
//!
//! Invariants: nothing is decided by it. It is written with the slot, so that followers
//! and successors know it too. Of tasks that ended, the latest [`ENDED_MOST`] are kept.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::snapshot::TaskState;
use crate::model::{
    Millis,
    slots::{Slot, SlotState},
};

/// Tasks that ended of which the end is kept.
pub(super) const ENDED_MOST: usize = 1_000;

/// What is known of a slot's tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    /// Since when it is at what it is at (the bucket's clock).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Millis>,
    /// The machine that its task is on (`i-…`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) machine: Option<String>,
    /// The latest of its tasks that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
}

impl Known {
    /// Whether it says nothing.
    pub(super) fn is_nothing(&self) -> bool {
        *self == Known::default()
    }
}

/// How a task ended, or that it never began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ended {
    /// Which attempt of its slot it was.
    pub(super) attempt: u32,
    /// What ECS called it; none where it was refused.
    pub(super) id: Option<String>,
    /// The machine that it was on.
    pub(super) machine: Option<String>,
    /// When that was seen (the bucket's clock).
    pub(super) at: Millis,
    /// Devices that were wanted in it then.
    pub(super) devices: u32,
    /// Whether it was not as asked for.
    pub(super) failed: bool,
    /// Its exit code.
    pub(super) exit_code: Option<i32>,
    /// Why it ended.
    pub(super) reason: Option<String>,
}

/// What a slot is at, and since when.
#[derive(Debug, Clone)]
struct Now {
    attempt: u32,
    state: TaskState,
    since: Option<Millis>,
    machine: Option<String>,
}

/// What is known of the tasks of all slots, by who leads.
#[derive(Debug, Default)]
pub(super) struct Noted {
    slots: HashMap<u32, Now>,
    /// Oldest first.
    ended: VecDeque<(u32, Arc<Ended>)>,
    /// The latest one of each slot, of those that are kept.
    latest: HashMap<u32, Arc<Ended>>,
    /// Counts the changes that are none of a slot.
    revision: u64,
}

impl Noted {
    /// What a successor makes of what was written.
    pub(super) fn restore(known: Vec<(Slot, Known)>) -> Self {
        let mut noted = Noted::default();
        let mut all = Vec::new();
        for (slot, Known { since, machine, ended }) in known {
            if let Some(state) = state_of(&slot) {
                noted
                    .slots
                    .insert(slot.number, Now { attempt: slot.attempt, state, since, machine });
            }
            all.extend(ended.map(|ended| (slot.number, ended)));
        }
        all.sort_by_key(|(_, ended)| ended.at);
        for (slot, ended) in all {
            noted.end(slot, ended);
        }
        noted
    }

    /// Notes what a slot is at; `at` is the bucket's time.
    pub(super) fn observe(&mut self, slot: &Slot, at: Millis) {
        let Some(state) = state_of(slot) else {
            self.slots.remove(&slot.number);
            return;
        };
        let attempt = slot.attempt;
        let new = Now { attempt, state, since: Some(at), machine: None };
        let now = self.slots.entry(slot.number).or_insert_with(|| new.clone());
        if now.attempt != attempt {
            *now = new;
        } else if now.state != state {
            // A successor takes every task as pending until it has seen it itself: one that
            // its predecessor saw running has run since then.
            if state == TaskState::Pending && now.state > TaskState::Pending {
                return;
            }
            (now.state, now.since) = (state, Some(at));
        }
    }

    /// Since when the slot is at that (the bucket's clock).
    pub(super) fn since(&self, slot: u32, state: TaskState) -> Option<Millis> {
        self.slots.get(&slot).filter(|now| now.state == state)?.since
    }

    /// The machine that the slot's task is on.
    pub(super) fn machine(&self, slot: u32) -> Option<&str> {
        self.slots.get(&slot)?.machine.as_deref()
    }

    /// Notes where this attempt's task is, unless that is known; asks only then.
    pub(super) fn is_on<'a>(
        &mut self,
        slot: &Slot,
        at: Millis,
        on: impl FnOnce() -> Option<&'a str>,
    ) {
        self.observe(slot, at);
        if let Some(now) = self.slots.get_mut(&slot.number)
            && now.machine.is_none()
            && let Some(machine) = on()
        {
            now.machine = Some(machine.to_owned());
            self.revision += 1;
        }
    }

    /// Notes the end of a task, or that it was refused.
    pub(super) fn end(&mut self, slot: u32, ended: Ended) {
        self.revision += 1;
        let ended = Arc::new(ended);
        self.latest.insert(slot, Arc::clone(&ended));
        self.ended.push_back((slot, ended));
        if self.ended.len() > ENDED_MOST
            && let Some((slot, oldest)) = self.ended.pop_front()
            && self.latest.get(&slot).is_some_and(|latest| Arc::ptr_eq(latest, &oldest))
        {
            self.latest.remove(&slot);
        }
    }

    /// The tasks that ended and their slots, latest first.
    pub(super) fn ended(&self) -> impl Iterator<Item = (u32, &Ended)> {
        self.ended.iter().rev().map(|(slot, ended)| (*slot, ended.as_ref()))
    }

    /// How the slot's latest task ended, if one did and that is kept.
    pub(super) fn latest(&self, slot: u32) -> Option<&Ended> {
        self.latest.get(&slot).map(AsRef::as_ref)
    }

    /// What is written with a slot.
    pub(super) fn known(&mut self, slot: &Slot, at: Millis) -> Known {
        self.observe(slot, at);
        let now = self.slots.get(&slot.number);
        Known {
            since: now.and_then(|now| now.since),
            machine: now.and_then(|now| now.machine.clone()),
            ended: self.latest(slot.number).cloned(),
        }
    }

    /// Counts the changes that the slots do not count themselves.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

/// What a slot is at, for the screen; none once it has ended with its devices.
pub(super) fn state_of(slot: &Slot) -> Option<TaskState> {
    Some(match slot.state {
        SlotState::Free { no_room: true, .. } => TaskState::NoRoom,
        SlotState::Free { .. } => TaskState::Due,
        SlotState::Asked { .. } => TaskState::Asked,
        SlotState::Placed { stopping: true, .. } => TaskState::Stopping,
        SlotState::Placed { running: true, .. } => TaskState::Running,
        SlotState::Placed { .. } => TaskState::Pending,
        SlotState::GivenUp => TaskState::GivenUp,
        SlotState::Retired => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: u32, running: bool) -> Slot {
        let state = format!(
            r#"{{"is":"placed","arn":"a/{number}","running":{running},"since":7,"stopping":false}}"#
        );
        let slot = format!(r#"{{"number":{number},"attempt":1,"failed":0,"state":{state}}}"#);
        serde_json::from_str(&slot).expect("a slot")
    }

    fn ended(attempt: u32) -> Ended {
        Ended {
            attempt,
            id: None,
            machine: None,
            at: Millis::from(attempt),
            devices: 1,
            failed: true,
            exit_code: Some(1),
            reason: None,
        }
    }

    #[test]
    fn a_successor_knows_since_when_a_task_runs() {
        let mut noted = Noted::default();
        noted.observe(&slot(3, false), 10);
        noted.is_on(&slot(3, true), 20, || Some("i-1"));
        noted.end(3, ended(0));
        let known = noted.known(&slot(3, true), 30);
        assert_eq!((known.since, known.machine.as_deref()), (Some(20), Some("i-1")));
        let written = serde_json::to_string(&known).expect("JSON");
        let read = serde_json::from_str(&written).expect("as it was written");
        let mut next = Noted::restore(vec![(slot(3, true), read)]);
        // Not seen yet by the successor itself.
        next.observe(&slot(3, false), 500);
        assert_eq!(next.since(3, TaskState::Pending), None);
        next.observe(&slot(3, true), 510);
        assert_eq!(next.since(3, TaskState::Running), Some(20));
        assert_eq!((next.machine(3), next.latest(3)), (Some("i-1"), Some(&ended(0))));
    }

    #[test]
    fn of_very_many_ends_the_latest_are_kept() {
        let mut noted = Noted::default();
        let many = 3 * ENDED_MOST as u32;
        for attempt in 0..many {
            noted.end(attempt % 7 + attempt / many, ended(attempt));
        }
        assert_eq!(noted.ended().count(), ENDED_MOST);
        assert_eq!(noted.ended().next().map(|(_, it)| it.attempt), Some(many - 1));
        assert_eq!(noted.latest.len(), 7);
        noted.end(1_000_000, ended(many));
        for attempt in 0..many {
            noted.end(attempt % 7, ended(attempt));
        }
        assert_eq!(noted.latest(1_000_000), None, "it is forgotten with its end");
    }
}
