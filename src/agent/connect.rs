//! From a target's name to a connection.
//!
//! Invariant: however many devices start at once, a name is looked up once; and
//! again at most once a second, when connecting fails.

use std::{
    cell::RefCell,
    io,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use tokio::{
    net::{TcpStream, lookup_host},
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{plan::Target, stats::ErrorKind};

/// How long connecting may take, all addresses of the name together.
const LIMIT: Duration = Duration::from_secs(10);
/// What was looked up stays good for at least this long.
const FRESH: Duration = Duration::from_secs(1);

/// What names the agent has looked up. One target at a time is the rule, so the
/// list is short.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    known: RefCell<Vec<Known>>,
    /// Held while looking up, so that the others wait for the answer.
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Known {
    target: Target,
    addresses: Rc<[SocketAddr]>,
    at: Instant,
}

/// Connects to the target, without Nagle's algorithm.
pub(super) async fn connect(resolver: &Resolver, target: &Target) -> Result<TcpStream, ErrorKind> {
    let result = match timeout(LIMIT, attempt(resolver, target)).await {
        Ok(result) => result,
        Err(_) => Err(ErrorKind::ConnectTimeout),
    };
    if result.is_err() {
        resolver.doubt(target);
    }
    result
}

async fn attempt(resolver: &Resolver, target: &Target) -> Result<TcpStream, ErrorKind> {
    let mut failure = ErrorKind::Resolve;
    for &address in resolver.addresses(target).await?.iter() {
        let connected = TcpStream::connect(address).await.and_then(|stream| {
            stream.set_nodelay(true)?;
            // A free port of this machine's own range can connect to itself.
            if stream.local_addr()? == stream.peer_addr()? {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Ok(stream)
        });
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = ErrorKind::from_io(&error),
        }
    }
    // The system's own limit may be shorter than ours.
    Err(if failure == ErrorKind::Timeout { ErrorKind::ConnectTimeout } else { failure })
}

impl Resolver {
    async fn addresses(&self, target: &Target) -> Result<Rc<[SocketAddr]>, ErrorKind> {
        if let Ok(ip) = target.host.parse::<IpAddr>() {
            return Ok(Rc::new([SocketAddr::new(ip, target.port)]));
        }
        if let Some(known) = self.find(target) {
            return Ok(known);
        }
        let _turn = self.turn.lock().await;
        // Whoever was before us may have found it.
        if let Some(known) = self.find(target) {
            return Ok(known);
        }
        let found = lookup_host((target.host.as_str(), target.port)).await;
        let addresses: Rc<[SocketAddr]> = found.map_err(|_| ErrorKind::Resolve)?.collect();
        let known = Known { target: target.clone(), addresses, at: Instant::now() };
        let addresses = Rc::clone(&known.addresses);
        self.known.borrow_mut().push(known);
        Ok(addresses)
    }

    fn find(&self, target: &Target) -> Option<Rc<[SocketAddr]>> {
        let known = self.known.borrow();
        known.iter().find(|it| it.target == *target).map(|it| Rc::clone(&it.addresses))
    }

    /// Forgets what may have become wrong.
    fn doubt(&self, target: &Target) {
        self.known.borrow_mut().retain(|it| it.target != *target || it.at.elapsed() < FRESH);
    }
}
