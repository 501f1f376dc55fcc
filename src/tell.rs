//! What is said of a run while it is waited for: the controller's notices and, now
//! and then, how far things are. Words, so on standard error.
//!
//! Invariant: no notice is told twice.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    controller::{
        Snapshot,
        snapshot::{Level, Notice, Phase},
    },
    model::cost::dollars,
    process::output::say,
};

/// How often the progress is told.
const EVERY: Duration = Duration::from_secs(5);

/// Tells what is new.
#[derive(Debug)]
pub(crate) struct Teller {
    /// What each line begins with.
    prefix: String,
    /// Number of the last notice that was told.
    told: u64,
    progress_at: Instant,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self::with_prefix(String::new())
    }

    /// For one of several runs.
    pub(crate) fn with_prefix(prefix: String) -> Self {
        Teller { prefix, told: 0, progress_at: Instant::now() + EVERY }
    }

    /// The notices that are new, and the progress if it is time.
    pub(crate) fn tell(&mut self, snapshot: &Snapshot) {
        for notice in snapshot.notices.iter().filter(|it| it.number > self.told) {
            say(&format!("{}{}", self.prefix, line(notice)));
        }
        self.told = snapshot.notices.last().map_or(self.told, |it| it.number.max(self.told));
        if Instant::now() >= self.progress_at && snapshot.run.is_some() {
            self.progress_at = Instant::now() + EVERY;
            say(&format!("{}{}", self.prefix, progress(snapshot)));
        }
    }
}

fn line(notice: &Notice) -> String {
    let level = match notice.level {
        Level::Info => "",
        Level::Warning => "warning: ",
        Level::Error => "error: ",
    };
    format!("{level}{}", notice.text)
}

fn progress(snapshot: &Snapshot) -> String {
    match snapshot.run.as_ref().map(|run| run.phase) {
        Some(Phase::Ending { tasks_left, left_ms }) => {
            let most = left_ms.map(|left| format!(", at most {} s", left.div_ceil(1000)));
            return format!("{tasks_left} tasks left{}", most.unwrap_or_default());
        }
        Some(Phase::Collecting { read, of }) => {
            return format!("nothing is left; {read} of {of} parts of the results are read");
        }
        _ => {}
    }
    let devices = &snapshot.devices.value;
    let traffic = &snapshot.traffic.value;
    let errors: u64 = traffic.errors.values().sum();
    let window = traffic.window.map_or(String::new(), |window| {
        format!(", response p50 {:.2} ms p99 {:.2} ms", window.response.p50, window.response.p99)
    });
    let cost = snapshot.cost.as_ref().map_or_else(String::new, |bill| {
        let about = if bill.estimate { "about " } else { "" };
        format!(", {about}{} so far", dollars(bill.so_far_usd))
    });
    format!(
        "{} of {} devices connected, {} tasks run, {} requests, {errors} errors{window}{cost}",
        devices.connected, devices.wanted, snapshot.tasks.value.running, traffic.requests
    )
}
