//! Planted secrets: none of them is in anything that loadtop writes or says.
//!
//! Everything is looked through that a run leaves on disk (journal, wish, slots, results,
//! logs at the finest level) and what the commands printed. The one exception is what
//! `loadtop local` prints for the shell that is to use it: its own keys.

use std::{fs, path::Path};

use crate::support::{
    House,
    local::Local,
    target::{Manner, Target},
};

const TOKEN: &str = "planted-session-token-7f2d";
const PROFILE_SECRET: &str = "planted-profile-secret-91c4";

/// The variables with keys.
const OF_KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
/// A cluster that is reached as AWS's tools do it.
const CONFIG: &str = "cluster = 'loadtop'\nbucket = 'loadtop'\n[capacity]\ngroup = 'loadtop'\n\
                      [task]\ndefinition = 'loadtop-agent'\ncontainer = 'agent'\nagent = true\n";

/// Every file below a folder that has one of these words in it.
fn betrayals(folder: &Path, words: &[&str], found: &mut Vec<String>) -> u32 {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += betrayals(&path, words, found);
        } else if let Ok(bytes) = fs::read(&path) {
            files += 1;
            let text = String::from_utf8_lossy(&bytes);
            found.extend(
                words
                    .iter()
                    .filter(|word| text.contains(**word))
                    .map(|word| format!("{} has {word}", path.display())),
            );
        }
    }
    files
}

#[test]
fn no_secret_is_written_or_said() {
    let house = House::new();
    let target = Target::start(Manner::Echo);
    let local = Local::start(&house);
    let keys = tempfile::tempdir().unwrap();
    let profile = keys.path().join("credentials");
    let endpoint = local.endpoint();
    let secret = endpoint.secret_key;
    let text = format!(
        "[default]\naws_access_key_id = planted\naws_secret_access_key = {PROFILE_SECRET}\n\
         [signs]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n\
         aws_session_token = {TOKEN}\n",
        endpoint.access_key
    );
    fs::write(&profile, text).unwrap();
    let config = keys.path().join("loadtop.toml");
    fs::write(&config, CONFIG).unwrap();
    let words = [secret.as_str(), TOKEN, PROFILE_SECRET];

    let mut variables = local.exports.clone();
    variables.extend(
        [
            ("AWS_SESSION_TOKEN", TOKEN),
            ("AWS_SHARED_CREDENTIALS_FILE", profile.to_str().unwrap()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("LOADTOP_LOG", "trace"),
            ("RUST_LOG", "trace"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let url = target.url();
    let run = ["run", "--headless", "--target", &url, "-n", "20", "--ramp-up", "1s"];
    let run = [&run[..], &["--hold-for", "2s", "--json"]].concat();
    let refused = ["run", "--headless", "--target", "tcp://ada:planted-password@h:1", "-n", "1"];
    let wrong_key: Vec<(String, String)> = variables
        .iter()
        .cloned()
        .map(|(name, value)| {
            let planted = name == "AWS_SECRET_ACCESS_KEY";
            (name, if planted { PROFILE_SECRET.to_owned() } else { value })
        })
        .collect();
    let mut by_profile: Vec<(String, String)> =
        variables.iter().filter(|(name, _)| !OF_KEYS.contains(&name.as_str())).cloned().collect();
    by_profile.extend(
        [("AWS_PROFILE", "signs"), ("LOADTOP_CONFIG", config.to_str().unwrap())]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let said = [
        house.run_with(&run, &variables),
        house.run_with(&["status", "--json"], &variables),
        house.run_with(&["killall", "--yes", "--all-runs"], &variables),
        house.run_with(&refused, &variables),
        house.run_with(&["status"], &wrong_key),
        house.run_with(&run, &by_profile),
        house.run_with(&["doctor"], &by_profile),
    ];
    assert_eq!(said[0].status.code(), Some(0), "{}", String::from_utf8_lossy(&said[0].stderr));
    assert_eq!(said[5].status.code(), Some(0), "{}", String::from_utf8_lossy(&said[5].stderr));
    assert_eq!(said[4].status.code(), Some(1), "a wrong key is no success");

    let mut found = Vec::new();
    for output in &said {
        for bytes in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(bytes);
            for word in words.iter().chain(&["planted-password"]) {
                assert!(!text.contains(word), "{word} was said: {text}");
            }
        }
    }
    let files = betrayals(house.path(), &words, &mut found);
    assert!(files > 10, "only {files} files were looked through");
    assert!(found.is_empty(), "{found:#?}");
}
