//! What a person gets wrong, and what they read then.

use crate::support::{House, stderr, stdout, target::Refusing};

#[test]
fn wrong_words_are_named_with_exit_code_2() {
    let house = House::new();
    for (arguments, says) in [
        (&["--frobnicate"][..], "--frobnicate"),
        (&["localhost:80"], "tcp://HOST:PORT"),
        (&["tcp://host"], "names no port"),
        (&["mqtt://host:1883"], "`mqtt://` targets do not work yet"),
        (&["up"], "`up` is planned and does not exist yet"),
        (&["--cluster", "prod"], "capacity.group: missing; say the Auto Scaling group"),
        (&["--cluster", "prod", "--group", "g"], "task.definition: missing; say the task"),
        (&["--cluster", "prod", "--fargate"], "capacity.subnets: missing; on Fargate"),
        (&["--region", "eu-west-1"], "--region: no cluster is named"),
        (&["--run", "x"], "has no run that is on already"),
        (&["add", "5"], "start `loadtop local`"),
        (&["status"], "start `loadtop local`"),
        (&["killall", "--yes"], "start `loadtop local`"),
        (&["run", "--headless"], "--target is missing"),
        (&["run", "--headless", "--target", "tcp://a:1"], "--devices is missing"),
        (&["run", "--target", "tcp://a:1", "-n", "5"], "add --headless"),
        (&["run", "plan.yml"], "plan.yml: plans are not there yet"),
        (&["plan", "plan.yml"], "plan.yml: plans are not there yet"),
        (&["plan"], "--devices is missing"),
        (&["run", "--dry-run"], "--devices is missing"),
        (&["--ramp-up", "soon"], "15s, 2m, 1h30m"),
    ] {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
        assert!(stdout(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn an_endpoint_that_cannot_be_is_refused() {
    let house = House::new();
    let named = |url: &str| {
        [("AWS_ENDPOINT_URL", url), ("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "a")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    for (url, says) in [
        ("127.0.0.1:4000", "AWS_ENDPOINT_URL is no http:// or https:// URL"),
        ("http://u:hunter2@127.0.0.1:9", "AWS_ENDPOINT_URL has a name or password in it"),
        ("http://127.0.0.1:9", "AWS_SECRET_ACCESS_KEY is not set"),
    ] {
        for arguments in [&["--cluster", "c"][..], &["status", "--cluster", "c"]] {
            let output = house.run_with(arguments, &named(url));
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
            assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
            assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
        }
    }
}

#[test]
fn without_a_terminal_the_dashboard_says_what_to_use() {
    let output = House::new().run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("run --headless"), "{}", stderr(&output));
}

#[test]
fn a_port_that_refuses_fails_with_its_reason() {
    let house = House::new();
    let target = Refusing::new();
    let output = house.run(&[
        "run",
        "--headless",
        "--target",
        &target.url(),
        "-n",
        "10",
        "--ramp-up",
        "1s",
        "--hold-for",
        "1s",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("no device ever connected"), "{}", stderr(&output));
    assert!(stderr(&output).contains("refused"), "{}", stderr(&output));
}

#[test]
fn more_devices_than_fit_are_refused_with_the_number_that_does() {
    let house = House::new();
    let many = &["run", "--headless", "--target", "tcp://127.0.0.1:9", "-n", "10001"];
    let output = house.run(many);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("10000 devices fit"), "{}", stderr(&output));
    let output = house.run(&[many, &["--devices-per-task", "4000000000"][..]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("say at most"), "{}", stderr(&output));
}
