//! One device: connect, follow the script, come back after failures, until its end.
//!
//! Invariants: a device at rest holds a socket and a timer, and no buffer; each
//! request that it sends is recorded exactly once, as finished or as unfinished. Where
//! no rate is set the end of the rest after an answer is the intended time of the next
//! request (a closed loop); where one is, that is the schedule's, whatever the device is
//! at, and what was due and not sent is counted.

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
    pacing::Schedule,
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

/// Over which time devices at rest move to another target, each at its own moment.
const MOVING: Duration = Duration::from_secs(1);

/// How a device is told to end, or to look at what changed.
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

    /// Has the device look at its plan and its pace, if it rests.
    pub(super) fn call(&self) {
        self.told.notify_one();
    }

    async fn ended(&self) {
        while !self.ending.get() {
            self.told.notified().await;
        }
    }

    /// Until it is to end, or to look.
    async fn called(&self) {
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

/// What the turns of a device on one connection need.
struct Turns<'a> {
    stream: &'a TcpStream,
    schedule: &'a mut Schedule,
    backoff: &'a mut Backoff,
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

/// How a rest ended.
enum Rest {
    /// It is over; when it was.
    Over(Instant),
    /// Something may have changed.
    Called,
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
        let pace = self.shared.pace(self.execution);
        let mut schedule = Schedule::new(self.index, pace, Instant::now());
        self.follow_plans(&mut schedule).await;
        self.shared.recorder.borrow_mut().unsent(schedule.owed(Instant::now()));
    }

    /// Connects again and again, until the end.
    async fn follow_plans(&self, schedule: &mut Schedule) {
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
                    let mut turns = Turns { stream: &stream, schedule, backoff: &mut backoff };
                    self.follow(&mut turns, script, timer.as_mut()).await
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
        turns: &mut Turns<'_>,
        mut script: Rc<Script>,
        mut timer: Pin<&mut Sleep>,
    ) -> Leave {
        let mut rest = Duration::ZERO;
        loop {
            for step in &script.steps {
                let turn = self.turn(turns, rest, &script, timer.as_mut()).await;
                let left = match turn {
                    Ok(intended) => self.request(turns, step, intended, timer.as_mut()).await,
                    Err(left) => Err(left),
                };
                if let Err(left) = left {
                    return left;
                }
                turns.backoff.reset();
                rest = script.think;
            }
            if script.steps.is_empty() {
                // A script without requests: the connection is all there is.
                let end = Instant::now() + Duration::from_secs(1);
                if let Err(left) = self.rest(turns.stream, end, timer.as_mut()).await {
                    return left;
                }
            }
            match self.shared.script(self.execution) {
                Some(newer) if newer.target == script.target => script = newer,
                _ => return Leave::Moved,
            }
        }
    }

    /// Waits for the device's turn: until the schedule says so, or else as long as it
    /// rests. Returns the intended time of its request.
    async fn turn(
        &self,
        turns: &mut Turns<'_>,
        rest: Duration,
        script: &Script,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Instant, Leave> {
        let began = Instant::now();
        let mut moves_at = None;
        loop {
            let now = Instant::now();
            let due = turns.schedule.due(self.shared.pace(self.execution), now);
            if due.unsent > 0 {
                self.shared.recorder.borrow_mut().unsent(due.unsent);
            }
            let at = due.at.unwrap_or(began + rest);
            let end = moves_at.map_or(at, |moves_at| at.min(moves_at));
            match self.rest(turns.stream, end, timer.as_mut()).await? {
                Rest::Over(_) if moves_at.is_some() => return Err(Leave::Moved),
                Rest::Over(intended) => return Ok(intended),
                Rest::Called => {
                    let newer = self.shared.script(self.execution);
                    if moves_at.is_none() && newer.is_none_or(|it| it.target != script.target) {
                        // Not all at the same moment: the new target is to bear it.
                        let moment = MOVING.mul_f64(turns.schedule.phase());
                        moves_at = Some(Instant::now() + moment);
                    }
                }
            }
        }
    }

    /// One request and its record.
    async fn request(
        &self,
        turns: &mut Turns<'_>,
        step: &Step,
        intended: Instant,
        timer: Pin<&mut Sleep>,
    ) -> Result<(), Leave> {
        if self.gate.ending.get() {
            return Err(Leave::Ended);
        }
        // What came unasked is no answer to what is asked now.
        if let Err(kind) = self.discard(turns.stream) {
            self.shared.recorder.borrow_mut().broken(kind);
            return Err(Leave::Failed);
        }
        let sent = Instant::now();
        turns.schedule.sent();
        let ended: Ended = match self.exchange(turns.stream, step, sent, timer).await {
            Ok(()) => Ok(()),
            Err(Interrupted::By(kind)) => Err(kind),
            Err(Interrupted::Unsent(kind)) => {
                turns.schedule.take_back();
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
        if turns.schedule.is_paced() {
            recorder.paced();
        }
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

    /// Rests until `end`, and meanwhile watches for the target closing. One that is past
    /// already is no rest.
    async fn rest(
        &self,
        stream: &TcpStream,
        end: Instant,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<Rest, Leave> {
        if end <= Instant::now() {
            return Ok(Rest::Over(end));
        }
        timer.as_mut().reset(end);
        loop {
            select! {
                biased;
                () = self.gate.called() => {
                    return if self.gate.ending.get() { Err(Leave::Ended) } else { Ok(Rest::Called) };
                }
                () = timer.as_mut() => {
                    return Ok(Rest::Over(Instant::now().min(end + TIMER_RESOLUTION)));
                }
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
