//! `loadtop.toml` from outside: where it is looked for, what is wrong with it, `init`,
//! and a cloud that is used by what it says.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use crate::support::{
    House,
    local::Local,
    stderr, stdout,
    target::{Manner, Target},
};

fn set(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The exports of a local cloud that say where it is and who asks; none of its names.
fn endpoint(local: &Local) -> Vec<(String, String)> {
    let names = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    local.exports.iter().filter(|(name, _)| names.contains(&name.as_str())).cloned().collect()
}

const WRONG: &str = "cluster = \"load\"\n[capacity]\ngruop = \"load\"\n";

#[test]
fn a_wrong_key_is_shown_with_its_line_and_what_would_be_right() {
    let house = House::with(WRONG);
    let named = house.path().join("named.toml");
    fs::write(&named, format!("\n{WRONG}")).unwrap();
    let named = named.to_str().unwrap();
    let runs: [(&[&str], &str, usize); 3] = [
        (&["status"], "config/loadtop/loadtop.toml", 3),
        (&["status", "--config", named], named, 4),
        (&["run", "--headless", "-n", "5", "--config", named], named, 4),
    ];
    for (arguments, file, line) in runs {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        let says = format!("{file}:{line}: capacity.gruop: no such key; did you mean `group`?");
        assert!(stderr(&output).contains(&says), "{arguments:?}: {}", stderr(&output));
        assert!(stdout(&output).is_empty(), "{arguments:?}");
    }
    let by_variable = house.run_with(&["status"], &[set("LOADTOP_CONFIG", named)]);
    assert!(stderr(&by_variable).contains(&format!("{named}:4: ")), "{}", stderr(&by_variable));
    // In the folder where one works it comes before the person's own.
    fs::write(house.path().join("loadtop.toml"), "\n\nclustre = 1\n").unwrap();
    let here = house.command(&["status"]).current_dir(house.path()).output().unwrap();
    assert_eq!(here.status.code(), Some(2));
    assert!(stderr(&here).contains("loadtop: loadtop.toml:3: clustre: "), "{}", stderr(&here));
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let house = House::new();
    let output = house.run(&["status", "--config", "missing.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--config missing.toml: there is no such file"));
    assert!(stderr(&output).contains("`loadtop init --config missing.toml` writes one"));
}

#[test]
fn secrets_in_a_file_are_refused_and_not_shown() {
    let secrets = [
        "aws_secret_access_key = \"hunter2\"\n",
        "[task]\nsession_token = \"hunter2\"\n",
        "cluster = \"load\"\nsecret = hunter2\n",
        "bucket = [\"hunter2\"]\n",
    ];
    for secret in secrets {
        let house = House::with(secret);
        let output = house.run_with(&["status"], &[set("LOADTOP_LOG", "debug")]);
        assert_eq!(output.status.code(), Some(2), "{secret}: {}", stderr(&output));
        assert!(!stderr(&output).contains("hunter2"), "{secret}: {}", stderr(&output));
        let log = house.path().join("loadtop/loadtop.log");
        let log = fs::read_to_string(log).unwrap_or_default();
        assert!(!log.contains("hunter2"), "{secret}: {log}");
    }
}

#[test]
fn a_file_takes_the_place_of_exports() {
    let house = House::new();
    let local = Local::start(&house);
    let path = house.path().join("cloud.toml");
    let path = path.to_str().unwrap();
    let init = ["--cluster", "loadtop", "--region", "us-east-1", "--group", "loadtop"];
    let more = ["--bucket", "loadtop", "--config", path];
    let output = house.run(&[&["init"][..], &init, &more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("cloud.toml is written"), "{}", stderr(&output));
    let again = house.run(&["init", "--config", path]);
    assert_eq!(again.status.code(), Some(2), "{}", stderr(&again));
    assert!(stderr(&again).contains("--force overwrites it"), "{}", stderr(&again));
    let printed = house.run(&[&["init", "--print"][..], &init, &more].concat());
    assert_eq!(stdout(&printed), fs::read_to_string(path).unwrap());
    let status = house.run_with(&["status", "--json", "--config", path], &endpoint(&local));
    assert_eq!(status.status.code(), Some(0), "{}", stderr(&status));
    let answer: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    let host = local.exports[0].1.strip_prefix("http://").unwrap();
    assert_eq!(answer["where"], format!("ECS at {host}"));
    assert_eq!(answer["runs"], serde_json::json!([]));
}

#[test]
fn a_named_profile_has_the_keys_of_its_file_and_not_those_that_lie_about() {
    let house = House::new();
    let local = Local::start(&house);
    let export = |wanted: &str| {
        let found = local.exports.iter().find(|(name, _)| name == wanted).unwrap();
        found.1.clone()
    };
    let credentials = house.path().join("credentials");
    let keys = format!(
        "[cloud]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        export("AWS_ACCESS_KEY_ID"),
        export("AWS_SECRET_ACCESS_KEY")
    );
    fs::write(&credentials, keys).unwrap();
    let nothing = house.path().join("nothing");
    fs::write(&nothing, "").unwrap();
    let variables = |url: &str| {
        [
            set("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
            set("AWS_CONFIG_FILE", nothing.to_str().unwrap()),
            set("AWS_EC2_METADATA_DISABLED", "true"),
            set("AWS_ENDPOINT_URL", url),
            // Of somebody else: with these the cloud refuses.
            set("AWS_ACCESS_KEY_ID", "AKIDOTHER"),
            set("AWS_SECRET_ACCESS_KEY", "other"),
        ]
    };
    let url = export("AWS_ENDPOINT_URL");
    let region = export("AWS_REGION");
    let place = ["--cluster", "loadtop", "--group", "loadtop", "--bucket", "loadtop"];
    let named = ["status", "--json", "--region", &region, "--profile", "cloud"];
    let output = house.run_with(&[&named[..], &place].concat(), &variables(&url));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let others = ["status", "--json", "--region", &region];
    let output = house.run_with(&[&others[..], &place].concat(), &variables(&url));
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

/// Takes whatever comes, and tells the first line of each request.
fn listener() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (say, told) = channel();
    thread::spawn(move || {
        // Until nobody listens to what is told any more.
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            let _ = BufReader::new(&stream).read_line(&mut line);
            let answer = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes());
            if say.send(line).is_err() {
                break;
            }
        }
    });
    (url, told)
}

#[test]
fn each_service_may_have_an_endpoint_of_its_own() {
    let house = House::new();
    let local = Local::start(&house);
    let file = house.path().join("agents.toml");
    let file = file.to_str().unwrap();
    let text = "cluster = \"loadtop\"\nbucket = \"loadtop\"\nregion = \"us-east-1\"\n\
                [capacity]\ngroup = \"loadtop\"\n[task]\ndefinition = \"loadtop-agent\"\n\
                container = \"agent\"\nagent = true\n";
    fs::write(file, text).unwrap();
    let (url, told) = listener();
    let target = Target::start(Manner::Echo);
    let mut variables = endpoint(&local);
    variables.push(set("AWS_EC2_METADATA_DISABLED", "true"));
    variables.push(set("AWS_ENDPOINT_URL_CLOUDWATCH", &url));
    let run = ["run", "--headless", "-n", "1", "--ramp-up", "1s", "--hold-for", "2s"];
    let more = ["--config", file, "--json", "--target", &target.url()];
    let output = house.run_with(&[&run[..], &more].concat(), &variables);
    // The run itself is on the local cloud, whose agents say there how it goes.
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    assert_eq!(summary["devices"]["peak_connected"], 1, "{summary:#}");
    assert_eq!(summary["tasks"]["left_running"], 0, "{summary:#}");
    // Who asks for the live figures asks elsewhere.
    let asked: Vec<String> = told.try_iter().collect();
    let is_query = |line: &String| line.contains("operation/GetMetricData");
    assert!(!asked.is_empty() && asked.iter().all(is_query), "{asked:?}");
}

#[test]
fn a_local_cloud_of_ones_own_needs_no_file_to_be_right() {
    let house = House::with(WRONG);
    let target = Target::start(Manner::Echo);
    let run = ["run", "--headless", "--local", "-n", "1", "--ramp-up", "1s", "--hold-for", "1s"];
    let output = house.run(&[&run[..], &["--target", &target.url()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
