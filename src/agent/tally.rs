//! How many devices are in which state, and how many sockets they hold.
//!
//! Invariant: whoever is counted holds a guard, so that a device that ends in
//! whatever way is counted out.

use std::{cell::Cell, rc::Rc};

use crate::stats::Devices;

/// The states of devices that were started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// On the way to the first connection.
    Starting,
    /// Connected.
    Connected,
    /// Not connected; tries again.
    Failed,
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    waiting: Cell<u64>,
    starting: Cell<u64>,
    connected: Cell<u64>,
    failed: Cell<u64>,
    peak: Cell<u64>,
    sockets: Cell<u64>,
}

impl Tally {
    /// So many devices wait for their start.
    pub(super) fn set_waiting(&self, devices: usize) {
        self.waiting.set(devices as u64);
    }

    /// The devices now, and the peak since this was last asked.
    pub(super) fn take(&self) -> Devices {
        let devices = Devices {
            waiting: self.waiting.get(),
            starting: self.starting.get(),
            connected: self.connected.get(),
            failed: self.failed.get(),
            peak: self.peak.get(),
        };
        self.peak.set(devices.connected);
        devices
    }

    /// Sockets now.
    pub(super) fn sockets(&self) -> u64 {
        self.sockets.get()
    }

    fn of(&self, standing: Standing) -> &Cell<u64> {
        match standing {
            Standing::Starting => &self.starting,
            Standing::Connected => &self.connected,
            Standing::Failed => &self.failed,
        }
    }

    fn enter(&self, standing: Standing) {
        let count = self.of(standing);
        count.set(count.get() + 1);
        self.peak.set(self.peak.get().max(self.connected.get()));
    }

    fn leave(&self, standing: Standing) {
        let count = self.of(standing);
        count.set(count.get() - 1);
    }
}

/// One device's place in the tally.
#[derive(Debug)]
pub(super) struct Place {
    tally: Rc<Tally>,
    standing: Standing,
}

impl Place {
    /// A device that starts.
    pub(super) fn new(tally: Rc<Tally>) -> Self {
        tally.enter(Standing::Starting);
        Place { tally, standing: Standing::Starting }
    }

    /// The device is now at something else.
    pub(super) fn set(&mut self, standing: Standing) {
        self.tally.leave(self.standing);
        self.tally.enter(standing);
        self.standing = standing;
    }

    /// Counts a socket for as long as the guard lives.
    pub(super) fn socket(&self) -> Socket {
        self.tally.sockets.set(self.tally.sockets.get() + 1);
        Socket(Rc::clone(&self.tally))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.tally.leave(self.standing);
    }
}

/// One socket's place in the tally.
#[derive(Debug)]
pub(super) struct Socket(Rc<Tally>);

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.sockets.set(self.0.sockets.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_counted_in_moved_and_counted_out() {
        let tally = Rc::new(Tally::default());
        let mut one = Place::new(Rc::clone(&tally));
        let two = Place::new(Rc::clone(&tally));
        let socket = one.socket();
        one.set(Standing::Connected);
        assert_eq!(
            tally.take(),
            Devices { starting: 1, connected: 1, peak: 1, ..Devices::default() }
        );
        assert_eq!(tally.sockets(), 1);
        one.set(Standing::Failed);
        drop((two, socket));
        // The peak of this interval: one was still connected when it began.
        assert_eq!(tally.take(), Devices { failed: 1, peak: 1, ..Devices::default() });
        drop(one);
        assert_eq!((tally.take(), tally.sockets()), (Devices::default(), 0));
    }
}
