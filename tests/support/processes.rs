//! A look at the processes of this machine, by `/proc`.

use std::{collections::BTreeMap, fs};

/// A process, told from a later one with the same number by when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    begun: String,
}

impl Process {
    /// Whether it still runs; one that only waits to be reaped does not.
    pub fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|it| it.begun == self.begun && it.state != "Z")
    }

    /// Whether it was stopped, and can be called to go on.
    pub fn is_stopped(&self) -> bool {
        stat(self.pid).is_some_and(|it| it.begun == self.begun && it.state == "T")
    }

    /// Its command line, with spaces.
    pub fn command_line(&self) -> String {
        let bytes = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
    }
}

struct Stat {
    state: String,
    parent: u32,
    begun: String,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in brackets and may hold anything.
    let rest: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    Some(Stat { state: rest[0].into(), parent: rest[1].parse().ok()?, begun: rest[19].into() })
}

/// All processes below this one, children's children too.
pub fn below(root: u32) -> Vec<Process> {
    let all: BTreeMap<u32, Stat> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect();
    let mut family = vec![root];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(all.iter().filter(|(_, it)| it.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    family[1..].iter().map(|pid| Process { pid: *pid, begun: all[pid].begun.clone() }).collect()
}

/// Those of `processes` whose command line ends with this word.
pub fn named<'a>(processes: &'a [Process], word: &str) -> Vec<&'a Process> {
    processes.iter().filter(|it| it.command_line().ends_with(word)).collect()
}
