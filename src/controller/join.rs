//! Finding the runs that are on here, and going on with one of them.
//!
//! Invariant: a run that has ended is looked at once; what is found is a run of this
//! place, whatever else shares the bucket.

use std::collections::BTreeSet;

use super::{
    Join,
    actor::Actor,
    live::Live,
    run::Run,
    snapshot::Level,
    wishes::{self, Stored},
};
use crate::{
    cloud::{Cloud, CloudError},
    model::{Millis, leadership::Leadership, registry::Registry},
    plan::Plan,
    runs,
};

/// How often runs are looked for while there is none to follow.
const IDLE_EVERY_MS: Millis = 3_000;
/// How often others are looked for beside the one that is followed.
const BESIDE_EVERY_MS: Millis = 30_000;

/// What is known of the runs here.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// Runs that have ended, and what is no run of this place.
    over: BTreeSet<String>,
    on_its_way: bool,
    next: Millis,
    /// Whether there was no run to follow at the latest turn.
    idle: bool,
    /// Whether there was an answer at all.
    pub(super) answered: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    over: BTreeSet<String>,
    live: Vec<Registry>,
    joined: Option<Box<Joined>>,
}

/// A run to go on with.
#[derive(Debug)]
pub(super) struct Joined {
    registry: Registry,
    stored: Stored,
    /// None where it cannot be read: the run can be steered and ended all the same.
    plan: Option<Plan>,
}

impl Finding {
    /// Forgets a search that is on its way.
    pub(super) fn forget(&mut self) {
        self.on_its_way = false;
    }
}

impl Actor {
    /// Whether it is not known yet whether there is a run to go on with.
    pub(super) fn is_finding(&self) -> bool {
        self.options.join != Join::Own && !self.finding.answered
    }

    /// Looks for runs, if that is due.
    pub(super) fn find(&mut self, now: Millis) {
        let following = self.run.as_ref().is_some_and(|run| !run.has_ended());
        if following == self.finding.idle {
            self.finding.idle = !following;
            // The end of a run is shown for a moment, and the next one is found soon.
            let soon = self.finding.next.min(now + IDLE_EVERY_MS);
            self.finding.next = if following { self.finding.next } else { soon };
        }
        if self.options.join == Join::Own || self.finding.on_its_way || now < self.finding.next {
            return;
        }
        self.finding.on_its_way = true;
        let (cloud, over) = (self.cloud.clone(), self.finding.over.clone());
        let join = (!following).then(|| self.options.join.clone());
        self.spawn(async move { super::jobs::Done::Found(find(&cloud, over, join).await) });
    }

    /// Takes in what was found.
    pub(super) fn learn_found(&mut self, answer: Result<Found, CloudError>) {
        let now = self.clock.monotonic();
        self.finding.on_its_way = false;
        let found = match answer {
            Ok(found) => found,
            Err(error) => {
                self.finding.next = now + IDLE_EVERY_MS;
                return self.failed(&error, "live runs are looked for again");
            }
        };
        self.finding.answered = true;
        self.finding.over.extend(found.over);
        let free = self.run.as_ref().is_none_or(Run::has_ended);
        if let Some(joined) = found.joined.filter(|_| free) {
            self.join(*joined);
        }
        let ours = self.run.as_ref().map(|run| run.id.clone());
        self.others = found
            .live
            .into_iter()
            .map(|it| it.run)
            .filter(|it| Some(it) != ours.as_ref())
            .collect();
        if let (Join::Run(run), None) = (&self.options.join, &self.run) {
            let text = format!("there is no run {run} here that has not ended: see loadtop status");
            self.notice(Level::Error, text);
        }
        let idle = self.run.as_ref().is_none_or(Run::has_ended);
        self.finding.next = now + if idle { IDLE_EVERY_MS } else { BESIDE_EVERY_MS };
    }

    fn join(&mut self, joined: Joined) {
        let now = self.clock.monotonic();
        let Joined { registry, stored, plan } = joined;
        if self.run.as_ref().is_some_and(|run| run.id == registry.run) {
            return;
        }
        self.refuse_unwritten();
        self.clock.observe(stored.dated);
        let lead = Leadership::new(self.me.clone(), self.options.leads && !self.left);
        let mut run =
            Run::new(registry, plan, &self.cloud, stored.wish.clone(), lead, &self.options.runs);
        run.take_wish(stored.wish, stored.etag, now);
        run.calls_before = self.cloud.calls();
        run.figures.recall(run.registry.started_ms);
        run.live = Live::of_before();
        let text = format!("run {} of {} is on: this is it", run.id, run.registry.by);
        self.tasks_at = None;
        self.looks.begin_run();
        self.take_fleet_of(&run);
        let opened = if self.options.leads { run.open_journal(&self.options.runs) } else { Ok(()) };
        self.run = Some(run);
        self.notice(Level::Info, text);
        if let Err(error) = opened {
            self.notice_no_folder(&error);
        }
    }
}

/// Reads the registry entries that are not known to be over, and all of the run that
/// `join` asks for, if there is one.
async fn find(
    cloud: &Cloud,
    known: BTreeSet<String>,
    join: Option<Join>,
) -> Result<Found, CloudError> {
    let entries = runs::entries(cloud, &known).await?;
    let (live, ended): (Vec<_>, Vec<_>) =
        entries.here.into_iter().partition(|entry| entry.ended_at.is_none());
    let over = ended.into_iter().map(|entry| entry.run).chain(entries.elsewhere).collect();
    let wanted = match &join {
        Some(Join::Latest) => live.last(),
        Some(Join::Run(run)) => live.iter().find(|it| it.run == *run),
        Some(Join::Own) | None => None,
    };
    let joined = match wanted {
        Some(entry) => Some(Box::new(details(cloud, entry.clone()).await?)),
        None => None,
    };
    Ok(Found { over, live, joined })
}

async fn details(cloud: &Cloud, registry: Registry) -> Result<Joined, CloudError> {
    let stored = wishes::read(cloud, &runs::key(&registry.run, "wish.json")).await?;
    let (plan, _) = runs::read::<Plan>(cloud, &runs::key(&registry.run, &stored.wish.plan)).await?;
    Ok(Joined { registry, stored, plan })
}
