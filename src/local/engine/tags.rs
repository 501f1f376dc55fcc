//! Tags of tasks, after their start.
//!
//! Invariant: a task never has more tags than it may, nor two with the same key.

use super::{
    ApiError, Engine, Quota,
    api::{Done, ListTagsForResource, TagResource, Tags},
    validate::{MOST_TAGS, check_tags},
};
use crate::model::Millis;

impl Engine {
    pub(crate) fn tag_resource(
        &mut self,
        request: &TagResource,
        now: Millis,
    ) -> Result<Done, ApiError> {
        self.admit(Quota::TagChange, now)?;
        check_tags(&request.tags)?;
        let number = self.taggable_task(&request.resource_arn)?;
        let task = number.and_then(|number| self.tasks.get_mut(&number)).ok_or_else(|| {
            let message = "The specified resource wasn't found.";
            ApiError::new("ResourceNotFoundException", 400, message)
        })?;
        let kept = task.tags.iter().filter(|old| request.tags.iter().all(|it| it.key != old.key));
        let tags: Vec<_> = kept.cloned().chain(request.tags.iter().cloned()).collect();
        if tags.len() > MOST_TAGS {
            let message = format!("A resource can have at most {MOST_TAGS} tags.");
            return Err(ApiError::new("LimitExceededException", 400, message));
        }
        task.tags = tags;
        Ok(Done {})
    }

    pub(crate) fn list_tags_for_resource(
        &mut self,
        request: &ListTagsForResource,
        now: Millis,
    ) -> Result<Tags, ApiError> {
        self.admit(Quota::TagLook, now)?;
        let number = self.taggable_task(&request.resource_arn)?;
        let task = number.and_then(|number| self.tasks.get(&number));
        let task = task.ok_or_else(|| ApiError::parameter("The specified task was not found."))?;
        Ok(Tags { tags: task.tags.clone() })
    }
}
