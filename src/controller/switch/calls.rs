//! The calls of the switch: a claim and its action, and letting go of both.
//!
//! Invariant: each may be made again from its beginning, whatever became of it the first
//! time: the note says who needs the group, and the action is made to fit it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind,
        types::{Condition, Fetched},
    },
    controller::jobs::noted,
    model::{
        Millis,
        switch::{ACTION, Limits, Note, Parting, fires_at, key},
    },
    record::{Intent, Journal},
};

/// How often a write of the note is tried that others were faster with, and how often
/// letting go of the group.
const TRIES: u32 = 8;
/// The wait between two tries; grows with each.
const BETWEEN: Duration = Duration::from_millis(250);

/// A run's claim on its group.
#[derive(Debug, Clone)]
pub(in crate::controller) struct Claim {
    pub(super) run: String,
    pub(super) until: Millis,
    /// The bucket's time.
    pub(super) now: Millis,
}

/// What was seen of the group when it was claimed.
#[derive(Debug)]
pub(in crate::controller) struct Held {
    /// Machines that the action will not take.
    pub(super) protected: Vec<String>,
    /// The group's limits before the action could change them.
    pub(super) former: Option<Limits>,
}

/// Why a claim could not be made.
#[derive(Debug)]
pub(in crate::controller) struct NotHeld {
    pub(super) error: CloudError,
    /// Whether the action was seen to be missing.
    pub(super) is_gone: bool,
}

impl From<CloudError> for NotHeld {
    fn from(error: CloudError) -> Self {
        NotHeld { error, is_gone: false }
    }
}

/// Who lets go of a group.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    /// Runs that have ended or will not come back.
    pub(crate) runs: Vec<String>,
    /// Whether nobody kept the group for them to their end.
    pub(crate) lapsed: bool,
    /// The bucket's time.
    pub(crate) now: Millis,
}

/// What became of letting go of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The action is gone or stands for others; these limits were put back, if any were.
    Done(Option<Limits>),
    /// The action is still to fire, at this time or a little later.
    Waits(Millis),
}

/// Makes a claim, and sees to it that the action stands for it.
pub(super) async fn hold(
    cloud: &Cloud,
    journal: Option<&Journal>,
    claim: &Claim,
) -> Result<Held, NotHeld> {
    let group = cloud.group().await?;
    let seen = Limits { min: group.min, max: group.max };
    let mut note = claimed(cloud, journal, claim, seen).await?;
    for _ in 0..TRIES {
        let needed = note.fires_at().unwrap_or_else(|| fires_at(claim.until));
        let found = cloud.scheduled(ACTION).await?;
        if found.is_some_and(|found| found >= needed) {
            break;
        }
        let intent = Intent::PutScheduledAction { at: needed };
        noted(journal, intent, cloud.put_scheduled(ACTION, needed))
            .await
            .map_err(|error| NotHeld { error, is_gone: found.is_none() })?;
        // Somebody may have claimed more meanwhile, and moved it before us.
        let now = read(cloud).await?.map(|(note, _)| note).unwrap_or_default();
        if now.fires_at() <= Some(needed) {
            break;
        }
        note = now;
    }
    Ok(Held { protected: group.protected, former: note.former })
}

/// The note with the claim in it, as it is in the bucket.
async fn claimed(
    cloud: &Cloud,
    journal: Option<&Journal>,
    claim: &Claim,
    seen: Limits,
) -> Result<Note, CloudError> {
    let group = cloud.names().group();
    let mut tries = 0;
    loop {
        let found = read(cloud).await?;
        let before = found.as_ref().map(|(note, _)| note.clone()).unwrap_or_default();
        let next = Note {
            group: group.to_owned(),
            ..before.claimed(&claim.run, claim.until, claim.now, seen)
        };
        if next == before {
            return Ok(next);
        }
        let intent = Intent::ClaimGroup { group: group.to_owned(), until: claim.until };
        match noted(journal, intent, write(cloud, &next, found.map(|it| it.1))).await {
            Ok(_) => return Ok(next),
            Err(error) if error.kind == ErrorKind::Precondition && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
        tokio::time::sleep(BETWEEN * tries).await;
    }
}

/// Lets go of a group. What nobody else needs is put back as it was.
pub(crate) async fn release(
    cloud: &Cloud,
    journal: Option<Arc<Journal>>,
    leaving: &Leaving,
) -> Result<Settled, CloudError> {
    let mut tries = 0;
    loop {
        let error = match Box::pin(released(cloud, journal.as_deref(), leaving)).await {
            Ok(settled) => return Ok(settled),
            Err(error) => error,
        };
        tries += 1;
        let is_beaten = error.kind == ErrorKind::Precondition;
        if tries >= TRIES || !(is_beaten || error.is_passing()) {
            return Err(error);
        }
        tokio::time::sleep(BETWEEN * tries).await;
    }
}

async fn released(
    cloud: &Cloud,
    journal: Option<&Journal>,
    leaving: &Leaving,
) -> Result<Settled, CloudError> {
    let Some((mut note, mut etag)) = read(cloud).await? else {
        return Ok(Settled::Done(None));
    };
    let (runs, now) = (leaving.runs.iter().map(String::as_str).collect::<Vec<_>>(), leaving.now);
    let runs = runs.as_slice();
    let lapsed = note.lapsed(runs, now);
    if leaving.lapsed && lapsed != note {
        let intent = Intent::LeaveGroup { group: note.group.clone() };
        etag = noted(journal, intent, write(cloud, &lapsed, Some(etag))).await?;
        note = lapsed;
    }
    let found = cloud.scheduled(ACTION).await?;
    match note.parting(runs, found, now) {
        Parting::Wait(at) => return Ok(Settled::Waits(at)),
        Parting::Delete => {
            let intent = Intent::DeleteScheduledAction { at: found.unwrap_or(0) };
            noted(journal, intent, cloud.delete_scheduled(ACTION)).await?;
        }
        Parting::Move(at) => {
            let intent = Intent::PutScheduledAction { at };
            noted(journal, intent, cloud.put_scheduled(ACTION, at)).await?;
        }
        Parting::Leave | Parting::Restore => {}
    }
    let mut left = note.released(runs, now);
    let mut limits = None;
    if left.claims.is_empty() {
        let group = cloud.group().await?;
        limits = note.restored(Limits { min: group.min, max: group.max });
        if let Some(Limits { min, max }) = limits {
            let intent = Intent::SetLimits { min, max };
            noted(journal, intent, cloud.set_limits(min, max)).await?;
        }
        left = Note { group: note.group.clone(), ..Note::default() };
    }
    if left != note {
        let intent = Intent::LeaveGroup { group: note.group.clone() };
        // Who has claimed it meanwhile may have lost the action: then it is looked again.
        noted(journal, intent, write(cloud, &left, Some(etag))).await?;
    }
    Ok(Settled::Done(limits))
}

/// The note of the group, and its entity tag; none: nobody ever claimed it.
pub(crate) async fn read(cloud: &Cloud) -> Result<Option<(Note, String)>, CloudError> {
    let key = key(&cloud.place(), cloud.names().group());
    let (Fetched::New(object), _) = cloud.get_object(&key, None).await? else {
        return Ok(None);
    };
    let note = serde_json::from_slice(&object.body).map_err(|error| CloudError {
        call: "GetObject",
        kind: ErrorKind::Refused,
        code: None,
        message: format!("{key} cannot be read: {error}"),
    })?;
    Ok(Some((note, object.etag)))
}

/// Writes the note over the version with this entity tag, or where there is none yet; says
/// the new one.
async fn write(cloud: &Cloud, note: &Note, over: Option<String>) -> Result<String, CloudError> {
    let key = key(&cloud.place(), cloud.names().group());
    let body = Bytes::from(serde_json::to_vec(note).expect("numbers and strings are JSON"));
    let condition = over.map_or(Condition::Absent, Condition::Matches);
    cloud.put_object(&key, body, condition).await.map(|(etag, _)| etag)
}
