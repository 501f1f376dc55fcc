//! What runs in a task: `loadtop agent`, the program that runs a range of devices.
//!
//! An agent reads the run's wish from its bucket and follows it: it starts devices at
//! their moments, ends those that the wish no longer wants, and says each interval
//! what came of it. One thread, one runtime, everything shared through plain cells:
//!
//! ```text
//! wish.json ─ follow ─▶ fleet ─ queue ─▶ device × n ─▶ recorder, tally
//!                                                          │
//!      CloudWatch, results/TASK/…, standard output ◀─ reporter
//! ```
//!
//! Invariants: an agent ends by itself, when the wish says stop, when the run's end
//! has come, when the lease has lapsed, when it is told by a signal, and at once when
//! its lifeline breaks; a device at rest holds a socket and a timer and no buffer; no
//! figure waits for a call to the cloud, nor a device for either.

mod backoff;
mod connect;
mod device;
mod fleet;
mod grid;
mod health;
mod lines;
mod pacing;
mod plans;
pub(crate) mod queue;
mod recorder;
mod reporter;
mod results;
mod script;
mod serve;
mod shared;
mod tally;
#[cfg(test)]
mod tests;

use std::{io::Write, rc::Rc};

use color_eyre::eyre::{Result, WrapErr};
use tokio::{select, task::LocalSet};

pub use crate::follow::{BadSettings, Settings};
use crate::{
    follow::CloudStation,
    process::{lifeline, limits},
};

/// Files that an agent needs beside its devices' sockets: the API's connections,
/// the runtime's own, standard streams, a look-up.
const OTHER_FILES: u64 = 64;

/// How an agent came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked to, until it was to end.
    Done,
    /// Its devices do not fit into this process's open files; nothing was started.
    NoRoom,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NoRoom => 2,
        }
    }
}

/// Runs an agent to its end, on a runtime of its own: one thread.
pub fn start(settings: Settings) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .wrap_err("no runtime for the agent")?;
    let exit = runtime.block_on(run(settings));
    // A look-up that hangs must not hold up the end.
    runtime.shutdown_background();
    exit
}

/// Runs an agent to its end. For a `current_thread` runtime's `block_on`; devices are
/// local tasks.
pub async fn run(settings: Settings) -> Result<Exit> {
    let files = limits::raise_open_files();
    let fit = files.saturating_sub(OTHER_FILES);
    if u64::from(settings.devices) > fit {
        say(&format!(
            "{} devices do not fit: {files} open files are allowed, which is room for {fit}; \
             use --devices-per-task {fit} or raise the limit",
            settings.devices
        ));
        return Ok(Exit::NoRoom);
    }
    let signalled = lifeline::signalled()?;
    let station = Rc::new(CloudStation::new(&settings).await?);
    let agent = async {
        select! {
            biased;
            // The cloud is gone: there is nobody to tell, and nowhere to write.
            () = lifeline::lifeline(settings.lifeline) => Ok(()),
            ended = serve::serve(station, &settings, std::io::stdout(), signalled) => ended,
        }
    };
    LocalSet::new().run_until(agent).await.map(|()| Exit::Done)
}

/// A line for people, on standard error. Whether anybody reads it is not our concern.
fn say(line: &str) {
    if cfg!(test) {
        // The test harness shows these where a test fails.
        eprintln!("loadtop agent: {line}");
    } else {
        let _ = writeln!(std::io::stderr(), "loadtop agent: {line}");
    }
}
