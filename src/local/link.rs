//! A client's way to a local cloud without sockets, for tests: the SDK's requests go
//! to the very code that answers them on the wire, under whatever clock the runtime
//! has, and the way itself can be slow, broken or asleep.
//!
//! Invariant: a request that is refused on its way had no effect; one whose answer is
//! lost had its effect once.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use tokio::sync::watch;

use super::wire::Wire;

/// What a call takes at least: where time is paused, a client that asks without a
/// break would otherwise never let it pass.
const SHORTEST: Duration = Duration::from_millis(1);

/// A way to the cloud. Clones are the same way.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    wire: Arc<Wire>,
    state: watch::Sender<State>,
    answers_to_lose: Arc<AtomicU32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine(Duration),
    Down,
    Asleep,
}

impl Link {
    pub(super) fn to(wire: Arc<Wire>) -> Self {
        let (state, _) = watch::channel(State::Fine(SHORTEST));
        Link { wire, state, answers_to_lose: Arc::default() }
    }

    /// Everything gets through at once.
    pub(crate) fn up(&self) {
        self.slow(SHORTEST);
    }

    /// Everything gets through, and takes this long.
    pub(crate) fn slow(&self, latency: Duration) {
        self.state.send_replace(State::Fine(latency.max(SHORTEST)));
    }

    /// No connection can be made, and those that there are break.
    pub(crate) fn down(&self) {
        self.state.send_replace(State::Down);
    }

    /// Requests and answers stay where they are until it is [`up`](Self::up) again.
    pub(crate) fn sleep(&self) {
        self.state.send_replace(State::Asleep);
    }

    /// The next so many requests have their effect, and the connection breaks before
    /// their answers.
    pub(crate) fn lose_answers(&self, count: u32) {
        self.answers_to_lose.store(count, Ordering::Relaxed);
    }

    /// Answers that are still to be lost.
    pub(crate) fn answers_to_lose(&self) -> u32 {
        self.answers_to_lose.load(Ordering::Relaxed)
    }

    async fn carry(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = received(request)?;
        self.pass(io::ErrorKind::ConnectionRefused).await?;
        let answer = Arc::clone(&self.wire).answer(request).await;
        let answer = answer.map_err(|_| broken(io::ErrorKind::ConnectionReset))?;
        let lost =
            self.answers_to_lose
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if lost.is_ok() {
            return Err(broken(io::ErrorKind::ConnectionReset));
        }
        self.pass(io::ErrorKind::ConnectionReset).await?;
        let (parts, body) = answer.into_parts();
        let Ok(body) = body.collect().await;
        let answer = http::Response::from_parts(parts, SdkBody::from(body.to_bytes()));
        HttpResponse::try_from(answer).map_err(|error| ConnectorError::user(error.into()))
    }

    /// Half of the way: to the cloud, or back.
    async fn pass(&self, otherwise: io::ErrorKind) -> Result<(), ConnectorError> {
        let mut state = self.state.subscribe();
        loop {
            let now = *state.borrow_and_update();
            match now {
                State::Down => return Err(broken(otherwise)),
                State::Asleep => {
                    // The link has a sender of its own, so the channel is open.
                    let _ = state.changed().await;
                }
                State::Fine(latency) => tokio::select! {
                    () = tokio::time::sleep(latency / 2) => return Ok(()),
                    _ = state.changed() => {}
                },
            }
        }
    }
}

impl HttpConnector for Link {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry(request))
    }
}

impl HttpClient for Link {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The request as a server has it: a path, and the host in a header.
fn received(request: HttpRequest) -> Result<Request<Full<Bytes>>, ConnectorError> {
    let user = |what: &str| ConnectorError::user(what.into());
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (mut parts, body) = request.into_parts();
    let body = body.bytes().ok_or_else(|| user("a body that is not in memory"))?;
    let body = Full::new(Bytes::copy_from_slice(body));
    if let Some(host) = parts.uri.host()
        && !parts.headers.contains_key(header::HOST)
    {
        let host = HeaderValue::from_str(host).map_err(|_| user("no host"))?;
        parts.headers.insert(header::HOST, host);
    }
    Ok(Request::from_parts(parts, body))
}

fn broken(kind: io::ErrorKind) -> ConnectorError {
    ConnectorError::io(io::Error::from(kind).into())
}
