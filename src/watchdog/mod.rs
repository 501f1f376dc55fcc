//! `loadtop watchdog`: ends a task whose program knows nothing of the wish.
//!
//! Any image of the user's own can be a device. What an agent does for its devices,
//! somebody has to do for such a program: read the run's wish, and end it when the run
//! is over, when its lease has lapsed, or when the wish no longer wants its device.
//!
//! - **Without a program** it is the sidecar on ECS: an essential container of the task,
//!   so that its own exit, with 0, makes ECS end the whole task.
//! - **With a program** (`loadtop watchdog -- PROGRAM ARGS…`) it is the shim of the local
//!   cloud: it starts the program, leads the process group that it lives in, and is to
//!   it what a container is: when either ends, nothing of the other is left.
//!
//! The end of a program is the one of ECS: SIGTERM, at most `LOADTOP_STOP_MS`, SIGKILL.
//! The shim's exit code is the program's, and 128 and the signal's number where a signal
//! ended it: 143 is a program that was asked to end and had nothing to say to that, which
//! is as clean an end as a 0; 137 is one that had to be killed.
//!
//! Invariants: when the lifeline breaks, everything is killed at once; an end of the
//! program, by itself or not, is the end of all that it started.
//!
//! What falls short: SIGKILL to the shim alone leaves its group to whoever started it
//! (the local cloud kills it then), and what had left the group to nobody; a program that
//! stops its whole group with SIGSTOP stops the shim, too. Away from Linux there is no
//! adopting of orphans: what leaves the group is out of reach.

mod over;
mod program;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, io, pin::pin, rc::Rc, time::Duration};

use color_eyre::eyre::{Result, WrapErr};
use tokio::{select, time::sleep};

use self::program::Program;
use crate::{
    follow::{self, CloudStation, Settings},
    process::{lifeline, output},
};

/// The exit code of a program that is not there, and of one that cannot be started: as
/// shells have it.
const NOT_THERE: u8 = 127;
const NOT_STARTED: u8 = 126;

/// The variables that say where the cloud is, and the keys to it. The watchdog's own:
/// its program has none of them. On ECS a container calls AWS as its task's role and is
/// given no keys; here the keys are those of the local cloud, with which a program could
/// stop the tasks of its own run, and what it wants of Amazon would end up on loopback.
pub(crate) const KEYS: [&str; 5] = [
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
];
/// What the task itself says under one of these names is the program's alone, and comes
/// under the name with this before it.
pub(crate) const PROGRAMS_OWN: &str = "LOADTOP_PROGRAM_";

/// What a watchdog is told.
#[derive(Debug)]
struct Orders {
    /// The run to follow. A shim may have none: any task may run on a local cloud, also
    /// one that belongs to no run, or to one without a bucket, whose wish it cannot read.
    run: Option<Settings>,
    /// How long the program may take to end.
    stop: Duration,
    /// Whether all hangs on standard input.
    lifeline: bool,
}

impl Orders {
    fn from_lookup(lookup: impl Fn(&str) -> Option<String>, alone: bool) -> Result<Self> {
        let said = |name: &str| lookup(name).is_some_and(|it| !it.is_empty());
        let of_a_run = said("LOADTOP_RUN") && said("LOADTOP_BUCKET");
        let run = (alone || of_a_run).then(|| Settings::from_lookup(&lookup)).transpose()?;
        let (stop, lifeline) = (follow::stop_time(&lookup)?, follow::lifeline(&lookup)?);
        Ok(Orders { run, stop, lifeline })
    }
}

/// Watches until it is over, on a runtime of its own: one thread. The answer is the
/// exit code.
pub fn start(program: &[OsString]) -> Result<u8> {
    let lookup = |name: &str| std::env::var(name).ok();
    let orders = Orders::from_lookup(lookup, program.is_empty())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .wrap_err("no runtime for the watchdog")?;
    let code = runtime.block_on(async {
        match program {
            [] => watch(orders).await.map(|()| 0),
            _ => hold(program, orders).await,
        }
    });
    runtime.shutdown_background();
    code
}

/// The sidecar's life: it ends when the task should.
async fn watch(orders: Orders) -> Result<()> {
    let signalled = lifeline::signalled()?;
    let why = select! {
        biased;
        () = lifeline::lifeline(orders.lifeline) => return Ok(()),
        () = signalled => "told by a signal",
        why = over(orders.run.as_ref()) => why?,
    };
    say(&format!("ending the task: {why}"));
    Ok(())
}

/// The shim's life: it begins and ends with the program's. Its exit code.
async fn hold(words: &[OsString], orders: Orders) -> Result<u8> {
    // Before the program starts, so that no signal ends the shim alone.
    let signalled = lifeline::signalled()?;
    let mut broken = pin!(lifeline::lifeline(orders.lifeline));
    let mut program = match Program::start(words) {
        Ok(program) => program,
        Err(error) => {
            say(&format!("{}: {error}", words[0].display()));
            let is_there = error.kind() != io::ErrorKind::NotFound;
            return Ok(if is_there { NOT_STARTED } else { NOT_THERE });
        }
    };
    let why = select! {
        biased;
        () = &mut broken => program.vanish().await,
        code = program.ended() => {
            program.kill_all().await;
            return Ok(code);
        }
        () = signalled => "told by a signal".to_owned(),
        why = over(orders.run.as_ref()) => why.map_or_else(|error| error.to_string(), str::to_owned),
    };
    say(&format!("ending the program: {why}"));
    program.terminate();
    select! {
        biased;
        () = &mut broken => program.vanish().await,
        _ = program.ended() => {}
        () = sleep(orders.stop) => {
            say(&format!("the program did not end within {:?} and is killed", orders.stop));
        }
    }
    program.kill_all().await;
    Ok(program.ended().await)
}

/// Resolves when the run, or this task's part in it, is over; never without a run.
async fn over(run: Option<&Settings>) -> Result<&'static str> {
    match run {
        Some(settings) => over::over(Rc::new(CloudStation::new(settings).await?), settings).await,
        None => std::future::pending().await,
    }
}

/// A line for people, on standard error: on ECS the sidecar's log, here the task's.
fn say(line: &str) {
    let line = format!("loadtop watchdog: {line}");
    // The test harness shows these where a test fails.
    if cfg!(test) { eprintln!("{line}") } else { output::say(&line) }
}
