//! The practice target as a process of its own, for a dashboard that names no other.
//!
//! Invariant: it ends when whoever started it does, however that ends: it watches a
//! pipe that only its starter holds.

use std::{path::Path, process::Stdio, time::Duration};

use color_eyre::eyre::{WrapErr, eyre};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::plan::Target;

/// How long it may take to say where it listens.
const START: Duration = Duration::from_secs(10);
/// How long it may take to end.
const STOP: Duration = Duration::from_secs(3);

/// A running practice target.
#[derive(Debug)]
pub struct PracticeTarget {
    target: Target,
    child: Child,
}

impl PracticeTarget {
    /// Starts `program target` and waits until it says where it listens.
    pub async fn start(program: &Path) -> color_eyre::Result<Self> {
        let mut child = Command::new(program)
            .arg("target")
            .env("LOADTOP_LIFELINE", "stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C in the terminal is for the dashboard, which then ends this.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .wrap_err("the practice target did not start")?;
        let stdout =
            child.stdout.take().ok_or_else(|| eyre!("the practice target has no stdout"))?;
        let mut line = String::new();
        let mut lines = BufReader::new(stdout);
        tokio::time::timeout(START, lines.read_line(&mut line))
            .await
            .wrap_err("the practice target does not say where it listens")?
            .wrap_err("the practice target cannot be read")?;
        let target = line
            .trim_end()
            .strip_prefix("listening on ")
            .and_then(|target| target.parse().ok())
            .ok_or_else(|| eyre!("the practice target says `{}`", line.trim_end()))?;
        Ok(PracticeTarget { target, child })
    }

    /// Where it listens.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Ends it: closing its lifeline is enough, and a kill is sure. Says whether it is gone.
    pub async fn stop(mut self) -> bool {
        drop(self.child.stdin.take());
        if tokio::time::timeout(STOP, self.child.wait()).await.is_ok() {
            return true;
        }
        let killed = self.child.start_kill();
        let waited = tokio::time::timeout(STOP, self.child.wait()).await;
        tracing::error!("the practice target had to be killed: {killed:?}, {waited:?}");
        waited.is_ok()
    }
}
