//! The calls of the controller, each a job of its own, and what they bring back.
//!
//! Invariant: a job notes its intent before a call that changes something and its
//! outcome after it; it touches nothing of the controller's, it only answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream};

use super::{
    blocks::{self, Block},
    clock::wall,
    wishes::{self, Stored},
};
use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind,
        types::{
            ClusterSeen, Condition, Fetched, GroupSeen, Query, Series, Started, TaskRequest,
            TaskSeen,
        },
    },
    model::{
        Millis,
        switch::ACTION,
        wish::{Edit, Wish},
    },
    record::{Intent, Journal},
    report::Results,
    stats::Part,
};

mod done;

pub(super) use done::{Done, RunDone, Written};

/// Tasks that one call describes.
const PER_CALL: usize = 100;
/// The time between two of many calls in a row.
const BETWEEN_CALLS: Duration = Duration::from_millis(100);
/// Parts of results that are read at once.
const PARTS_AT_ONCE: usize = 16;
/// How long RunTask may take: with half a term before it, less than a term.
const RUN_TASK_TIMEOUT: Duration = Duration::from_secs(7);
/// How often a read is tried.
const READ_TRIES: u32 = 4;
/// The wait between two tries; grows with each.
const BETWEEN_READS: Duration = Duration::from_millis(250);

pub(super) async fn counts(cloud: Cloud) -> Result<(GroupSeen, ClusterSeen), CloudError> {
    tokio::try_join!(cloud.group(), cloud.cluster())
}

/// Writes what a run begins with: its plan, its wish, and at last its entry in the
/// registry, by which it is found.
pub(super) async fn begin(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    run: String,
    first: First,
) -> Result<Stored, CloudError> {
    noted(journal.as_deref(), Intent::BeginRun { run }, async {
        let First { plan, mut wish, lease_ms, wish_key, registry } = first;
        let (_, dated) = cloud.put_object(&plan.0, plan.1, Condition::Always).await?;
        // The lease is in the bucket's time, which this answer is the first of.
        wish.lease_until = dated.map_or(wish.lease_until, |dated| dated.date + lease_ms);
        let stored = wishes::create(&cloud, &wish_key, &wish).await?;
        cloud.put_object(&registry.0, registry.1, Condition::Always).await?;
        Ok(stored)
    })
    .await
}

/// What a run begins with; objects by their keys.
#[derive(Debug)]
pub(super) struct First {
    pub(super) plan: (String, Bytes),
    pub(super) wish: Wish,
    pub(super) lease_ms: Millis,
    pub(super) wish_key: String,
    pub(super) registry: (String, Bytes),
}

pub(super) async fn edit(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    key: String,
    known: Stored,
    edits: Vec<Edit>,
    now: Millis,
) -> Result<Stored, CloudError> {
    let named = edits.iter().map(|edit| format!("{} {:?}", edit.id, edit.change)).collect();
    noted(
        journal.as_deref(),
        Intent::PutWish { edits: named },
        wishes::edit(&cloud, &key, known, &edits, now),
    )
    .await
}

pub(super) async fn record(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    prefix: String,
    blocks: Vec<(Block, Option<String>)>,
) -> Written {
    let mut written = Written { etags: Vec::with_capacity(blocks.len()), error: None };
    let mut blocks = blocks.into_iter().peekable();
    // What is on its way is waited for in any case: a write whose answer nobody took
    // would look like another leader's.
    while written.error.is_none() && blocks.peek().is_some() {
        let writes = blocks.by_ref().take(blocks::AT_ONCE).map(async |(block, over)| {
            let key = format!("{prefix}{}", blocks::name(block.number));
            let write = blocks::put(&cloud, &key, &block, over);
            let intent = Intent::PutSlots { block: block.number };
            (block.number, noted(journal.as_deref(), intent, write).await)
        });
        for (number, answer) in join_all(writes).await {
            match answer {
                Ok(etag) => written.etags.push((number, etag)),
                // That another one leads says more than anything else.
                Err(error) if error.kind == ErrorKind::Precondition => written.error = Some(error),
                Err(error) => _ = written.error.get_or_insert(error),
            }
        }
    }
    written
}

pub(super) async fn start(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    slot: u32,
    attempt: u32,
    request: TaskRequest,
) -> Result<Started, CloudError> {
    let intent = Intent::RunTask { slot, attempt, token: request.client_token.clone() };
    // Within the half term that it was made in: no successor can be at it yet.
    let call = async {
        tokio::time::timeout(RUN_TASK_TIMEOUT, cloud.run_task(&request)).await.unwrap_or_else(
            |_| {
                Err(CloudError {
                    call: "RunTask",
                    kind: ErrorKind::Ambiguous,
                    code: None,
                    message: format!("no answer within {} s", RUN_TASK_TIMEOUT.as_secs()),
                })
            },
        )
    };
    noted(journal.as_deref(), intent, call).await
}

pub(super) async fn stop(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    arn: String,
    reason: &'static str,
) -> Result<(), CloudError> {
    let intent = Intent::StopTask { task: arn.clone() };
    noted(journal.as_deref(), intent, cloud.stop_task(&arn, reason)).await
}

pub(super) async fn scale_out(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    instances: u32,
    needs_switch: bool,
) -> Result<(), CloudError> {
    if needs_switch && cloud.scheduled(ACTION).await?.is_none() {
        return Err(CloudError {
            call: "SetDesiredCapacity",
            kind: ErrorKind::NotSent,
            code: None,
            message: "what ends the instances when nobody is left is not in place yet".to_owned(),
        });
    }
    let intent = Intent::SetDesiredCapacity { instances };
    noted(journal.as_deref(), intent, cloud.set_desired(instances)).await
}

pub(super) async fn scale_in(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    machine: String,
) -> Result<(), CloudError> {
    let intent = Intent::TerminateMachine { machine: machine.clone() };
    noted(journal.as_deref(), intent, cloud.terminate_machine(&machine)).await
}

pub(super) async fn cordon(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    machine: String,
    instance: String,
    draining: bool,
) -> Result<(), CloudError> {
    let intent = Intent::Cordon { machine, draining };
    noted(journal.as_deref(), intent, cloud.cordon(&instance, draining)).await
}

/// Lists the tasks that carry the run's name, and describes them.
pub(super) async fn strays(cloud: Cloud, started_by: String) -> Result<Vec<TaskSeen>, CloudError> {
    let arns = retried(|| cloud.list_tasks(Some(&started_by))).await?;
    let mut tasks = Vec::with_capacity(arns.len());
    for some in arns.chunks(PER_CALL) {
        tasks.extend(retried(|| cloud.describe_tasks(some)).await?);
        // At half of AWS's rate: whoever else looks at tasks finds something left.
        tokio::time::sleep(BETWEEN_CALLS).await;
    }
    Ok(tasks)
}

/// Writes that a run has ended: its summary, and then its entry in the registry.
pub(super) async fn finish(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    run: String,
    objects: [(String, Bytes); 2],
) -> Result<(), CloudError> {
    noted(journal.as_deref(), Intent::EndRun { run }, async {
        for (key, body) in objects {
            retried(|| cloud.put_object(&key, body.clone(), Condition::Always)).await?;
        }
        Ok(())
    })
    .await
}

pub(super) async fn figures(
    cloud: Cloud,
    namespace: &'static str,
    queries: Vec<Query>,
    range: (Millis, Millis),
) -> Result<Series, CloudError> {
    cloud.metrics(namespace, &queries, range.0, range.1).await
}

/// How many parts were read of how many, seen from outside the job.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) read: AtomicU32,
    pub(super) of: AtomicU32,
}

/// Reads all parts of all tasks' results, a few at once, and adds each as it comes.
/// What cannot be read after some tries is named and left out: one bad object must
/// not cost the whole summary.
pub(super) async fn results(
    cloud: Cloud,
    prefix: String,
    mut results: Results,
    progress: Arc<Progress>,
) -> (Results, Vec<String>) {
    let keys = match retried(|| cloud.list_objects(&prefix)).await {
        Ok(keys) => keys,
        Err(error) => return (results, vec![format!("{prefix}: {error}")]),
    };
    progress.of.store(keys.len() as u32, Ordering::Relaxed);
    let mut unusable = Vec::new();
    let mut parts = stream::iter(keys).map(|key| part(&cloud, key)).buffer_unordered(PARTS_AT_ONCE);
    while let Some(part) = parts.next().await {
        match part {
            Ok(part) => results.add(&part),
            Err(why) => unusable.push(why),
        }
        progress.read.fetch_add(1, Ordering::Relaxed);
    }
    (results, unusable)
}

async fn part(cloud: &Cloud, key: String) -> Result<Part, String> {
    match retried(|| cloud.get_object(&key, None)).await {
        Ok((Fetched::New(object), _)) => Part::parse(&String::from_utf8_lossy(&object.body))
            .map_err(|error| format!("{key}: {error}")),
        Ok(_) => Err(format!("{key}: it is gone")),
        Err(error) => Err(format!("{key}: {error}")),
    }
}

/// Makes a call that may be made twice up to [`READ_TRIES`] times.
async fn retried<T, F: Future<Output = Result<T, CloudError>>>(
    call: impl Fn() -> F,
) -> Result<T, CloudError> {
    let mut tries = 1;
    loop {
        match call().await {
            Err(error) if error.is_passing() && tries < READ_TRIES => {
                tokio::time::sleep(BETWEEN_READS * tries).await;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

/// Notes an intent, does it, and notes the outcome.
pub(super) async fn noted<T: std::fmt::Debug>(
    journal: Option<&Journal>,
    intent: Intent,
    call: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, CloudError> {
    #[cfg(test)]
    let kind = intent.kind();
    let number = journal.map(|journal| journal.intent(wall(), intent));
    #[cfg(test)]
    let point = super::tests::crash_point(kind, super::tests::Moment::Before, 0).await;
    let answer = call.await;
    #[cfg(test)]
    super::tests::crash_point(kind, super::tests::Moment::After, point).await;
    if let (Some(journal), Some(number)) = (journal, number) {
        let outcome = match &answer {
            Ok(it) => format!("ok {it:?}"),
            Err(error) => format!("failed {:?}: {error}", error.kind),
        };
        journal.outcome(wall(), number, outcome);
    }
    answer
}
