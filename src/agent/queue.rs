//! Which device starts next, and when: all that is waiting, in order.
//!
//! Invariants: a waiting device costs four bytes and no timer; a device is started
//! once. Whoever is overdue keeps its batch's pace: when the first one is found to be
//! more than a second late, that lateness is added to all later starts of the batch,
//! so they come as they would have, only later, and never faster.

use crate::model::{
    Millis,
    ramp::{due_at, offset_ms},
    wish::{Batch, Pause, State, Wish},
};

/// What starts later than this is late, in milliseconds.
const LATE: Millis = 1000;

/// The devices of a task's range that are still to start.
#[derive(Debug)]
pub(crate) struct Queue {
    first: u32,
    room: u32,
    waiting: Vec<Waiting>,
    pauses: Vec<Pause>,
    paused: bool,
}

/// A device whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Which device.
    pub(crate) index: u32,
    /// What it follows.
    pub(crate) execution: u32,
    /// Whether that is more than a second after it should have been.
    pub(crate) late: bool,
}

/// One batch's devices.
#[derive(Debug)]
struct Waiting {
    batch: Batch,
    /// Those still to start, the next one last.
    order: Vec<u32>,
    /// By how much this task is behind the batch.
    behind: Millis,
}

impl Queue {
    /// Nothing waits yet; the range is that of the task.
    pub(crate) fn new(first: u32, room: u32) -> Self {
        Queue { first, room, waiting: Vec::new(), pauses: Vec::new(), paused: false }
    }

    /// Follows a newer wish: new batches, opened windows, pauses, devices that left.
    pub(crate) fn follow(&mut self, wish: &Wish) {
        self.pauses.clone_from(&wish.pauses);
        self.paused = wish.state != State::Run;
        let range = self.first..self.first.saturating_add(self.room);
        let ours =
            |batch: &&Batch| batch.first < range.end && batch.first + batch.count > range.start;
        for batch in wish.batches.iter().filter(ours) {
            let known = self.waiting.iter().position(|waiting| waiting.batch.first == batch.first);
            let at = known.unwrap_or_else(|| {
                self.waiting.push(Waiting::new(batch, self.first, self.room));
                self.waiting.len() - 1
            });
            let waiting = &mut self.waiting[at];
            waiting.batch.start_at = batch.start_at;
            waiting.order.retain(|&index| wish.live.contains(index));
        }
    }

    /// How many devices wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.iter().map(|waiting| waiting.order.len()).sum()
    }

    /// When the next device starts, as far as is known.
    pub(crate) fn next_due(&self) -> Option<Millis> {
        if self.paused {
            return None;
        }
        self.waiting.iter().filter_map(|waiting| waiting.next_due(&self.pauses)).min()
    }

    /// The device whose time has come first, if there is one.
    pub(crate) fn pop(&mut self, now: Millis) -> Option<Start> {
        if self.paused {
            return None;
        }
        let pauses = &self.pauses;
        let ready = self.waiting.iter_mut().filter_map(|waiting| {
            let due = waiting.next_due(pauses).filter(|&due| due <= now)?;
            Some((due, waiting))
        });
        let (due, next) = ready.min_by_key(|&(due, _)| due)?;
        if now - due > LATE {
            next.behind += now - due;
        }
        let index = next.order.pop()?;
        let planned = due_at(&next.batch, pauses, index).unwrap_or(now);
        let late = now.saturating_sub(planned) > LATE;
        Some(Start { index, execution: next.batch.execution, late })
    }
}

impl Waiting {
    fn new(batch: &Batch, first: u32, room: u32) -> Self {
        let own =
            batch.first.max(first)..(batch.first + batch.count).min(first.saturating_add(room));
        let mut order: Vec<u32> = own.collect();
        // By time and then by index, the first one last. The windows' beginning and
        // the pauses move all alike, so the order stays right.
        order.sort_by_cached_key(|&index| std::cmp::Reverse((offset_ms(batch, index), index)));
        Waiting { batch: batch.clone(), order, behind: 0 }
    }

    /// When the next one starts: as if the window had opened later by what this
    /// task is behind, so that pauses move it once and not twice.
    fn next_due(&self, pauses: &[Pause]) -> Option<Millis> {
        let &next = self.order.last()?;
        let start_at = self.batch.start_at.map(|start| start + self.behind);
        due_at(&Batch { start_at, ..self.batch.clone() }, pauses, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ranges::DeviceSet, wish::Spread};

    const START: Millis = 1_000_000;

    fn wish(spread: Spread, count: u32, over_ms: Millis) -> Wish {
        let mut wish = Wish::new("plan-1.json", Millis::MAX);
        let start_at = Some(START);
        let batch = Batch { first: 0, count, execution: 0, start_at, over_ms, spread, seed: 7 };
        wish.batches.push(batch);
        wish.live.insert(0, count);
        wish
    }

    /// Pops what is due, millisecond by millisecond: moments and indices.
    fn starts(queue: &mut Queue, from: Millis, to: Millis) -> Vec<(Millis, Start)> {
        let mut starts = Vec::new();
        for now in from..to {
            while let Some(start) = queue.pop(now) {
                starts.push((now, start));
            }
        }
        starts
    }

    #[test]
    fn each_device_of_the_range_starts_once_at_its_moment() {
        let wish = wish(Spread::Uniform, 100, 10_000);
        let mut queue = Queue::new(20, 50);
        queue.follow(&wish);
        assert_eq!(queue.len(), 50);
        let starts = starts(&mut queue, START - 10, START + 10_000);
        assert_eq!((starts.len(), queue.len()), (50, 0));
        for (now, start) in &starts {
            assert_eq!(due_at(&wish.batches[0], &[], start.index), Some(*now));
            assert!(!start.late && (20..70).contains(&start.index));
        }
    }

    #[test]
    fn a_closed_window_and_a_pause_hold_everything() {
        let mut wish = wish(Spread::Linear, 100, 10_000);
        wish.batches[0].start_at = None;
        let mut queue = Queue::new(0, 100);
        queue.follow(&wish);
        assert_eq!((queue.next_due(), queue.pop(Millis::MAX)), (None, None));
        wish.batches[0].start_at = Some(START);
        queue.follow(&wish);
        assert_eq!(queue.next_due(), Some(START));
        assert_eq!(starts(&mut queue, START, START + 5000).len(), 50);
        wish.state = State::Paused;
        wish.pauses.push(Pause { from: START + 5000, to: None });
        queue.follow(&wish);
        assert_eq!(starts(&mut queue, START + 5000, START + 8000).len(), 0);
        wish.state = State::Run;
        wish.pauses[0].to = Some(START + 8000);
        queue.follow(&wish);
        let rest = starts(&mut queue, START + 8000, START + 13_000);
        assert_eq!(rest.len(), 50);
        assert!(rest.iter().all(|(_, start)| !start.late));
    }

    #[test]
    fn whoever_left_never_starts() {
        let mut wish = wish(Spread::AtOnce, 100, 0);
        let mut queue = Queue::new(0, 100);
        queue.follow(&wish);
        wish.live = "0-9,50".parse::<DeviceSet>().expect("ranges");
        queue.follow(&wish);
        assert_eq!(starts(&mut queue, START, START + 1).len(), 11);
    }

    #[test]
    fn a_late_task_keeps_its_batches_pace() {
        let wish = wish(Spread::Linear, 100, 10_000);
        let mut queue = Queue::new(0, 100);
        queue.follow(&wish);
        let late = starts(&mut queue, START + 60_000, START + 71_000);
        assert_eq!(late.len(), 100);
        assert!(late.iter().all(|(_, start)| start.late));
        for (n, (now, _)) in (0..).zip(&late) {
            assert_eq!(*now, START + 60_000 + n * 100);
        }
    }

    #[test]
    fn a_pause_moves_a_late_task_once() {
        let mut wish = wish(Spread::Linear, 100, 10_000);
        let mut queue = Queue::new(0, 100);
        queue.follow(&wish);
        // Five seconds behind, half of its starts done, then paused for a minute.
        assert_eq!(starts(&mut queue, START + 5000, START + 10_000).len(), 50);
        wish.pauses.push(Pause { from: START + 10_000, to: Some(START + 70_000) });
        queue.follow(&wish);
        let rest = starts(&mut queue, START + 70_000, START + 75_000);
        assert_eq!(rest.len(), 50);
    }

    #[test]
    fn a_small_delay_is_made_up_for() {
        let mut queue = Queue::new(0, 100);
        queue.follow(&wish(Spread::Linear, 100, 10_000));
        let starts = starts(&mut queue, START + 500, START + 10_000);
        assert_eq!(starts.len(), 100);
        assert_eq!(starts.iter().filter(|(now, _)| *now == START + 500).count(), 6);
        assert!(starts.iter().all(|(_, start)| !start.late));
    }
}
