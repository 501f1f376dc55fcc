//! `add`, `remove`, `scale`, `pause` and `resume`: one command each, and what became
//! of it.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    answer::{Answer, Outcome, print_json},
    standing,
    steering::{Steering, Waited},
};
use crate::{
    cli::{Add, Remove, Scale, Which},
    controller::{Command, Join, Snapshot, snapshot::Phase},
    model::{Millis, confirmed::Confirmed},
    process::output::say,
    runs::{self, LeaderSeen},
    tell::Teller,
};

/// How long instances that nobody else sees to may take to go.
const ALONE: Duration = Duration::from_mins(2);

/// Adds devices.
pub async fn add(arguments: Add) -> color_eyre::Result<u8> {
    let command = Command::Add {
        devices: arguments.devices,
        over: arguments.ramp_up,
        spread: arguments.spreading.spread,
        seed: arguments.spreading.seed,
    };
    let wait = arguments.wait.map(|most| Wait::new("the ramp is not over", most, has_ramped));
    Order { verb: "add", command, needs_run: true, wait, alone: None }.give(&arguments.which).await
}

/// Takes devices away.
pub async fn remove(arguments: Remove) -> color_eyre::Result<u8> {
    let command = Command::Remove { devices: arguments.devices };
    let wait = arguments.wait.map(|most| Wait::new("devices are left", most, are_gone));
    Order { verb: "remove", command, needs_run: true, wait, alone: None }
        .give(&arguments.which)
        .await
}

/// Sets the number of instances.
pub async fn scale(arguments: Scale) -> color_eyre::Result<u8> {
    let instances = arguments.instances;
    let command = Command::ScaleTo(instances, arguments.yes.then_some(Confirmed::ByFlag));
    let none_leaves = move |now: &Snapshot, _| {
        let it = &now.instances.value;
        it.desired == instances && it.leaving == 0
    };
    let are_there = move |now: &Snapshot, landed| {
        let it = &now.instances.value;
        none_leaves(now, landed) && it.registered == instances && it.booting == 0
    };
    let wait = arguments.wait.map(|most| Wait::new("the instances are not there", most, are_there));
    // Without a run this controller is the one that has them go.
    let alone = Some(Wait::new("the instances have not gone", ALONE, none_leaves));
    Order { verb: "scale", command, needs_run: false, wait, alone }.give(&arguments.which).await
}

/// Stops the starts.
pub async fn pause(arguments: Which) -> color_eyre::Result<u8> {
    let command = Command::Pause;
    Order { verb: "pause", command, needs_run: true, wait: None, alone: None }
        .give(&arguments)
        .await
}

/// Lets the starts go on.
pub async fn resume(arguments: Which) -> color_eyre::Result<u8> {
    let command = Command::Resume;
    Order { verb: "resume", command, needs_run: true, wait: None, alone: None }
        .give(&arguments)
        .await
}

/// Whether the ramp is over and every task runs or has failed.
fn has_ramped(now: &Snapshot, _landed: Millis) -> bool {
    let tasks = &now.tasks.value;
    let on_their_way = tasks.requested + tasks.pending + tasks.waiting_for_room;
    now.ramp.is_over() && on_their_way == 0 && tasks.running + tasks.given_up > 0
}

/// Whether no more devices are there than should be. Figures count only if they are of
/// a time at which every agent had seen the wish; without tasks there are none.
fn are_gone(now: &Snapshot, landed: Millis) -> bool {
    let poll = now.run.as_ref().map_or(0, |run| run.poll_ms);
    let (devices, tasks) = (&now.devices.value, &now.tasks.value);
    let is_fresh = now.devices.at.is_some_and(|at| at > landed + poll);
    let is_reported = is_fresh && devices.tasks_reporting >= devices.tasks_expected;
    let there = devices.starting + devices.connected + devices.failed;
    let no_task = now.ramp.total == 0
        && now.tasks.at.is_some_and(|at| at > landed)
        && tasks.requested + tasks.pending + tasks.running + tasks.stopping == 0;
    (is_reported && there <= devices.wanted) || no_task
}

/// Whether things are as they were asked for; also told when the order had landed (this
/// machine's clock).
type Wished = Box<dyn Fn(&Snapshot, Millis) -> bool + Send + Sync>;

/// What is waited for after an order has landed.
struct Wait {
    /// What is so as long as it has not come.
    meanwhile: &'static str,
    most: Duration,
    wished: Wished,
}

impl Wait {
    fn new(
        meanwhile: &'static str,
        most: Duration,
        wished: impl Fn(&Snapshot, Millis) -> bool + Send + Sync + 'static,
    ) -> Self {
        Wait { meanwhile, most, wished: Box::new(wished) }
    }
}

/// A verb that is one command.
struct Order {
    verb: &'static str,
    command: Command,
    /// Whether it is about a run; instances are there without one.
    needs_run: bool,
    wait: Option<Wait>,
    /// What is waited for in any case where no run is on.
    alone: Option<Wait>,
}

impl Order {
    async fn give(self, which: &Which) -> color_eyre::Result<u8> {
        let standing = standing(&which.place)?;
        let join = which.run.clone().map_or(Join::Latest, Join::Run);
        let mut steering = Steering::start(&standing, join, false, Teller::new()).await?;
        let answered = self.carry_out(&mut steering).await;
        steering.end().await;
        let mut answer = answered?;
        let mut leader = LeaderSeen::default();
        if let Some(run) = &answer.run {
            leader = runs::leader(&standing.connect().await?, run).await?;
            answer.led_by = leader.now().map(str::to_owned);
        }
        if let Some(why) = &answer.why {
            say(why);
        }
        if answer.result == Outcome::Done {
            say(&done(&answer, &leader));
        }
        if which.json {
            print_json(&answer)?;
        }
        Ok(answer.exit_code())
    }

    async fn carry_out(self, steering: &mut Steering) -> color_eyre::Result<Answer> {
        let verb = self.verb;
        let end = |steering: &Steering, result, why: Option<String>| {
            Ok(Answer { why, ..Answer::new(verb, result, &steering.snapshot()) })
        };
        let run = steering.find().await?;
        if self.needs_run && run.is_none() {
            let place = steering.snapshot().site.label.clone();
            let why = format!(
                "no run is on at {place}: begin one with `loadtop TARGET` or `loadtop run`; \
                 `loadtop status` shows what is there"
            );
            return end(steering, Outcome::NoRun, Some(why));
        }
        if let Err(why) = steering.order(self.command).await? {
            return end(steering, Outcome::Refused, Some(why));
        }
        let alone = self.alone.filter(|_| run.is_none());
        let Some(wait) = self.wait.or(alone) else {
            return end(steering, Outcome::Done, None);
        };
        let landed = steering.snapshot().at;
        let needs_run = self.needs_run;
        let is_over = |it: &Snapshot| {
            let phase = it.run.as_ref().map(|run| run.phase);
            needs_run && !matches!(phase, Some(Phase::Running | Phase::Paused))
        };
        let deadline = Instant::now() + wait.most;
        let wished = |it: &Snapshot| (wait.wished)(it, landed);
        let waited = steering.wait(deadline, |it| wished(it) || is_over(it)).await?;
        let now = steering.snapshot();
        let given_up = now.tasks.value.given_up;
        let (result, why) = match waited {
            Waited::TooLate => {
                let most = humantime::format_duration(wait.most);
                (
                    Outcome::Late,
                    Some(format!("after {most} {}: see loadtop status", wait.meanwhile)),
                )
            }
            Waited::Came if !wished(&now) => {
                (Outcome::Failed, Some("the run is being ended meanwhile".to_owned()))
            }
            Waited::Came if verb == "add" && given_up > 0 => {
                (Outcome::Failed, Some(format!("{given_up} tasks failed and were given up")))
            }
            Waited::Came => (Outcome::Done, None),
        };
        end(steering, result, why)
    }
}

/// What is so now. Who leads was heard of at some time; whether it lives is not known.
fn done(answer: &Answer, leader: &LeaderSeen) -> String {
    let Some(run) = &answer.run else {
        return "done".to_owned();
    };
    let devices = answer.devices.map_or(0, |devices| devices.live);
    let is = format!("run {run} is {}, with {devices} devices", answer.state.unwrap_or("there"));
    match leader.now() {
        Some(owner) => {
            let heard = leader.silent_ms.unwrap_or_default() / 1000;
            format!("{is}; {owner} leads it (heard of {heard} s ago)")
        }
        None => format!(
            "{is}; nobody leads run {run}: its tasks are started and stopped only while a \
             dashboard or the `loadtop run` that began it is there; `loadtop` joins it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::fixtures,
        controller::snapshot::{Aged, DevicesView, RampView, TasksView},
    };

    const LANDED: Millis = 100_000;

    fn snapshot(live: u32, tasks: TasksView, devices: DevicesView, at: Millis) -> Snapshot {
        Snapshot {
            ramp: RampView { total: live, planned: live, left_ms: Some(0) },
            tasks: Aged { value: tasks, at: Some(at) },
            devices: Aged { value: devices, at: Some(at) },
            ..fixtures::steady()
        }
    }

    fn devices(wanted: u32, connected: u32, reporting: u32) -> DevicesView {
        let (tasks_reporting, tasks_expected) = (reporting, 2);
        DevicesView { wanted, connected, tasks_reporting, tasks_expected, ..DevicesView::default() }
    }

    #[test]
    fn devices_are_gone_when_fresh_and_whole_figures_say_so() {
        let tasks = TasksView { running: 2, ..TasksView::default() };
        let later = LANDED + 60_000;
        for (figures, at, gone) in [
            (devices(100, 100, 2), later, true),
            (devices(100, 101, 2), later, false),
            (devices(100, 100, 1), later, false),
            (devices(100, 100, 2), LANDED, false),
        ] {
            let now = snapshot(100, tasks.clone(), figures, at);
            assert_eq!(are_gone(&now, LANDED), gone, "{:?}", now.devices);
        }
        let nothing = snapshot(0, TasksView::default(), devices(0, 50, 0), later);
        assert!(are_gone(&nothing, LANDED));
        let stopping = TasksView { stopping: 1, ..TasksView::default() };
        assert!(!are_gone(&snapshot(0, stopping, devices(0, 50, 0), later), LANDED));
    }

    #[test]
    fn a_ramp_is_over_when_no_task_is_on_its_way() {
        for (tasks, over) in [
            (TasksView { running: 2, ..TasksView::default() }, true),
            (TasksView { running: 1, given_up: 1, ..TasksView::default() }, true),
            (TasksView { running: 1, pending: 1, ..TasksView::default() }, false),
            (TasksView { running: 1, waiting_for_room: 1, ..TasksView::default() }, false),
            (TasksView::default(), false),
        ] {
            let now = snapshot(100, tasks, devices(100, 100, 2), LANDED);
            assert_eq!(has_ramped(&now, LANDED), over, "{:?}", now.tasks);
        }
    }
}
