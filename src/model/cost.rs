//! What a run costs: what it used, metered over time, and what that comes to.
//!
//! Metered are the machines of the run's group, its tasks on Fargate with their public
//! addresses, and the requests to CloudWatch and S3: the leader's own are counted, those
//! of the agents follow from how often each asks. Not metered, since nobody tells us or
//! since it is cents: volumes, NAT gateways, data transfer, logs, the monthly fee of
//! custom metrics, addresses of instances, and the looks of controllers that follow.
//!
//! Instances count while the run is on, also those that were there before it; what part
//! of it they are is said apart.
//!
//! Invariants: what was used only grows, and is the same however often it was looked at
//! in between; it is kept as amounts, never as money, so that a successor with other
//! prices goes on from it. A price that is unknown is named, and nothing is added for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Millis,
    prices::{self, Prices, SPOT},
};

mod bill;
#[cfg(test)]
mod tests;

pub use bill::{Bill, Budget, Part, PartName, Shape, Verdict, dollars};

/// AWS charges a minute at least for every machine and for every task.
pub const LEAST_MS: Millis = 60_000;
/// Instance types that nobody named.
pub const UNNAMED: &str = "an instance of unknown type";
/// States of a machine in which nothing is charged for it.
const FREE_STATES: [&str; 4] = ["Warmed:Stopped", "Warmed:Hibernated", "Terminated", "Detached"];
/// Parts of a request that are counted: rates do not come out even.
const MICRO: u64 = 1_000_000;

/// What a run used so far. The written form is part of `progress.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Used {
    /// When counting began (the bucket's clock).
    pub from: Millis,
    /// Until when it was counted (the bucket's clock).
    pub until: Millis,
    /// Machine time in milliseconds by the key of its price (`c5.large`, `spot.c5.large`).
    pub machine_ms: BTreeMap<String, Millis>,
    /// The part of it of machines that were there before the run.
    pub before_ms: BTreeMap<String, Millis>,
    /// How many of those are still there.
    pub before: BTreeMap<String, u32>,
    /// Time of tasks on Fargate, in milliseconds.
    pub task_ms: Millis,
    /// What loadtop's controllers asked for.
    pub ours: Requests,
    /// What agents asked for, about, in millionths of a request.
    pub agents: Requests,
}

/// Requests that cost something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requests {
    /// PutMetricData.
    pub put_metrics: u64,
    /// Metrics asked for by GetMetricData.
    pub get_metrics: u64,
    /// S3: writes and lists.
    pub puts: u64,
    /// S3: reads.
    pub gets: u64,
}

impl Requests {
    /// Both together.
    #[must_use]
    pub fn and(self, more: Requests) -> Requests {
        Requests {
            put_metrics: self.put_metrics + more.put_metrics,
            get_metrics: self.get_metrics + more.get_metrics,
            puts: self.puts + more.puts,
            gets: self.gets + more.gets,
        }
    }
}

/// A machine of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub id: String,
    /// The key of its price.
    pub key: String,
}

impl Machine {
    /// A machine in this lifecycle state; none where it costs nothing.
    #[must_use]
    pub fn of(id: &str, kind: Option<&str>, spot: bool, state: &str) -> Option<Self> {
        let spot = if spot { SPOT } else { "" };
        let key = kind.map_or_else(|| UNNAMED.to_owned(), |kind| format!("{spot}{kind}"));
        (!FREE_STATES.contains(&state)).then(|| Machine { id: id.to_owned(), key })
    }
}

/// How often each agent asks for something, in milliseconds; none: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Reads of the wish.
    pub poll_ms: Option<Millis>,
    /// Reports to CloudWatch.
    pub report_ms: Option<Millis>,
    /// Parts of the results.
    pub results_ms: Option<Millis>,
}

/// What is seen at one moment.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The group's machines; none: not known now, those that were are taken to be there.
    pub machines: Option<Vec<Machine>>,
    /// Tasks on Fargate, ascending: a number of each attempt's own, and when it was
    /// placed (the bucket's clock).
    pub tasks: Vec<(u64, Millis)>,
    /// Tasks on Fargate that have no slot.
    pub strays: u32,
    /// Tasks whose agents run, wherever.
    pub agents: u32,
    /// How often each of those asks.
    pub pace: Pace,
    /// What this controller asked for since the meter began or was taken over.
    pub ours: Requests,
}

/// Counts what a run uses.
#[derive(Debug, Clone)]
pub struct Meter {
    used: Used,
    /// What was counted of our requests by leaders before.
    ours_before: Requests,
    /// The machines: their keys, and since when they are there, where that was seen.
    machines: BTreeMap<String, (String, Option<Millis>)>,
    /// The tasks on Fargate: the same.
    tasks: Vec<(u64, Option<Millis>)>,
    strays: u32,
    agents: u32,
    pace: Pace,
    /// Whether machines were never seen: those that are then were there before us, and
    /// with `begins`, before the run.
    machines_unseen: bool,
    /// The same of tasks.
    tasks_unseen: bool,
    /// Whether it began with the run.
    begins: bool,
}

impl Meter {
    /// Counts from `now` on (the bucket's clock).
    #[must_use]
    pub fn begin(now: Millis) -> Self {
        let used = Used { from: now, until: now, ..Used::default() };
        Meter { begins: true, tasks_unseen: false, ..Meter::resume(used) }
    }

    /// Goes on from where a leader before stopped: the time in between counts for what
    /// is there now.
    #[must_use]
    pub fn resume(used: Used) -> Self {
        Meter {
            ours_before: used.ours,
            used,
            machines: BTreeMap::new(),
            tasks: Vec::new(),
            strays: 0,
            agents: 0,
            pace: Pace::default(),
            machines_unseen: true,
            tasks_unseen: true,
            begins: false,
        }
    }

    /// What was used so far.
    #[must_use]
    pub fn used(&self) -> &Used {
        &self.used
    }

    /// Takes in what is seen at `now` (the bucket's clock). What went since the last look
    /// counts until now; what came, from the last look on, or since it was placed.
    pub fn see(&mut self, now: Millis, seen: Seen) {
        let now = now.max(self.used.until);
        let passed = now - self.used.until;
        self.see_machines(now, passed, seen.machines);
        self.see_tasks(now, passed, &seen.tasks);
        self.used.task_ms += u64::from(seen.strays) * passed;
        self.ask(seen.agents, seen.pace, passed);
        self.used.ours = self.ours_before.and(seen.ours);
        (self.strays, self.agents, self.pace) = (seen.strays, seen.agents, seen.pace);
        self.used.until = now;
    }

    fn see_machines(&mut self, now: Millis, passed: Millis, seen: Option<Vec<Machine>>) {
        let since = (!self.machines_unseen).then_some(self.used.until);
        if let Some(seen) = seen {
            self.machines_unseen = false;
            let mut before = std::mem::take(&mut self.machines);
            for machine in seen {
                let known = before.remove(&machine.id).map(|(_, since)| since);
                self.machines.insert(machine.id, (machine.key, known.unwrap_or(since)));
            }
            for (key, since) in before.into_values() {
                // Gone by now: charged until now, and for a minute at least.
                let more = since.map_or(0, |since| charged(now - since) - (now - since));
                *self.used.machine_ms.entry(key).or_default() += passed + more;
            }
            if std::mem::take(&mut self.begins) {
                self.used.before = self.kinds();
            }
        }
        let kinds = self.kinds();
        for (key, count) in &kinds {
            *self.used.machine_ms.entry(key.clone()).or_default() += u64::from(*count) * passed;
        }
        self.used.before.retain(|key, count| {
            *count = (*count).min(kinds.get(key).copied().unwrap_or(0));
            *count > 0
        });
        for (key, count) in &self.used.before {
            *self.used.before_ms.entry(key.clone()).or_default() += u64::from(*count) * passed;
        }
    }

    fn see_tasks(&mut self, now: Millis, passed: Millis, seen: &[(u64, Millis)]) {
        let before = std::mem::take(&mut self.tasks);
        let unseen = std::mem::take(&mut self.tasks_unseen);
        let mut before = before.into_iter().peekable();
        let mut ms = 0;
        let gone = |since: Option<Millis>| {
            passed + since.map_or(0, |since| charged(now - since) - (now - since))
        };
        for &(key, placed) in seen {
            while let Some((_, since)) = before.next_if(|(it, _)| *it < key) {
                ms += gone(since);
            }
            let known = before.next_if(|(it, _)| *it == key).map(|(_, since)| since);
            let since = match known {
                Some(since) => {
                    ms += passed;
                    since
                }
                // How old it is when a successor begins, nobody knows.
                None if unseen => {
                    ms += passed;
                    None
                }
                None => {
                    let since = placed.min(now);
                    ms += now - since;
                    Some(since)
                }
            };
            self.tasks.push((key, since));
        }
        ms += before.map(|(_, since)| gone(since)).sum::<Millis>();
        self.used.task_ms += ms;
    }

    /// Counts what agents ask for.
    fn ask(&mut self, agents: u32, pace: Pace, passed: Millis) {
        let asked = |every: Option<Millis>| {
            every.map_or(0, |every| {
                let all = u128::from(agents) * u128::from(passed) * u128::from(MICRO);
                (all / u128::from(every.max(1))) as u64
            })
        };
        self.used.agents = self.used.agents.and(Requests {
            put_metrics: asked(pace.report_ms),
            get_metrics: 0,
            puts: asked(pace.results_ms),
            gets: asked(pace.poll_ms),
        });
    }

    /// How many machines there are by the keys of their prices.
    fn kinds(&self) -> BTreeMap<String, u32> {
        let mut kinds = BTreeMap::new();
        for (key, _) in self.machines.values() {
            *kinds.entry(key.clone()).or_default() += 1;
        }
        kinds
    }

    /// Tasks on Fargate, as far as seen.
    fn tasks(&self) -> u32 {
        self.tasks.len() as u32 + self.strays
    }

    /// What tasks and machines that are gone at `at` would still be charged for, since
    /// they will be younger than a minute: by keys of machines, and of tasks.
    fn shortfall(&self, at: Millis) -> (BTreeMap<&str, Millis>, Millis) {
        let more = |since: &Option<Millis>| {
            since.map_or(0, |since| LEAST_MS.saturating_sub(at.saturating_sub(since)))
        };
        let mut machines: BTreeMap<&str, Millis> = BTreeMap::new();
        for (key, since) in self.machines.values() {
            *machines.entry(key).or_default() += more(since);
        }
        (machines, self.tasks.iter().map(|(_, since)| more(since)).sum())
    }
}

/// What AWS charges for something that was there so long: whole seconds, a minute at
/// least.
fn charged(age: Millis) -> Millis {
    age.div_ceil(1_000).saturating_mul(1_000).max(LEAST_MS)
}

/// What a task of this shape costs an hour without an address; the error is the key of
/// a price that is unknown.
pub(super) fn task_hour(prices: &Prices, shape: &Shape) -> Result<f64, &'static str> {
    let (vcpu, gb) = if shape.spot {
        (prices::SPOT_VCPU, prices::SPOT_GB)
    } else {
        (prices::FARGATE_VCPU, prices::FARGATE_GB)
    };
    let price = |key: &'static str| prices.get(key).ok_or(key);
    Ok(shape.vcpu() * price(vcpu)? + shape.gb() * price(gb)?)
}
