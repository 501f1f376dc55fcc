//! `loadtop watchdog`: programs that it holds, and the wish that it follows.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant, SystemTime},
};

use loadtop::{
    cloud::types::Condition,
    model::{
        Millis,
        wish::{Batch, Spread, State, Wish},
    },
};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    DEADLINE, House, eventually,
    local::{Local, runtime},
    processes::{self, Process},
};

/// A watchdog, with or without a program.
struct Watchdog {
    child: Child,
    lines: Receiver<String>,
}

impl Watchdog {
    /// With a pipe that it hangs on, and these variables.
    fn start(house: &House, program: &[&str], environment: &[(&str, String)]) -> Self {
        let mut arguments = vec!["watchdog"];
        if !program.is_empty() {
            arguments.extend([&["--"], program].concat());
        }
        let mut child = house
            .command(&arguments)
            .env("LOADTOP_LIFELINE", "stdin")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, lines) = channel();
        thread::spawn(move || said.map_while(Result::ok).all(|line| say.send(line).is_ok()));
        Watchdog { child, lines }
    }

    /// Without any run.
    fn hold(house: &House, script: &str, stop_ms: u32) -> Self {
        let stop = ("LOADTOP_STOP_MS", stop_ms.to_string());
        Self::start(house, &["/bin/sh", "-c", script], &[stop])
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a line in time")
    }

    fn terminate(&self) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// All below it, once these run.
    fn family(&self, words: &[&str]) -> Vec<Process> {
        let mut family = Vec::new();
        eventually("a whole family", || {
            family = processes::below(self.child.id());
            words.iter().all(|word| processes::named(&family, word).len() == 1)
        });
        family
    }

    /// Waits for its end; none, if a signal ended it.
    fn exit_code(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|it| it.code())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Its lifeline breaks with it: what it holds is killed.
        drop(self.child.stdin.take());
        let deadline = Instant::now() + DEADLINE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_program_that_ends_leaves_its_code_and_nothing_else() {
    let house = House::new();
    let script = "sleep 2001 & sh -c 'sleep 2002 &'; sh -c 'setsid sleep 2003 &'; read end; \
                  echo begun; sleep 2004; exit 7";
    let mut dog = Watchdog::hold(&house, script, 10_000);
    assert_eq!(dog.line(), "begun", "its standard input is empty, not the lifeline");
    let family = dog.family(&["sleep 2001", "sleep 2002", "sleep 2003", "sleep 2004"]);
    let last = processes::named(&family, "sleep 2004")[0].pid;
    kill_process(Pid::from_raw(last.cast_signed()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(dog.exit_code(), Some(7));
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
}

#[test]
fn a_program_is_asked_once_and_its_answer_counts() {
    let house = House::new();
    for (script, code) in [
        ("trap 'exit 9' TERM; echo begun; sleep 2011 & wait", 9),
        ("echo begun; exec sleep 2012", 143),
    ] {
        let mut dog = Watchdog::hold(&house, script, 10_000);
        assert_eq!(dog.line(), "begun");
        dog.terminate();
        assert_eq!(dog.exit_code(), Some(code), "{script}");
    }
    // Nobody asked this one.
    let mut dog = Watchdog::hold(&house, "kill -SEGV $$", 10_000);
    assert_eq!(dog.exit_code(), Some(139));
    let script = "trap 'echo asked' TERM; echo begun; while :; do sleep 0.05; done";
    let mut dog = Watchdog::hold(&house, script, 400);
    assert_eq!(dog.line(), "begun");
    dog.terminate();
    assert_eq!(dog.exit_code(), Some(137), "it was killed in the end");
    assert_eq!(dog.line(), "asked");
    dog.lines.recv_timeout(DEADLINE).expect_err("asked twice");
}

#[test]
fn a_broken_lifeline_kills_everything_at_once() {
    let house = House::new();
    let script = "trap '' TERM HUP INT; sh -c 'setsid sleep 2021 &'; echo begun; \
                  while :; do sleep 2022; done";
    let mut dog = Watchdog::hold(&house, script, 60_000);
    assert_eq!(dog.line(), "begun");
    let family = dog.family(&["sleep 2021", "sleep 2022"]);
    drop(dog.child.stdin.take());
    dog.exit_code();
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
    // Also while it waits for a program that was asked to end.
    let mut dog = Watchdog::hold(&house, script, 60_000);
    let family = dog.family(&["sleep 2021", "sleep 2022"]);
    dog.terminate();
    drop(dog.child.stdin.take());
    dog.exit_code();
    assert!(family.iter().all(|it| !it.is_alive()), "{family:?}");
}

#[test]
fn a_program_has_its_own_keys_and_not_the_clouds() {
    let house = House::new();
    let variables = [
        ("AWS_REGION", "the-clouds"),
        ("AWS_SECRET_ACCESS_KEY", "the-clouds"),
        ("LOADTOP_PROGRAM_AWS_REGION", "its-own"),
        ("UUID", "its-id"),
    ];
    let variables = variables.map(|(name, value)| (name, value.to_owned()));
    let mut dog = Watchdog::start(&house, &["env"], &variables);
    assert_eq!(dog.exit_code(), Some(0));
    let said: Vec<_> = dog.lines.iter().collect();
    for its in ["AWS_REGION=its-own", "UUID=its-id"] {
        assert!(said.iter().any(|line| line == its), "{said:?}");
    }
    for word in ["the-clouds", "LOADTOP_"] {
        assert!(!said.iter().any(|line| line.contains(word)), "{said:?}");
    }
}

#[test]
fn a_program_that_cannot_run_has_a_shells_code() {
    let house = House::new();
    for (program, code) in [("no-such-program", 127), ("/etc/passwd", 126)] {
        assert_eq!(Watchdog::start(&house, &[program], &[]).exit_code(), Some(code));
    }
    // A sidecar has nothing but its run.
    assert_eq!(Watchdog::start(&house, &[], &[]).exit_code(), Some(1));
}

/// A run with ten devices and one watchdog, on a cloud of its own.
struct Run {
    local: Local,
    wish: Wish,
}

impl Run {
    fn start(house: &House) -> Run {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as Millis;
        let mut wish = Wish::new("plan-1.json", now + 600_000);
        wish.poll_ms = 50;
        wish.batches.push(Batch {
            first: 0,
            count: 10,
            execution: 0,
            start_at: Some(now),
            over_ms: 0,
            spread: Spread::AtOnce,
            seed: 7,
        });
        wish.live.insert(0, 10);
        let run = Run { local: Local::start(house), wish };
        run.write();
        run
    }

    fn write(&self) {
        let body = serde_json::to_vec(&self.wish).unwrap().into();
        let cloud = self.local.cloud();
        let put = cloud.put_object("loadtop/r/wish.json", body, Condition::Always);
        runtime().block_on(put).unwrap();
    }

    fn edit(&mut self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish);
        self.wish.version += 1;
        self.write();
    }

    /// The watchdog of a device.
    fn watch(&self, house: &House, device: u32, program: &[&str]) -> Watchdog {
        let mut environment = vec![
            ("LOADTOP_RUN", "r".to_owned()),
            ("LOADTOP_TASK", format!("{device}-1")),
            ("LOADTOP_FIRST_DEVICE", device.to_string()),
            ("LOADTOP_DEVICES", "1".to_owned()),
            ("LOADTOP_PREFIX", "loadtop/r/".to_owned()),
            ("LOADTOP_STOP_MS", "10000".to_owned()),
        ];
        let exports = self.local.exports.iter();
        environment.extend(exports.map(|(name, value)| (name.as_str(), value.clone())));
        Watchdog::start(house, program, &environment)
    }
}

#[test]
fn the_wish_ends_programs_and_sidecars() {
    let house = House::new();
    let mut run = Run::start(&house);
    let say = ["/bin/sh", "-c", "echo begun; exec sleep 2031"];
    let mut removed = run.watch(&house, 9, &say);
    let mut stays = run.watch(&house, 0, &say);
    let mut sidecar = run.watch(&house, 1, &[]);
    assert_eq!((removed.line(), stays.line()), ("begun".to_owned(), "begun".to_owned()));
    run.edit(|wish| drop(wish.live.remove_highest(1)));
    assert_eq!(removed.exit_code(), Some(143));
    assert!(stays.child.try_wait().unwrap().is_none(), "not its device");
    assert!(sidecar.child.try_wait().unwrap().is_none(), "not its device");
    run.edit(|wish| wish.state = State::Stop);
    assert_eq!(stays.exit_code(), Some(143));
    assert_eq!(sidecar.exit_code(), Some(0));
}

#[test]
fn a_lapsed_lease_ends_programs_and_sidecars() {
    let house = House::new();
    let mut run = Run::start(&house);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as Millis;
    run.edit(|wish| wish.lease_until = now + 3000);
    let polite = "trap 'exit 0' TERM; echo begun; sleep 2041 & wait";
    let mut dog = run.watch(&house, 3, &["/bin/sh", "-c", polite]);
    let mut sidecar = run.watch(&house, 3, &[]);
    assert_eq!(dog.line(), "begun");
    assert_eq!(dog.exit_code(), Some(0));
    assert_eq!(sidecar.exit_code(), Some(0));
}
