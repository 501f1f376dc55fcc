//! The signals that reach the dashboard, as actions.

use std::io;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::{action::Action, effect::Signal};

/// Listens for as long as it lives.
pub(super) struct Signals {
    terminate: Stream,
    hangup: Stream,
    interrupt: Stream,
    go_on: Stream,
}

/// What a signal means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// This, as if a key had said it.
    Asked(Action),
    /// We had been stopped, and go on: the terminal was somebody else's meanwhile.
    GoOn,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            go_on: signal(SignalKind::from_raw(Number::CONT.as_raw()))?,
        })
    }

    /// The next one. On a terminal in raw mode Ctrl-C is a key; a SIGINT from
    /// elsewhere means the same.
    pub(super) async fn next(&mut self) -> Heard {
        tokio::select! {
            biased;
            Some(()) = self.terminate.recv() => Heard::Asked(Action::Signalled(Signal::Terminate)),
            Some(()) = self.hangup.recv() => Heard::Asked(Action::Signalled(Signal::Hangup)),
            Some(()) = self.interrupt.recv() => Heard::Asked(Action::Interrupt),
            Some(()) = self.go_on.recv() => Heard::GoOn,
            else => std::future::pending().await,
        }
    }
}
