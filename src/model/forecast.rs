//! What a load takes before anything is started: calls, time, instances, vCPU, money; and
//! what cannot be done, by the name of the quota that forbids it.
//!
//! Pure arithmetic over AWS's published quotas and what was last seen of the account. How
//! long a task or an instance takes to come up is not known before, but for the
//! instance's bound: it is said apart.
//!
//! Invariants: a quota that is not known forbids nothing and is named; a price that is
//! not known is named and not added.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;

use super::{
    Millis,
    capacity::Capacity,
    cost::{Bill, Machine, Meter, Pace, Requests, Seen, Shape},
    prices::Prices,
};

#[cfg(test)]
mod tests;
mod words;

/// Calls of RunTask at once, and a second after that.
pub const RUN_TASK: (f64, f64) = (100.0, 40.0);
/// The same on Fargate, where a call starts one task.
pub const RUN_TASK_FARGATE: (f64, f64) = (20.0, 20.0);
/// Tasks that Fargate launches at once, and a second after that.
pub const FARGATE_LAUNCHES: (f64, f64) = (100.0, 20.0);
/// Container instances of a cluster.
pub const INSTANCES_MOST: u32 = 5_000;
/// Connections from one source address to one target.
pub const PORTS: u32 = 28_000;
/// How long an instance may take to come up.
pub const BOOT_MS: Millis = 180_000;
/// What ECS calls the quota of vCPUs, on demand and Spot.
const VCPU_QUOTA: [&str; 2] =
    ["Fargate On-Demand vCPU resource count", "Fargate Spot vCPU resource count"];

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Devices more.
    pub devices: u32,
    /// Over which they start, in milliseconds.
    pub ramp_ms: Millis,
    /// How long they stay afterwards; none: until somebody ends them.
    pub hold_ms: Option<Millis>,
}

/// What is there to do it with.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// Devices of a task.
    pub per_task: u32,
    /// The next device's index: tasks are filled up before others come.
    pub next: u32,
    /// Whether there is a task for the last device before it.
    pub last_has_task: bool,
    /// Whether the tasks start in the ramp, one device each, as images of the user's do.
    pub in_ramp: bool,
    /// Whether a task has an address of its own.
    pub own_address: bool,
    /// How often an agent asks for what.
    pub pace: Pace,
    /// What tasks run on.
    pub on: On,
    /// What that costs; none: nothing.
    pub prices: Option<Arc<Prices>>,
}

/// What tasks run on.
#[derive(Debug, Clone, PartialEq)]
pub enum On {
    /// Instances of a group.
    Group(Group),
    /// Fargate.
    Fargate(Fargate),
}

/// The group as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How many instances it should have.
    pub desired: u32,
    /// Those of them that are not up yet.
    pub booting: u32,
    /// At most.
    pub max: u32,
    /// Tasks that fit on those that are up.
    pub room: u32,
    /// Tasks that fit on one that is empty; none: none was ever seen.
    pub per_instance: Option<u32>,
    /// vCPUs of a task.
    pub task_cpu: u32,
    /// Its machines.
    pub machines: Vec<Machine>,
}

/// Fargate, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Fargate {
    /// What a task is; none: not known yet.
    pub shape: Option<Shape>,
    /// Tasks that run there already, of this run.
    pub tasks: u32,
    /// vCPUs that may be used at once; none: nobody said.
    pub vcpu_quota: Option<f64>,
    /// vCPUs in use by others and by us; none: nobody said, then ours count.
    pub vcpu_used: Option<f64>,
}

/// What bounds the time until all devices are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The ramp that was asked for.
    Ramp,
    /// RunTask may be called so often and no oftener.
    RunTask,
    /// Fargate launches so many tasks and no more.
    FargateLaunches,
    /// Instances have to come up first.
    Instances,
}

/// What it takes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Devices more.
    pub devices: u32,
    /// Tasks more.
    pub tasks: u32,
    /// Calls of RunTask.
    pub calls: u32,
    /// Seconds until those are made, and Fargate has launched them.
    pub launch_s: f64,
    /// Seconds until every device should have started, beyond what tasks take to come up.
    pub full_s: f64,
    /// What takes most of them.
    pub bound: Bound,
    /// Instances in all, and how many of them are missing; none on Fargate, and where
    /// nobody knows how many tasks fit on one.
    pub instances: Option<Need>,
    /// vCPUs of the tasks.
    pub vcpu: f64,
    /// What all of the fleet costs then; none where nothing costs.
    pub cost: Option<Cost>,
    /// Why it cannot be done; empty: it can.
    pub refusals: Vec<String>,
    /// What is not known, and what that means.
    pub unknown: Vec<String>,
}

/// Instances that are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Need {
    /// In all.
    pub needed: u32,
    /// Of those, not there and not on their way.
    pub missing: u32,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// US dollars an hour of the whole fleet, once all is there.
    pub per_hour_usd: f64,
    /// US dollars of ramp and hold together, about; none where no end was asked for.
    pub run_usd: Option<f64>,
    /// Whether that is an estimate.
    pub estimate: bool,
    /// What could not be counted.
    pub unknown: Vec<String>,
}

impl Forecast {
    /// What `ask` takes.
    #[must_use]
    pub fn of(ask: &Ask, basis: &Basis) -> Self {
        let tasks = basis.tasks_for(ask.devices);
        let mut forecast = Forecast {
            devices: ask.devices,
            tasks,
            calls: tasks,
            launch_s: 0.0,
            full_s: 0.0,
            bound: Bound::Ramp,
            instances: None,
            vcpu: 0.0,
            cost: None,
            refusals: Vec::new(),
            unknown: Vec::new(),
        };
        match &basis.on {
            On::Group(group) => forecast.on_group(group, basis, ask),
            On::Fargate(fargate) => forecast.on_fargate(fargate),
        }
        forecast.check_ports(ask, basis);
        forecast.time(ask, basis);
        forecast.cost = basis.prices.as_ref().map(|prices| forecast.cost(prices, basis, ask));
        forecast
    }

    /// Whether nothing is known to forbid it.
    #[must_use]
    pub fn can_be_done(&self) -> bool {
        self.refusals.is_empty()
    }

    fn on_group(&mut self, group: &Group, basis: &Basis, ask: &Ask) {
        self.vcpu = f64::from(self.tasks) * f64::from(group.task_cpu) / 1024.0;
        let Some(per_instance) = group.per_instance else {
            self.unknown.push(
                "how many tasks fit on an instance is seen on the first that is up".to_owned(),
            );
            return;
        };
        if per_instance == 0 {
            self.refusals
                .push("not even one task fits on an instance: see its CPU and memory".to_owned());
            return;
        }
        let coming = group.booting.saturating_mul(per_instance);
        let room = group.room.saturating_add(coming);
        let missing = self.tasks.saturating_sub(room).div_ceil(per_instance);
        let needed = group.desired.saturating_add(missing);
        self.instances = Some(Need { needed, missing });
        let most = group.max.min(INSTANCES_MOST);
        if needed <= most {
            return;
        }
        let more = most.saturating_sub(group.desired).saturating_mul(per_instance);
        let fit = u64::from(room.saturating_add(more)) * u64::from(basis.per_task);
        let limit = if group.max <= INSTANCES_MOST {
            format!("the group {} has at most {most} instances", group.name)
        } else {
            format!("container instances per cluster {INSTANCES_MOST}")
        };
        let less = match ask.devices.div_ceil(room.saturating_add(more).max(1)) {
            each if basis.per_task > 1 => format!("at most that, or --devices-per-task {each}"),
            _ => "at most that".to_owned(),
        };
        self.refusals.push(format!(
            "{} devices need {} tasks on {needed} instances, and {limit}: {fit} devices fit; say \
             {less}",
            ask.devices, self.tasks
        ));
    }

    fn on_fargate(&mut self, fargate: &Fargate) {
        let Some(shape) = &fargate.shape else {
            self.unknown.push("what a task takes is not known yet".to_owned());
            return;
        };
        self.vcpu = f64::from(self.tasks) * shape.vcpu();
        let name = VCPU_QUOTA[usize::from(shape.spot)];
        let Some(quota) = fargate.vcpu_quota else {
            self.unknown.push(format!("{name}: not known here, and {} more are needed", self.vcpu));
            return;
        };
        let ours = f64::from(fargate.tasks) * shape.vcpu();
        let used = fargate.vcpu_used.unwrap_or(ours).max(ours);
        let needed = used + self.vcpu;
        if needed > quota {
            let fit = ((quota - used).max(0.0) / shape.vcpu()).floor();
            self.refusals.push(format!(
                "{name} {quota} < {needed} needed ({used} in use, {} for {} tasks): {fit} tasks \
                 fit; ask AWS for more, or take --devices-per-task more",
                self.vcpu, self.tasks
            ));
        }
    }

    /// Devices that share a source address share its ports.
    fn check_ports(&mut self, ask: &Ask, basis: &Basis) {
        let each = match &basis.on {
            On::Group(group) if !basis.own_address => {
                let tasks = group.per_instance.unwrap_or(1).min(self.tasks.max(1));
                tasks.saturating_mul(basis.per_task)
            }
            _ => basis.per_task,
        };
        let each = each.min(ask.devices);
        if each > PORTS {
            self.refusals.push(format!(
                "ports: {PORTS} per source address and target < {each} devices that share one; \
                 say --devices-per-task {PORTS} or less, on more instances"
            ));
        }
    }

    fn time(&mut self, ask: &Ask, basis: &Basis) {
        let is_fargate = matches!(basis.on, On::Fargate(_));
        let (calls, call_bound) = (
            time_for(self.calls, if is_fargate { RUN_TASK_FARGATE } else { RUN_TASK }),
            Bound::RunTask,
        );
        let launches = if is_fargate { time_for(self.tasks, FARGATE_LAUNCHES) } else { 0.0 };
        let (launch, bound) =
            if launches > calls { (launches, Bound::FargateLaunches) } else { (calls, call_bound) };
        let boots = self.instances.is_some_and(|need| need.missing > 0);
        let boot = if boots { BOOT_MS as f64 / 1e3 } else { 0.0 };
        let ramp = ask.ramp_ms as f64 / 1e3;
        self.launch_s = launch;
        // Agents start their devices when all of their tasks are there; where a task is a
        // device, it is started at its time in the ramp.
        self.full_s = boot + if basis.in_ramp { ramp.max(launch) } else { launch + ramp };
        self.bound = [(ramp, Bound::Ramp), (launch, bound), (boot, Bound::Instances)]
            .into_iter()
            .fold((0.0, Bound::Ramp), |most, it| if it.0 > most.0 { it } else { most })
            .1;
    }

    /// What the whole fleet costs, as the meter would count it.
    fn cost(&self, prices: &Prices, basis: &Basis, ask: &Ask) -> Cost {
        let mut meter = Meter::begin(0);
        let shape = match &basis.on {
            On::Fargate(Fargate { shape, .. }) => shape.as_ref(),
            On::Group(_) => None,
        };
        let (machines, tasks) = match &basis.on {
            On::Group(group) => (group.with(self.instances.map_or(0, |need| need.missing)), 0),
            On::Fargate(fargate) => (Vec::new(), fargate.tasks.saturating_add(self.tasks)),
        };
        let agents = basis.tasks_before().saturating_add(self.tasks);
        meter.see(
            0,
            Seen {
                machines: Some(machines),
                tasks: Vec::new(),
                strays: tasks,
                agents,
                pace: basis.pace,
                ours: Requests::default(),
            },
        );
        let Bill { per_hour_usd, estimate, mut unknown, .. } = meter.bill(prices, shape);
        if matches!(&basis.on, On::Group(group) if group.machines.is_empty()) && self.tasks > 0 {
            unknown.push("the price of instances is known once one is there".to_owned());
        }
        // While it ramps, half of it is there on the mean; all of it while it is held.
        let run_usd = ask
            .hold_ms
            .map(|hold| per_hour_usd * (self.full_s / 2.0 + hold as f64 / 1e3) / 3_600.0);
        Cost { per_hour_usd, run_usd, estimate, unknown }
    }
}

impl Basis {
    /// Tasks that so many devices more take.
    fn tasks_for(&self, devices: u32) -> u32 {
        let room = self.per_task.max(1);
        let free = (room - self.next % room) % room;
        let free = if self.last_has_task { free } else { 0 };
        devices.saturating_sub(free).div_ceil(room)
    }

    /// Tasks that are there for the devices before, about.
    fn tasks_before(&self) -> u32 {
        match &self.on {
            On::Fargate(fargate) => fargate.tasks,
            On::Group(_) => self.next.div_ceil(self.per_task.max(1)),
        }
    }
}

impl Group {
    /// Its machines, and so many more of the kind that it has most of.
    fn with(&self, more: u32) -> Vec<Machine> {
        let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
        for machine in &self.machines {
            *kinds.entry(&machine.key).or_default() += 1;
        }
        let most = kinds.into_iter().max_by_key(|(_, count)| *count).map(|(key, _)| key.to_owned());
        let more = most.into_iter().flat_map(|key| {
            (0..more).map(move |nth| Machine { id: format!("more {nth}"), key: key.clone() })
        });
        self.machines.iter().cloned().chain(more).collect()
    }
}

impl On {
    /// What a capacity is called.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        match self {
            On::Group(group) => Capacity::group(group.name.clone()),
            On::Fargate(fargate) => {
                Capacity::Fargate { spot: fargate.shape.is_some_and(|shape| shape.spot) }
            }
        }
    }
}

/// How long so many calls take, in seconds, from a full bucket.
fn time_for(calls: u32, (burst, per_s): (f64, f64)) -> f64 {
    ((f64::from(calls) - burst) / per_s).max(0.0)
}
