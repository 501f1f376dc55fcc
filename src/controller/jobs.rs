//! The calls of the controller, each a job of its own, and what they bring back.
//!
//! Invariant: a job notes its intent before a call that changes something and its
//! outcome after it; it touches nothing of the controller's, it only answers.

use std::sync::Arc;

use bytes::Bytes;

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
    stats::Part,
};

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
    /// Tasks were described.
    Tasks(Result<Vec<TaskSeen>, CloudError>),
    /// The run's tasks were listed.
    Listed(Result<Vec<String>, CloudError>),
    /// Figures were read, asked for at this moment (the bucket's clock).
    Figures(Millis, Result<Series, CloudError>),
    /// The results were read; the second are objects that cannot be used, and why.
    Results(Result<(Vec<Part>, Vec<String>), CloudError>),
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
    wish: Wish,
) -> Result<Stored, CloudError> {
    noted(journal.as_deref(), Intent::BeginRun { run }, async {
        for (key, body) in objects {
            cloud.put_object(&key, body, Condition::Always).await?;
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
) -> Result<Stored, CloudError> {
    let named = edits.iter().map(|edit| format!("{} {:?}", edit.id, edit.change)).collect();
    noted(
        journal.as_deref(),
        Intent::PutWish { edits: named },
        wishes::edit(&cloud, &key, known, &edits),
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

/// Reads all parts of all tasks' results.
pub(super) async fn results(
    cloud: Cloud,
    prefix: String,
) -> Result<(Vec<Part>, Vec<String>), CloudError> {
    let mut parts = Vec::new();
    let mut unusable = Vec::new();
    for key in cloud.list_objects(&prefix).await? {
        match cloud.get_object(&key, None).await? {
            (Fetched::New(object), _) => {
                let text = String::from_utf8_lossy(&object.body);
                match Part::parse(&text) {
                    Ok(part) => parts.push(part),
                    Err(error) => unusable.push(format!("{key}: {error}")),
                }
            }
            _ => unusable.push(format!("{key}: gone")),
        }
    }
    Ok((parts, unusable))
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
