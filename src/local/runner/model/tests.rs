//! What a modelled task does when it is told something, and what it says.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{
    cloud::types::{Condition, Query, TaskRequest},
    local::sim::World,
    model::{
        device::device_id,
        wish::{Batch, Change, Edit, Spread, Wish},
    },
    stats::metrics::{BY_RUN, BY_STATE, CONNECTED, DEVICES, NAMESPACE},
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A world with a run that is steered by hand.
struct Run {
    world: World,
    cloud: crate::cloud::Cloud,
    wish: Wish,
}

impl Run {
    async fn of(seed: u64, devices: u32, over_ms: u64) -> Run {
        let world = World::new(seed, |_| {});
        let (cloud, _link) = world.client();
        let (_, dated) = cloud.get_object("none", None).await.expect("answered");
        let now = dated.expect("dated").date;
        let mut wish = Wish::new("plan-1.json", now + 600_000);
        wish.live.insert(0, devices);
        let (start_at, spread) = (Some(now), Spread::Linear);
        let count = devices;
        wish.batches.push(Batch { first: 0, count, execution: 0, start_at, over_ms, spread, seed });
        let run = Run { world, cloud, wish };
        run.write().await;
        run
    }

    async fn write(&self) {
        let wish = serde_json::to_vec(&self.wish).expect("a wish").into();
        let key = "loadtop/r/wish.json";
        self.cloud.put_object(key, wish, Condition::Always).await.expect("written");
    }

    async fn change(&mut self, change: Change) {
        self.wish = self.wish.edited(&Edit { id: format!("{change:?}"), change }, 0);
        self.write().await;
    }

    /// Starts a task for these devices; its ARN.
    async fn task(&self, name: &str, first: u32, room: u32) -> String {
        let environment = [
            ("LOADTOP_RUN", "r".to_owned()),
            ("LOADTOP_TASK", name.to_owned()),
            ("LOADTOP_FIRST_DEVICE", first.to_string()),
            ("LOADTOP_DEVICES", room.to_string()),
            ("LOADTOP_BUCKET", "loadtop".to_owned()),
            ("LOADTOP_PREFIX", "loadtop/r/".to_owned()),
            ("UUID", device_id("r", first).to_string()),
        ];
        let request = TaskRequest {
            client_token: name.to_owned(),
            started_by: "r".to_owned(),
            environment: environment.map(|(name, value)| (name.to_owned(), value)).into(),
            tags: Vec::new(),
            ..TaskRequest::default()
        };
        let mut started = self.cloud.run_task(&request).await.expect("asked");
        started.tasks.remove(0).arn
    }

    async fn alive(&self, devices: u32) {
        let what = format!("{devices} live");
        self.world.until(&what, MINUTE, |it| it.alive() == devices).await;
    }

    async fn exit_code(&self, arn: &str) -> Option<i32> {
        let arns = [arn.to_owned()];
        for _ in 0..200 {
            let task = self.cloud.describe_tasks(&arns).await.expect("described").remove(0);
            if task.last_status == "STOPPED" {
                return task.exit_code;
            }
            sleep(SECOND / 10).await;
        }
        panic!("{arn} does not stop")
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_told_to_end_drains_and_a_stopped_wish_ends_devices_at_once() {
    let mut run = Run::of(1, 20, 0).await;
    let (told, stopped) = (run.task("a", 0, 10).await, run.task("b", 10, 10).await);
    run.alive(20).await;
    run.cloud.stop_task(&told, "because").await.expect("told");
    let began = Instant::now();
    assert_eq!(run.exit_code(&told).await, Some(0));
    assert!(began.elapsed() < SECOND * 3);
    assert!(run.world.devices("r").alive.values().all(|task| **task == *"b"));
    run.change(Change::Stop { scale_to_zero: false }).await;
    run.alive(0).await;
    assert_eq!(run.world.running_tasks(), 1, "its last results");
    assert_eq!(run.exit_code(&stopped).await, Some(0));
}

#[tokio::test(start_paused = true)]
async fn starts_follow_the_ramp_the_pauses_and_what_is_live() {
    let mut run = Run::of(2, 100, 100_000).await;
    run.task("a", 0, 100).await;
    run.alive(30).await;
    let now = run.world.local.shell.now();
    run.change(Change::Pause { at: now }).await;
    sleep(MINUTE).await;
    let paused = run.world.ledger().alive();
    assert!((30..33).contains(&paused), "{paused}");
    let now = run.world.local.shell.now();
    run.change(Change::Resume { at: now }).await;
    run.change(Change::Remove { count: 50 }).await;
    run.alive(50).await;
    sleep(MINUTE).await;
    assert_eq!(run.world.devices("r").ever.to_string(), "0-49");
}

#[tokio::test(start_paused = true)]
async fn who_is_overdue_keeps_the_batches_rate() {
    let run = Run::of(3, 100, 100_000).await;
    sleep(MINUTE * 5).await;
    run.task("a", 0, 100).await;
    run.alive(1).await;
    sleep(SECOND * 20).await;
    let alive = run.world.ledger().alive();
    assert!((19..=22).contains(&alive), "{alive}");
}

#[tokio::test(start_paused = true)]
async fn the_ledger_sees_a_device_that_lives_twice() {
    let run = Run::of(4, 10, 0).await;
    run.task("a", 0, 10).await;
    run.alive(10).await;
    run.task("b", 5, 5).await;
    run.alive(15).await;
    let figures = run.world.ledger().runs["r"];
    assert_eq!((figures.doubled, figures.ever, figures.starts, figures.tasks), (5, 10, 15, 2));
    assert_eq!(run.world.devices("r").alive[&7], Arc::from("b"));
}

#[tokio::test(start_paused = true)]
async fn each_agent_is_one_sample_of_how_many_are_connected() {
    let run = Run::of(5, 30, 0).await;
    for task in 0..3 {
        run.task(&task.to_string(), task * 10, 10).await;
    }
    run.alive(30).await;
    sleep(SECOND * 10).await;
    let query = |id: &str, stat: &str| Query {
        id: id.to_owned(),
        name: DEVICES,
        dimensions: vec![(BY_RUN, "r".to_owned()), (BY_STATE, CONNECTED.to_owned())],
        stat: stat.to_owned(),
        period_s: 1,
    };
    let queries = [query("count", "SampleCount"), query("sum", "Sum")];
    let now = run.world.local.shell.now() / 1000 * 1000;
    let data = run.cloud.metrics(NAMESPACE, &queries, now - 6000, now - 2000).await;
    let data = data.expect("answered");
    assert_eq!(data["count"].iter().map(|it| it.1).collect::<Vec<_>>(), [3.0; 4]);
    assert_eq!(data["sum"].iter().map(|it| it.1).collect::<Vec<_>>(), [30.0; 4]);
}
