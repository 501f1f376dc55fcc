//! What a task is started with: its name, its token, its environment.
//!
//! Invariant: the request of an attempt is the same whoever makes it, and when. No leader
//! is in it, and no time but the end of the lease when it was first made, which is kept
//! with the attempt. One that another leader made is repeated as that one wrote it down.

use std::time::{Duration, UNIX_EPOCH};

use uuid::Uuid;

use super::{
    blocks::{BLOCK, Block, Entry},
    run::Run,
};
use crate::{
    cloud::{Cloud, types::TaskRequest},
    model::{Millis, device::device_id, registry::Workload, slots::Slot},
};

/// The longest that ECS grants.
const STOP_MS_MOST: Millis = 120_000;
/// What ECS takes of overrides in one call, in characters of JSON.
const OVERRIDES_MOST: usize = 8_192;
/// How long the id of a run is that begins here.
pub(super) const RUN_ID: usize = 12;
/// How much of a name is shown that is too long.
const SHOWN: usize = 40;
/// The variable with the first device's id, where the user names no other.
const IDENTITY: &str = "UUID";

/// The tag with the run's id.
const RUN_TAG: &str = "loadtop:run";
/// The tag with the version that started it.
const VERSION_TAG: &str = "loadtop:version";
/// The tag with the end of the lease when it was asked for (RFC 3339).
pub(crate) const EXPIRES_TAG: &str = "loadtop:expires";

/// The name of an attempt's task.
pub(super) fn task_name(slot: u32, attempt: u32) -> String {
    format!("{slot:05}-{attempt}")
}

/// The slot and the attempt of a task with this name.
pub(super) fn of_name(name: &str) -> Option<(u32, u32)> {
    let (slot, attempt) = name.split_once('-')?;
    Some((slot.parse().ok()?, attempt.parse().ok()?))
}

/// The block that a slot is in.
pub(super) fn block_of(slot: u32) -> u32 {
    slot / BLOCK
}

/// What the keys of a run begin with.
pub(super) fn prefix(run: &str) -> String {
    format!("loadtop/{run}/")
}

/// What the tasks of a run are found by.
pub(super) fn started_by(run: &str) -> String {
    format!("loadtop/{run}")
}

impl Run {
    /// The idempotency token of an attempt: the same for whoever asks. A UUID has
    /// 36 of the 64 characters that are allowed.
    fn token(&self, slot: u32, attempt: u32) -> String {
        let name = format!("{}/{slot}/{attempt}", self.id);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// What RunTask is called with for an attempt.
    pub(super) fn request(&mut self, slot: u32, attempt: u32) -> TaskRequest {
        let token = self.token(slot, attempt);
        // Another version of loadtop may have made it, and worded it differently.
        if let Some(made) = self.requests.get(&slot).filter(|it| it.client_token == token) {
            return made.clone();
        }
        let lease = (attempt, self.wish.lease_until);
        let made = self.expiries.entry(slot).or_insert(lease);
        if made.0 != attempt {
            *made = lease;
        }
        let expires = made.1;
        TaskRequest {
            client_token: token,
            started_by: started_by(&self.id),
            environment: self.environment(slot, attempt),
            tags: self.tags(expires),
            capacity: Some(self.cloud.names().capacity.clone()),
            network: self.cloud.names().network.clone(),
            watchdog: self.cloud.names().watchdog.clone(),
        }
    }

    /// The tags of what is started: the user's, and ours over them. `expires` is when
    /// nobody needs it any more unless a lease was prolonged since.
    pub(super) fn tags(&self, expires: Millis) -> Vec<(String, String)> {
        let expires = UNIX_EPOCH + Duration::from_millis(expires);
        let mut tags = self.registry.tags.clone();
        tags.extend([
            (RUN_TAG.to_owned(), self.id.clone()),
            (VERSION_TAG.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            (EXPIRES_TAG.to_owned(), humantime::format_rfc3339_seconds(expires).to_string()),
        ]);
        tags.into_iter().collect()
    }

    /// What a task is told.
    fn environment(&self, slot: u32, attempt: u32) -> Vec<(String, String)> {
        Told {
            cloud: &self.cloud,
            workload: &self.registry.workload,
            stop_ms: self.registry.stop_ms(),
            run: &self.id,
            task: task_name(slot, attempt),
            first: self.slots.first_device(slot),
            room: self.slots.room(),
            prefix: &self.prefix,
        }
        .environment()
    }

    /// A block of the slot table as it is to be in the bucket.
    /// It is written at `at` (the bucket's clock).
    pub(super) fn block(&mut self, block: u32, term: u64, at: Millis) -> Block {
        let slots: Vec<Slot> = self.slots.within(block * BLOCK, BLOCK).cloned().collect();
        let slots = slots.into_iter().map(|slot| self.entry(slot, at)).collect();
        let names = self.cloud.names();
        Block {
            run: self.id.clone(),
            number: block,
            term,
            cluster: names.cluster.clone(),
            task_definition: names.task_definition.clone(),
            container: names.container.clone(),
            slots,
        }
    }

    fn entry(&mut self, slot: Slot, at: Millis) -> Entry {
        Entry {
            first: self.slots.first_device(slot.number),
            room: self.slots.room(),
            known: self.noted.known(&slot, at),
            request: (slot.attempt > 0).then(|| self.request(slot.number, slot.attempt)),
            slot,
        }
    }
}

/// What a task's environment is made of.
struct Told<'a> {
    cloud: &'a Cloud,
    workload: &'a Workload,
    stop_ms: Millis,
    run: &'a str,
    task: String,
    first: u32,
    room: u32,
    prefix: &'a str,
}

impl Told<'_> {
    fn environment(self) -> Vec<(String, String)> {
        let identity = match self.workload {
            Workload::Agent => IDENTITY,
            Workload::Image { identity, .. } => identity,
        };
        let bucket = &self.cloud.names().bucket;
        // A bucket of this machine's files is nothing that a task could read.
        let of_a_bucket = |text: &str| (!bucket.is_empty()).then(|| text.to_owned());
        // A region of its own is a program's business.
        let region = match self.workload {
            Workload::Agent => self.cloud.told_region().map(str::to_owned),
            Workload::Image { .. } => None,
        };
        [
            ("LOADTOP_BUCKET", of_a_bucket(bucket)),
            ("LOADTOP_STOP_MS", Some(self.stop_ms.to_string())),
            ("LOADTOP_RUN", Some(self.run.to_owned())),
            ("LOADTOP_TASK", Some(self.task)),
            ("LOADTOP_FIRST_DEVICE", Some(self.first.to_string())),
            ("LOADTOP_DEVICES", Some(self.room.to_string())),
            ("LOADTOP_PREFIX", of_a_bucket(self.prefix)),
            (identity, Some(device_id(self.run, self.first).to_string())),
            ("AWS_REGION", region),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}

/// Why the tasks of a run that is made like this could not be told what they must be:
/// ECS bounds what one call may override. None: they can.
pub(crate) fn too_long(cloud: &Cloud, workload: &Workload) -> Option<String> {
    let run = "0".repeat(RUN_ID);
    let request = TaskRequest {
        client_token: String::new(),
        started_by: started_by(&run),
        environment: Told {
            cloud,
            workload,
            stop_ms: STOP_MS_MOST,
            run: &run,
            task: task_name(u32::MAX, u32::MAX),
            first: u32::MAX,
            room: u32::MAX,
            prefix: &prefix(&run),
        }
        .environment(),
        watchdog: cloud.names().watchdog.clone(),
        ..TaskRequest::default()
    };
    let length = cloud.overrides_length(&request);
    (length > OVERRIDES_MOST).then(|| {
        let longest =
            request.environment.iter().max_by_key(|(name, value)| name.len() + value.len());
        let longest = longest.map_or("", |(name, _)| name);
        let shown: String = longest.chars().take(SHOWN).collect();
        let more = if shown.len() < longest.len() { "…" } else { "" };
        format!(
            "what a task is told takes {length} characters, and ECS takes at most \
             {OVERRIDES_MOST}: the longest of it is {shown}{more}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_known_by_its_name() {
        assert_eq!(of_name(&task_name(12_345, 7)), Some((12_345, 7)));
        assert_eq!(of_name("agent"), None);
    }
}
