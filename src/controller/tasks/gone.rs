//! The end of a task: as asked for, or lost, and what follows from that.
//!
//! Invariant: each end is noted once, with its reason; one that nobody asked for is counted
//! as a failure, and the run's policy decides what becomes of its devices.

use super::read::reason;
use crate::{
    cloud::types::TaskSeen,
    controller::{
        actor::Actor,
        known::Ended,
        requests::{block_of, task_name},
        rows::short_id,
        run::Run,
        snapshot::Level,
    },
    model::{
        Millis,
        registry::OnLoss,
        slots::{Gone, SlotState},
        wish::{Change, State},
    },
};

/// The exit code of a program that SIGTERM ended: as asked, where it was asked.
const EXIT_TERMINATED: i32 = 143;

impl Actor {
    /// The slot's task is surely gone.
    pub(super) fn learn_gone(&mut self, slot: u32, task: &TaskSeen) {
        let now = self.clock.monotonic();
        let seen_at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        let Some(known) = run.slots.get(slot) else {
            return;
        };
        // A successor may see the end of what its predecessor told to stop.
        let asked = matches!(known.state, SlotState::Placed { stopping: true, .. })
            || run.is_restarting(slot, known.attempt);
        let name = task_name(slot, known.attempt);
        let ending = run.is_ending() || run.wish.state == State::Stop;
        let ended = run.end_of(slot, known.attempt, task, seen_at);
        let wanted = ended.devices;
        run.changed_blocks.insert(block_of(slot));
        run.stop_from.remove(&slot);
        self.fleet.tasks_changed();
        // Whose devices were all removed may see that before it is told to stop.
        if asked || ending || wanted == 0 {
            run.slots.gone(slot, Gone::AsAsked, now);
            let clean = matches!(task.exit_code, Some(0 | EXIT_TERMINATED));
            // One that was told to stop before its program began has no exit code.
            if clean || (asked && task.exit_code.is_none()) {
                run.tally.stopped += 1;
                return run.noted.end(slot, ended);
            }
            let reason = run.note_loss(slot, &name, task, ended);
            let text = format!(
                "task {name} did not end cleanly, its last figures may be missing: {reason}"
            );
            return self.notice(Level::Warning, text);
        }
        run.slots.gone(slot, Gone::Lost, now);
        if task.exit_code == Some(0) && !run.is_of_images() && !task.was_interrupted() {
            // An agent ends well only when it is told: it may have read before us that
            // the run is over. If not, its slot is asked for again in a moment.
            run.tally.stopped += 1;
            run.noted.end(slot, ended);
            self.looks.wish.hurry();
            let text = format!("task {name} ended by itself, and well");
            return self.notice(Level::Info, text);
        }
        let reason = run.note_loss(slot, &name, task, ended);
        self.after_loss(slot, &name, wanted, &reason);
    }

    /// Does with the devices of a lost task what the run's policy says.
    fn after_loss(&mut self, slot: u32, name: &str, devices: u32, reason: &str) {
        let at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        let what = format!("task {name} with {devices} devices ended by itself: {reason}");
        match run.registry.policy.on_loss {
            OnLoss::Replace => {
                let given_up = run.slots.get(slot).is_some_and(|it| it.state == SlotState::GivenUp);
                let then = if given_up { "" } else { "; it is replaced" };
                self.notice(Level::Warning, format!("{what}{then}"));
                if given_up {
                    self.notice_given_up(slot);
                }
            }
            OnLoss::Shrink => {
                let preview = run.preview(at);
                let devices = preview.live.within(run.slots.first_device(slot), run.slots.room());
                run.change(Change::Drop { devices });
                let text = format!("{what}; the run goes on without them (--on-loss shrink)");
                self.notice(Level::Warning, text);
            }
            OnLoss::Abort => self.abort(&format!("{what} (--on-loss abort)")),
        }
    }
}

impl Run {
    /// What is kept of the end of a task that went as asked for.
    fn end_of(&self, slot: u32, attempt: u32, task: &TaskSeen, at: Millis) -> Ended {
        Ended {
            attempt,
            id: Some(short_id(&task.arn)),
            machine: self.noted.machine(slot).map(str::to_owned),
            at,
            devices: self.wanted_in(slot, at),
            failed: false,
            exit_code: task.exit_code,
            reason: task.stopped_reason.clone().or_else(|| task.container_reason.clone()),
        }
    }

    /// Counts a task that did not end as asked for; the answer is why.
    fn note_loss(&mut self, slot: u32, name: &str, task: &TaskSeen, ended: Ended) -> String {
        let reason = reason(task);
        self.tally.lost.push((name.to_owned(), ended.at));
        self.failure(&reason);
        self.noted.end(slot, Ended { failed: true, reason: Some(reason.clone()), ..ended });
        reason
    }

    /// Notes that a task was refused: it never began.
    pub(super) fn note_refusal(&mut self, slot: u32, attempt: u32, why: &str, at: Millis) {
        let devices = self.wanted_in(slot, at);
        let reason = Some(why.to_owned());
        let (id, machine, exit_code) = (None, None, None);
        let ended = Ended { attempt, id, machine, at, devices, failed: true, exit_code, reason };
        self.noted.end(slot, ended);
    }

    /// Devices that are wanted in a slot.
    fn wanted_in(&self, slot: u32, at: Millis) -> u32 {
        self.preview(at).live.within(self.slots.first_device(slot), self.slots.room()).len()
    }
}
