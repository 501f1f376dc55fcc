//! The harness itself, and what a controller does in it.

use tokio::time::{Instant, advance};

use super::*;
use crate::{
    cloud::{ErrorKind, types::Condition},
    local::engine::api::{ContainerOverride, Overrides, RunTask, Variable},
    model::wish::{Batch, Spread, State, Wish},
};

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn a_thousand_devices_come_shrink_and_go() {
    let world = World::new(1, |_| {});
    let seat = world.controller("a");
    seat.add(1000, Duration::from_secs(20)).await;
    seat.until("all are planned", MINUTE, |it| it.ramp.planned == 1000 && it.ramp.is_over()).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 1000).await;
    assert_eq!(world.running_tasks(), 4);
    seat.until("all report", MINUTE, |it| {
        (it.devices.value.connected, it.devices.value.tasks_reporting) == (1000, 4)
    })
    .await;
    seat.order(Command::Remove { devices: 300 }).await;
    world.until("700 are left", MINUTE, |it| it.alive() == 700).await;
    world.until("the emptied task is gone", MINUTE, |it| it.tasks == 3).await;
    let ledger = world.ledger();
    let (id, run) = ledger.runs.first_key_value().expect("a run");
    assert_eq!((run.ever, run.starts, run.peak, run.doubled), (1000, 1000, 1000, 0));
    assert!(world.devices(id).alive.keys().all(|&device| device < 700));
    seat.end_run(false).await;
    seat.until("it has ended", 3 * MINUTE, |it| {
        it.run.as_ref().is_some_and(|run| run.phase == controller::snapshot::Phase::Ended)
    })
    .await;
    assert_eq!((world.running_tasks(), world.ledger().alive()), (0, 0));
    assert_eq!(world.ledger().doubled(), 0);
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_and_a_broken_link_start_nothing_twice() {
    let world = World::new(6, |_| {});
    let seat = world.controller("a");
    seat.add(1000, Duration::from_secs(10)).await;
    // Those of the wish's writes and of the first RunTasks are among them.
    seat.link.lose_answers(12);
    world.until("some are alive", 2 * MINUTE, |it| it.alive() > 0).await;
    seat.link.down();
    world.run_for(MINUTE).await;
    seat.link.up();
    world.until("all are alive", 2 * MINUTE, |it| it.alive() == 1000).await;
    world.run_for(MINUTE).await;
    let ledger = world.ledger();
    assert_eq!((ledger.doubled(), ledger.tasks, ledger.alive()), (0, 4, 1000));
    assert!(seat.cloud.calls()["RunTask"] >= 4, "{:?}", seat.cloud.calls());
    seat.leave().await;
}

/// What a link does to a call, and what the call did.
#[tokio::test(start_paused = true)]
async fn a_link_can_be_down_asleep_slow_or_lose_answers() {
    let world = World::new(2, |_| {});
    let (cloud, link) = world.client();
    let put = async |key: &str| {
        let began = Instant::now();
        let put = cloud.put_object(key, "x".into(), Condition::Absent).await;
        (put.map(drop).map_err(|error| error.kind), began.elapsed())
    };
    assert_eq!(put("fine").await.0, Ok(()));
    link.down();
    assert!(put("down").await.0.is_err());
    link.slow(Duration::from_secs(4));
    let (done, took) = put("slow").await;
    assert_eq!((done, took), (Ok(()), Duration::from_secs(4)));
    link.up();
    link.lose_answers(1);
    assert_eq!(put("lost").await.0, Err(ErrorKind::Ambiguous));
    assert_eq!(link.answers_to_lose(), 0);
    assert_eq!(put("lost").await.0, Err(ErrorKind::Precondition), "it had its effect");
    link.sleep();
    let (asleep, took) = put("asleep").await;
    assert_eq!((asleep, took), (Err(ErrorKind::Ambiguous), Duration::from_secs(10)));
    let (slept, ()) = tokio::join!(put("woken"), async {
        advance(Duration::from_secs(5)).await;
        link.up();
    });
    assert_eq!(slept.0, Ok(()));
    assert_eq!(cloud.list_objects("").await.expect("listed"), ["fine", "lost", "slow", "woken"]);
}

#[tokio::test(start_paused = true)]
async fn requests_are_believed_hours_later_and_dated_by_the_cloud() {
    let world = World::new(3, |_| {});
    let (cloud, _link) = world.client();
    let before = cloud.get_object("none", None).await.expect("answered").1.expect("dated");
    world.run_for(Duration::from_hours(30)).await;
    let after = cloud.get_object("none", None).await.expect("answered").1.expect("dated");
    // Nothing that a client learns from the dates of answers may change that.
    for _ in 0..3 {
        cloud.cluster().await.expect("believed");
    }
    let apart = after.date - before.date;
    assert!((30 * 3_600_000..=30 * 3_600_000 + 1000).contains(&apart), "{apart}");
}

#[tokio::test(start_paused = true)]
async fn agents_that_hear_nothing_end_with_their_lease() {
    let mut world = World::new(4, |_| {});
    world.site.refresh = Duration::from_secs(10);
    let seat = world.controller_with("a", |options| options.policy.lease_ms = 120_000);
    seat.add(500, Duration::ZERO).await;
    world.until("all are alive", MINUTE, |it| it.alive() == 500).await;
    world.run_for(Duration::from_mins(10)).await;
    assert_eq!(world.ledger().alive(), 500, "the lease is renewed");
    world.agents_hear(false);
    world.run_for(Duration::from_secs(55)).await;
    assert_eq!(world.ledger().alive(), 500, "half of it is always left");
    world.until("all have ended", MINUTE * 2, |it| it.alive() == 0).await;
    seat.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_tasks_of_one_device() {
    tasks_of_devices(1000, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_tasks_of_a_thousand_devices() {
    tasks_of_devices(100, 1000).await;
}

/// Brings so many tasks up with all their devices, and ends them.
async fn tasks_of_devices(tasks: u32, room: u32) {
    let (world, run) = crowd(tasks, room).await;
    world.until("all live", 20 * MINUTE, |it| it.alive() == tasks * room).await;
    let began = std::time::Instant::now();
    world.run_for(MINUTE).await;
    let cost = began.elapsed() / 60;
    println!("a second of {tasks} tasks with {room} devices each: {cost:?}");
    assert_eq!((world.ledger().alive(), world.running_tasks()), (tasks * room, tasks));
    run.end().await;
    world.until("none is left", MINUTE * 3, |it| it.tasks == 0).await;
    let ledger = world.ledger();
    assert_eq!((ledger.alive(), ledger.doubled()), (0, 0));
    assert_eq!(ledger.runs["r"].starts, u64::from(tasks * room));
    assert_eq!(world.devices("r").ever.to_string(), format!("0-{}", tasks * room - 1));
}

/// A run that is steered by hand, without a controller.
struct ByHand {
    cloud: Cloud,
    wish: Wish,
}

impl ByHand {
    async fn end(mut self) {
        self.wish.state = State::Stop;
        self.wish.version += 1;
        self.write().await;
    }

    async fn write(&self) {
        let wish = serde_json::to_vec(&self.wish).expect("a wish");
        let key = "loadtop/r/wish.json";
        self.cloud.put_object(key, wish.into(), Condition::Always).await.expect("written");
    }
}

/// A world with so many tasks of so many devices, all of one batch over a minute.
async fn crowd(tasks: u32, room: u32) -> (World, ByHand) {
    let world = World::new(5, |options| {
        (options.instances, options.max_instances) = (tasks / 100, tasks / 100);
        options.tasks_per_instance = 100;
    });
    let (cloud, _link) = world.client();
    let now = world.local.shell.now();
    let mut wish = Wish::new("plan-1.json", now + 24 * 3_600_000);
    (wish.poll_ms, wish.report_ms) = (u64::from(tasks).max(1000), 10_000);
    wish.live.insert(0, tasks * room);
    wish.batches.push(Batch {
        first: 0,
        count: tasks * room,
        execution: 0,
        start_at: Some(now),
        over_ms: 60_000,
        spread: Spread::Uniform,
        seed: 7,
    });
    let run = ByHand { cloud: cloud.clone(), wish };
    run.write().await;
    for task in 0..tasks {
        let environment = [
            ("LOADTOP_RUN", "r".to_owned()),
            ("LOADTOP_TASK", format!("{task:05}-1")),
            ("LOADTOP_FIRST_DEVICE", (task * room).to_string()),
            ("LOADTOP_DEVICES", room.to_string()),
            ("LOADTOP_BUCKET", "loadtop".to_owned()),
            ("LOADTOP_PREFIX", "loadtop/r/".to_owned()),
        ];
        let environment =
            environment.map(|(name, value)| Variable { name: name.to_owned(), value });
        let container = ContainerOverride {
            name: "agent".to_owned(),
            environment: environment.into(),
            ..ContainerOverride::default()
        };
        let request = RunTask {
            cluster: Some("loadtop".to_owned()),
            task_definition: "loadtop-agent".to_owned(),
            overrides: Overrides { container_overrides: vec![container], ..Overrides::default() },
            ..RunTask::default()
        };
        // Forty calls a second are allowed.
        advance(Duration::from_millis(25)).await;
        let started = world.local.shell.engine(|engine, now| engine.run_task(request, now));
        assert_eq!(started.expect("asked").tasks.len(), 1);
    }
    (world, run)
}
