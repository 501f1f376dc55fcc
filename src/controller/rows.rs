//! Each task of the run, one by one: for the screen, and for who reads their results.
//!
//! Invariants: a row says what was seen; what was never seen is none. Rows are made again
//! only when something changed, the more there are the more seldom, and only where
//! somebody looks. Who follows has them from the slot table in the bucket, read block by
//! block, those only that changed.

mod logs;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use logs::Logs;

use super::{
    actor::Actor,
    blocks::{self, BLOCK, Block, Entry},
    clock::wall,
    jobs::RunDone,
    known::{ENDED_MOST, Ended, state_of},
    live::Live,
    requests::task_name,
    run::{Run, TableState},
    snapshot::{Aged, InstancesView, TaskRow, TaskState},
};
use crate::{
    cloud::CloudError,
    model::{
        Millis,
        ranges::DeviceSet,
        slots::{Slot, SlotState},
    },
};

/// The time between two looks at the rows that there are few of.
const EVERY_MS: Millis = 250;
/// Rows for which it is a millisecond more.
const ROWS_PER_MS: u64 = 5;
/// How often who follows reads the slot table.
const READ_EVERY_MS: Millis = 10_000;
/// Where that has very many blocks: the time for each, so that ten a second are read.
const READ_EACH_MS: Millis = 100;
/// How long after its end a task may still bring results, in milliseconds.
const LATE_RESULTS_MS: Millis = 120_000;

/// The rows, and what they are made of.
#[derive(Debug, Default)]
pub(super) struct Rows {
    view: Aged<Arc<Vec<TaskRow>>>,
    /// What the run's tasks do, by the machine that they are on.
    used: HashMap<String, Used>,
    made_of: Option<MadeOf>,
    /// Not made again before then (monotonic).
    next: Millis,
    /// The bucket's time when they were looked at last.
    looked_at: Millis,
    /// The slot table as another leader wrote it, and the entity tags of its blocks.
    blocks: BTreeMap<u32, (String, Vec<Entry>)>,
    /// When it was read last without a gap (this machine's clock).
    read_at: Option<Millis>,
}

/// What rows depend on.
#[derive(Debug, Clone, PartialEq)]
struct MadeOf {
    table: TableState,
    over: bool,
    slots: u64,
    noted: u64,
    wish: u64,
    queued: usize,
    reports: u64,
    read_at: Option<Millis>,
    has_logs: bool,
}

/// What tasks on one machine do, as they said last.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    connected: u64,
    cpu: f64,
}

/// What the rows of one moment have in common.
struct Scene<'a> {
    live: &'a DeviceSet,
    reports: &'a Live,
    logs: &'a Logs,
    room: u32,
    /// Why tasks find no room.
    short: &'a str,
    /// This machine's time, and the bucket's.
    now: (Millis, Millis),
}

impl Actor {
    /// Makes the rows again if something of them changed.
    pub(super) fn refresh_rows(&mut self) {
        let (now, at) = (self.clock.monotonic(), self.clock.bucket());
        let region = self.fleet_cloud().region().to_owned();
        let stream = self.fleet.definition.as_ref().and_then(|it| it.log_stream.clone());
        let short = self.supply.shortage.map(|it| it.name(self.is_spot()));
        let seen_at = self.tasks_at;
        let details = self.options.details;
        let Some(run) = self.run.as_mut().filter(|run| details && now >= run.rows.next) else {
            return;
        };
        let folder = Some(run.folder.join("tasks")).filter(|folder| folder.is_dir());
        let container = run.cloud.names().container.clone();
        let logs = Logs { folder, stream: stream.map(|it| (it, container, region)) };
        run.refresh_rows(&logs, short.unwrap_or("the cluster is full"), (wall(), at));
        run.rows.next = now + EVERY_MS + run.rows.view.value.len() as u64 / ROWS_PER_MS;
        run.rows.view.at = match (run.has_table(), &run.told) {
            (true, _) => Some(seen_at.unwrap_or_else(wall)),
            // No newer than what its leader knew.
            (false, Some((told, _))) => run.rows.read_at.min(Some(self.clock.to_wall(told.at))),
            (false, None) => run.rows.read_at,
        };
    }

    /// The instances for the screen, with what the run's tasks do there.
    pub(super) fn instances_view(&self) -> InstancesView {
        let mut view = self.fleet.view(self.clock.monotonic());
        let used = self.run.as_ref().map(|run| &run.rows.used);
        for instance in &mut view.list {
            instance.since = instance.since.map(|at| self.clock.to_wall(at));
            if let Some(used) = used.and_then(|used| used.get(&instance.id)) {
                instance.connected = Some(u32::try_from(used.connected).unwrap_or(u32::MAX));
                instance.agents_cpu = Some(used.cpu);
            }
        }
        view
    }

    /// Reads the slot table that another leader writes, where somebody looks at it.
    pub(super) fn read_blocks(&mut self, now: Millis) {
        let Some(run) = self.run.as_ref().filter(|run| !run.has_table()) else {
            return;
        };
        if !self.options.details || !self.looks.blocks.is_due(now) {
            return;
        }
        let count = run.blocks_of_wish();
        let known = run.rows.blocks.iter().map(|(block, (etag, _))| (*block, etag.clone()));
        let job = blocks::look(run.cloud.clone(), run.prefix.clone(), count, known.collect());
        let (id, asked_at) = (run.id.clone(), wall());
        self.spawn_of_run(&id, async move {
            let (blocks, failed) = job.await;
            RunDone::Blocks(asked_at, blocks, failed)
        });
    }

    /// Blocks that another leader wrote were read at that time (this machine's clock).
    pub(super) fn learn_blocks(
        &mut self,
        read_at: Millis,
        blocks: Vec<(Block, String)>,
        failed: Option<CloudError>,
    ) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        for (mut block, etag) in blocks {
            // Nothing of them is shown, and they are the most of it.
            block.slots.iter_mut().for_each(|entry| entry.request = None);
            run.rows.blocks.insert(block.number, (etag, block.slots));
        }
        let each = READ_EACH_MS * Millis::from(run.blocks_of_wish());
        self.looks.blocks.done(now + READ_EVERY_MS.max(each));
        match failed {
            None => run.rows.read_at = Some(read_at),
            Some(error) => self.failed(&error, "what is shown of each task ages"),
        }
    }
}

impl Rows {
    /// The rows as they were made last.
    pub(super) fn view(&self) -> Aged<Arc<Vec<TaskRow>>> {
        self.view.clone()
    }
}

impl Run {
    /// The names of the tasks whose results may come: those that are placed, and those
    /// that ended a short while ago.
    pub(super) fn reporting_tasks(&self) -> Vec<String> {
        let named = |slot: u32, attempt: u32| task_name(slot, attempt);
        let is_late =
            |ended: &Ended| ended.id.is_some() && self.rows.looked_at <= ended.at + LATE_RESULTS_MS;
        let placed = |slot: &&Slot| matches!(slot.state, SlotState::Placed { .. });
        if self.has_table() {
            let alive = self.slots.iter().filter(placed);
            let ended = self.noted.ended().take_while(|(_, ended)| is_late(ended));
            return alive
                .map(|slot| named(slot.number, slot.attempt))
                .chain(ended.map(|(slot, ended)| named(slot, ended.attempt)))
                .collect();
        }
        let alive = self.followed().map(|entry| &entry.slot).filter(placed);
        let ended = self.followed_ends().filter(|(_, ended)| is_late(ended));
        alive
            .map(|slot| named(slot.number, slot.attempt))
            .chain(ended.map(|(slot, ended)| named(slot, ended.attempt)))
            .collect()
    }

    /// The slots as another leader wrote them.
    pub(super) fn followed(&self) -> impl Iterator<Item = &Entry> {
        self.rows.blocks.values().flat_map(|(_, entries)| entries)
    }

    fn followed_ends(&self) -> impl Iterator<Item = (u32, &Ended)> {
        self.followed()
            .filter_map(|entry| entry.known.ended.as_ref().map(|it| (entry.slot.number, it)))
    }

    /// The blocks that the slots of every batch are in.
    fn blocks_of_wish(&self) -> u32 {
        self.wish.next_index().div_ceil(self.slots.room()).div_ceil(BLOCK)
    }

    /// Makes the rows again if something changed; `now` is this machine's time and the
    /// bucket's.
    fn refresh_rows(&mut self, logs: &Logs, short: &str, now: (Millis, Millis)) {
        self.rows.looked_at = now.1;
        let made_of = MadeOf {
            table: self.table,
            over: self.has_ended(),
            slots: self.slots.revision(),
            noted: self.noted.revision(),
            wish: self.wish.version,
            queued: self.queue.len(),
            // Not when the latest ended: those of many tasks end at the same moment.
            reports: self.live.reported(),
            read_at: self.rows.read_at,
            has_logs: logs.folder.is_some() || logs.stream.is_some(),
        };
        if self.rows.made_of.as_ref() == Some(&made_of) {
            return;
        }
        self.rows.made_of = Some(made_of);
        for slot in self.slots.iter() {
            self.noted.observe(slot, now.1);
        }
        let live = self.preview(now.1).live;
        let (room, reports) = (self.slots.room(), &self.live);
        let scene = Scene { live: &live, reports, logs, room, short, now };
        let rows = if self.has_table() { self.own_rows(&scene) } else { self.told_rows(&scene) };
        self.rows.used = used(&rows);
        self.rows.view.value = Arc::new(rows);
    }

    /// The rows of who leads.
    fn own_rows(&self, scene: &Scene<'_>) -> Vec<TaskRow> {
        let waits = |slot: &Slot| matches!(&slot.state, SlotState::Placed { arn, .. } if self.provisioning.contains_key(arn));
        let live = self.slots.iter().filter_map(|slot| {
            let state = state_of(slot)?;
            let since = self.noted.since(slot.number, state);
            let mut row = scene.row(slot, state, self.noted.latest(slot.number));
            row.since = since.map(|at| scene.to_wall(at));
            row.instance = self.noted.machine(slot.number).map(str::to_owned);
            if waits(slot) {
                row.reason = Some("waits for an instance of its capacity provider".to_owned());
            }
            Some(row)
        });
        let ended = self.noted.ended().map(|(slot, ended)| scene.ended(slot, ended));
        live.chain(ended).collect()
    }

    /// The rows of who follows; of a run that is over, nothing is alive.
    fn told_rows(&self, scene: &Scene<'_>) -> Vec<TaskRow> {
        let live = self.followed().filter(|_| !self.has_ended()).filter_map(|entry| {
            let known = &entry.known;
            let mut row = scene.row(&entry.slot, state_of(&entry.slot)?, known.ended.as_ref());
            row.since = known.since.map(|at| scene.to_wall(at));
            row.instance.clone_from(&known.machine);
            Some(row)
        });
        let mut ended: Vec<_> = self.followed_ends().collect();
        ended.sort_by_key(|(_, ended)| std::cmp::Reverse(ended.at));
        ended.truncate(ENDED_MOST);
        live.chain(ended.into_iter().map(|(slot, ended)| scene.ended(slot, ended))).collect()
    }
}

impl Scene<'_> {
    /// A moment of the bucket's clock by this machine's.
    fn to_wall(&self, at: Millis) -> Millis {
        let (wall, bucket) = self.now;
        (wall + at).saturating_sub(bucket)
    }

    /// What a slot is at; `latest` is the end of the task before.
    fn row(&self, slot: &Slot, state: TaskState, latest: Option<&Ended>) -> TaskRow {
        let arn = match &slot.state {
            SlotState::Placed { arn, .. } => Some(arn.as_str()),
            _ => None,
        };
        // A slot that waits has no task; that before it has a row of its own.
        let name = match slot.state {
            SlotState::Asked { .. } | SlotState::Placed { .. } => {
                task_name(slot.number, slot.attempt)
            }
            _ => format!("{:05}", slot.number),
        };
        let failure = latest.filter(|it| it.failed).and_then(|it| it.reason.clone());
        let id = arn.map(short_id);
        TaskRow {
            slot: slot.number,
            attempt: slot.attempt,
            instance: None,
            first: slot.number.saturating_mul(self.room),
            room: self.room,
            devices: self.live.within(slot.number.saturating_mul(self.room), self.room).len(),
            state,
            since: None,
            exit_code: None,
            reason: match state {
                TaskState::NoRoom => Some(self.short.to_owned()),
                TaskState::Due | TaskState::GivenUp => failure,
                _ => None,
            },
            report: arn.and_then(|_| self.reports.report(&name)),
            log: id.as_deref().and_then(|id| self.logs.command(&name, id)),
            id,
            name,
        }
    }

    /// A task that ended.
    fn ended(&self, slot: u32, ended: &Ended) -> TaskRow {
        let name = task_name(slot, ended.attempt);
        TaskRow {
            slot,
            attempt: ended.attempt,
            id: ended.id.clone(),
            instance: ended.machine.clone(),
            first: slot.saturating_mul(self.room),
            room: self.room,
            devices: ended.devices,
            state: if ended.failed { TaskState::Failed } else { TaskState::Stopped },
            since: Some(self.to_wall(ended.at)),
            exit_code: ended.exit_code,
            reason: ended.reason.clone(),
            report: self.reports.report(&name),
            log: ended.id.as_deref().and_then(|id| self.logs.command(&name, id)),
            name,
        }
    }
}

/// The last part of a task's ARN.
pub(super) fn short_id(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// What the tasks on each machine do, as they said last.
fn used(rows: &[TaskRow]) -> HashMap<String, Used> {
    let mut by_machine: HashMap<String, Used> = HashMap::new();
    let alive = rows.iter().filter(|row| {
        matches!(row.state, TaskState::Pending | TaskState::Running | TaskState::Stopping)
    });
    for row in alive {
        if let (Some(machine), Some(report)) = (&row.instance, &row.report) {
            let used = by_machine.entry(machine.clone()).or_default();
            used.connected += report.devices.connected;
            used.cpu += report.cpu;
        }
    }
    by_machine
}
