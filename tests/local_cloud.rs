//! `loadtop local`: a cloud of its own, for whoever has what it prints.

use std::fs;

use aws_sdk_ecs::types::{ContainerDefinition, Task};
use loadtop::cloud::{ErrorKind, types::TaskRequest};
use rustix::process::Signal;

use crate::support::{
    House, eventually,
    local::{EXPORTS, Local, runtime},
    processes::{self, Process},
};

/// Runs an agent, which waits for a wish that nobody writes.
fn run_agent(local: &Local) -> Vec<Process> {
    let environment = [
        ("LOADTOP_RUN", "r"),
        ("LOADTOP_TASK", "t"),
        ("LOADTOP_FIRST_DEVICE", "0"),
        ("LOADTOP_DEVICES", "1"),
        ("LOADTOP_BUCKET", "loadtop"),
        ("LOADTOP_PREFIX", "loadtop/r/"),
    ];
    let request = TaskRequest {
        client_token: "t".to_owned(),
        started_by: "r".to_owned(),
        environment: environment.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
        tags: Vec::new(),
        ..TaskRequest::default()
    };
    let runtime = runtime();
    let cloud = local.cloud();
    let started = runtime.block_on(cloud.run_task(&request)).unwrap();
    assert_eq!((started.tasks.len(), started.failures), (1, vec![]));
    let arns = [started.tasks[0].arn.clone()];
    eventually("the task runs", || {
        let tasks = runtime.block_on(cloud.describe_tasks(&arns)).unwrap();
        assert_ne!(tasks[0].last_status, "STOPPED", "{tasks:?}");
        tasks[0].last_status == "RUNNING"
    });
    let family = processes::below(local.pid());
    assert_eq!(processes::named(&family, "agent").len(), 1);
    family
}

fn assert_all_gone(family: &[Process]) {
    eventually("every process is gone", || family.iter().all(|it| !it.is_alive()));
}

#[test]
fn it_prints_what_to_export_and_ends_its_tasks_when_told() {
    let house = House::new();
    let mut local = Local::start(&house);
    let names: Vec<_> = local.exports.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, EXPORTS);
    // What a shell would take apart is not in them.
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/._-+=".contains(c);
    for (name, value) in &local.exports {
        assert!(!value.is_empty() && value.chars().all(plain), "{name}={value}");
    }
    assert!(local.exports[0].1.starts_with("http://127.0.0.1:"), "{}", local.exports[0].1);
    let family = run_agent(&local);
    local.signal(Signal::TERM);
    assert_eq!(local.exit_code(), Some(0));
    // Before it ends, not some time after.
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
}

#[test]
fn killed_for_good_it_leaves_no_process() {
    let house = House::new();
    let mut local = Local::start(&house);
    let family = run_agent(&local);
    local.signal(Signal::KILL);
    assert_eq!(local.exit_code(), None);
    assert_all_gone(&family);
}

/// A program that does not want to end, with a child, a grandchild that has lost its
/// parent, and one that has also left for a session of its own.
const STUBBORN: &str = "trap '' TERM; echo begun; sleep 1001 & sh -c 'sleep 1002 &'; \
                        sh -c 'setsid sleep 1003 &'; while :; do sleep 1004; done";

/// Registers and runs a task of any program; `seconds` are what it gets to stop in.
fn run_any(local: &Local, command: &[&str], seconds: i32) -> String {
    let command = command.iter().map(|&word| word.to_owned()).collect();
    let container = ContainerDefinition::builder()
        .name("device")
        .image("any")
        .memory(64)
        .stop_timeout(seconds)
        .set_command(Some(command))
        .build();
    let ecs = local.ecs();
    runtime().block_on(async {
        let call = ecs.register_task_definition().family("any");
        call.container_definitions(container).send().await.unwrap();
        let call = ecs.run_task().cluster("loadtop").task_definition("any");
        let answer = call.send().await.unwrap();
        answer.tasks()[0].task_arn().unwrap().to_owned()
    })
}

/// The stubborn one and all that it started, once all of it runs; the shim is first.
fn run_stubborn(local: &Local, seconds: i32) -> (String, Vec<Process>) {
    let arn = run_any(local, &["/bin/sh", "-c", STUBBORN], seconds);
    let mut family = Vec::new();
    eventually("a whole family", || {
        family = processes::below(local.pid());
        let runs = |word: &str| processes::named(&family, word).len() == 1;
        ["sleep 1001", "sleep 1002", "sleep 1003", "sleep 1004"].into_iter().all(runs)
    });
    assert!(family[0].command_line().contains("watchdog -- /bin/sh"), "{family:?}");
    (arn, family)
}

fn stopped(local: &Local, arn: &str) -> Task {
    let (ecs, runtime) = (local.ecs(), runtime());
    let mut seen = None;
    eventually("STOPPED", || {
        let call = ecs.describe_tasks().cluster("loadtop").tasks(arn).send();
        seen = runtime.block_on(call).unwrap().tasks().first().cloned();
        seen.as_ref().and_then(|task| task.last_status()) == Some("STOPPED")
    });
    seen.unwrap()
}

#[test]
fn any_program_ends_with_a_cloud_that_is_told_to_end() {
    let house = House::new();
    let mut local = Local::start(&house);
    let (_, family) = run_stubborn(&local, 30);
    local.signal(Signal::TERM);
    assert_eq!(local.exit_code(), Some(0));
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
}

#[test]
fn any_program_ends_with_a_cloud_that_is_killed() {
    let house = House::new();
    let mut local = Local::start(&house);
    let (_, family) = run_stubborn(&local, 30);
    local.signal(Signal::KILL);
    assert_eq!(local.exit_code(), None);
    assert_all_gone(&family);
}

#[test]
fn a_stopped_task_leaves_nothing_and_says_how_it_ended() {
    let house = House::new();
    let mut local = Local::start(&house);
    let (arn, family) = run_stubborn(&local, 2);
    let stop = |arn: &str| runtime().block_on(local.cloud().stop_task(arn, "enough")).unwrap();
    stop(&arn);
    let task = stopped(&local, &arn);
    assert_eq!(task.containers()[0].exit_code(), Some(137));
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
    // One that ends when it is asked, without a word of its own.
    let arn = run_any(&local, &["sleep", "1005"], 30);
    eventually("it runs", || {
        !processes::named(&processes::below(local.pid()), "sleep 1005").is_empty()
    });
    stop(&arn);
    assert_eq!(stopped(&local, &arn).containers()[0].exit_code(), Some(143));
    local.signal(Signal::TERM);
    assert_eq!(local.exit_code(), Some(0));
}

#[test]
fn a_program_has_its_own_environment_and_not_the_clouds_keys() {
    let house = House::new();
    let local = Local::start(&house);
    let arn = run_any(&local, &["env"], 2);
    assert_eq!(stopped(&local, &arn).containers()[0].exit_code(), Some(0));
    let log = house.path().join("loadtop/runs/none/tasks");
    let log = log.join(arn.rsplit('/').next().unwrap()).with_extension("log");
    let said = fs::read_to_string(log).unwrap();
    assert!(said.contains("PATH="), "{said}");
    assert!(!said.contains("AWS_") && !said.contains("LOADTOP"), "{said}");
    // What is not there is no task, and the reason says what it was.
    let arn = run_any(&local, &["no-such-program"], 2);
    let task = stopped(&local, &arn);
    assert_eq!(task.stop_code().map(|code| code.as_str()), Some("TaskFailedToStart"));
    let reason = task.containers()[0].reason().unwrap();
    assert!(reason.contains("no-such-program: not in its PATH"), "{reason}");
}

#[test]
fn it_can_be_larger_and_model_its_tasks() {
    let house = House::new();
    let options = ["--instances", "20", "--tasks-per-instance", "8", "--modelled"];
    let mut local = Local::start_with(&house, &options);
    let cloud = local.cloud();
    let seen = runtime().block_on(async {
        for task in 0..80 {
            let request = TaskRequest {
                client_token: format!("t{task}"),
                started_by: "r".to_owned(),
                environment: vec![("LOADTOP_RUN".to_owned(), "r".to_owned())],
                tags: Vec::new(),
                ..TaskRequest::default()
            };
            let started = cloud.run_task(&request).await.unwrap();
            assert_eq!(started.failures, []);
        }
        (cloud.container_instances().await.unwrap(), cloud.group().await.unwrap())
    });
    assert_eq!((seen.0.len(), seen.1.max), (20, 20));
    eventually("all run", || {
        let instances = runtime().block_on(cloud.container_instances()).unwrap();
        instances.iter().map(|it| it.running).sum::<u32>() == 80
    });
    assert_eq!(processes::below(local.pid()).len(), 0, "no process is one of them");
    local.signal(Signal::TERM);
    assert_eq!(local.exit_code(), Some(0));
}

#[test]
fn its_calls_fail_and_its_lists_lag_as_it_was_told() {
    let house = House::new();
    let options = ["--modelled", "--lag", "30s", "--fault", "StopTask:throttle:100%"];
    let local = Local::start_with(&house, &options);
    let cloud = local.cloud();
    runtime().block_on(async {
        let request = TaskRequest {
            client_token: "t".to_owned(),
            started_by: "r".to_owned(),
            environment: Vec::new(),
            tags: Vec::new(),
            ..TaskRequest::default()
        };
        let started = cloud.run_task(&request).await.unwrap();
        assert_eq!(cloud.list_tasks(Some("r")).await.unwrap(), Vec::<String>::new());
        let refused = cloud.stop_task(&started.tasks[0].arn, "test").await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Throttled);
    });
}
