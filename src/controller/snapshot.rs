//! All that the controller knows now, each part with its age.
//!
//! Invariant: a snapshot is plain data, made whole by the controller and never
//! changed after. Nothing in it is newer than its `at`.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    cloud::Site,
    model::{Millis, cost::Bill, forecast::Basis},
    report::Summary,
};

mod capacity;
mod detail;
mod instances;
mod latency;
mod traffic;

pub use capacity::{CapacityView, FargateView, ScaledBy};
pub use detail::{InstanceState, Mark, MarkKind, TaskReport, TaskRow, TaskState};
pub use instances::{InstanceView, InstancesView};
pub use latency::{Column, LabelColumn, LatencyView};
pub use traffic::{Point, Quantiles, TrafficView, Window};

/// A value and when it was true.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Aged<T> {
    /// The value.
    pub value: T,
    /// When it was read, in milliseconds since the Unix epoch by this machine's
    /// clock; none as long as it never was.
    pub at: Option<Millis>,
}

/// All that the controller knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was put together (this machine's clock).
    pub at: Millis,
    /// Where the fleet runs.
    pub site: Site,
    /// What the devices talk to, as text.
    pub target: String,
    /// The run; none before the first batch.
    pub run: Option<RunView>,
    /// What tasks run on.
    pub capacity: CapacityView,
    /// The instances; never seen where there are none.
    pub instances: Aged<InstancesView>,
    /// The tasks.
    pub tasks: Aged<TasksView>,
    /// Each task of the run, and each slot that waits for one, by slot; those that ended
    /// come last, the latest first, as many as are kept.
    pub task_rows: Aged<Arc<Vec<TaskRow>>>,
    /// The devices, as the agents say.
    pub devices: Aged<DevicesView>,
    /// How far the starts are.
    pub ramp: RampView,
    /// Requests and their times, as the agents say.
    pub traffic: Aged<TrafficView>,
    /// Exact response times, as far as they came into the bucket; the age is that of
    /// the latest column's end.
    pub latency: Aged<Arc<LatencyView>>,
    /// What happened, oldest first, as many as are kept.
    pub marks: Arc<Vec<Mark>>,
    /// Until when calls go more slowly since AWS throttled some, by operation (this
    /// machine's clock).
    pub throttled: BTreeMap<String, Millis>,
    /// The latest notices, oldest first; numbers only grow.
    pub notices: Arc<Vec<Notice>>,
    /// Calls so far by operation, and `throttled`.
    pub calls: BTreeMap<String, u64>,
    /// Whether live runs are still being looked for, as at the start.
    pub finding: bool,
    /// Other runs here that have not ended.
    pub others: Vec<String>,
    /// What became of the orders.
    pub orders: OrdersView,
    /// What the run costs; none where nothing does, or as long as that is not known.
    pub cost: Option<Bill>,
    /// What a forecast of the next batch starts from; none as long as that is not known.
    pub basis: Option<Arc<Basis>>,
}

impl Snapshot {
    /// Before anything is known.
    #[must_use]
    pub fn nothing(at: Millis, site: Site) -> Self {
        Snapshot {
            at,
            site,
            target: String::new(),
            run: None,
            capacity: CapacityView::default(),
            instances: Aged::default(),
            tasks: Aged::default(),
            task_rows: Aged::default(),
            devices: Aged::default(),
            ramp: RampView::default(),
            traffic: Aged::default(),
            latency: Aged::default(),
            marks: Arc::default(),
            throttled: BTreeMap::new(),
            notices: Arc::default(),
            calls: BTreeMap::new(),
            finding: false,
            others: Vec::new(),
            orders: OrdersView::default(),
            cost: None,
            basis: None,
        }
    }
}

/// What became of the orders that the controller was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrdersView {
    /// How many it took.
    pub taken: u64,
    /// The latest ones that could not be carried out: their number, counted from 1,
    /// and why.
    pub refused: Vec<(u64, String)>,
    /// Edits that are not in the bucket's wish yet.
    pub unwritten: u32,
}

impl OrdersView {
    /// Whether the order with this number is in the wish, or was carried out; the
    /// error is why not. None: not yet.
    #[must_use]
    pub fn outcome(&self, number: u64) -> Option<Result<(), &str>> {
        if let Some((_, why)) = self.refused.iter().find(|(it, _)| *it == number) {
            return Some(Err(why));
        }
        (self.taken >= number && self.unwritten == 0).then_some(Ok(()))
    }
}

/// The run as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// What it is at.
    pub phase: Phase,
    /// When it began (this machine's clock).
    pub started_at: Millis,
    /// Milliseconds until agents stop by themselves, unless the lease is renewed.
    pub lease_left_ms: Millis,
    /// Who leads it.
    pub lead: LeadView,
    /// Something that is wrong for as long as the run lasts, such as that nothing ends
    /// its tasks if every controller goes.
    pub warning: Option<String>,
    /// How long agents take to see a change of the wish, at most, in milliseconds.
    pub poll_ms: Millis,
    /// Requests per second that all devices together are to make; none: each makes as
    /// many as its scenario does.
    pub rate: Option<f64>,
    /// What is left, and how to end it by hand, where the end of a run does not come.
    pub stuck: Option<Arc<Stuck>>,
    /// Its folder.
    pub folder: PathBuf,
    /// What it found, once it has ended.
    pub summary: Option<Arc<Summary>>,
}

/// Who leads a run: starts and stops its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LeadView {
    /// That is not known yet.
    #[default]
    Unknown,
    /// This controller.
    Us {
        /// Its term.
        term: u64,
    },
    /// This controller, but it cannot renew its term: nothing is started or stopped
    /// until it can.
    Unsure,
    /// Another one.
    Other {
        /// Who.
        owner: String,
        /// How long nothing was heard of it, in milliseconds.
        silent_ms: Millis,
        /// Whether and when this controller takes over if that goes on.
        takeover_ms: Option<Millis>,
    },
    /// Nobody: tasks are neither started nor stopped, and agents end with the lease.
    Nobody,
}

/// What is left of a run that does not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// What is left, and why as far as known.
    pub what: Vec<String>,
    /// The commands that end it by hand.
    pub commands: Vec<String>,
}

/// What a run is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Phase {
    /// Devices start and run.
    Running,
    /// No device starts.
    Paused,
    /// Devices and tasks are being ended.
    Ending {
        /// Tasks that still run.
        tasks_left: u32,
        /// How long that takes at most, if all goes well, in milliseconds.
        left_ms: Option<Millis>,
    },
    /// Nothing runs any more, and that was checked; the exact results are being read.
    Collecting {
        /// Parts that were read.
        read: u32,
        /// Parts there are; 0 as long as that is not known.
        of: u32,
    },
    /// Nothing runs any more, and the results are in.
    Ended,
}

/// The tasks of the run by their state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TasksView {
    /// Those that the wish needs.
    pub wanted: u32,
    /// Those that wait because the cluster is full.
    pub waiting_for_room: u32,
    /// RunTask was called or is about to be; not seen yet.
    pub requested: u32,
    /// PROVISIONING or PENDING.
    pub pending: u32,
    /// RUNNING.
    pub running: u32,
    /// Told to stop, and not STOPPED yet.
    pub stopping: u32,
    /// STOPPED as asked for.
    pub stopped: u32,
    /// STOPPED without having been asked, or never started.
    pub failed: u32,
    /// Slots that were given up after too many failures: their devices are missing.
    pub given_up: u32,
    /// Failures by reason.
    pub failures: BTreeMap<String, u32>,
    /// How long it takes until every task was looked at again, in milliseconds: a lost
    /// one is found by then.
    pub swept_every_ms: Millis,
}

/// The devices by their state, over all agents that reported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DevicesView {
    /// Those that the wish wants.
    pub wanted: u32,
    /// On their way to their first connection.
    pub starting: u32,
    /// Connected now.
    pub connected: u32,
    /// Not connected; they try again.
    pub failed: u32,
    /// Started later than they should have.
    pub late: u32,
    /// Tasks that these figures are of.
    pub tasks_reporting: u32,
    /// Tasks that should have reported.
    pub tasks_expected: u32,
}

/// How far the starts are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RampView {
    /// Live devices.
    pub total: u32,
    /// Those of them that should have started by now.
    pub planned: u32,
    /// Milliseconds until the last window closes; none while that is not known
    /// (paused, or waiting for tasks). Zero: no ramp is on.
    pub left_ms: Option<Millis>,
}

impl RampView {
    /// Whether every live device should have started.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left_ms == Some(0)
    }
}

/// One numbered line for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Counts up from 1.
    pub number: u64,
    /// When (this machine's clock).
    pub at: Millis,
    /// How grave.
    pub level: Level,
    /// What happened, with the name of the thing, and what to do.
    pub text: String,
    /// How often it came in a row.
    pub times: u32,
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is not as asked for.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// All of them, the least grave first.
    pub const ALL: [Level; 3] = [Level::Info, Level::Warning, Level::Error];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}
