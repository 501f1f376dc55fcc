//! One modelled task: what its program would do, from its start to its end.
//!
//! Invariant: an agent follows its wish by the rules of the real one, whose queue of
//! starts and whose judgement of the end it uses.

use std::{collections::BTreeMap, sync::Arc};

use super::ledger::Books;
use crate::{
    agent::queue::Queue,
    follow::{FIRST_WISH, Random, end_at, end_of},
    local::engine::Exit,
    model::{Millis, wish::Wish},
};

/// How long a program takes to come up.
const START: (Millis, Millis) = (20, 120);
/// How long an agent that ends by itself goes on without devices: its last results.
const LAST_RESULTS: (Millis, Millis) = (50, 400);
/// How long an agent that was told to end goes on with its devices.
const DRAIN: (Millis, Millis) = (100, 2_000);
/// No wish makes agents look more often than this.
const SHORTEST_POLL: Millis = 20;
/// How far a pause between two looks is from the wish's, either way.
const JITTER: f64 = 0.2;

/// One modelled task.
#[derive(Debug)]
pub(super) struct Task {
    /// ECS's id.
    pub(super) id: String,
    /// What it is called in its run.
    pub(super) name: Arc<str>,
    /// Its run's place in the population.
    pub(super) run: usize,
    /// When it is looked at next.
    pub(super) due: Millis,
    number: u64,
    program: Program,
    stage: Stage,
    random: Random,
}

/// What it runs.
#[derive(Debug)]
enum Program {
    /// `loadtop agent`.
    Agent(Box<Agent>),
    /// Any other: one device, from its start to its end.
    Image { device: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Coming,
    Running,
    Ending { at: Millis, exit: Exit },
}

#[derive(Debug)]
struct Agent {
    queue: Queue,
    wish: Option<Arc<Wish>>,
    followed: u64,
    alive: Vec<u32>,
    next_poll: Millis,
    /// Without any wish it gives up then.
    patience: Millis,
}

/// What comes of a look at a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its program runs now.
    Started,
    /// Nothing that others see.
    Nothing,
    /// It has ended.
    Ended(Exit),
}

/// What an agent would report of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported {
    pub(super) waiting: usize,
    pub(super) connected: usize,
}

impl Task {
    /// A task that comes up from now on.
    pub(super) fn new(
        (id, number, run): (String, u64, usize),
        command: &[String],
        environment: &BTreeMap<String, String>,
        now: Millis,
    ) -> Self {
        let text = |name: &str| environment.get(name).map_or("", String::as_str);
        let figure = |name: &str| text(name).parse::<u32>().unwrap_or(0);
        let first = figure("LOADTOP_FIRST_DEVICE");
        let is_agent = command.iter().map(String::as_str).take(2).eq(["loadtop", "agent"]);
        let program = if is_agent {
            Program::Agent(Box::new(Agent {
                queue: Queue::new(first, figure("LOADTOP_DEVICES")),
                wish: None,
                followed: 0,
                alive: Vec::new(),
                next_poll: 0,
                patience: 0,
            }))
        } else {
            Program::Image { device: first }
        };
        let name = Some(text("LOADTOP_TASK")).filter(|name| !name.is_empty()).unwrap_or(&id);
        let name = Arc::from(name);
        let mut random = Random::new(&id, 0);
        let due = now + between(&mut random, START);
        Task { id, name, run, due, number, program, stage: Stage::Coming, random }
    }

    /// Whether it looks at its run's wish now.
    pub(super) fn is_to_read(&self, now: Millis) -> bool {
        match &self.program {
            Program::Agent(agent) => self.stage == Stage::Running && agent.next_poll <= now,
            Program::Image { .. } => false,
        }
    }

    /// Lets what is due happen. `read` is the run's wish, if it can be read.
    pub(super) fn advance(
        &mut self,
        read: Option<&Arc<Wish>>,
        books: &mut Books,
        now: Millis,
    ) -> Outcome {
        match self.stage {
            Stage::Coming => {
                self.come(books, now);
                Outcome::Started
            }
            Stage::Running => {
                self.run(read, books, now);
                Outcome::Nothing
            }
            Stage::Ending { at, exit } if at <= now => {
                self.end_devices(books);
                Outcome::Ended(exit)
            }
            Stage::Ending { at, .. } => {
                self.due = at;
                Outcome::Nothing
            }
        }
    }

    fn come(&mut self, books: &mut Books, now: Millis) {
        self.stage = Stage::Running;
        match &mut self.program {
            Program::Image { device } => {
                books.start(*device, self.number);
                self.due = Millis::MAX;
            }
            Program::Agent(agent) => {
                (agent.next_poll, self.due) = (now, now);
                agent.patience = now + FIRST_WISH.as_millis() as Millis;
            }
        }
    }

    fn run(&mut self, read: Option<&Arc<Wish>>, books: &mut Books, now: Millis) {
        let Program::Agent(agent) = &mut self.program else { return };
        if agent.next_poll <= now {
            if let Some(wish) = read
                && agent.wish.as_ref().is_none_or(|known| wish.version > known.version)
            {
                agent.wish = Some(Arc::clone(wish));
            }
            let poll = agent.wish.as_ref().map_or(1000, |wish| wish.poll_ms).max(SHORTEST_POLL);
            let jittered = poll as f64 * (1.0 + JITTER * (2.0 * self.random.unit() - 1.0));
            agent.next_poll = now + jittered as Millis;
        }
        let Some(wish) = agent.wish.clone() else {
            self.due = agent.next_poll;
            if agent.patience < now {
                self.stage = Stage::Ending { at: now, exit: Exit::Code(1) };
            }
            return;
        };
        if end_of(&wish, now).is_some() {
            self.end_devices(books);
            self.end_within(LAST_RESULTS, now);
            return;
        }
        if wish.version > agent.followed {
            agent.followed = wish.version;
            agent.queue.follow(&wish);
            agent.alive.retain(|&device| {
                let live = wish.live.contains(device);
                if !live {
                    books.end(device, self.number);
                }
                live
            });
        }
        while let Some(start) = agent.queue.pop(now) {
            books.start(start.index, self.number);
            agent.alive.push(start.index);
        }
        let ends = [agent.queue.next_due(), end_at(&wish), Some(wish.lease_until + 1)];
        let next = ends.into_iter().flatten().fold(agent.next_poll, Millis::min);
        self.due = next.max(now + 1);
    }

    /// It was told to end (SIGTERM).
    pub(super) fn terminate(&mut self, now: Millis) {
        if !matches!(self.stage, Stage::Ending { .. }) {
            self.end_within(DRAIN, now);
        }
    }

    /// It was killed.
    pub(super) fn kill(&mut self, now: Millis) {
        self.stage = Stage::Ending { at: now, exit: Exit::Signal(9) };
        self.due = now;
    }

    fn end_within(&mut self, bounds: (Millis, Millis), now: Millis) {
        let at = now + between(&mut self.random, bounds);
        self.stage = Stage::Ending { at, exit: Exit::Code(0) };
        self.due = at;
    }

    fn end_devices(&mut self, books: &mut Books) {
        match &mut self.program {
            Program::Image { device } => books.end(*device, self.number),
            Program::Agent(agent) => {
                agent.alive.drain(..).for_each(|device| books.end(device, self.number));
            }
        }
    }

    /// What it reports of an interval that ends now, if it reports at all.
    pub(super) fn devices(&self) -> Option<Reported> {
        match &self.program {
            Program::Agent(agent) if agent.wish.is_some() => {
                let ends = matches!(self.stage, Stage::Ending { .. });
                let waiting = if ends { 0 } else { agent.queue.len() };
                Some(Reported { waiting, connected: agent.alive.len() })
            }
            _ => None,
        }
    }
}

/// Some moment between the two.
fn between(random: &mut Random, (least, most): (Millis, Millis)) -> Millis {
    least + (random.unit() * (most - least) as f64) as Millis
}
