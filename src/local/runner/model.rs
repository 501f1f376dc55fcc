//! A model of the tasks' programs: thousands of tasks without one process.
//!
//! An agent's task reads its run's wish from the bucket, as often as the wish says,
//! and has the devices that a real agent would have; a task of any other program has
//! one device. Of an agent's reports only what is truly modelled is published: how
//! many devices wait and how many are connected. There are no latencies to invent.
//!
//! Invariants: one loop drives them all, at most every [`QUANTUM`], and looks
//! only at what is due; of all the looks at one wish in a turn, the bucket sees
//! one; events are reported outside of the population's lock.

mod ledger;
mod reports;
mod state;
mod task;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::ledger::{Devices, Ledger, RunLedger};
use self::state::{Order, State};
use crate::{
    local::{bucket::Buckets, shell::Shell},
    model::{Millis, wish::Wish},
};

/// The shortest turn: what is due within one happens together.
const QUANTUM: Duration = Duration::from_millis(10);
/// The longest turn: who waits for nothing looks whether that is still so.
const LONGEST_TURN: Duration = Duration::from_mins(1);

/// All modelled tasks.
#[derive(Debug, Default)]
pub(in crate::local) struct Population {
    state: Mutex<State>,
    /// There are orders.
    wake: Notify,
    /// No task is left.
    emptied: Notify,
    /// Whether agents cannot reach the bucket.
    deaf: AtomicBool,
}

impl Population {
    /// Starts a task; what becomes of it is reported by the loop.
    pub(super) fn start(
        &self,
        id: String,
        command: &[String],
        environment: &BTreeMap<String, String>,
    ) {
        let (command, environment) = (command.to_vec(), environment.clone());
        self.order(Order::Start { id, command, environment });
    }

    /// Asks a task to end (SIGTERM).
    pub(super) fn terminate(&self, id: &str) {
        self.order(Order::Terminate(id.to_owned()));
    }

    /// Ends a task.
    pub(super) fn kill(&self, id: &str) {
        self.order(Order::Kill(id.to_owned()));
    }

    /// Ends all tasks and lets none start any more; those that take longer than
    /// `grace` are killed. Says how many did not end even then.
    pub(super) async fn end_all(&self, grace: Duration) -> u32 {
        for order in [Order::TerminateAll, Order::KillAll] {
            self.order(order);
            let ended = async {
                while self.lock().len() > 0 {
                    self.emptied.notified().await;
                }
            };
            if tokio::time::timeout(grace, ended).await.is_ok() {
                return 0;
            }
        }
        self.lock().len() as u32
    }

    /// Forgets all tasks and lets none start any more.
    pub(super) fn abandon_all(&self) {
        self.lock().abandon();
    }

    /// Whether agents can read the bucket; they can unless told otherwise.
    #[cfg(test)]
    pub(in crate::local) fn set_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::Relaxed);
    }

    /// The books as of now, in figures.
    pub(in crate::local) fn ledger(&self) -> Ledger {
        self.lock().ledger()
    }

    /// A run's devices as of now.
    pub(in crate::local) fn devices(&self, run: &str) -> Devices {
        self.lock().devices(run)
    }

    /// Lets the tasks live, until told to end.
    pub(in crate::local) async fn live(
        &self,
        shell: &Arc<Shell>,
        buckets: &Arc<Buckets>,
        until: &CancellationToken,
    ) {
        loop {
            let now = shell.now();
            let looks = self.lock().begin_turn(now);
            if !self.deaf.load(Ordering::Relaxed) {
                self.read_wishes(buckets, looks).await;
            }
            let next = self.turn(shell, now);
            tokio::time::sleep(QUANTUM).await;
            let wait = Duration::from_millis(next.saturating_sub(shell.now()));
            tokio::select! {
                biased;
                () = until.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait.min(LONGEST_TURN)) => {}
            }
        }
    }

    /// Reads the wishes that agents look at now.
    async fn read_wishes(&self, buckets: &Arc<Buckets>, looks: Vec<state::Look>) {
        for state::Look { run, bucket, key, known } in looks {
            let read = buckets.work(move |buckets| {
                let object = buckets.get(&bucket, &key)?;
                Ok(Some(object).filter(|object| known.as_ref() != Some(&object.etag)))
            });
            // What cannot be read, or is no wish, changes nothing.
            let Ok(Some(object)) = read.await else { continue };
            if let Ok(wish) = serde_json::from_slice::<Wish>(&object.body) {
                self.lock().adopt(run, object.etag, wish);
            }
        }
    }

    /// Lets all happen that is due, and tells others what they can see of it. When
    /// something is due again.
    fn turn(&self, shell: &Arc<Shell>, now: Millis) -> Millis {
        let hears = !self.deaf.load(Ordering::Relaxed);
        let mut state = self.lock();
        let events = state.advance(hears, now);
        let reports = state.reports(now);
        let next = state.next_due();
        if state.len() == 0 {
            self.emptied.notify_one();
        }
        drop(state);
        for report in reports {
            // Throttled like anybody's: who is refused misses an interval.
            if let Err(error) = shell.metrics(|metrics, now| metrics.put(report, now)) {
                tracing::debug!(?error, "local cloud: a modelled report was refused");
            }
        }
        for event in events {
            shell.engine(|engine, now| engine.handle(event, now));
        }
        next
    }

    fn order(&self, order: Order) {
        self.lock().order(order);
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
