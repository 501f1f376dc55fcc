//! From a target's name to a connection.
//!
//! Invariant: however many devices start at once, a name is looked up once; and
//! again at most once a second, while connecting or the look-up itself fails.

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
/// What a look-up brought, addresses or none, stands for at least this long.
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
    addresses: Addresses,
    at: Instant,
}

type Addresses = Result<Rc<[SocketAddr]>, ErrorKind>;

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
    let addresses = resolver.addresses(target).await?;
    // An address that swallows everything must leave time for the next one.
    let share = LIMIT / addresses.len().max(1) as u32;
    for &address in addresses.iter() {
        let Ok(connected) = timeout(share, TcpStream::connect(address)).await else {
            failure = ErrorKind::ConnectTimeout;
            continue;
        };
        let connected = connected.and_then(|stream| {
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
    async fn addresses(&self, target: &Target) -> Addresses {
        if let Ok(ip) = target.host.parse::<IpAddr>() {
            return Ok(Rc::new([SocketAddr::new(ip, target.port)]));
        }
        if let Some(known) = self.find(target) {
            return known;
        }
        let _turn = self.turn.lock().await;
        // Whoever was before us may have found it.
        if let Some(known) = self.find(target) {
            return known;
        }
        let found = lookup_host((target.host.as_str(), target.port)).await;
        let addresses = found.map(Iterator::collect).map_err(|_| ErrorKind::Resolve);
        let mut known = self.known.borrow_mut();
        known.retain(|it| it.target != *target);
        let (target, at) = (target.clone(), Instant::now());
        known.push(Known { target, addresses: addresses.clone(), at });
        addresses
    }

    fn find(&self, target: &Target) -> Option<Addresses> {
        let known = self.known.borrow();
        let found = known.iter().find(|it| it.target == *target)?;
        let stands = found.addresses.is_ok() || found.at.elapsed() < FRESH;
        stands.then(|| found.addresses.clone())
    }

    /// Forgets what may have become wrong.
    fn doubt(&self, target: &Target) {
        self.known.borrow_mut().retain(|it| it.target != *target || it.at.elapsed() < FRESH);
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn target(text: &str) -> Target {
        text.parse().expect("a target")
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once() {
        let resolver = Resolver::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let target = target(&format!("tcp://localhost:{port}"));
        let (one, two) = tokio::join!(connect(&resolver, &target), connect(&resolver, &target));
        assert!(one.is_ok_and(|stream| stream.nodelay().is_ok_and(|on| on)));
        assert!(two.is_ok());
        assert_eq!(resolver.known.borrow().len(), 1);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_not_looked_up_by_every_device() {
        let resolver = Resolver::default();
        let target = target("tcp://no-such-host.invalid:1");
        for _ in 0..3 {
            assert_eq!(connect(&resolver, &target).await.err(), Some(ErrorKind::Resolve));
        }
        assert_eq!(resolver.known.borrow().len(), 1);
    }
}
