//! The program that a shim holds, and all that it started.
//!
//! Invariants: everything that lives below the shim is in its process group or, on
//! Linux, comes to be its child: an orphan's next living ancestor that adopts is its new
//! parent. A process is killed by its number only while it is a child that was not
//! reaped, so the number is surely its own.

use std::{
    ffi::{OsStr, OsString},
    io,
    process::{Command, Stdio},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{
        Pid, Signal, WaitOptions, WaitStatus, getpgrp, getpid, kill_current_process_group,
        kill_process, setpgid, wait,
    },
};
use tokio::{
    select,
    signal::unix::{self, SignalKind},
    time::{Instant, sleep},
};

use super::{KEYS, PROGRAMS_OWN, say};
use crate::follow::LIFELINE;

/// What was killed ends within this, unless the system itself holds it.
const KILLED_END_WITHIN: Duration = Duration::from_secs(2);
/// How soon those who became orphans are looked for, if nobody's end was heard of.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A program that was started.
pub(super) struct Program {
    pid: Pid,
    /// How it ended, once it has.
    end: Option<WaitStatus>,
    /// Whether there is any child, ended or not.
    is_parent: bool,
    ends: unix::Signal,
}

impl Program {
    /// Starts it in this process's group, which this process then leads.
    pub(super) fn start(words: &[OsString]) -> io::Result<Program> {
        if getpgrp() != getpid() {
            // Whoever started us by hand is not to be signalled with us.
            setpgid(None, None)?;
        }
        adopt_orphans();
        // Before the start, so that no end goes unnoticed.
        let ends = unix::signal(SignalKind::child())?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).env_remove(LIFELINE);
        for name in KEYS {
            let own = format!("{PROGRAMS_OWN}{name}");
            match std::env::var_os(&own) {
                Some(value) => command.env(name, value).env_remove(own),
                None => command.env_remove(name),
            };
        }
        // Not waited for through the handle: whoever is reaped, is reaped in one place.
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or(io::ErrorKind::Other)?;
        Ok(Program { pid, end: None, is_parent: true, ends })
    }

    /// Waits for its end: its exit code, or 128 and the signal's number.
    pub(super) async fn ended(&mut self) -> u8 {
        loop {
            self.reap();
            if let Some(end) = self.end {
                return exit_code(end);
            }
            self.ends.recv().await;
        }
    }

    /// Asks all of the group to end, each once, unless the program has ended already. This
    /// process is in the group and hears it, too, but has a handler for that.
    pub(super) fn terminate(&self) {
        if self.end.is_some() {
            return;
        }
        if let Err(error) = kill_current_process_group(Signal::TERM) {
            say(&format!("the program cannot be asked to end: {error}"));
        }
    }

    /// Kills the program and all that it started, and waits until none is left. Its
    /// children's children become ours when they are orphans, so that it takes as many
    /// rounds as there are generations. What does not end even so, or multiplies faster,
    /// is killed with the whole group, this process included.
    pub(super) async fn kill_all(&mut self) {
        let deadline = Instant::now() + KILLED_END_WITHIN;
        loop {
            self.reap();
            if !self.is_parent {
                return;
            }
            if self.end.is_none() {
                kill(self.pid);
            }
            children().for_each(kill);
            if Instant::now() > deadline {
                say("processes that were killed do not end");
                let _ = kill_current_process_group(Signal::KILL);
            }
            select! {
                _ = self.ends.recv() => {}
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Kills everything at once, this process last: there is nobody to tell.
    pub(super) async fn vanish<T>(&mut self) -> T {
        self.kill_all().await;
        let _ = kill_current_process_group(Signal::KILL);
        std::future::pending().await
    }

    /// Takes in the ends of all children, adopted ones too.
    fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.pid => self.end = Some(status),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return,
                Err(_) => {
                    self.is_parent = false;
                    return;
                }
            }
        }
    }
}

fn exit_code(end: WaitStatus) -> u8 {
    let code = end.exit_status().or_else(|| Some(128 + end.terminating_signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// A child that was not reaped.
fn kill(child: Pid) {
    let _ = kill_process(child, Signal::KILL);
}

/// From now on, whoever loses its parent below us gets us instead.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(getpid())) {
        say(&format!("what leaves the program's process group cannot be held: {error}"));
    }
}

/// All children of this process, by the list of all processes: a list of its own it has
/// only where the kernel was built for that. Nowhere but on Linux is there any.
fn children() -> impl Iterator<Item = Pid> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| {
        let pid = number(&entry.file_name())?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name is in brackets and may hold anything; then come state and parent.
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
        (parent.parse() == Ok(getpid().as_raw_nonzero().get())).then_some(pid)
    })
}

fn number(name: &OsStr) -> Option<Pid> {
    Pid::from_raw(name.to_str()?.parse().ok()?)
}
