//! Tasks as real child processes.
//!
//! Invariants: a process that was started is reported as ended exactly once; no
//! signal goes to a process that was reaped; no child outlives a cloud that ends or
//! is dropped. One that is killed cannot end anybody: each child holds the read end
//! of a pipe that closes then, and either watches it or is held by a shim that does.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::process::{Order, Process};
use crate::local::{engine::Event, shell::Surroundings};

/// Processes that do not even end when killed are not waited for longer.
const KILLED_END_WITHIN: Duration = Duration::from_secs(5);

/// The processes.
#[derive(Debug)]
pub(in crate::local) struct Processes {
    surroundings: Surroundings,
    /// How to reach each process that was started; none once no more may start.
    orders: Mutex<Option<HashMap<String, watch::Sender<Order>>>>,
    running: TaskTracker,
}

impl Processes {
    pub(super) fn new(surroundings: Surroundings) -> Self {
        let orders = Mutex::new(Some(HashMap::new()));
        Processes { surroundings, orders, running: TaskTracker::new() }
    }

    /// Starts a task's process; what becomes of it is reported.
    pub(super) fn start(
        &self,
        task: String,
        command: &[String],
        environment: &BTreeMap<String, String>,
        report: impl Fn(Event) + Send + 'static,
    ) {
        let mut orders = self.lock();
        let Some(orders) = orders.as_mut() else { return };
        let process = Process::new(&self.surroundings, &task, command, environment);
        let (order, ordered) = watch::channel(Order::Run);
        orders.retain(|_, order| !order.is_closed());
        orders.insert(task.clone(), order);
        self.running.spawn(async move { process.run(task, ordered, report).await });
    }

    /// Asks a process to end.
    pub(super) fn terminate(&self, task: &str) {
        self.order(task, Order::Terminate);
    }

    /// Ends a process.
    pub(super) fn kill(&self, task: &str) {
        self.order(task, Order::Kill);
    }

    fn order(&self, task: &str, order: Order) {
        if let Some(process) = self.lock().as_ref().and_then(|orders| orders.get(task)) {
            process.send_replace(order);
        }
    }

    /// Ends all processes and lets none start any more. Those that take longer
    /// than `grace` are killed. Says how many did not end even then.
    pub(super) async fn end_all(&self, grace: Duration) -> u32 {
        let orders = self.lock().take().unwrap_or_default();
        self.running.close();
        for (order, within) in [(Order::Terminate, grace), (Order::Kill, KILLED_END_WITHIN)] {
            for process in orders.values() {
                process.send_replace(order);
            }
            if tokio::time::timeout(within, self.running.wait()).await.is_ok() {
                return 0;
            }
        }
        let left = u32::try_from(self.running.len()).unwrap_or(u32::MAX);
        tracing::error!(left, "local cloud: killed processes that did not end");
        left
    }

    /// Lets no process start any more, and leaves those that run without anybody
    /// who gives orders: that kills them.
    pub(super) fn abandon_all(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<String, watch::Sender<Order>>>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
