//! The corpus of files, precedence, and what no error may show.

use std::{fs, path::Path};

use super::*;
use crate::{
    cli::{self, Where},
    usage::Usage,
};

/// What is said about a file of the corpus by a run that is to begin, with nothing else
/// known.
fn asked(text: &str) -> Result<Option<Found>, String> {
    settled(&Where::default(), Some(&cli::Image::default()), &[], Some(text))
}

fn settled(
    place: &Where,
    image: Option<&cli::Image>,
    variables: &[(&str, &str)],
    text: Option<&str>,
) -> Result<Option<Found>, String> {
    let file = text.map(|text| File { path: "loadtop.toml".into(), text: text.to_owned() });
    let lookup = |name: &str| {
        let found = variables.iter().find(|(it, _)| *it == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let asked = Asked { place, image, lookup: &lookup, file: file.as_ref() };
    asked.resolve().map_err(|Usage(why)| why)
}

fn config(
    place: &Where,
    image: Option<&cli::Image>,
    variables: &[(&str, &str)],
    text: Option<&str>,
) -> Config {
    let found = settled(place, image, variables, text).unwrap_or_else(|why| panic!("{why}"));
    found.expect("a cluster").config
}

/// All files of a folder of the corpus with this ending, by name.
fn corpus(folder: &str, ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned();
            Some((name, fs::read_to_string(&path).expect("a text")))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn valid_files_are_taken() {
    let files = corpus("valid", ".toml");
    assert!(files.len() >= 8, "{}", files.len());
    for (name, text) in files {
        let found = asked(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        // What is only about the screen names no place.
        assert_eq!(found.is_some(), name != "only-the-screen", "{name}");
    }
}

#[test]
fn invalid_files_are_refused_in_the_words_beside_them() {
    let files = corpus("invalid", ".toml");
    let words = corpus("invalid", ".expected");
    let names =
        |files: &[(String, String)]| files.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&files), names(&words));
    assert!(files.len() >= 20, "{}", files.len());
    for ((name, text), (_, expected)) in files.iter().zip(&words) {
        let said = asked(text).expect_err(name);
        assert_eq!(format!("{said}\n"), *expected, "{name}");
    }
}

const FILE: &str = "cluster = 'by-file'\nregion = 'eu-west-1'\nbucket = 'by-file'\n\
                    profile = 'by-file'\n[capacity]\ngroup = 'by-file'\n[task]\n\
                    definition = 'by-file'\ncontainer = 'by-file'\nidentity = 'FILE'\n";
const VARIABLES: [(&str, &str); 4] = [
    ("LOADTOP_CLUSTER", "by-variable"),
    ("AWS_REGION", "eu-north-1"),
    ("LOADTOP_BUCKET", "by-variable"),
    ("LOADTOP_GROUP", "by-variable"),
];

fn by_flag() -> Where {
    let flag = Some("by-flag".to_owned());
    Where {
        cluster: flag.clone(),
        region: Some("eu-south-1".to_owned()),
        bucket: flag.clone(),
        group: flag,
        ..Where::default()
    }
}

/// Cluster, bucket and group; and the region.
fn names(config: &Config) -> ([String; 3], Option<String>) {
    let bucket = config.bucket.clone().expect("a bucket");
    let group = config.capacity.group_name().expect("a group").to_owned();
    let Access::Tools { region, .. } = &config.access else { panic!("{:?}", config.access) };
    ([config.cluster.clone(), bucket, group], region.clone())
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let nothing = Where::default();
    let flags = by_flag();
    for (place, variables, file, who, region) in [
        (&flags, &[][..], None, "by-flag", "eu-south-1"),
        (&nothing, &VARIABLES[..], None, "by-variable", "eu-north-1"),
        (&nothing, &[][..], Some(FILE), "by-file", "eu-west-1"),
        (&flags, &VARIABLES[..], None, "by-flag", "eu-south-1"),
        (&flags, &[][..], Some(FILE), "by-flag", "eu-south-1"),
        (&nothing, &VARIABLES[..], Some(FILE), "by-variable", "eu-north-1"),
        (&flags, &VARIABLES[..], Some(FILE), "by-flag", "eu-south-1"),
    ] {
        let found = names(&config(place, None, variables, file));
        let expected = [who, who, who].map(str::to_owned);
        assert_eq!(found, (expected, Some(region.to_owned())), "{who}");
    }
    // Each key by itself: what nobody else says stays the file's.
    for (name, value) in VARIABLES {
        let config = config(&nothing, None, &[(name, value)], Some(FILE));
        let ([cluster, bucket, group], region) = names(&config);
        let said = [cluster, bucket, group, region.expect("a region")];
        assert_eq!(said.iter().filter(|it| *it == value).count(), 1, "{name}: {said:?}");
    }
    assert_eq!(
        names(&config(&nothing, None, &[("AWS_DEFAULT_REGION", "eu-east-1")], Some(FILE))).1,
        Some("eu-east-1".to_owned())
    );
    // What is empty is not said.
    assert_eq!(
        names(&config(&nothing, None, &[("LOADTOP_CLUSTER", "")], Some(FILE))).0[0],
        "by-file"
    );
}

#[test]
fn what_runs_in_tasks_is_the_flags_before_the_files() {
    let nothing = Where::default();
    let task = |image: cli::Image| config(&nothing, Some(&image), &[], Some(FILE)).task;
    let definition = |name: &str, identity: &str| Task::Definition {
        name: name.to_owned(),
        container: name.to_owned(),
        identity: Some(identity.to_owned()),
    };
    let (flag, id) = (Some("by-flag".to_owned()), Some("FLAG".to_owned()));
    let named =
        cli::Image { task_definition: flag.clone(), container: flag, ..cli::Image::default() };
    assert_eq!(task(cli::Image::default()), definition("by-file", "FILE"));
    assert_eq!(task(named.clone()), definition("by-flag", "FILE"));
    assert_eq!(task(cli::Image { identity: id.clone(), ..named }), definition("by-flag", "FLAG"));
    let alone = cli::Image { identity: id, ..cli::Image::default() };
    assert_eq!(task(alone), definition("by-file", "FLAG"));
}

#[test]
fn a_group_of_the_files_is_own_only_as_long_as_it_is_that_group() {
    let own = "cluster = 'c'\n[capacity]\ngroup = 'g'\nown = true\n";
    let owns = |place: &Where, variables: &[(&str, &str)]| {
        config(place, None, variables, Some(own)).owns_group
    };
    let nothing = Where::default();
    assert!(owns(&nothing, &[]));
    assert!(owns(&nothing, &[("LOADTOP_GROUP", "g")]));
    assert!(!owns(&nothing, &[("LOADTOP_GROUP", "another")]));
    assert!(!owns(&Where { group: Some("another".to_owned()), ..Where::default() }, &[]));
    let fargate = "cluster = 'c'\n[capacity]\nfargate = 'spot'\npublic-address = true\n\
                   subnets = ['subnet-1']\n";
    let on_group = Where { group: Some("g".to_owned()), ..Where::default() };
    let found = config(&on_group, None, &[], Some(fargate));
    assert_eq!(found.capacity, Capacity::group("g"));
    assert!(!found.network.public_address, "a group's tasks have none");
}

#[test]
fn without_a_cluster_there_is_no_configuration() {
    let nothing = Where::default();
    assert_eq!(settled(&nothing, None, &[("AWS_REGION", "x")], None), Ok(None));
    assert_eq!(settled(&nothing, None, &[], Some("# only words\n")), Ok(None));
    let why = settled(&nothing, None, &[], Some("bucket = 'bbb'")).expect_err("no cluster");
    assert!(why.starts_with("loadtop.toml: cluster: missing; "), "{why}");
    let local = Where { local: true, ..Where::default() };
    assert_eq!(settled(&local, None, &VARIABLES, Some(FILE)), Ok(None));
    let region = Where { region: Some("eu-west-1".to_owned()), ..Where::default() };
    let why = settled(&region, None, &[], None).expect_err("no cluster");
    assert!(why.starts_with("--region: no cluster is named"), "{why}");
}

#[test]
fn a_local_cloud_brings_the_agent_and_a_bucket_of_its_name() {
    let exports = [
        ("LOADTOP_CLUSTER", "loadtop"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4000"),
        ("AWS_REGION", "r"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ];
    let image = cli::Image::default();
    let config = config(&Where::default(), Some(&image), &exports, None);
    assert_eq!(config.task, Task::default());
    assert_eq!(config.bucket.as_deref(), Some("loadtop"));
    assert!(!format!("{config:?}").contains("hunter2"));
    // A file says all that it means: no bucket is no bucket.
    let file = "[task]\ndefinition = 'd'\ncontainer = 'c'";
    let by_file = super::tests::config(&Where::default(), Some(&image), &exports, Some(file));
    assert_eq!(by_file.bucket, None);
    let empty = [&exports[..], &[("LOADTOP_BUCKET", "")]].concat();
    let none = super::tests::config(&Where::default(), None, &empty, None);
    assert_eq!(none.bucket, None, "an empty name says that there is none");
    let program = cli::values::program("sleep 5").expect("a program");
    let exec = cli::Image { exec: Some(program), ..cli::Image::default() };
    let there = settled(&by_flag(), Some(&exec), &[], None).expect_err("not on ECS");
    assert!(there.starts_with("--exec: a program of this machine"), "{there}");
    assert!(settled(&Where::default(), Some(&exec), &exports, None).is_ok());
}

#[test]
fn who_begins_no_run_need_not_say_what_runs() {
    let file = "cluster = 'c'\nbucket = 'bbb'\n[capacity]\ngroup = 'g'\n";
    let nothing = Where::default();
    assert!(settled(&nothing, None, &[], Some(file)).is_ok());
    let why = settled(&nothing, Some(&cli::Image::default()), &[], Some(file));
    assert!(why.expect_err("no task").starts_with("loadtop.toml: task.definition: missing; "));
}

#[test]
fn a_new_run_is_as_the_command_line_says_and_then_the_file() {
    use clap::Parser as _;
    let making = |line: &str| {
        let words = ["loadtop"].into_iter().chain(line.split_whitespace());
        cli::Cli::try_parse_from(words).expect("parses").dashboard.making
    };
    let file = "cluster = 'c'\nbucket = 'bbb'\n[capacity]\ngroup = 'g'\n[task]\n\
                definition = 'd'\ncontainer = 'c'\nagent = true\ndevices = 50\n[run]\n\
                lease = '20m'\nbudget = 5\n";
    let config = config(&Where::default(), None, &[], Some(file));
    let all = |line: &str, config: Option<&Config>| {
        let making = making(line);
        let lease = making.policy(config).lease_ms / 60_000;
        (making.devices_per_task(config), lease, making.budget_usd(config))
    };
    let flags = "--devices-per-task 7 --lease 30m --budget 2.50";
    assert_eq!(all("", None), (250, 10, None));
    assert_eq!(all("", Some(&config)), (50, 20, Some(5.0)));
    assert_eq!(all(flags, None), (7, 30, Some(2.5)));
    assert_eq!(all(flags, Some(&config)), (7, 30, Some(2.5)));
}

#[test]
fn the_files_of_the_readme_are_taken() {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```toml\n").skip(1).filter_map(|it| it.split("```").next());
    let blocks: Vec<&str> = blocks.collect();
    assert!(blocks.len() >= 2, "{blocks:?}");
    for block in blocks {
        assert!(asked(block).is_ok(), "{block}\n{:?}", asked(block));
    }
}
