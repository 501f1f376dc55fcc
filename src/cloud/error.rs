//! What can go wrong with a call, in the terms on which the controller decides.
//!
//! Invariant: every failure of every SDK becomes a [`CloudError`] that names its
//! call; whether the call may have had its effect is in the kind.

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message}")]
pub struct CloudError {
    /// The operation, such as `RunTask`.
    pub call: &'static str,
    /// What that means for the caller.
    pub kind: ErrorKind,
    /// The service's own code, such as `ClusterNotFoundException`.
    pub code: Option<String>,
    /// For people.
    pub message: String,
}

/// What a failure means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many calls: later, with the same token.
    Throttled,
    /// The credentials are expired, unknown, or used by a wrong clock. Nothing was done;
    /// later, with the same token, once they are renewed.
    Unauthenticated,
    /// The credentials may not do this.
    Denied,
    /// The service understood and said no.
    Refused,
    /// The thing does not exist (any more, or yet).
    NotFound,
    /// A condition of a conditional write did not hold.
    Precondition,
    /// RunTask's token belongs to another request; the message names the tasks that
    /// one started.
    Conflict,
    /// No answer, or a broken one: the effect may have happened.
    Ambiguous,
    /// The call never left this machine: its effect did not happen.
    NotSent,
}

impl CloudError {
    /// Whether the same call may be tried again as it is.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Throttled
                | ErrorKind::Ambiguous
                | ErrorKind::NotSent
                | ErrorKind::Unauthenticated
        )
    }
}
