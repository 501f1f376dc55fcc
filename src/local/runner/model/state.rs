//! What the population is made of: the tasks, their runs, and who is due when.
//!
//! Invariant: each task is in the heap at the moment when it is due; entries for
//! other moments are stale and are skipped.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::Arc,
};

use super::{
    ledger::{Books, Devices, Ledger},
    task::{Outcome, Task},
};
use crate::{
    local::engine::{Event, Exit},
    model::{Millis, wish::Wish},
};

/// All tasks, and what they share.
#[derive(Debug, Default)]
pub(super) struct State {
    inbox: Vec<Order>,
    /// Whether no more tasks may start.
    closed: bool,
    /// In the order in which they came.
    tasks: BTreeMap<u64, Task>,
    numbers: HashMap<String, u64>,
    last_number: u64,
    pub(super) runs: Vec<Run>,
    heap: BinaryHeap<Reverse<(Millis, u64)>>,
    /// Who is due in this turn.
    ready: Vec<u64>,
}

/// What a task is told.
#[derive(Debug)]
pub(super) enum Order {
    Start { id: String, command: Vec<String>, environment: BTreeMap<String, String> },
    Terminate(String),
    Kill(String),
    TerminateAll,
    KillAll,
}

/// What the tasks of one run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    bucket: String,
    prefix: String,
    /// The newest wish that was read, and the entity tag that came with it.
    pub(super) wish: Option<Arc<Wish>>,
    etag: Option<String>,
    books: Books,
    pub(super) tasks: u32,
    /// Agents that ended by themselves in this interval: they reported once more.
    pub(super) ended: u64,
    pub(super) report_at: Option<Millis>,
}

/// A look at a run's wish.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) run: usize,
    pub(super) bucket: String,
    pub(super) key: String,
    /// The entity tag that is known.
    pub(super) known: Option<String>,
}

impl State {
    pub(super) fn order(&mut self, order: Order) {
        self.closed |= matches!(order, Order::TerminateAll | Order::KillAll);
        if !(self.closed && matches!(order, Order::Start { .. })) {
            self.inbox.push(order);
        }
    }

    /// Tasks, those included whose start is on its way.
    pub(super) fn len(&self) -> usize {
        let coming = self.inbox.iter().filter(|it| matches!(it, Order::Start { .. })).count();
        self.tasks.len() + coming
    }

    pub(super) fn abandon(&mut self) {
        self.closed = true;
        self.inbox.clear();
        self.tasks.clear();
        self.numbers.clear();
    }

    /// Carries out the orders and finds who is due; the looks at wishes that come of it.
    pub(super) fn begin_turn(&mut self, now: Millis) -> Vec<Look> {
        for order in std::mem::take(&mut self.inbox) {
            self.obey(order, now);
        }
        self.ready.clear();
        while let Some(&Reverse((at, number))) = self.heap.peek()
            && at <= now
        {
            self.heap.pop();
            if self.tasks.get(&number).is_some_and(|task| task.due == at) {
                self.ready.push(number);
            }
        }
        // Twice in the heap at the same moment is once due.
        self.ready.sort_unstable();
        self.ready.dedup();
        let mut reads = vec![false; self.runs.len()];
        for task in self.ready.iter().filter_map(|number| self.tasks.get(number)) {
            reads[task.run] |= task.is_to_read(now);
        }
        let wanted = self.runs.iter().enumerate().filter(|&(run, _)| reads[run]);
        wanted
            .map(|(number, run)| Look {
                run: number,
                bucket: run.bucket.clone(),
                key: format!("{}wish.json", run.prefix),
                known: run.etag.clone(),
            })
            .collect()
    }

    fn obey(&mut self, order: Order, now: Millis) {
        match order {
            Order::Start { id, command, environment } => {
                let run = self.run_of(&environment);
                self.last_number += 1;
                let number = self.last_number;
                self.numbers.insert(id.clone(), number);
                let task = Task::new((id, number, run), &command, &environment, now);
                self.heap.push(Reverse((task.due, number)));
                self.tasks.insert(number, task);
                self.runs[run].tasks += 1;
                self.runs[run].books.tasks_started += 1;
            }
            Order::Terminate(id) => self.tell(&id, |task| task.terminate(now)),
            Order::Kill(id) => self.tell(&id, |task| task.kill(now)),
            Order::TerminateAll => self.tell_all(|task| task.terminate(now)),
            Order::KillAll => self.tell_all(|task| task.kill(now)),
        }
    }

    fn tell(&mut self, id: &str, order: impl Fn(&mut Task)) {
        if let Some(number) = self.numbers.get(id)
            && let Some(task) = self.tasks.get_mut(number)
        {
            order(task);
            self.heap.push(Reverse((task.due, *number)));
        }
    }

    fn tell_all(&mut self, order: impl Fn(&mut Task)) {
        for (&number, task) in &mut self.tasks {
            order(task);
            self.heap.push(Reverse((task.due, number)));
        }
    }

    /// The run that a task with this environment belongs to.
    fn run_of(&mut self, environment: &BTreeMap<String, String>) -> usize {
        let text = |name: &str| environment.get(name).cloned().unwrap_or_default();
        let (id, bucket, mut prefix) =
            (text("LOADTOP_RUN"), text("LOADTOP_BUCKET"), text("LOADTOP_PREFIX"));
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        let same = |run: &Run| (&run.id, &run.bucket, &run.prefix) == (&id, &bucket, &prefix);
        self.runs.iter().position(same).unwrap_or_else(|| {
            self.runs.push(Run {
                id,
                bucket,
                prefix,
                wish: None,
                etag: None,
                books: Books::default(),
                tasks: 0,
                ended: 0,
                report_at: None,
            });
            self.runs.len() - 1
        })
    }

    /// A wish was read. Tasks that know a newer one ignore it, each for itself.
    pub(super) fn adopt(&mut self, run: usize, etag: String, wish: Wish) {
        let run = &mut self.runs[run];
        (run.etag, run.wish) = (Some(etag), Some(Arc::new(wish)));
    }

    /// Lets everything happen that is due; what the engine is to be told of it.
    pub(super) fn advance(&mut self, hears: bool, now: Millis) -> Vec<Event> {
        let mut events = Vec::new();
        for number in std::mem::take(&mut self.ready) {
            let Some(task) = self.tasks.get_mut(&number) else { continue };
            let run = &mut self.runs[task.run];
            let read = run.wish.as_ref().filter(|_| hears);
            match task.advance(read, &mut run.books, now) {
                Outcome::Started => events.push(Event::Started { task: task.id.clone() }),
                Outcome::Nothing => {}
                Outcome::Ended(exit) => {
                    run.tasks -= 1;
                    run.ended +=
                        u64::from(task.devices().is_some() && matches!(exit, Exit::Code(_)));
                    events.push(Event::Exited { task: task.id.clone(), exit });
                    self.numbers.remove(&task.id);
                    self.tasks.remove(&number);
                    continue;
                }
            }
            if task.due < Millis::MAX {
                self.heap.push(Reverse((task.due, number)));
            }
        }
        events
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Millis {
        let task = self.heap.peek().map(|Reverse((at, _))| *at);
        let report = self.runs.iter().filter_map(|run| run.report_at).min();
        let orders = (!self.inbox.is_empty()).then_some(0);
        [task, report, orders].into_iter().flatten().min().unwrap_or(Millis::MAX)
    }

    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }

    /// The books as of now, in figures.
    pub(super) fn ledger(&self) -> Ledger {
        let runs = self.runs.iter().map(|run| (run.id.clone(), run.books.figures(run.tasks)));
        Ledger { runs: runs.collect(), tasks: self.len() as u32 }
    }

    /// A run's devices as of now.
    pub(super) fn devices(&self, run: &str) -> Devices {
        let name = |number: u64| {
            self.tasks.get(&number).map_or_else(|| Arc::from(""), |task| Arc::clone(&task.name))
        };
        let run = self.runs.iter().find(|it| it.id == run);
        run.map(|run| run.books.devices(name)).unwrap_or_default()
    }
}
