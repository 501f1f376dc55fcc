//! Tasks, from RunTask to STOPPED.

use std::fs;

use super::sdk::ecs::{
    error::ProvideErrorMetadata,
    types::{
        ContainerDefinition, ContainerInstanceStatus, ContainerOverride, DesiredStatus,
        KeyValuePair, Task, TaskOverride,
    },
};

use super::{Site, eventually};

const CLUSTER: &str = "loadtop";

/// Runs a shell script until standard input ends, unless it ends before.
async fn register(site: &Site, family: &str, script: &str) {
    let container = ContainerDefinition::builder()
        .name("sh")
        .image("none")
        .cpu(512)
        .memory(512)
        .stop_timeout(2)
        .set_command(Some(["/bin/sh", "-c", script].map(str::to_owned).to_vec()))
        .environment(KeyValuePair::builder().name("GREETING").value("hello").build())
        .build();
    let call = site.ecs.register_task_definition().family(family).container_definitions(container);
    let answer = call.send().await.expect("registered");
    assert_eq!(answer.task_definition().expect("there").revision(), 1);
}

async fn run(site: &Site, family: &str) -> String {
    let call = site.ecs.run_task().cluster(CLUSTER).task_definition(family).started_by("run-1");
    let answer = call.send().await.expect("run");
    assert_eq!(answer.failures(), []);
    answer.tasks()[0].task_arn().expect("has one").to_owned()
}

async fn describe(site: &Site, arn: &str) -> Task {
    let answer = site.ecs.describe_tasks().cluster(CLUSTER).tasks(arn).send().await.expect("told");
    answer.tasks()[0].clone()
}

async fn reached(site: &Site, arn: &str, status: &str) -> Task {
    eventually(status, || async {
        let task = describe(site, arn).await;
        (task.last_status() == Some(status)).then_some(task)
    })
    .await
}

#[tokio::test]
async fn a_task_runs_with_its_environment_and_nothing_else() {
    let site = Site::start().await;
    register(&site, "echo", "env; echo $GREETING $WHO; exit 3").await;
    let overrides = ContainerOverride::builder()
        .name("sh")
        .environment(KeyValuePair::builder().name("WHO").value("world").build())
        .environment(KeyValuePair::builder().name("LOADTOP_RUN").value("run-1").build())
        .environment(KeyValuePair::builder().name("LOADTOP_TASK").value("../t").build())
        .build();
    let call = site.ecs.run_task().cluster(CLUSTER).task_definition("echo");
    let call = call.overrides(TaskOverride::builder().container_overrides(overrides).build());
    let arn = call.send().await.expect("run").tasks()[0].task_arn().expect("has one").to_owned();
    let task = reached(&site, &arn, "STOPPED").await;
    assert_eq!(task.containers()[0].exit_code(), Some(3));
    assert_eq!(task.stop_code().map(|code| code.as_str()), Some("EssentialContainerExited"));
    assert!(task.started_at() <= task.stopped_at() && task.started_at().is_some());
    // A task's own name for itself must be no way out of the folder.
    let id = arn.rsplit('/').next().expect("an id");
    let log = site.logs().join("runs/run-1/tasks").join(id).with_extension("log");
    let said = fs::read_to_string(log).expect("a log");
    assert!(said.contains("hello world\n"), "{said}");
    assert!(said.contains("LOADTOP_LIFELINE=stdin\n"), "{said}");
    assert!(said.contains(&format!("AWS_ENDPOINT_URL={}\n", site.local.endpoint().url)), "{said}");
    assert!(!said.contains("CARGO"), "{said}");
    site.local.shutdown().await;
}

#[tokio::test]
async fn stop_task_terminates_and_then_kills() {
    let site = Site::start().await;
    register(&site, "polite", "trap 'exit 7' TERM; echo ready; sleep 1000 & wait").await;
    register(&site, "stubborn", "trap '' TERM; echo ready; while :; do cat; sleep 1; done").await;
    let (polite, stubborn) = (run(&site, "polite").await, run(&site, "stubborn").await);
    for arn in [&polite, &stubborn] {
        reached(&site, arn, "RUNNING").await;
    }
    // RUNNING says that the process is there, not that its trap is.
    for arn in [&polite, &stubborn] {
        let id = arn.rsplit('/').next().expect("an id");
        let log = site.logs().join("runs/none/tasks").join(id).with_extension("log");
        let said = || async { fs::read_to_string(&log).ok().filter(|log| !log.is_empty()) };
        eventually("the trap", said).await;
    }
    for arn in [&polite, &stubborn] {
        let call = site.ecs.stop_task().cluster(CLUSTER).task(arn).reason("enough");
        let task = call.send().await.expect("told").task().cloned().expect("there");
        assert_eq!(task.desired_status(), Some("STOPPED"));
    }
    let listed = site.ecs.list_tasks().cluster(CLUSTER).send().await.expect("listed");
    assert!(listed.task_arns().is_empty());
    let killed = reached(&site, &stubborn, "STOPPED").await;
    assert_eq!(killed.containers()[0].exit_code(), Some(137));
    assert_eq!(killed.stopped_reason(), Some("enough"));
    let ended = reached(&site, &polite, "STOPPED").await;
    assert_eq!(ended.containers()[0].exit_code(), Some(7));
    let call = site.ecs.list_tasks().cluster(CLUSTER).desired_status(DesiredStatus::Stopped);
    assert_eq!(call.send().await.expect("listed").task_arns().len(), 2);
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_reason() {
    let site = Site::start().await;
    let container = ContainerOverride::builder().name("agent").command("/no/such/program").build();
    let call = site.ecs.run_task().cluster(CLUSTER).task_definition("loadtop-agent:1");
    let call = call.overrides(TaskOverride::builder().container_overrides(container).build());
    let arn = call.send().await.expect("run").tasks()[0].task_arn().expect("has one").to_owned();
    let task = reached(&site, &arn, "STOPPED").await;
    assert_eq!(task.stop_code().map(|code| code.as_str()), Some("TaskFailedToStart"));
    let reason = task.containers()[0].reason().expect("a reason");
    assert!(reason.starts_with("CannotStartContainerError: /no/such/program"), "{reason}");
    assert_eq!(task.containers()[0].exit_code(), None);
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_full_cluster_says_what_is_missing_and_a_token_works_once() {
    let site = Site::start().await;
    register(&site, "wait", "cat").await;
    let call = || site.ecs.run_task().cluster(CLUSTER).task_definition("wait").client_token("t1");
    let first = call().count(3).send().await.expect("run");
    let again = call().count(3).send().await.expect("run");
    assert_eq!(first.tasks(), again.tasks());
    let changed = call().count(2).send().await.expect_err("another request");
    assert_eq!(changed.code(), Some("ConflictException"));
    let conflict = changed.into_service_error();
    assert!(format!("{conflict:?}").contains(first.tasks()[0].task_arn().expect("has one")));
    run(&site, "wait").await;
    let call = site.ecs.run_task().cluster(CLUSTER).task_definition("wait");
    let full = call.send().await.expect("failures are no error");
    assert!(full.tasks().is_empty());
    assert_eq!(full.failures()[0].reason(), Some("RESOURCE:CPU"));
    let call = site.ecs.list_tasks().cluster(CLUSTER).started_by("run-1");
    assert_eq!(call.send().await.expect("listed").task_arns().len(), 1);
    site.local.shutdown().await;
}

#[tokio::test]
async fn clusters_definitions_and_instances_are_described() {
    let site = Site::start().await;
    let ecs = &site.ecs;
    let clusters = ecs.list_clusters().send().await.expect("listed");
    assert!(clusters.cluster_arns()[0].ends_with(":cluster/loadtop"));
    let call = ecs.describe_clusters().clusters(CLUSTER).clusters("other");
    let clusters = call.send().await.expect("described");
    assert_eq!(clusters.clusters()[0].registered_container_instances_count(), 1);
    assert_eq!(clusters.failures()[0].reason(), Some("MISSING"));
    let definition = site.cloud.task_definition().await.expect("described");
    assert_eq!((definition.cpu, definition.memory), (512, 512));
    assert_eq!(definition.containers, ["agent"]);
    let instances = site.cloud.container_instances().await.expect("described");
    assert_eq!((instances[0].cpu_left, instances[0].running), (2048, 0));
    assert_eq!((instances[0].cpu_all, instances[0].memory_all), (2048, 2048));
    assert_eq!(instances[0].kind.as_deref(), Some("local.large"));
    assert_eq!(instances[0].zone.as_deref(), Some("us-east-1a"));
    assert!(instances[0].registered_at.is_some());
    let call = ecs.update_container_instances_state().cluster(CLUSTER);
    let call = call.container_instances(&instances[0].arn);
    let drained = call.status(ContainerInstanceStatus::Draining).send().await.expect("drained");
    assert_eq!(drained.container_instances()[0].status(), Some("DRAINING"));
    let call = ecs.run_task().cluster(CLUSTER).task_definition("loadtop-agent");
    let refused = call.send().await.expect_err("no instance takes tasks");
    assert_eq!(refused.code(), Some("InvalidParameterException"));
    let refused = ecs.list_tasks().send().await.expect_err("there is no default cluster");
    assert_eq!(refused.code(), Some("ClusterNotFoundException"));
    let refused = ecs.list_services().cluster(CLUSTER).send().await.expect_err("unknown");
    assert_eq!(refused.code(), Some("UnknownOperationException"));
    site.local.shutdown().await;
}
