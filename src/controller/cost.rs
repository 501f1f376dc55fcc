//! What the run costs, as its leader counts it; the budget; and what the forecasts of a
//! next batch start from.
//!
//! Invariants: only a leader counts, once a second; what it counted is in its progress,
//! so that a successor goes on from there. The budget ends a run before it is passed,
//! since what ending costs is part of what was used. Where nothing costs, nothing is
//! counted.

use std::{collections::BTreeMap, sync::Arc};

use super::{actor::Actor, figures, progress::Counted, run::Run, snapshot::Level};
use crate::{
    cloud::{Names, types::DefinitionSeen},
    model::{
        Millis,
        capacity::Capacity,
        confirmed::Confirmed,
        cost::{Bill, Budget, Meter, Pace, Requests, Seen, Shape, Verdict, dollars},
        forecast::{Basis, Fargate, Group, On},
        registry::Workload,
        slots::SlotState,
        wish::Change,
    },
};

/// How often is counted, in milliseconds.
const EVERY_MS: Millis = 1_000;
/// What ending takes beyond what is known of it: writing the wish, looking, listing.
const SLACK_MS: Millis = 10_000;
/// RunTask calls that may leave between two looks: a burst, and what comes back in a
/// second.
const CALLS_A_LOOK: usize = 110;

/// What is counted of a run.
#[derive(Debug, Default)]
pub(super) struct Money {
    meter: Option<Meter>,
    /// The calls that were made before it was counted here, by operation.
    calls_before: Option<BTreeMap<String, u64>>,
    /// What it comes to.
    bill: Option<Bill>,
    /// Not counted again before then (monotonic).
    from: Millis,
    /// Whether it was told that the budget is used up soon.
    soon_told: bool,
    /// Whether it was told that the budget counts without something.
    unknown_told: bool,
}

impl Actor {
    /// Counts what was used since the last time; only the leader does.
    pub(super) fn count_cost(&mut self, now: Millis) {
        // No task is asked for that the budget was not asked about.
        let due = |run: &Run| {
            let asks = run.registry.policy.budget_usd.is_some() && !run.unrecorded.is_empty();
            asks || now >= run.money.from
        };
        let due = self.run.as_ref().is_some_and(due);
        if due && self.options.prices.is_some() {
            self.count_cost_now(now);
            self.keep_budget();
        }
    }

    /// The same at once, whenever it was done last.
    pub(super) fn count_cost_now(&mut self, now: Millis) {
        let Some(prices) = self.options.prices.clone() else {
            return;
        };
        let (at, machines) = (self.clock.bucket(), self.fleet.machines());
        let to_stop = self.run.as_ref().map_or(0, Run::tasks_left);
        let calls = self.quotas.change.time_for(to_stop);
        let definition = self.fleet.definition.clone();
        let Some(run) = &mut self.run else {
            return;
        };
        let shape = run.shape(definition.as_ref());
        let mut seen = run.seen(now, at);
        seen.machines = machines;
        let to_zero = run.patience() + calls + run.registry.stop_ms() + SLACK_MS;
        let waiting = run.launches.len() + run.unrecorded.len();
        let coming = run.launching + waiting.min(CALLS_A_LOOK);
        run.money.from = now + EVERY_MS;
        let meter = run.money.meter.get_or_insert_with(|| Meter::begin(at));
        meter.see(at, seen);
        let mut bill = meter.bill(&prices, shape.as_ref());
        bill.budget = run.registry.policy.budget_usd.map(|usd| Budget {
            ended_the_run: run.confirmed == Some(Confirmed::ByBudget),
            ..meter.budget(usd, &bill, (&prices, shape.as_ref()), to_zero, coming as u32)
        });
        run.money.bill = Some(bill);
    }

    /// Ends the run before its budget is passed, and says so a while before.
    fn keep_budget(&mut self) {
        let Some(run) = self.run.as_mut().filter(|run| !run.is_ending()) else {
            return;
        };
        let Some(bill) = run.money.bill.as_mut() else {
            return;
        };
        let Some(budget) = &mut bill.budget else {
            return;
        };
        let (all, so_far) = (dollars(budget.usd), dollars(bill.so_far_usd));
        let mut texts = Vec::new();
        if !bill.unknown.is_empty() && !run.money.unknown_told {
            run.money.unknown_told = true;
            let what = bill.unknown.join("; ");
            texts.push((
                Level::Warning,
                format!("the budget counts without what is unknown: {what}"),
            ));
        }
        match budget.verdict() {
            Verdict::Enough => run.money.soon_told = false,
            Verdict::Soon(_) if run.money.soon_told => {}
            Verdict::Soon(left) => {
                run.money.soon_told = true;
                let left = left.div_ceil(1_000) * 1_000;
                let left = humantime::format_duration(std::time::Duration::from_millis(left));
                let rate = dollars(bill.per_hour_usd);
                texts.push((
                    Level::Warning,
                    format!(
                        "the budget of {all} is used up in {left}: {so_far} so far, {rate} an \
                         hour; the run ends then (--budget)"
                    ),
                ));
            }
            Verdict::Over => {
                budget.ended_the_run = true;
                let ending = dollars(budget.ending_usd);
                run.confirmed = Some(Confirmed::ByBudget);
                run.change(Change::Stop { scale_to_zero: false });
                texts.push((
                    Level::Error,
                    format!(
                        "the budget of {all} is used up: {so_far} so far, and {ending} until \
                         nothing is left; the run ends (--budget)"
                    ),
                ));
            }
        }
        for (level, text) in texts {
            self.notice(level, text);
        }
    }

    /// Keeps what a forecast starts from up to date.
    pub(super) fn keep_basis(&mut self, now: Millis) {
        // Who waits for the first look at what is there asks for it in the same moment.
        let is_whole = self.basis.as_ref().is_some_and(|basis| match &basis.on {
            On::Group(group) => group.per_instance.is_some(),
            On::Fargate(_) => true,
        });
        if now >= self.basis_from || !is_whole {
            self.basis_from = now + EVERY_MS;
            self.basis = self.make_basis(now).map(Arc::new);
        }
    }

    fn make_basis(&self, now: Millis) -> Option<Basis> {
        let run = self.run.as_ref().filter(|run| !run.has_ended());
        let names = run.map_or(&self.cloud, |run| &run.cloud).names();
        let definition = self.fleet.definition.as_ref();
        let is_fargate = !names.capacity.has_instances();
        let workload = run.map_or(&self.options.workload, |run| &run.registry.workload);
        let in_ramp = matches!(workload, Workload::Image { .. });
        let own = if in_ramp { 1 } else { self.options.devices_per_task };
        let next = run.map_or(0, |run| {
            let next = run.preview(self.clock.bucket()).next_index();
            if run.has_table() { run.slots.usable_from(next) } else { next }
        });
        let per_task = run.map_or(own, |run| run.registry.room).max(1);
        let on = if is_fargate {
            On::Fargate(Fargate {
                shape: shape(names, definition),
                tasks: run.map_or(0, |run| run.slots.counts().placed()),
                vcpu_quota: self.supply.quota_vcpu(self.is_spot()),
                vcpu_used: None,
            })
        } else {
            On::Group(self.group_basis(names.group(), definition, now)?)
        };
        Some(Basis {
            per_task,
            next,
            last_has_task: !next.is_multiple_of(per_task),
            in_ramp,
            own_address: is_fargate || !names.network.subnets.is_empty(),
            pace: if in_ramp { Pace::default() } else { self.pace_of_agents() },
            on,
            prices: self.options.prices.clone(),
        })
    }

    fn group_basis(
        &self,
        name: &str,
        definition: Option<&DefinitionSeen>,
        now: Millis,
    ) -> Option<Group> {
        self.fleet_at?;
        let view = self.fleet.view(now);
        let per_instance = view.up().map(|it| it.tasks + it.room).max();
        Some(Group {
            name: name.to_owned(),
            desired: view.desired,
            booting: view.booting,
            max: view.max,
            room: view.room,
            per_instance: definition.and(per_instance),
            task_cpu: definition.map_or(0, |it| u32::try_from(it.cpu).unwrap_or(0)),
            machines: self.fleet.machines().unwrap_or_default(),
        })
    }

    fn pace_of_agents(&self) -> Pace {
        let run = self.run.as_ref().map(|run| &run.wish);
        let ms = |time: std::time::Duration| time.as_millis() as Millis;
        Pace {
            poll_ms: Some(run.map_or(1_000, |wish| wish.poll_ms)),
            report_ms: Some(run.map_or(ms(self.site.report), |wish| wish.report_ms)),
            results_ms: Some(run.map_or(ms(self.site.results), |wish| wish.results_ms)),
        }
    }
}

impl Run {
    /// What is counted of it, for a successor.
    pub(super) fn counted(&self) -> Option<Box<Counted>> {
        let (meter, bill) = (self.money.meter.as_ref()?, self.money.bill.as_ref()?);
        Some(Box::new(Counted { used: meter.used().clone(), bill: bill.clone() }))
    }

    /// What it costs: as counted here, or as its leader says; none where nothing does.
    pub(super) fn bill(&self) -> Option<Bill> {
        match &self.told {
            Some((told, _)) if !self.has_table() => {
                told.cost.as_deref().map(|counted| counted.bill.clone())
            }
            _ => self.money.bill.clone(),
        }
    }

    /// Goes on from what the leader before counted.
    pub(super) fn take_cost(&mut self, counted: Option<&Counted>) {
        let calls = self.cloud.calls();
        self.money = Money::default();
        let Some(counted) = counted else {
            return;
        };
        self.money = Money {
            meter: Some(Meter::resume(counted.used.clone())),
            calls_before: Some(calls),
            bill: Some(counted.bill.clone()),
            ..Money::default()
        };
        if counted.bill.budget.is_some_and(|budget| budget.ended_the_run) {
            self.confirmed.get_or_insert(Confirmed::ByBudget);
        }
    }

    /// What a task is, where that is what is paid for.
    fn shape(&self, definition: Option<&DefinitionSeen>) -> Option<Shape> {
        shape(self.cloud.names(), definition)
    }

    /// What is there now, but for the machines. Monotonic and the bucket's time.
    fn seen(&self, now: Millis, at: Millis) -> Seen {
        let on_fargate = !self.cloud.names().capacity.has_instances();
        let placed = self.slots.iter().filter(|_| on_fargate).filter_map(|slot| match slot.state {
            SlotState::Placed { since, .. } => {
                let key = u64::from(slot.number) << 32 | u64::from(slot.attempt);
                Some((key, at.saturating_sub(now.saturating_sub(since))))
            }
            _ => None,
        });
        // Images do not report; whether something beside them polls is not known here.
        let reports = |ms: Millis| (!self.is_of_images()).then_some(ms);
        Seen {
            machines: None,
            tasks: placed.collect(),
            strays: if on_fargate { self.strays.len() as u32 } else { 0 },
            agents: self.slots.counts().running,
            pace: Pace {
                poll_ms: Some(self.wish.poll_ms),
                report_ms: reports(self.wish.report_ms),
                results_ms: reports(self.wish.results_ms),
            },
            ours: self.requests(),
        }
    }

    /// What this controller asked for since it counts.
    fn requests(&self) -> Requests {
        let before = self.money.calls_before.as_ref().unwrap_or(&self.calls_before);
        let calls = self.cloud.calls();
        let of = |names: &[&str]| -> u64 {
            let count = |calls: &BTreeMap<String, u64>| -> u64 {
                names.iter().filter_map(|name| calls.get(*name)).sum()
            };
            count(&calls).saturating_sub(count(before))
        };
        let metrics = figures::queries_a_refresh();
        Requests {
            put_metrics: of(&["PutMetricData"]),
            get_metrics: of(&["GetMetricData"]) * metrics,
            puts: of(&["PutObject", "ListObjectsV2"]),
            gets: of(&["GetObject", "HeadObject"]),
        }
    }
}

/// What a task is on Fargate; none on instances, and as long as it is not known.
fn shape(names: &Names, definition: Option<&DefinitionSeen>) -> Option<Shape> {
    let Capacity::Fargate { spot } = names.capacity else {
        return None;
    };
    let definition = definition?;
    let positive = |n: i32| u32::try_from(n).ok().filter(|n| *n > 0);
    Some(Shape {
        cpu: positive(definition.cpu)?,
        memory: positive(definition.memory)?,
        spot,
        public_address: names.network.public_address,
    })
}
