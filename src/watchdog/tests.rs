//! When a task is over, with a wish in memory. The program's side needs processes of its
//! own and is tested with the binary.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::{
    cloud::ErrorKind,
    follow::memory::{Bucket, NOW},
    local::sim::paused,
    model::wish::{Batch, Spread, State, Wish},
};

/// Everything that is waited for comes within this, or the test fails.
const LIMIT: Duration = Duration::from_secs(20);
/// What is not to come has not come within this: many polls.
const NOTHING: Duration = Duration::from_millis(300);

/// A run of ten devices, of which the task has those from `first` on.
struct Run {
    bucket: Rc<Bucket>,
    wish: Wish,
    settings: Settings,
}

impl Run {
    fn new(first: u32, devices: u32) -> Run {
        let mut wish = Wish::new("no-such-plan.json", NOW + 600_000);
        wish.poll_ms = 20;
        wish.batches.push(Batch {
            first: 0,
            count: 10,
            execution: 0,
            start_at: Some(NOW),
            over_ms: 0,
            spread: Spread::AtOnce,
            seed: 7,
        });
        wish.live.insert(0, 10);
        let settings = Settings::from_lookup(|name| match name {
            "LOADTOP_FIRST_DEVICE" => Some(first.to_string()),
            "LOADTOP_DEVICES" => Some(devices.to_string()),
            "LOADTOP_LIFELINE" => None,
            _ => Some("1".to_owned()),
        });
        let bucket = Rc::new(Bucket::default());
        bucket.put("wish.json", &wish);
        Run { bucket, wish, settings: settings.expect("complete") }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish);
        self.wish.version += 1;
        self.bucket.put("wish.json", &self.wish);
    }

    /// Nothing ends the task now; after the change, this does.
    fn ends(mut self, change: impl FnOnce(&mut Wish), why: &str) {
        local(async move {
            let station = Rc::clone(&self.bucket);
            let mut over = pin!(over::over(station, &self.settings));
            timeout(NOTHING, &mut over).await.expect_err("not over yet");
            change(&mut self.wish);
            self.wish.version += 1;
            self.bucket.put("wish.json", &self.wish);
            let said = timeout(LIMIT, over).await.expect("in time").expect("a wish");
            assert!(said.contains(why), "{said}");
        });
    }

    /// The task is not over, whatever time passes.
    fn goes_on(&self) {
        local(async {
            let over = over::over(Rc::clone(&self.bucket), &self.settings);
            timeout(NOTHING, over).await.expect_err("not over");
        });
    }
}

fn local<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test);
}

#[test]
fn it_ends_as_agents_do() {
    Run::new(3, 1).ends(|wish| wish.state = State::Stop, "says stop");
    Run::new(3, 1).ends(|wish| wish.lease_until = NOW + 1000, "lease");
    Run::new(3, 1).ends(|wish| wish.ends_at = Some(NOW + 1000), "end has come");
}

#[test]
fn it_ends_when_none_of_its_devices_is_live_any_more() {
    Run::new(9, 1).ends(|wish| drop(wish.live.remove_highest(1)), "none of its devices");
    Run::new(4, 8).ends(|wish| drop(wish.live.remove_highest(6)), "none of its devices");
    // Also one that comes up when its device is gone already.
    let mut late = Run::new(9, 1);
    late.edit(|wish| drop(wish.live.remove_highest(1)));
    local(async {
        let over = over::over(Rc::clone(&late.bucket), &late.settings);
        timeout(LIMIT, over).await.expect("in time").expect("a wish");
    });
}

#[test]
fn others_devices_are_none_of_its_business() {
    let mut run = Run::new(3, 4);
    run.edit(|wish| drop(wish.live.remove_highest(6)));
    run.goes_on();
}

#[test]
fn a_task_that_is_early_waits_for_its_batch() {
    Run::new(10, 1).goes_on();
}

#[test]
fn a_pause_moves_the_end_and_a_silent_bucket_does_not_end_it() {
    let mut run = Run::new(3, 1);
    run.edit(|wish| (wish.state, wish.ends_at) = (State::Paused, Some(NOW + 100)));
    run.goes_on();
    local(async {
        let over = over::over(Rc::clone(&run.bucket), &run.settings);
        let mut over = pin!(over);
        timeout(NOTHING, &mut over).await.expect_err("paused");
        run.bucket.refuse_reads(Some(ErrorKind::Ambiguous));
        timeout(NOTHING, &mut over).await.expect_err("the lease runs");
    });
}

#[test]
fn a_lease_lapses_also_when_nobody_answers() {
    let mut run = Run::new(3, 1);
    run.edit(|wish| wish.lease_until = NOW + 1000);
    local(async {
        let over = over::over(Rc::clone(&run.bucket), &run.settings);
        let mut over = pin!(over);
        timeout(NOTHING, &mut over).await.expect_err("the lease runs");
        run.bucket.refuse_reads(Some(ErrorKind::Ambiguous));
        let why = timeout(LIMIT, over).await.expect("in time").expect("a wish");
        assert!(why.contains("lease"), "{why}");
    });
}

#[test]
fn a_shim_may_belong_to_no_run_and_a_sidecar_may_not() {
    let nothing = |_: &str| None;
    let orders = Orders::from_lookup(nothing, false).expect("a task of no run");
    assert!(orders.run.is_none() && !orders.lifeline);
    assert_eq!(orders.stop, Duration::from_secs(30));
    let error = Orders::from_lookup(nothing, true).expect_err("nothing to follow");
    assert!(error.to_string().contains("LOADTOP_"), "{error}");
    // One that says half of it is not taken for one of no run.
    let half =
        |name: &str| ["LOADTOP_RUN", "LOADTOP_BUCKET"].contains(&name).then(|| "r".to_owned());
    assert!(Orders::from_lookup(half, false).is_err(), "incomplete");
    // Without a bucket there is no wish: a shim holds its program, a sidecar is of no use.
    let no_bucket = |name: &str| (name == "LOADTOP_RUN").then(|| "r".to_owned());
    assert!(Orders::from_lookup(no_bucket, false).expect("a task").run.is_none());
    assert!(Orders::from_lookup(no_bucket, true).is_err(), "nothing to follow");
}

/// A task that could never read a wish, for this reason, ends with an error that says
/// these words; time is only a number here.
fn ends_without_a_wish(kind: ErrorKind, words: &[&str]) {
    let run = Run::new(3, 1);
    run.bucket.refuse_reads(Some(kind));
    paused(async {
        let over = over::over(Rc::clone(&run.bucket), &run.settings);
        let error = over.await.expect_err("no wish").to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    });
}

#[test]
fn a_task_that_may_never_read_the_wish_says_what_it_lacks() {
    ends_without_a_wish(ErrorKind::Denied, &["(for 60 s)", "GetObject", "s3:GetObject"]);
    ends_without_a_wish(ErrorKind::Unauthenticated, &["(for 60 s)", "GetObject", "task role"]);
    ends_without_a_wish(ErrorKind::Ambiguous, &["for 600 s", "GetObject: as the test wants"]);
}

#[test]
fn who_read_a_wish_goes_on_until_the_lease_whatever_is_refused_then() {
    let mut run = Run::new(3, 1);
    run.edit(|wish| wish.lease_until = NOW + 300_000);
    paused(async {
        let mut over = pin!(over::over(Rc::clone(&run.bucket), &run.settings));
        timeout(Duration::from_secs(5), &mut over).await.expect_err("a wish");
        run.bucket.refuse_reads(Some(ErrorKind::Denied));
        timeout(Duration::from_secs(280), &mut over).await.expect_err("the lease runs");
        let why = timeout(Duration::from_mins(1), over).await.expect("in time");
        assert!(why.expect("read once").contains("lease"));
    });
}
