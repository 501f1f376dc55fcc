//! Runs on a cloud that stays, and the verbs that steer them from elsewhere.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Stdio},
};

use loadtop::cloud::types::TaskRequest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{
    House, eventually,
    local::{Local, runtime},
    processes::{self, Process},
    screen::Screen,
    stderr, stdout,
    target::{Manner, Target},
};

/// A cloud that stays, and a house on it.
struct World {
    house: House,
    local: Local,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    /// On a cloud that is as these words say.
    fn with(words: &[&str]) -> Self {
        let house = House::new();
        let local = Local::start_with(&house, words);
        World { house, local }
    }

    /// Starts an agent that waits for a wish which nobody writes.
    fn start_task(&self, by: &str) -> String {
        let variables = [
            ("LOADTOP_RUN", "ghost"),
            ("LOADTOP_TASK", "t"),
            ("LOADTOP_FIRST_DEVICE", "0"),
            ("LOADTOP_DEVICES", "1"),
            ("LOADTOP_BUCKET", "loadtop"),
            ("LOADTOP_PREFIX", "loadtop/ghost/"),
        ];
        let request = TaskRequest {
            client_token: by.replace('/', "-"),
            started_by: by.to_owned(),
            environment: variables.map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec(),
            tags: Vec::new(),
            ..TaskRequest::default()
        };
        let cloud = self.local.cloud();
        runtime().block_on(cloud.run_task(&request)).unwrap().tasks[0].arn.clone()
    }

    /// Runs a verb to its end: what it prints as JSON, and its exit code.
    fn verb(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.house.run_with(&[arguments, &["--json"]].concat(), &self.local.exports);
        let text = stdout(&output);
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}\n{}", stderr(&output)));
        (json, output.status.code().unwrap())
    }

    /// The same for one that must be done.
    fn done(&self, arguments: &[&str]) -> Value {
        let (json, code) = self.verb(arguments);
        assert_eq!((&json["result"], code), (&json!("done"), 0), "{arguments:?}: {json:#}");
        json
    }

    fn status(&self) -> Vec<Value> {
        let (json, code) = self.verb(&["status"]);
        assert_eq!(code, 0, "{json:#}");
        json["runs"].as_array().unwrap().clone()
    }

    fn dashboard(&self, arguments: &[&str]) -> Screen {
        Screen::start_with(&self.house, arguments, &self.local.exports, (120, 40))
    }

    /// The processes of all tasks.
    fn agents(&self) -> Vec<Process> {
        let family = processes::below(self.local.pid());
        processes::named(&family, "agent").into_iter().cloned().collect()
    }
}

fn connected(text: &str, devices: u32) -> bool {
    text.contains(&format!("{devices} of {devices} devices connected"))
}

fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// A dashboard with a hundred devices.
fn begin(world: &World, target: &Target) -> Screen {
    let mut screen = world.dashboard(&[&target.url(), "--ramp-up", "1s"]);
    screen.until("the empty dashboard", |text| text.contains("press + for 100 devices"));
    screen.press("+");
    screen.until("100 connected", |text| connected(text, 100));
    screen
}

/// Leaves a dashboard, and its fleet behind.
fn leave(screen: &mut Screen) -> String {
    screen.press("q");
    screen.until("the question", |text| text.contains("eave"));
    screen.press("l");
    assert_eq!(screen.exit_code(), 0, "{}", screen.text());
    screen.text()
}

#[test]
fn where_nothing_runs_verbs_say_so() {
    let world = World::new();
    assert_eq!(world.status(), Vec::<Value>::new());
    for verb in [&["add", "5"][..], &["remove", "5"], &["pause"], &["resume"]] {
        let (json, code) = world.verb(verb);
        assert_eq!((&json["result"], code), (&json!("no-run"), 1), "{json:#}");
        assert!(json["why"].as_str().unwrap().contains("begin one"), "{json:#}");
    }
    assert_eq!(world.done(&["killall", "--yes"])["runs"], json!([]));
    let exports = &world.local.exports;
    let unasked = world.house.run_with(&["killall"], exports);
    assert_eq!(unasked.status.code(), Some(2), "{}", stderr(&unasked));
    assert!(stderr(&unasked).contains("say --yes"), "{}", stderr(&unasked));
    let unknown = world.house.run_with(&["status", "--run", "nope"], exports);
    assert_eq!(unknown.status.code(), Some(1), "{}", stderr(&unknown));
    let table = world.house.run_with(&["status"], exports);
    assert!(stderr(&table).contains("no run is on"), "{}", stderr(&table));
}

#[test]
fn instances_are_scaled_without_a_run() {
    let world = World::new();
    let out = world.done(&["scale", "3", "--wait"]);
    assert_eq!(out["instances"]["registered"], 3, "{out:#}");
    let less = world.done(&["scale", "1", "--wait"]);
    assert_eq!(less["instances"]["registered"], 1, "{less:#}");
    let (beyond, code) = world.verb(&["scale", "99"]);
    assert_eq!((&beyond["result"], code), (&json!("refused"), 1), "{beyond:#}");
    assert!(beyond["why"].as_str().unwrap().contains("10"), "{beyond:#}");
}

#[test]
fn verbs_steer_the_run_of_a_dashboard() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let mut screen = begin(&world, &target);
    let added = world.done(&["add", "50", "--ramp-up", "1s", "--spread", "linear", "--wait"]);
    assert_eq!(added["devices"]["live"], 150, "{added:#}");
    assert!(added["led_by"].is_string(), "{added:#}");
    screen.until("150 connected", |text| connected(text, 150));
    let runs = world.status();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((&runs[0]["state"], &runs[0]["run"]), (&json!("running"), &added["run"]));
    assert_eq!(runs[0]["devices"]["live"], 150);
    assert!(runs[0]["lease_left_s"].as_f64().unwrap() > 200.0, "{runs:?}");
    assert_eq!(world.done(&["pause"])["state"], "paused");
    assert_eq!(world.status()[0]["state"], "paused");
    assert_eq!(world.done(&["resume"])["state"], "running");
    let removed = world.done(&["remove", "100", "--wait"]);
    assert_eq!(removed["devices"]["live"], 50, "{removed:#}");
    screen.until("50 connected", |text| connected(text, 50));
    let scaled = world.done(&["scale", "2", "--wait"]);
    assert_eq!(scaled["instances"]["registered"], 2, "{scaled:#}");
    let killed = world.done(&["killall", "--yes"]);
    assert_eq!(killed["runs"][0]["run"], added["run"], "{killed:#}");
    assert!(world.agents().is_empty());
    screen.until("the end", |text| text.contains("ended"));
    assert_eq!(world.status(), Vec::<Value>::new());
    screen.press("q");
    assert_eq!(screen.exit_code(), 0, "{}", screen.text());
}

#[test]
fn a_fleet_that_is_left_goes_on_and_is_joined_again() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let mut screen = begin(&world, &target);
    let agents = world.agents();
    assert_eq!(agents.len(), 1);
    let words = leave(&mut screen);
    assert!(words.contains("goes on at ECS at 127.0.0.1"), "{words}");
    assert!(words.contains("loadtop killall --run"), "{words}");
    let left = &world.status()[0];
    assert_eq!((&left["state"], &left["led_by"]), (&json!("running"), &Value::Null), "{left:#}");
    let output = world.house.run_with(&["add", "50", "--ramp-up", "1s"], &world.local.exports);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("nobody leads run"), "{}", stderr(&output));
    // Whoever joins needs no target, and adds nothing by itself.
    let mut again = world.dashboard(&["-n", "10"]);
    again.until("150 connected", |text| connected(text, 150));
    assert_eq!(world.agents(), agents, "the same process, and no other");
    again.press("q");
    again.until("the question", |text| text.contains("eave"));
    again.press("y");
    assert_eq!(again.exit_code(), 0, "{}", again.text());
    assert!(agents.iter().all(|it| !it.is_alive()));
    assert!(again.text().contains("no devices were added at the start"), "{}", again.text());
    assert_eq!(world.status(), Vec::<Value>::new());
}

#[test]
fn after_a_kill_the_run_is_found_and_nothing_is_started_twice() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let screen = begin(&world, &target);
    let agents = world.agents();
    kill(screen.pid(), Signal::KILL);
    let mut again = world.dashboard(&[&target.url()]);
    again.until("100 connected", |text| connected(text, 100));
    eventually("it leads", || world.status()[0]["led_by"].is_string());
    let added = world.done(&["add", "300", "--ramp-up", "1s", "--wait"]);
    assert_eq!(added["devices"]["live"], 400, "{added:#}");
    let now = world.agents();
    assert_eq!((now.len(), &now[0]), (2, &agents[0]), "one more task for more devices");
    assert_eq!(world.status().len(), 1);
    world.done(&["killall", "--yes"]);
    again.until("the end", |text| text.contains("ended"));
    again.press("q");
    assert_eq!(again.exit_code(), 0, "{}", again.text());
}

#[test]
fn killall_leads_where_nobody_does() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let screen = begin(&world, &target);
    kill(screen.pid(), Signal::KILL);
    let killed = world.done(&["killall", "--yes", "--scale-to-zero"]);
    assert_eq!(killed["runs"].as_array().unwrap().len(), 1, "{killed:#}");
    assert!(world.agents().is_empty());
    assert_eq!(world.status(), Vec::<Value>::new());
    let cloud = world.local.cloud();
    let group = runtime().block_on(cloud.group()).unwrap();
    assert_eq!((group.desired, group.machines.len()), (0, 0), "{group:?}");
}

#[test]
fn all_runs_and_tasks_of_no_run_go() {
    let world = World::new();
    let (ghost, foreign) = (world.start_task("loadtop/ghost"), world.start_task("somebody-else"));
    eventually("both run", || world.agents().len() == 2);
    assert_eq!(world.done(&["killall", "--yes"])["strays"], 0);
    let killed = world.done(&["killall", "--yes", "--all-runs"]);
    assert_eq!(killed["strays"], 1, "{killed:#}");
    let cloud = world.local.cloud();
    let seen = runtime().block_on(cloud.describe_tasks(&[ghost, foreign])).unwrap();
    let statuses: Vec<&str> = seen.iter().map(|task| task.last_status.as_str()).collect();
    assert_eq!(statuses, ["STOPPED", "RUNNING"]);
}

#[test]
fn what_does_not_end_is_named_with_the_command_that_ends_it() {
    let world = World::with(&["--fault", "StopTask:error-before:100%"]);
    let ghost = world.start_task("loadtop/ghost");
    let (killed, code) = world.verb(&["killall", "--yes", "--all-runs", "--wait", "2s"]);
    assert_eq!((&killed["result"], code), (&json!("left"), 1), "{killed:#}");
    assert!(killed["left"][0].as_str().unwrap().contains(&ghost), "{killed:#}");
    let command = format!("aws ecs stop-task --cluster loadtop --task {ghost}");
    assert_eq!(killed["commands"], json!([command]));
}

/// A run without a screen, in a process of its own.
fn headless(world: &World, arguments: &[&str]) -> Child {
    let mut command = world.house.command(&["run", "--headless", "--json"]);
    command
        .args(arguments)
        .envs(world.local.exports.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_run_without_a_screen_is_steered_and_leaves_nothing() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let arguments = ["--target", &target.url(), "-n", "50", "--ramp-up", "1s", "--hold-for", "6s"];
    let run = headless(&world, &arguments);
    eventually("it is on", || world.status().iter().any(|run| run["devices"]["live"] == 50));
    world.done(&["add", "20", "--ramp-up", "1s"]);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let summary: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(summary["devices"]["requested"], 70, "{summary:#}");
    assert_eq!(summary["tasks"]["left_running"], 0, "{summary:#}");
    assert!(world.agents().is_empty());
    assert_eq!(world.status(), Vec::<Value>::new());
}

#[test]
fn a_run_without_a_screen_ends_when_it_is_killed_from_elsewhere() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let arguments = ["--target", &target.url(), "-n", "50", "--ramp-up", "1s", "--hold-for", "1h"];
    let run = headless(&world, &arguments);
    eventually("it is on", || world.status().iter().any(|run| run["devices"]["live"] == 50));
    world.done(&["killall", "--yes", "--scale-to-zero"]);
    let output = run.wait_with_output().unwrap();
    let summary: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(summary["result"], "stopped", "{summary:#}");
    assert!(world.agents().is_empty());
    // Whoever led is gone with its run: who asked has seen to the instances.
    let cloud = world.local.cloud();
    let group = runtime().block_on(cloud.group()).unwrap();
    assert_eq!((group.desired, group.machines.len()), (0, 0), "{group:?}");
}

#[test]
fn any_program_is_a_device_with_an_id_of_its_own() {
    let house = House::new();
    let ids = house.path().join("ids");
    fs::create_dir(&ids).unwrap();
    let exec = format!("/bin/sh -c 'echo $$ > {}/$DEVICE; exec sleep 3071'", ids.display());
    let arguments = ["--identity", "DEVICE", "-n", "5", "--ramp-up", "1s", "--hold-for", "3s"];
    let output =
        house.run(&[&["run", "--headless", "--json", "--exec", &exec], &arguments[..]].concat());
    let said = stderr(&output);
    let summary: Value =
        serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(summary["tasks"]["started"], 5, "{summary:#}\n{said}");
    assert_eq!(summary["tasks"]["left_running"], 0, "{summary:#}\n{said}");
    let run = summary["run"].as_str().unwrap();
    let expected: BTreeSet<String> =
        (0..5).map(|index| loadtop::model::device::device_id(run, index).to_string()).collect();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(&ids).unwrap() {
        let entry = entry.unwrap();
        seen.insert(entry.file_name().into_string().unwrap());
        let pid = fs::read_to_string(entry.path()).unwrap();
        let line = fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
        assert!(!line.contains("3071"), "{pid} still runs");
    }
    assert_eq!(seen, expected, "{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
}
