//! The shell around the engine: it gives it the time, performs what it wants
//! done, and tells it what happened.
//!
//! Invariant: effects are performed in the order in which they came, under the
//! engine's lock; performing never blocks.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    bucket::Buckets,
    clock::Clock,
    engine::{Effect, Engine, Event, Setup, metrics::Metrics},
    runner::Tasks,
};
use crate::model::Millis;

/// A clock that is set forward must be noticed within this.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The engine and its tasks.
#[derive(Debug)]
pub(super) struct Shell {
    clock: Clock,
    engine: Mutex<Engine>,
    metrics: Mutex<Metrics>,
    tasks: Tasks,
    /// The next deadline has come nearer.
    wake: Notify,
}

/// What every child is given.
#[derive(Clone)]
pub(super) struct Surroundings {
    /// What the command word `loadtop` means.
    pub(super) program: PathBuf,
    /// Where output goes.
    pub(super) logs: PathBuf,
    /// Variables that every child has, under its own.
    pub(super) environment: Vec<(String, String)>,
    /// Whether programs that do not watch for our end are held by one that does.
    pub(super) has_shim: bool,
}

impl fmt::Debug for Surroundings {
    /// Without the environment: the secret key is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("program", &self.program)
            .field("logs", &self.logs)
            .finish_non_exhaustive()
    }
}

impl Shell {
    pub(super) fn new(setup: Setup, clock: Clock, tasks: Tasks) -> Arc<Self> {
        let engine = Engine::new(setup, clock.now());
        Arc::new(Shell {
            clock,
            engine: Mutex::new(engine),
            metrics: Mutex::default(),
            tasks,
            wake: Notify::new(),
        })
    }

    /// The cloud's time.
    pub(super) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The tasks' programs.
    pub(super) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Lets the engine answer, and does what follows from it.
    pub(super) fn engine<T>(self: &Arc<Self>, ask: impl FnOnce(&mut Engine, Millis) -> T) -> T {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let before = engine.next_deadline();
        engine.tick(now);
        let answer = ask(&mut engine, now);
        for effect in engine.take_effects() {
            self.perform(effect);
        }
        if engine.next_deadline() != before {
            self.wake.notify_one();
        }
        answer
    }

    /// Lets the metrics answer. They have a lock of their own, so that a large
    /// query holds nobody up who only asks for tasks.
    pub(super) fn metrics<T>(&self, ask: impl FnOnce(&mut Metrics, Millis) -> T) -> T {
        let now = self.clock.now();
        ask(&mut self.metrics.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Keeps the engine's appointments until it is told to end.
    pub(super) async fn keep_time(self: Arc<Self>, until: CancellationToken) {
        loop {
            let sleep = self.engine(|engine, now| {
                engine.next_deadline().map(|at| Duration::from_millis(at.saturating_sub(now)))
            });
            let sleep = sleep.unwrap_or(Duration::MAX);
            let sleep = if self.clock.can_jump() { sleep.min(LONGEST_SLEEP) } else { sleep };
            tokio::select! {
                () = tokio::time::sleep(sleep) => {}
                () = self.wake.notified() => {}
                () = until.cancelled() => return,
            }
        }
    }

    /// Lets the tasks live that are only modelled, until it is told to end.
    pub(super) async fn let_model_live(
        self: Arc<Self>,
        buckets: Arc<Buckets>,
        until: CancellationToken,
    ) {
        if let Some(population) = self.tasks.population() {
            population.live(&self, &buckets, &until).await;
        }
    }

    /// Ends all processes; says how many are left although they were killed.
    pub(super) async fn end_processes(&self, grace: Duration) -> u32 {
        self.tasks.end_all(grace).await
    }

    /// Ends all processes at once, and waits for none.
    pub(super) fn abandon_processes(&self) {
        self.tasks.abandon_all();
    }

    fn perform(self: &Arc<Self>, effect: Effect) {
        match effect {
            Effect::Start { task, command, environment } => {
                // The processes end before the shell does: a strong reference is no cycle.
                let shell = Arc::clone(self);
                let report = move |event: Event| {
                    shell.engine(|engine, now| engine.handle(event, now));
                };
                self.tasks.start(task, &command, &environment, report);
            }
            Effect::Terminate { task } => self.tasks.terminate(&task),
            Effect::Kill { task } => self.tasks.kill(&task),
        }
    }
}
