//! What the tests stand on: the binary with a state folder of its own, targets that
//! behave as told, a pseudo-terminal with a screen, and a look at processes.

pub mod local;
pub mod processes;
pub mod screen;
pub mod target;

use std::{
    fs,
    io::Read,
    process::{Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The binary under test.
pub const LOADTOP: &str = env!("CARGO_BIN_EXE_loadtop");

/// How long anything may take before a test gives up. Generous: machines differ.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// How long a whole run of the binary may take.
const RUN_DEADLINE: Duration = Duration::from_mins(2);

/// A state folder, and the binary with it.
pub struct House {
    state: TempDir,
}

impl House {
    pub fn new() -> Self {
        House { state: tempfile::tempdir().unwrap() }
    }

    /// A house with this `loadtop.toml` in the person's configuration folder.
    pub fn with(file: &str) -> Self {
        let house = House::new();
        let folder = house.path().join("config/loadtop");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("loadtop.toml"), file).unwrap();
        house
    }

    /// The environment that every process of the house gets.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("XDG_STATE_HOME", self.state.path().to_str().unwrap().to_owned()),
            ("XDG_CONFIG_HOME", self.path().join("config").to_str().unwrap().to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ]
    }

    pub fn path(&self) -> &std::path::Path {
        self.state.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LOADTOP);
        command.args(arguments).envs(self.environment());
        for name in ["LOADTOP_CLUSTER", "LOADTOP_CONFIG"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end; one that does not come fails the test.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// The same with these variables.
    pub fn run_with(&self, arguments: &[&str], variables: &[(String, String)]) -> Output {
        let mut child = self
            .command(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Read meanwhile: a full pipe would hold it up.
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        let rest = |pipe: &Receiver<Vec<u8>>| pipe.recv_timeout(DEADLINE).unwrap_or_default();
        let deadline = Instant::now() + RUN_DEADLINE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return Output { status, stdout: rest(&stdout), stderr: rest(&stderr) };
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                let said = rest(&stderr);
                panic!("{arguments:?} does not end: {}", String::from_utf8_lossy(&said));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Reads a pipe to its end, in a thread; what was in it comes at once then.
pub fn read_all(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (say, told) = channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = pipe.read_to_end(&mut all);
        let _ = say.send(all);
    });
    told
}

/// Waits until `condition` holds; at the deadline the test fails with `what`.
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    eventually_looking(Duration::from_millis(20), what, condition);
}

/// The same for conditions that call a cloud: the calls of an account share a bucket.
pub fn eventually_asking(what: &str, condition: impl FnMut() -> bool) {
    eventually_looking(Duration::from_millis(250), what, condition);
}

fn eventually_looking(every: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(every);
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
