//! One run: its wish, its slots, and what is known of both.
//!
//! Pure decisions over plain data; the actor carries them out. Invariants: the wish
//! here is the one in the bucket; what was asked for and is not there yet waits in
//! `queue`. The slots are those of the bucket only while `table` says so.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    blocks::Table,
    cost::Money,
    figures::Figures,
    jobs::Progress as Reading,
    known::Noted,
    live::Live,
    marks::Marks,
    open::Opening,
    progress::{Progress, Tally},
    requests::prefix,
    rows::Rows,
    sweep::Sweep,
    switch::Settling,
};
use crate::{
    cloud::{Cloud, Names, types::TaskRequest},
    model::{
        Millis,
        confirmed::Confirmed,
        leadership::Leadership,
        registry::{Registry, Workload},
        slots::{SlotState, Slots},
        switch::Switch,
        wish::{Change, Edit, State, Wish},
    },
    plan::Plan,
    record::Journal,
    report::Summary,
};

mod end;
mod windows;

pub(super) use end::{Ending, Over, Stage};

/// How long after a lost answer to RunTask its task may still appear in lists.
pub(super) const DOUBT_MS: Millis = 15_000;

/// One run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    /// `loadtop/RUN/`, before every key.
    pub(super) prefix: String,
    pub(super) registry: Registry,
    /// What its devices do.
    pub(super) plan: Option<Plan>,
    /// The plans that are on their way.
    pub(super) opening: Opening,
    /// The clients, with the names of what this run uses.
    pub(super) cloud: Cloud,
    pub(super) folder: PathBuf,
    pub(super) journal: Option<Arc<Journal>>,
    /// The wish as it is in the bucket.
    pub(super) wish: Wish,
    /// Its entity tag; none before it was written first.
    pub(super) etag: Option<String>,
    /// Edits that are not in the bucket yet.
    pub(super) queue: Vec<Edit>,
    /// The orders that edits come from, by the edit's id.
    pub(super) ordered: BTreeMap<String, u64>,
    /// Who leads.
    pub(super) lead: Leadership,
    pub(super) table: TableState,
    /// The table is not read again before then (monotonic), after that failed.
    pub(super) table_from: Millis,
    pub(super) slots: Slots,
    /// The version of the wish that the tasks were matched with last.
    pub(super) matched: u64,
    /// The requests of attempts that were made by another leader, by slot.
    pub(super) requests: BTreeMap<u32, TaskRequest>,
    /// The expiry in the requests of our own attempts: slot, attempt and lease (the
    /// bucket's clock).
    pub(super) expiries: HashMap<u32, (u32, Millis)>,
    /// The entity tags of the slot table's blocks.
    pub(super) block_etags: BTreeMap<u32, String>,
    /// Slots whose request is not in the bucket yet, and their attempts.
    pub(super) unrecorded: Vec<(u32, u32)>,
    /// Blocks of the slot table that changed since they were written.
    pub(super) changed_blocks: BTreeSet<u32>,
    /// Whether blocks are being written; one write at a time keeps them in order.
    pub(super) recording: bool,
    /// Outcomes alone are written not before then (monotonic).
    pub(super) record_from: Millis,
    /// Slots whose RunTask waits for its turn.
    pub(super) launches: VecDeque<(u32, u32)>,
    /// RunTask calls on their way.
    pub(super) launching: usize,
    /// A task of a RunTask whose answer was lost may still appear until then
    /// (monotonic): lists before then prove nothing.
    pub(super) doubtful_until: Millis,
    /// StopTask calls on their way, by slot.
    pub(super) stopping: BTreeSet<u32>,
    /// When StopTask may be called again after it failed, by slot (monotonic).
    pub(super) stop_from: BTreeMap<u32, Millis>,
    /// Tasks that ECS does not know, since when (monotonic).
    pub(super) unknown: BTreeMap<String, Millis>,
    /// Tasks of the run that no slot knows; they are stopped too.
    pub(super) strays: BTreeSet<String>,
    /// Those of them that were not told to stop, and when they may be (monotonic).
    pub(super) stray_from: BTreeMap<String, Millis>,
    /// The container instances that tasks are on, as far as seen.
    pub(super) hosts: HashMap<String, String>,
    /// Tasks that wait for their capacity provider's instances, and since when
    /// (monotonic).
    pub(super) provisioning: BTreeMap<String, Millis>,
    /// What is known of the tasks beside the slots.
    pub(super) noted: Noted,
    /// Each task, for the screen.
    pub(super) rows: Rows,
    pub(super) sweep: Sweep,
    /// The calls of earlier runs, by operation.
    pub(super) calls_before: BTreeMap<String, u64>,
    /// How far reading the results is.
    pub(super) reading: Arc<Reading>,
    pub(super) figures: Figures,
    /// The exact results, as far as they came.
    pub(super) live: Live,
    /// What happened when.
    pub(super) marks: Marks,
    pub(super) tally: Tally,
    /// What it costs, as far as that is counted here.
    pub(super) money: Money,
    /// Who agreed to its end, if that was here.
    pub(super) confirmed: Option<Confirmed>,
    pub(super) ending: Option<Ending>,
    pub(super) summary: Option<Arc<Summary>>,
    /// What the leader says, where that is another one, and its entity tag.
    pub(super) told: Option<(Progress, String)>,
    /// What was told by us last.
    pub(super) telling: Telling,
    /// Whether its end is being read or known.
    pub(super) over: Over,
    /// What ends its instances when nobody is left.
    pub(super) switch: Switch,
    /// What is left to do with its group after its end.
    pub(super) settling: Settling,
    /// When batches were asked for, by first device: their deadline counts from there.
    asked_at: BTreeMap<u32, Millis>,
}

/// Whether the slots here are those of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableState {
    /// No: another one leads, or led until now.
    Unknown,
    /// They are being read.
    Reading,
    /// Yes, under this term.
    Ours(u64),
}

/// What was told to those who do not lead.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pub(super) on_its_way: bool,
    /// Whether the last word, that the run has ended, is still to be told.
    pub(super) last_word: bool,
    /// Not before then (monotonic).
    pub(super) from: Millis,
    pub(super) last: Option<Progress>,
}

impl Run {
    /// A run with this wish. One that we begin has its table: there is nothing in it.
    pub(super) fn new(
        registry: Registry,
        plan: Option<Plan>,
        cloud: &Cloud,
        wish: Wish,
        lead: Leadership,
        runs: &Path,
    ) -> Self {
        let id = registry.run.clone();
        let cloud = cloud.with_names(names(cloud, &registry));
        let mut registry = registry;
        if let Some(target) = plan.as_ref().and_then(Plan::target) {
            registry.target = Some(target.to_string());
        }
        Run {
            prefix: prefix(&id),
            folder: runs.join(&id),
            id,
            plan,
            opening: Opening::new(&wish.plan),
            cloud,
            journal: None,
            wish,
            etag: None,
            queue: Vec::new(),
            ordered: BTreeMap::new(),
            lead,
            table: TableState::Unknown,
            table_from: 0,
            slots: Slots::new(registry.room),
            matched: 0,
            requests: BTreeMap::new(),
            expiries: HashMap::new(),
            block_etags: BTreeMap::new(),
            unrecorded: Vec::new(),
            changed_blocks: BTreeSet::new(),
            recording: false,
            record_from: 0,
            launches: VecDeque::new(),
            launching: 0,
            doubtful_until: 0,
            stopping: BTreeSet::new(),
            stop_from: BTreeMap::new(),
            unknown: BTreeMap::new(),
            strays: BTreeSet::new(),
            stray_from: BTreeMap::new(),
            hosts: HashMap::new(),
            provisioning: BTreeMap::new(),
            noted: Noted::default(),
            rows: Rows::default(),
            sweep: Sweep::default(),
            calls_before: BTreeMap::new(),
            reading: Arc::default(),
            figures: Figures::default(),
            live: Live::default(),
            marks: Marks::default(),
            tally: Tally::default(),
            money: Money::default(),
            confirmed: None,
            ending: None,
            summary: None,
            told: None,
            telling: Telling::default(),
            over: Over::No,
            switch: Switch::default(),
            settling: Settling::default(),
            asked_at: BTreeMap::new(),
            registry,
        }
    }

    /// The key of an object of the run.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Queues a change of the wish; its id.
    pub(super) fn change(&mut self, change: Change) -> String {
        let id = Uuid::new_v4().simple().to_string();
        self.queue.push(Edit { id: id.clone(), change });
        id
    }

    /// The wish with everything that is queued, by the bucket's time `at`.
    pub(super) fn preview(&self, at: Millis) -> Wish {
        self.queue.iter().fold(self.wish.clone(), |wish, edit| wish.edited(edit, at))
    }

    /// Whether devices are paced by the leader, one task each.
    pub(super) fn is_of_images(&self) -> bool {
        matches!(self.registry.workload, Workload::Image { .. })
    }

    /// Whether the run is to end, or has ended.
    pub(super) fn is_ending(&self) -> bool {
        let asked = |edit: &Edit| matches!(edit.change, Change::Stop { .. });
        self.ending.is_some()
            || self.over != Over::No
            || self.wish.state == State::Stop
            || self.queue.iter().any(asked)
    }

    /// Whether the run has ended: nothing of it is left, and its results are in.
    pub(super) fn has_ended(&self) -> bool {
        self.over == Over::Yes
            || self.ending.as_ref().is_some_and(|ending| ending.stage == Stage::Ended)
    }

    /// Whether the slots are known, since we lead or led until now.
    pub(super) fn has_table(&self) -> bool {
        matches!(self.table, TableState::Ours(_))
    }

    /// Takes over what a leader before left.
    pub(super) fn take_table(&mut self, table: Table, term: u64, now: Millis) {
        self.noted = Noted::restore(table.known);
        self.slots = Slots::restore(self.registry.room, table.slots, now);
        if self.slots.iter().any(|slot| matches!(slot.state, SlotState::Asked { .. })) {
            self.doubtful_until = now + DOUBT_MS;
        }
        self.requests = table.requests;
        self.expiries.clear();
        self.block_etags = table.etags;
        self.take_cost(table.progress.as_ref().and_then(|it| it.cost.as_deref()));
        if let Some(progress) = table.progress {
            self.tally = progress.tally;
        }
        self.unrecorded.clear();
        self.changed_blocks.clear();
        self.recording = false;
        self.launches.clear();
        self.launching = 0;
        self.stopping.clear();
        self.stop_from.clear();
        self.unknown.clear();
        self.provisioning.clear();
        self.sweep = Sweep::default();
        self.ending = None;
        self.table = TableState::Ours(term);
    }

    /// Forgets what another leader knows better by now.
    pub(super) fn lose_table(&mut self) {
        self.table = TableState::Unknown;
        self.ending = None;
        self.switch = Switch::default();
    }

    /// Believes a wish of the bucket, unless a newer one is known.
    pub(super) fn take_wish(&mut self, wish: Wish, etag: String, now: Millis) {
        if self.etag.is_some() && wish.version < self.wish.version {
            return;
        }
        self.wish = wish;
        self.etag = Some(etag);
        for batch in self.wish.batches.iter().filter(|batch| batch.start_at.is_none()) {
            self.asked_at.entry(batch.first).or_insert(now);
        }
    }

    /// Counts a failure by reason.
    pub(super) fn failure(&mut self, reason: &str) {
        self.tally.failed += 1;
        *self.tally.failures.entry(reason.to_owned()).or_default() += 1;
    }

    /// Devices that are wanted and have no task, since their slots were given up.
    pub(super) fn devices_given_up(&self) -> u32 {
        let in_slot = |number| {
            self.wish.live.within(self.slots.first_device(number), self.slots.room()).len()
        };
        self.slots.given_up().map(|slot| in_slot(slot.number)).sum()
    }
}

/// The names of what this run uses, as far as its registry says.
fn names(cloud: &Cloud, registry: &Registry) -> Names {
    let mut names = cloud.names().clone();
    if let Workload::Image { definition, container, .. } = &registry.workload {
        names.task_definition.clone_from(definition);
        names.container.clone_from(container);
    }
    if let Some(capacity) = &registry.capacity {
        names.capacity.clone_from(capacity);
        names.network.clone_from(&registry.network);
    }
    if let Some(definition) = &registry.definition {
        names = names.of(definition);
    }
    names
}
