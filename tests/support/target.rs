//! Targets that behave as told and count for themselves.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use tokio::net::TcpSocket;

/// How a target behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Sends each line back.
    Echo,
    /// Reads and says nothing.
    Silent,
    /// Closes each connection as soon as it is made.
    ClosesAtOnce,
    /// Answers each line with bytes that mean nothing, and no line end.
    Garbage,
}

/// A target of this process; ends with its drop.
pub struct Target {
    address: SocketAddr,
    lines: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Target {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = Target { address, lines: Arc::default(), over: Arc::default() };
        let (lines, over) = (Arc::clone(&target.lines), Arc::clone(&target.over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), lines) = (stream, Arc::clone(&lines)) else {
                    continue;
                };
                if manner == Manner::ClosesAtOnce {
                    continue;
                }
                // A small stack each: a test has a hundred of them.
                let serve = move || serve(manner, &stream, &lines);
                let _ = thread::Builder::new().stack_size(64 * 1024).spawn(serve);
            }
        });
        target
    }

    /// As loadtop takes it.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Whole lines that were received.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::SeqCst)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread up that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(manner: Manner, stream: &TcpStream, lines: &AtomicU64) {
    let mut writer = stream;
    for line in BufReader::with_capacity(256, stream).split(b'\n') {
        let Ok(mut line) = line else {
            return;
        };
        lines.fetch_add(1, Ordering::SeqCst);
        let written = match manner {
            Manner::Echo => {
                line.push(b'\n');
                writer.write_all(&line)
            }
            Manner::Garbage => writer.write_all(&[0xff, 0x00, 0xc3, 0x28, 0x1b, 0x5b]),
            Manner::Silent | Manner::ClosesAtOnce => Ok(()),
        };
        if written.is_err() {
            return;
        }
    }
}

/// A port of loopback that refuses connections, and nobody else's until this is
/// dropped: it is bound, and nothing listens on it.
pub struct Refusing {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Refusing {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Refusing { address: socket.local_addr().unwrap(), _socket: socket }
    }

    /// As loadtop takes it.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }
}
