//! What a verb answers: one JSON object on standard output, if asked for.
//!
//! Invariant: the names of the fields are a contract (README); more may be added.

use serde::Serialize;

use crate::{
    controller::{
        Snapshot,
        snapshot::{CapacityView, Phase, RunView, TasksView},
    },
    process::output::print,
};

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// It is so.
    Done,
    /// It cannot be.
    Refused,
    /// It was waited for in vain.
    Late,
    /// Some tasks that it needs were given up.
    Failed,
    /// There is no run that it could be about.
    NoRun,
}

/// What a verb answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Answer {
    pub(super) verb: &'static str,
    pub(super) result: Outcome,
    /// Why it is not done.
    pub(super) why: Option<String>,
    pub(super) run: Option<String>,
    /// `running`, `paused`, `ending`, `collecting` or `ended`.
    pub(super) state: Option<&'static str>,
    /// Who leads the run; none: nobody does.
    pub(super) led_by: Option<String>,
    /// Seconds until its devices end by themselves, if nobody renews the lease.
    pub(super) lease_left_s: Option<f64>,
    pub(super) devices: Option<Devices>,
    pub(super) tasks: Option<TasksView>,
    /// What tasks run on.
    pub(super) capacity: Capacity,
    /// The instances; none on Fargate, and while they were not seen.
    pub(super) instances: Option<Instances>,
}

/// What tasks run on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "on", rename_all = "kebab-case")]
pub(super) enum Capacity {
    /// Instances of an Auto Scaling group.
    Group {
        name: String,
        /// The capacity provider that scales it; none: nobody but us.
        scaled_by: Option<String>,
    },
    /// Fargate.
    Fargate {
        spot: bool,
        /// vCPU that the run's tasks take.
        vcpu: f64,
        /// Memory that they take.
        memory_gb: f64,
        /// vCPU that the account may have at a time; none: not known.
        quota_vcpu: Option<f64>,
    },
}

impl From<&CapacityView> for Capacity {
    fn from(view: &CapacityView) -> Self {
        match view {
            CapacityView::Instances { group, .. } => Capacity::Group {
                name: group.clone(),
                scaled_by: view.provider().map(str::to_owned),
            },
            CapacityView::Fargate(it) => Capacity::Fargate {
                spot: it.spot,
                vcpu: it.vcpu(),
                memory_gb: it.memory_gb(),
                quota_vcpu: it.quota_vcpu,
            },
        }
    }
}

/// The devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Devices {
    /// Those that should be alive.
    pub(super) live: u32,
    /// Those that are connected; none while that is not known.
    pub(super) connected: Option<u32>,
}

/// The instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Instances {
    desired: u32,
    registered: u32,
    booting: u32,
    leaving: u32,
    max: u32,
}

impl Answer {
    /// With what is known now.
    pub(super) fn new(verb: &'static str, result: Outcome, snapshot: &Snapshot) -> Self {
        let run = snapshot.run.as_ref();
        let devices = &snapshot.devices;
        Answer {
            verb,
            result,
            why: None,
            run: run.map(|run| run.id.clone()),
            state: run.map(|run| state(run.phase)),
            led_by: None,
            lease_left_s: run.map(lease_left_s),
            devices: run.map(|_| Devices {
                live: snapshot.ramp.total,
                connected: devices.at.map(|_| devices.value.connected),
            }),
            tasks: run.and(snapshot.tasks.at).map(|_| snapshot.tasks.value.clone()),
            capacity: (&snapshot.capacity).into(),
            instances: snapshot.instances.at.map(|_| {
                let it = &snapshot.instances.value;
                Instances {
                    desired: it.desired,
                    registered: it.registered,
                    booting: it.booting,
                    leaving: it.leaving,
                    max: it.max,
                }
            }),
        }
    }

    /// The exit code that belongs to it.
    pub(super) fn exit_code(&self) -> u8 {
        u8::from(self.result != Outcome::Done)
    }
}

fn lease_left_s(run: &RunView) -> f64 {
    run.lease_left_ms as f64 / 1000.0
}

/// A phase in one word.
pub(super) fn state(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Paused => "paused",
        Phase::Ending { .. } => "ending",
        Phase::Collecting { .. } => "collecting",
        Phase::Ended => "ended",
    }
}

/// Prints data.
pub(super) fn print_json(value: &impl Serialize) -> color_eyre::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(print(&format!("{text}\n"))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::fixtures;

    #[test]
    fn the_capacity_is_said_beside_the_instances() {
        let said = |snapshot| {
            let answer = Answer::new("scale", Outcome::Refused, &snapshot);
            let answer = serde_json::to_value(answer).expect("JSON");
            (answer["capacity"].clone(), answer["instances"]["desired"].clone())
        };
        let group = json!({"on": "group", "name": "loadtop", "scaled_by": null});
        assert_eq!(said(fixtures::steady()), (group, json!(2)));
        let group = json!({"on": "group", "name": "loadtop", "scaled_by": "autopilot"});
        assert_eq!(said(fixtures::managed()), (group, json!(3)));
        let fargate = json!({"on": "fargate", "spot": true, "vcpu": 10.0, "memory_gb": 20.0,
            "quota_vcpu": 64.0});
        assert_eq!(said(fixtures::fargate()), (fargate, json!(null)));
    }
}
