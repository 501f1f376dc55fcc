//! `loadtop local`: a cloud of its own, for whoever has what it prints.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::channel,
    thread,
};

use loadtop::cloud::{Cloud, Endpoint, Names, types::TaskRequest};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    DEADLINE, House, eventually,
    processes::{self, Process},
};

/// What it exports, in this order.
const EXPORTS: [&str; 8] = [
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "LOADTOP_CLUSTER",
    "LOADTOP_GROUP",
    "LOADTOP_BUCKET",
];

/// A cloud in a process of its own.
struct Local {
    child: Child,
    exports: Vec<(String, String)>,
}

impl Local {
    /// Until it has said where it is.
    fn start(house: &House) -> Self {
        let mut child = house
            .command(&["local"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, told) = channel();
        thread::spawn(move || lines.map_while(Result::ok).all(|line| say.send(line).is_ok()));
        let export = |_: &str| {
            let line = told.recv_timeout(DEADLINE).expect("a line in time");
            let export = line.strip_prefix("export ").and_then(|it| it.split_once('='));
            let (name, value) = export.unwrap_or_else(|| panic!("no export: {line}"));
            (name.to_owned(), value.to_owned())
        };
        let exports = EXPORTS.into_iter().map(export).collect();
        Local { child, exports }
    }

    fn cloud(&self) -> Cloud {
        let exports: BTreeMap<_, _> = self.exports.iter().cloned().collect();
        let value = |name: &str| exports[name].clone();
        let endpoint = Endpoint {
            url: value("AWS_ENDPOINT_URL"),
            region: value("AWS_REGION"),
            access_key: value("AWS_ACCESS_KEY_ID"),
            secret_key: value("AWS_SECRET_ACCESS_KEY"),
        };
        let names = Names {
            cluster: value("LOADTOP_CLUSTER"),
            group: value("LOADTOP_GROUP"),
            bucket: value("LOADTOP_BUCKET"),
            task_definition: "loadtop-agent".to_owned(),
            container: "agent".to_owned(),
        };
        Cloud::connect(&endpoint, names)
    }

    /// Runs an agent, which waits for a wish that nobody writes.
    fn run_agent(&self) -> Vec<Process> {
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
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let cloud = self.cloud();
        let started = runtime.block_on(cloud.run_task(&request)).unwrap();
        assert_eq!((started.tasks.len(), started.failures), (1, vec![]));
        let arns = [started.tasks[0].arn.clone()];
        eventually("the task runs", || {
            let tasks = runtime.block_on(cloud.describe_tasks(&arns)).unwrap();
            assert_ne!(tasks[0].last_status, "STOPPED", "{tasks:?}");
            tasks[0].last_status == "RUNNING"
        });
        let family = processes::below(self.child.id());
        assert_eq!(processes::named(&family, "agent").len(), 1);
        family
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end: its exit code, if it was not killed.
    fn exit_code(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|it| it.code())
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    let family = local.run_agent();
    local.signal(Signal::TERM);
    assert_eq!(local.exit_code(), Some(0));
    // Before it ends, not some time after.
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
}

#[test]
fn killed_for_good_it_leaves_no_process() {
    let house = House::new();
    let mut local = Local::start(&house);
    let family = local.run_agent();
    local.signal(Signal::KILL);
    assert_eq!(local.exit_code(), None);
    assert_all_gone(&family);
}
