//! One run: its wish, its slots, and what is known of both.
//!
//! Pure decisions over plain data; the actor carries them out. Invariant: the wish
//! here is the one in the bucket; what was asked for and is not there yet waits in
//! `queue`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use uuid::Uuid;

use super::{
    figures::Figures,
    jobs::Progress,
    snapshot::{Phase, RampView, TasksView},
};
use crate::{
    cloud::{Names, types::TaskRequest},
    model::{
        Millis,
        confirmed::Confirmed,
        ramp,
        slots::{SlotState, Slots},
        wish::{Change, Edit, State, Wish},
    },
    record::Journal,
    report::Summary,
};

/// Slots of one block, one object of the bucket.
const BLOCK: u32 = 100;
/// How long a task may take to end after SIGTERM: ECS's default stop timeout, which
/// loadtop's task definitions keep.
const STOP_MS: Millis = 30_000;
/// A batch's window opens at the latest so long after it was asked for, whoever runs.
const LAUNCH_DEADLINE_MS: Millis = 60_000;

/// One run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    /// `loadtop/RUN/`, before every key.
    pub(super) prefix: String,
    pub(super) started_at: Millis,
    pub(super) folder: PathBuf,
    pub(super) journal: Option<Arc<Journal>>,
    /// The wish as it is in the bucket.
    pub(super) wish: Wish,
    /// Its entity tag; none before it was written first.
    pub(super) etag: Option<String>,
    /// Edits that are not in the bucket yet.
    pub(super) queue: Vec<Edit>,
    pub(super) slots: Slots,
    /// Slots whose request is not in the bucket yet, and their attempts.
    pub(super) unrecorded: Vec<(u32, u32)>,
    /// Blocks of the slot table that changed since they were written.
    pub(super) changed_blocks: BTreeSet<u32>,
    /// Whether blocks are being written; one write at a time keeps them in order.
    pub(super) recording: bool,
    /// Slots whose RunTask waits for its turn.
    pub(super) launches: VecDeque<(u32, u32)>,
    /// RunTask calls on their way.
    pub(super) launching: usize,
    /// StopTask calls on their way, by slot.
    pub(super) stopping: BTreeSet<u32>,
    /// When StopTask may be called again after it failed, by slot (monotonic).
    pub(super) stop_from: BTreeMap<u32, Millis>,
    /// Tasks that ECS does not know, since when (monotonic).
    pub(super) unknown: BTreeMap<String, Millis>,
    /// Tasks of the run that no slot knows; they are stopped too.
    pub(super) strays: BTreeSet<String>,
    /// Tasks that ended by themselves, and when that was seen (the bucket's clock).
    pub(super) lost: Vec<(String, Millis)>,
    /// The calls of earlier runs, by operation.
    pub(super) calls_before: BTreeMap<String, u64>,
    /// How far reading the results is.
    pub(super) progress: Arc<Progress>,
    pub(super) figures: Figures,
    pub(super) tally: Tally,
    pub(super) ending: Option<Ending>,
    pub(super) summary: Option<Arc<Summary>>,
    /// When batches were asked for, by first device: their deadline counts from there.
    asked_at: BTreeMap<u32, Millis>,
}

/// What happened to the tasks so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    pub(super) started: u32,
    pub(super) stopped: u32,
    pub(super) failed: u32,
    pub(super) failures: BTreeMap<String, u32>,
}

/// How far the end of a run is.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// When it was asked for (monotonic).
    pub(super) since: Millis,
    /// When the wish said so (the bucket's clock).
    pub(super) stopped_at: Option<Millis>,
    /// Who agreed.
    pub(super) confirmed: Confirmed,
    pub(super) scale_to_zero: bool,
    /// Lists of tasks in a row that were empty, and when the last was asked for.
    pub(super) empty_lists: u32,
    pub(super) listed_at: Option<Millis>,
    pub(super) listing: bool,
    pub(super) stage: Stage,
}

/// The stages of a run's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Devices and tasks are being ended.
    Clearing,
    /// Nothing runs; the results are being collected.
    Collecting,
    /// Done.
    Ended,
}

impl Run {
    /// A new run with this wish, not yet in the bucket.
    pub(super) fn new(
        id: String,
        wish: Wish,
        room: u32,
        started_at: Millis,
        runs: &std::path::Path,
    ) -> Self {
        Run {
            prefix: format!("loadtop/{id}/"),
            folder: runs.join(&id),
            id,
            started_at,
            journal: None,
            wish,
            etag: None,
            queue: Vec::new(),
            slots: Slots::new(room),
            unrecorded: Vec::new(),
            changed_blocks: BTreeSet::new(),
            recording: false,
            launches: VecDeque::new(),
            launching: 0,
            stopping: BTreeSet::new(),
            stop_from: BTreeMap::new(),
            unknown: BTreeMap::new(),
            strays: BTreeSet::new(),
            lost: Vec::new(),
            calls_before: BTreeMap::new(),
            progress: Arc::default(),
            figures: Figures::default(),
            tally: Tally::default(),
            ending: None,
            summary: None,
            asked_at: BTreeMap::new(),
        }
    }

    /// The key of an object of the run.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Queues a change of the wish.
    pub(super) fn change(&mut self, change: Change) {
        self.queue.push(Edit { id: Uuid::new_v4().simple().to_string(), change });
    }

    /// The wish with everything that is queued, as if the lease held: whether it does
    /// is seen when it is written.
    pub(super) fn preview(&self) -> Wish {
        self.queue.iter().fold(self.wish.clone(), |wish, edit| wish.edited(edit, 0))
    }

    /// The name of an attempt's task.
    pub(super) fn task_name(slot: u32, attempt: u32) -> String {
        format!("{slot:05}-{attempt}")
    }

    /// The idempotency token of an attempt: the same for whoever asks. A UUID has
    /// 36 of the 64 characters that are allowed.
    pub(super) fn token(&self, slot: u32, attempt: u32) -> String {
        let name = format!("{}/{slot}/{attempt}", self.id);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// The slots of a block, for its object.
    pub(super) fn block_of(slot: u32) -> u32 {
        slot / BLOCK
    }

    /// A block of the slot table, with the exact requests.
    pub(super) fn block(&self, block: u32, names: &Names) -> serde_json::Value {
        let slots: Vec<_> = self
            .slots
            .iter()
            .filter(|slot| Run::block_of(slot.number) == block)
            .map(|slot| {
                let first = self.slots.first_device(slot.number);
                serde_json::json!({
                    "slot": slot.number,
                    "first": first,
                    "room": self.slots.room(),
                    "attempt": slot.attempt,
                    "request": self.request(slot.number, slot.attempt, names),
                    "outcome": slot.state,
                })
            })
            .collect();
        serde_json::json!({
            "run": self.id,
            "block": block,
            "cluster": names.cluster,
            "task_definition": names.task_definition,
            "container": names.container,
            "slots": slots,
        })
    }

    /// What RunTask is called with for an attempt: the same whoever asks, and when.
    pub(super) fn request(&self, slot: u32, attempt: u32, names: &Names) -> TaskRequest {
        let tag = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        TaskRequest {
            client_token: self.token(slot, attempt),
            started_by: self.started_by(),
            environment: self.environment(slot, attempt, names),
            tags: vec![
                tag("loadtop:run", &self.id),
                tag("loadtop:version", env!("CARGO_PKG_VERSION")),
            ],
        }
    }

    /// What the run's tasks are found by.
    pub(super) fn started_by(&self) -> String {
        format!("loadtop/{}", self.id)
    }

    /// What a task is told.
    fn environment(&self, slot: u32, attempt: u32, names: &Names) -> Vec<(String, String)> {
        let first = self.slots.first_device(slot);
        [
            ("LOADTOP_BUCKET", names.bucket.clone()),
            ("LOADTOP_STOP_MS", STOP_MS.to_string()),
            ("LOADTOP_RUN", self.id.clone()),
            ("LOADTOP_TASK", Run::task_name(slot, attempt)),
            ("LOADTOP_FIRST_DEVICE", first.to_string()),
            ("LOADTOP_DEVICES", self.slots.room().to_string()),
            ("LOADTOP_PREFIX", self.prefix.clone()),
            ("UUID", crate::model::device::device_id(&self.id, first).to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Notes when a batch was asked for.
    pub(super) fn batch_asked(&mut self, first: u32, now: Millis) {
        self.asked_at.insert(first, now);
    }

    /// The batches whose windows can open: every task that they need runs or has
    /// failed for good, or the launch deadline has passed. Who waits for room holds
    /// its batch up only while room is on its way.
    pub(super) fn ready_to_open(&self, booting: bool, now: Millis) -> Vec<u32> {
        let wish = self.preview();
        let waiting = wish.batches.iter().filter(|batch| batch.start_at.is_none());
        waiting
            .filter(|batch| {
                let asked = self.asked_at.get(&batch.first).copied().unwrap_or(now);
                now.saturating_sub(asked) >= LAUNCH_DEADLINE_MS
                    || self.is_placed(&wish, batch.first, batch.count, booting)
            })
            .map(|batch| batch.first)
            .collect()
    }

    fn is_placed(&self, wish: &Wish, first: u32, count: u32, booting: bool) -> bool {
        let live = wish.live.within(first, count);
        let mut any_running = false;
        let settled = live.ranges().all(|range| {
            let slots = self.slots.slot_of(*range.start())..=self.slots.slot_of(*range.end());
            slots.into_iter().all(|slot| match self.slots.get(slot).map(|slot| &slot.state) {
                Some(SlotState::Placed { running, .. }) => {
                    any_running |= *running;
                    *running
                }
                Some(SlotState::Free { no_room: true, .. }) => !booting,
                Some(SlotState::GivenUp | SlotState::Retired) => true,
                _ => false,
            })
        });
        settled && any_running
    }

    /// Whether tasks are on their way to some instance.
    pub(super) fn is_placing(&self) -> bool {
        !self.launches.is_empty()
            || !self.unrecorded.is_empty()
            || self.slots.iter().any(|slot| matches!(slot.state, SlotState::Asked { .. }))
    }

    /// Whether the run has ended: nothing of it is left, and its results are in.
    pub(super) fn has_ended(&self) -> bool {
        self.ending.as_ref().is_some_and(|ending| ending.stage == Stage::Ended)
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

    /// What the run is at.
    pub(super) fn phase(&self) -> Phase {
        match self.ending.as_ref().map(|ending| ending.stage) {
            Some(Stage::Ended) => return Phase::Ended,
            Some(Stage::Collecting) => {
                let get = |count: &AtomicU32| count.load(Ordering::Relaxed);
                return Phase::Collecting {
                    read: get(&self.progress.read),
                    of: get(&self.progress.of),
                };
            }
            Some(Stage::Clearing) | None => {}
        }
        match &self.ending {
            Some(_) => {
                Phase::Ending { tasks_left: self.slots.arns().count() as u32, left_ms: None }
            }
            None if self.preview().state == State::Paused => Phase::Paused,
            None => Phase::Running,
        }
    }

    /// The tasks for the screen.
    pub(super) fn tasks(&self) -> TasksView {
        let mut view = TasksView {
            stopped: self.tally.stopped,
            failed: self.tally.failed,
            failures: self.tally.failures.clone(),
            ..TasksView::default()
        };
        for slot in self.slots.iter() {
            match &slot.state {
                SlotState::Retired => continue,
                SlotState::Free { no_room: true, .. } => view.waiting_for_room += 1,
                SlotState::Free { .. } | SlotState::Asked { .. } => view.requested += 1,
                SlotState::Placed { stopping: true, .. } => {
                    view.stopping += 1;
                    continue;
                }
                SlotState::Placed { running: true, .. } => view.running += 1,
                SlotState::Placed { .. } => view.pending += 1,
                SlotState::GivenUp => view.given_up += 1,
            }
            view.wanted += 1;
        }
        view
    }

    /// The ramp for the screen.
    pub(super) fn ramp(&self, now: Millis) -> RampView {
        let progress = ramp::progress(&self.preview(), now);
        RampView { total: progress.live, planned: progress.due, left_ms: progress.left_ms }
    }
}
