//! `loadtop doctor` as it is used, and that the table of calls is whole: a life of runs
//! on a cloud that says what it was asked for.

use std::{
    collections::BTreeSet,
    process::{Child, Stdio},
};

use loadtop::{
    cloud::{
        Cloud,
        calls::{self, By, Call},
    },
    doctor::{Load, Subject, examine},
    local::{LocalCloud, Options},
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    House, LOADTOP, eventually,
    local::Local,
    stderr, stdout,
    target::{Manner, Target},
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_cloud_that_stays_is_examined() {
    let house = House::new();
    let local = Local::start_with(&house, &["--modelled"]);
    let fine = house.run_with(&["doctor"], &local.exports);
    let (table, words) = (stdout(&fine), stderr(&fine));
    assert_eq!(fine.status.code(), Some(0), "{table}{words}");
    for check in ["identity", "clock", "cluster", "group", "bucket", "permissions", "open files"] {
        assert!(table.contains(&format!("pass     {check}")), "{check}: {table}");
    }
    assert!(!table.contains('\u{1b}'), "colour without a terminal: {table}");
    assert!(words.contains("1000 devices in 4 tasks"), "{words}");
    let many = house.run_with(&["doctor", "-n", "100000", "--json"], &local.exports);
    assert_eq!(many.status.code(), Some(1), "{}", stderr(&many));
    let found = json(&stdout(&many));
    assert_eq!(found["verdict"], "fail");
    let checks = found["checks"].as_array().unwrap();
    let room = checks.iter().find(|it| it["check"] == "room").unwrap();
    assert_eq!(room["verdict"], "fail");
    assert!(room["todo"].as_str().unwrap().contains("--max-size 100"), "{room:#}");
    let elsewhere = house.run_with(&["doctor", "--group", "nobodys"], &local.exports);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(stdout(&elsewhere).contains("no Auto Scaling group named nobodys"));
}

#[test]
fn what_the_cloud_denies_is_named_before_it_hurts() {
    let house = House::new();
    let local = Local::start_with(&house, &["--modelled", "--deny", "ecs:StopTask"]);
    let denied = house.run_with(&["doctor"], &local.exports);
    assert_eq!(denied.status.code(), Some(1), "{}", stdout(&denied));
    assert!(stdout(&denied).contains("loadtop may not: ecs:StopTask"), "{}", stdout(&denied));
    let unknown = house.run(&["local", "--deny", "ecs:StopTsk"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("ecs:StopTask"), "{}", stderr(&unknown));
}

#[test]
fn without_a_cluster_this_machine_is_examined() {
    let house = House::new();
    let here = house.run(&["doctor", "-n", "10", "--json"]);
    assert_eq!(here.status.code(), Some(0), "{}", stdout(&here));
    let found = json(&stdout(&here));
    let checks: Vec<_> =
        found["checks"].as_array().unwrap().iter().map(|it| &it["check"]).collect();
    assert_eq!(checks, ["open files", "ports"]);
    assert!(stderr(&here).contains("local cloud"), "{}", stderr(&here));
    let plan = house.run(&["doctor", "plan.yml"]);
    assert_eq!(plan.status.code(), Some(2));
    assert!(stderr(&plan).contains("say --devices"), "{}", stderr(&plan));
}

#[test]
fn policies_are_printed_with_what_is_known_filled_in() {
    let house = House::new();
    let both = json(&stdout(&house.run(&["doctor", "--policy"])));
    let names: Vec<&String> = both.as_object().unwrap().keys().collect();
    assert_eq!(names, ["operator", "task"]);
    assert_eq!(both["task"]["Version"], "2012-10-17");
    let local = Local::start_with(&house, &["--modelled"]);
    let task = house.run_with(&["doctor", "--policy", "task"], &local.exports);
    let task = json(&stdout(&task));
    let statements = task["Statement"].as_array().unwrap();
    let objects = statements.iter().find(|it| it["Sid"] == "Objects").unwrap();
    assert_eq!(objects["Resource"], json!(["arn:aws:s3:::loadtop/loadtop/*"]));
    let operator = house.run_with(&["doctor", "--policy", "operator"], &local.exports);
    let text = stdout(&operator);
    assert!(text.contains("arn:aws:ecs:us-east-1:000000000000:cluster/loadtop"), "{text}");
}

/// A cloud in this process, which says what it saw.
struct Watched {
    house: House,
    runtime: Runtime,
    local: LocalCloud,
    exports: Vec<(String, String)>,
}

impl Watched {
    fn new() -> Self {
        let house = House::new();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut options = Options::new(house.path(), LOADTOP.into());
        options.outlives_us = true;
        let local = runtime.block_on(LocalCloud::start(options)).unwrap();
        let (endpoint, names) = (local.endpoint(), local.names());
        // With the group as loadtop's own, its switch is called for, too.
        let file = house.path().join("loadtop.toml");
        let text = format!(
            "cluster = '{}'\nbucket = '{}'\n[capacity]\ngroup = '{}'\nown = true\n",
            names.cluster,
            names.bucket,
            names.group()
        );
        std::fs::write(&file, text).unwrap();
        let exports = [
            ("AWS_ENDPOINT_URL", endpoint.url.as_str()),
            ("AWS_REGION", &endpoint.region),
            ("AWS_ACCESS_KEY_ID", &endpoint.access_key),
            ("AWS_SECRET_ACCESS_KEY", &endpoint.secret_key),
            ("LOADTOP_CONFIG", file.to_str().unwrap()),
        ];
        let exports = exports.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Watched { house, runtime, local, exports: exports.into() }
    }

    fn verb(&self, arguments: &[&str]) -> String {
        let output = self.house.run_with(arguments, &self.exports);
        let said = format!("{arguments:?}: {}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{said}");
        stdout(&output)
    }

    /// A run that goes on until it is killed.
    fn begin(&self, target: &Target) -> Child {
        let arguments = ["run", "--headless", "--devices-per-task", "10", "-n", "20"];
        let rest = ["--ramp-up", "1s", "--hold-for", "10m", "--json", "--target", &target.url()];
        let mut command = self.house.command(&arguments);
        command.args(rest).envs(self.exports.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// The rows of the table that it was asked for; what is no row fails the test.
    fn rows(&self) -> BTreeSet<&'static str> {
        let row = |(service, operation): &(calls::Service, String)| {
            let is_it = |row: &&Call| row.service == *service && row.operation == operation;
            let row = calls::ALL.iter().find(is_it);
            row.unwrap_or_else(|| panic!("{operation} is no row of the table of calls")).operation
        };
        self.local.operations().keys().map(row).collect()
    }
}

fn of(wanted: impl Fn(By) -> bool) -> BTreeSet<&'static str> {
    calls::ALL.iter().filter(|row| wanted(row.by)).map(|row| row.operation).collect()
}

/// Rows that no call of this life comes to, each with its reason.
const NEVER: [&str; 2] = [
    // The cluster has no capacity provider of a group.
    "DescribeCapacityProviders",
    // The group's minimum is zero before its switch makes it so.
    "UpdateAutoScalingGroup",
];

#[test]
fn all_that_is_called_is_in_the_table_and_all_of_the_table_is_called() {
    let watched = Watched::new();
    let target = Target::start(Manner::Echo);
    let mut run = watched.begin(&target);
    let connected = || {
        let status = watched.verb(&["status", "--json"]);
        json(&status)["runs"][0]["tasks"]["running"] == 2
    };
    eventually("two tasks run", connected);
    watched.verb(&["add", "5", "--ramp-up", "0s", "--wait"]);
    watched.verb(&["pause"]);
    watched.verb(&["resume"]);
    watched.verb(&["remove", "5", "--wait"]);
    watched.verb(&["scale", "2", "--wait"]);
    // More tasks than fit on one instance: the one that goes has some.
    watched.verb(&["add", "40", "--ramp-up", "0s", "--wait"]);
    watched.verb(&["scale", "1", "--yes", "--wait"]);
    watched.verb(&["killall", "--yes"]);
    run.wait().unwrap();
    let program = ["run", "--headless", "--exec", "sleep 60", "-n", "1", "--hold-for", "1s"];
    watched.verb(&[&program[..], &["--ramp-up", "0s", "--target", &target.url()]].concat());
    let seen = watched.rows();
    let the_doctors = of(|by| by == By::Doctor);
    let only_the_doctors: Vec<_> = seen.intersection(&the_doctors).collect();
    assert!(only_the_doctors.is_empty(), "a run asked for {only_the_doctors:?}");
    let mut missing: BTreeSet<_> = of(|by| by != By::Doctor).difference(&seen).copied().collect();
    missing.retain(|operation| !NEVER.contains(operation));
    assert!(missing.is_empty(), "no run asked for {missing:?}");

    let mut names = watched.local.names();
    names.network.subnets = vec!["subnet-0000000a".to_owned()];
    names.network.security_groups = vec!["sg-00000000".to_owned()];
    let cloud = Cloud::connect(&watched.local.endpoint(), names);
    let subject = Subject::new(cloud, Load { devices: 10, per_task: 10 }, true);
    watched.runtime.block_on(examine(&subject));
    let seen = watched.rows();
    let mut missing: BTreeSet<_> = of(|_| true).difference(&seen).copied().collect();
    missing.retain(|operation| !NEVER.contains(operation));
    assert!(missing.is_empty(), "the doctor did not ask for {missing:?}");
    assert_eq!(watched.runtime.block_on(watched.local.shutdown()), 0);
}
