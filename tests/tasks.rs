//! What runs in the tasks: definitions that are there or are not, and runs without a
//! bucket.

use std::process::{Child, Output, Stdio};

use aws_sdk_ecs::types::ContainerDefinition;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{
    House, eventually,
    local::{Local, runtime},
    processes::{self, Process},
    screen::Screen,
    stderr, stdout,
};

/// A definition of somebody's own, and its container.
const MINE: [&str; 4] = ["--task-definition", "mine", "--container", "main"];

/// A cloud that stays, and those who use it from this house.
struct World {
    house: House,
    local: Local,
    exports: Vec<(String, String)>,
}

impl World {
    /// With a bucket, or without.
    fn new(has_bucket: bool) -> Self {
        let house = House::new();
        let local = Local::start(&house);
        let mut exports = local.exports.clone();
        if !has_bucket {
            exports.retain(|(name, _)| name != "LOADTOP_BUCKET");
            exports.push(("LOADTOP_BUCKET".to_owned(), String::new()));
        }
        World { house, local, exports }
    }

    /// Registers a program as the container `main` of the family `mine`.
    fn register(&self, script: &str) {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        let cloud = self.local.cloud();
        let registered = cloud.register_program("mine", "main", &command, 64, 64);
        assert_eq!(runtime().block_on(registered).as_deref(), Ok("mine:1"));
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.house.run_with(arguments, &self.exports)
    }

    /// A run without a screen of this many devices, to its end.
    fn headless(&self, arguments: &[&str]) -> Output {
        let words = ["run", "--headless", "--json", "-n", "2", "--ramp-up", "0", "--hold-for", "1"];
        self.run(&[&words[..], arguments].concat())
    }

    /// Why a run is refused before it begins.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.headless(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stdout(&output).is_empty(), "{}", stdout(&output));
        stderr(&output)
    }

    fn status(&self) -> Vec<Value> {
        let output = self.run(&["status", "--json"]);
        let status: Value = serde_json::from_str(&stdout(&output))
            .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
        status["runs"].as_array().unwrap().clone()
    }

    /// The processes below the cloud that run this.
    fn programs(&self, word: &str) -> Vec<Process> {
        let family = processes::below(self.local.pid());
        processes::named(&family, word).into_iter().cloned().collect()
    }
}

#[test]
fn what_cannot_run_is_refused_by_its_name_before_anything_begins() {
    let world = World::new(true);
    world.register("exec sleep 3081");
    let nothing = world.refused(&["--task-definition", "nothing", "--container", "main"]);
    assert!(nothing.contains("there is no task definition nothing"), "{nothing}");
    let revision = world.refused(&["--task-definition", "mine:9", "--container", "main"]);
    assert!(revision.contains("there is no task definition mine:9"), "{revision}");
    let container = world.refused(&["--task-definition", "mine", "--container", "app"]);
    assert!(container.contains("the container app is not in mine:1; it has main"), "{container}");
    let long = "D".repeat(9000);
    let long = world.refused(&[&MINE[..], &["--identity", &long]].concat());
    assert!(long.contains("at most 8192") && long.contains("DDD…"), "{long}");
    assert_eq!(world.status(), Vec::<Value>::new());
    assert!(world.programs("sleep 3081").is_empty());
}

#[test]
fn a_program_is_registered_once_and_each_other_one_too() {
    let world = World::new(true);
    for (program, revision) in [("sleep 3082", 1), ("sleep 3082", 1), ("sleep 3083", 2)] {
        let output = world.headless(&["--exec", program]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let ecs = world.local.ecs();
        let latest = ecs.describe_task_definition().task_definition("loadtop-exec").send();
        let latest = runtime().block_on(latest).unwrap();
        assert_eq!(latest.task_definition().unwrap().revision(), revision);
    }
    // A run is of a revision, not of a family that may become another one.
    let runs = world.house.path().join("loadtop/runs");
    let folders = std::fs::read_dir(runs).unwrap().map(|it| it.unwrap().path().join("run.json"));
    let mut of: Vec<String> = folders
        .filter_map(|file| std::fs::read(file).ok())
        .map(|text| serde_json::from_slice::<Value>(&text).unwrap())
        .map(|run| run["definition"]["name"].as_str().unwrap().to_owned())
        .collect();
    of.sort_unstable();
    assert_eq!(of, ["loadtop-exec:1", "loadtop-exec:1", "loadtop-exec:2"]);
}

#[test]
fn a_task_is_told_the_stop_timeout_of_its_definition() {
    let world = World::new(true);
    let told = world.house.path().join("told");
    let script = format!("env > {}; exec sleep 3086", told.display());
    let container = ContainerDefinition::builder()
        .name("main")
        .image("none")
        .memory(64)
        .stop_timeout(7)
        .set_command(Some(["/bin/sh", "-c", &script].map(str::to_owned).into()))
        .build();
    let ecs = world.local.ecs();
    let call = ecs.register_task_definition().family("mine").container_definitions(container);
    runtime().block_on(call.send()).unwrap();
    let output = world.headless(&MINE);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = std::fs::read_to_string(told).unwrap();
    assert!(told.contains("LOADTOP_STOP_MS=7000\n"), "{told}");
}

#[test]
fn without_a_bucket_there_is_no_agent() {
    let world = World::new(false);
    let why = world.refused(&["--target", "tcp://127.0.0.1:9"]);
    assert!(why.contains("agent needs a bucket"), "{why}");
    assert_eq!(world.status(), Vec::<Value>::new());
}

/// A run without a screen that somebody else has to end.
fn begin(world: &World) -> Child {
    let words = ["-n", "3", "--ramp-up", "1s", "--hold-for", "1h"];
    let mut command = world.house.command(&["run", "--headless", "--json"]);
    command
        .args(MINE)
        .args(words)
        .envs(world.exports.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = command.spawn().unwrap();
    eventually("it is on", || {
        world.status().iter().any(|run| run["devices"]["live"] == 3 && run["tasks"]["running"] == 3)
    });
    run
}

#[test]
fn a_run_without_a_bucket_is_seen_and_ended_from_elsewhere() {
    let world = World::new(false);
    let told = world.house.path().join("told");
    world.register(&format!("env > {}; exec sleep 3084", told.display()));
    let run = begin(&world);
    assert_eq!(world.programs("sleep 3084").len(), 6, "three, each with its shim");
    let told = std::fs::read_to_string(told).unwrap();
    for word in ["LOADTOP_RUN=", "LOADTOP_TASK=", "UUID="] {
        assert!(told.contains(word), "{told}");
    }
    for word in ["LOADTOP_BUCKET", "LOADTOP_PREFIX"] {
        assert!(!told.contains(word), "{told}");
    }
    let killed = world.run(&["killall", "--yes", "--json"]);
    assert_eq!(killed.status.code(), Some(0), "{}", stderr(&killed));
    let output = run.wait_with_output().unwrap();
    let summary: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(summary["result"], "stopped", "{summary:#}");
    assert_eq!(summary["tasks"]["left_running"], 0, "{summary:#}");
    assert!(stderr(&output).contains("without a bucket nothing ends"), "{}", stderr(&output));
    assert!(world.programs("sleep 3084").is_empty());
    assert_eq!(world.status(), Vec::<Value>::new());
    // Nothing of it was in the cloud's own bucket.
    let objects = runtime().block_on(world.local.cloud().list_objects("")).unwrap();
    assert_eq!(objects, Vec::<String>::new());
}

#[test]
fn a_run_without_a_bucket_goes_on_after_a_kill_and_nothing_is_started_twice() {
    let world = World::new(false);
    world.register("exec sleep 3085");
    let mut run = begin(&world);
    let programs = world.programs("sleep 3085");
    kill_process(Pid::from_raw(run.id().cast_signed()).unwrap(), Signal::KILL).unwrap();
    run.wait().unwrap();
    let size = (120, 40);
    let mut screen = Screen::start_with(&world.house, &MINE, &world.exports, size);
    screen.until("what is wrong", |text| text.contains("without a bucket nothing ends"));
    eventually("it leads", || world.status()[0]["led_by"].is_string());
    let added = world.run(&["add", "2", "--ramp-up", "0", "--wait", "--json"]);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let now = world.programs("sleep 3085");
    assert_eq!(now.len(), 10, "two more, each with its shim");
    assert!(programs.iter().all(|it| now.contains(it)), "those that were there go on");
    let killed = world.run(&["killall", "--yes", "--json"]);
    assert_eq!(killed.status.code(), Some(0), "{}", stderr(&killed));
    let killed: Value = serde_json::from_str(&stdout(&killed)).unwrap();
    assert_eq!(killed["left"], json!([]), "{killed:#}");
    assert!(world.programs("sleep 3085").is_empty());
    screen.until("the end", |text| text.contains("ended"));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0, "{}", screen.text());
}
