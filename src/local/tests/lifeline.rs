//! No child outlives the cloud.

use std::{fs, path::Path};

use super::sdk::ecs::types::ContainerDefinition;

use super::{Site, eventually};

/// Starts a task that says the ids of its two processes, and reads them.
async fn two_processes(site: &Site, script: &str) -> [String; 2] {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let container = ContainerDefinition::builder().name("sh").image("none").memory(64);
    let container = container.set_command(Some(command)).build();
    let call = site.ecs.register_task_definition().family("two");
    call.container_definitions(container).send().await.expect("registered");
    let call = site.ecs.run_task().cluster("loadtop").task_definition("two");
    let task = call.send().await.expect("run").tasks()[0].clone();
    let id = task.task_arn().and_then(|arn| arn.rsplit('/').next()).expect("an id").to_owned();
    let log = site.logs().join("runs/none/tasks").join(id).with_extension("log");
    eventually("two process ids", || async {
        let log = fs::read_to_string(&log).ok()?;
        let mut words = log.split_whitespace().map(str::to_owned);
        Some([words.next()?, words.next()?])
    })
    .await
}

/// Runs, that is: a zombie that nobody reaps does not.
fn is_alive(process: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

async fn gone(processes: [String; 2]) {
    eventually("both processes gone", || async {
        (!processes.iter().any(|process| is_alive(process))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_shutdown_ends_the_whole_group() {
    let site = Site::start().await;
    let script = "trap '' TERM; sleep 1000 & echo $$ $!; wait";
    let processes = two_processes(&site, script).await;
    assert!(processes.iter().all(|process| is_alive(process)));
    assert_eq!(site.local.shutdown().await, 0, "nobody is left");
    gone(processes).await;
}

#[tokio::test]
async fn what_a_task_leaves_behind_ends_with_it() {
    let site = Site::start().await;
    let processes = two_processes(&site, "sleep 1000 & echo $$ $!; exit 0").await;
    gone(processes).await;
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_cloud_that_is_dropped_leaves_nothing() {
    let site = Site::start().await;
    let processes = two_processes(&site, "trap '' TERM; sleep 1000 & echo $$ $!; wait").await;
    drop(site.local);
    gone(processes).await;
}

#[test]
fn a_runtime_that_is_dropped_leaves_nothing() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let first = runtime();
    let (site, processes) = first.block_on(async {
        let site = Site::start().await;
        let script = "trap '' TERM; sleep 1000 & echo $$ $!; wait";
        let processes = two_processes(&site, script).await;
        (site, processes)
    });
    first.shutdown_background();
    runtime().block_on(gone(processes));
    drop(site);
}
