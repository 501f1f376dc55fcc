//! The practice target: `loadtop target`, a server that answers each line with itself.
//!
//! Something to point a first run at, and the other side of the tests: it counts what
//! it gets, so that an agent's figures can be held against it. Invariants: what is
//! counted has arrived, to the last line; a connection at rest holds no buffer, and
//! an endless line no memory.

mod echo;
mod process;

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use color_eyre::eyre::{Result, WrapErr};
use serde::Serialize;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::sleep,
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use process::PracticeTarget;

use crate::process::{lifeline, limits};

/// How long accepting rests when no file descriptor is left.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// What the target is asked to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where to listen; port 0 is any free one.
    pub listen: SocketAddr,
    /// How long each answer is held back.
    pub latency: Duration,
    /// Whether to print JSON instead of words.
    pub json: bool,
    /// Whether to end when standard input does.
    pub lifeline: bool,
}

/// What a target got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// The most that were open at once.
    pub peak: u64,
    /// Whole lines received.
    pub lines: u64,
    /// Bytes received.
    pub bytes: u64,
}

/// A target that serves; it stops when this is dropped.
#[derive(Debug)]
pub struct Target {
    addr: SocketAddr,
    tally: Arc<Tally>,
    _serving: DropGuard,
}

#[derive(Debug, Default)]
struct Tally {
    connections: AtomicU64,
    open: AtomicU64,
    peak: AtomicU64,
    lines: AtomicU64,
    bytes: AtomicU64,
    was_full: AtomicBool,
}

/// Serves until a signal comes or the lifeline ends, then prints the counts.
pub async fn serve(options: Options) -> Result<()> {
    limits::raise_open_files();
    let signalled = lifeline::signalled()?;
    let (json, watched) = (options.json, options.lifeline);
    let target = Target::bind(options).await?;
    let address = format!("tcp://{}", target.addr());
    say(&if json {
        serde_json::json!({ "listening": address }).to_string()
    } else {
        format!("listening on {address}")
    });
    select! {
        () = signalled => {}
        () = lifeline::lifeline(watched) => {}
    }
    let counts = target.counts();
    say(&if json {
        serde_json::to_string(&counts)?
    } else {
        let Counts { connections, peak, lines, bytes } = counts;
        format!("{connections} connections (at most {peak} at once), {lines} lines, {bytes} bytes")
    });
    Ok(())
}

impl Target {
    /// Listens and serves, on the runtime that this is called in.
    pub async fn bind(options: Options) -> Result<Target> {
        let listener = TcpListener::bind(options.listen)
            .await
            .wrap_err_with(|| format!("cannot listen on {}", options.listen))?;
        let addr = listener.local_addr()?;
        let tally = Arc::new(Tally::default());
        let stop = CancellationToken::new();
        let serving = accept(listener, options.latency, Arc::clone(&tally), stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(serving));
        Ok(Target { addr, tally, _serving: stop.drop_guard() })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What it got so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            connections: get(&self.tally.connections),
            peak: get(&self.tally.peak),
            lines: get(&self.tally.lines),
            bytes: get(&self.tally.bytes),
        }
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.tally.open.load(Ordering::Relaxed)
    }
}

async fn accept(
    listener: TcpListener,
    latency: Duration,
    tally: Arc<Tally>,
    stop: CancellationToken,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // One that was gone before it was accepted is no reason to rest.
                if error.kind() != std::io::ErrorKind::ConnectionAborted {
                    tally.full(&error);
                    sleep(FULL_PAUSE).await;
                }
                continue;
            }
        };
        let open = Open::new(Arc::clone(&tally));
        let stop = stop.clone();
        tokio::spawn(async move {
            let echo = echo::echo(&stream, latency, &open.0);
            // However it ends, it ended.
            let _ = stop.run_until_cancelled(echo).await;
            drop::<(TcpStream, Open)>((stream, open));
        });
    }
}

impl Tally {
    fn full(&self, error: &std::io::Error) {
        if !self.was_full.swap(true, Ordering::Relaxed) {
            let open = self.open.load(Ordering::Relaxed);
            let _ = writeln!(
                std::io::stderr(),
                "loadtop target: no more connections for now, {open} are open: {error}"
            );
        }
    }

    fn received(&self, bytes: &[u8]) {
        let lines = bytes.split(|&byte| byte == b'\n').count() - 1;
        self.lines.fetch_add(lines as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }
}

/// One open connection's place in the tally.
struct Open(Arc<Tally>);

impl Open {
    fn new(tally: Arc<Tally>) -> Self {
        tally.connections.fetch_add(1, Ordering::Relaxed);
        let open = tally.open.fetch_add(1, Ordering::Relaxed) + 1;
        tally.peak.fetch_max(open, Ordering::Relaxed);
        Open(tally)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A line of data, on standard output; who does not read it does not stop us.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests;
