//! One connection of the target: each line comes back, after the latency.
//!
//! Invariant: what is held in memory is what is still to be sent, and at most a
//! bound of it: beyond, reading waits for the client to take its answers.

use std::{collections::VecDeque, io, time::Duration};

use tokio::{
    net::TcpStream,
    select,
    time::{Instant, sleep_until},
};

use super::Tally;

/// Bytes that are read at once.
const CHUNK: usize = 8 * 1024;
/// Bytes of one connection that may wait; a line that is longer is answered in pieces.
const HELD_MOST: usize = 64 * 1024;

/// What is held of one connection. All of it is empty, and without memory, at rest.
#[derive(Default)]
struct Held {
    /// The beginning of a line whose end is still to come.
    line: Vec<u8>,
    /// Answers and when they are due, in order.
    answers: VecDeque<(Instant, Vec<u8>)>,
    /// Bytes in the answers.
    bytes: usize,
    /// The client sends no more.
    ended: bool,
}

/// Serves one connection to its end.
pub(super) async fn echo(stream: &TcpStream, latency: Duration, tally: &Tally) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut held = Held::default();
    while !(held.ended && held.answers.is_empty()) {
        let due = held.answers.front().map(|&(due, _)| due);
        select! {
            ready = stream.readable(), if !held.ended && held.bytes < HELD_MOST => {
                ready?;
                held.read(stream, latency, tally)?;
            }
            () = until(due), if due.is_some() => {}
        }
        held.answer(stream).await?;
    }
    Ok(())
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due).await;
    }
}

impl Held {
    /// Reads what has come, and makes answers of its lines. The buffer is on the
    /// stack of the one thread that reads, and not the connection's.
    fn read(&mut self, stream: &TcpStream, latency: Duration, tally: &Tally) -> io::Result<()> {
        let mut buffer = [0; CHUNK];
        let bytes = match stream.try_read(&mut buffer) {
            Ok(0) => {
                self.ended = true;
                return Ok(());
            }
            Ok(read) => &buffer[..read],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        tally.received(bytes);
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut answer = Vec::new();
        if whole > 0 {
            answer = std::mem::take(&mut self.line);
            answer.extend_from_slice(&bytes[..whole]);
        }
        self.line.extend_from_slice(&bytes[whole..]);
        if self.line.len() >= HELD_MOST {
            answer.append(&mut std::mem::take(&mut self.line));
        }
        if !answer.is_empty() {
            self.bytes += answer.len();
            self.answers.push_back((Instant::now() + latency, answer));
        }
        Ok(())
    }

    /// Sends what is due.
    async fn answer(&mut self, stream: &TcpStream) -> io::Result<()> {
        while let Some((due, _)) = self.answers.front()
            && *due <= Instant::now()
        {
            let Some((_, answer)) = self.answers.pop_front() else { break };
            write_all(stream, &answer).await?;
            self.bytes -= answer.len();
        }
        if self.answers.is_empty() {
            self.answers = VecDeque::new();
        }
        Ok(())
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
