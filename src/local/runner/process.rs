//! One child process, from its start to its end.
//!
//! Invariant: between the start and the reaping, and only then, it and its process
//! group are signalled. Its end is looked for without reaping it, so that whatever is
//! left of the group can still be ended under an id that is surely its own.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitIdOptions};
use tokio::{
    process::{Child, ChildStdin, Command},
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{Instant, sleep_until},
};

use super::shim::Launch;
use crate::local::{
    engine::{Event, Exit},
    shell::Surroundings,
};

/// How long a shim is given to kill what it holds, before it is killed with its group.
const SHIM_KILLS_WITHIN: Duration = Duration::from_millis(2500);

/// What a process is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Run,
    Terminate,
    Kill,
}

/// A process that is to be started.
pub(super) struct Process {
    /// As the task says it.
    name: String,
    launch: io::Result<Launch>,
    log: PathBuf,
}

impl Process {
    pub(super) fn new(
        surroundings: &Surroundings,
        task: &str,
        command: &[String],
        own: &BTreeMap<String, String>,
    ) -> Self {
        let named = |variable: &str, otherwise: &str| {
            let name = own.get(variable).map_or(otherwise, String::as_str);
            if is_file_name(name) { name.to_owned() } else { otherwise.to_owned() }
        };
        let log = surroundings.logs.join(named("LOADTOP_RUN", "none")).join("tasks");
        let log = log.join(named("LOADTOP_TASK", task) + ".log");
        let name = command.first().cloned().unwrap_or_default();
        Process { name, launch: Launch::new(surroundings, command, own), log }
    }

    /// Runs it and reports its start and its end.
    pub(super) async fn run(
        self,
        task: String,
        mut orders: watch::Receiver<Order>,
        report: impl Fn(Event),
    ) {
        let name = self.name;
        let explain = |error: io::Error| format!("{name}: {error}");
        // Before the start, so that no end goes unnoticed.
        let started = self.launch.and_then(|launch| {
            Ok((signal(SignalKind::child())?, spawn(&launch, &self.log)?, launch.is_held))
        });
        let (mut ends, mut child, is_held) = match started {
            Ok(started) => started,
            Err(error) => {
                return report(Event::NotStarted { task, reason: explain(error) });
            }
        };
        let mut group = Group::of(&mut child, is_held);
        report(Event::Started { task: task.clone() });
        let mut told = Order::Run;
        let mut has_orders = true;
        while group.is_alive() {
            let order = if has_orders { *orders.borrow_and_update() } else { Order::Kill };
            if order != told {
                told = order;
                group.obey(order);
            }
            tokio::select! {
                _ = ends.recv() => {}
                // Whoever gave orders may be gone: so is the cloud.
                changed = orders.changed(), if has_orders => has_orders = changed.is_ok(),
                () = group.patience() => group.kill(),
            }
        }
        group.kill();
        group.leader = None;
        let exit = reap(&mut child).await;
        report(Event::Exited { task, exit });
    }
}

fn spawn(launch: &Launch, log: &Path) -> io::Result<Child> {
    let log = open_log(log)?;
    Command::new(&launch.program)
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        // A shim ends by its lifeline, once it has killed what it holds.
        .kill_on_drop(!launch.is_held)
        .spawn()
}

/// The process group of a child that is not reaped yet. Whatever ends us, it ends
/// with us: declared after its child, it is dropped before that is.
struct Group {
    /// The child; the group has the same id.
    leader: Option<Pid>,
    /// What the child hangs on. Taken from it, as waiting for it would close it.
    lifeline: Option<ChildStdin>,
    is_held: bool,
    /// When a shim has had its time to kill.
    kill_at: Option<Instant>,
}

impl Group {
    fn of(child: &mut Child, is_held: bool) -> Self {
        let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Group { leader, lifeline: child.stdin.take(), is_held, kill_at: None }
    }

    fn is_alive(&self) -> bool {
        self.leader.is_some_and(|pid| !has_ended(pid))
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Run => {}
            // As ECS does it: only a container's first process is asked. A shim passes
            // it on to its program, once.
            Order::Terminate => self.signal(rustix::process::kill_process, Signal::TERM),
            // The shim knows also those who left the group; its own death would leave
            // them to nobody.
            Order::Kill if self.is_held => {
                self.lifeline = None;
                self.kill_at = Some(Instant::now() + SHIM_KILLS_WITHIN);
            }
            Order::Kill => self.kill(),
        }
    }

    /// Resolves when a shim took too long to kill.
    async fn patience(&self) {
        match self.kill_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Kills whoever is in it.
    fn kill(&mut self) {
        self.kill_at = None;
        self.signal(rustix::process::kill_process_group, Signal::KILL);
    }

    fn signal(&self, send: fn(Pid, Signal) -> rustix::io::Result<()>, signal: Signal) {
        if let Some(Err(error)) = self.leader.map(|leader| send(leader, signal)) {
            tracing::debug!(%error, "local cloud: a process cannot be signalled");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A shim sees its lifeline break, and kills more than we could.
        if !(self.is_held && self.is_alive()) {
            self.kill();
        }
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
