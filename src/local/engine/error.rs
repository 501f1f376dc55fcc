//! How the services say no: AWS's code, HTTP status and wording.
//!
//! Invariant: a code, and the status that goes with it, are AWS's own, so that
//! whoever decides on them decides the same on the real thing.

/// A refusal. Its shape on the wire is the protocol's business.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct ApiError {
    /// Such as `ClusterNotFoundException`.
    pub(crate) code: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// For people.
    pub(crate) message: String,
    /// What a `ConflictException` is about; empty for all others.
    pub(crate) resource_ids: Vec<String>,
}

impl ApiError {
    pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        ApiError { code, status, message: message.into(), resource_ids: Vec::new() }
    }

    /// ECS: a parameter that is wrong in itself or in this state.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", 400, message)
    }

    /// ECS: a request that the client should not have made.
    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", 400, message)
    }

    /// ECS: there is no such cluster.
    pub(crate) fn cluster_not_found() -> Self {
        Self::new("ClusterNotFoundException", 400, "Cluster not found.")
    }

    /// ECS: there is no instance that takes tasks, not even one that is full.
    pub(crate) fn no_instances() -> Self {
        Self::parameter("No Container Instances were found in your cluster.")
    }

    /// ECS: the token belongs to another request, which started these.
    pub(crate) fn conflict(resource_ids: Vec<String>) -> Self {
        let message = "The provided clientToken is already in use with a different request.";
        ApiError { resource_ids, ..Self::new("ConflictException", 400, message) }
    }

    /// Auto Scaling, CloudWatch: a parameter out of its range.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", 400, message)
    }

    /// CloudWatch: a value that cannot be.
    pub(crate) fn value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", 400, message)
    }

    /// Any service: more calls than its bucket holds.
    pub(crate) fn throttled() -> Self {
        Self::new("ThrottlingException", 400, "Rate exceeded")
    }
}
