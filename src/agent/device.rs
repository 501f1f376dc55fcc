//! One device: connect, follow the script, come back after failures, until its end.
//!
//! Invariants: a device at rest holds a socket and a timer, and no buffer; each
//! request that it sends is recorded exactly once, as finished or as unfinished. A
//! closed loop: the rest after an answer is the intended time of the next request.

use std::{cell::Cell, io, pin::Pin, rc::Rc, time::Duration};

use tokio::{
    net::TcpStream,
    select,
    sync::Notify,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    backoff::Backoff,
    connect::connect,
    recorder::Ended,
    script::{Identity, Script, Step},
    shared::Shared,
    tally::{Place, Standing},
};
use crate::{follow::Random, model::device::device_id, stats::ErrorKind};

/// The runtime's timers go off up to a tick and a wake-up late, a millisecond each.
/// So long, a rest is taken to have lasted; what is beyond is the agent's lateness,
/// and in the response time.
const TIMER_RESOLUTION: Duration = Duration::from_millis(2);
/// The longest pause before a device tries to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How a device is told to end.
#[derive(Debug, Default)]
pub(super) struct Gate {
    ending: Cell<bool>,
    told: Notify,
}

impl Gate {
    /// Ends the device: at once where it rests, else after its answer or the drain.
    pub(super) fn end(&self) {
        self.ending.set(true);
        self.told.notify_one();
    }

    async fn ended(&self) {
        if !self.ending.get() {
            self.told.notified().await;
        }
    }
}

/// One device.
pub(super) struct Device {
    index: u32,
    id: uuid::Uuid,
    execution: usize,
    shared: Rc<Shared>,
    gate: Rc<Gate>,
}

/// Why a device leaves its connection.
enum Leave {
    /// It ends.
    Ended,
    /// The plan has another target now.
    Moved,
    /// The connection or its request failed.
    Failed,
}

/// Why waiting ended without an answer.
enum Interrupted {
    /// It failed.
    By(ErrorKind),
    /// It could not even be sent: the connection was broken already.
    Unsent(ErrorKind),
    /// The device ends and was given no more time.
    Ended,
}

impl From<io::Error> for Interrupted {
    fn from(error: io::Error) -> Self {
        Interrupted::By(ErrorKind::from_io(&error))
    }
}

impl Device {
    pub(super) fn new(index: u32, execution: u32, shared: Rc<Shared>, gate: Rc<Gate>) -> Self {
        let id = device_id(&shared.run, index);
        Device { index, id, execution: execution as usize, shared, gate }
    }

    /// Its whole life.
    pub(super) async fn live(self) {
        let mut place = Place::new(Rc::clone(&self.shared.tally));
        let random = Random::new(&self.shared.task, self.index);
        let mut backoff = Backoff::new(random, LONGEST_PAUSE);
        let mut timer = std::pin::pin!(sleep_until(Instant::now()));
        while let Some(script) = self.shared.script(self.execution) {
            let socket = place.socket();
            let began = Instant::now();
            let connected = select! {
                biased;
                () = self.gate.ended() => return,
                connected = connect(&self.shared.resolver, &script.target) => connected,
            };
            let ended = connected.as_ref().map(drop).map_err(|kind| *kind);
            self.shared.recorder.borrow_mut().connection(began.elapsed(), ended);
            let left = match connected {
                Ok(stream) => {
                    place.set(Standing::Connected);
                    self.follow(&stream, script, timer.as_mut(), &mut backoff).await
                }
                Err(_) => Leave::Failed,
            };
            drop(socket);
            match left {
                Leave::Ended => return,
                Leave::Moved => place.set(Standing::Starting),
                Leave::Failed => {
                    place.set(Standing::Failed);
                    timer.as_mut().reset(Instant::now() + backoff.pause());
                    select! {
                        biased;
                        () = self.gate.ended() => return,
                        () = timer.as_mut() => {}
                    }
                }
            }
        }
        // A plan without this execution: nothing to do until the end.
        place.set(Standing::Failed);
        self.gate.ended().await;
    }

    /// Follows the script on one connection.
    async fn follow(
        &self,
        stream: &TcpStream,
        mut script: Rc<Script>,
        mut timer: Pin<&mut Sleep>,
        backoff: &mut Backoff,
    ) -> Leave {
        let mut intended = Instant::now();
        loop {
            for step in &script.steps {
                if let Err(left) = self.request(stream, step, intended, timer.as_mut()).await {
                    return left;
                }
                backoff.reset();
                match self.rest(stream, script.think, timer.as_mut()).await {
                    Ok(end) => intended = end,
                    Err(left) => return left,
                }
            }
            if script.steps.is_empty() {
                // A script without requests: the connection is all there is.
                let Err(left) = self.rest(stream, Duration::from_secs(1), timer.as_mut()).await
                else {
                    continue;
                };
                return left;
            }
            match self.shared.script(self.execution) {
                Some(newer) if newer.target == script.target => script = newer,
                _ => return Leave::Moved,
            }
        }
    }

    /// One request and its record.
    async fn request(
        &self,
        stream: &TcpStream,
        step: &Step,
        intended: Instant,
        timer: Pin<&mut Sleep>,
    ) -> Result<(), Leave> {
        if self.gate.ending.get() {
            return Err(Leave::Ended);
        }
        // What came unasked is no answer to what is asked now.
        if let Err(kind) = self.discard(stream) {
            self.shared.recorder.borrow_mut().broken(kind);
            return Err(Leave::Failed);
        }
        let sent = Instant::now();
        let ended: Ended = match self.exchange(stream, step, sent, timer).await {
            Ok(()) => Ok(()),
            Err(Interrupted::By(kind)) => Err(kind),
            Err(Interrupted::Unsent(kind)) => {
                self.shared.recorder.borrow_mut().broken(kind);
                return Err(Leave::Failed);
            }
            Err(Interrupted::Ended) => {
                self.shared.recorder.borrow_mut().unfinished();
                return Err(Leave::Ended);
            }
        };
        let now = Instant::now();
        let mut recorder = self.shared.recorder.borrow_mut();
        recorder.request(step.label, now - intended, now - sent, ended);
        ended.map_err(|_| Leave::Failed)
    }

    /// Sends the request and waits for any bytes.
    async fn exchange(
        &self,
        stream: &TcpStream,
        step: &Step,
        sent: Instant,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<(), Interrupted> {
        timer.as_mut().reset(sent + step.timeout);
        let (mut told, mut draining) = (false, false);
        let mut left = self
            .send(stream, step)
            .map_err(|error| Interrupted::Unsent(ErrorKind::from_io(&error)))?;
        loop {
            let writing = !left.is_empty();
            select! {
                biased;
                ready = stream.readable() => {
                    ready?;
                    match self.shared.take(stream) {
                        Ok(0) => return Err(Interrupted::By(ErrorKind::Closed)),
                        Ok(_) => return Ok(()),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                ready = stream.writable(), if writing => {
                    ready?;
                    let sent = write(stream, &left)?;
                    left.drain(..sent);
                }
                () = timer.as_mut() => {
                    let timeout = Interrupted::By(ErrorKind::Timeout);
                    return Err(if draining { Interrupted::Ended } else { timeout });
                }
                () = self.gate.ended(), if !told => {
                    told = true;
                    let deadline = Instant::now() + self.shared.drain.get();
                    // A time-out that comes first stays what it is.
                    if deadline < timer.deadline() {
                        draining = true;
                        timer.as_mut().reset(deadline);
                    }
                }
            }
        }
    }

    /// Sends what the socket takes at once, and returns the rest: almost always none.
    fn send(&self, stream: &TcpStream, step: &Step) -> io::Result<Vec<u8>> {
        let mut buffer = self.shared.outgoing.borrow_mut();
        buffer.clear();
        let identity = Identity { id: self.id, index: self.index, run: &self.shared.run };
        step.render(identity, &mut buffer);
        let sent = write(stream, &buffer)?;
        Ok(buffer[sent..].to_vec())
    }

    /// Thinks, and meanwhile watches for the target closing. Returns when the rest
    /// was over.
    async fn rest(
        &self,
        stream: &TcpStream,
        think: Duration,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Instant, Leave> {
        let end = Instant::now() + think;
        if think.is_zero() {
            return Ok(end);
        }
        timer.as_mut().reset(end);
        loop {
            select! {
                biased;
                () = self.gate.ended() => return Err(Leave::Ended),
                () = timer.as_mut() => return Ok(Instant::now().min(end + TIMER_RESOLUTION)),
                ready = stream.readable() => {
                    let broken = ready.map_err(|error| ErrorKind::from_io(&error));
                    if let Err(kind) = broken.and_then(|()| self.discard(stream)) {
                        self.shared.recorder.borrow_mut().broken(kind);
                        return Err(Leave::Failed);
                    }
                }
            }
        }
    }

    /// Throws away what has come, a buffer of it at most: a target that never stops
    /// talking must not keep the device from its timer.
    fn discard(&self, stream: &TcpStream) -> Result<(), ErrorKind> {
        match self.shared.take(stream) {
            Ok(0) => Err(ErrorKind::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(ErrorKind::from_io(&error)),
        }
    }
}

/// Writes what goes at once.
fn write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.try_write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}
