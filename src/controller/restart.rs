//! One task that is to be stopped and replaced.
//!
//! Invariants: it is in the wish before anything is stopped, so that whoever leads then
//! goes on with it, and so that a task that was stopped for it counts as asked for
//! whoever sees its end. It is taken out of the wish when that attempt is gone.

use super::{actor::Actor, known::state_of, requests::task_name, run::Run, snapshot::Level};
use crate::model::{
    slots::{Slot, SlotState},
    wish::{Change, Wish},
};

impl Actor {
    /// Has one task stopped, or says why not.
    pub(super) fn stop_one(&mut self, slot: u32, attempt: u32) {
        let at = self.clock.bucket();
        let name = task_name(slot, attempt);
        let Some(run) = self.run.as_ref().filter(|run| !run.has_ended()) else {
            return self.refuse(Level::Warning, format!("no run is on that has a task {name}"));
        };
        if run.is_ending() {
            let text = format!("the run is ending: its tasks stop anyway, {name} too");
            return self.refuse(Level::Warning, text);
        }
        let wish = run.preview(at);
        if let Some(why) = run.why_not_restart(slot, attempt, &wish) {
            return self.refuse(Level::Warning, why);
        }
        let devices = wish.live.within(run.slots.first_device(slot), run.slots.room()).len();
        self.change(Change::Restart { slot, attempt });
        let text = format!("task {name} is stopped: its {devices} devices come back in a new one");
        self.notice(Level::Info, text);
    }

    /// Stops the tasks that are to be replaced, and forgets those that are gone. Their
    /// slots are asked for anew like any other that has none.
    pub(super) fn replace_tasks(&mut self, wish: &Wish) {
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let mut stops = Vec::new();
        // Only what is in the bucket: a successor goes on with that.
        for (slot, attempt) in run.wish.restarts.clone() {
            let known = run.slots.get(slot).filter(|it| it.attempt == attempt);
            // One whose answer was lost may be there.
            let may_be_there = known.is_some_and(|it| {
                it.unsure || matches!(it.state, SlotState::Placed { .. } | SlotState::Asked { .. })
            });
            if !may_be_there && wish.restarts.contains(&(slot, attempt)) {
                run.change(Change::Restarted { slot, attempt });
            } else if let Some(SlotState::Placed { arn, stopping: false, .. }) =
                known.map(|it| &it.state)
            {
                stops.push((slot, arn.clone()));
            }
        }
        for (slot, arn) in stops {
            if !self.stop_task(slot, arn, "it is replaced, as asked for") {
                break;
            }
        }
    }
}

impl Run {
    /// Whether this attempt is to be stopped and replaced.
    pub(super) fn is_restarting(&self, slot: u32, attempt: u32) -> bool {
        self.wish.restarts.contains(&(slot, attempt))
    }

    /// Why this attempt cannot be stopped, as far as is known here.
    fn why_not_restart(&self, slot: u32, attempt: u32, wish: &Wish) -> Option<String> {
        let name = task_name(slot, attempt);
        if wish.restarts.contains(&(slot, attempt)) {
            return Some(format!("task {name} is being stopped already"));
        }
        let known = if self.has_table() {
            self.slots.get(slot)
        } else {
            // Who follows and has read nothing leaves it to the leader.
            self.followed().next()?;
            self.followed().map(|entry| &entry.slot).find(|it| it.number == slot)
        };
        match known {
            Some(Slot { state: SlotState::Placed { stopping, .. }, attempt: now, .. })
                if *now == attempt =>
            {
                stopping.then(|| format!("task {name} is being stopped already"))
            }
            Some(it) if it.attempt == attempt => {
                let is = state_of(it).map_or("stopped", |it| it.as_str());
                Some(format!("there is no task {name} to stop: it is {is}"))
            }
            Some(it) if it.attempt > attempt => {
                let now = task_name(slot, it.attempt);
                Some(format!("task {name} is gone already: {now} came after it"))
            }
            _ => Some(format!("there is no task {name} to stop")),
        }
    }
}
