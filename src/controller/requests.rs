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
    cloud::types::TaskRequest,
    model::{Millis, device::device_id, registry::Workload, slots::Slot},
};

/// How long a task may take to end after SIGTERM: ECS's default stop timeout, which
/// loadtop's task definitions keep, in milliseconds.
pub(super) const STOP_MS: u64 = 30_000;
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
        let first = self.slots.first_device(slot);
        let identity = match &self.registry.workload {
            Workload::Agent => IDENTITY,
            Workload::Image { identity, .. } => identity,
        };
        [
            ("LOADTOP_BUCKET", self.cloud.names().bucket.clone()),
            ("LOADTOP_STOP_MS", STOP_MS.to_string()),
            ("LOADTOP_RUN", self.id.clone()),
            ("LOADTOP_TASK", task_name(slot, attempt)),
            ("LOADTOP_FIRST_DEVICE", first.to_string()),
            ("LOADTOP_DEVICES", self.slots.room().to_string()),
            ("LOADTOP_PREFIX", self.prefix.clone()),
            (identity, device_id(&self.id, first).to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// A block of the slot table as it is to be in the bucket.
    pub(super) fn block(&mut self, block: u32, term: u64) -> Block {
        let slots: Vec<Slot> = self.slots.within(block * BLOCK, BLOCK).cloned().collect();
        let slots = slots.into_iter().map(|slot| self.entry(slot)).collect();
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

    fn entry(&mut self, slot: Slot) -> Entry {
        Entry {
            first: self.slots.first_device(slot.number),
            room: self.slots.room(),
            request: (slot.attempt > 0).then(|| self.request(slot.number, slot.attempt)),
            slot,
        }
    }
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
