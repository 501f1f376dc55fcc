//! The server: connections in, requests one after the other on each.
//!
//! Invariant: once it was told to end it accepts nothing more, and returns when
//! the requests that were under way are answered, or shortly after.

use std::{sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Wire;

/// After a failed accept (too many open files, say) the next waits as long.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// What requests that are under way at the end get.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves until told to end.
pub(in crate::local) async fn serve(
    listener: TcpListener,
    wire: Arc<Wire>,
    until: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        tokio::select! {
            () = until.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, Arc::clone(&wire), until.clone());
                    connections.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "local cloud: a connection was not accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
    connections.close();
    if tokio::time::timeout(LAST_ANSWERS, connections.wait()).await.is_err() {
        tracing::debug!("local cloud: clients that stall are left alone");
    }
}

async fn connection(stream: TcpStream, wire: Arc<Wire>, until: CancellationToken) {
    // Small answers are not to wait for more.
    let _ = stream.set_nodelay(true);
    // An error of the service closes the connection.
    let service = service_fn(move |request| Arc::clone(&wire).answer(request));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = until.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that go away in the middle of something are no news.
        tracing::debug!(%error, "local cloud: a connection broke");
    }
}
