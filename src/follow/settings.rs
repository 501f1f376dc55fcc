//! What a task is told through its environment.

use std::time::Duration;

use crate::{
    cloud::{Access, Endpoint, Names},
    model::capacity::{Capacity, Network},
};

/// How long the end may take where nobody said: what ECS grants.
const STOP_DEFAULT: Duration = Duration::from_secs(30);

/// Says that a task hangs on its standard input.
pub(crate) const LIFELINE: &str = "LOADTOP_LIFELINE";

/// What a task is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The run's id.
    pub run: String,
    /// The task's own name: the place of its results.
    pub task: String,
    /// Index of the first device that it has room for.
    pub first_device: u32,
    /// How many devices it has room for.
    pub devices: u32,
    /// The run's bucket.
    pub bucket: String,
    /// What the run's keys begin with, such as `loadtop/RUN/`; it ends with a slash.
    pub prefix: String,
    /// How long the end may take, draining and the last results together.
    pub stop: Duration,
    /// The API.
    pub access: Access,
    /// Whether the task ends at once when its standard input does.
    pub lifeline: bool,
}

/// What is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// A variable that must be there is not.
    #[error("{0} is not set: tasks are started by loadtop, with their environment")]
    Missing(&'static str),
    /// A variable does not hold what it should.
    #[error("{name}={value}: not {wanted}")]
    Wrong {
        /// Which.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        wanted: &'static str,
    },
}

impl Settings {
    /// From this process's environment.
    pub fn from_environment() -> Result<Self, BadSettings> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// From wherever `lookup` finds a variable.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, BadSettings> {
        let text =
            |name| lookup(name).filter(|it| !it.is_empty()).ok_or(BadSettings::Missing(name));
        let number = |name| whole(name, text(name)?);
        let mut prefix = text("LOADTOP_PREFIX")?;
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Settings {
            run: text("LOADTOP_RUN")?,
            task: text("LOADTOP_TASK")?,
            first_device: number("LOADTOP_FIRST_DEVICE")?,
            devices: number("LOADTOP_DEVICES")?,
            bucket: text("LOADTOP_BUCKET")?,
            prefix,
            stop: stop_time(&lookup)?,
            access: Access::Keys(Endpoint {
                url: text("AWS_ENDPOINT_URL")?,
                region: text("AWS_REGION")?,
                access_key: text("AWS_ACCESS_KEY_ID")?,
                secret_key: text("AWS_SECRET_ACCESS_KEY")?,
            }),
            lifeline: lifeline(&lookup)?,
        })
    }

    /// The names that a task's calls are about: of all of them, the bucket.
    pub(super) fn names(&self) -> Names {
        Names {
            cluster: String::new(),
            capacity: Capacity::group(""),
            network: Network::default(),
            bucket: self.bucket.clone(),
            task_definition: String::new(),
            container: String::new(),
        }
    }
}

/// How long the end of a task may take.
pub(crate) fn stop_time(lookup: impl Fn(&str) -> Option<String>) -> Result<Duration, BadSettings> {
    let name = "LOADTOP_STOP_MS";
    match lookup(name).filter(|it| !it.is_empty()) {
        None => Ok(STOP_DEFAULT),
        Some(millis) => whole(name, millis).map(|millis| Duration::from_millis(millis.into())),
    }
}

/// Whether a task hangs on its standard input.
pub(crate) fn lifeline(lookup: impl Fn(&str) -> Option<String>) -> Result<bool, BadSettings> {
    let name = LIFELINE;
    match lookup(name) {
        None => Ok(false),
        Some(it) if it.is_empty() => Ok(false),
        Some(it) if it == "stdin" => Ok(true),
        Some(value) => Err(BadSettings::Wrong { name, value, wanted: "`stdin`" }),
    }
}

fn whole(name: &'static str, value: String) -> Result<u32, BadSettings> {
    value.parse().map_err(|_| BadSettings::Wrong { name, value, wanted: "a whole number" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 12] = [
        ("LOADTOP_RUN", "r1"),
        ("LOADTOP_TASK", "0-1"),
        ("LOADTOP_FIRST_DEVICE", "250"),
        ("LOADTOP_DEVICES", "250"),
        ("LOADTOP_BUCKET", "loadtop"),
        ("LOADTOP_PREFIX", "loadtop/r1/"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("LOADTOP_STOP_MS", "5000"),
        ("LOADTOP_LIFELINE", "stdin"),
    ];

    fn read(change: (&str, Option<&str>)) -> Result<Settings, BadSettings> {
        Settings::from_lookup(|name| {
            if name == change.0 {
                return change.1.map(str::to_owned);
            }
            let found = ALL.iter().find(|(it, _)| *it == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn a_full_environment_is_read() {
        let settings = read(("", None)).expect("complete");
        assert_eq!((settings.first_device, settings.devices), (250, 250));
        assert_eq!(settings.stop, Duration::from_secs(5));
        assert!(settings.lifeline);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in &ALL[..10] {
            let error = read((name, None)).expect_err(name);
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(read(("LOADTOP_STOP_MS", None)).expect("optional").stop, STOP_DEFAULT);
        assert!(!read(("LOADTOP_LIFELINE", None)).expect("optional").lifeline);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for name in ["LOADTOP_DEVICES", "LOADTOP_STOP_MS", "LOADTOP_LIFELINE"] {
            let error = read((name, Some("soon"))).expect_err(name);
            assert!(error.to_string().contains(&format!("{name}=soon")), "{error}");
        }
    }
}
