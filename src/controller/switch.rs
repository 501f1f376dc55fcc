//! The dead man's switch of a group that is loadtop's own: set before anything starts,
//! moved before every lease, taken back at zero.
//!
//! What it is for and what it promises is in [`crate::model::switch`]. Invariants: only a
//! leader moves it, and only while its run's lease has not lapsed; a lease is prolonged no
//! farther than the action stands for, so that devices end before their instances do,
//! also where the action cannot be moved any more.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    actor::Actor,
    jobs::{RunDone, noted},
    run::{Ending, Run},
    snapshot::Level,
};
use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind,
        types::{Condition, Fetched},
    },
    model::{
        Millis,
        confirmed::Confirmed,
        leadership::Role,
        switch::{ACTION, Limits, Note, Parting, fires_at, key},
        wish::Wish,
    },
    record::{Intent, Journal},
};

/// How often a write of the note is tried that others were faster with, and how often
/// letting go of the group.
const TRIES: u32 = 8;
/// The wait between two tries; grows with each.
const BETWEEN: Duration = Duration::from_millis(250);
/// So many failures in a row that no repetition helps end a run that has not begun.
const FAILURES_MOST: u32 = 4;
/// How often is looked whether an action has fired that was left to.
const SETTLE_EVERY_MS: Millis = 5_000;
/// The permissions that the switch takes.
const PERMISSIONS: &str = "autoscaling:PutScheduledUpdateGroupAction, DescribeScheduledActions, \
                           DeleteScheduledAction and UpdateAutoScalingGroup";

/// A run's claim on its group.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    run: String,
    until: Millis,
    /// The bucket's time.
    now: Millis,
}

/// What was seen of the group when it was claimed.
#[derive(Debug)]
pub(super) struct Held {
    /// Machines that the action will not take.
    protected: Vec<String>,
    former: Option<Limits>,
}

/// Why a claim could not be made.
#[derive(Debug)]
pub(super) struct NotHeld {
    error: CloudError,
    /// Whether the action was seen to be missing.
    is_gone: bool,
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

/// What is left to do with the group after its run has ended.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Whether an action was left to fire.
    waits: bool,
    /// Whether the run had lapsed.
    lapsed: bool,
    on_its_way: bool,
    /// Not before then (monotonic).
    from: Millis,
}

impl Run {
    /// Whether the run's group is loadtop's own.
    pub(super) fn owns_group(&self) -> bool {
        self.registry.policy.owns_group && !self.cloud.names().group().is_empty()
    }

    /// Whether tasks may be started and instances added: what would end them when nobody
    /// is left is in place.
    pub(super) fn may_start(&self) -> bool {
        !self.owns_group() || self.switch.stands_for(self.wish.lease_until)
    }

    /// How far the lease may go that should go to `until`.
    pub(super) fn lease_reach(&mut self, until: Millis) -> Millis {
        if self.owns_group() { self.switch.reach(until) } else { until }
    }
}

impl Actor {
    /// Moves the switch on, and looks whether it still stands.
    pub(super) fn keep_switch(&mut self, wish: &Wish, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| run.owns_group()) else {
            return;
        };
        let lease = run.registry.policy.lease_ms;
        // Whoever has lapsed is what the action is for.
        let alive_until = run.switch.held().unwrap_or(0).max(wish.lease_until);
        let is_cleared = |it: &Ending| it.stage != super::run::Stage::Clearing;
        let by_lease = run.confirmed == Some(Confirmed::ByLease);
        if alive_until <= at || by_lease || run.ending.as_ref().is_some_and(is_cleared) {
            return;
        }
        run.switch.reach(wish.lease_until);
        if run.is_ending() && alive_until < at + lease / 2 {
            // Nobody renews the lease of a run that ends; its tasks may take longer.
            run.switch.reach(at + lease);
        }
        let Some(until) = run.switch.step(lease, now) else {
            return;
        };
        let claim = Claim { run: run.id.clone(), until, now: at };
        let (id, cloud, journal) = (run.id.clone(), run.cloud.clone(), run.journal.clone());
        self.spawn_of_run(&id, async move {
            RunDone::GroupHeld(until, hold(&cloud, journal.as_deref(), &claim).await)
        });
    }

    pub(super) fn learn_held(&mut self, until: Millis, answer: Result<Held, NotHeld>) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        let group = run.cloud.names().group().to_owned();
        match answer {
            Ok(held) => {
                if run.switch.learn_held(until) {
                    self.tell_switch(&group, &held);
                }
            }
            Err(NotHeld { error, is_gone }) => {
                let failures = run.switch.learn_failed(until, is_gone, now);
                let is_set = run.switch.held().is_some();
                let is_empty = run.slots.counts().placed() == 0;
                let then = if is_set {
                    format!(
                        "the switch of the group {group} is not moved on: the lease ends where it \
                         does, and the run with it, unless that succeeds (it takes {PERMISSIONS})"
                    )
                } else {
                    format!(
                        "no task is started before the switch of the group {group} is set (it \
                         takes {PERMISSIONS})"
                    )
                };
                self.notice(Level::Error, format!("{error}; {then}"));
                if !is_set && is_empty && failures >= FAILURES_MOST && !error.is_passing() {
                    let why = format!("the switch of the group {group} cannot be set: {error}");
                    self.abort(&why);
                }
            }
        }
    }

    /// Tells what will happen to the group if nobody is left.
    fn tell_switch(&mut self, group: &str, held: &Held) {
        self.notice(
            Level::Info,
            format!("the switch of the group {group} is set: without a leader it goes to zero"),
        );
        if !held.protected.is_empty() {
            let text = format!(
                "protected from scale-in, and so not ended by the switch of the group {group}: {}; \
                 aws autoscaling set-instance-protection --auto-scaling-group-name {group} \
                 --no-protected-from-scale-in --instance-ids {}",
                held.protected.join(", "),
                held.protected.join(" ")
            );
            self.notice(Level::Warning, text);
        }
        if let Some(min) = held.former.map(|it| it.min).filter(|min| *min > 0) {
            let text = format!(
                "the group {group} has at least {min} instances: should the switch end them, \
                 loadtop reap puts that minimum back"
            );
            self.notice(Level::Info, text);
        }
    }

    /// Whether an order for instances must wait for the switch, which is being set.
    pub(super) fn awaits_switch(&self) -> bool {
        let now = self.clock.monotonic();
        self.run.as_ref().is_some_and(|run| {
            // Where another one leads it is theirs to set, and the order looks for it.
            let follows = matches!(run.lead.role(now), Role::Following { .. });
            let waits = !run.may_start() && !run.switch.is_failing();
            waits && !follows && run.lead.wants() && !run.is_ending()
        })
    }

    /// Lets go of the group of a run of which nothing is left; the end is written down
    /// then.
    pub(super) fn let_go_of_group(&mut self) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| run.owns_group()) else {
            return self.finish();
        };
        // Whoever did not keep the group to the end leaves it to the action.
        let is_held = run.switch.held().is_some_and(|held| held > at);
        run.settling.lapsed = run.confirmed == Some(Confirmed::ByLease) || !is_held;
        self.spawn_release(at);
    }

    fn spawn_release(&mut self, at: Millis) {
        let Some(run) = &self.run else {
            return;
        };
        let (id, cloud, journal) = (run.id.clone(), run.cloud.clone(), run.journal.clone());
        let leaving = Leaving { runs: vec![id.clone()], lapsed: run.settling.lapsed, now: at };
        self.spawn_of_run(&id, async move {
            RunDone::GroupLeft(release(&cloud, journal, &leaving).await)
        });
    }

    pub(super) fn learn_group_left(&mut self, answer: Result<Settled, CloudError>) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        let group = run.cloud.names().group().to_owned();
        let is_first = !std::mem::take(&mut run.settling.on_its_way);
        run.settling.from = now + SETTLE_EVERY_MS;
        match answer {
            Ok(Settled::Done(limits)) => {
                run.settling.waits = false;
                if let Some(limits) = limits {
                    let text = format!("the group {group} has its minimum of {} again", limits.min);
                    self.notice(Level::Info, text);
                }
            }
            Ok(Settled::Waits(at)) => {
                run.settling.waits = true;
                if is_first {
                    let at = humantime::format_rfc3339_seconds(
                        std::time::UNIX_EPOCH + Duration::from_millis(at),
                    );
                    let text = format!(
                        "nobody kept the group {group}: its switch ends the instances at {at}, or \
                         minutes later"
                    );
                    self.notice(Level::Warning, text);
                }
            }
            Err(error) => {
                let text = format!(
                    "the switch of the group {group} may still be set: aws autoscaling \
                     delete-scheduled-action --auto-scaling-group-name {group} \
                     --scheduled-action-name {ACTION}"
                );
                self.failed(&error, &text);
            }
        }
        if is_first {
            self.finish();
        }
    }

    /// Sees an action out that was left to fire, and puts back what it changes.
    pub(super) fn settle_group(&mut self, now: Millis) {
        let at = self.clock.bucket();
        let is_due = |run: &&mut Run| {
            run.settling.waits && !run.settling.on_its_way && now >= run.settling.from
        };
        let Some(run) = self.run.as_mut().filter(is_due) else {
            return;
        };
        run.settling.on_its_way = true;
        self.spawn_release(at);
    }
}

/// Makes a claim, and sees to it that the action stands for it.
async fn hold(cloud: &Cloud, journal: Option<&Journal>, claim: &Claim) -> Result<Held, NotHeld> {
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
        let error = match released(cloud, journal.as_deref(), leaving).await {
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
