//! The slot table in the bucket: blocks of slots, written before their calls.
//!
//! Invariants: a block is written only over the version that its leader knows, so
//! that one who was deposed cannot overwrite its successor's; a successor first
//! writes its own term into every block. A slot keeps the exact request of its
//! attempt, so that whoever asks again asks the same.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{
    known::Known,
    progress::{self, Progress},
};
use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind,
        types::{Condition, Fetched, TaskRequest},
    },
    model::slots::Slot,
};

/// Slots of one block, one object of the bucket.
pub(super) const BLOCK: u32 = 100;
/// Blocks that are read or written at once.
pub(super) const AT_ONCE: usize = 8;
/// How often a block is tried.
const TRIES: u32 = 4;
/// The wait between two tries; grows with each.
const BETWEEN: Duration = Duration::from_millis(200);

/// A block as it is in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    pub(super) run: String,
    #[serde(rename = "block")]
    pub(super) number: u32,
    /// The term of the leader that wrote it.
    pub(super) term: u64,
    pub(super) cluster: String,
    pub(super) task_definition: String,
    pub(super) container: String,
    pub(super) slots: Vec<Entry>,
}

/// A slot as it is in the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) slot: Slot,
    /// Its first device.
    pub(super) first: u32,
    /// Devices that it has room for.
    pub(super) room: u32,
    /// What RunTask is or was called with for this attempt.
    pub(super) request: Option<TaskRequest>,
    /// What else is known of its tasks.
    #[serde(default, skip_serializing_if = "Known::is_nothing")]
    pub(super) known: Known,
}

/// What a successor finds.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) slots: Vec<Slot>,
    /// The requests of the attempts, by slot.
    pub(super) requests: BTreeMap<u32, TaskRequest>,
    /// What else is known of the slots' tasks.
    pub(super) known: Vec<(Slot, Known)>,
    /// The entity tags of the blocks.
    pub(super) etags: BTreeMap<u32, String>,
    pub(super) progress: Option<Progress>,
}

/// The name of a block's object in its run's prefix.
pub(super) fn name(block: u32) -> String {
    format!("slots/{block:05}.json")
}

/// Reads the whole table of the run with this prefix, and makes it the table of
/// `term`: whatever a leader before writes from then on is refused.
pub(super) async fn take_over(cloud: &Cloud, prefix: &str, term: u64) -> Result<Table, CloudError> {
    let keys = cloud.list_objects(&format!("{prefix}slots/")).await?;
    let blocks: Vec<(Block, String)> = stream::iter(keys)
        .map(|key| claim(cloud, key, term))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut table = Table::default();
    for (block, etag) in blocks {
        table.etags.insert(block.number, etag);
        for Entry { slot, request, known, .. } in block.slots {
            table.requests.extend(request.map(|request| (slot.number, request)));
            table.known.push((slot.clone(), known));
            table.slots.push(slot);
        }
    }
    if let (Fetched::New(object), _) =
        cloud.get_object(&format!("{prefix}{}", progress::NAME), None).await?
    {
        table.progress = serde_json::from_slice(&object.body).ok();
    }
    Ok(table)
}

async fn claim(cloud: &Cloud, key: String, term: u64) -> Result<(Block, String), CloudError> {
    let mut tries = 0;
    loop {
        let (mut block, etag) = read(cloud, &key).await?;
        block.term = term;
        match put(cloud, &key, &block, Some(etag)).await {
            Ok(etag) => return Ok((block, etag)),
            Err(error) if error.kind == ErrorKind::Precondition && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Writes a block over the version with this entity tag, or where there is none
/// yet; says the new one. A lost answer is looked up.
pub(super) async fn put(
    cloud: &Cloud,
    key: &str,
    block: &Block,
    over: Option<String>,
) -> Result<String, CloudError> {
    let body = Bytes::from(serde_json::to_vec(block).expect("a block is JSON"));
    let mut tries = 0;
    let mut ambiguous = false;
    loop {
        let condition = over.clone().map_or(Condition::Absent, Condition::Matches);
        let error = match cloud.put_object(key, body.clone(), condition).await {
            Ok((etag, _)) => return Ok(etag),
            Err(error) => error,
        };
        tries += 1;
        let beaten = error.kind == ErrorKind::Precondition;
        if beaten && ambiguous {
            // Perhaps by ourselves, by the write whose answer was lost.
            let (there, etag) = read(cloud, key).await?;
            return if there == *block { Ok(etag) } else { Err(error) };
        }
        if beaten || tries >= TRIES || !error.is_passing() {
            return Err(error);
        }
        ambiguous |= error.kind == ErrorKind::Ambiguous;
        tokio::time::sleep(BETWEEN * tries).await;
    }
}

async fn read(cloud: &Cloud, key: &str) -> Result<(Block, String), CloudError> {
    let broken = |message: String| CloudError {
        call: "GetObject",
        kind: ErrorKind::Refused,
        code: None,
        message,
    };
    match cloud.get_object(key, None).await? {
        (Fetched::New(object), _) => {
            let block = serde_json::from_slice(&object.body)
                .map_err(|error| broken(format!("{key} cannot be read: {error}")))?;
            Ok((block, object.etag))
        }
        _ => Err(broken(format!("{key} is gone from the bucket"))),
    }
}

/// Reads so many blocks of the run with this prefix, each unless it is the version that
/// is known by its entity tag. Those that are not there yet are left out; the error is why
/// some were not read.
pub(super) async fn look(
    cloud: Cloud,
    prefix: String,
    blocks: u32,
    known: BTreeMap<u32, String>,
) -> (Vec<(Block, String)>, Option<CloudError>) {
    let (cloud, prefix, known) = (&cloud, &prefix, &known);
    let found: Vec<_> = stream::iter(0..blocks)
        .map(|block| async move {
            let key = format!("{prefix}{}", name(block));
            cloud.get_object(&key, known.get(&block).map(String::as_str)).await
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let (mut read, mut failed) = (Vec::new(), None);
    for answer in found {
        match answer {
            Ok((Fetched::New(object), _)) => match serde_json::from_slice(&object.body) {
                Ok(block) => read.push((block, object.etag)),
                Err(error) => tracing::warn!("a block of the slot table cannot be read: {error}"),
            },
            Ok(_) => {}
            Err(error) => failed = Some(error),
        }
    }
    (read, failed)
}
