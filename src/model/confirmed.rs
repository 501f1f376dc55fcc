//! The proof that somebody agreed before anything dies.
//!
//! Invariant: a [`Confirmed`] is made only where a person (or a signal, which is
//! a person's or a system's last word) said yes: the dialog, the prompt, `--yes`, the
//! second Ctrl-C, a signal, and a headless run that ends as its plan, its policy or
//! its budget says; or where there is nothing left to agree to, since the run is over already.
//! `tests/architecture.rs` keeps the list.

/// Who agreed that a run may be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The dialog was answered with yes.
    ByDialog,
    /// The command line said `--yes`.
    ByFlag,
    /// The prompt was answered with a typed yes.
    ByPrompt,
    /// Ctrl-C was pressed a second time.
    BySecondInterrupt,
    /// SIGTERM or SIGHUP arrived, or the terminal went away.
    BySignal,
    /// Nobody: the run's lease had lapsed, and its devices were gone already.
    ByLease,
    /// Whoever stopped the run from elsewhere: its wish says stop already.
    ByWish,
    /// The run's policy, which says that it aborts when tasks are lost or find no room.
    ByPolicy,
    /// The run's budget, which the next minutes would pass.
    ByBudget,
    /// A headless run reached the end that its command line asked for.
    ByPlan,
}

impl Confirmed {
    /// Whether there was nothing left to agree to, since the lease had lapsed.
    #[must_use]
    pub fn is_by_lease(self) -> bool {
        self == Confirmed::ByLease
    }
}
