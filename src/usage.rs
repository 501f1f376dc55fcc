//! What was asked for cannot be: exit code 2, and no stack of causes.

/// A wrong use of the program, in words for the person who used it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);
