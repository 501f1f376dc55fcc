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
    cloud::types::Shortage,
    controller::{
        Command, Handle, Snapshot,
        snapshot::{CapacityView, FargateView, InstancesView, Phase, RunView, ScaledBy},
    },
    model::{confirmed::Confirmed, wish::Spread},
    process::output::{print, say},
    report::{RunResult, Summary},
    session::{Session, Settings},
    tell::Teller,
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
    let devices_per_task = settings.devices_per_task;
    let capacity_wait = Duration::from_millis(settings.policy.capacity_wait_ms);
    let mut session = Session::start(settings).await?;
    let outcome = match Runner::new(session.handle.clone(), plan, capacity_wait) {
        Ok(mut runner) => runner.run(devices_per_task).await,
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
            say(&self.abandoned());
            return Ok(INTERRUPTED);
        };
        self.print(&summary)?;
        Ok(summary.exit_code)
    }

    /// Sees to room for the devices, or refuses with the number that fits. Where nobody
    /// here scales instances, tasks wait for room by themselves.
    async fn make_room(&mut self, devices_per_task: u32) -> color_eyre::Result<Waited> {
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
            CapacityView::Fargate(fargate) => {
                fits(fargate, self.plan.devices, devices_per_task)?;
                Ok(Waited::Came)
            }
            CapacityView::Instances { scaled_by: ScaledBy::Provider(provider), group } => {
                say(&format!("{provider} brings the instances of the group {group}"));
                Ok(Waited::Came)
            }
            CapacityView::Instances { .. } => self.make_instances(devices_per_task).await,
        }
    }

    /// Scales the instances to the need.
    async fn make_instances(&mut self, devices_per_task: u32) -> color_eyre::Result<Waited> {
        let has_room =
            |it: &Snapshot| it.instances.value.list.iter().any(|it| it.tasks + it.room > 0);
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
        let view = self.snapshot().instances.value.clone();
        let needed = needed(&view, self.plan.devices, devices_per_task)?;
        if needed > view.desired {
            self.send(Command::ScaleTo(needed, None)).await?;
        }
        self.wait(BOOT, |it| it.instances.value.registered >= needed).await
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

/// Whether it is known what tasks run on, and who sees to room.
fn is_known(capacity: &CapacityView) -> bool {
    match capacity {
        CapacityView::Instances { scaled_by, .. } => *scaled_by != ScaledBy::Unknown,
        CapacityView::Fargate(fargate) => fargate.each.is_some(),
    }
}

/// Refuses devices that the account's quota has no vCPU for, as far as it is known.
fn fits(fargate: &FargateView, devices: u32, devices_per_task: u32) -> Result<(), Usage> {
    let (Some((cpu, _)), Some(quota)) = (fargate.each, fargate.quota_vcpu) else {
        return Ok(());
    };
    let each = f64::from(cpu) / 1024.0;
    let tasks = devices.div_ceil(devices_per_task);
    let needed = each * f64::from(tasks);
    if needed <= quota {
        return Ok(());
    }
    let fit = (quota / each).floor() as u64 * u64::from(devices_per_task);
    Err(Usage(format!(
        "{devices} devices need {tasks} tasks of {each} vCPU, {needed} in all, and {} is {quota}: \
         {fit} devices fit; say at most that, have more of them in a task \
         (--devices-per-task), or ask AWS for more in Service Quotas",
        Shortage::Vcpus.name(fargate.spot)
    )))
}

/// How many instances these devices need, beside what else runs there.
fn needed(view: &InstancesView, devices: u32, devices_per_task: u32) -> Result<u32, Usage> {
    let per_instance = view.list.iter().map(|it| it.tasks + it.room).max().unwrap_or(0).max(1);
    let tasks = devices.div_ceil(devices_per_task);
    // Those that boot have room, too.
    let coming = view.desired.saturating_sub(view.registered);
    let room = view.room.saturating_add(coming.saturating_mul(per_instance));
    let needed = view.desired + tasks.saturating_sub(room).div_ceil(per_instance);
    if needed <= view.max {
        return Ok(needed);
    }
    let more = view.max.saturating_sub(view.desired).saturating_mul(per_instance);
    let room = room.saturating_add(more);
    let fit = u64::from(room) * u64::from(devices_per_task);
    let less = match devices.div_ceil(room.max(1)) {
        each if devices_per_task > 1 => format!("at most that, or --devices-per-task {each}"),
        _ => "at most that".to_owned(),
    };
    Err(Usage(format!(
        "{devices} devices need {tasks} tasks on {needed} instances, and the group has at most {}: \
         {fit} devices fit; say {less}",
        view.max
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::snapshot::InstanceView;

    fn instances(tasks: u32, room: u32) -> InstancesView {
        let list = vec![InstanceView { id: "i-1".into(), tasks, room }];
        InstancesView { max: 10, desired: 1, registered: 1, room, list, ..InstancesView::default() }
    }

    #[test]
    fn the_need_is_met_or_refused_with_the_number_that_fits() {
        let view = instances(0, 4);
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

    #[test]
    fn on_fargate_the_quota_bounds_the_devices_once_it_is_known() {
        let fargate = |quota_vcpu| FargateView {
            each: Some((256, 512)),
            quota_vcpu,
            ..FargateView::default()
        };
        assert_eq!(fits(&fargate(None), 1_000_000, 1), Ok(()));
        assert_eq!(fits(&fargate(Some(6.0)), 6_000, 250), Ok(()));
        let Err(Usage(why)) = fits(&fargate(Some(6.0)), 6_001, 250) else {
            panic!("too many devices were accepted");
        };
        let named = "\"Fargate On-Demand vCPU resource count\" is 6: 6000 devices fit";
        assert!(why.contains(named) && why.contains("25 tasks of 0.25 vCPU, 6.25 in all"), "{why}");
    }

    #[test]
    fn who_sees_to_room_must_be_known_first() {
        let by = |scaled_by| CapacityView::Instances { group: "g".into(), scaled_by };
        assert!(!is_known(&by(ScaledBy::Unknown)));
        assert!(is_known(&by(ScaledBy::Us)) && is_known(&by(ScaledBy::Provider("p".into()))));
        assert!(!is_known(&CapacityView::Fargate(FargateView::default())));
    }

    #[test]
    fn what_others_run_there_leaves_less_room() {
        let view = instances(3, 1);
        assert_eq!(needed(&view, 250, 250), Ok(1));
        assert_eq!(needed(&view, 251, 250), Ok(2));
        let boots = InstancesView { desired: 3, ..view };
        assert_eq!(needed(&boots, 9 * 250, 250), Ok(3));
        let Err(Usage(why)) = needed(&instances(4, 0), 37, 1) else {
            panic!("too many devices were accepted");
        };
        assert!(why.contains("36 devices fit; say at most that"), "{why}");
        assert!(!why.contains("--devices-per-task"), "{why}");
    }
}
