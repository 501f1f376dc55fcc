//! Faults on request, and what the cloud seam makes of them.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    Site, eventually,
    seam::{request, with_program},
};
use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind,
        types::{Condition, Datum, Fetched, Query, Unit},
    },
    local::{
        clock,
        faults::{Fault, FaultKind, Share},
        sim::World,
    },
    model::Millis,
};

/// One call of each protocol.
#[derive(Debug, Clone, Copy)]
enum Call {
    RunTask,
    SetDesiredCapacity,
    PutMetricData,
    PutObject,
}

impl Call {
    const ALL: [Call; 4] =
        [Call::RunTask, Call::SetDesiredCapacity, Call::PutMetricData, Call::PutObject];

    fn name(self) -> String {
        format!("{self:?}")
    }

    /// Each has an effect of its own, by this number.
    async fn send(self, cloud: &Cloud, number: u32, at: Millis) -> Result<(), CloudError> {
        match self {
            Call::RunTask => {
                cloud.run_task(&request(&number.to_string(), "a")).await.map(|started| {
                    assert_eq!(started.failures, []);
                })
            }
            Call::SetDesiredCapacity => cloud.set_desired(number).await,
            Call::PutMetricData => {
                let values = vec![(f64::from(number), 1.0)];
                let dimensions = Vec::new();
                let unit = Unit::Count;
                cloud.put_metrics("n", &[Datum { name: "M", dimensions, at, values, unit }]).await
            }
            Call::PutObject => {
                let body = Bytes::from(number.to_string());
                cloud.put_object("loadtop/r/wish.json", body, Condition::Always).await.map(drop)
            }
        }
    }

    /// How often it was done, or with which number last.
    async fn effect(self, cloud: &Cloud, at: Millis) -> u32 {
        match self {
            Call::RunTask => cloud.list_tasks(None).await.expect("listed").len() as u32,
            Call::SetDesiredCapacity => cloud.group().await.expect("described").desired,
            Call::PutMetricData => {
                let query = Query {
                    id: "m".to_owned(),
                    name: "M",
                    dimensions: Vec::new(),
                    stat: "Maximum".to_owned(),
                    period_s: 1,
                };
                let series = cloud.metrics("n", &[query], at, at + 1000).await.expect("read");
                series.get("m").map_or(0, |points| points[0].1 as u32)
            }
            Call::PutObject => {
                match cloud.get_object("loadtop/r/wish.json", None).await.expect("read").0 {
                    Fetched::New(object) => {
                        std::str::from_utf8(&object.body).expect("text").parse().expect("a number")
                    }
                    _ => 0,
                }
            }
        }
    }
}

#[tokio::test]
async fn each_fault_is_what_it_says_in_every_protocol() {
    let site = Site::start().await;
    let cloud = with_program(&site, "wait", &["/bin/cat"]).await;
    let faults = site.local.faults();
    let at = clock::Clock::new().now() / 1000 * 1000;
    let table = [
        (FaultKind::Throttle, ErrorKind::Throttled, false),
        (FaultKind::ErrorBefore, ErrorKind::Ambiguous, false),
        (FaultKind::ResetBefore, ErrorKind::Ambiguous, false),
        (FaultKind::ErrorAfter, ErrorKind::Ambiguous, true),
        (FaultKind::ResetAfter, ErrorKind::Ambiguous, true),
    ];
    for call in Call::ALL {
        let mut done = call.effect(&cloud, at).await;
        for (kind, seen_as, is_done) in table {
            faults.add(Fault::new(&call.name(), kind, Share::Times(1)));
            let error = call.send(&cloud, done + 1, at).await.expect_err("it fails");
            assert_eq!((error.call, error.kind), (&*call.name(), seen_as), "{kind}: {error}");
            done += u32::from(is_done);
            assert_eq!(call.effect(&cloud, at).await, done, "{call:?} {kind}");
        }
        call.send(&cloud, done + 1, at).await.expect("none is left");
        assert_eq!(call.effect(&cloud, at).await, done + 1);
    }
    assert_eq!(cloud.calls()["throttled"], 4);
    let struck = faults.struck();
    assert_eq!((struck["RunTask:throttle"], struck["PutObject:reset-after"]), (1, 1));
    assert_eq!(struck.values().sum::<u64>(), 20);
    site.local.shutdown().await;
}

#[tokio::test]
async fn throttling_has_each_services_own_code() {
    let site = Site::start().await;
    let cloud = with_program(&site, "wait", &["/bin/cat"]).await;
    site.local.faults().add("*:throttle:4".parse().expect("a fault"));
    let at = clock::Clock::new().now();
    let mut codes = Vec::new();
    for call in Call::ALL {
        let error = call.send(&cloud, 1, at).await.expect_err("throttled");
        codes.push(error.code.unwrap_or_default());
    }
    assert_eq!(codes, ["ThrottlingException", "Throttling", "Throttling", "SlowDown"]);
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_fault_can_be_about_some_objects_only() {
    let site = Site::start().await;
    let faults = site.local.faults();
    faults.add("PutObject@wish.json:reset-after:100%".parse().expect("a fault"));
    let put =
        |key: &'static str, condition| site.cloud.put_object(key, Bytes::from("x"), condition);
    put("r/leader.json", Condition::Absent).await.expect("not struck");
    let error = put("r/wish.json", Condition::Absent).await.expect_err("struck");
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    // The first write was done: nobody learned, but a second one fails on it.
    faults.clear();
    let error = put("r/wish.json", Condition::Absent).await.expect_err("it is there");
    assert_eq!(error.kind, ErrorKind::Precondition);
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_slow_answer_comes_late_but_comes() {
    let site = Site::start().await;
    let late = Duration::from_millis(300);
    site.local.faults().add(Fault::new("DescribeClusters", FaultKind::Slow(late), Share::Times(1)));
    let asked = Instant::now();
    site.cloud.cluster().await.expect("answered");
    assert!(asked.elapsed() >= late);
    site.local.shutdown().await;
}

/// Whoever gives up waiting knows nothing: here it was done.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_slow_is_ambiguous() {
    let world = World::new(1, |_| {});
    let (cloud, _) = world.client();
    let faults = world.local.faults();
    faults.add("PutObject:slow=30s:1".parse().expect("a fault"));
    faults.add("PutObject:reset-before:1".parse().expect("a fault"));
    let put = || cloud.put_object("k", Bytes::from("x"), Condition::Absent);
    assert_eq!(put().await.expect_err("too slow").kind, ErrorKind::Ambiguous);
    assert_eq!(put().await.expect_err("cut off").kind, ErrorKind::Ambiguous);
    assert_eq!(put().await.expect_err("there").kind, ErrorKind::Precondition);
}

#[tokio::test]
async fn a_task_can_be_lost() {
    let site = Site::start().await;
    let cloud = with_program(&site, "wait", &["/bin/cat"]).await;
    let arn = cloud.run_task(&request("a", "a")).await.expect("started").tasks[0].arn.clone();
    eventually("a process to lose", || async { site.local.lose_task(&arn).then_some(()) }).await;
    let ended = eventually("its end", || async {
        let seen = cloud.describe_tasks(std::slice::from_ref(&arn)).await.expect("described");
        seen.into_iter().find(|task| task.last_status == "STOPPED")
    })
    .await;
    assert_eq!(ended.exit_code, Some(137));
    assert!(!site.local.lose_task(&arn));
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_machine_can_be_lost() {
    let site = Site::start().await;
    let cloud = with_program(&site, "wait", &["/bin/cat"]).await;
    let arn = cloud.run_task(&request("a", "a")).await.expect("started").tasks[0].arn.clone();
    let seen = || async {
        cloud.describe_tasks(std::slice::from_ref(&arn)).await.expect("described").remove(0)
    };
    eventually("it runs", || async { (seen().await.last_status == "RUNNING").then_some(()) }).await;
    let machine = cloud.group().await.expect("described").machines[0].0.clone();
    assert!(site.local.lose_instance(&machine));
    assert!(!cloud.container_instances().await.expect("described")[0].connected);
    assert_eq!(seen().await.last_status, "RUNNING", "as far as anybody knows");
    let full = cloud.run_task(&request("b", "b")).await.expect("answered");
    assert_eq!((full.tasks, full.failures[0].reason.as_str()), (Vec::new(), "AGENT"));
    let ended = eventually("its end", || async {
        Some(seen().await).filter(|task| task.last_status == "STOPPED")
    })
    .await;
    assert_eq!(ended.stopped_reason, Some(format!("Host EC2 (instance {machine}) terminated.")));
    eventually("another machine", || async {
        let instances = cloud.container_instances().await.expect("described");
        instances.iter().any(|it| it.connected && it.machine_id != machine).then_some(())
    })
    .await;
    site.local.shutdown().await;
}
