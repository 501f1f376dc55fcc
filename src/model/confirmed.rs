//! The proof that somebody agreed before anything dies.
//!
//! Invariant: a [`Confirmed`] is made only where a person (or a signal, which is
//! a person's or a system's last word) said yes: the dialog, the second Ctrl-C,
//! a signal, and a headless run that ends as its plan says.
//! `tests/architecture.rs` keeps the list.

/// Who agreed that a run may be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The dialog was answered with yes.
    ByDialog,
    /// Ctrl-C was pressed a second time.
    BySecondInterrupt,
    /// SIGTERM or SIGHUP arrived, or the terminal went away.
    BySignal,
    /// Nobody: the run's lease had lapsed, and its devices were gone already.
    ByLease,
    /// A headless run reached the end that its command line asked for.
    ByPlan,
}
