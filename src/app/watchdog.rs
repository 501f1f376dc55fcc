//! Ends the process when a signal asks for that and the loop cannot hear it.
//!
//! Drawing is a write, and a terminal that has stopped reading (Ctrl-S, a suspended
//! ssh) holds it, and the loop with it. Invariant: from the first SIGTERM or SIGHUP
//! until the terminal is given back, the process ends soon after the loop last moved.
//! That is a safe end: tasks that hang on us end with their lifeline, and a fleet
//! that outlives us has its lease.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::AbortHandle,
    time::sleep,
};

use crate::ui::terminal;

/// How long the loop may stand still once it was asked to end. It moves every second.
const PATIENCE: Duration = Duration::from_secs(5);
/// The exit code of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// Counts the loop's turns.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The loop has moved.
    pub(super) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Watches for as long as it lives.
pub(super) struct Watchdog(AbortHandle);

impl Watchdog {
    /// Watches this loop, which must not run on the runtime's only thread.
    pub(super) fn watch(pulse: Pulse) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let asked = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        };
        let end = || {
            tracing::error!("asked to end while the terminal takes nothing: ending without it");
            terminal::abandon();
            std::process::exit(INTERRUPTED);
        };
        let watching = tokio::spawn(end_when_stuck(asked, pulse, PATIENCE, end));
        Ok(Self(watching.abort_handle()))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Once asked, ends when the loop has stood still for as long as `patience`.
async fn end_when_stuck(
    asked: impl Future<Output = ()>,
    pulse: Pulse,
    patience: Duration,
    end: impl FnOnce(),
) {
    asked.await;
    let mut seen = pulse.beats();
    loop {
        sleep(patience).await;
        let beats = pulse.beats();
        if beats == seen {
            return end();
        }
        seen = beats;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::oneshot, time::timeout};

    use super::*;

    #[tokio::test]
    async fn a_loop_that_moves_is_left_alone_and_one_that_stands_is_ended() {
        let patience = Duration::from_millis(500);
        let pulse = Pulse::default();
        let (ask, asked) = oneshot::channel::<()>();
        let (end, mut ended) = oneshot::channel();
        let asked = async move { drop(asked.await) };
        let end = || end.send(()).expect("it is waited for");
        tokio::spawn(end_when_stuck(asked, pulse.clone(), patience, end));
        // It stands still, and nobody asks it to end.
        assert!(timeout(patience * 2, &mut ended).await.is_err());
        ask.send(()).expect("it watches");
        for _ in 0..60 {
            sleep(patience / 25).await;
            pulse.beat();
        }
        assert!(ended.try_recv().is_err());
        timeout(patience * 20, ended).await.expect("in time").expect("told to end");
    }
}
