//! The slot table against an ECS that honours tokens, over a network that loses and
//! delays, with controllers that crash: no slot ever has two tasks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::super::*;
use crate::model::wish::{Batch, Change, Edit, Spread, State, Wish};

/// A call under way.
#[derive(Debug, Clone, Copy)]
struct Call {
    slot: u32,
    attempt: u32,
    /// Whether a controller still waits for its answer.
    awaited: bool,
}

#[derive(Debug)]
struct Task {
    arn: String,
    slot: u32,
    attempt: u32,
    stopped: bool,
}

/// What happens next; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Event {
    /// Another controller knows no slots: its batch may begin in any.
    Add {
        count: u32,
        knows_slots: bool,
    },
    Remove {
        count: u32,
    },
    Drop {
        first: u32,
        count: u32,
    },
    /// Time passes, and what is due is done.
    Steps {
        ms: Millis,
    },
    /// A call is served or not, and answered or not.
    Answer {
        which: usize,
        lands: bool,
        how: u32,
    },
    /// A call is served; its answer is on its way.
    Lands {
        which: usize,
    },
    /// What is known is written, as it is with any block that changes.
    Written,
    /// A task ends by itself.
    Dies {
        which: usize,
    },
    /// The known tasks are looked at.
    Seen,
    /// The run's tasks are listed.
    Listed,
    /// Another controller takes over.
    Crash,
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (1u32..8, any::<bool>())
            .prop_map(|(count, knows_slots)| Event::Add { count, knows_slots }),
        1 => (1u32..8).prop_map(|count| Event::Remove { count }),
        1 => (0u32..30, 1u32..6).prop_map(|(first, count)| Event::Drop { first, count }),
        6 => (0u64..5_000).prop_map(|ms| Event::Steps { ms }),
        8 => (any::<usize>(), any::<bool>(), 0u32..6)
            .prop_map(|(which, lands, how)| Event::Answer { which, lands, how }),
        3 => any::<usize>().prop_map(|which| Event::Lands { which }),
        2 => Just(Event::Written),
        2 => any::<usize>().prop_map(|which| Event::Dies { which }),
        3 => Just(Event::Seen),
        2 => Just(Event::Listed),
        1 => Just(Event::Crash),
    ]
}

struct World {
    slots: Slots,
    wish: Wish,
    now: Millis,
    /// The slots as they are in the bucket.
    written: BTreeMap<u32, String>,
    tasks: Vec<Task>,
    tokens: HashMap<(u32, u32), usize>,
    calls: Vec<Call>,
    /// The highest attempt of each slot so far.
    attempts: BTreeMap<u32, u32>,
    /// Attempts that this controller knows to have come to nothing, or to have ended.
    over: BTreeSet<(u32, u32)>,
}

impl World {
    fn new(room: u32) -> Self {
        World {
            slots: Slots::new(room),
            wish: Wish::new("plan-1.json", Millis::MAX),
            now: 0,
            written: BTreeMap::new(),
            tasks: Vec::new(),
            tokens: HashMap::new(),
            calls: Vec::new(),
            attempts: BTreeMap::new(),
            over: BTreeSet::new(),
        }
    }

    fn edit(&mut self, change: Change) {
        let id = self.wish.version.to_string();
        self.wish = self.wish.edited(&Edit { id, change }, 0);
    }

    /// What ECS does with RunTask: a token it knows brings no second task.
    fn run_task(&mut self, slot: u32, attempt: u32) -> String {
        let tasks = &mut self.tasks;
        let task = *self.tokens.entry((slot, attempt)).or_insert_with(|| {
            let other = tasks.iter().find(|task| task.slot == slot && !task.stopped);
            assert!(other.is_none(), "attempt {attempt} beside {other:?}");
            let arn = format!("arn-{slot}-{attempt}");
            tasks.push(Task { arn, slot, attempt, stopped: false });
            tasks.len() - 1
        });
        self.tasks[task].arn.clone()
    }

    fn write(&mut self, slot: u32) {
        let slot = self.slots.get(slot).expect("it is in the table");
        let text = serde_json::to_string(slot).expect("a slot is JSON");
        self.written.insert(slot.number, text);
    }

    fn steps(&mut self) {
        let mut fresh = self.slots.clone();
        fresh.start_over();
        let by_slot = |step: &Step| match step {
            Step::Run { slot, .. } | Step::Stop { slot, .. } => *slot,
        };
        let mut expected = fresh.steps(&self.wish, self.now, None);
        let mut steps = self.slots.steps(&self.wish, self.now, None);
        expected.sort_by_key(by_slot);
        steps.sort_by_key(by_slot);
        assert_eq!(steps, expected, "as if all were looked at");
        for step in steps {
            match step {
                Step::Run { slot, attempt } => self.ask(slot, attempt),
                Step::Stop { slot, arn } => {
                    self.slots.told_to_stop(slot, true);
                    self.stop(&arn);
                }
            }
        }
    }

    fn ask(&mut self, slot: u32, attempt: u32) {
        assert!(!self.over.contains(&(slot, attempt)), "attempt {attempt} of {slot} is over");
        let before = self.attempts.insert(slot, attempt).unwrap_or(0);
        assert!(attempt == before || attempt == before + 1, "{attempt} after {before}");
        if attempt > before && before > 0 {
            let former = self.tokens.get(&(slot, before)).map(|&task| self.tasks[task].stopped);
            let may_land = self.calls.iter().any(|it| (it.slot, it.attempt) == (slot, before));
            assert!(former.unwrap_or(!may_land), "attempt {before} of {slot} may still come");
        }
        self.slots.asked(slot, attempt);
        self.write(slot);
        self.calls.push(Call { slot, attempt, awaited: true });
    }

    fn stop(&mut self, arn: &str) {
        let task = self.tasks.iter_mut().find(|task| task.arn == arn);
        task.expect("it was placed").stopped = true;
    }

    /// Serves a call, or not; answers it, or not. One that was neither served nor
    /// answered truly may land later.
    fn answer(&mut self, call: usize, lands: bool, how: u32) {
        let Call { slot, attempt, awaited } = self.calls[call];
        let lost = how >= 4;
        let lands = lands || self.tokens.contains_key(&(slot, attempt));
        let placed = lands.then(|| self.run_task(slot, attempt));
        let (outcome, stays) = match (placed, how) {
            (Some(arn), 0..4) => (Outcome::Placed(arn), false),
            (None, 0) => (Outcome::Refused, false),
            (None, 1) => (Outcome::NotAsked, false),
            (None, 2 | 3) => (Outcome::NoRoom, false),
            (Some(_), _) => (Outcome::Unknown, false),
            (None, _) => (Outcome::Unknown, true),
        };
        let sure = self.slots.get(slot).is_some_and(|slot| !slot.unsure);
        if matches!(outcome, Outcome::Refused | Outcome::NoRoom) && sure && awaited {
            self.over.insert((slot, attempt));
        }
        if stays {
            self.calls[call].awaited = false;
        } else {
            self.calls.remove(call);
        }
        // The slot may have another attempt by now, if its task was found in a list.
        let current = self.slots.get(slot).is_some_and(|slot| {
            slot.attempt == attempt && slot.state == SlotState::Asked { again_at: None }
        });
        if awaited && current {
            self.slots.answered(slot, outcome, self.now);
            if !lost && lands {
                self.slots.room_came();
            }
        }
    }

    fn seen(&mut self) {
        for task in &self.tasks {
            let Some(slot) = self.slots.by_arn(&task.arn) else {
                continue;
            };
            let told = self.slots.get(slot).map(|slot| slot.state.clone());
            match told {
                Some(SlotState::Placed { stopping, .. }) if task.stopped => {
                    let how = if stopping { Gone::AsAsked } else { Gone::Lost };
                    self.slots.gone(slot, how, self.now);
                    self.over.insert((slot, task.attempt));
                }
                _ => self.slots.is_running(slot),
            }
        }
    }

    fn listed(&mut self) {
        for task in self.tasks.iter_mut().filter(|task| !task.stopped) {
            let known = self.slots.by_arn(&task.arn) == Some(task.slot);
            match self.slots.adopt(task.slot, task.attempt, &task.arn, self.now) {
                Adopted::Known => assert!(known),
                Adopted::Mine => assert_eq!(self.slots.by_arn(&task.arn), Some(task.slot)),
                Adopted::Stray => task.stopped = true,
            }
        }
    }

    fn crash(&mut self) {
        let read = |text: &String| serde_json::from_str(text).expect("a slot");
        let slots = self.written.values().map(read).collect();
        // The successor's clock began at another time.
        self.now += 1_000_000;
        self.slots = Slots::restore(self.slots.room(), slots, self.now);
        self.calls.iter_mut().for_each(|call| call.awaited = false);
        self.over.clear();
    }

    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Add { count, knows_slots } => {
                let next = self.wish.next_index();
                let first = if knows_slots { self.slots.usable_from(next) } else { next };
                self.edit(Change::Add(Batch {
                    first,
                    count,
                    execution: 0,
                    start_at: Some(0),
                    over_ms: 0,
                    spread: Spread::AtOnce,
                    seed: 0,
                }));
            }
            Event::Remove { count } => self.edit(Change::Remove { count }),
            Event::Drop { first, count } => {
                let devices = self.wish.live.within(first, count);
                self.edit(Change::Drop { devices });
            }
            Event::Steps { ms } => {
                self.now += ms;
                self.steps();
            }
            Event::Answer { which, lands, how } => {
                if let Some(which) = which.checked_rem(self.calls.len()) {
                    self.answer(which, lands, how);
                }
            }
            Event::Lands { which } => {
                if let Some(which) = which.checked_rem(self.calls.len()) {
                    let Call { slot, attempt, .. } = self.calls[which];
                    self.run_task(slot, attempt);
                }
            }
            Event::Written => {
                let numbers: Vec<u32> = self.slots.iter().map(|slot| slot.number).collect();
                for slot in numbers {
                    self.write(slot);
                }
            }
            Event::Dies { which } => {
                if let Some(which) = which.checked_rem(self.tasks.len()) {
                    self.tasks[which].stopped = true;
                }
            }
            Event::Seen => self.seen(),
            Event::Listed => self.listed(),
            Event::Crash => self.crash(),
        }
        self.assert_index();
    }

    /// What the slots are found by is what they say.
    fn assert_index(&self) {
        let mut fresh = index::Index::default();
        for slot in self.slots.iter() {
            fresh.learn(slot);
        }
        assert_eq!(fresh, self.slots.index);
    }

    /// Everything works for a while.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.now += 31_000;
            self.steps();
            while !self.calls.is_empty() {
                self.answer(0, true, 0);
            }
            if self.wish.state == State::Stop {
                let left: Vec<_> = self.slots.arns().map(str::to_owned).collect();
                for arn in left {
                    self.slots.told_to_stop(self.slots.by_arn(&arn).expect("placed"), true);
                    self.stop(&arn);
                }
            }
            self.listed();
            self.seen();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_slot_ever_has_two_tasks(
        room in 1u32..5,
        events in prop::collection::vec(events(), 1..120),
    ) {
        let mut world = World::new(room);
        for event in &events {
            world.happens(event);
        }
        world.settle();
        // Each device has its task, but where too much went wrong.
        for device in world.wish.live.iter() {
            let slot = world.slots.get(world.slots.slot_of(device)).expect("its slot");
            prop_assert!(
                matches!(slot.state, SlotState::Placed { stopping: false, .. } | SlotState::GivenUp),
                "device {} in {:?}", device, slot
            );
        }
        let alive = |world: &World| world.tasks.iter().filter(|task| !task.stopped).count();
        prop_assert_eq!(alive(&world), world.slots.arns().count());
        world.edit(Change::Stop { scale_to_zero: false });
        world.settle();
        prop_assert!(world.slots.is_quiet());
        prop_assert_eq!(alive(&world), 0);
        prop_assert_eq!(world.slots.steps(&world.wish, Millis::MAX / 2, None), []);
    }
}
