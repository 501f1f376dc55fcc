//! The real program on a pseudo-terminal of this process, and what it takes.
//!
//! Invariant: what a program of ours started ends with it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use color_eyre::eyre::{OptionExt, bail};
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

const LOADTOP: &str = env!("CARGO_BIN_EXE_loadtop");
/// The screen.
const COLUMNS: u16 = 200;
const ROWS: u16 = 60;
/// What is not there by then does not come.
const PATIENCE: Duration = Duration::from_mins(2);
/// Devices of the large fleet, and what they take on a cloud as it comes.
pub(crate) const DEVICES: u32 = 10_000;
const INSTANCES: u32 = 10;
/// Modelled devices send nothing to it.
const TARGET: &str = "tcp://198.51.100.7:7000";
/// Ticks of a second in `/proc`, whatever the kernel's own are.
const TICKS: u64 = 100;

/// A cloud with modelled tasks, in a process of its own.
pub(crate) struct Cloud {
    child: Child,
    exports: Vec<(String, String)>,
    folder: tempfile::TempDir,
}

impl Cloud {
    /// One that has room for [`DEVICES`].
    pub(crate) fn start() -> color_eyre::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut child = Command::new(LOADTOP)
            .args(["local", "--modelled", "--instances", &INSTANCES.to_string()])
            .env("XDG_STATE_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let said = BufReader::new(child.stdout.take().ok_or_eyre("no output")?).lines();
        let mut exports = Vec::new();
        for line in said {
            let line = line?;
            let export = line.strip_prefix("export ").and_then(|it| it.split_once('='));
            let (name, value) = export.ok_or_eyre("no export")?;
            exports.push((name.to_owned(), value.to_owned()));
            if name == "LOADTOP_BUCKET" {
                break;
            }
        }
        Ok(Self { child, exports, folder })
    }

    /// Waits until all devices are in tasks that run.
    pub(crate) fn until_all_run(&self) -> color_eyre::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut status = Command::new(LOADTOP);
            status.args(["status", "--json"]).env("XDG_STATE_HOME", self.folder.path());
            let said = status.envs(self.exports.iter().cloned()).output()?.stdout;
            let said: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
            let tasks = &said["runs"][0]["tasks"];
            if tasks["wanted"] == tasks["running"] && tasks["running"].as_u64() > Some(0) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the fleet is not up: {said}");
            }
            thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A dashboard on this cloud that begins a run of [`DEVICES`], when all of them run.
pub(crate) fn with_devices(cloud: &Cloud) -> color_eyre::Result<Dashboard> {
    let devices = DEVICES.to_string();
    let dashboard = Dashboard::start(Some(cloud), &[TARGET, "-n", &devices, "--ramp-up", "5s"])?;
    cloud.until_all_run()?;
    Ok(dashboard)
}

/// A dashboard on a screen.
pub(crate) struct Dashboard {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    /// The lowest line whenever it has changed, and when that was read.
    lowest: Receiver<(Instant, String)>,
    // The terminal is there as long as this is.
    _master: Box<dyn MasterPty + Send>,
    _folder: tempfile::TempDir,
}

impl Dashboard {
    /// On this cloud, or on one of its own; with these words, and until it is there.
    pub(crate) fn start(cloud: Option<&Cloud>, words: &[&str]) -> color_eyre::Result<Self> {
        let folder = tempfile::tempdir()?;
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|it| color_eyre::eyre::eyre!(it))?;
        let mut command = CommandBuilder::new(LOADTOP);
        command.args(words);
        command.env_remove("LOADTOP_CLUSTER");
        command.env("XDG_STATE_HOME", folder.path());
        command.env("XDG_CONFIG_HOME", folder.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in cloud.iter().flat_map(|it| &it.exports) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).map_err(|it| color_eyre::eyre::eyre!(it))?;
        drop(pair.slave);
        let mut output =
            pair.master.try_clone_reader().map_err(|it| color_eyre::eyre::eyre!(it))?;
        let keys = pair.master.take_writer().map_err(|it| color_eyre::eyre::eyre!(it))?;
        let (say, lowest) = channel();
        thread::spawn(move || {
            let (Ok(rows), Ok(columns)) = (ROWS.try_into(), COLUMNS.try_into()) else { return };
            let mut terminal = vt100::Parser::new(rows, columns, 0);
            let (mut bytes, mut before) = (vec![0; 65_536], String::new());
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let read = Instant::now();
                terminal.process(&bytes[..count]);
                let screen = terminal.screen();
                let cells = (0..COLUMNS).filter_map(|x| screen.cell(ROWS - 1, x));
                let now: String = cells.map(|it| it.contents()).collect();
                if now != before && say.send((read, now.clone())).is_err() {
                    return;
                }
                before = now;
            }
        });
        let mut dashboard = Self { child, keys, lowest, _master: pair.master, _folder: folder };
        dashboard.until_lowest(|line| line.contains("quit"))?;
        Ok(dashboard)
    }

    /// Types; the answer is when.
    pub(crate) fn press(&mut self, keys: &str) -> color_eyre::Result<Instant> {
        let pressed = Instant::now();
        self.keys.write_all(keys.as_bytes())?;
        self.keys.flush()?;
        Ok(pressed)
    }

    /// Waits until the lowest line is so; the answer is when it came.
    pub(crate) fn until_lowest(
        &mut self,
        wished: impl Fn(&str) -> bool,
    ) -> color_eyre::Result<Instant> {
        loop {
            let (read, line) = self.lowest.recv_timeout(PATIENCE)?;
            if wished(&line) {
                return Ok(read);
            }
        }
    }

    /// CPU time so far, of this process alone.
    pub(crate) fn cpu(&self) -> color_eyre::Result<Duration> {
        let pid = self.child.process_id().ok_or_eyre("it has gone")?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name is in brackets and may hold anything.
        let rest = stat.rsplit_once(") ").ok_or_eyre("no process")?.1;
        let ticks: Vec<u64> =
            rest.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 1000 / TICKS))
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
