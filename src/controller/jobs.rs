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
use futures_util::{StreamExt, stream};

use super::{
    clock::wall,
    wishes::{self, Stored},
};
use crate::{
    cloud::{
        Cloud, CloudError,
        types::{
            Condition, Dated, DefinitionSeen, Fetched, GroupSeen, InstanceSeen, Query, Series,
            Started, TaskRequest, TaskSeen,
        },
    },
    model::{
        Millis,
        wish::{Edit, Wish},
    },
    record::{Intent, Journal},
    report::Results,
    stats::Part,
};

/// Parts of results that are read at once.
const PARTS_AT_ONCE: usize = 16;
/// How often a read is tried.
const READ_TRIES: u32 = 4;
/// The wait between two tries; grows with each.
const BETWEEN_READS: Duration = Duration::from_millis(250);

/// What a job brings back. Those of a run carry its id: a late answer of an ended
/// run is nobody's.
#[derive(Debug)]
pub(super) enum Done {
    /// The task definition was described.
    Definition(Result<DefinitionSeen, CloudError>),
    /// The instances were looked at, asked for in this generation.
    Instances(u64, Result<(GroupSeen, Vec<InstanceSeen>), CloudError>),
    /// The number of instances was set.
    ScaledOut(Result<(), CloudError>),
    /// A machine was told to go.
    ScaledIn(String, Result<(), CloudError>),
    /// Something of a run.
    OfRun(String, Box<RunDone>),
}

/// What a job of a run brings back.
#[derive(Debug)]
pub(super) enum RunDone {
    /// The run's first objects were written.
    Begun(Result<Stored, CloudError>),
    /// Edits were made, or not.
    Edited(Vec<Edit>, Result<Stored, CloudError>),
    /// The wish was looked at.
    Looked(Result<(Option<Stored>, Option<Dated>), CloudError>),
    /// Blocks of the slot table were written, so that these slots may be launched.
    Recorded(Vec<(u32, u32)>, Result<(), CloudError>),
    /// RunTask was answered, for this slot.
    Started(u32, Result<Started, CloudError>),
    /// StopTask was answered, for this slot.
    Stopped(u32, Result<(), CloudError>),
    /// A task that no slot knows was told to stop.
    StrayStopped(String, Result<(), CloudError>),
    /// These tasks were described.
    Tasks(Vec<String>, Result<Vec<TaskSeen>, CloudError>),
    /// The run's tasks were listed.
    Listed(Result<Vec<String>, CloudError>),
    /// Figures were read, asked for at this moment (the bucket's clock).
    Figures(Millis, Result<Series, CloudError>),
    /// The results were read; the second are objects that cannot be used, and why.
    Results(Box<Results>, Vec<String>),
}

pub(super) async fn instances(cloud: Cloud) -> Result<(GroupSeen, Vec<InstanceSeen>), CloudError> {
    tokio::try_join!(cloud.group(), cloud.container_instances())
}

/// Writes what a run begins with: its plan, its entry in the registry, its wish.
pub(super) async fn begin(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    run: String,
    objects: Vec<(String, Bytes)>,
    wish_key: String,
    mut wish: Wish,
    lease: Millis,
) -> Result<Stored, CloudError> {
    noted(journal.as_deref(), Intent::BeginRun { run }, async {
        for (key, body) in objects {
            let (_, dated) = cloud.put_object(&key, body, Condition::Always).await?;
            // The lease is in the bucket's time, which these answers are the first of.
            wish.lease_until = dated.map_or(wish.lease_until, |dated| dated.date + lease);
        }
        wishes::create(&cloud, &wish_key, &wish).await
    })
    .await
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
    blocks: Vec<(u32, String, Bytes)>,
) -> Result<(), CloudError> {
    for (block, key, body) in blocks {
        let write = async { cloud.put_object(&key, body, Condition::Always).await };
        noted(journal.as_deref(), Intent::PutSlots { block }, write).await?;
    }
    Ok(())
}

pub(super) async fn start(
    cloud: Cloud,
    journal: Option<Arc<Journal>>,
    slot: u32,
    attempt: u32,
    request: TaskRequest,
) -> Result<Started, CloudError> {
    let intent = Intent::RunTask { slot, attempt, token: request.client_token.clone() };
    noted(journal.as_deref(), intent, cloud.run_task(&request)).await
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
) -> Result<(), CloudError> {
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

/// Makes a call that only reads up to [`READ_TRIES`] times.
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
async fn noted<T: std::fmt::Debug>(
    journal: Option<&Journal>,
    intent: Intent,
    call: impl Future<Output = Result<T, CloudError>>,
) -> Result<T, CloudError> {
    let number = journal.map(|journal| journal.intent(wall(), intent));
    let answer = call.await;
    if let (Some(journal), Some(number)) = (journal, number) {
        let outcome = match &answer {
            Ok(it) => format!("ok {it:?}"),
            Err(error) => format!("failed {:?}: {error}", error.kind),
        };
        journal.outcome(wall(), number, outcome);
    }
    answer
}
