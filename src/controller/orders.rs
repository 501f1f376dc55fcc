//! What commands become: edits of the wish, and changes of the instances.
//!
//! Invariant: an order that cannot be carried out is answered by a notice that
//! says why and what to do, and counted as refused; none is dropped silently.

use std::time::Duration;

use uuid::Uuid;

use super::{Command, actor::Actor, run::Run, snapshot::Level};
use crate::model::{
    Millis,
    confirmed::Confirmed,
    wish::{Batch, Change, Spread, State},
};

/// Orders that may wait for the first look at the runs here.
const HELD_MOST: usize = 64;
/// Refusals that are remembered.
const REFUSED_MOST: usize = 32;

impl Actor {
    /// Takes an order; one that comes before it is known which run it is for waits.
    pub(super) fn order(&mut self, command: Command) {
        let waits = !self.held.is_empty() || self.must_wait(&command);
        if waits && command != Command::Leave && self.held.len() < HELD_MOST {
            self.held.push_back(command);
        } else {
            self.obey(&command);
        }
    }

    /// Obeys the orders that waited.
    pub(super) fn obey_held(&mut self) {
        while let Some(command) = self.held.front()
            && !self.must_wait(command)
            && let Some(command) = self.held.pop_front()
        {
            self.obey(&command);
        }
    }

    /// Whether an order is for what is not known yet: the run, or the instances.
    fn must_wait(&self, command: &Command) -> bool {
        let scales = matches!(command, Command::ScaleBy(..) | Command::ScaleTo(..));
        let known = || self.fleet.is_known() && self.supply.is_known(self.fleet_cloud().names());
        let on_instances = self.fleet_cloud().names().capacity.has_instances();
        self.is_finding() || scales && on_instances && (!known() || self.awaits_switch())
    }

    /// Carries an order out, as far as that is possible at once.
    fn obey(&mut self, command: &Command) {
        tracing::info!("order: {command:?}");
        self.orders.taken += 1;
        match *command {
            Command::Add { devices, over, spread, seed } => self.add(devices, over, spread, seed),
            Command::Remove { devices } => self.remove(devices),
            Command::ScaleBy(more, confirmed) => {
                let desired = self.fleet.desired().unwrap_or(0);
                self.scale_to(desired.saturating_add_signed(more), confirmed);
            }
            Command::ScaleTo(instances, confirmed) => self.scale_to(instances, confirmed),
            Command::Rate(per_s) => self.rate(per_s),
            Command::Open(ref target) => self.open(target),
            Command::StopTask { slot, attempt, .. } => self.stop_one(slot, attempt),
            Command::Export => self.export(),
            Command::Pause => self.pause(),
            Command::Resume => self.resume(),
            Command::Leave => {
                self.left = true;
                self.leave();
            }
            Command::End { scale_to_zero, confirmed } => self.end(scale_to_zero, confirmed),
        }
    }

    /// Says why an order cannot be carried out.
    pub(super) fn refuse(&mut self, level: Level, why: impl Into<String>) {
        let why = why.into();
        self.refused(self.orders.taken, why.clone());
        self.notice(level, why);
    }

    /// Counts an order as refused.
    pub(super) fn refused(&mut self, order: u64, why: String) {
        self.orders.refused.push((order, why));
        let forget = self.orders.refused.len().saturating_sub(REFUSED_MOST);
        self.orders.refused.drain(..forget);
    }

    /// Refuses the orders that are not in the wish of a run that is over, and never will
    /// be.
    pub(super) fn refuse_unwritten(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        let queue = std::mem::take(&mut run.queue);
        let lost: Vec<u64> = queue.iter().filter_map(|edit| run.ordered.remove(&edit.id)).collect();
        for order in lost {
            let why = "the run ended before its wish could be written";
            self.refused(order, why.to_owned());
            self.notice(Level::Warning, format!("nothing is changed: {why}"));
        }
    }

    /// The run, if devices can be added to it, removed from it and so on.
    pub(super) fn steerable(&mut self) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| !run.is_ending())
    }

    /// Queues a change that an order asked for.
    pub(super) fn change(&mut self, change: Change) {
        let order = self.orders.taken;
        if let Some(run) = &mut self.run {
            let edit = run.change(change);
            run.ordered.insert(edit, order);
        }
    }

    fn add(&mut self, devices: u32, over: Duration, spread: Spread, seed: Option<u64>) {
        if self.run.as_ref().is_some_and(|run| run.is_ending() && !run.has_ended()) {
            let text = "the run is ending: + begins a new one as soon as it has ended";
            return self.refuse(Level::Warning, text);
        }
        if self.run.as_ref().is_none_or(Run::has_ended) {
            let Some(plan) = self.options.plan.clone() else {
                let text = "no run is on here, and no target is named to begin one: \
                            loadtop tcp://HOST:PORT";
                return self.refuse(Level::Error, text);
            };
            self.begin(plan);
        }
        let at = self.clock.bucket();
        let Some(run) = &mut self.run else {
            return;
        };
        let preview = run.preview(at);
        let live = preview.live.len();
        if let Some(limit) = &self.options.limit
            && live.saturating_add(devices) > limit.devices
        {
            let text = format!(
                "{live} devices and {devices} more are too many: {} fit ({})",
                limit.devices, limit.because
            );
            return self.refuse(Level::Error, text);
        }
        let first = run.slots.usable_from(preview.next_index());
        if devices == 0 || first.checked_add(devices).is_none() {
            let text = format!("{devices} more devices cannot be: the indices of a run end there");
            return self.refuse(Level::Error, text);
        }
        let seed = seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
        let over_ms = over.as_millis() as Millis;
        self.change(Change::Add(Batch {
            first,
            count: devices,
            execution: 0,
            start_at: None,
            over_ms,
            spread,
            seed,
        }));
        let over = humantime::format_duration(over);
        let text = format!("{devices} devices are added, their starts spread over {over}");
        self.notice(Level::Info, text);
    }

    fn remove(&mut self, devices: u32) {
        let at = self.clock.bucket();
        let live = self.steerable().map_or(0, |run| run.preview(at).live.len());
        if live == 0 {
            return self.refuse(Level::Warning, "there is no device to remove");
        }
        let count = devices.min(live);
        self.change(Change::Remove { count });
        self.notice(Level::Info, format!("the {count} newest devices are removed"));
    }

    /// What is known of the wish may be a look old: the change is asked for in any case,
    /// and changes nothing where it is so already.
    fn pause(&mut self) {
        let at = self.clock.bucket();
        let text = match self.steerable().map(|run| run.preview(at).state) {
            Some(State::Run) => "the ramp is paused: no device starts, those that run go on",
            Some(_) => "the ramp is paused already",
            None => return self.refuse(Level::Warning, "there is no run to pause"),
        };
        self.change(Change::Pause { at });
        self.notice(Level::Info, text);
    }

    /// As [`Actor::pause`].
    fn resume(&mut self) {
        let at = self.clock.bucket();
        let text = match self.steerable().map(|run| run.preview(at).state) {
            Some(State::Paused) => "the ramp goes on",
            Some(_) => "the ramp is not paused",
            None => return self.refuse(Level::Warning, "there is no run to resume"),
        };
        self.change(Change::Resume { at });
        self.notice(Level::Info, text);
    }

    fn end(&mut self, scale_to_zero: bool, confirmed: Confirmed) {
        let Some(run) = self.steerable() else {
            let is_on = self.run.as_ref().is_some_and(|run| !run.has_ended());
            return match (is_on, scale_to_zero) {
                (false, _) => self.refuse(Level::Info, "no run is on that could be ended"),
                (true, false) => self.notice(Level::Info, "the run is ending already"),
                (true, true) => self.refuse(
                    Level::Warning,
                    "the run is ending already, and its instances stay: scale them in after it",
                ),
            };
        };
        run.confirmed = Some(confirmed);
        let refusal = self.scale_refusal().filter(|_| scale_to_zero);
        self.change(Change::Stop { scale_to_zero: scale_to_zero && refusal.is_none() });
        if let Some(why) = refusal {
            self.notice(Level::Info, format!("nothing is scaled to zero: {why}"));
        }
        self.notice(Level::Info, "the run ends: devices stop within seconds, then their tasks");
    }
}
