//! The actor: its state and its only loop.
//!
//! What it does is beside it: [`orders`](super::orders) turns commands into
//! changes, [`advance`](super::advance) starts the calls that are due,
//! [`learn`](super::learn) and [`tasks`](super::tasks) take their answers in,
//! [`end`](super::end) brings a run to zero. Invariant: nothing in the loop waits for the network.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    Command, Options,
    clock::{Clock, wall},
    fleet::Fleet,
    jobs::{Done, RunDone},
    notices::Notices,
    run::Run,
    snapshot::{Aged, Level, RunView, Snapshot},
};
use crate::{
    cloud::{Cloud, CloudError, Site},
    model::Millis,
    plan::Plan,
};

/// How often what is due by time is looked for.
const TICK: Duration = Duration::from_millis(100);

/// The controller's state.
pub(super) struct Actor {
    pub(super) cloud: Cloud,
    pub(super) site: Site,
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) notices: Notices,
    pub(super) fleet: Fleet,
    /// When the instances were seen last (this machine's clock).
    pub(super) fleet_at: Option<Millis>,
    pub(super) run: Option<Run>,
    /// When the run's tasks were seen last (this machine's clock).
    pub(super) tasks_at: Option<Millis>,
    pub(super) looks: Looks,
    jobs: JoinSet<Done>,
    commands: mpsc::Receiver<Command>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    cancel: CancellationToken,
}

/// What is looked at again and again: when next, and whether a look is on its way.
#[derive(Debug, Default)]
pub(super) struct Looks {
    pub(super) definition: Look,
    pub(super) instances: Look,
    pub(super) tasks: Look,
    pub(super) figures: Look,
    pub(super) wish: Look,
    /// Whether a write of the wish is on its way.
    pub(super) editing: bool,
    /// Not before then (monotonic), after a failed write.
    pub(super) edit_from: Millis,
}

impl Looks {
    /// A new run: its own things were never looked at.
    pub(super) fn begin_run(&mut self) {
        self.tasks = Look::default();
        self.figures = Look::default();
        self.wish = Look::default();
        self.editing = false;
        self.edit_from = 0;
    }
}

/// One thing that is looked at again and again.
#[derive(Debug, Default)]
pub(super) struct Look {
    next: Millis,
    on_its_way: bool,
}

impl Look {
    /// Whether to look now; if so, the look counts as on its way.
    pub(super) fn is_due(&mut self, now: Millis) -> bool {
        let due = !self.on_its_way && now >= self.next;
        self.on_its_way |= due;
        due
    }

    /// The look came back.
    pub(super) fn done(&mut self, next: Millis) {
        self.on_its_way = false;
        self.next = next;
    }
}

impl Actor {
    pub(super) fn new(
        cloud: Cloud,
        site: Site,
        options: Options,
        commands: mpsc::Receiver<Command>,
        cancel: CancellationToken,
    ) -> (Self, watch::Receiver<Arc<Snapshot>>) {
        let first = Snapshot {
            at: wall(),
            site: site.clone(),
            target: String::new(),
            run: None,
            instances: Aged::default(),
            tasks: Aged::default(),
            devices: Aged::default(),
            ramp: super::snapshot::RampView::default(),
            traffic: Aged::default(),
            notices: Arc::default(),
            calls: std::collections::BTreeMap::new(),
            finding: false,
            others: Vec::new(),
            orders: super::snapshot::OrdersView::default(),
        };
        let (snapshots, seen) = watch::channel(Arc::new(first));
        let actor = Actor {
            cloud,
            site,
            options,
            clock: Clock::new(),
            notices: Notices::default(),
            fleet: Fleet::default(),
            fleet_at: None,
            run: None,
            tasks_at: None,
            looks: Looks::default(),
            jobs: JoinSet::new(),
            commands,
            snapshots,
            cancel,
        };
        actor.publish();
        (actor, seen)
    }

    /// Runs until it is cancelled, or nobody can give orders any more.
    pub(super) async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(&command),
                    None => break,
                },
                Some(done) = self.jobs.join_next() => match done {
                    Ok(done) => self.learn(done),
                    Err(error) => self.notice(Level::Error, format!("a call panicked: {error}")),
                },
                _ = tick.tick() => {}
            }
            self.advance();
            self.publish();
        }
        // Dropping the set abandons what is on its way; the journal has its intents.
        self.jobs.abort_all();
    }

    /// Starts a job.
    pub(super) fn spawn(&mut self, job: impl Future<Output = Done> + Send + 'static) {
        self.jobs.spawn(job);
    }

    /// Starts a job of the run.
    pub(super) fn spawn_of_run(
        &mut self,
        run: &str,
        job: impl Future<Output = RunDone> + Send + 'static,
    ) {
        let run = run.to_owned();
        self.jobs.spawn(async move { Done::OfRun(run, Box::new(job.await)) });
    }

    /// Tells the person something.
    pub(super) fn notice(&mut self, level: Level, text: impl Into<String>) {
        self.notices.add(wall(), level, text);
    }

    /// Tells the person what failed, and what follows from it.
    pub(super) fn failed(&mut self, error: &CloudError, then: &str) {
        self.notice(Level::Warning, format!("{error}; {then}"));
    }

    fn publish(&self) {
        let snapshot = self.snapshot();
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    fn snapshot(&self) -> Snapshot {
        let run = self.run.as_ref();
        let now = self.clock.bucket();
        let to_wall = |at: Millis| self.clock.to_wall(at);
        let target = self.options.plan.as_ref().and_then(Plan::target);
        Snapshot {
            at: wall(),
            site: self.site.clone(),
            target: target.map_or_else(String::new, ToString::to_string),
            run: run.map(|run| RunView {
                id: run.id.clone(),
                phase: run.phase(),
                started_at: run.started_at,
                lease_left_ms: run.wish.lease_until.saturating_sub(now),
                lead: super::snapshot::LeadView::Us { term: 1 },
                warning: None,
                poll_ms: run.wish.poll_ms,
                stuck: None,
                folder: run.folder.clone(),
                summary: run.summary.clone(),
            }),
            instances: Aged { value: self.fleet.view(), at: self.fleet_at },
            tasks: run
                .map_or_else(Aged::default, |run| Aged { value: run.tasks(), at: self.tasks_at }),
            devices: run.map_or_else(Aged::default, |run| {
                run.figures.devices(run.preview().live.len(), to_wall)
            }),
            ramp: run.map(|run| run.ramp(now)).unwrap_or_default(),
            traffic: run.map_or_else(Aged::default, |run| run.figures.traffic()),
            notices: self.notices.list(),
            calls: self.cloud.calls(),
            finding: false,
            others: Vec::new(),
            orders: super::snapshot::OrdersView::default(),
        }
    }
}
