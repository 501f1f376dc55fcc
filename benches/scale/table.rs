//! What was measured, beside what is wanted.
//!
//! Invariant: every wanted figure is on a line of its own that says whether it holds.

use std::time::Duration;

use crate::scale::fleet::{Fleet, Steady};

/// AWS's bucket of RunTask and StopTask: calls at once, and calls a second after that.
const BURST: f64 = 100.0;
const RATE: f64 = 40.0;
/// What a launch and an end may take of what the quota alone takes.
const RATIO: f64 = 1.1;
/// Bounds below this, in seconds, are of fleets for a quick look: nothing is wanted of them.
const LEAST_BOUND: f64 = 10.0;
/// Until no device lives, in seconds.
const DEVICES_GONE: f64 = 15.0;
/// How long a task that was told to stop may take, in seconds: modelled ones take 2.
const STOP: f64 = 2.0;
/// Of a core, when steady.
const CPU: f64 = 0.05;
/// MB.
const MEMORY: f64 = 150.0;
/// Calls a refresh beside the paced looks at tasks.
const CALLS: f64 = 5.0;
/// The paced looks.
const PACED: &str = "DescribeTasks";

/// What was measured of a fleet.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) launch: Duration,
    /// CPU seconds until then.
    pub(crate) launch_cpu: f64,
    pub(crate) devices_gone: Duration,
    pub(crate) tasks_gone: Duration,
    pub(crate) zero: Duration,
    pub(crate) steady: Steady,
    pub(crate) memory_most: Option<f64>,
    pub(crate) starts: u64,
    pub(crate) doubled: u64,
    pub(crate) throttled: u64,
    pub(crate) notices: Vec<String>,
}

impl Figures {
    pub(crate) fn print(&self, fleet: &Fleet) {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!(
            "\n{}: {} tasks × {} devices{} ({profile} build, {cores} cores)",
            fleet.name,
            fleet.tasks,
            fleet.room,
            if fleet.image { " of an image" } else { "" }
        );
        let calls = ((f64::from(fleet.tasks) - BURST) / RATE).max(0.0);
        let launch = self.launch.as_secs_f64();
        // In some seconds it is the time of a few calls, and no ratio.
        let within =
            |took: f64, bound: f64| (bound >= LEAST_BOUND).then_some(took <= bound * RATIO);
        let ratio = |took: f64, bound: f64| {
            format!(
                "{took:.1} s; the quota's bound {bound:.1} s; ratio {:.2}",
                took / bound.max(1.0)
            )
        };
        row("launched", &ratio(launch, calls), within(launch, calls));
        let gone = self.devices_gone.as_secs_f64();
        // Images know no wish: theirs go as the quota lets StopTask be called.
        let wanted = (!fleet.image).then_some(gone <= DEVICES_GONE);
        let at_most = wanted.map_or(String::new(), |_| format!(" (wanted: {DEVICES_GONE} s)"));
        row("all devices stopped", &format!("{gone:.1} s{at_most}"), wanted);
        row("no task runs", &format!("{:.1} s", self.tasks_gone.as_secs_f64()), None);
        let (zero, bound) = (self.zero.as_secs_f64(), calls + STOP);
        row("zero, checked", &ratio(zero, bound), within(zero, bound));
        let cpu = self.steady.cpu;
        row(
            "CPU when steady",
            &format!("{:.1} % of a core (wanted: {:.0} %)", cpu * 100.0, CPU * 100.0),
            Some(cpu <= CPU),
        );
        row("CPU of the launch", &format!("{:.1} s", self.launch_cpu), None);
        let most = self.memory_most.unwrap_or(0.0);
        let memory = self.steady.memory.unwrap_or(0.0);
        row(
            "memory",
            &format!("{memory:.0} MB when steady, at most {most:.0} MB (wanted: {MEMORY:.0} MB)"),
            Some(most <= MEMORY),
        );
        let paced = self.steady.calls.get(PACED).copied().unwrap_or(0.0);
        let others: f64 = self.steady.calls.values().sum::<f64>() - paced;
        row(
            "calls a refresh",
            &format!("{others:.2} (wanted: {CALLS}), and {paced:.2} paced {PACED}"),
            Some(others <= CALLS),
        );
        for (call, count) in &self.steady.calls {
            row("", &format!("{call} {count:.2}"), None);
        }
        let devices = u64::from(fleet.devices());
        row(
            "devices",
            &format!("{} started of {devices}, {} doubled", self.starts, self.doubled),
            Some(self.starts == devices && self.doubled == 0),
        );
        row("throttled calls", &self.throttled.to_string(), Some(self.throttled == 0));
        for notice in &self.notices {
            row("notice", notice, None);
        }
    }
}

fn row(what: &str, measured: &str, holds: Option<bool>) {
    let verdict = match holds {
        Some(true) => "pass",
        Some(false) => "OVER",
        None => "",
    };
    println!("  {what:<20} {verdict:<5} {measured}");
}
