//! Agents with a rate: what it comes to, and what stalls look like then.

use super::*;

/// Requests in a second, by the time that the target takes to see so many.
async fn made(target: &Target, requests: u64) -> f64 {
    let (lines, began) = (target.counts().lines, Instant::now());
    until("so many requests", || target.counts().lines >= lines + requests).await;
    (target.counts().lines - lines) as f64 / began.elapsed().as_secs_f64()
}

fn rate(wish: &mut Wish, per_s: f64) {
    wish.rates.insert(0, per_s);
}

#[test]
fn devices_make_the_rate_that_is_set_and_the_next_one() {
    local(async {
        let target = echo(Duration::ZERO).await;
        let mut agent = Agent::start(&plan(target.addr()), 50);
        until("all connected", || target.open() == 50).await;
        agent.edit(|wish| rate(wish, 40.0));
        // Devices that are faster by themselves slow down.
        until("the agent has heard", || {
            agent.gauge(metrics::REQUESTS, None).is_some_and(|requests| requests < 30.0)
        })
        .await;
        for per_s in [40.0, 400.0, 150.0] {
            agent.edit(|wish| rate(wish, per_s));
            let lines = target.counts().lines;
            until("it is heard of", || target.counts().lines > lines + 60).await;
            let made = made(&target, (3.0 * per_s) as u64).await;
            assert!((made - per_s).abs() <= per_s * 0.02 + 1.0, "{made} of {per_s}");
        }
        let (merged, ..) = agent.stop().await;
        assert_eq!(merged.requests + merged.unfinished, target.counts().lines);
        assert!(merged.paced > 0 && merged.paced < merged.requests, "{}", merged.paced);
        // Those whose moment came as the devices were told to end.
        assert!(merged.unsent <= 5, "{}", merged.unsent);
    });
}

#[test]
fn without_the_rate_devices_rest_again_as_their_scenario_says() {
    local(async {
        let target = echo(Duration::ZERO).await;
        let mut agent = Agent::start(&plan(target.addr()), 10);
        agent.edit(|wish| rate(wish, 0.01));
        until("they all rest", || target.open() == 10).await;
        agent.edit(|wish| wish.rates.clear());
        let lines = target.counts().lines;
        // Ten devices, ten milliseconds of rest: they were woken, and not by their timers.
        until("traffic", || target.counts().lines > lines + 200).await;
        agent.stop().await;
    });
}

#[test]
fn a_stall_is_in_the_response_times_of_all_that_it_kept_waiting() {
    local(async {
        let server = Server::stalling().await;
        let mut agent = Agent::start(&plan(server.addr()), 1);
        agent.edit(|wish| rate(wish, 50.0));
        until("it stalls", || server.is_stalled()).await;
        // A report every 100 ms: how long the stall is follows from what was published.
        let (began, published) = (Instant::now(), agent.bucket.published.borrow().len());
        until("reports of the stall", || {
            let reports = agent.bucket.published.borrow();
            let requests = reports[published..].iter().filter(|it| it.name == metrics::LAG);
            requests.count() >= 5
        })
        .await;
        server.go_on();
        let stalled = began.elapsed().as_secs_f64();
        until("what it kept is sent", || server.lines() > 120).await;
        let (merged, ..) = agent.stop().await;
        let slow =
            |times: &crate::stats::merged::Split| times.ok.count_between(100_000, u64::MAX / 2);
        // Of fifty a second all wait for more than 100 ms that were due before its last
        // 100 ms; one of them for its answer.
        let (response, service) =
            (slow(&merged.requests_times.response), slow(&merged.requests_times.service));
        let kept = (stalled - 0.1) * 50.0;
        assert!((response as f64 - kept).abs() <= 4.0, "{response} of {kept:.1}");
        assert_eq!(service, 1);
        assert!(merged.unsent <= 1, "{}", merged.unsent);
    });
}

#[test]
fn what_was_due_and_could_not_be_sent_is_counted() {
    local(async {
        // A target that takes 200 ms gets five a second of one device; twenty are due.
        let target = echo(Duration::from_millis(200)).await;
        let mut agent = Agent::start(&plan(target.addr()), 1);
        agent.edit(|wish| rate(wish, 20.0));
        until("some were made", || target.counts().lines > 10).await;
        let (merged, ..) = agent.stop().await;
        assert!(merged.unsent >= 15, "{}", merged.unsent);
        let response = merged.requests_times.response.ok.max();
        assert!(response > 3 * merged.requests_times.service.ok.max(), "{response}");
    });
}

#[test]
fn devices_that_rest_for_long_move_at_once_to_a_new_target() {
    local(async {
        let (one, two) = (echo(Duration::ZERO).await, echo(Duration::ZERO).await);
        let mut agent = Agent::start(&plan(one.addr()), 5);
        agent.edit(|wish| rate(wish, 0.01));
        until("at the first", || one.open() == 5).await;
        agent.bucket.put("plan-2.json", &plan(two.addr()));
        agent.edit(|wish| "plan-2.json".clone_into(&mut wish.plan));
        until("at the second", || one.open() == 0 && two.open() == 5).await;
        agent.stop().await;
    });
}
