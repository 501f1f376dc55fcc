//! ECS: tasks with their tags.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::TaskField;

use super::{Cloud, CloudError, calls, types::TaskSeen};

impl Cloud {
    /// Describes at most a hundred tasks, with their tags. Those that ECS does not know
    /// are left out.
    ///
    /// Equivalent to `aws ecs describe-tasks --cluster C --tasks … --include TAGS`.
    /// Needs `ecs:DescribeTasks`.
    pub async fn describe_tagged(
        &self,
        arns: &[String],
    ) -> Result<Vec<(TaskSeen, BTreeMap<String, String>)>, CloudError> {
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let call = self
            .ecs
            .describe_tasks()
            .cluster(&self.names.cluster)
            .set_tasks(Some(arns.to_vec()))
            .include(TaskField::Tags);
        let answer = self.settle(calls::DESCRIBE_TASKS, call.send().await)?;
        let tagged = answer.tasks().iter().map(|task| {
            let tags = task.tags().iter().filter_map(|tag| {
                Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()))
            });
            (self.task_seen(task), tags.collect())
        });
        Ok(tagged.collect())
    }
}
