//! The machines that controllers of one test run on: each may sleep, and has a wall
//! clock of its own.
//!
//! Invariant: while a machine sleeps, its controller does nothing at all; what was
//! on its way when it fell asleep is for its link to hold.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use tokio::sync::watch;

use crate::model::Millis;

tokio::task_local! {
    static HERE: Arc<Machine>;
}

/// A machine. It is awake, and its wall clock is right.
#[derive(Debug)]
pub(super) struct Machine {
    /// How far its wall clock is ahead, in milliseconds.
    ahead: AtomicI64,
    awake: watch::Sender<bool>,
}

impl Machine {
    pub(super) fn new(ahead: i64) -> Arc<Self> {
        Arc::new(Machine { ahead: AtomicI64::new(ahead), awake: watch::Sender::new(true) })
    }

    /// Makes something on this machine: a controller, whose actor then runs on it.
    pub(super) fn host<T>(self: &Arc<Self>, make: impl FnOnce() -> T) -> T {
        HERE.sync_scope(Arc::clone(self), make)
    }

    /// Sets its wall clock.
    pub(super) fn set_ahead(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    pub(super) fn set_awake(&self, awake: bool) {
        self.awake.send_replace(awake);
    }

    async fn carry(self: Arc<Self>, actor: impl Future<Output = ()>) {
        let mut actor = pin!(actor);
        let mut awake = self.awake.subscribe();
        // The machine has the sender, so neither wait can fail.
        loop {
            let _ = awake.wait_for(|awake| *awake).await;
            tokio::select! {
                biased;
                _ = awake.wait_for(|awake| !*awake) => {}
                () = &mut actor => return,
            }
        }
    }
}

/// The actor, on the machine that it was made on; where there is none, as it is.
pub(in crate::controller) fn carried(
    actor: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let here = HERE.try_with(Arc::clone).ok();
    async move {
        match here {
            Some(machine) => HERE.scope(Arc::clone(&machine), machine.carry(actor)).await,
            None => actor.await,
        }
    }
}

/// What the wall clock here shows at this time.
pub(in crate::controller) fn shown(now: Millis) -> Millis {
    let ahead = HERE.try_with(|machine| machine.ahead.load(Ordering::Relaxed));
    now.saturating_add_signed(ahead.unwrap_or(0))
}
