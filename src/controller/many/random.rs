//! Controllers that are told anything, on machines and links that do anything.
//!
//! Invariant: whatever was said to have landed is in the wish exactly once, what was
//! refused is not, and of an order whose controller died before it said either, at
//! most once.

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::Config};

use super::*;
use crate::{
    local::sim::paused,
    model::{ranges::DeviceSet, wish::State},
};

/// The devices of the first batch: more than are ever removed.
const BASE: u32 = 600;
/// Its seed; each later addition is known by a seed of its own.
const FIRST: u64 = 1;
/// No step of a script takes longer, in milliseconds.
const LONGEST: u64 = 9_000;

/// What happens to one of the controllers, and how long nothing else does.
#[derive(Debug, Clone)]
struct Step {
    who: usize,
    what: What,
    then_ms: u64,
}

#[derive(Debug, Clone)]
enum What {
    Add(u32),
    Remove(u32),
    Pause,
    Resume,
    Leave,
    Crash,
    /// A crash, and another controller in its place at once.
    Restart,
    LinkDown,
    LinkSleeps,
    LinkSlow(u64),
    LosesAnswers(u32),
    /// Its machine sleeps, with its link.
    Sleeps,
    /// Its wall clock is set.
    ClockAhead(i64),
    /// Its machine and its link are fine again.
    Fine,
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        6 => (1..=40_u32).prop_map(What::Add),
        6 => (1..=30_u32).prop_map(What::Remove),
        1 => Just(What::Pause),
        2 => Just(What::Resume),
        1 => Just(What::Leave),
        2 => Just(What::Crash),
        3 => Just(What::Restart),
        2 => Just(What::LinkDown),
        2 => Just(What::LinkSleeps),
        2 => (10..6_000_u64).prop_map(What::LinkSlow),
        3 => (1..6_u32).prop_map(What::LosesAnswers),
        3 => Just(What::Sleeps),
        2 => (-7_200_000..7_200_000_i64).prop_map(What::ClockAhead),
        6 => Just(What::Fine),
    ]
}

fn script(controllers: usize) -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![2 => 0..50_u64, 3 => 50..2_000_u64, 2 => 2_000..LONGEST];
    let step =
        (0..controllers, what(), wait).prop_map(|(who, what, then_ms)| Step { who, what, then_ms });
    prop::collection::vec(step, 4..16)
}

/// An order that changes the devices, and what was said of it.
#[derive(Debug)]
struct Asked {
    what: What,
    /// The seed of an addition.
    seed: u64,
    landed: Option<bool>,
}

/// A place for a controller, and what the one there was told.
#[derive(Default)]
struct Place {
    desk: Option<Desk>,
    /// How many orders the one there got.
    given: u64,
    /// Their numbers, and where they are among all that was asked.
    open: Vec<(u64, usize)>,
}

impl Place {
    async fn give(&mut self, command: Command, asked: Option<usize>) {
        if let Some(desk) = &self.desk {
            desk.order(command).await;
            self.given += 1;
            self.open.extend(asked.map(|at| (self.given, at)));
        }
    }

    /// Takes in what the controller says of its orders.
    fn hear(&mut self, all: &mut [Asked]) {
        let Some(desk) = &self.desk else {
            return;
        };
        let orders = &desk.now().orders;
        self.open.retain(|(number, at)| {
            all[*at].landed = orders.outcome(*number).map(|it| it.is_ok());
            all[*at].landed.is_none()
        });
    }
}

struct Play {
    world: World,
    places: Vec<Place>,
    asked: Vec<Asked>,
    /// Controllers so far: each has a folder of its own.
    named: u32,
}

impl Play {
    async fn new(controllers: usize, seed: u64) -> (Play, String) {
        let mut world = World::new(seed, |options| options.instances = 2);
        world.site.refresh = 2 * SECOND;
        let places = (0..controllers).map(|_| Place::default()).collect();
        let mut play = Play { world, places, asked: Vec::new(), named: 0 };
        play.seat(0, 0);
        play.places[0].give(add(BASE, FIRST), None).await;
        let world = &play.world;
        world.until("the first are alive", MINUTE, |it| it.alive() == BASE).await;
        let run = play.desk(0).run().expect("a run");
        for who in 1..controllers {
            play.seat(who, 0);
        }
        (play, run)
    }

    fn seat(&mut self, who: usize, ahead: i64) {
        self.named += 1;
        let desk = Desk::with(&self.world, &format!("desk-{}", self.named), ahead, 600_000);
        self.places[who] = Place { desk: Some(desk), ..Place::default() };
    }

    fn desk(&self, who: usize) -> &Desk {
        self.places[who].desk.as_ref().expect("somebody sits there")
    }

    async fn crash(&mut self, who: usize) {
        let place = &mut self.places[who];
        place.hear(&mut self.asked);
        if let Some(desk) = std::mem::take(place).desk {
            // One that sleeps is not there to be told.
            desk.machine.set_awake(true);
            desk.crash().await;
        }
    }

    async fn change(&mut self, who: usize, what: What) {
        if self.places[who].desk.is_none() {
            return;
        }
        let seed = FIRST + 1 + self.asked.len() as u64;
        let command = match what {
            What::Add(count) => add(count, seed),
            What::Remove(devices) => Command::Remove { devices },
            _ => return,
        };
        self.asked.push(Asked { what, seed, landed: None });
        let at = self.asked.len() - 1;
        self.places[who].give(command, Some(at)).await;
    }

    async fn step(&mut self, Step { who, what, then_ms }: Step) {
        let desk = self.places[who].desk.as_ref();
        match (what, desk) {
            (what @ (What::Add(_) | What::Remove(_)), _) => self.change(who, what).await,
            (What::Pause, _) => self.places[who].give(Command::Pause, None).await,
            (What::Resume, _) => self.places[who].give(Command::Resume, None).await,
            (What::Leave, _) => self.places[who].give(Command::Leave, None).await,
            (What::Crash, _) => self.crash(who).await,
            (What::Restart, _) => {
                self.crash(who).await;
                self.seat(who, 0);
            }
            (What::LinkDown, Some(desk)) => desk.link.down(),
            (What::LinkSleeps, Some(desk)) => desk.link.sleep(),
            (What::LinkSlow(ms), Some(desk)) => desk.link.slow(Duration::from_millis(ms)),
            (What::LosesAnswers(count), Some(desk)) => desk.link.lose_answers(count),
            (What::Sleeps, Some(desk)) => desk.fall_asleep(),
            (What::ClockAhead(ms), Some(desk)) => desk.machine.set_ahead(ms),
            (What::Fine, Some(desk)) => desk.wake(),
            (_, None) => {}
        }
        self.world.run_for(Duration::from_millis(then_ms)).await;
        for place in &mut self.places {
            place.hear(&mut self.asked);
        }
    }

    /// All is well again, and whoever is there says what became of its orders.
    async fn settle(&mut self) {
        for place in &self.places {
            if let Some(desk) = &place.desk {
                desk.wake();
                desk.link.lose_answers(0);
            }
        }
        // Others may have left for good.
        self.crash(0).await;
        self.seat(0, 3_600_000);
        for who in (0..self.places.len()).rev() {
            if who == 0 {
                // Nobody pauses it any more.
                self.places[0].give(Command::Resume, None).await;
            }
            let Some(desk) = &self.places[who].desk else {
                continue;
            };
            let given = self.places[who].given;
            let all_done =
                |it: &Snapshot| (1..=given).all(|number| it.orders.outcome(number).is_some());
            desk.until("all orders are done", MINUTE, all_done).await;
            self.places[who].hear(&mut self.asked);
        }
    }

    /// Checks the wish against what was said, and the devices against the wish.
    async fn check(&self, run: &str) {
        assert_eq!(runs(&self.world).await, [run], "nobody began another run");
        let wish = wish(&self.world, run).await;
        assert_eq!(wish.state, State::Run);
        let mut added = BASE;
        let (mut removed, mut sums) = (0, BTreeSet::from([0]));
        for Asked { what, seed, landed } in &self.asked {
            match (what, landed) {
                (What::Add(count), landed) => {
                    let batches: Vec<_> =
                        wish.batches.iter().filter(|it| it.seed == *seed).collect();
                    let times = batches.len();
                    let is_right = landed.map_or(times <= 1, |landed| times == usize::from(landed));
                    assert!(is_right, "{times} times, {landed:?}: {what:?}");
                    assert!(batches.iter().all(|batch| batch.count == *count));
                    added += count * times as u32;
                }
                (What::Remove(count), Some(true)) => removed += count,
                (What::Remove(count), None) => {
                    sums = sums.iter().flat_map(|sum| [*sum, sum + count]).collect();
                }
                _ => {}
            }
        }
        let more = (added - removed).checked_sub(wish.live.len());
        let is_possible = more.is_some_and(|more| sums.contains(&more));
        assert!(is_possible, "{added} - {removed}: {}; {sums:?}", wish.live.len());
        assert_eq!(added, wish.batches.iter().map(|batch| batch.count).sum::<u32>());
        let world = &self.world;
        let alive = || {
            let mut alive = DeviceSet::new();
            world.devices(run).alive.keys().for_each(|device| alive.insert(*device, 1));
            alive
        };
        let live = &wish.live;
        world.until("the wish is fulfilled", 2 * MINUTE, |_| alive() == *live).await;
        assert_eq!(world.ledger().doubled(), 0);
    }

    async fn end(&self, run: &str) {
        self.desk(0).end_run(false).await;
        for desk in self.places.iter().filter_map(|place| place.desk.as_ref()) {
            desk.sees_the_end(2 * MINUTE).await;
            assert_eq!(desk.run().as_deref(), Some(run));
        }
        self.world.run_for(5 * SECOND).await;
        let ledger = self.world.ledger();
        assert_eq!((ledger.tasks, ledger.alive(), ledger.doubled()), (0, 0, 0));
    }
}

/// Plays a script from its beginning to the end of the run.
fn play(controllers: usize, seed: u64, script: Vec<Step>) {
    paused(async {
        let (mut play, run) = Play::new(controllers, seed).await;
        for step in script {
            play.step(step).await;
        }
        play.settle().await;
        play.check(&run).await;
        play.end(&run).await;
    });
}

/// So many cases, or as many as `PROPTEST_CASES` says: 200 take some minutes.
fn config(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    let cases = asked.unwrap_or(cases);
    // A failure says its script; making it shorter takes as many plays.
    Config { cases, max_shrink_iters: 24, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config(12))]
    #[test]
    fn of_two_nothing_is_lost_or_doubled(script in script(2), seed in 0..10_000_u64) {
        play(2, seed, script);
    }
}

proptest! {
    #![proptest_config(config(12))]
    #[test]
    fn of_three_nothing_is_lost_or_doubled(script in script(3), seed in 0..10_000_u64) {
        play(3, seed, script);
    }
}
