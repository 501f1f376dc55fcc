//! One child process, from its start to its end.
//!
//! Invariant: between the start and the reaping, and only then, its process group
//! is signalled. Its end is looked for without reaping it, so that whatever is
//! left of the group can still be ended under an id that is surely its own.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, OpenOptions},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, WaitIdOptions};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::local::{
    engine::{Event, Exit},
    shell::Surroundings,
};

/// The command word that means this program.
const OURSELVES: &str = "loadtop";
/// What a child has of our own environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TZ", "LANG"];

/// What a process is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Run,
    Terminate,
    Kill,
}

/// A process that is to be started.
pub(super) struct Process {
    command: Vec<String>,
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    log: PathBuf,
}

impl Process {
    pub(super) fn new(
        surroundings: &Surroundings,
        task: &str,
        command: Vec<String>,
        own: BTreeMap<String, String>,
    ) -> Self {
        let named = |variable: &str, otherwise: &str| {
            let name = own.get(variable).map_or(otherwise, String::as_str);
            if is_file_name(name) { name.to_owned() } else { otherwise.to_owned() }
        };
        let log = surroundings.logs.join(named("LOADTOP_RUN", "none")).join("tasks");
        let log = log.join(named("LOADTOP_TASK", task) + ".log");
        let inherited =
            INHERITED.iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
        let given = surroundings.environment.iter().cloned().chain(own);
        let given = given.map(|(name, value)| (name.into(), value.into()));
        // Children watch for the end of their standard input: it is the cloud's.
        let lifeline = ("LOADTOP_LIFELINE".into(), "stdin".into());
        Process {
            command,
            program: surroundings.program.clone(),
            environment: inherited.chain(given).chain([lifeline]).collect(),
            log,
        }
    }

    /// Runs it and reports its start and its end.
    pub(super) async fn run(
        self,
        task: String,
        mut orders: watch::Receiver<Order>,
        report: impl Fn(Event),
    ) {
        // Before the start, so that no end goes unnoticed.
        let child = signal(SignalKind::child()).and_then(|ends| Ok((ends, self.spawn()?)));
        let (mut ends, mut child) = match child {
            Ok(both) => both,
            Err(error) => {
                return report(Event::NotStarted { task, reason: self.explain(&error) });
            }
        };
        let mut group = Group { leader: child.id().and_then(|id| Pid::from_raw(id.cast_signed())) };
        // Taken, as waiting for the child would close it.
        let lifeline = child.stdin.take();
        report(Event::Started { task: task.clone() });
        let mut told = Order::Run;
        while let Some(pid) = group.leader.filter(|&pid| !has_ended(pid)) {
            let order = *orders.borrow_and_update();
            if order != told {
                told = order;
                send(pid, order);
            }
            tokio::select! {
                _ = ends.recv() => {}
                changed = orders.changed() => if changed.is_err() {
                    // Whoever gave orders is gone: so is the cloud.
                    send(pid, Order::Kill);
                    ends.recv().await;
                }
            }
        }
        group.end();
        let exit = reap(&mut child).await;
        drop(lifeline);
        report(Event::Exited { task, exit });
    }

    fn spawn(&self) -> io::Result<Child> {
        let mut words = self.command.iter();
        let program = match words.next().map(String::as_str) {
            None | Some("") => return Err(io::Error::other("no command specified")),
            Some(OURSELVES) => self.program.as_os_str().to_owned(),
            Some(other) => other.into(),
        };
        let log = open_log(&self.log)?;
        Command::new(program)
            .args(words)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    fn explain(&self, error: &io::Error) -> String {
        let program = self.command.first().map_or("", String::as_str);
        format!("{program}: {error}")
    }
}

/// The process group of a child that is not reaped yet. Whatever ends us, it ends
/// with us: declared after its child, it is dropped before that is.
struct Group {
    leader: Option<Pid>,
}

impl Group {
    /// Kills whoever is left of it, for the last time.
    fn end(&mut self) {
        if let Some(leader) = self.leader.take() {
            send(leader, Order::Kill);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

fn open_log(path: &Path) -> io::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// Run and task ids come from outside, and must not lead elsewhere.
fn is_file_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.chars().all(letter)
}

/// Whether a child of ours has ended; it stays to be reaped.
fn has_ended(pid: Pid) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    match rustix::process::waitid(rustix::process::WaitId::Pid(pid), look) {
        Ok(ended) => ended.is_some(),
        Err(rustix::io::Errno::INTR) => false,
        Err(_) => true,
    }
}

/// To the group, which has the same id as its leader: the child that is not
/// reaped yet.
fn send(pid: Pid, order: Order) {
    let signal = match order {
        Order::Run => return,
        Order::Terminate => Signal::TERM,
        Order::Kill => Signal::KILL,
    };
    if let Err(error) = rustix::process::kill_process_group(pid, signal) {
        tracing::debug!(%error, "local cloud: a process group cannot be signalled");
    }
}

async fn reap(child: &mut Child) -> Exit {
    let status: io::Result<ExitStatus> = child.wait().await;
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Code(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        },
        Err(error) => {
            tracing::error!(%error, "local cloud: a process cannot be waited for");
            Exit::Signal(0)
        }
    }
}
