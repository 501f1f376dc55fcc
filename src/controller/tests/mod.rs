//! Whole runs in which something goes wrong: a call, a task, a machine, the controller.
//!
//! Invariant: every case has a world, a clock and a thread of its own, and is judged by
//! the cloud's own books, not by what the controller believes.

mod capacity;
mod crash;
mod faults;
mod figures;
mod money;
mod outage;
mod policy;
mod rows;
mod switch;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    local::sim::{World, paused},
    record::IntentKind,
};

const MINUTE: Duration = Duration::from_mins(1);
/// Cases that run at once.
const AT_ONCE: usize = 2;

/// Runs every case on a paused clock, and says at the end which of them failed.
fn each<T: Sync>(cases: &[T], name: impl Fn(&T) -> String + Sync, run: impl AsyncFn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            println!("---- {}", name(case));
            let ran = catch_unwind(AssertUnwindSafe(|| paused(run(case))));
            disarm();
            if ran.is_err() {
                failed.lock().expect("not poisoned").push(name(case));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().expect("cases catch their panics");
        }
    });
    let failed = failed.into_inner().expect("not poisoned");
    assert!(failed.is_empty(), "{} of {} failed: {failed:#?}", failed.len(), cases.len());
}

/// Fails unless exactly these devices of the only run are alive.
fn assert_alive(world: &World, expected: impl IntoIterator<Item = u32>) {
    let ledger = world.ledger();
    let alive: Vec<u32> =
        ledger.runs.keys().flat_map(|run| world.devices(run).alive.into_keys()).collect();
    let expected: Vec<u32> = expected.into_iter().collect();
    assert_eq!(alive, expected);
    assert_eq!(ledger.alive() as usize, expected.len(), "one lives twice");
}

/// When a controller dies: with its intent noted and nothing called, or with the call
/// done and its outcome not noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

thread_local! {
    static CRASH: RefCell<Crash> = RefCell::default();
}

/// Where this thread's controller dies, and what it did so far.
#[derive(Default)]
struct Crash {
    at: Option<(IntentKind, u32, Moment)>,
    crashed: Option<Arc<Notify>>,
    is_dead: bool,
    noted: BTreeMap<IntentKind, u32>,
}

/// Lets the controller die at the n-th intent of a kind from now on; the answer tells
/// when it did.
fn arm(kind: IntentKind, number: u32, moment: Moment) -> Arc<Notify> {
    let crashed = Arc::new(Notify::new());
    let crash = Crash {
        at: Some((kind, number, moment)),
        crashed: Some(Arc::clone(&crashed)),
        ..Crash::default()
    };
    CRASH.replace(crash);
    crashed
}

/// Lets controllers live, and says what was noted since this was called last.
fn disarm() -> BTreeMap<IntentKind, u32> {
    CRASH.take().noted
}

/// Called at both moments of each intent, the second time with what the first answered;
/// never returns in a controller that is dead.
pub(super) async fn crash_point(kind: IntentKind, moment: Moment, number: u32) -> u32 {
    let (number, is_dead) = CRASH.with_borrow_mut(|crash| {
        let mut number = number;
        if moment == Moment::Before && !crash.is_dead {
            let noted = crash.noted.entry(kind).or_default();
            *noted += 1;
            number = *noted;
        }
        if crash.at == Some((kind, number, moment)) {
            crash.is_dead = true;
            crash.crashed.iter().for_each(|it| it.notify_one());
        }
        (number, crash.is_dead)
    });
    if is_dead {
        std::future::pending::<()>().await;
    }
    number
}
