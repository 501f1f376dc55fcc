//! `loadtop local`: a cloud for several terminals, until it is told to stop.
//!
//! Invariant: stdout has nothing but shell commands that can be evaluated.

use std::io::Write as _;

use color_eyre::eyre::{WrapErr as _, ensure};
use tokio::signal::unix::{SignalKind, signal};

use super::{LocalCloud, Options, Runner, environment};

/// Serves until SIGINT, SIGTERM or SIGHUP, then ends all tasks. That one of them is
/// left is an error.
pub async fn serve(options: Options) -> color_eyre::Result<()> {
    // Before anything is started, so that none of them ends us without a shutdown.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let cloud = LocalCloud::start(options).await?;
    if let Err(error) = announce(&cloud) {
        cloud.shutdown().await;
        return Err(error);
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    let left = cloud.shutdown().await;
    ensure!(left == 0, "{left} tasks did not end, although they were killed");
    Ok(())
}

fn announce(cloud: &LocalCloud) -> color_eyre::Result<()> {
    let names = cloud.names();
    let mut lines = environment(&cloud.endpoint());
    lines.extend([
        ("LOADTOP_CLUSTER".to_owned(), names.cluster.clone()),
        ("LOADTOP_GROUP".to_owned(), names.group().to_owned()),
        ("LOADTOP_BUCKET".to_owned(), names.bucket),
    ]);
    let mut stdout = std::io::stdout().lock();
    for (name, value) in lines {
        writeln!(stdout, "export {name}={value}").wrap_err("stdout")?;
    }
    stdout.flush().wrap_err("stdout")?;
    // Whoever closed stderr does not want to know.
    let _ = writeln!(
        std::io::stderr(),
        "The local cloud serves at {} until it is stopped (Ctrl-C).{}",
        cloud.endpoint().url,
        match cloud.runner {
            Runner::Processes => "",
            Runner::Modelled => " Its tasks are modelled: devices come and go, and send nothing.",
        }
    );
    Ok(())
}
