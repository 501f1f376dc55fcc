//! Which part of which task is to be read next, and when.
//!
//! Invariant: a part is asked for when it can be there, and again the more seldom the
//! longer it does not come, at least once in the time of a part; a task's parts are read in their order, each once. Where more tasks are than can be
//! read, an even choice of them is, and a smaller choice is part of a larger one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::requests::of_name;
use crate::model::Millis;

/// Parts that are asked for a second, at most.
pub(super) const GETS_PER_S: u32 = 20;
/// How much of that parts take that are there; the rest is for those that are not yet.
const SHARE: f64 = 0.9;
/// How long after its last interval a part is there, in milliseconds.
const WRITTEN_MS: Millis = 800;
/// How soon a part that is not there yet is asked for again, at the earliest.
const AGAIN_LEAST_MS: Millis = 1_000;
/// How long after a failure it is asked for again.
const FAILED_MS: Millis = 5_000;
/// How many of its last parts are read of a task that was there before us.
const BACK: u32 = 12;
/// Parts that do not come for so many lengths of one may be lost: the list says.
const LOST_AFTER: Millis = 4;
/// Of so many tasks beyond those that there are is known how far they were read.
const LEFT_MOST: usize = 20_000;

/// The tasks whose parts are read.
#[derive(Debug, Default)]
pub(super) struct Queue {
    tasks: BTreeMap<String, Reading>,
    /// When each of them is due that is not on its way: once each.
    due: BTreeSet<(Millis, String)>,
    /// Tasks that are not read, or not any more, and the first part of each that was not:
    /// they may come back, and no part counts twice.
    left: HashMap<String, u32>,
    /// Whether tasks that come are new: the first ones of a run that is joined are not.
    begun: bool,
    of: u32,
}

/// What is read of one task.
#[derive(Debug)]
struct Reading {
    /// The part to read next; none: its last parts are to be looked for.
    next: Option<u32>,
    /// Parts before this were read, or are too old.
    least: u32,
    due: Millis,
    /// Since when the next part could be there.
    since: Millis,
    /// When it was first missing from the tasks that may report.
    gone: Option<Millis>,
}

/// What is to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    /// Of which task.
    pub(super) task: String,
    /// Its part; none: which is the last one.
    pub(super) part: Option<u32>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was read; its last interval ended then (the bucket's clock).
    Read(Millis),
    /// It is not there yet.
    Missing,
    /// It is there and is none.
    Unreadable,
    /// The last part has this number; none: there is no part yet.
    Last(Option<u32>),
    /// Nobody knows.
    Failed,
}

/// How long parts are, and what time it is (the bucket's clock).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Length of a part.
    pub(super) every_ms: Millis,
    /// Now.
    pub(super) now: Millis,
}

impl Queue {
    /// Learns which tasks may write parts. `joined`: those of the first time were there
    /// before us.
    pub(super) fn follow(&mut self, names: &[String], joined: bool, pace: Pace) {
        let Pace { every_ms, now } = pace;
        let most = f64::from(GETS_PER_S) * every_ms as f64 / 1000.0 * SHARE;
        let share = (most / names.len().max(1) as f64).min(1.0);
        let chosen: BTreeSet<&String> =
            names.iter().filter(|name| is_chosen(name, share)).collect();
        self.of = names.len() as u32;
        let was_there = joined && !self.begun;
        for &name in &chosen {
            if let Some(known) = self.tasks.get_mut(name) {
                known.gone = None;
                continue;
            }
            // One that wrote parts before it was chosen is as one that was there before us.
            let left = self.left.remove(name);
            let is_new = !was_there && left.is_none();
            let due = if is_new { now + every_ms + WRITTEN_MS } else { now };
            let next = is_new.then_some(1);
            let reading = Reading { next, least: left.unwrap_or(1), due, since: due, gone: None };
            self.tasks.insert(name.clone(), reading);
            self.due.insert((due, name.clone()));
        }
        self.begun |= !names.is_empty();
        self.leave(names, &chosen, now);
    }

    /// Reads no more of who is not chosen any more: of who is gone, what there is.
    fn leave(&mut self, names: &[String], chosen: &BTreeSet<&String>, now: Millis) {
        let all: BTreeSet<&String> = names.iter().collect();
        for (_, reading) in self.tasks.iter_mut().filter(|(name, _)| !chosen.contains(name)) {
            reading.gone.get_or_insert(now);
        }
        for &name in all.iter().filter(|name| !chosen.contains(*name)) {
            if let Some(reading) = self.tasks.remove(name) {
                self.due.remove(&(reading.due, name.clone()));
                self.left.insert(name.clone(), reading.least);
            } else if !self.left.contains_key(name) {
                self.left.insert(name.clone(), 1);
            }
        }
        if self.left.len() > names.len() + LEFT_MOST {
            self.left.retain(|name, _| all.contains(name));
        }
    }

    /// Of how many tasks parts are read, and how many there are.
    pub(super) fn coverage(&self) -> (u32, u32) {
        let read = self.tasks.values().filter(|it| it.gone.is_none()).count() as u32;
        (read, self.of.max(read))
    }

    /// Whether the task's parts are read.
    pub(super) fn has(&self, task: &str) -> bool {
        self.tasks.contains_key(task)
    }

    /// What is due now, the longest due first, as far as `may` allows.
    pub(super) fn take(&mut self, now: Millis, mut may: impl FnMut() -> bool) -> Vec<Ask> {
        let mut asks = Vec::new();
        while let Some((due, _)) = self.due.first()
            && *due <= now
        {
            let known = self.due.first().and_then(|(_, task)| self.tasks.get(task));
            let part = known.map(|it| it.next);
            if part.is_some() && !may() {
                break;
            }
            let task = self.due.pop_first().map(|(_, task)| task);
            asks.extend(task.zip(part).map(|(task, part)| Ask { task, part }));
        }
        asks
    }

    /// Learns what came of it.
    pub(super) fn answered(&mut self, ask: &Ask, answer: Answer, pace: Pace) {
        let Pace { every_ms, now } = pace;
        let Some(reading) = self.tasks.get_mut(&ask.task) else {
            if let (Answer::Read(_), Some(part)) = (answer, ask.part) {
                let least = self.left.entry(ask.task.clone()).or_insert(1);
                *least = (part + 1).max(*least);
            }
            return;
        };
        // It may have left and come back meanwhile.
        self.due.remove(&(reading.due, ask.task.clone()));
        let soonest = AGAIN_LEAST_MS.max(every_ms / 10);
        let again = now + now.saturating_sub(reading.since).clamp(soonest, every_ms.max(soonest));
        let is_gone = reading.gone.is_some_and(|since| now > since + every_ms);
        match answer {
            Answer::Read(end) => reading.went_on(ask.part, end + every_ms + WRITTEN_MS),
            Answer::Unreadable => reading.went_on(ask.part, now),
            Answer::Missing | Answer::Last(None) if is_gone => {
                self.left.insert(ask.task.clone(), reading.least);
                self.tasks.remove(&ask.task);
                return;
            }
            Answer::Missing => {
                reading.due = again;
                if now > reading.since + LOST_AFTER * every_ms {
                    (reading.next, reading.due, reading.since) = (None, now, now);
                }
            }
            Answer::Last(None) => {
                // None of its parts ever came: nobody knows whether any will.
                let due = now + every_ms.max(soonest);
                (reading.next, reading.due, reading.since) = (Some(1), due, now);
            }
            Answer::Last(Some(last)) => {
                let next = (last + 1).saturating_sub(BACK).max(reading.least);
                (reading.next, reading.due, reading.since) = (Some(next), now, now);
                if next > last {
                    reading.due = now + soonest;
                }
            }
            Answer::Failed => reading.due = now + FAILED_MS,
        }
        self.due.insert((reading.due, ask.task.clone()));
    }

    /// Lets all be asked for again: whatever was on its way is lost.
    pub(super) fn forget_calls(&mut self) {
        self.due = self.tasks.iter().map(|(name, it)| (it.due, name.clone())).collect();
    }
}

impl Reading {
    /// The next part can be there at `due`.
    fn went_on(&mut self, read: Option<u32>, due: Millis) {
        self.least = (read.unwrap_or(0) + 1).max(self.least);
        self.next = Some(self.least);
        (self.due, self.since) = (due, due);
    }
}

/// Whether a task is in a choice of this share of all. The golden ratio's multiples lie
/// evenly, whichever of them are taken.
fn is_chosen(name: &str, share: f64) -> bool {
    let slot = of_name(name).map_or(0, |(slot, _)| slot);
    f64::from(slot.wrapping_mul(0x9e37_79b9)) < share * (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(slots: u32) -> Vec<String> {
        (0..slots).map(|slot| format!("{slot:05}-1")).collect()
    }

    fn pace(now: Millis) -> Pace {
        Pace { every_ms: 60_000, now }
    }

    fn take(queue: &mut Queue, now: Millis) -> Vec<Ask> {
        queue.take(now, || true)
    }

    #[test]
    fn a_task_is_read_part_by_part_when_they_come() {
        let mut queue = Queue::default();
        queue.follow(&names(1), false, pace(0));
        assert_eq!(take(&mut queue, 60_000), [], "nothing can be there");
        let first = take(&mut queue, 61_000);
        assert_eq!(first[0].part, Some(1));
        assert_eq!(take(&mut queue, 61_000), [], "it is on its way");
        queue.answered(&first[0], Answer::Missing, pace(61_000));
        assert_eq!(take(&mut queue, 66_000), []);
        let first = take(&mut queue, 67_000);
        queue.answered(&first[0], Answer::Read(65_000), pace(67_000));
        assert_eq!(take(&mut queue, 125_000), []);
        let second = take(&mut queue, 126_000);
        assert_eq!(second[0].part, Some(2));
        queue.answered(&second[0], Answer::Unreadable, pace(126_000));
        assert_eq!(take(&mut queue, 126_000)[0].part, Some(3), "one bad part is passed over");
    }

    #[test]
    fn who_joins_late_reads_the_last_parts_only() {
        let mut queue = Queue::default();
        queue.follow(&names(1), true, pace(0));
        let ask = take(&mut queue, 0);
        assert_eq!(ask[0].part, None);
        queue.answered(&ask[0], Answer::Last(Some(500)), pace(100));
        let mut read = Vec::new();
        while let [ask] = &take(&mut queue, 10_000)[..] {
            read.push(ask.part);
            queue.answered(ask, Answer::Read(0), pace(0));
            queue.tasks.values_mut().for_each(|it| it.due = 0);
            queue.forget_calls();
            if read.len() == 13 {
                break;
            }
        }
        assert_eq!((read[0], read[12]), (Some(489), Some(501)));
        // What comes after the first look is new.
        queue.follow(&names(2), true, pace(20_000));
        assert_eq!(queue.tasks["00001-1"].next, Some(1));
    }

    #[test]
    fn parts_that_never_come_are_asked_for_seldom() {
        let mut queue = Queue::default();
        let pace = |now| Pace { every_ms: 5_000, now };
        queue.follow(&names(1), false, pace(0));
        let asks = (0..600_000).step_by(100).map(|now| {
            let asks = take(&mut queue, now);
            for ask in &asks {
                let nothing = ask.part.map_or(Answer::Last(None), |_| Answer::Missing);
                queue.answered(ask, nothing, pace(now));
            }
            asks.len()
        });
        let asks: usize = asks.sum();
        // Once a second would be six hundred, once in the time of a part 120.
        assert!((60..=180).contains(&asks), "{asks}");
    }

    #[test]
    fn a_lost_part_does_not_hold_the_others_up() {
        let mut queue = Queue::default();
        queue.follow(&names(1), false, pace(0));
        let mut now = 0;
        let ask = loop {
            now += 1_000;
            match &take(&mut queue, now)[..] {
                [Ask { part: Some(_), .. }] => {
                    let ask = Ask { task: names(1)[0].clone(), part: Some(1) };
                    queue.answered(&ask, Answer::Missing, pace(now));
                }
                [ask] => break ask.clone(),
                _ => {}
            }
        };
        assert!((300_000..400_000).contains(&now), "{now}");
        queue.answered(&ask, Answer::Last(Some(3)), pace(now));
        assert_eq!(take(&mut queue, now)[0].part, Some(1), "the oldest of the last ones");
    }

    #[test]
    fn a_task_that_is_gone_is_read_to_its_end() {
        let mut queue = Queue::default();
        queue.follow(&names(1), false, pace(0));
        let ask = take(&mut queue, 70_000);
        queue.follow(&[], false, pace(70_000));
        assert_eq!(queue.coverage(), (0, 0));
        queue.answered(&ask[0], Answer::Read(69_000), pace(71_000));
        let last = take(&mut queue, 140_000);
        assert_eq!(last[0].part, Some(2));
        queue.answered(&last[0], Answer::Missing, pace(140_000));
        assert!(queue.tasks.is_empty());
        assert_eq!(take(&mut queue, 999_000), []);
        // It was there all the time: only what a table said that was not read yet.
        queue.follow(&names(1), false, pace(999_000));
        let ask = take(&mut queue, 999_000);
        assert_eq!(ask[0].part, None);
        queue.answered(&ask[0], Answer::Last(Some(4)), pace(999_000));
        assert_eq!(take(&mut queue, 999_000)[0].part, Some(2), "no part counts twice");
    }

    #[test]
    fn who_is_chosen_again_is_read_from_where_it_was_left() {
        let mut queue = Queue::default();
        queue.follow(&names(1_000), false, pace(0));
        let asks = take(&mut queue, 61_000);
        assert_eq!(asks.len(), 1_000);
        queue.follow(&names(10_000), false, pace(61_000));
        // What was on its way comes all the same.
        for ask in &asks {
            queue.answered(ask, Answer::Read(60_000), pace(61_000));
        }
        let left = "00001-1";
        assert!(!queue.has(left), "it is not chosen");
        queue.follow(&names(1_000), false, pace(600_000));
        let asks = take(&mut queue, 600_000);
        let asks: Vec<&Ask> = asks.iter().filter(|ask| ask.task == left).collect();
        assert_eq!(asks, [&Ask { task: left.to_owned(), part: None }], "once");
        queue.answered(asks[0], Answer::Last(Some(9)), pace(600_000));
        let asks = take(&mut queue, 600_000);
        assert_eq!(asks.iter().find(|ask| ask.task == left).map(|ask| ask.part), Some(Some(2)));
        // One that was never chosen has parts, too: the last of them are read.
        assert_eq!(queue.left.get("05000-1"), Some(&1));
    }

    #[test]
    fn who_leaves_and_comes_back_while_a_part_is_on_its_way_is_asked_for_once() {
        let mut queue = Queue::default();
        queue.follow(&names(1_000), false, pace(0));
        let (left, asks) = ("00001-1", take(&mut queue, 61_000));
        queue.follow(&names(10_000), false, pace(61_000));
        queue.follow(&names(1_000), false, pace(61_000));
        for ask in &asks {
            queue.answered(ask, Answer::Read(60_000), pace(61_000));
        }
        assert_eq!(queue.due.iter().filter(|(_, task)| task == left).count(), 1);
        assert_eq!(queue.tasks[left].next, Some(2));
    }

    #[test]
    fn of_too_many_tasks_an_even_choice_is_read() {
        let mut queue = Queue::default();
        queue.follow(&names(1_000), false, pace(0));
        assert_eq!(queue.coverage(), (1_000, 1_000), "what a minute has room for");
        queue.follow(&names(10_000), false, pace(0));
        let (read, of) = queue.coverage();
        assert_eq!(of, 10_000);
        assert!((1_060..=1_100).contains(&read), "{read}");
        for thousand in 0..10 {
            let names = names(10_000);
            let some = names[thousand * 1000..][..1000].iter();
            let some = some.filter(|it| is_chosen(it, 0.108)).count();
            assert!((100..=116).contains(&some), "{some} of those from {thousand}000 on");
        }
        let bounded = queue.take(Millis::MAX, {
            let mut left = 20;
            move || {
                left -= 1;
                left >= 0
            }
        });
        assert_eq!(bounded.len(), 20);
    }
}
