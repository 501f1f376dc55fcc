//! Targets that misbehave.

use std::{cell::Cell, net::SocketAddr, rc::Rc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::spawn_local,
};

/// A server that counts, and answers as its kind does. It ends with its test.
pub(super) struct Server {
    addr: SocketAddr,
    counts: Rc<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: Cell<u64>,
    lines: Cell<u64>,
    stalled: Cell<bool>,
    goes_on: Notify,
}

#[derive(Clone, Copy)]
enum Kind {
    Silent,
    Closing,
    Babbling,
    Stalling,
}

/// Before which line a stalling server stalls, until it is told to go on.
const STALL: u64 = 50;

impl Server {
    /// Reads and never answers.
    pub(super) async fn silent() -> Self {
        Self::start(Kind::Silent).await
    }

    /// Accepts and closes at once.
    pub(super) async fn closing() -> Self {
        Self::start(Kind::Closing).await
    }

    /// Greets unasked, and answers with more than one piece of bytes of all values.
    pub(super) async fn babbling() -> Self {
        Self::start(Kind::Babbling).await
    }

    /// Answers at once, but for one stall of half a second.
    pub(super) async fn stalling() -> Self {
        Self::start(Kind::Stalling).await
    }

    /// As [`Self::babbling`], where somebody else listens already.
    pub(super) fn babbling_on(listener: TcpListener) -> Self {
        Self::serve(listener, Kind::Babbling)
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) fn connections(&self) -> u64 {
        self.counts.connections.get()
    }

    pub(super) fn lines(&self) -> u64 {
        self.counts.lines.get()
    }

    /// Whether it has stalled.
    pub(super) fn is_stalled(&self) -> bool {
        self.counts.stalled.get()
    }

    /// Lets it answer again.
    pub(super) fn go_on(&self) {
        self.counts.goes_on.notify_one();
    }

    async fn start(kind: Kind) -> Self {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.expect("a free port"), kind)
    }

    fn serve(listener: TcpListener, kind: Kind) -> Self {
        let addr = listener.local_addr().expect("bound");
        let counts = Rc::<Counts>::default();
        let shared = Rc::clone(&counts);
        spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepted");
                shared.connections.set(shared.connections.get() + 1);
                if !matches!(kind, Kind::Closing) {
                    spawn_local(talk(stream, kind, Rc::clone(&shared)));
                }
            }
        });
        Server { addr, counts }
    }
}

async fn talk(mut stream: TcpStream, kind: Kind, counts: Rc<Counts>) -> std::io::Result<()> {
    let garbage: Vec<u8> = (0..=255).collect();
    let mut buffer = [0; 4096];
    if matches!(kind, Kind::Babbling) {
        stream.write_all(&garbage).await?;
    }
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let lines = buffer[..read].split(|&byte| byte == b'\n').count() as u64 - 1;
        let before = counts.lines.get();
        counts.lines.set(before + lines);
        if matches!(kind, Kind::Stalling) {
            if (before..before + lines).contains(&STALL) {
                counts.stalled.set(true);
                counts.goes_on.notified().await;
            }
            stream.write_all(b"ok\n").await?;
        }
        if matches!(kind, Kind::Babbling) {
            stream.write_all(&garbage).await?;
            tokio::task::yield_now().await;
            stream.write_all(&garbage).await?;
        }
    }
}
