//! Runs without a screen, from the command line to the summary.

use serde_json::Value;

use crate::support::{
    House, stderr, stdout,
    target::{Manner, Target},
};

fn summary(house: &House, target: &str, more: &[&str]) -> (Value, i32) {
    let mut arguments = vec!["run", "--headless", "--target", target, "--json"];
    arguments.extend(more);
    let output = house.run(&arguments);
    let text = stdout(&output);
    let json = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", stderr(&output)));
    (json, output.status.code().unwrap())
}

fn number(json: &Value, path: &str) -> u64 {
    json.pointer(path).and_then(Value::as_u64).unwrap_or_else(|| panic!("{path} of {json:#}"))
}

/// What the target received is what the summary says was sent.
fn assert_books_balance(json: &Value, target: &Target) {
    let sent = number(json, "/requests") + number(json, "/unfinished");
    assert_eq!(target.lines(), sent, "{json:#}");
}

#[test]
fn a_hundred_devices_and_every_request_is_accounted_for() {
    let house = House::new();
    let target = Target::start(Manner::Echo);
    let (json, code) = summary(
        &house,
        &target.url(),
        &["--devices", "100", "--ramp-up", "2s", "--hold-for", "4s"],
    );
    assert_eq!(code, 0, "{json:#}");
    assert_eq!(json["result"], "passed");
    assert_eq!(number(&json, "/devices/requested"), 100);
    assert_eq!(number(&json, "/devices/peak_connected"), 100);
    assert_eq!(number(&json, "/devices/failed"), 0);
    assert_eq!(number(&json, "/tasks/started"), 1);
    assert_eq!(number(&json, "/tasks/left_running"), 0);
    assert_eq!(number(&json, "/errors/total"), 0);
    assert_eq!(number(&json, "/coverage/reporting"), 1);
    // A request a second and device, for four seconds of holding and half a ramp,
    // on a machine that keeps up: how many is not this test's business.
    assert!(number(&json, "/requests") >= 100, "{json:#}");
    assert!(number(&json, "/phases/hold/requests") > 0, "{json:#}");
    assert!(json["response_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert!(number(&json, "/api_calls/RunTask") == 1);
    assert_books_balance(&json, &target);
    // The run folder has it too.
    let run = json["run"].as_str().unwrap();
    let folder = house.path().join("loadtop/runs").join(run);
    for name in ["run.json", "journal.jsonl", "summary.json", "tasks"] {
        assert!(folder.join(name).exists(), "{name} is missing");
    }
}

#[test]
fn a_silent_target_is_timeouts_and_unfinished_requests() {
    let house = House::new();
    let target = Target::start(Manner::Silent);
    let (json, code) = summary(
        &house,
        &target.url(),
        &["--devices", "20", "--ramp-up", "1s", "--hold-for", "12s"],
    );
    assert_eq!(code, 1, "nothing was answered: {json:#}");
    assert_eq!(json["result"], "error");
    assert_eq!(number(&json, "/devices/peak_connected"), 20);
    assert_eq!(number(&json, "/errors/by_kind/timeout"), 20, "{json:#}");
    assert!(json["response_ms"]["p50"].as_f64().unwrap() >= 10_000.0 * 0.99, "{json:#}");
    assert_books_balance(&json, &target);
}

#[test]
fn garbage_is_an_answer() {
    let house = House::new();
    let target = Target::start(Manner::Garbage);
    let (json, code) =
        summary(&house, &target.url(), &["--devices", "20", "--ramp-up", "1s", "--hold-for", "2s"]);
    assert_eq!(code, 0);
    assert_eq!(number(&json, "/errors/total"), 0, "{json:#}");
    assert_books_balance(&json, &target);
}

#[test]
fn a_target_that_closes_at_once_is_counted_as_that() {
    let house = House::new();
    let target = Target::start(Manner::ClosesAtOnce);
    let (json, _) =
        summary(&house, &target.url(), &["--devices", "20", "--ramp-up", "1s", "--hold-for", "3s"]);
    let kinds = json["errors"]["by_kind"].as_object().unwrap();
    assert!(number(&json, "/errors/total") >= 20, "{json:#}");
    assert!(kinds.keys().all(|kind| kind == "closed" || kind == "reset"), "{json:#}");
}

#[test]
fn more_than_an_instance_holds_scales_the_instances() {
    let house = House::new();
    let target = Target::start(Manner::Echo);
    let (json, code) = summary(
        &house,
        &target.url(),
        &["-n", "60", "--devices-per-task", "10", "--ramp-up", "1s", "--hold-for", "2s"],
    );
    assert_eq!(code, 0, "{json:#}");
    assert_eq!(number(&json, "/tasks/started"), 6);
    assert_eq!(number(&json, "/devices/peak_connected"), 60);
    assert_books_balance(&json, &target);
}
