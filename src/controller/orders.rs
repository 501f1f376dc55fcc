//! What commands become: edits of the wish, and changes of the instances.
//!
//! Invariant: an order that cannot be carried out is answered by a notice that
//! says why and what to do; none is dropped silently.

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    Command,
    actor::Actor,
    clock::wall,
    fleet::Scale,
    jobs::{self, Done, RunDone},
    run::{Ending, Run},
    snapshot::Level,
};
use crate::{
    model::{
        Millis,
        confirmed::Confirmed,
        wish::{Batch, Change, Spread, State, Wish},
    },
    plan::Plan,
    record::{Journal, RunFolder},
};

/// The plan's object; its number grows when another plan is opened.
const PLAN: &str = "plan-1.json";

impl Actor {
    /// Carries an order out, as far as that is possible at once.
    pub(super) fn obey(&mut self, command: &Command) {
        tracing::info!("order: {command:?}");
        match *command {
            Command::Add { devices, over, .. } => self.add(devices, over),
            Command::Remove { devices } => self.remove(devices),
            Command::ScaleBy(more, _) => match self.fleet.desired() {
                Some(desired) => self.scale_to(desired.saturating_add_signed(more)),
                None => self.notice(Level::Warning, "the instances are not known yet: try again"),
            },
            Command::ScaleTo(instances, _) => self.scale_to(instances),
            Command::Leave => {}
            Command::Pause => self.pause(),
            Command::Resume => self.resume(),
            Command::End { scale_to_zero, confirmed } => {
                self.end(scale_to_zero, confirmed);
            }
        }
    }

    fn add(&mut self, devices: u32, over: Duration) {
        if self.run.as_ref().is_some_and(|run| run.ending.is_some() && !run.has_ended()) {
            let text = "the run is ending: + begins a new one as soon as it has ended";
            return self.notice(Level::Warning, text);
        }
        if self.run.as_ref().is_none_or(|run| run.ending.is_some()) {
            self.begin();
        }
        let Some(run) = &mut self.run else {
            return;
        };
        let preview = run.preview();
        let live = preview.live.len();
        if let Some(limit) = &self.options.limit
            && live.saturating_add(devices) > limit.devices
        {
            let text = format!(
                "{live} devices and {devices} more are too many: {} fit ({})",
                limit.devices, limit.because
            );
            return self.notice(Level::Error, text);
        }
        let first = run.slots.usable_from(preview.next_index());
        if devices == 0 || first.checked_add(devices).is_none() {
            let text = format!("{devices} more devices cannot be: the indices of a run end there");
            return self.notice(Level::Error, text);
        }
        let batch = Batch {
            first,
            count: devices,
            execution: 0,
            start_at: None,
            over_ms: over.as_millis() as Millis,
            spread: Spread::Uniform,
            seed: Uuid::new_v4().as_u64_pair().0,
        };
        run.batch_asked(first, self.clock.monotonic());
        run.change(Change::Add(batch));
        let text = format!(
            "{devices} devices are added ({first}–{}), their starts spread over {}",
            first + devices - 1,
            humantime::format_duration(over)
        );
        self.notice(Level::Info, text);
    }

    /// Makes a new run; its first objects are written when the actor advances.
    fn begin(&mut self) {
        let id = Uuid::new_v4().simple().to_string()[..12].to_owned();
        let lease = self.options.policy.lease_ms;
        let mut wish = Wish::new(PLAN, self.clock.bucket() + lease);
        wish.report_ms = self.site.report.as_millis() as Millis;
        wish.results_ms = self.site.results.as_millis() as Millis;
        let room = self.options.devices_per_task;
        let mut run = Run::new(id, wish, room, wall(), &self.options.runs);
        let journal = RunFolder::create(&self.options.runs, &run.id).and_then(|folder| {
            folder.write_json("run.json", &self.registry(&run))?;
            Journal::open(&folder.path().join("journal.jsonl"))
        });
        match journal {
            Ok(journal) => run.journal = Some(Arc::new(journal)),
            Err(error) => self.notice(
                Level::Error,
                format!(
                    "{} cannot be written, the run goes on without: {error}",
                    run.folder.display()
                ),
            ),
        }
        self.notice(Level::Info, format!("run {} begins", run.id));
        run.calls_before = self.cloud.calls();
        self.tasks_at = None;
        // What the former run still waits for will not be taken for this one's.
        self.looks.begin_run();
        self.run = Some(run);
    }

    /// What `run.json` says: who, when, which version.
    pub(super) fn registry(&self, run: &Run) -> serde_json::Value {
        serde_json::json!({
            "run": run.id,
            "version": env!("CARGO_PKG_VERSION"),
            "started_at": humantime::format_rfc3339_millis(
                std::time::UNIX_EPOCH + Duration::from_millis(run.started_at)
            ).to_string(),
            "where": self.site.label,
            "cluster": self.cloud.names().cluster,
            "target": self.options.plan.as_ref().and_then(Plan::target).map(ToString::to_string),
        })
    }

    /// Writes the run's first objects.
    pub(super) fn spawn_begin(&mut self) {
        let Some(run) = &self.run else {
            return;
        };
        let plan = serde_json::to_vec(&self.options.plan).expect("a plan is JSON");
        let objects = vec![
            (run.key(PLAN), plan.into()),
            (run.key("run.json"), self.registry(run).to_string().into()),
        ];
        let (id, wish) = (run.id.clone(), run.wish.clone());
        let job = jobs::begin(
            self.cloud.clone(),
            run.journal.clone(),
            id.clone(),
            objects,
            run.key("wish.json"),
            wish,
            self.options.policy.lease_ms,
        );
        self.looks.editing = true;
        self.spawn_of_run(&id, async { RunDone::Begun(job.await) });
    }

    fn remove(&mut self, devices: u32) {
        let run = self.run.as_mut().filter(|run| run.ending.is_none());
        let live = run.as_ref().map_or(0, |run| run.preview().live.len());
        let Some(run) = run.filter(|_| live > 0) else {
            return self.notice(Level::Warning, "there is no device to remove");
        };
        let count = devices.min(live);
        run.change(Change::Remove { count });
        self.notice(Level::Info, format!("the {count} newest devices are removed"));
    }

    fn pause(&mut self) {
        let at = self.clock.bucket();
        let run = self.run.as_mut().filter(|run| run.ending.is_none());
        match run {
            Some(run) if run.preview().state == State::Run => {
                run.change(Change::Pause { at });
                self.notice(
                    Level::Info,
                    "the ramp is paused: no device starts, those that run go on",
                );
            }
            Some(_) => self.notice(Level::Info, "the ramp is paused already"),
            None => self.notice(Level::Warning, "there is no run to pause"),
        }
    }

    fn resume(&mut self) {
        let at = self.clock.bucket();
        let run = self.run.as_mut().filter(|run| run.ending.is_none());
        match run {
            Some(run) if run.preview().state == State::Paused => {
                run.change(Change::Resume { at });
                self.notice(Level::Info, "the ramp goes on");
            }
            Some(_) => self.notice(Level::Info, "the ramp is not paused"),
            None => self.notice(Level::Warning, "there is no run to resume"),
        }
    }

    fn end(&mut self, scale_to_zero: bool, confirmed: Confirmed) {
        let since = self.clock.monotonic();
        let Some(run) = self.run.as_mut().filter(|run| run.ending.is_none()) else {
            return self.notice(Level::Info, "no run is on that could be ended");
        };
        run.ending = Some(Ending::new(since, confirmed, scale_to_zero));
        run.change(Change::Stop { scale_to_zero });
        self.notice(Level::Info, "the run ends: devices stop within seconds, then their tasks");
    }

    /// Changes the number of instances, or says why not.
    pub(super) fn scale_to(&mut self, target: u32) {
        let placing = self.run.as_ref().is_some_and(Run::is_placing);
        let group = self.cloud.names().group.clone();
        self.fleet.waiting = None;
        match self.fleet.scale_to(target, &group, placing) {
            Scale::Already => {
                self.notice(
                    Level::Info,
                    format!("the group {group} has {target} instances already"),
                );
            }
            Scale::Later => {
                self.fleet.waiting = Some(target);
                self.notice(Level::Info, "an instance goes as soon as it is seen to be empty");
            }
            Scale::Refused(why) => self.notice(Level::Warning, why),
            Scale::Out(target) => {
                self.fleet.scaled_out(target);
                let job = jobs::scale_out(self.cloud.clone(), self.journal(), target);
                self.spawn(async { Done::ScaledOut(job.await) });
                self.notice(Level::Info, format!("the group {group} goes to {target} instances"));
            }
            Scale::In(machines) => {
                for machine in machines {
                    self.fleet.scaled_in(&machine);
                    let job = jobs::scale_in(self.cloud.clone(), self.journal(), machine.clone());
                    self.notice(Level::Info, format!("the empty instance {machine} goes"));
                    self.spawn(async move { Done::ScaledIn(machine, job.await) });
                }
            }
        }
    }

    /// The journal of the run, if one is on.
    pub(super) fn journal(&self) -> Option<Arc<Journal>> {
        self.run.as_ref().and_then(|run| run.journal.clone())
    }
}
