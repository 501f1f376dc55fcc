//! The books of the modelled devices: which are alive and where, and whether one
//! ever lived twice.
//!
//! Invariant: a device is in the books from its start to its end, or to the end of
//! its task, whichever comes first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::model::ranges::DeviceSet;

/// How many modelled tasks and devices there are. Cheap, however many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Each run that had a task, by its id.
    pub runs: BTreeMap<String, RunLedger>,
    /// Tasks whose program runs, or is on its way up or down, of all runs.
    pub tasks: u32,
}

/// One run's part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunLedger {
    /// Devices that are alive; one that is alive twice counts twice.
    pub alive: u32,
    /// The most that were alive at once.
    pub peak: u32,
    /// Devices that were ever started.
    pub ever: u32,
    /// Starts of devices, those of replacement tasks included.
    pub starts: u64,
    /// How often a device was started while it was alive in another task.
    pub doubled: u64,
    /// Tasks whose program runs, or is on its way up or down.
    pub tasks: u32,
    /// Tasks that were started.
    pub tasks_started: u32,
}

/// A run's devices by their index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// Those that are alive, and in which task (`LOADTOP_TASK`); one that is alive
    /// twice is here once.
    pub alive: BTreeMap<u32, Arc<str>>,
    /// Those that were ever started.
    pub ever: DeviceSet,
}

impl Ledger {
    /// Devices that are alive, of all runs.
    #[must_use]
    pub fn alive(&self) -> u32 {
        self.runs.values().map(|run| run.alive).sum()
    }

    /// How often a device was started while it was alive in another task of its run.
    #[must_use]
    pub fn doubled(&self) -> u64 {
        self.runs.values().map(|run| run.doubled).sum()
    }
}

/// One run's books, while they are being kept.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Device and task.
    alive: BTreeSet<(u32, u64)>,
    doubled: u64,
    ever: BTreeSet<u32>,
    starts: u64,
    peak: usize,
    pub(super) tasks_started: u32,
}

impl Books {
    pub(super) fn start(&mut self, device: u32, task: u64) {
        self.doubled += u64::from(self.alive.range((device, 0)..=(device, u64::MAX)).count() > 0);
        self.alive.insert((device, task));
        self.ever.insert(device);
        self.starts += 1;
        self.peak = self.peak.max(self.alive.len());
    }

    pub(super) fn end(&mut self, device: u32, task: u64) {
        self.alive.remove(&(device, task));
    }

    /// The books in figures.
    pub(super) fn figures(&self, tasks: u32) -> RunLedger {
        RunLedger {
            alive: self.alive.len() as u32,
            peak: self.peak as u32,
            ever: self.ever.len() as u32,
            starts: self.starts,
            doubled: self.doubled,
            tasks,
            tasks_started: self.tasks_started,
        }
    }

    /// The devices in the books; `name` says how a task is called.
    pub(super) fn devices(&self, name: impl Fn(u64) -> Arc<str>) -> Devices {
        let mut ever = DeviceSet::new();
        let mut devices = self.ever.iter().copied().peekable();
        while let Some(first) = devices.next() {
            let mut count = 1;
            while devices.next_if_eq(&(first + count)).is_some() {
                count += 1;
            }
            ever.insert(first, count);
        }
        let alive = self.alive.iter().map(|&(device, task)| (device, name(task)));
        Devices { alive: alive.collect(), ever }
    }
}
