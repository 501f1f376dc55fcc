//! A whole agent over memory and real sockets.

mod pacing;
mod servers;

use std::{
    io::{self, Write},
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    net::TcpSocket,
    sync::oneshot,
    task::{JoinHandle, LocalSet, spawn_local},
    time::{Instant, sleep},
};

use self::servers::Server;
use super::{serve::serve, *};
use crate::{
    cloud::ErrorKind as CloudErrorKind,
    follow::memory::{Bucket, NOW},
    model::wish::{Batch, Pause, Spread, State, Wish},
    plan::Plan,
    stats::{ErrorKind, Merged, Report, metrics},
    target::{Options, Target},
};

/// Everything that is waited for comes within this, or the test fails.
const LIMIT: Duration = Duration::from_secs(20);

/// An agent under test.
struct Agent {
    bucket: Rc<Bucket>,
    wish: Wish,
    lines: Sink,
    tell: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<()>>,
}

impl Agent {
    /// An agent whose devices all start at once.
    fn start(plan: &Plan, devices: u32) -> Agent {
        let mut wish = Wish::new("plan-1.json", NOW + 600_000);
        (wish.poll_ms, wish.report_ms, wish.results_ms) = (20, 100, 300);
        let (start_at, spread) = (Some(NOW), Spread::AtOnce);
        let (first, count, execution, over_ms, seed) = (0, devices, 0, 0, 7);
        wish.batches.push(Batch { first, count, execution, start_at, over_ms, spread, seed });
        wish.live.insert(0, devices);
        let bucket = Rc::new(Bucket::default());
        bucket.put("plan-1.json", plan);
        bucket.put("wish.json", &wish);
        let settings = Settings::from_lookup(|name| {
            Some(match name {
                "LOADTOP_FIRST_DEVICE" => "0".to_owned(),
                "LOADTOP_DEVICES" => "10000".to_owned(),
                "LOADTOP_STOP_MS" => "3000".to_owned(),
                "LOADTOP_LIFELINE" => String::new(),
                _ => "0-1".to_owned(),
            })
        });
        let settings = settings.expect("complete");
        let (tell, told) = oneshot::channel();
        let (station, lines) = (Rc::clone(&bucket), Sink::default());
        let out = lines.clone();
        let task = spawn_local(async move {
            let told = async {
                if told.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            serve(station, &settings, out, told).await
        });
        Agent { bucket, wish, lines, tell: Some(tell), task }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Wish)) {
        change(&mut self.wish);
        self.wish.version += 1;
        self.bucket.put("wish.json", &self.wish);
    }

    /// Its last published figure of this kind.
    fn gauge(&self, name: &str, state: Option<&str>) -> Option<f64> {
        let data = self.bucket.published.borrow();
        let found = data.iter().rev().find(|datum| {
            let by = datum.dimensions.get(1).map(|(_, value)| value.as_str());
            datum.name == name && by == state
        });
        Some(found?.values[0].0)
    }

    async fn end(self) -> (Merged, Rc<Bucket>, Vec<Report>) {
        tokio::time::timeout(LIMIT, self.task)
            .await
            .expect("in time")
            .expect("no panic")
            .expect("no error");
        let lines = self.lines.0.lock().expect("whole").clone();
        let reports = String::from_utf8(lines).expect("text");
        let reports = reports.lines().map(|line| serde_json::from_str(line).expect("a report"));
        (self.bucket.merged(), Rc::clone(&self.bucket), reports.collect())
    }

    async fn stop(mut self) -> (Merged, Rc<Bucket>, Vec<Report>) {
        self.edit(|wish| wish.state = State::Stop);
        self.end().await
    }
}

/// What the agent prints.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A plan of quick requests.
fn plan(addr: SocketAddr) -> Plan {
    let mut plan = Plan::simple(format!("tcp://{addr}").parse().expect("a target"));
    let scenario = &mut plan.executions[0].scenario;
    scenario.think_ms = 10;
    scenario.steps[0].timeout_ms = 2000;
    plan
}

async fn echo(latency: Duration) -> Target {
    let listen = "127.0.0.1:0".parse().expect("an address");
    let options = Options { listen, latency, json: false, lifeline: false };
    Target::bind(options).await.expect("a free port")
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

fn local<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(LocalSet::new().run_until(test));
}

#[test]
fn every_request_is_counted_and_every_time_is_kept() {
    local(async {
        let target = echo(Duration::from_millis(3)).await;
        let agent = Agent::start(&plan(target.addr()), 20);
        until("traffic", || target.counts().lines > 600).await;
        let (merged, bucket, reports) = agent.stop().await;
        let counts = target.counts();
        assert_eq!(merged.requests + merged.unfinished, counts.lines);
        assert_eq!(merged.unfinished, 0, "a drain is longer than 3 ms");
        assert_eq!(merged.errors(), [].into());
        let times = &merged.requests_times;
        assert_eq!(times.response.all().len(), merged.requests);
        assert_eq!(times.service.ok.len(), merged.requests);
        assert_eq!(merged.labels["line"].requests, merged.requests);
        assert!(times.service.ok.min() >= 3000);
        assert_eq!((counts.connections, merged.peak_connected()), (20, 20));
        assert_eq!(merged.connect.ok.len(), 20);
        assert!(!merged.lag.ok.is_empty());
        // The three ways to say it agree.
        let printed: u64 = reports.iter().map(|report| report.requests).sum();
        assert_eq!(printed, merged.requests);
        assert_eq!(bucket.sum(metrics::REQUESTS) as u64, merged.requests);
        assert!(reports.windows(2).all(|two| two[0].at < two[1].at));
        assert!(reports.iter().all(|report| report.at % 100 == 0));
        until("all closed", || target.open() == 0).await;
    });
}

#[test]
fn a_device_that_leaves_ends_and_the_others_go_on() {
    local(async {
        let target = echo(Duration::ZERO).await;
        let mut agent = Agent::start(&plan(target.addr()), 30);
        until("all connected", || target.open() == 30).await;
        agent.edit(|wish| drop(wish.live.remove_highest(12)));
        until("twelve gone", || target.open() == 18).await;
        let before = target.counts().lines;
        until("the others go on", || target.counts().lines > before + 100).await;
        // An old version is no news.
        let mut old = agent.wish.clone();
        (old.version, old.state) = (1, State::Stop);
        agent.bucket.put("wish.json", &old);
        let before = target.counts().lines;
        until("still", || target.counts().lines > before + 100).await;
        let (merged, ..) = agent.stop().await;
        assert_eq!(merged.requests + merged.unfinished, target.counts().lines);
        assert_eq!(target.counts().connections, 30);
    });
}

#[test]
fn a_pause_holds_starts_and_not_traffic() {
    local(async {
        let target = echo(Duration::ZERO).await;
        let mut agent = Agent::start(&plan(target.addr()), 10);
        until("all connected", || target.open() == 10).await;
        agent.edit(|wish| {
            let mut more = wish.batches[0].clone();
            (more.first, more.count) = (10, 5);
            more.start_at = Some(NOW + 1);
            wish.batches.push(more);
            wish.live.insert(10, 5);
            wish.state = State::Paused;
            wish.pauses.push(Pause { from: NOW, to: None });
        });
        until("five wait", || agent.gauge(metrics::DEVICES, Some("waiting")) == Some(5.0)).await;
        let (lines, held) = (target.counts().lines, target.counts().connections);
        until("traffic goes on", || target.counts().lines > lines + 200).await;
        assert_eq!((held, target.counts().connections), (10, 10));
        agent.edit(|wish| {
            wish.state = State::Run;
            wish.pauses[0].to = Some(NOW);
        });
        until("all fifteen", || target.open() == 15).await;
        until("none waits", || agent.gauge(metrics::DEVICES, Some("waiting")) == Some(0.0)).await;
        agent.stop().await;
    });
}

#[test]
fn silence_is_a_timeout_and_takes_its_time() {
    local(async {
        let server = Server::silent().await;
        let mut plan = plan(server.addr());
        plan.executions[0].scenario.steps[0].timeout_ms = 30;
        let agent = Agent::start(&plan, 8);
        until("timeouts", || server.lines() > 24).await;
        let (merged, ..) = agent.stop().await;
        let timeouts = merged.request_errors[&ErrorKind::Timeout];
        assert_eq!(timeouts, merged.requests);
        assert_eq!(merged.requests + merged.unfinished, server.lines());
        assert_eq!(merged.requests_times.service.error.len(), timeouts);
        assert!(merged.requests_times.service.error.min() >= 30_000);
        assert!(merged.requests_times.service.ok.is_empty());
    });
}

#[test]
fn a_target_that_closes_is_an_error_of_the_connection_or_of_its_request() {
    local(async {
        let server = Server::closing().await;
        let agent = Agent::start(&plan(server.addr()), 8);
        until("comings and goings", || server.connections() > 30).await;
        let (merged, ..) = agent.stop().await;
        let errors = merged.errors();
        let known = [ErrorKind::Closed, ErrorKind::Reset];
        assert!(errors.keys().all(|kind| known.contains(kind)), "{errors:?}");
        let total: u64 = errors.values().sum();
        assert!(total >= 30);
        assert_eq!(merged.requests, merged.request_errors.values().sum::<u64>());
        assert_eq!(merged.requests_times.response.error.len(), merged.requests);
    });
}

#[test]
fn refused_devices_keep_trying_and_come_up_with_the_target() {
    local(async {
        // Bound, so that nobody else gets it, and not listening.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let agent = Agent::start(&plan(socket.local_addr().expect("bound")), 8);
        until("failed", || agent.gauge(metrics::DEVICES, Some("failed")) == Some(8.0)).await;
        let server = Server::babbling_on(socket.listen(64).expect("listening"));
        until("all up", || agent.gauge(metrics::DEVICES, Some("connected")) == Some(8.0)).await;
        let (merged, ..) = agent.stop().await;
        assert!(merged.connection_errors[&ErrorKind::Refused] >= 8);
        assert!(merged.request_errors.is_empty());
        assert_eq!(merged.requests + merged.unfinished, server.lines());
        assert_eq!(merged.connect.error.len(), merged.connection_errors[&ErrorKind::Refused]);
        assert_eq!(server.connections(), 8);
    });
}

#[test]
fn any_bytes_are_an_answer_and_unasked_ones_are_not() {
    local(async {
        let server = Server::babbling().await;
        let agent = Agent::start(&plan(server.addr()), 5);
        until("traffic", || server.lines() > 100).await;
        let (merged, ..) = agent.stop().await;
        assert_eq!(merged.requests + merged.unfinished, server.lines());
        assert!(merged.errors().is_empty());
    });
}

#[test]
fn what_is_under_way_at_the_end_is_unfinished() {
    local(async {
        let server = Server::silent().await;
        let mut plan = plan(server.addr());
        plan.executions[0].scenario.steps[0].timeout_ms = 60_000;
        let mut agent = Agent::start(&plan, 6);
        until("six wait for an answer", || server.lines() == 6).await;
        let began = Instant::now();
        let _ = agent.tell.take().expect("once").send(());
        let (merged, ..) = agent.end().await;
        assert_eq!((merged.requests, merged.unfinished), (0, 6));
        // Half of the time to stop is for the drain.
        assert!(began.elapsed() >= Duration::from_millis(1400), "{:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    });
}

#[test]
fn a_lapsed_lease_and_the_runs_end_are_final() {
    for change in
        [(|wish: &mut Wish| wish.lease_until = NOW + 1000) as fn(&mut Wish), |wish: &mut Wish| {
            wish.ends_at = Some(NOW + 1000);
        }]
    {
        local(async {
            let target = echo(Duration::ZERO).await;
            let mut agent = Agent::start(&plan(target.addr()), 3);
            agent.edit(change);
            until("connected", || target.open() == 3).await;
            // Nobody to hear of it any more: the agent knows by itself.
            agent.bucket.refuse_reads(Some(CloudErrorKind::Ambiguous));
            let (merged, ..) = agent.end().await;
            assert_eq!(merged.requests + merged.unfinished, target.counts().lines);
        });
    }
}

#[test]
fn results_that_cannot_be_written_are_written_later() {
    local(async {
        let target = echo(Duration::ZERO).await;
        let agent = Agent::start(&plan(target.addr()), 3);
        agent.bucket.refuse_writes(Some(CloudErrorKind::Ambiguous));
        agent.bucket.refuse_metrics(Some(CloudErrorKind::Ambiguous));
        until("refusals", || agent.bucket.refused.get() > 10).await;
        assert_eq!(agent.bucket.merged().requests, 0);
        agent.bucket.refuse_writes(None);
        agent.bucket.refuse_metrics(None);
        until("published", || agent.bucket.sum(metrics::REQUESTS) > 0.0).await;
        let (merged, bucket, reports) = agent.stop().await;
        assert_eq!(merged.requests, target.counts().lines);
        // What was refused ambiguously is missing there for good.
        let printed: u64 = reports.iter().map(|report| report.requests).sum();
        assert_eq!(printed, merged.requests);
        assert!((bucket.sum(metrics::REQUESTS) as u64) < printed);
        assert_eq!(bucket.parts(), bucket.parts_in_order());
    });
}

#[test]
fn a_new_plan_moves_the_devices() {
    local(async {
        let (one, two) = (echo(Duration::ZERO).await, echo(Duration::ZERO).await);
        let mut agent = Agent::start(&plan(one.addr()), 5);
        until("at the first", || one.open() == 5).await;
        agent.bucket.put("plan-2.json", &plan(two.addr()));
        agent.edit(|wish| "plan-2.json".clone_into(&mut wish.plan));
        until("at the second", || one.open() == 0 && two.open() == 5).await;
        let (merged, ..) = agent.stop().await;
        assert_eq!(merged.requests + merged.unfinished, one.counts().lines + two.counts().lines);
        assert!(merged.errors().is_empty());
    });
}

#[test]
fn the_generators_own_health_is_told() {
    local(async {
        let target = echo(Duration::ZERO).await;
        let agent = Agent::start(&plan(target.addr()), 5);
        until("sockets", || agent.gauge(metrics::SOCKETS, None) == Some(5.0)).await;
        until("lag", || agent.gauge(metrics::LAG, None).is_some_and(|lag| lag > 0.0)).await;
        until("cpu", || agent.gauge(metrics::CPU, None).is_some_and(|cpu| cpu > 0.0)).await;
        let (merged, ..) = agent.stop().await;
        assert!(!merged.lag.ok.is_empty() && merged.cpu_max > 0.0);
    });
}

#[test]
fn a_device_is_small() {
    let lookup = |name: &str| (name != "LOADTOP_LIFELINE").then(|| "1".to_owned());
    let settings = Settings::from_lookup(lookup).expect("complete");
    let shared = Rc::new(shared::Shared::new(&settings));
    let life = device::Device::new(0, 0, shared, Rc::default()).live();
    // What a resting device costs beside its socket's and timer's registrations.
    assert!(size_of_val(&life) <= 1280, "{} bytes", size_of_val(&life));
}
