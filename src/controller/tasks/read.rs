//! What ECS's answers about tasks mean.

use crate::{
    cloud::{
        CloudError, ErrorKind,
        types::{Shortage, Started, TaskSeen},
    },
    model::slots::Outcome,
};

/// What an answer to RunTask means, and what to tell the person.
pub(super) fn read(answer: Result<Started, CloudError>, name: &str) -> (Outcome, Option<String>) {
    if shortage(&answer).is_some() {
        return (Outcome::NoRoom, None);
    }
    let again = |error: &CloudError| Some(format!("{error}; task {name} is asked for again"));
    match answer {
        Ok(started) => match (started.tasks.first(), started.failures.first()) {
            (Some(task), _) => (Outcome::Placed(task.arn.clone()), None),
            (None, Some(failure)) if failure.is_capacity() => (Outcome::NoRoom, None),
            (None, Some(failure)) => {
                let text =
                    format!("task {name} was not started: {} {}", failure.reason, failure.detail);
                (Outcome::Refused, Some(text.trim_end().to_owned()))
            }
            (None, None) => (Outcome::Unknown, None),
        },
        Err(error) => match error.kind {
            ErrorKind::Throttled => (Outcome::NotAsked, None),
            ErrorKind::NotSent => (Outcome::NotAsked, again(&error)),
            // Its token was used with another request: some task may have it.
            ErrorKind::Conflict => (Outcome::Unknown, again(&error)),
            _ if error.is_passing() => (Outcome::Unknown, again(&error)),
            // ECS says so where the cluster has no instance at all.
            _ if error.message.contains("No Container Instances") => (Outcome::NoRoom, None),
            _ => (Outcome::Refused, Some(format!("{error}; task {name} was not started"))),
        },
    }
}

/// What is short, where that is why no task was started. It may come as a failure beside
/// HTTP 200, or as an error, even as one of throttling.
pub(super) fn shortage(answer: &Result<Started, CloudError>) -> Option<Shortage> {
    match answer {
        Ok(started) if started.tasks.is_empty() => started.failures.first()?.shortage(),
        Ok(_) => None,
        Err(error) => Shortage::of(&error.message),
    }
}

/// By what a refusal is counted.
pub(super) fn reason_of(answer: &Result<Started, CloudError>) -> String {
    match answer {
        Ok(started) => started.failures.first().map(|failure| failure.reason.clone()),
        Err(error) => error.code.clone(),
    }
    .unwrap_or_else(|| "refused".to_owned())
}

/// Why a task ended, in a few words.
pub(super) fn reason(task: &TaskSeen) -> String {
    if task.was_interrupted() {
        return "AWS took its Spot capacity back".to_owned();
    }
    let said = task.container_reason.as_deref().or(task.stopped_reason.as_deref());
    match (task.exit_code, said) {
        (Some(2), _) => "exit code 2: its settings or limits do not fit, see its log".to_owned(),
        (Some(code), None) => format!("exit code {code}"),
        (Some(code), Some(said)) => format!("exit code {code}, {said}"),
        (None, Some(said)) => said.to_owned(),
        (None, None) => "no reason given".to_owned(),
    }
}
