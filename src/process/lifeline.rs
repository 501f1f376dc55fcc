//! What ends a process from outside: a signal, or the pipe that it hangs on.

use std::io::Read;

use color_eyre::eyre::Result;
use tokio::{
    select,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Resolves when standard input ends: whoever held the pipe is gone. Never, if there
/// is none to watch.
pub(crate) async fn lifeline(watched: bool) {
    if !watched {
        return std::future::pending().await;
    }
    let (gone, told) = oneshot::channel();
    // A thread of its own: the runtime's blocking threads hold up its end, and this
    // one reads until the end of the process.
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut buffer = [0; 512];
        while !matches!(input.read(&mut buffer), Ok(0) | Err(_)) {}
        let _ = gone.send(());
    });
    let _ = told.await;
}

/// A future that resolves with the first SIGTERM, SIGINT or SIGHUP. The handlers
/// stand when this returns.
pub(crate) fn signalled() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
