//! What requests are refused for, whatever runs: identifiers, tags and texts.
//!
//! Invariant: nothing here changes anything. The codes are the service model's; where AWS's
//! own words are known, they are used.

use super::{
    ApiError, Engine,
    api::Tag,
    ids::{REGION, ecs_arn},
};

/// Tags that a resource has at most.
pub(super) const MOST_TAGS: usize = 50;
/// Characters of a tag's key and value.
const MOST_KEY: usize = 128;
const MOST_VALUE: usize = 256;
/// Characters of `startedBy`.
const MOST_STARTED_BY: usize = 128;

/// What an identifier is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Task,
    ContainerInstance,
}

impl Kind {
    fn in_arns(self) -> &'static str {
        match self {
            Kind::Task => "task",
            Kind::ContainerInstance => "container-instance",
        }
    }

    fn in_messages(self) -> &'static str {
        match self {
            Kind::Task => "taskId",
            Kind::ContainerInstance => "instanceId",
        }
    }
}

impl Engine {
    /// The id in an id or ARN, of the engine's own cluster. That there is such a thing it
    /// does not say.
    pub(super) fn identify<'a>(&self, kind: Kind, given: &'a str) -> Result<&'a str, ApiError> {
        let resource = match given.strip_prefix("arn:") {
            None => given,
            Some(rest) => {
                let parts: Vec<&str> = rest.splitn(5, ':').collect();
                let [_, "ecs", region, _, resource] = parts[..] else {
                    return Err(invalid("Not an ECS ARN"));
                };
                if region != REGION {
                    return Err(invalid(&format!("Identifier is for region {region}")));
                }
                let Some((named, resource)) = resource.split_once('/') else {
                    return Err(invalid("Unexpected number of separators"));
                };
                if named != kind.in_arns() {
                    return Err(ApiError::parameter(format!("Unsupported resource type: {named}")));
                }
                resource
            }
        };
        let parts: Vec<&str> = resource.split('/').collect();
        let id = match parts[..] {
            [id] => id,
            [cluster, id] if cluster == self.setup.name => id,
            [cluster, _] => {
                return Err(invalid(&format!(
                    "Identifier is for cluster {cluster}. Your cluster is {}",
                    self.setup.name
                )));
            }
            _ => return Err(invalid("Unexpected number of separators")),
        };
        if [32, 36].contains(&id.len()) {
            return Ok(id);
        }
        let what = kind.in_messages();
        Err(ApiError::parameter(format!("{what} length should be one of [32,36]")))
    }

    /// The ARN that tags are asked by: a task's long one.
    pub(super) fn taggable_task(&self, arn: &str) -> Result<Option<u64>, ApiError> {
        if !arn.starts_with(&ecs_arn("task/")) {
            return Err(ApiError::parameter("The local cloud keeps the tags of tasks only."));
        }
        let id = self.identify(Kind::Task, arn)?;
        Ok(self.task_numbers.get(id).copied())
    }
}

fn invalid(why: &str) -> ApiError {
    ApiError::parameter(format!("Invalid identifier: {why}"))
}

/// Whether a resource may have these tags.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(ApiError::parameter(format!("Tags can have at most {MOST_TAGS} items.")));
    }
    for (at, tag) in tags.iter().enumerate() {
        let (key, value) = (tag.key.chars().count(), tag.value.chars().count());
        if !(1..=MOST_KEY).contains(&key) {
            return Err(ApiError::parameter("Tag keys must be between 1 and 128 characters."));
        }
        if value > MOST_VALUE {
            return Err(ApiError::parameter("Tag values can be at most 256 characters."));
        }
        let is_reserved =
            |text: &str| text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("aws:"));
        if is_reserved(&tag.key) || is_reserved(&tag.value) {
            return Err(ApiError::parameter("Tags with the prefix aws: are reserved."));
        }
        let is_allowed =
            |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        if !tag.key.chars().chain(tag.value.chars()).all(is_allowed) {
            return Err(ApiError::parameter(
                "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.",
            ));
        }
        if tags[..at].iter().any(|other| other.key == tag.key) {
            return Err(ApiError::parameter(format!("Tag keys must be unique: {}", tag.key)));
        }
    }
    Ok(())
}

/// Whether it may stand for who started a task.
pub(super) fn check_started_by(by: Option<&str>) -> Result<(), ApiError> {
    let Some(by) = by else { return Ok(()) };
    if by.chars().count() > MOST_STARTED_BY {
        return Err(ApiError::parameter("startedBy must be up to 128 characters."));
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
    if by.chars().all(is_allowed) {
        return Ok(());
    }
    Err(ApiError::parameter(
        "startedBy can only contain letters, numbers, hyphens, forward slashes and underscores.",
    ))
}

/// A token for one request.
pub(super) fn check_token(token: Option<&str>) -> Result<(), ApiError> {
    let token = token.unwrap_or_default();
    if token.len() <= 64 && token.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Ok(());
    }
    Err(ApiError::parameter("clientToken must be up to 64 ASCII characters."))
}
