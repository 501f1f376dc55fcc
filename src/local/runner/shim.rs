//! What a task's command becomes: programs of ours that watch for the end of the cloud
//! run as they are, any other is held by a shim (`loadtop watchdog -- PROGRAM ARGS…`).
//!
//! Invariant: whatever is started here ends when its lifeline breaks.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

use crate::{
    local::shell::Surroundings,
    watchdog::{KEYS, PROGRAMS_OWN},
};

/// The command word that means this program.
const OURSELVES: &str = "loadtop";
/// What of it watches its lifeline by itself. Anything else of it, a dashboard or a
/// cloud in a task, is a program like any other.
const WATCHFUL: [&str; 3] = ["agent", "target", "watchdog"];
/// What a child has of our own environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "TZ", "LANG"];
/// Where a program is looked for if there is no `PATH`, as the system does.
const PATH_DEFAULT: &str = "/bin:/usr/bin";

/// A command as it is started.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Launch {
    /// The program.
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(OsString, OsString)>,
    /// Whether a shim holds what runs: it kills all of it, also what left its group,
    /// when its lifeline is closed.
    pub(super) is_held: bool,
}

impl Launch {
    /// What `command` becomes, with the task's own variables. An error says what there
    /// is no program for: the shim would start all the same, and fail too late.
    pub(super) fn new(
        surroundings: &Surroundings,
        command: &[String],
        own: &BTreeMap<String, String>,
    ) -> io::Result<Launch> {
        let Some(word) = command.first().filter(|word| !word.is_empty()) else {
            return Err(io::Error::other("no command specified"));
        };
        let ourselves = surroundings.program.as_os_str();
        let is_ours = word == OURSELVES;
        let first = if is_ours { ourselves } else { OsStr::new(word) }.to_owned();
        let rest = command[1..].iter().map(OsString::from);
        let subcommand = command.get(1).map_or("", String::as_str);
        let is_watchful = is_ours && WATCHFUL.contains(&subcommand);
        let is_held = surroundings.has_shim && !is_watchful;
        let environment = environment(surroundings, own, is_held);
        if !is_held {
            let arguments = rest.collect();
            return Ok(Launch { program: first, arguments, environment, is_held: false });
        }
        let path = environment.iter().rev().find(|(name, _)| name == "PATH");
        find(&first, path.map_or(OsStr::new(PATH_DEFAULT), |(_, path)| path))?;
        let shim = ["watchdog", "--"].map(OsString::from).into_iter();
        let arguments = shim.chain([first]).chain(rest).collect();
        Ok(Launch { program: ourselves.to_owned(), arguments, environment, is_held: true })
    }
}

/// Of several values for a name the last one counts.
fn environment(
    surroundings: &Surroundings,
    own: &BTreeMap<String, String>,
    is_held: bool,
) -> Vec<(OsString, OsString)> {
    let inherited =
        INHERITED.iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?)));
    let own = own.iter().map(|(name, value)| {
        // These are the shim's, and must be right; the program gets its own from it.
        let is_shims = is_held && KEYS.contains(&name.as_str());
        let name = if is_shims { format!("{PROGRAMS_OWN}{name}") } else { name.clone() };
        (name.into(), value.into())
    });
    let given = surroundings.environment.iter().map(|(name, value)| (name.into(), value.into()));
    // Children watch for the end of their standard input: it is the cloud's.
    let lifeline = ("LOADTOP_LIFELINE".into(), "stdin".into());
    inherited.chain(given).chain(own).chain([lifeline]).collect()
}

/// Whether there is such a program, as the system would find it.
fn find(program: &OsStr, path: &OsStr) -> io::Result<()> {
    let check = |file: &Path| match file.metadata() {
        Ok(it) if it.is_file() && it.permissions().mode() & 0o111 != 0 => Ok(()),
        Ok(_) => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
        Err(error) => Err(error),
    };
    if program.as_encoded_bytes().contains(&b'/') {
        return check(Path::new(program));
    }
    let found = std::env::split_paths(path).any(|folder| check(&folder.join(program)).is_ok());
    if found { Ok(()) } else { Err(io::Error::new(io::ErrorKind::NotFound, "not in its PATH")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cloud::Endpoint, local};

    fn surroundings() -> Surroundings {
        let text = str::to_owned;
        let endpoint = Endpoint {
            url: text("http://127.0.0.1:1"),
            region: text("us-east-1"),
            access_key: text("k"),
            secret_key: text("s"),
        };
        Surroundings {
            program: "/opt/loadtop".into(),
            logs: "/none".into(),
            environment: local::environment(&endpoint),
            has_shim: true,
        }
    }

    fn launch(words: &[&str], own: &[(&str, &str)]) -> io::Result<Launch> {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        let own = own.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Launch::new(&surroundings(), &words, &own.collect())
    }

    fn value(launch: &Launch, name: &str) -> Option<String> {
        let found = launch.environment.iter().rev().find(|(it, _)| it == name);
        found.map(|(_, value)| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn what_does_not_watch_its_lifeline_is_held() {
        for (words, becomes, is_held) in [
            ("loadtop agent", "/opt/loadtop agent", false),
            ("loadtop target --latency 1s", "/opt/loadtop target --latency 1s", false),
            ("loadtop watchdog", "/opt/loadtop watchdog", false),
            ("/bin/sh -c true", "/opt/loadtop watchdog -- /bin/sh -c true", true),
            ("sh agent", "/opt/loadtop watchdog -- sh agent", true),
        ] {
            let launch = launch(&words.split(' ').collect::<Vec<_>>(), &[]).expect(words);
            let all: Vec<_> = [&launch.program].into_iter().chain(&launch.arguments).collect();
            let all: Vec<_> = all.into_iter().map(|it| it.to_str().expect("text")).collect();
            assert_eq!((all.join(" ").as_str(), launch.is_held), (becomes, is_held));
            assert_eq!(value(&launch, "LOADTOP_LIFELINE").as_deref(), Some("stdin"));
        }
        // Held, and not there: the surroundings' program is a name only.
        assert!(launch(&["loadtop", "local"], &[]).is_err());
        assert!(launch(&["loadtop"], &[]).is_err());
    }

    #[test]
    fn the_shim_has_the_keys_and_keeps_what_is_the_programs() {
        let own = [("AWS_REGION", "eu-west-1"), ("LOADTOP_RUN", "r"), ("AWS_PROFILE", "p")];
        let held = launch(&["sh"], &own).expect("there");
        assert_eq!(value(&held, "AWS_REGION").as_deref(), Some("us-east-1"));
        assert_eq!(value(&held, "LOADTOP_PROGRAM_AWS_REGION").as_deref(), Some("eu-west-1"));
        assert_eq!(value(&held, "LOADTOP_RUN").as_deref(), Some("r"));
        assert_eq!(value(&held, "AWS_PROFILE").as_deref(), Some("p"));
        let agent = launch(&["loadtop", "agent"], &own).expect("ours");
        assert_eq!(value(&agent, "AWS_REGION").as_deref(), Some("eu-west-1"));
        // All that is given, and nothing else, is the shim's.
        let given = surroundings().environment;
        assert_eq!(given.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), KEYS);
    }

    #[test]
    fn a_program_that_is_not_there_is_no_task() {
        for (words, says) in [
            (&[][..], "no command"),
            (&[""], "no command"),
            (&["/no/such/program"], "No such file"),
            (&["no-such-program"], "not in its PATH"),
            (&["/etc/passwd"], "ermission denied"),
            (&["/bin"], "ermission denied"),
        ] {
            let error = launch(words, &[]).expect_err("nothing to run");
            assert!(error.to_string().contains(says), "{words:?}: {error}");
        }
        assert!(launch(&["sh"], &[("PATH", "/nowhere")]).is_err(), "its own PATH counts");
    }
}
