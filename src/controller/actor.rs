//! The actor: its state and its only loop.
//!
//! What it does is beside it: [`orders`](super::orders) turns commands into
//! changes, [`advance`](super::advance) starts the calls that are due,
//! [`learn`](super::learn) and [`tasks`](super::tasks) take their answers in,
//! [`lead`](super::lead) says who starts and stops tasks, [`end`](super::end) brings a
//! run to zero. Invariant: nothing in the loop waits for the network.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Command, Options,
    clock::{Clock, wall},
    fleet::Fleet,
    jobs::{Done, RunDone},
    join::Finding,
    notices::Notices,
    run::{Over, Run, Telling},
    snapshot::{Level, OrdersView, Snapshot},
    supply::Supply,
};
use crate::{
    cloud::{Cloud, CloudError, Site},
    model::{
        Millis,
        forecast::Basis,
        leadership::Leadership,
        quota::{Quotas, RECOVERY_MS},
    },
    record::Journal,
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
    /// Who scales the group, and what is short.
    pub(super) supply: Supply,
    /// When the instances were seen last (this machine's clock).
    pub(super) fleet_at: Option<Millis>,
    pub(super) run: Option<Run>,
    /// Who this is, for `leader.json`: nobody else has this name.
    pub(super) me: String,
    /// Whether the order to leave was given: nothing is led any more.
    pub(super) left: bool,
    /// The search for runs that are on.
    pub(super) finding: Finding,
    /// Other runs here that have not ended.
    pub(super) others: Vec<String>,
    /// What became of the orders.
    pub(super) orders: OrdersView,
    /// Orders that wait until it is known which run they are for.
    pub(super) held: VecDeque<Command>,
    /// Whether the instances that are wholly ours go as soon as it is seen which.
    pub(super) to_least: bool,
    /// AWS's token buckets, as far as we know how full they are.
    pub(super) quotas: Quotas,
    /// When the run's tasks were seen last (this machine's clock).
    pub(super) tasks_at: Option<Millis>,
    pub(super) looks: Looks,
    /// Operations that AWS throttled, and until when they go more slowly (monotonic).
    pub(super) slowed: BTreeMap<&'static str, Millis>,
    /// What a forecast starts from, and not made again before then (monotonic).
    pub(super) basis: Option<Arc<Basis>>,
    pub(super) basis_from: Millis,
    jobs: JoinSet<Done>,
    commands: mpsc::Receiver<Command>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    cancel: CancellationToken,
}

/// What is looked at again and again: when next, and whether a look is on its way.
#[derive(Debug, Default)]
pub(super) struct Looks {
    pub(super) definition: Look,
    pub(super) providers: Look,
    pub(super) quota: Look,
    pub(super) counts: Look,
    pub(super) instances: Look,
    pub(super) progress: Look,
    pub(super) blocks: Look,
    pub(super) figures: Look,
    /// The figures of what was before.
    pub(super) past: Look,
    pub(super) wish: Look,
    /// Whether a write of the wish is on its way.
    pub(super) editing: bool,
    /// Not before then (monotonic), after a failed write.
    pub(super) edit_from: Millis,
}

impl Looks {
    /// A new run: its own things were never looked at.
    pub(super) fn begin_run(&mut self) {
        self.progress = Look::default();
        self.blocks = Look::default();
        self.figures = Look::default();
        self.past = Look::default();
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

    /// Lets the next look come at once.
    pub(super) fn hurry(&mut self) {
        self.next = 0;
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
        let clock = Clock::new();
        let first = Snapshot::nothing(wall(), site.clone());
        let (snapshots, seen) = watch::channel(Arc::new(first));
        let mut fleet = Fleet::default();
        fleet.definition.clone_from(&options.takes);
        let mut actor = Actor {
            me: name(),
            left: false,
            finding: Finding::default(),
            others: Vec::new(),
            orders: OrdersView::default(),
            held: VecDeque::new(),
            to_least: false,
            quotas: Quotas::new(clock.monotonic()),
            cloud,
            site,
            options,
            clock,
            notices: Notices::default(),
            fleet,
            supply: Supply::default(),
            fleet_at: None,
            run: None,
            tasks_at: None,
            looks: Looks::default(),
            slowed: BTreeMap::new(),
            basis: None,
            basis_from: 0,
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
        let mut published = Instant::now();
        loop {
            self.clock.tick();
            // What a person or the clock asked for is shown at once; answers, of which
            // there may be very many, no oftener than the clock.
            let mut show = true;
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                command = self.commands.recv() => match command {
                    Some(command) => self.order(command),
                    None => break,
                },
                Some(done) = self.jobs.join_next() => {
                    show = published.elapsed() >= TICK;
                    match done {
                        Ok(done) => self.learn(done),
                        Err(error) => self.start_over(&error),
                    }
                }
                _ = tick.tick() => {}
            }
            self.clock.tick();
            self.advance();
            if show {
                self.publish();
                published = Instant::now();
            }
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

    /// AWS throttled an operation: it goes more slowly for a while.
    pub(super) fn slowed(&mut self, call: &'static str) {
        self.slowed.insert(call, self.clock.monotonic() + RECOVERY_MS);
    }

    /// A job panicked, and whatever waits for it would wait for ever: all that is known
    /// to be on its way is forgotten, and what the bucket says is read again.
    fn start_over(&mut self, error: &JoinError) {
        let text = format!("a call failed for a reason of loadtop's own, going on: {error}");
        self.notice(Level::Error, text);
        self.looks = Looks::default();
        self.finding.forget();
        self.fleet.forget_calls();
        self.run.iter_mut().for_each(|run| run.opening.forget());
        let wants = self.options.leads && !self.left;
        if let Some(run) = self.run.as_mut().filter(|run| !run.has_ended()) {
            run.lead = Leadership::new(self.me.clone(), wants);
            run.recording = false;
            run.live.forget_calls();
            run.telling = Telling::default();
            run.over = Over::No;
            run.lose_table();
        }
    }

    fn publish(&mut self) {
        self.refresh_rows();
        let snapshot = self.snapshot();
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// The journal of the run, if one is on.
    pub(super) fn journal(&self) -> Option<Arc<Journal>> {
        self.run.as_ref().and_then(|run| run.journal.clone())
    }
}

/// Who this controller is: for people before the `#`, unique with what follows it.
fn name() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
    let user = user.unwrap_or_else(|_| "somebody".to_owned());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}#{}-{}", std::process::id(), &Uuid::new_v4().simple().to_string()[..8])
}
