//! What runs in the tasks: definitions that are there or are not, and runs without a
//! bucket.

use std::process::{Child, Output, Stdio};

use aws_sdk_ecs::types::{ContainerDefinition, TaskDefinitionField};
use serde_json::{Value, json};

use crate::support::{
    House, eventually,
    local::{Local, runtime},
    processes::{self, Process},
    screen::Screen,
    stderr, stdout,
    target::{Manner, Target},
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
        let mut world = World { exports: local.exports.clone(), house, local };
        if !has_bucket {
            world.configure("group = \"loadtop\"", "");
        }
        world
    }

    /// From now on all is done as a file says, with this capacity and what follows it.
    fn configure(&mut self, capacity: &str, more: &str) {
        let file = self.house.path().join("loadtop.toml");
        let text = format!("cluster = \"loadtop\"\n{more}\n[capacity]\n{capacity}\n");
        std::fs::write(&file, text).unwrap();
        self.exports.retain(|(name, _)| name.starts_with("AWS_"));
        self.exports.push(("LOADTOP_CONFIG".to_owned(), file.to_str().unwrap().to_owned()));
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
    assert!(why.contains("without one only an image of your own can run"), "{why}");
    assert_eq!(world.status(), Vec::<Value>::new());
}

/// A run without a screen that somebody else has to end; a test that fails ends it, too.
struct Run(Option<Child>);

impl Run {
    fn begin(world: &World) -> Self {
        let words = ["-n", "3", "--ramp-up", "1s", "--hold-for", "1h"];
        let mut command = world.house.command(&["run", "--headless", "--json"]);
        command
            .args(MINE)
            .args(words)
            .envs(world.exports.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let run = Run(Some(command.spawn().unwrap()));
        eventually("it is on", || {
            let is_up = |run: &Value| run["devices"]["live"] == 3 && run["tasks"]["running"] == 3;
            world.status().iter().any(is_up)
        });
        run
    }

    /// Until somebody has ended it.
    fn wait(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap()
    }

    /// As if its machine had lost its power.
    fn kill(mut self) {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_run_without_a_bucket_is_seen_and_ended_from_elsewhere() {
    let world = World::new(false);
    let told = world.house.path().join("told");
    world.register(&format!("env > {}; exec sleep 3084", told.display()));
    let run = Run::begin(&world);
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
    let output = run.wait();
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
    let run = Run::begin(&world);
    let programs = world.programs("sleep 3085");
    run.kill();
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

/// A bucket, and tasks that run an image with loadtop in it.
const IMAGE: &str = "bucket = \"loadtop\"\n[task]\nimage = \"loadtop:of-a-test\"\nagent = true\n\
                     family = \"fleet\"\ncpu = 512\nmemory = 1024\nstop-timeout = \"9s\"\n\
                     task-role = \"arn:aws:iam::123456789012:role/task\"\n\
                     [tags]\nteam = \"load\"\n";

#[test]
fn an_image_is_registered_once_for_each_capacity_and_its_agents_run() {
    let mut world = World::new(true);
    let target = Target::start(Manner::Echo);
    let group = "group = \"loadtop\"";
    let fargate = "fargate = \"on-demand\"\nsubnets = [\"subnet-1\"]";
    for (capacity, revision, network) in
        [(group, 1, "host"), (group, 1, "host"), (fargate, 2, "awsvpc"), (fargate, 2, "awsvpc")]
    {
        world.configure(capacity, IMAGE);
        let words = ["run", "--headless", "--json", "-n", "20", "--ramp-up", "0"];
        let load = ["--hold-for", "2s", "--target", &target.url()];
        let output = world.run(&[&words[..], &load].concat());
        let said = stderr(&output);
        let summary: Value =
            serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{said}"));
        assert_eq!(summary["result"], "passed", "{summary:#}\n{said}");
        assert_eq!(summary["devices"]["peak_connected"], 20, "{summary:#}");
        let ecs = world.local.ecs();
        let latest = ecs.describe_task_definition().task_definition("fleet");
        let latest = latest.include(TaskDefinitionField::Tags).send();
        let latest = runtime().block_on(latest).unwrap();
        let definition = latest.task_definition().unwrap();
        assert_eq!(definition.revision(), revision, "{capacity}");
        assert_eq!(definition.network_mode().unwrap().as_str(), network);
        let agent = &definition.container_definitions()[0];
        assert_eq!((agent.name(), agent.stop_timeout()), (Some("agent"), Some(9)));
        let tags: Vec<_> = latest.tags().iter().filter_map(|tag| tag.key()).collect();
        assert!(tags.contains(&"team") && tags.contains(&"loadtop:version"), "{tags:?}");
    }
}

#[test]
fn who_only_looks_registers_nothing() {
    let world = World::new(true);
    let size = (120, 40);
    let words = ["--readonly", "--exec", "sleep 3087"];
    let mut screen = Screen::start_with(&world.house, &words, &world.exports, size);
    screen.until("the dashboard", |text| text.contains("read-only") || text.contains("readonly"));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0, "{}", screen.text());
    let cloud = world.local.cloud();
    let there = runtime().block_on(cloud.describe_definition("loadtop-exec"));
    assert_eq!(there, Ok(None));
}
