//! `reap`: what nobody holds any more goes, and nothing else.

use std::{
    fs,
    process::{Child, Stdio},
};

use loadtop::{
    cloud::{
        Cloud, CloudError, ErrorKind, Names,
        types::{Condition, TaskRequest},
    },
    model::{
        capacity::{Capacity, Network},
        switch::{ACTION, Limits, Note, key},
    },
};
use serde_json::{Value, json};

use crate::support::{
    House, eventually_asking,
    local::{Local, runtime},
    stderr, stdout,
    target::{Manner, Target},
};

struct World {
    house: House,
    local: Local,
}

/// A process that does not outlive the test.
struct Headless(Child);

impl Headless {
    /// Ends it without a word.
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        self.kill();
    }
}

impl World {
    fn new() -> Self {
        let house = House::new();
        let local = Local::start(&house);
        World { house, local }
    }

    /// The same, with names from this file alone.
    fn with_file(file: &str) -> Self {
        let mut world = Self::new();
        let path = world.house.path().join("loadtop.toml");
        fs::write(&path, file).unwrap();
        world.local.exports.retain(|(name, _)| !name.starts_with("LOADTOP_"));
        let path = path.to_str().unwrap().to_owned();
        world.local.exports.push(("LOADTOP_CONFIG".to_owned(), path));
        world
    }

    fn cloud(&self) -> Cloud {
        let names = Names {
            cluster: "loadtop".to_owned(),
            capacity: Capacity::group("loadtop"),
            network: Network::default(),
            bucket: "loadtop".to_owned(),
            task_definition: "loadtop-agent".to_owned(),
            container: "agent".to_owned(),
            watchdog: None,
        };
        Cloud::connect(&self.local.endpoint(), names)
    }

    /// Makes a call over a connection of its own: one that waited unattended may be gone.
    /// AWS's buckets, which the verbs here empty, are waited for.
    fn ask<T>(&self, call: impl AsyncFn(Cloud) -> Result<T, CloudError>) -> T {
        let mut answer = None;
        eventually_asking("the call is not throttled", || {
            match runtime().block_on(call(self.cloud())) {
                Err(error) if error.kind == ErrorKind::Throttled => {}
                settled => answer = Some(settled.unwrap()),
            }
            answer.is_some()
        });
        answer.unwrap()
    }

    /// A verb's answer and exit code.
    fn verb(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.house.run_with(&[arguments, &["--json"]].concat(), &self.local.exports);
        let text = stdout(&output);
        let json = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}\n{}", stderr(&output)));
        (json, output.status.code().unwrap())
    }

    fn runs(&self) -> Vec<Value> {
        self.verb(&["status"]).0["runs"].as_array().unwrap().clone()
    }

    /// A run without a screen, in a process of its own; it has fifty devices.
    fn headless(&self, target: &Target, arguments: &[&str]) -> Headless {
        let before = self.runs().len();
        let url = target.url();
        let fixed =
            ["run", "--headless", "--json", "--target", &url, "-n", "50", "--ramp-up", "1s"];
        let child = self
            .house
            .command(&[&fixed[..], &["--hold-for", "1h"], arguments].concat())
            .envs(self.local.exports.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let child = Headless(child);
        eventually_asking("it is on", || {
            let runs = self.runs();
            runs.len() > before && runs.iter().all(|run| run["tasks"]["running"] == 1)
        });
        child
    }

    /// A task of a run that nobody knows, with this expiry.
    fn ghost(&self, name: &str, expires: &str) -> String {
        let variables = [
            ("LOADTOP_RUN", "ghost"),
            ("LOADTOP_TASK", name),
            ("LOADTOP_FIRST_DEVICE", "0"),
            ("LOADTOP_DEVICES", "1"),
            ("LOADTOP_BUCKET", "loadtop"),
            ("LOADTOP_PREFIX", "loadtop/ghost/"),
        ];
        let request = json!({
            "client_token": name, "started_by": "loadtop/ghost", "environment": variables,
            "tags": [["loadtop:expires", expires]],
        });
        let request: TaskRequest = serde_json::from_value(request).unwrap();
        let started = self.ask(async |cloud| cloud.run_task(&request).await);
        started.tasks[0].arn.clone()
    }

    fn statuses(&self, arns: &[String]) -> Vec<String> {
        let seen = self.ask(async |cloud| cloud.describe_tasks(arns).await);
        seen.into_iter().map(|task| task.last_status).collect()
    }
}

#[test]
fn where_nothing_is_left_there_is_nothing_to_reap() {
    let world = World::new();
    for arguments in [&["reap", "--dry-run"][..], &["reap", "--yes"]] {
        let (json, code) = world.verb(arguments);
        assert_eq!((&json["result"], code), (&json!("done"), 0), "{json:#}");
        assert_eq!((&json["runs"], &json["tasks"]), (&json!([]), &json!([])), "{json:#}");
    }
    let unasked = world.house.run_with(&["reap"], &world.local.exports);
    assert_eq!(unasked.status.code(), Some(2), "{}", stderr(&unasked));
    assert!(stderr(&unasked).contains("--dry-run to see which"), "{}", stderr(&unasked));
}

#[test]
fn what_a_killed_leader_left_is_reaped_and_a_run_that_is_held_is_not() {
    let world = World::new();
    let target = Target::start(Manner::Echo);
    let mut left = world.headless(&target, &["--lease", "30s"]);
    let lapsed = world.runs()[0]["run"].clone();
    let mut held = world.headless(&target, &[]);
    left.kill();
    let old = world.ghost("old", "2020-01-01T00:00:00Z");
    let new = world.ghost("new", "2120-01-01T00:00:00Z");
    let ghosts = [old.clone(), new.clone()];
    // A run that ended long ago could not put the group's minimum back.
    let note = Note {
        group: "loadtop".to_owned(),
        former: Some(Limits { min: 1, max: 10 }),
        at: 1000,
        claims: [("gone".to_owned(), 1000)].into(),
    };
    let body = serde_json::to_vec(&note).unwrap();
    world.ask(async |cloud| {
        let name = key(&cloud.place(), "loadtop");
        cloud.put_object(&name, body.clone().into(), Condition::Always).await
    });

    let mut found = Value::Null;
    eventually_asking("its lease has lapsed", || {
        let (json, code) = world.verb(&["reap", "--dry-run"]);
        assert_eq!((&json["result"], code), (&json!("found"), 1), "{json:#}");
        assert_eq!(json["tasks"], json!([old]), "{json:#}");
        found = json;
        found["runs"] != json!([])
    });
    assert_eq!(found["runs"], json!([{"run": lapsed, "state": "lapsed"}]), "{found:#}");
    assert_eq!((&found["spared"], &found["groups"]), (&json!([new]), &json!(["loadtop"])));
    assert_eq!(world.statuses(&ghosts), ["RUNNING", "RUNNING"], "nothing is stopped");
    assert_eq!(world.runs().len(), 2);

    let (reaped, code) = world.verb(&["reap", "--yes"]);
    assert_eq!((&reaped["result"], code), (&json!("done"), 0), "{reaped:#}");
    assert_eq!(reaped["runs"], json!([{"run": lapsed, "state": "ended"}]), "{reaped:#}");
    assert_eq!(world.statuses(&ghosts), ["STOPPED", "RUNNING"]);
    let runs = world.runs();
    assert_eq!((runs.len(), &runs[0]["tasks"]["running"]), (1, &json!(1)), "{runs:#?}");
    assert_ne!(runs[0]["run"], lapsed);
    assert_eq!(world.ask(async |cloud| cloud.group().await).min, 1);
    let (again, code) = world.verb(&["reap", "--yes"]);
    assert_eq!((&again["result"], code), (&json!("done"), 0), "{again:#}");
    assert_eq!(again["runs"], json!([]));

    assert_eq!(world.verb(&["killall", "--yes"]).1, 0);
    held.0.wait().unwrap();
}

/// The group of the file is loadtop's own: when its run is left, its instances go, too.
/// A region that cannot be looked into is named, and holds nothing up.
#[test]
fn the_instances_of_a_run_that_was_left_go_and_their_minimum_comes_back() {
    let world = World::with_file(
        "cluster = \"loadtop\"\nbucket = \"loadtop\"\nregions = [\"eu-west-1\"]\n\
         [capacity]\ngroup = \"loadtop\"\nown = true\n\
         [task]\ndefinition = \"loadtop-agent\"\ncontainer = \"agent\"\nagent = true\n",
    );
    let target = Target::start(Manner::Echo);
    world.ask(async |cloud| cloud.set_limits(1, 10).await);
    let mut left = world.headless(&target, &["--lease", "30s"]);
    let set = world.ask(async |cloud| cloud.scheduled(ACTION).await);
    assert!(set.is_some());
    left.kill();
    eventually_asking("its instances have gone", || {
        let group = world.ask(async |cloud| cloud.group().await);
        (group.min, group.desired, group.machines.len()) == (0, 0, 0)
    });
    let (reaped, code) = world.verb(&["reap", "--yes"]);
    assert_eq!((&reaped["runs"][0]["state"], code), (&json!("ended"), 1), "{reaped:#}");
    let unseen = reaped["left"].as_array().unwrap();
    assert_eq!(unseen.len(), 1, "{reaped:#}");
    assert!(unseen[0].as_str().unwrap().contains("eu-west-1 loadtop cannot be looked into"));
    assert_eq!(world.runs(), Vec::<Value>::new());
    let group = world.ask(async |cloud| cloud.group().await);
    assert_eq!((group.min, group.max), (1, 10));
}
