//! What a verb answers: one JSON object on standard output, if asked for.
//!
//! Invariant: the names of the fields are a contract (README); more may be added.

use serde::Serialize;

use crate::{
    controller::{
        Snapshot,
        snapshot::{Phase, RunView, TasksView},
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
    pub(super) instances: Option<Instances>,
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
