//! A place where nothing can come of a run: each is refused by its name, with the way out,
//! and nothing that was started is left.

use crate::support::{House, local::Local, stderr, stdout};

const RUN: [&str; 10] = [
    "run",
    "--headless",
    "--target",
    "tcp://127.0.0.1:9",
    "-n",
    "20",
    "--ramp-up",
    "1s",
    "--hold-for",
    "1s",
];

/// A change of the environment, flags, and what must be said.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
    i32,
    &'static [&'static str],
);

const CASES: [Case; 7] = [
    (
        "another region",
        &[("AWS_REGION", "eu-west-9")],
        &[],
        1,
        &["Credential should be scoped", "aws sts get-caller-identity"],
    ),
    ("no credentials", &[("AWS_ACCESS_KEY_ID", "")], &[], 2, &["AWS_ACCESS_KEY_ID is not set"]),
    (
        "foreign credentials",
        &[("AWS_ACCESS_KEY_ID", "AKIDOFNOBODY")],
        &[],
        1,
        &["security token", "aws sso login"],
    ),
    (
        "no such cluster",
        &[],
        &["--cluster", "nowhere", "--group", "loadtop", "--bucket", "loadtop"],
        1,
        &["there is no cluster named nowhere", "aws ecs list-clusters"],
    ),
    (
        "no such bucket",
        &[],
        &["--bucket", "nowhere"],
        1,
        &["bucket named nowhere", "aws s3 mb s3://nowhere"],
    ),
    (
        "no such group",
        &[],
        &["--group", "nowhere"],
        1,
        &["there is no Auto Scaling group named nowhere"],
    ),
    (
        "the group is at its maximum",
        &[],
        &["-n", "10001"],
        2,
        &["the group loadtop has at most 10 instances", "10000 devices fit"],
    ),
];

#[test]
fn what_nothing_can_come_of_is_refused_by_its_name() {
    let house = House::new();
    let local = Local::start(&house);
    for (case, variables, flags, code, says) in CASES {
        let mut environment = local.exports.clone();
        for (name, value) in variables {
            environment.retain(|(it, _)| it != name);
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
        // A number that is said twice would be refused for that.
        let mut arguments = RUN.to_vec();
        if flags.contains(&"-n") {
            arguments.drain(4..6);
        }
        arguments.extend(flags);
        let output = house.run_with(&arguments, &environment);
        let words = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{case}: {words}");
        for text in says {
            assert!(words.contains(text), "{case} does not say {text}: {words}");
        }
        assert!(words.lines().count() < 30, "{case} says too much: {words}");
    }
    let status = house.run_with(&["status", "--json"], &local.exports);
    let seen: serde_json::Value = serde_json::from_str(&stdout(&status)).unwrap();
    assert_eq!(seen["runs"], serde_json::json!([]));
}

#[test]
fn one_permission_missing_is_named_and_leaves_nothing() {
    let house = House::new();
    for action in ["ecs:RunTask", "s3:PutObject", "autoscaling:DescribeAutoScalingGroups"] {
        let local = Local::start_with(&house, &["--deny", action]);
        let output = house.run_with(&RUN, &local.exports);
        let words = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{action}: {words}");
        assert!(words.contains(action), "{words}");
        let cloud = local.cloud();
        let tasks = crate::support::local::runtime().block_on(cloud.list_tasks(None)).unwrap();
        assert_eq!(tasks, Vec::<String>::new(), "{action}");
    }
}
