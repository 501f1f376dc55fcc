//! What must happen next so that the tasks match the wish.
//!
//! Invariant: what [`Slots::steps`] names is what a look at every slot would name. It
//! looks only at those that changed, whose time has come, or that were named and not
//! begun; at all of them only when the wish changed.

use std::collections::BTreeSet;

use super::{Slot, SlotState, Slots, Step};
use crate::model::{
    Millis, ramp,
    ranges::DeviceSet,
    wish::{Batch, Pause, State, Wish},
};

/// What is looked at next.
#[derive(Debug, Clone, Default)]
pub(super) struct Agenda {
    /// What the slots were last compared with.
    seen: Option<Seen>,
    /// Slots to look at in the next call.
    open: BTreeSet<u32>,
    /// Slots to look at from then on.
    later: BTreeSet<(Millis, u32)>,
    /// Slots whose first device is due then, in the bucket's time.
    due: BTreeSet<(Millis, u32)>,
}

/// What of the wish the slots depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    state: State,
    live: DeviceSet,
    batches: Vec<Batch>,
    pauses: Vec<Pause>,
    next_index: u32,
    /// Whether slots wait until their first device is due.
    by_due: bool,
}

/// What comes of a look at one slot.
enum Look {
    Step(Step),
    /// Nothing, until something happens to the slot or the wish.
    Nothing,
    /// Nothing until then.
    Later(Millis),
    /// Nothing until then, in the bucket's time.
    Due(Millis),
}

impl Agenda {
    /// Looks at this slot in the next call.
    pub(super) fn look_at(&mut self, slot: u32) {
        self.open.insert(slot);
    }

    /// The lowest index that no batch had, as far as was seen.
    pub(super) fn next_index(&self) -> u32 {
        self.seen.as_ref().map_or(0, |seen| seen.next_index)
    }

    /// Whether any of these devices was wanted when the wish was last seen.
    pub(super) fn wants(&self, first: u32, count: u32) -> bool {
        let wants = |seen: &Seen| seen.state != State::Stop && seen.live.has_any(first, count);
        self.seen.as_ref().is_none_or(wants)
    }

    /// Takes the wish in; whether it changed in what matters here.
    fn learn(&mut self, wish: &Wish, by_due: bool) -> bool {
        let same = |seen: &Seen| {
            seen.by_due == by_due
                && seen.state == wish.state
                && seen.live == wish.live
                && seen.batches == wish.batches
                && seen.pauses == wish.pauses
        };
        if self.seen.as_ref().is_some_and(same) {
            return false;
        }
        self.seen = Some(Seen {
            state: wish.state,
            live: wish.live.clone(),
            batches: wish.batches.clone(),
            pauses: wish.pauses.clone(),
            next_index: wish.next_index(),
            by_due,
        });
        self.later.clear();
        self.due.clear();
        true
    }

    /// Opens what has come due.
    fn wake(&mut self, now: Millis, due_by: Option<Millis>) {
        for (waits, by) in [(&mut self.later, Some(now)), (&mut self.due, due_by)] {
            while let Some(&(at, slot)) = waits.first()
                && by.is_some_and(|by| at <= by)
            {
                waits.pop_first();
                self.open.insert(slot);
            }
        }
    }
}

impl Slots {
    /// What must happen next so that the tasks match the wish. Steps that are on
    /// their way are not named again, once [`Slots::asked`] or
    /// [`Slots::told_to_stop`] said so. While the cluster has no room, one slot
    /// asks for all that wait.
    ///
    /// `due_by` is for tasks that cannot pace their devices: a slot is asked for only
    /// when its first device is due by then, in the bucket's time.
    #[must_use]
    pub fn steps(&mut self, wish: &Wish, now: Millis, due_by: Option<Millis>) -> Vec<Step> {
        if self.agenda.learn(wish, due_by.is_some()) {
            if wish.state != State::Stop {
                self.grow(wish);
            }
            self.agenda.open = self.by_number.keys().copied().collect();
        }
        self.agenda.wake(now, due_by);
        let mut steps = Vec::new();
        let open: Vec<u32> = self.agenda.open.iter().copied().collect();
        for number in open {
            match self.look(number, wish, now, due_by) {
                // It stays open until it is begun.
                Look::Step(step) => {
                    steps.push(step);
                    continue;
                }
                Look::Nothing => {}
                Look::Later(at) => {
                    self.agenda.later.insert((at, number));
                }
                Look::Due(at) => {
                    self.agenda.due.insert((at, number));
                }
            }
            self.agenda.open.remove(&number);
        }
        steps.extend(self.ask_for_room(wish, now, due_by));
        steps
    }

    /// Has the next call look at all slots.
    #[cfg(test)]
    pub(super) fn start_over(&mut self) {
        self.agenda.seen = None;
    }

    /// Adds the slots that the wish's live devices need.
    fn grow(&mut self, wish: &Wish) {
        for range in wish.live.ranges() {
            for number in self.slot_of(*range.start())..=self.slot_of(*range.end()) {
                self.by_number.entry(number).or_insert_with(|| {
                    let slot = Slot::new(number);
                    self.index.learn(&slot);
                    slot
                });
            }
        }
    }

    fn look(&mut self, number: u32, wish: &Wish, now: Millis, due_by: Option<Millis>) -> Look {
        self.settle(number, wish);
        let ending = wish.state == State::Stop;
        let first = self.first_device(number);
        let Some(slot) = self.by_number.get(&number) else {
            return Look::Nothing;
        };
        match &slot.state {
            // The agents of an ending run go by themselves; who stays too long is told
            // by the controller.
            SlotState::Placed { arn, stopping: false, .. }
                if !ending && !wish.live.has_any(first, self.room) =>
            {
                Look::Step(Step::Stop { slot: number, arn: arn.clone() })
            }
            SlotState::Free { from, no_room: false } if *from > now => Look::Later(*from),
            SlotState::Free { no_room: false, .. } => match self.due_at(slot, wish, due_by) {
                Some(at) if due_by.is_some_and(|by| at > by) => Look::Due(at),
                Some(_) => Look::Step(run(slot)),
                None => Look::Nothing,
            },
            // A lost answer is cleared up even when the task is no longer wanted: it
            // may exist.
            SlotState::Asked { again_at: Some(at) } if *at <= now => Look::Step(run(slot)),
            SlotState::Asked { again_at: Some(at) } => Look::Later(*at),
            _ => Look::Nothing,
        }
    }

    /// Retires a slot that nobody needs, and revives one that is needed again.
    fn settle(&mut self, number: u32, wish: &Wish) {
        let Some(slot) = self.by_number.get(&number) else {
            return;
        };
        let ending = wish.state == State::Stop;
        let first = self.first_device(number);
        let wanted = !ending && wish.live.has_any(first, self.room);
        // Devices that it was given up with do not bring it back.
        let unseen = slot.given_up_below.unwrap_or(u32::MAX).max(first);
        let beyond = first.saturating_add(self.room);
        let has_unseen = || wish.live.has_any(unseen, beyond.saturating_sub(unseen));
        match slot.state {
            SlotState::Free { .. } if !wanted => self.alter(number, Slot::retire),
            // What was given up stays so to the end: it is told in the summary.
            SlotState::GivenUp if !wanted && !ending => self.alter(number, Slot::retire),
            SlotState::GivenUp if wanted && has_unseen() => self.alter(number, Slot::revive),
            SlotState::Retired if wanted => self.alter(number, Slot::revive),
            _ => {}
        }
    }

    /// When a task may be asked for: 0 if at once, none if nobody knows yet.
    fn due_at(&self, slot: &Slot, wish: &Wish, due_by: Option<Millis>) -> Option<Millis> {
        if due_by.is_none() {
            return Some(0);
        }
        // Who was overdue when the ramp was paused waits too.
        if slot.attempt == 0 && wish.state == State::Paused {
            return None;
        }
        let first = self.first_device(slot.number);
        let device = wish.live.within(first, self.room).iter().next()?;
        ramp::due_at(wish.batch_of(device)?, &wish.pauses, device)
    }

    /// Of the slots that wait for room, the one that asks for all.
    fn ask_for_room(&self, wish: &Wish, now: Millis, due_by: Option<Millis>) -> Option<Step> {
        if self.counts().asked > 0 {
            return None;
        }
        let waiting = self.index.waiting.iter().take_while(|&&(from, _)| from <= now);
        let mut waiting = waiting.filter_map(|(_, number)| self.by_number.get(number));
        let may_ask = |slot: &&Slot| {
            let due = self.due_at(slot, wish, due_by);
            due.is_some_and(|at| due_by.is_none_or(|by| at <= by))
        };
        waiting.find(may_ask).map(run)
    }
}

fn run(slot: &Slot) -> Step {
    Step::Run { slot: slot.number, attempt: slot.next_attempt() }
}
