//! Tasks of loadtop's that belong to no run that is on: what a lost bucket, or a run
//! whose objects were removed, leaves behind.
//!
//! Invariant: only tasks whose `startedBy` begins with `loadtop/` are ever touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, UNIX_EPOCH},
};

use tokio::time::{Instant, sleep};

use crate::{
    cloud::{Cloud, CloudError, ErrorKind, types::TaskSeen},
    controller::requests::EXPIRES_TAG,
    model::Millis,
};

/// What the tasks of all runs are started by begins with.
const OURS: &str = "loadtop/";
/// Tasks that one call describes.
const PER_CALL: usize = 100;
/// How often a throttled look is made again.
const THROTTLED_MOST: u32 = 20;
/// How often is looked whether they have stopped, and how soon a call that failed is
/// made again.
const AGAIN: Duration = Duration::from_secs(1);

/// The cluster's tasks of loadtop's that are of none of these runs.
pub(super) async fn find(
    cloud: &Cloud,
    runs: &BTreeSet<String>,
) -> Result<Vec<TaskSeen>, CloudError> {
    Ok(find_tagged(cloud, runs).await?.into_iter().map(|(task, _)| task).collect())
}

/// The same, each with the time from which on nobody needs it, as its tags say.
pub(super) async fn find_tagged(
    cloud: &Cloud,
    runs: &BTreeSet<String>,
) -> Result<Vec<(TaskSeen, Option<Millis>)>, CloudError> {
    let arns = cloud.list_tasks(None).await?;
    let mut tasks = Vec::with_capacity(arns.len());
    for some in arns.chunks(PER_CALL) {
        let described = described(cloud, some).await?;
        tasks.extend(described.into_iter().map(|(task, tags)| (task, expiry(&tags))));
    }
    tasks.retain(|(task, _)| {
        let run = task.started_by.as_deref().and_then(|by| by.strip_prefix(OURS));
        run.is_some_and(|run| !runs.contains(run)) && task.last_status != "STOPPED"
    });
    Ok(tasks)
}

fn expiry(tags: &Tags) -> Option<Millis> {
    let at = humantime::parse_rfc3339(tags.get(EXPIRES_TAG)?).ok()?;
    Some(at.duration_since(UNIX_EPOCH).ok()?.as_millis() as Millis)
}

/// The tags of a task.
type Tags = BTreeMap<String, String>;

/// Describes tasks; AWS's bucket is waited for, since half a list is worth nothing.
async fn described(cloud: &Cloud, arns: &[String]) -> Result<Vec<(TaskSeen, Tags)>, CloudError> {
    let mut tries = 0;
    loop {
        match cloud.describe_tagged(arns).await {
            Err(error) if error.kind == ErrorKind::Throttled && tries < THROTTLED_MOST => {
                tries += 1;
                sleep(AGAIN).await;
            }
            answer => return answer,
        }
    }
}

/// Stops them and waits until they are STOPPED; the answer is what is left at the
/// deadline.
pub(super) async fn end(cloud: &Cloud, tasks: &[TaskSeen], until: Instant) -> Vec<String> {
    let mut untold: Vec<String> = tasks.iter().map(|task| task.arn.clone()).collect();
    let mut left = untold.clone();
    loop {
        let mut again = Vec::new();
        for arn in untold {
            match cloud.stop_task(&arn, "it belongs to no run that is on").await {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::NotFound => left.retain(|it| *it != arn),
                Err(error) => {
                    tracing::warn!("{arn}: {error}");
                    again.push(arn);
                }
            }
        }
        untold = again;
        match cloud.describe_tasks(&left).await {
            // Those that ECS does not know any more are gone.
            Ok(seen) => {
                let alive = seen.into_iter().filter(|task| task.last_status != "STOPPED");
                left = alive.map(|task| task.arn).collect();
                untold.retain(|arn| left.contains(arn));
            }
            Err(error) => tracing::warn!("{error}"),
        }
        if left.is_empty() || Instant::now() >= until {
            return left;
        }
        sleep(AGAIN).await;
    }
}
