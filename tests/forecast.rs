//! What is said before anything is started, and that nothing is.

use serde_json::Value;

use crate::support::{House, stderr, stdout};

/// The runs that this house ever began.
fn runs(house: &House) -> usize {
    let folder = house.path().join("loadtop/runs");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_forecast_says_what_it_takes_and_starts_nothing() {
    let house = House::new();
    let output = house.run(&["plan", "-n", "1500", "--ramp-up", "1m", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: Value = serde_json::from_str(&stdout(&output)).unwrap();
    // 250 devices a task, four tasks an instance, one instance at the start.
    assert_eq!((&json["tasks"], &json["calls"]), (&6.into(), &6.into()), "{json:#}");
    assert_eq!(json["instances"]["needed"], 2, "{json:#}");
    assert_eq!(json["instances"]["missing"], 1, "{json:#}");
    assert_eq!((&json["can_be_done"], &json["cost"]), (&true.into(), &Value::Null), "{json:#}");
    // An instance may take three minutes to come up, and then the ramp.
    assert_eq!((&json["bound"], &json["full_s"]), (&"instances".into(), &240.0.into()));

    let arguments = ["run", "--dry-run", "--target", "tcp://127.0.0.1:9", "-n", "100"];
    let output = house.run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for words in ["nothing is started", "100 in 1 task", "1, all there", "cost       nothing"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(runs(&house), 0);
}

#[test]
fn what_cannot_be_done_is_refused_with_exit_code_1() {
    let house = House::new();
    let output = house.run(&["plan", "-n", "10001"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("the group loadtop has at most 10 instances: 10000 devices fit"),
        "{text}"
    );
    assert!(stderr(&output).contains("it cannot be done"), "{}", stderr(&output));
    assert_eq!(runs(&house), 0);
}
