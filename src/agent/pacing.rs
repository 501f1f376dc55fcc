//! When the requests of a device are due where a rate is set: each device has a fixed
//! cycle, and all devices together make the rate.
//!
//! Invariants: a request that was due is sent, or counted as unsent; one that is late
//! moves no other. Any few neighbours by index are spread evenly over the cycle (by the
//! golden ratio), so that every task's requests are even, and those of all tasks together;
//! so they are after a change of the rate or of the devices, since only the cycle changes.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use tokio::time::Instant;

use super::shared::Shared;
use crate::model::{Millis, ramp, wish::Wish};

/// The part of a turn between two neighbours: the golden ratio.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// What was due longer ago is not sent any more: after a long outage the target would
/// get nothing but what it missed.
const BEHIND_MOST: Duration = Duration::from_mins(1);
/// A cycle changes only when the devices that share the rate did by more than this part.
const WORTH_IT: f64 = 0.02;
/// How often that is looked at while devices join, in milliseconds.
const LOOK_MS: Millis = 1_000;

/// The pace of all devices of an execution.
#[derive(Debug, PartialEq)]
pub(super) struct Pace {
    /// When a cycle began.
    origin: Instant,
    /// The time between two requests of a device, in seconds.
    cycle_s: f64,
}

impl Pace {
    /// So many devices make `per_s` requests a second; `now` is the bucket's time at `at`,
    /// from which the cycles count: they are those of all tasks.
    fn new(per_s: f64, devices: f64, at: Instant, now: Millis) -> Option<Self> {
        let cycle_s = devices / per_s;
        if !cycle_s.is_finite() || cycle_s <= 0.0 {
            return None;
        }
        let into = Duration::try_from_secs_f64((now as f64 / 1000.0) % cycle_s).ok()?;
        Some(Pace { origin: at.checked_sub(into).unwrap_or(at), cycle_s })
    }

    fn moment(&self, phase: f64, nth: i64) -> Instant {
        let offset = (nth as f64 + phase) * self.cycle_s;
        let distance = Duration::try_from_secs_f64(offset.abs()).unwrap_or_default();
        let moved = if offset < 0.0 {
            self.origin.checked_sub(distance)
        } else {
            self.origin.checked_add(distance)
        };
        moved.unwrap_or(self.origin)
    }

    /// The first moment after `at`.
    fn first_after(&self, phase: f64, at: Instant) -> i64 {
        let since = at.saturating_duration_since(self.origin).as_secs_f64();
        (since / self.cycle_s - phase).floor() as i64 + 1
    }
}

/// The moments at which one device's requests are due.
#[derive(Debug)]
pub(super) struct Schedule {
    phase: f64,
    pace: Option<Rc<Pace>>,
    next: i64,
}

/// What a schedule says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// When the next request is due; none where nothing paces the device.
    pub(super) at: Option<Instant>,
    /// Requests that were due and will not be sent.
    pub(super) unsent: u64,
}

impl Schedule {
    /// The schedule of the device with this index, from `now` on.
    pub(super) fn new(index: u32, pace: Option<Rc<Pace>>, now: Instant) -> Self {
        let phase = (f64::from(index) * GOLDEN).fract();
        let next = pace.as_ref().map_or(0, |pace| pace.first_after(phase, now));
        Schedule { phase, pace, next }
    }

    /// Where in the cycle the device is: `0.0..1.0`.
    pub(super) fn phase(&self) -> f64 {
        self.phase
    }

    /// Whether something paces the device.
    pub(super) fn is_paced(&self) -> bool {
        self.pace.is_some()
    }

    /// When the next request is due at this pace. What is owed of the former pace stays
    /// owed, and no more than that, so that a change makes no burst.
    pub(super) fn due(&mut self, pace: Option<Rc<Pace>>, now: Instant) -> Due {
        let same = match (&self.pace, &pace) {
            (Some(known), Some(newer)) => Rc::ptr_eq(known, newer),
            (known, newer) => known.is_none() && newer.is_none(),
        };
        let mut unsent = 0;
        if !same {
            let owed = self.owed(now);
            match &pace {
                Some(pace) => {
                    let owed = i64::try_from(owed).unwrap_or(i64::MAX);
                    self.next = pace.first_after(self.phase, now).saturating_sub(owed);
                }
                None => unsent = owed,
            }
            self.pace = pace;
        }
        let Some(pace) = &self.pace else {
            return Due { at: None, unsent };
        };
        if let Some(oldest) = now.checked_sub(BEHIND_MOST)
            && pace.moment(self.phase, self.next) < oldest
        {
            let first = pace.first_after(self.phase, oldest).max(self.next);
            unsent += (first - self.next).unsigned_abs();
            self.next = first;
        }
        Due { at: Some(pace.moment(self.phase, self.next)), unsent }
    }

    /// The request that is due is sent.
    pub(super) fn sent(&mut self) {
        self.next += 1;
    }

    /// It was not sent after all.
    pub(super) fn take_back(&mut self) {
        self.next -= 1;
    }

    /// Requests that were due by `now` and are not sent.
    pub(super) fn owed(&self, now: Instant) -> u64 {
        let Some(pace) = &self.pace else {
            return 0;
        };
        u64::try_from(pace.first_after(self.phase, now) - self.next).unwrap_or(0)
    }
}

/// The paces of a task, as its wish has them.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    /// The rate and the devices that share it, by execution.
    known: BTreeMap<u32, (f64, f64)>,
}

/// What following a wish came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paced {
    /// Whether a pace is another one now.
    pub(super) changed: bool,
    /// When it is to be followed again at the latest (the bucket's time).
    pub(super) again: Option<Millis>,
}

impl Pacing {
    /// Has devices follow the rates of `wish` at `now`, the bucket's time.
    pub(super) fn follow(&mut self, shared: &Shared, wish: &Wish, now: Millis) -> Paced {
        let mut paced = Paced::default();
        self.known.retain(|execution, _| {
            let stays = wish.rates.contains_key(execution);
            if !stays {
                shared.set_pace(*execution as usize, None);
                paced.changed = true;
            }
            stays
        });
        for (&execution, &per_s) in &wish.rates {
            let (devices, joining) = sharing(wish, execution, now);
            if joining {
                paced.again = Some(now + LOOK_MS);
            }
            let is_same = self.known.get(&execution).is_some_and(|&(rate, before)| {
                let least = if joining { before * WORTH_IT } else { 0.0 };
                rate.total_cmp(&per_s).is_eq() && (before - devices).abs() <= least
            });
            if !is_same {
                let pace = Pace::new(per_s, devices, Instant::now(), now);
                shared.set_pace(execution as usize, pace.map(Rc::new));
                self.known.insert(execution, (per_s, devices));
                paced.changed = true;
            }
        }
        paced
    }
}

/// The devices that share an execution's rate, and whether their number grows by itself.
/// The first devices of a run come up with the rate. Where some are up already, those of
/// a later batch take over as they start, so that the rate stays what it is.
fn sharing(wish: &Wish, execution: u32, now: Millis) -> (f64, bool) {
    let (mut all, mut started) = (0.0, 0.0);
    let (mut any_up, mut joining) = (false, false);
    for batch in wish.batches.iter().filter(|batch| batch.execution == execution) {
        let live = f64::from(wish.live.within(batch.first, batch.count).len());
        if live > 0.0 {
            let share = ramp::passed(batch, &wish.pauses, now);
            all += live;
            started += live * share;
            any_up |= share >= 1.0;
            joining |= share < 1.0;
        }
    }
    if any_up { (started, joining) } else { (all, joining) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wish::{Batch, Change, Edit, Spread};

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Millis = 1_800_000_000_123;

    fn pace(per_s: f64, devices: f64, at: Instant) -> Rc<Pace> {
        Rc::new(Pace::new(per_s, devices, at, NOW).expect("a cycle"))
    }

    /// The moments of all schedules up to `to`, all of which are sent in time.
    fn sends(
        schedules: &mut [Schedule],
        pace: &Rc<Pace>,
        from: Instant,
        to: Instant,
    ) -> Vec<Instant> {
        let mut sends = Vec::new();
        for schedule in schedules {
            while let Due { at: Some(at), unsent: 0 } = schedule.due(Some(Rc::clone(pace)), from)
                && at <= to
            {
                assert!(at > from, "nothing is owed");
                sends.push(at);
                schedule.sent();
            }
        }
        sends.sort();
        sends
    }

    /// Fails unless each tenth of a second has a tenth of the rate, or nearly so.
    fn assert_even(sends: &[Instant], from: Instant, per_s: f64) {
        let tenths =
            (sends.last().expect("some").duration_since(from).as_secs_f64() * 10.0) as usize;
        for tenth in 0..tenths {
            let begin = from + SECOND.mul_f64(tenth as f64 / 10.0);
            let within = |at: &&Instant| **at > begin && **at <= begin + SECOND / 10;
            let count = sends.iter().filter(within).count() as f64;
            assert!((count - per_s / 10.0).abs() <= 4.0, "{count} in tenth {tenth}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_devices_together_make_the_rate_evenly_and_so_do_those_of_one_task() {
        let start = Instant::now() + 100 * SECOND;
        let pace = pace(500.0, 1_000.0, start);
        let new = |index| Schedule::new(index, Some(Rc::clone(&pace)), start);
        let mut all: Vec<Schedule> = (0..1_000).map(new).collect();
        let sent = sends(&mut all, &pace, start, start + 10 * SECOND);
        assert!((4_995..=5_005).contains(&sent.len()), "{}", sent.len());
        assert_even(&sent, start, 500.0);
        let mut of_one_task: Vec<Schedule> = (250..500).map(new).collect();
        let sent = sends(&mut of_one_task, &pace, start, start + 10 * SECOND);
        assert_even(&sent, start, 125.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_makes_neither_a_burst_nor_a_gap() {
        let start = Instant::now() + 100 * SECOND;
        let mut now = start;
        let mut all: Vec<Schedule> =
            (0..300).map(|index| Schedule::new(index, None, now)).collect();
        for (per_s, devices) in [(100.0, 300.0), (600.0, 300.0), (600.0, 200.0), (40.0, 300.0)] {
            all.truncate(devices as usize);
            while all.len() < devices as usize {
                all.push(Schedule::new(all.len() as u32, None, now));
            }
            let pace = pace(per_s, devices, now);
            let sent = sends(&mut all, &pace, now, now + 2 * SECOND);
            assert_even(&sent, now, per_s);
            now += 2 * SECOND;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_owed_stays_owed_and_is_unsent_in_the_end() {
        let start = Instant::now() + 100 * SECOND;
        let slow = pace(1.0, 1.0, start);
        let mut one = Schedule::new(7, Some(Rc::clone(&slow)), start);
        let later = start + 5 * SECOND;
        assert_eq!(one.owed(later), 5);
        // Ten times as fast: five are owed all the same.
        let fast = pace(10.0, 1.0, later);
        assert!(one.due(Some(fast), later).at.expect("paced") <= later);
        assert_eq!(one.owed(later), 5);
        one.sent();
        one.take_back();
        one.sent();
        assert_eq!(one.due(None, later), Due { at: None, unsent: 4 });
        assert_eq!(one.owed(later), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_in_a_long_outage_is_not_made_up_for() {
        let start = Instant::now() + 100 * SECOND;
        let pace = pace(2.0, 1.0, start);
        let mut one = Schedule::new(3, Some(Rc::clone(&pace)), start);
        let later = start + 100 * SECOND;
        let due = one.due(Some(pace), later);
        assert_eq!((due.unsent, one.owed(later)), (80, 120));
        assert!(later - due.at.expect("paced") <= BEHIND_MOST);
    }

    #[test]
    fn a_later_batch_takes_over_as_it_starts() {
        let mut wish = Wish::new("plan-1.json", Millis::MAX);
        let mut add = |id: &str, first, start_at| {
            let batch = Batch {
                first,
                count: 100,
                execution: 0,
                start_at,
                over_ms: 10_000,
                spread: Spread::Uniform,
                seed: 1,
            };
            wish = wish.edited(&Edit { id: id.into(), change: Change::Add(batch) }, 0);
            wish.clone()
        };
        let first = add("a", 0, Some(1_000));
        assert_eq!(sharing(&first, 0, 2_000), (100.0, true));
        assert_eq!(sharing(&first, 0, 11_000), (100.0, false));
        let both = add("b", 100, Some(20_000));
        assert_eq!(sharing(&both, 0, 20_000), (100.0, true));
        assert_eq!(sharing(&both, 0, 25_000), (150.0, true));
        assert_eq!(sharing(&both, 0, 30_000), (200.0, false));
        assert_eq!(sharing(&both, 1, 30_000), (0.0, false));
    }
}
