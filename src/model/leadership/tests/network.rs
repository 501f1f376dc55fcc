//! Who leads over any network, with pauses and clocks that disagree: never two at once.

use proptest::prelude::*;

use super::super::*;

type Found = Option<(LeaderNote, String)>;

/// How long a controller waits for an answer.
const TIMEOUT: Millis = 4_000;
const TICK: Millis = 100;

/// Controllers, their clocks, the network and the store.
struct World {
    now: Millis,
    controllers: Vec<Controller>,
    store: Option<(LeaderNote, String)>,
    objects: u64,
    flights: Vec<Flight>,
    random: u64,
    calm: bool,
}

struct Controller {
    leadership: Leadership,
    offset: Millis,
    /// Its clock's error in parts per million.
    drift: i64,
    /// It neither asks nor hears before then.
    paused_until: Millis,
}

/// A call on its way.
struct Flight {
    from: usize,
    what: Move,
    /// When the store serves it; none: never.
    serve_at: Option<Millis>,
    /// When its answer arrives, or the wait for it ends.
    hear_at: Millis,
    result: Option<Answer>,
    /// Whether the caller still waits.
    awaited: bool,
}

#[derive(Clone)]
enum Answer {
    Looked(Option<Found>),
    Wrote(Written),
}

impl World {
    fn new(clocks: &[(Millis, i64)], random: u64) -> Self {
        let controllers = clocks.iter().enumerate().map(|(n, &(offset, drift))| Controller {
            leadership: Leadership::new(n.to_string(), true),
            offset,
            drift,
            paused_until: 0,
        });
        World {
            now: 0,
            controllers: controllers.collect(),
            store: None,
            objects: 0,
            flights: Vec::new(),
            random,
            calm: false,
        }
    }

    /// A number below `below` (xorshift64: Marsaglia, 2003).
    fn random(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn time(&self, who: usize) -> Millis {
        let Controller { offset, drift, .. } = &self.controllers[who];
        let error = self.now.cast_signed() * drift / 1_000_000;
        offset + self.now.saturating_add_signed(error)
    }

    fn acting(&self) -> Vec<usize> {
        let acts = |&who: &usize| self.controllers[who].leadership.may_act(self.time(who));
        (0..self.controllers.len()).filter(acts).collect()
    }

    /// Sends a call off: it may be lost, be late, or its answer may.
    fn send(&mut self, from: usize, what: Move) {
        let (luck, there, back) = (self.random(100), self.random(300), self.random(300));
        let late = self.random(TIMEOUT + 2_000);
        let (serve_at, hear_at) = match luck {
            _ if self.calm => (Some(self.now + 50), self.now + 100),
            0..60 => (Some(self.now + there), self.now + there + back),
            60..70 => (None, self.now + TIMEOUT),
            70..80 => (Some(self.now + there), self.now + TIMEOUT),
            _ => (Some(self.now + late), self.now + (late + back).min(TIMEOUT)),
        };
        self.flights.push(Flight { from, what, serve_at, hear_at, result: None, awaited: true });
    }

    fn serve(&mut self, what: &Move) -> Answer {
        let Move::Write { note, over } = what else {
            return Answer::Looked(Some(self.store.clone()));
        };
        if self.store.as_ref().map(|(_, etag)| etag) != over.as_ref() {
            return Answer::Wrote(Written::Beaten);
        }
        self.objects += 1;
        let etag = format!("e{}", self.objects);
        self.store = Some((note.clone(), etag.clone()));
        Answer::Wrote(Written::Landed(etag))
    }

    fn tick(&mut self) {
        self.now += TICK;
        let mut flights = std::mem::take(&mut self.flights);
        flights.sort_by_key(|flight| flight.serve_at);
        for flight in &mut flights {
            if flight.serve_at.is_some_and(|at| at <= self.now) {
                flight.serve_at = None;
                flight.result = Some(self.serve(&flight.what));
            }
            let hears = self.controllers[flight.from].paused_until <= self.now;
            if flight.awaited && flight.hear_at <= self.now && hears {
                flight.awaited = false;
                let answer = flight.result.take();
                let time = self.time(flight.from);
                let leadership = &mut self.controllers[flight.from].leadership;
                match (&flight.what, answer) {
                    (_, Some(Answer::Looked(found))) => leadership.looked(time, found),
                    (_, Some(Answer::Wrote(how))) => leadership.wrote(time, how),
                    (Move::Look, None) => leadership.looked(time, None),
                    (Move::Write { .. }, None) => leadership.wrote(time, Written::Unknown),
                }
            }
        }
        flights.retain(|flight| flight.awaited || flight.serve_at.is_some());
        self.flights.extend(flights);
        for who in 0..self.controllers.len() {
            let time = self.time(who);
            if self.controllers[who].paused_until <= self.now
                && let Some(what) = self.controllers[who].leadership.step(time)
            {
                self.send(who, what);
            }
        }
        let acting = self.acting();
        assert!(acting.len() <= 1, "{acting:?} at {}", self.now);
    }

    fn disturb(&mut self, event: &Event) {
        let many = self.controllers.len();
        match *event {
            Event::Wait(ms) => (0..ms / TICK).for_each(|_| self.tick()),
            Event::Sleep(who, ms) => {
                // Whoever leads is the one to disturb, more often than not.
                let who = self.acting().first().copied().unwrap_or(who % many);
                self.controllers[who].paused_until = self.now + ms;
            }
            Event::Release(who) => {
                let who = who % many;
                if let Some(what) = self.controllers[who].leadership.release() {
                    self.send(who, what);
                }
            }
            Event::Want(who) => self.controllers[who % many].leadership.set_wants(true),
            Event::Depose(who) => self.controllers[who % many].leadership.depose(),
        }
    }
}

#[derive(Debug, Clone)]
enum Event {
    Wait(Millis),
    Sleep(usize, Millis),
    Release(usize),
    Want(usize),
    Depose(usize),
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (100u64..20_000).prop_map(Event::Wait),
        3 => (0usize..3, 100u64..60_000).prop_map(|(who, ms)| Event::Sleep(who, ms)),
        1 => (0usize..3).prop_map(Event::Release),
        2 => (0usize..3).prop_map(Event::Want),
        1 => (0usize..3).prop_map(Event::Depose),
    ]
}

fn clocks() -> impl Strategy<Value = Vec<(Millis, i64)>> {
    prop::collection::vec((0u64..1_000_000_000, -1_000i64..=1_000), 2..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// The tick itself asserts that no two may act.
    #[test]
    fn never_two_leaders_and_never_none_for_long(
        clocks in clocks(),
        seed in 1u64..,
        events in prop::collection::vec(events(), 1..40),
    ) {
        let mut world = World::new(&clocks, seed);
        for event in &events {
            world.disturb(event);
        }
        // The storm is over; whoever leads dies.
        world.calm = true;
        for controller in &mut world.controllers {
            controller.leadership.set_wants(true);
            controller.paused_until = world.now;
        }
        if let Some(&leader) = world.acting().first() {
            world.controllers[leader].paused_until = Millis::MAX;
        }
        let survivors = |world: &World| {
            let alive = |&who: &usize| world.controllers[who].paused_until != Millis::MAX;
            world.acting().into_iter().any(|who| alive(&who))
        };
        // A term, the calls that are still on their way, a few looks.
        let mut waits = (TERM_MS + 2 * TIMEOUT + 5 * LOOK_MS) / TICK;
        while !survivors(&world) && waits > 0 {
            world.tick();
            waits -= 1;
        }
        prop_assert!(survivors(&world));
    }

    #[test]
    fn after_a_death_another_leads_within_a_term_and_a_few_looks(
        clocks in clocks(),
        seed in 1u64..,
        lived in 1_000u64..30_000,
    ) {
        let mut world = World::new(&clocks, seed);
        world.calm = true;
        world.disturb(&Event::Wait(lived));
        let acting = world.acting();
        prop_assert_eq!(acting.len(), 1);
        world.controllers[acting[0]].paused_until = Millis::MAX;
        world.disturb(&Event::Wait(TERM_MS + 3 * LOOK_MS));
        let next = world.acting();
        prop_assert!(next.len() == 1 && next != acting, "{:?} after {:?}", next, acting);
        // And stays so.
        for _ in 0..20 {
            world.disturb(&Event::Wait(1_000));
            prop_assert_eq!(world.acting(), next.clone());
        }
    }
}
