//! What the tests stand on: the binary with a state folder of its own, targets that
//! behave as told, a pseudo-terminal with a screen, and a look at processes.

pub mod processes;
pub mod screen;
pub mod target;

use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The binary under test.
pub const LOADTOP: &str = env!("CARGO_BIN_EXE_loadtop");

/// How long anything may take before a test gives up. Generous: machines differ.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// A state folder, and the binary with it.
pub struct House {
    state: TempDir,
}

impl House {
    pub fn new() -> Self {
        House { state: tempfile::tempdir().unwrap() }
    }

    /// The environment that every process of the house gets.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("XDG_STATE_HOME", self.state.path().to_str().unwrap().to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ]
    }

    pub fn path(&self) -> &std::path::Path {
        self.state.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LOADTOP);
        command.args(arguments).envs(self.environment()).env_remove("LOADTOP_CLUSTER");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.wait_with_output().unwrap()
    }
}

/// Waits until `condition` holds; at the deadline the test fails with `what`.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
