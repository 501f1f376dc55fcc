//! One run from beginning to end without a screen.
//!
//! Data goes to stdout, words to stderr. Invariant: every wait ends, by what it
//! waits for, a deadline or a signal; and whatever ends it, the run is brought to
//! zero before this returns.

use std::{sync::Arc, time::Duration};

use color_eyre::eyre::{WrapErr, eyre};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, timeout_at},
};

use crate::{
    controller::{
        Command, Handle, Snapshot,
        snapshot::{InstancesView, Level, Phase},
    },
    model::{confirmed::Confirmed, wish::Spread},
    process::output::{print, say},
    report::{RunResult, Summary},
    session::{Session, Settings},
    usage::Usage,
};

/// How long looking at the cloud for the first time may take.
const FIRST_LOOK: Duration = Duration::from_secs(20);
/// How long instances may take to come up.
const BOOT: Duration = Duration::from_mins(3);
/// How long tasks may take to come up, beyond the ramp.
const LAUNCH: Duration = Duration::from_secs(90);
/// How long bringing the run to zero may take without any progress.
const END: Duration = Duration::from_secs(90);
/// How often the progress is told.
const PROGRESS: Duration = Duration::from_secs(5);

/// Exit code of a run that was interrupted.
const INTERRUPTED: u8 = 130;

/// What a headless run is made with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many devices.
    pub devices: u32,
    /// Their starts are spread over this long.
    pub ramp_up: Duration,
    /// The load is held for this long.
    pub hold_for: Duration,
    /// Whether the summary is JSON.
    pub json: bool,
}

/// Makes the run, prints its summary and says the exit code.
pub async fn run(settings: Settings, plan: Plan) -> color_eyre::Result<u8> {
    let devices_per_task = settings.devices_per_task;
    let session = Session::start(settings).await?;
    let outcome = match Runner::new(session.handle.clone(), plan) {
        Ok(mut runner) => runner.run(devices_per_task).await,
        Err(error) => Err(error),
    };
    let left = session.end().await;
    if left > 0 {
        say(&format!("{left} processes could not be ended; see the log and `ps -ef`"));
    }
    outcome
}

/// What ended a wait.
#[derive(Debug, PartialEq, Eq)]
enum Waited {
    /// What was waited for.
    Came,
    /// The deadline.
    TooLate,
    /// Nothing more can come: every task's slot was given up.
    Hopeless,
    /// A signal.
    Interrupted,
}

struct Runner {
    handle: Handle,
    plan: Plan,
    signals: [Signal; 3],
    /// Number of the last notice that was told.
    told: u64,
    progress_at: Instant,
}

impl Runner {
    fn new(handle: Handle, plan: Plan) -> color_eyre::Result<Self> {
        let listen = |kind| signal(kind).wrap_err("cannot listen for signals");
        let signals = [
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ];
        Ok(Runner { handle, plan, signals, told: 0, progress_at: Instant::now() + PROGRESS })
    }

    async fn run(&mut self, devices_per_task: u32) -> color_eyre::Result<u8> {
        match self.make_room(devices_per_task).await? {
            Waited::Came => {}
            Waited::TooLate => {
                return Err(eyre!("the instances did not come up within {} s", BOOT.as_secs()));
            }
            Waited::Hopeless | Waited::Interrupted => return Ok(INTERRUPTED),
        }
        let interrupted = self.load().await? == Waited::Interrupted;
        let confirmed = if interrupted { Confirmed::BySignal } else { Confirmed::ByPlan };
        let Some(summary) = self.end(confirmed).await? else {
            say("interrupted again: the tasks are killed, and no summary is made");
            return Ok(INTERRUPTED);
        };
        self.print(&summary)?;
        Ok(summary.exit_code)
    }

    /// Scales the instances to the need, or refuses with the number that fits.
    async fn make_room(&mut self, devices_per_task: u32) -> color_eyre::Result<Waited> {
        let known = |it: &Snapshot| it.instances.value.list.iter().any(|it| it.tasks + it.room > 0);
        match self.wait(FIRST_LOOK, known).await? {
            Waited::Came => {}
            Waited::TooLate => {
                return Err(eyre!("no instance has room for a task: see the notices above"));
            }
            waited => return Ok(waited),
        }
        let view = self.snapshot().instances.value.clone();
        let needed = needed(&view, self.plan.devices, devices_per_task)?;
        if needed > view.desired {
            self.send(Command::ScaleTo(needed, None)).await?;
        }
        self.wait(BOOT, |it| it.instances.value.registered >= needed).await
    }

    /// Adds the devices, waits for the ramp, and holds.
    async fn load(&mut self) -> color_eyre::Result<Waited> {
        let Plan { devices, ramp_up, hold_for, .. } = self.plan;
        self.send(Command::Add { devices, over: ramp_up, spread: Spread::Uniform, seed: None })
            .await?;
        let ramped =
            |it: &Snapshot| it.run.is_some() && it.ramp.total == devices && it.ramp.is_over();
        match self.wait(ramp_up + LAUNCH, ramped).await? {
            Waited::Came => {
                say(&format!("the ramp is over, holding for {} s", hold_for.as_secs_f64()));
            }
            Waited::TooLate => say("the ramp did not end in time, holding what is there"),
            waited => return Ok(waited),
        }
        self.wait(hold_for, |_| false).await
    }

    /// Brings the run to zero; a signal does not shorten that below what is safe,
    /// a second one does: then the local cloud is simply taken down.
    async fn end(&mut self, confirmed: Confirmed) -> color_eyre::Result<Option<Arc<Summary>>> {
        self.send(Command::End { scale_to_zero: false, confirmed }).await?;
        let ended = |it: &Snapshot| it.run.as_ref().is_some_and(|run| run.phase == Phase::Ended);
        let mut seen = None;
        loop {
            let waited = self.wait(END, ended).await?;
            let snapshot = self.snapshot();
            let run = snapshot.run.as_ref();
            let now = run.map(|run| run.phase);
            match waited {
                Waited::Interrupted => return Ok(None),
                // As long as something moves, there is something to wait for.
                Waited::TooLate if now != seen => seen = now,
                _ => {
                    let summary = run.and_then(|run| run.summary.clone());
                    return summary.map(Some).ok_or_else(|| {
                        eyre!("the run did not come to a summary; its tasks are killed: see above")
                    });
                }
            }
        }
    }

    fn print(&self, summary: &Summary) -> color_eyre::Result<()> {
        if summary.result == RunResult::Error {
            say(&why(summary));
        }
        let printed = if self.plan.json {
            print(&format!("{}\n", serde_json::to_string_pretty(summary)?))
        } else {
            print(&summary.to_string())
        };
        printed.wrap_err("the summary cannot be printed")?;
        if let Some(run) = &self.snapshot().run {
            say(&format!("run folder: {}", run.folder.display()));
        }
        Ok(())
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.handle.snapshots.borrow())
    }

    async fn send(&self, command: Command) -> color_eyre::Result<()> {
        self.handle.commands.send(command).await.map_err(|_| eyre!("the controller is gone"))
    }

    /// Waits until the snapshot is as wished; tells notices and progress meanwhile.
    async fn wait(
        &mut self,
        most: Duration,
        wished: impl Fn(&Snapshot) -> bool,
    ) -> color_eyre::Result<Waited> {
        let deadline = Instant::now() + most;
        loop {
            let snapshot = Arc::clone(&self.handle.snapshots.borrow_and_update());
            self.tell(&snapshot);
            if wished(&snapshot) {
                return Ok(Waited::Came);
            }
            if is_hopeless(&snapshot) {
                return Ok(Waited::Hopeless);
            }
            let [interrupt, terminate, hangup] = &mut self.signals;
            tokio::select! {
                biased;
                _ = interrupt.recv() => return Ok(Waited::Interrupted),
                _ = terminate.recv() => return Ok(Waited::Interrupted),
                _ = hangup.recv() => return Ok(Waited::Interrupted),
                changed = timeout_at(deadline, self.handle.snapshots.changed()) => match changed {
                    Err(_) => return Ok(Waited::TooLate),
                    Ok(Err(_)) => return Err(eyre!("the controller is gone; see the log")),
                    Ok(Ok(())) => {}
                },
            }
        }
    }

    fn tell(&mut self, snapshot: &Snapshot) {
        for notice in snapshot.notices.iter().filter(|it| it.number > self.told) {
            let level = match notice.level {
                Level::Info => "",
                Level::Warning => "warning: ",
                Level::Error => "error: ",
            };
            say(&format!("{level}{}", notice.text));
        }
        self.told = snapshot.notices.last().map_or(self.told, |it| it.number.max(self.told));
        if Instant::now() >= self.progress_at && snapshot.run.is_some() {
            self.progress_at = Instant::now() + PROGRESS;
            say(&progress(snapshot));
        }
    }
}

/// What went wrong with a run that could not do what it was for.
fn why(summary: &Summary) -> String {
    let target = &summary.target;
    let kinds: Vec<String> =
        summary.errors.by_kind.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    let kinds = if kinds.is_empty() { "no error".to_owned() } else { kinds.join(", ") };
    if summary.tasks.started == 0 {
        "no task was started: see above".to_owned()
    } else if summary.coverage.reporting == 0 {
        format!("the results of all {} tasks are missing: see above", summary.tasks.started)
    } else if summary.devices.peak_connected == 0 {
        format!("no device ever connected to {target}: {kinds}")
    } else if summary.errors.of_requests == summary.requests {
        format!("{target} answered no request: {kinds}")
    } else {
        format!(
            "{} devices are missing: their tasks failed again and again",
            summary.devices.failed
        )
    }
}

/// Whether every task that the run needs was given up. While it ends, that is no news.
fn is_hopeless(snapshot: &Snapshot) -> bool {
    let tasks = &snapshot.tasks.value;
    let is_on = snapshot.run.as_ref().is_some_and(|run| run.phase == Phase::Running);
    is_on && tasks.given_up > 0 && tasks.given_up == tasks.wanted
}

fn progress(snapshot: &Snapshot) -> String {
    let devices = &snapshot.devices.value;
    let traffic = &snapshot.traffic.value;
    let errors: u64 = traffic.errors.values().sum();
    let window = traffic.window.map_or(String::new(), |window| {
        format!(", response p50 {:.2} ms p99 {:.2} ms", window.response.p50, window.response.p99)
    });
    format!(
        "{} of {} devices connected, {} tasks run, {} requests, {errors} errors{window}",
        devices.connected, devices.wanted, snapshot.tasks.value.running, traffic.requests
    )
}

/// How many instances these devices need.
fn needed(view: &InstancesView, devices: u32, devices_per_task: u32) -> Result<u32, Usage> {
    let per_instance = view.list.iter().map(|it| it.tasks + it.room).max().unwrap_or(0).max(1);
    let tasks = devices.div_ceil(devices_per_task);
    let needed = tasks.div_ceil(per_instance);
    if needed <= view.max {
        return Ok(needed);
    }
    let fit = u64::from(view.max) * u64::from(per_instance) * u64::from(devices_per_task);
    let each = devices.div_ceil(view.max * per_instance);
    Err(Usage(format!(
        "{devices} devices need {tasks} tasks on {needed} instances, and the group has at most {}: \
         {fit} devices fit; say at most that, or --devices-per-task {each}",
        view.max
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::snapshot::InstanceView;

    #[test]
    fn the_need_is_met_or_refused_with_the_number_that_fits() {
        let list = vec![InstanceView { id: "i-1".into(), tasks: 1, room: 3 }];
        let view = InstancesView { max: 10, desired: 1, list, ..InstancesView::default() };
        assert_eq!(needed(&view, 1, 250), Ok(1));
        assert_eq!(needed(&view, 1001, 250), Ok(2));
        assert_eq!(needed(&view, 10_000, 250), Ok(10));
        let Err(Usage(why)) = needed(&view, 10_001, 250) else {
            panic!("too many devices were accepted");
        };
        assert!(
            why.contains("10000 devices fit") && why.contains("--devices-per-task 251"),
            "{why}"
        );
    }
}
