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
        snapshot::{CapacityView, Phase, RunView, ScaledBy},
    },
    model::{
        confirmed::Confirmed,
        forecast::{Ask, Forecast, On},
        wish::Spread,
    },
    process::output::{print, say},
    report::{RunResult, Summary},
    session::{Session, Settings},
    tell::Teller,
    usage::Usage,
};

/// How long looking at the cloud for the first time may take.
const FIRST_LOOK: Duration = Duration::from_secs(20);
/// How long the account's quota is waited for.
const QUOTA_LOOK: Duration = Duration::from_secs(5);
/// How long instances may take to come up.
const BOOT: Duration = Duration::from_mins(3);
/// How long tasks may take to come up, beyond the ramp.
const LAUNCH: Duration = Duration::from_secs(90);
/// How long bringing the run to zero may take without any progress.
const END: Duration = Duration::from_secs(90);

/// Exit code of a run that was interrupted.
const INTERRUPTED: u8 = 130;

/// What a headless run is made with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many devices.
    pub devices: u32,
    /// Their starts are spread over this long.
    pub ramp_up: Duration,
    /// How.
    pub spread: Spread,
    /// What the spread's randomness comes from; none: anything.
    pub seed: Option<u64>,
    /// The load is held for this long.
    pub hold_for: Duration,
    /// Whether the summary is JSON.
    pub json: bool,
}

/// Makes the run, prints its summary and says the exit code.
pub async fn run(settings: Settings, plan: Plan) -> color_eyre::Result<u8> {
    let capacity_wait = Duration::from_millis(settings.policy.capacity_wait_ms);
    let mut session = Session::start(settings).await?;
    let outcome = match Runner::new(session.handle.clone(), plan, capacity_wait) {
        Ok(mut runner) => runner.run().await,
        Err(error) => Err(error),
    };
    if session.handle.snapshots.borrow().site.outlives_us {
        session.leave().await;
    }
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
    /// Nothing more can come: every task's slot was given up, or the run is being ended,
    /// by its policy or from elsewhere.
    Hopeless,
    /// A signal.
    Interrupted,
}

struct Runner {
    handle: Handle,
    plan: Plan,
    signals: [Signal; 3],
    teller: Teller,
    /// How long tasks may wait for room.
    capacity_wait: Duration,
    /// Whether this is what ends the run; until then it ending is unexpected.
    ends: bool,
}

impl Runner {
    fn new(handle: Handle, plan: Plan, capacity_wait: Duration) -> color_eyre::Result<Self> {
        let listen = |kind| signal(kind).wrap_err("cannot listen for signals");
        let signals = [
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ];
        Ok(Runner { handle, plan, signals, teller: Teller::new(), capacity_wait, ends: false })
    }

    async fn run(&mut self) -> color_eyre::Result<u8> {
        match self.make_room().await? {
            Waited::Came => {}
            Waited::TooLate => {
                return Err(eyre!("the instances did not come up within {} s", BOOT.as_secs()));
            }
            Waited::Hopeless | Waited::Interrupted => return Ok(INTERRUPTED),
        }
        let interrupted = self.load().await? == Waited::Interrupted;
        let confirmed = if interrupted { Confirmed::BySignal } else { Confirmed::ByPlan };
        let Some(summary) = self.end(confirmed).await? else {
            say(&self.abandoned());
            return Ok(INTERRUPTED);
        };
        self.print(&summary)?;
        Ok(summary.exit_code)
    }

    /// Sees to room for the devices, or refuses with the number that fits. Where nobody
    /// here scales instances, tasks wait for room by themselves.
    async fn make_room(&mut self) -> color_eyre::Result<Waited> {
        match self.wait(FIRST_LOOK, |it| is_known(&it.capacity)).await? {
            Waited::Came => {}
            Waited::TooLate => {
                return Err(eyre!(
                    "what the tasks would run on was not seen: see the notices above"
                ));
            }
            waited => return Ok(waited),
        }
        match &self.snapshot().capacity {
            CapacityView::Fargate(_) => {
                // Good to know, and it may be forbidden to ask for.
                let waited = self.wait(QUOTA_LOOK, knows_quota).await?;
                self.forecast()?;
                Ok(if waited == Waited::TooLate { Waited::Came } else { waited })
            }
            CapacityView::Instances { scaled_by: ScaledBy::Provider(provider), group } => {
                say(&format!("{provider} brings the instances of the group {group}"));
                Ok(Waited::Came)
            }
            CapacityView::Instances { .. } => self.make_instances().await,
        }
    }

    /// Scales the instances to the need.
    async fn make_instances(&mut self) -> color_eyre::Result<Waited> {
        // The forecast's own view, which is a moment older than the instances'.
        let has_room = |it: &Snapshot| match it.basis.as_deref().map(|basis| &basis.on) {
            Some(On::Group(group)) => group.per_instance.is_some_and(|fit| fit > 0),
            _ => false,
        };
        let is_empty = |it: &Snapshot| it.instances.at.is_some() && it.instances.value.desired == 0;
        let mut waited = self.wait(FIRST_LOOK, |it| has_room(it) || is_empty(it)).await?;
        if waited == Waited::Came && is_empty(&self.snapshot()) {
            // What fits on an instance is seen on one.
            self.send(Command::ScaleTo(1, None)).await?;
            waited = self.wait(BOOT, has_room).await?;
        }
        match waited {
            Waited::Came => {}
            Waited::TooLate => {
                return Err(eyre!("no instance has room for a task: see the notices above"));
            }
            waited => return Ok(waited),
        }
        let need = self.forecast()?.instances;
        let Some(need) = need else {
            return Err(eyre!("how many tasks fit on an instance was not seen"));
        };
        if need.missing > 0 {
            self.send(Command::ScaleTo(need.needed, None)).await?;
        }
        self.wait(BOOT, |it| it.instances.value.registered >= need.needed).await
    }

    /// What the load takes of what is there; refused is what cannot be.
    fn forecast(&self) -> color_eyre::Result<Forecast> {
        let snapshot = self.snapshot();
        let basis = snapshot.basis.as_deref().ok_or_else(|| eyre!("what is there is not known"))?;
        let Plan { devices, ramp_up, hold_for, .. } = self.plan;
        let ms = |time: Duration| time.as_millis() as u64;
        let ask = Ask { devices, ramp_ms: ms(ramp_up), hold_ms: Some(ms(hold_for)) };
        let forecast = Forecast::of(&ask, basis);
        if forecast.can_be_done() {
            return Ok(forecast);
        }
        Err(Usage(forecast.refusals.join("; ")).into())
    }

    /// Adds the devices, waits for the ramp, and holds.
    async fn load(&mut self) -> color_eyre::Result<Waited> {
        let Plan { devices, ramp_up, spread, seed, hold_for, .. } = self.plan;
        self.send(Command::Add { devices, over: ramp_up, spread, seed }).await?;
        // Policy may have taken some of the devices back.
        let ramped = |it: &Snapshot| it.run.is_some() && it.ramp.total > 0 && it.ramp.is_over();
        let mut waited = self.wait(ramp_up + LAUNCH, ramped).await?;
        let waits = |it: &Snapshot| it.tasks.value.waiting_for_room > 0;
        if waited == Waited::TooLate && waits(&self.snapshot()) {
            waited = self.wait(self.capacity_wait, |it| ramped(it) || !waits(it)).await?;
        }
        match waited {
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
        self.ends = true;
        let is_ending = |run: &RunView| !matches!(run.phase, Phase::Running | Phase::Paused);
        if !self.snapshot().run.as_ref().is_some_and(is_ending) {
            self.send(Command::End { scale_to_zero: false, confirmed }).await?;
        }
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
                    return summary.map(Some).ok_or_else(|| eyre!("{}", self.unfinished()));
                }
            }
        }
    }

    /// What becomes of a run whose end nobody waits for any more.
    fn abandoned(&self) -> String {
        let snapshot = self.snapshot();
        match &snapshot.run {
            Some(run) if snapshot.site.outlives_us => format!(
                "interrupted again: the devices of run {0} stop, and whether its tasks end is not \
                 waited for; loadtop killall --run {0} does",
                run.id
            ),
            _ => "interrupted again: the tasks are killed, and no summary is made".to_owned(),
        }
    }

    /// Why there is no summary, what is left, and what to do about it.
    fn unfinished(&self) -> String {
        let snapshot = self.snapshot();
        let stuck = snapshot.run.as_ref().and_then(|run| run.stuck.clone());
        let mut text = "the run did not come to its end".to_owned();
        if !snapshot.site.outlives_us {
            return text + "; its tasks are killed: see above";
        }
        if let Some(stuck) = stuck {
            text = format!("{text}: {}", stuck.what.join(", "));
            text.extend(stuck.commands.iter().map(|command| format!("\n  {command}")));
        }
        text
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
            self.teller.tell(&snapshot);
            if wished(&snapshot) {
                return Ok(Waited::Came);
            }
            if !self.ends && is_hopeless(&snapshot) {
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

/// Whether nothing more can come of the run: every task that it needs was given up, or
/// somebody else ends it.
fn is_hopeless(snapshot: &Snapshot) -> bool {
    let tasks = &snapshot.tasks.value;
    let given_up = tasks.given_up > 0 && tasks.given_up == tasks.wanted;
    snapshot.run.as_ref().is_some_and(|run| match run.phase {
        Phase::Running => given_up,
        Phase::Paused => false,
        _ => true,
    })
}

/// Whether it is known how many vCPUs there may be.
fn knows_quota(snapshot: &Snapshot) -> bool {
    matches!(&snapshot.capacity, CapacityView::Fargate(fargate) if fargate.quota_vcpu.is_some())
}

/// Whether it is known what tasks run on, and who sees to room.
fn is_known(capacity: &CapacityView) -> bool {
    match capacity {
        CapacityView::Instances { scaled_by, .. } => *scaled_by != ScaledBy::Unknown,
        CapacityView::Fargate(fargate) => fargate.each.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::snapshot::FargateView;

    #[test]
    fn who_sees_to_room_must_be_known_first() {
        let by = |scaled_by| CapacityView::Instances { group: "g".into(), scaled_by };
        assert!(!is_known(&by(ScaledBy::Unknown)));
        assert!(is_known(&by(ScaledBy::Us)) && is_known(&by(ScaledBy::Provider("p".into()))));
        assert!(!is_known(&CapacityView::Fargate(FargateView::default())));
    }
}
