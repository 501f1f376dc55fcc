//! An instance on its way out: cordon, stop its tasks, wait, terminate.
//!
//! Invariants: nothing is terminated before a look after its cordon found no task on
//! it; a task that loadtop did not start is never stopped, its instance stays; one
//! that was chosen because it was empty is given free again when a task had come.

use super::{
    actor::Actor,
    fleet::{Leaving, Scale},
    jobs::{self, Done},
    run::Run,
    snapshot::Level,
};
use crate::{
    cloud::CloudError,
    model::{Millis, confirmed::Confirmed, slots::SlotState, wish::Change},
};

/// How long an instance may take to become empty until that is told, in milliseconds:
/// longer than any stop timeout that is usual.
const EMPTY_WITHIN_MS: Millis = 150_000;
/// How often tasks of an instance that goes are told to stop.
const BETWEEN_STOPS_MS: Millis = 500;
/// How soon a call that failed is made again.
const AGAIN_MS: Millis = 2_000;

/// How far a machine's way out is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drain {
    /// Its container instance; none where there was none yet.
    instance: Option<String>,
    /// Whether tasks on it may be stopped.
    confirmed: bool,
    step: Step,
    since: Millis,
    /// Not before then (monotonic).
    from: Millis,
    calling: bool,
    told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Cordon,
    Empty,
    Going,
    /// It stays after all, and takes tasks again.
    Free,
}

impl Drain {
    pub(super) fn new(instance: Option<String>, confirmed: bool, now: Millis) -> Self {
        let step = if instance.is_some() { Step::Cordon } else { Step::Empty };
        Drain { instance, confirmed, step, since: now, from: 0, calling: false, told: false }
    }

    /// Forgets a call that is on its way; it is made again if need be.
    pub(super) fn forget_call(&mut self) {
        if self.calling && self.step != Step::Free {
            self.step = if self.instance.is_some() { Step::Cordon } else { Step::Empty };
        }
        self.calling = false;
    }

    /// Whether it is being terminated: the group counts it no more.
    pub(super) fn is_going(&self) -> bool {
        self.step == Step::Going
    }
}

impl Actor {
    /// Changes the number of instances, or says why not.
    pub(super) fn scale_to(&mut self, target: u32, confirmed: Option<Confirmed>) {
        if let Some(why) = self.scale_refusal() {
            return self.refuse(Level::Warning, why);
        }
        let group = self.fleet_cloud().names().group().to_owned();
        let fewer = self.fleet.desired().is_some_and(|desired| target < desired);
        let run = self.run.as_ref().filter(|run| !run.has_ended());
        let leads = self.leads(self.clock.monotonic());
        if fewer && run.is_some_and(Run::is_ending) {
            let text = "the run is ending: instances can go when it has ended";
            return self.refuse(Level::Warning, text);
        }
        if fewer && run.is_some() && !leads && confirmed.is_none() {
            let text = "only who leads the run sees surely which instances are empty: scale in \
                        there, or confirm that their tasks may move (--yes)";
            return self.refuse(Level::Warning, text);
        }
        match self.fleet.scale_to(target, &group, confirmed.is_some()) {
            Scale::Already => {
                let text = format!("the group {group} has {target} instances already");
                self.notice(Level::Info, text);
            }
            Scale::Refused(why) => self.refuse(Level::Warning, why),
            Scale::Out(target) => {
                self.fleet.scaled_out(target);
                self.fleet.calls += 1;
                let needs_switch =
                    self.run.as_ref().is_some_and(|run| !run.has_ended() && run.owns_group());
                let job = jobs::scale_out(
                    self.fleet_cloud().clone(),
                    self.journal(),
                    target,
                    needs_switch,
                );
                self.spawn(async { Done::ScaledOut(job.await) });
                self.notice(Level::Info, format!("the group {group} goes to {target} instances"));
            }
            Scale::In(leaving) => {
                for machine in leaving {
                    self.let_go(machine, confirmed.is_some());
                }
            }
        }
    }

    /// Has all instances go that are wholly ours, those without any task, as soon as
    /// it is seen which.
    pub(super) fn shrink_to_least(&mut self) {
        if self.to_least
            && let Some(why) = self.scale_refusal()
        {
            self.to_least = false;
            return self.notice(Level::Info, format!("nothing is scaled to zero: {why}"));
        }
        if !self.to_least || !self.fleet.is_fresh() {
            return;
        }
        self.to_least = false;
        let (Some(desired), min) = (self.fleet.desired(), self.fleet.view(0).min) else {
            return;
        };
        let least = desired.saturating_sub(self.fleet.empty()).max(min);
        if least > min {
            let text = format!("{least} instances stay: other tasks than this run's are on them");
            self.notice(Level::Warning, text);
        }
        self.scale_to(least, None);
    }

    /// Has a machine go: a run's leader sees to it, or without a run we do.
    fn let_go(&mut self, leaving: Leaving, confirmed: bool) {
        let now = self.clock.monotonic();
        let Leaving { machine, instance, tasks } = leaving;
        let text = match tasks {
            0 => format!("the empty instance {machine} goes"),
            _ => format!("the instance {machine} goes: its {tasks} tasks move to where is room"),
        };
        self.notice(Level::Info, text);
        let run_on = self.run.as_ref().is_some_and(|run| !run.is_ending());
        if run_on {
            let order = self.orders.taken;
            if let Some(run) = &mut self.run {
                let edit = run.change(Change::Drain { machine: machine.clone() });
                run.ordered.insert(edit, order);
            }
            // It begins when that is in the bucket: whoever leads then goes on with it.
            if !confirmed {
                self.fleet.unconfirmed.insert(machine);
            }
            return;
        }
        self.fleet.drains.insert(machine, Drain::new(instance, confirmed, now));
    }

    /// Takes the next steps of all machines on their way out.
    pub(super) fn advance_drains(&mut self, leads: bool, now: Millis) {
        let wished = self.run.as_ref().filter(|_| leads).map(|run| run.wish.drain.clone());
        for machine in wished.unwrap_or_default() {
            let arn = self.fleet.instance(&machine).map(|it| it.arn.clone());
            if !self.fleet.drains.contains_key(&machine) && self.fleet.has_machine(&machine) {
                // Only a leader writes one without having it confirmed; its successor,
                // who does not know, moves a task that has come there meanwhile.
                let confirmed = !self.fleet.unconfirmed.remove(&machine);
                self.fleet.drains.insert(machine, Drain::new(arn, confirmed, now));
            }
        }
        let gone = |machine: &String| !self.fleet.has_machine(machine);
        let gone: Vec<String> = self.fleet.drains.keys().filter(|it| gone(it)).cloned().collect();
        for machine in gone {
            self.fleet.drains.remove(&machine);
            self.is_drained(&machine);
        }
        let machines: Vec<String> = self.fleet.drains.keys().cloned().collect();
        for machine in machines {
            self.advance_drain(&machine, now);
        }
    }

    /// Takes a machine out of the wish's list.
    fn is_drained(&mut self, machine: &str) {
        let at = self.clock.bucket();
        if let Some(run) = self.run.as_mut().filter(|run| !run.is_ending())
            && run.preview(at).drain.iter().any(|it| it == machine)
        {
            run.change(Change::Drained { machine: machine.to_owned() });
        }
    }

    fn advance_drain(&mut self, machine: &str, now: Millis) {
        let Some(drain) = self.fleet.drains.get(machine) else {
            return;
        };
        if drain.calling || now < drain.from {
            return;
        }
        match (drain.step, drain.instance.clone()) {
            (Step::Cordon, Some(instance)) => {
                if !self.quotas.change.take(now, 0.0) {
                    return;
                }
                self.note_call(machine);
                let (machine, journal) = (machine.to_owned(), self.journal());
                let cloud = self.fleet_cloud().clone();
                let job = jobs::cordon(cloud, journal, machine.clone(), instance, true);
                self.spawn(async move { Done::Cordoned(machine, job.await) });
            }
            (Step::Empty, Some(instance)) => self.empty(machine, &instance, now),
            (Step::Cordon | Step::Empty, None) => self.terminate(machine),
            (Step::Free, Some(instance)) => self.give_free(machine, instance),
            (Step::Going, _) | (Step::Free, None) => {}
        }
    }

    fn note_call(&mut self, machine: &str) {
        self.fleet.calls += 1;
        if let Some(drain) = self.fleet.drains.get_mut(machine) {
            drain.calling = true;
        }
    }

    /// Stops the run's tasks on a cordoned machine, and terminates it when there is
    /// none left.
    fn empty(&mut self, machine: &str, instance: &str, now: Millis) {
        let Some(seen) = self.fleet.fresh(machine) else {
            return;
        };
        if seen.status != "DRAINING" {
            return;
        }
        let tasks = seen.running + seen.pending;
        let Some(drain) = self.fleet.drains.get(machine) else {
            return;
        };
        if tasks == 0 {
            return self.terminate(machine);
        }
        if !drain.confirmed {
            let text = format!("a task has come to {machine} meanwhile: it stays");
            if let Some(drain) = self.fleet.drains.get_mut(machine) {
                drain.step = Step::Free;
            }
            return self.refuse(Level::Warning, text);
        }
        let ours = self.run.as_ref().map(|run| tasks_on(run, instance)).unwrap_or_default();
        if self.leads(now) {
            for (slot, arn) in ours {
                if !self.stop_task(slot, arn, "its instance goes") {
                    break;
                }
            }
        }
        let Some(drain) = self.fleet.drains.get_mut(machine) else {
            return;
        };
        drain.from = now + BETWEEN_STOPS_MS;
        if !drain.told && now >= drain.since + EMPTY_WITHIN_MS {
            drain.told = true;
            let text = format!(
                "the instance {machine} still has {tasks} tasks, perhaps not loadtop's: it takes \
                 no more and goes when they have ended; aws ecs list-tasks --cluster {} \
                 --container-instance {instance}",
                self.cloud.names().cluster
            );
            self.notice(Level::Warning, text);
        }
    }

    /// Lets an instance take tasks again.
    fn give_free(&mut self, machine: &str, instance: String) {
        self.note_call(machine);
        let (cloud, journal) = (self.fleet_cloud().clone(), self.journal());
        let machine = machine.to_owned();
        let job = jobs::cordon(cloud, journal, machine.clone(), instance, false);
        self.spawn(async move { Done::Cordoned(machine, job.await) });
    }

    fn terminate(&mut self, machine: &str) {
        self.note_call(machine);
        if let Some(drain) = self.fleet.drains.get_mut(machine) {
            drain.step = Step::Going;
        }
        self.fleet.scaled_in();
        let (name, journal) = (machine.to_owned(), self.journal());
        let job = jobs::scale_in(self.fleet_cloud().clone(), journal, name.clone());
        self.spawn(async move { Done::ScaledIn(name, job.await) });
    }

    pub(super) fn learn_cordoned(&mut self, machine: &str, answer: Result<(), CloudError>) {
        let now = self.clock.monotonic();
        self.fleet.calls = self.fleet.calls.saturating_sub(1);
        // What was seen before the cordon is stale.
        self.fleet.tasks_changed();
        let Some(drain) = self.fleet.drains.get_mut(machine) else {
            return;
        };
        drain.calling = false;
        match answer {
            Ok(()) if drain.step == Step::Free => {
                self.fleet.drains.remove(machine);
                self.is_drained(machine);
            }
            Ok(()) => drain.step = Step::Empty,
            Err(error) => {
                drain.from = now + AGAIN_MS;
                self.failed(&error, &format!("{machine} is asked again"));
            }
        }
    }

    pub(super) fn learn_scaled_in(&mut self, machine: &str, answer: Result<(), CloudError>) {
        let now = self.clock.monotonic();
        self.fleet.calls = self.fleet.calls.saturating_sub(1);
        let drain = self.fleet.drains.get_mut(machine);
        if let Some(drain) = drain {
            drain.calling = false;
        }
        let Err(error) = answer else {
            return;
        };
        self.fleet.scaling_failed();
        if error.is_passing()
            && let Some(drain) = self.fleet.drains.get_mut(machine)
        {
            // Whether it went is seen in the group; if not, it is told again.
            drain.step = Step::Empty;
            drain.from = now + AGAIN_MS;
            return self.failed(&error, &format!("the instance {machine} is told to go again"));
        }
        self.fleet.drains.remove(machine);
        self.is_drained(machine);
        self.failed(&error, &format!("the instance {machine} stays"));
    }

    pub(super) fn learn_scaled_out(&mut self, answer: Result<(), CloudError>) {
        self.fleet.calls = self.fleet.calls.saturating_sub(1);
        if let Err(error) = answer {
            self.fleet.scaling_failed();
            self.refused(self.orders.taken, error.to_string());
            self.failed(&error, "the number of instances stays");
        }
    }
}

/// The run's tasks on an instance.
fn tasks_on(run: &Run, instance: &str) -> Vec<(u32, String)> {
    let there = |arn: &String| run.hosts.get(arn).is_some_and(|host| host == instance);
    run.slots
        .iter()
        .filter_map(|slot| match &slot.state {
            SlotState::Placed { arn, stopping: false, .. } if there(arn) => {
                Some((slot.number, arn.clone()))
            }
            _ => None,
        })
        .collect()
}
