//! Lines for people, printed by a thread of their own.
//!
//! Invariant: printing never blocks the caller. Where nobody reads, the pipe fills,
//! the thread stands still, and lines are dropped instead of devices held up.

use std::{
    io::Write,
    sync::mpsc::{SyncSender, sync_channel},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

/// So many lines may wait for a reader.
const WAITING_MOST: usize = 64;
/// So long the end waits for a reader.
const PATIENCE: Duration = Duration::from_millis(200);

/// A way to print lines.
#[derive(Debug)]
pub(super) struct Lines {
    sender: SyncSender<String>,
    printed: oneshot::Receiver<()>,
}

impl Lines {
    /// Prints to `out`.
    pub(super) fn to(mut out: impl Write + Send + 'static) -> Self {
        let (sender, lines) = sync_channel::<String>(WAITING_MOST);
        let (done, printed) = oneshot::channel();
        std::thread::spawn(move || {
            for line in lines {
                // Nobody there to read: nobody to tell.
                let _ = writeln!(out, "{line}");
            }
            let _ = out.flush();
            let _ = done.send(());
        });
        Lines { sender, printed }
    }

    /// Prints the line, or drops it.
    pub(super) fn print(&self, line: String) {
        let _ = self.sender.try_send(line);
    }

    /// Waits a little until all is printed.
    pub(super) async fn end(self) {
        drop(self.sender);
        let _ = timeout(PATIENCE, self.printed).await;
    }
}
