//! What all devices of an agent share.
//!
//! Invariant: an agent has one thread, and no borrow of these cells lives across an
//! await; so plain cells do, and a million devices share two buffers.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io,
    rc::Rc,
    time::Duration,
};

use tokio::net::TcpStream;

use super::{
    Settings, connect::Resolver, pacing::Pace, recorder::Recorder, script::Script, tally::Tally,
};

/// Bytes that are read at once. What is read is thrown away.
const INCOMING: usize = 16 * 1024;
/// How long a request under way is waited for when its device ends.
const DRAIN: Duration = Duration::from_secs(2);

/// What all devices of an agent share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The run's id.
    pub(super) run: String,
    /// The task's name.
    pub(super) task: String,
    /// Where requests are recorded.
    pub(super) recorder: RefCell<Recorder>,
    /// Where devices are counted.
    pub(super) tally: Rc<Tally>,
    /// Where addresses come from.
    pub(super) resolver: Resolver,
    /// Where a request is put together.
    pub(super) outgoing: RefCell<Vec<u8>>,
    /// How long a device that ends waits for its answer.
    pub(super) drain: Cell<Duration>,
    incoming: RefCell<Box<[u8]>>,
    scripts: RefCell<Rc<[Rc<Script>]>>,
    paces: RefCell<BTreeMap<usize, Rc<Pace>>>,
}

impl Shared {
    pub(super) fn new(settings: &Settings) -> Self {
        Shared {
            run: settings.run.clone(),
            task: settings.task.clone(),
            recorder: RefCell::default(),
            tally: Rc::default(),
            resolver: Resolver::default(),
            outgoing: RefCell::default(),
            drain: Cell::new(DRAIN.min(settings.stop / 2)),
            incoming: RefCell::new(vec![0; INCOMING].into_boxed_slice()),
            scripts: RefCell::new(Rc::new([])),
            paces: RefCell::default(),
        }
    }

    /// The script of an execution, as the newest plan has it.
    pub(super) fn script(&self, execution: usize) -> Option<Rc<Script>> {
        self.scripts.borrow().get(execution).cloned()
    }

    /// Devices follow these from their next turn on.
    pub(super) fn set_scripts(&self, scripts: Rc<[Rc<Script>]>) {
        *self.scripts.borrow_mut() = scripts;
    }

    /// The pace of an execution, where a rate is set for it.
    pub(super) fn pace(&self, execution: usize) -> Option<Rc<Pace>> {
        self.paces.borrow().get(&execution).cloned()
    }

    /// Devices keep this pace, or none, as soon as they look.
    pub(super) fn set_pace(&self, execution: usize, pace: Option<Rc<Pace>>) {
        let mut paces = self.paces.borrow_mut();
        match pace {
            Some(pace) => drop(paces.insert(execution, pace)),
            None => drop(paces.remove(&execution)),
        }
    }

    /// Reads what has come and forgets it; how much it was.
    pub(super) fn take(&self, stream: &TcpStream) -> io::Result<usize> {
        stream.try_read(&mut self.incoming.borrow_mut())
    }
}
