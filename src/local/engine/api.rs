//! ECS's requests and answers, in AWS's own names, as far as they are known here.
//!
//! Invariant: plain data. What a request has beyond the known fields changes nothing but
//! whether two requests are the same. Moments are seconds since the epoch, as in AWS JSON.

mod clusters;
mod definitions;
mod tasks;

use serde::{Deserialize, Serialize};

pub(crate) use self::{clusters::*, definitions::*, tasks::*};
use crate::model::Millis;

/// Fields that are not known here, by name.
pub(crate) type Others = serde_json::Map<String, serde_json::Value>;

/// A moment on the wire.
pub(super) fn seconds(at: Millis) -> f64 {
    at as f64 / 1000.0
}

/// A name and its value: an environment variable, a detail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// `failures[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arn: Option<String>,
    pub(crate) reason: String,
}

impl Failure {
    /// Nothing of this name is there.
    pub(crate) fn missing(name: &str) -> Self {
        Failure { arn: Some(name.to_owned()), reason: "MISSING".to_owned() }
    }
}

/// TagResource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TagResource {
    pub(crate) resource_arn: String,
    pub(crate) tags: Vec<Tag>,
}

/// ListTagsForResource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListTagsForResource {
    pub(crate) resource_arn: String,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tags {
    pub(crate) tags: Vec<Tag>,
}

/// An answer that says no more than that it was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Done {}
