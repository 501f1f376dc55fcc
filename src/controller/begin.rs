//! How a run begins: its id, its folder, its first objects.
//!
//! Invariant: a run is in the registry only when its plan and its wish are in the
//! bucket; no task is started before.

use std::{io, path::Path, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    actor::Actor,
    clock::wall,
    jobs::{self, First, RunDone},
    learn::RETRY_MS,
    requests::RUN_ID,
    run::Run,
    snapshot::Level,
    wishes::Stored,
};
use crate::{
    cloud::{CloudError, ErrorKind},
    model::{
        leadership::Leadership,
        registry::{Registry, Workload},
        wish::{Change, Wish},
    },
    plan::Plan,
    record::{Journal, RunFolder},
};

/// The plan's object; its number grows when another plan is opened.
const PLAN: &str = "plan-1.json";
/// The registry's object.
pub(super) const REGISTRY: &str = "run.json";

impl Actor {
    /// Makes a new run; its first objects are written when the actor advances.
    pub(super) fn begin(&mut self, plan: Plan) {
        self.refuse_unwritten();
        let id = Uuid::new_v4().simple().to_string()[..RUN_ID].to_owned();
        let policy = &self.options.policy;
        let mut wish = Wish::new(PLAN, self.clock.bucket() + policy.lease_ms);
        wish.report_ms = self.site.report.as_millis() as u64;
        wish.results_ms = self.site.results.as_millis() as u64;
        let registry = self.registry(id, &plan);
        let lead = Leadership::new(self.me.clone(), self.options.leads && !self.left);
        let mut run = Run::new(registry, Some(plan), &self.cloud, wish, lead, &self.options.runs);
        let opened = run.open_journal(&self.options.runs);
        run.calls_before = self.cloud.calls();
        self.notice(Level::Info, format!("run {} begins", run.id));
        self.tasks_at = None;
        // What the former run still waits for will not be taken for this one's.
        self.looks.begin_run();
        self.take_fleet_of(&run);
        self.run = Some(run);
        // Who has no screen reads the notices only.
        if let Some(warning) = self.run.as_ref().and_then(|run| self.warning(run)) {
            self.notice(Level::Warning, warning);
        }
        if let Err(error) = opened {
            self.notice_no_folder(&error);
        }
    }

    fn registry(&self, run: String, plan: &Plan) -> Registry {
        let started_ms = wall();
        let image = matches!(self.options.workload, Workload::Image { .. });
        Registry {
            run,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: humantime::format_rfc3339_millis(
                std::time::UNIX_EPOCH + Duration::from_millis(started_ms),
            )
            .to_string(),
            started_ms,
            by: self.me.split('#').next().unwrap_or_default().to_owned(),
            r#where: self.site.label.clone(),
            place: self.cloud.place(),
            cluster: self.cloud.names().cluster.clone(),
            target: plan.target().map(ToString::to_string),
            room: if image { 1 } else { self.options.devices_per_task },
            workload: self.options.workload.clone(),
            capacity: Some(self.cloud.names().capacity.clone()),
            network: self.cloud.names().network.clone(),
            definition: self.options.definition.clone(),
            policy: self.options.policy.clone(),
            tags: self.options.tags.clone(),
            ended_at: None,
        }
    }

    /// Writes the run's first objects, as soon as it is known what its tasks run on.
    pub(super) fn spawn_begin(&mut self) {
        if !self.settle_capacity() {
            return;
        }
        let Some(run) = &self.run else {
            return;
        };
        let json = |value: serde_json::Result<Vec<u8>>| value.expect("plain data is JSON").into();
        let first = First {
            plan: (run.key(PLAN), json(serde_json::to_vec(&run.plan))),
            wish: run.wish.clone(),
            lease_ms: run.registry.policy.lease_ms,
            wish_key: run.key("wish.json"),
            registry: (run.key(REGISTRY), json(serde_json::to_vec(&run.registry))),
        };
        let id = run.id.clone();
        let job = jobs::begin(run.cloud.clone(), run.journal.clone(), id.clone(), first);
        self.looks.editing = true;
        self.spawn_of_run(&id, async { RunDone::Begun(job.await) });
    }

    pub(super) fn learn_begun(&mut self, answer: Result<Stored, CloudError>) {
        self.looks.editing = false;
        match answer {
            Ok(stored) => {
                self.clock.observe(stored.dated);
                self.take_wish(stored);
            }
            Err(error) if error.kind == ErrorKind::Denied => {
                self.looks.edit_from = self.clock.monotonic() + RETRY_MS;
                self.notice(Level::Error, format!("{error}; the run cannot begin"));
                if let Some(run) = &mut self.run {
                    run.change(Change::Stop { scale_to_zero: false });
                }
            }
            Err(error) => {
                self.looks.edit_from = self.clock.monotonic() + RETRY_MS;
                self.failed(&error, "the run begins as soon as its bucket can be written");
            }
        }
    }
}

impl Run {
    /// Writes what the registry has of the run into its folder.
    pub(super) fn write_registry(&self, runs: &Path) -> io::Result<()> {
        RunFolder::create(runs, &self.id)?.write_json(REGISTRY, &self.registry)
    }

    /// Opens the run's journal in its folder, unless it is open.
    pub(super) fn open_journal(&mut self, runs: &Path) -> io::Result<()> {
        if self.journal.is_some() {
            return Ok(());
        }
        let folder = RunFolder::create(runs, &self.id)?;
        folder.write_json(REGISTRY, &self.registry)?;
        self.journal = Some(Arc::new(Journal::open(&folder.path().join("journal.jsonl"))?));
        Ok(())
    }
}
