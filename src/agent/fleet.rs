//! The devices of this task: started as the queue says, ended as the wish says.
//!
//! Invariant: a device runs exactly while its index is in the wish's `live`, from
//! its moment on; what ended never starts again.

use std::{collections::HashMap, rc::Rc};

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{
    device::{Device, Gate},
    pacing::Pacing,
    queue::Queue,
    shared::Shared,
};
use crate::model::{Millis, wish::Wish};

/// So many devices start before the runtime gets to see to the others.
const STARTS_AT_ONCE: usize = 64;

/// The devices of this task.
pub(super) struct Fleet {
    shared: Rc<Shared>,
    queue: Queue,
    pacing: Pacing,
    plan: String,
    gates: HashMap<u32, Rc<Gate>>,
    tasks: TaskTracker,
}

impl Fleet {
    pub(super) fn new(shared: Rc<Shared>, first: u32, room: u32) -> Self {
        let queue = Queue::new(first, room);
        Fleet {
            shared,
            queue,
            pacing: Pacing::default(),
            plan: String::new(),
            gates: HashMap::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Follows a newer wish.
    pub(super) fn follow(&mut self, wish: &Wish) {
        self.queue.follow(wish);
        self.gates.retain(|&index, gate| {
            let live = wish.live.contains(index);
            if !live {
                gate.end();
            }
            live
        });
        self.shared.tally.set_waiting(self.queue.len());
        if self.plan != wish.plan {
            self.plan.clone_from(&wish.plan);
            self.call();
        }
    }

    /// Keeps the rates of the wish; when to do so again.
    pub(super) fn pace(&mut self, wish: &Wish, now: Millis) -> Option<Millis> {
        let paced = self.pacing.follow(&self.shared, wish, now);
        if paced.changed {
            self.call();
        }
        paced.again
    }

    /// Has devices that rest look at their plan and their pace.
    fn call(&self) {
        self.gates.values().for_each(|gate| gate.call());
    }

    /// Starts devices whose time has come: all, or as many as are started at once.
    /// When the next one is due, as far as that is known.
    pub(super) fn start(&mut self, now: Millis) -> Option<Millis> {
        for _ in 0..STARTS_AT_ONCE {
            let Some(start) = self.queue.pop(now) else {
                break;
            };
            if start.late {
                self.shared.recorder.borrow_mut().late_start();
            }
            let gate = Rc::new(Gate::default());
            let shared = Rc::clone(&self.shared);
            let device = Device::new(start.index, start.execution, shared, Rc::clone(&gate));
            self.gates.insert(start.index, gate);
            self.tasks.spawn_local(device.live());
        }
        self.shared.tally.set_waiting(self.queue.len());
        self.queue.next_due()
    }

    /// Ends all devices, and waits for them as long as the drain allows.
    pub(super) async fn end(mut self) {
        self.gates.drain().for_each(|(_, gate)| gate.end());
        self.shared.tally.set_waiting(0);
        self.tasks.close();
        // Devices keep to the drain by themselves; twice that is for a busy machine.
        let _ = timeout(self.shared.drain.get() * 2, self.tasks.wait()).await;
    }
}
