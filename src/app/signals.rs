//! The signals that reach the dashboard, as actions.

use std::io;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::{action::Action, effect::Signal};

/// Listens for as long as it lives.
pub(super) struct Signals {
    terminate: Stream,
    hangup: Stream,
    interrupt: Stream,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one. On a terminal in raw mode Ctrl-C is a key; a SIGINT from
    /// elsewhere means the same.
    pub(super) async fn next(&mut self) -> Action {
        tokio::select! {
            biased;
            Some(()) = self.terminate.recv() => Action::Signalled(Signal::Terminate),
            Some(()) = self.hangup.recv() => Action::Signalled(Signal::Hangup),
            Some(()) = self.interrupt.recv() => Action::Interrupt,
            else => std::future::pending().await,
        }
    }
}
