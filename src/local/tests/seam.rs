//! What the cloud seam makes of the answers.

use super::{Site, eventually};
use crate::cloud::{
    Cloud, ErrorKind, Names,
    types::{ClusterSeen, TaskRequest},
};

pub(super) fn request(token: &str, name: &str) -> TaskRequest {
    TaskRequest {
        client_token: token.to_owned(),
        started_by: "run-1".to_owned(),
        environment: vec![("LOADTOP_TASK".to_owned(), name.to_owned())],
        tags: vec![("loadtop:run".to_owned(), "run-1".to_owned())],
        ..TaskRequest::default()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The same site, with a program in the place of the agent.
pub(super) async fn with_program(site: &Site, family: &str, command: &[&str]) -> Cloud {
    let command = words(command);
    let registered = site.cloud.register_program(family, "program", &command, 512, 512);
    let task_definition = registered.await.expect("registered");
    let container = "program".to_owned();
    site.cloud.with_names(Names { task_definition, container, ..site.local.names() })
}

#[tokio::test]
async fn a_registered_program_runs_under_the_name_it_is_given() {
    let site = Site::start().await;
    let cloud = with_program(&site, "mine", &["/bin/sh", "-c", "exit 5"]).await;
    assert_eq!(cloud.names().task_definition, "mine:1");
    let definition = cloud.task_definition().await.expect("described");
    assert_eq!((definition.cpu, definition.memory), (512, 512));
    let again = cloud.register_program("mine", "program", &words(&["/bin/true"]), 1, 4).await;
    assert_eq!(again.as_deref(), Ok("mine:2"));
    let started = cloud.run_task(&request("t", "slot-7")).await.expect("started");
    let arn = started.tasks[0].arn.clone();
    let ended = eventually("its end", || async {
        let seen = cloud.describe_tasks(std::slice::from_ref(&arn)).await.expect("described");
        seen.into_iter().find(|task| task.last_status == "STOPPED")
    })
    .await;
    assert_eq!(ended.exit_code, Some(5));
    assert_eq!(
        (ended.name.as_deref(), ended.started_by.as_deref()),
        (Some("slot-7"), Some("run-1"))
    );
    // Both count into the same book.
    assert_eq!(site.cloud.calls(), cloud.calls());
    assert_eq!(site.cloud.calls()["RunTask"], 1);
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_token_that_is_used_for_something_else_names_its_tasks() {
    let site = Site::start().await;
    let cloud = with_program(&site, "wait", &["/bin/cat"]).await;
    let first = cloud.run_task(&request("t", "a")).await.expect("started");
    let error = cloud.run_task(&request("t", "b")).await.expect_err("another request");
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(error.code.as_deref(), Some("ConflictException"));
    assert!(error.message.ends_with(&first.tasks[0].arn), "{}", error.message);
    // A request that was written down is the very same when it is read again.
    let written = serde_json::to_string(&request("t", "a")).expect("JSON");
    let read: TaskRequest = serde_json::from_str(&written).expect("a request");
    let again = cloud.run_task(&read).await.expect("known");
    assert_eq!(again.tasks[0].arn, first.tasks[0].arn);
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_cordoned_instance_keeps_its_tasks_and_gets_no_more() {
    let site = Site::start().await;
    let cloud = with_program(&site, "wait", &["/bin/cat"]).await;
    let counts = || async { cloud.cluster().await.expect("described") };
    assert_eq!(counts().await, ClusterSeen { registered: 1, running: 0, pending: 0 });
    cloud.run_task(&request("a", "a")).await.expect("started");
    let running = ClusterSeen { registered: 1, running: 1, pending: 0 };
    eventually("it runs", || async { (counts().await == running).then_some(()) }).await;
    let instance = || async {
        let mut instances = cloud.container_instances().await.expect("described");
        assert_eq!(instances.len(), 1, "the one that drains is there, too");
        instances.remove(0)
    };
    let arn = instance().await.arn;
    assert_eq!(instance().await.status, "ACTIVE");
    cloud.cordon(&arn, true).await.expect("draining");
    assert_eq!(instance().await.status, "DRAINING");
    let refused = cloud.run_task(&request("b", "b")).await.expect_err("no instance takes tasks");
    assert_eq!(refused.kind, ErrorKind::Refused);
    assert_eq!(counts().await, running, "what runs there goes on");
    cloud.cordon(&arn, false).await.expect("active");
    assert_eq!(instance().await.status, "ACTIVE");
    let started = cloud.run_task(&request("b", "b")).await.expect("started");
    assert_eq!(started.tasks[0].instance_arn.as_ref(), Some(&arn));
    let (cluster, _) = arn.rsplit_once('/').expect("it has an id");
    let nowhere = format!("{cluster}/{}", "0".repeat(32));
    let error = cloud.cordon(&nowhere, true).await.expect_err("unknown");
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("MISSING")));
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_place_is_an_endpoint_and_a_cluster() {
    let site = Site::start().await;
    let place = site.cloud.place();
    assert_eq!(place, format!("{} us-east-1 loadtop", site.local.endpoint().url));
    let names = Names { cluster: "other".to_owned(), ..site.local.names() };
    let other = site.cloud.with_names(names);
    assert_ne!(other.place(), place);
    let error = other.cluster().await.expect_err("there is none");
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::NotFound, Some("MISSING")));
    site.local.shutdown().await;
}
