//! What a task is told through its environment.
//!
//! A task of a local cloud has its endpoint and its keys there and looks at nothing
//! else. Any other finds the API as AWS's tools do: by its region, with the credentials
//! of its task role, which the SDK asks for at the first call.

use std::time::Duration;

use crate::{
    cloud::{Access, Endpoint, Names, loopback},
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
    /// Nothing says which region the task is in.
    #[error("neither AWS_REGION nor AWS_DEFAULT_REGION is set: the bucket is not found without")]
    NoRegion,
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
            access: access(&lookup)?,
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
            watchdog: None,
        }
    }
}

/// Where one of a task's services is, if it is apart from the others.
const OF_ONE_SERVICE: [&str; 2] = ["AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL_S3"];

/// How a task reaches the API. Whoever hangs on its standard input is a task of a local
/// cloud, and has all of it from there.
fn access(lookup: impl Fn(&str) -> Option<String>) -> Result<Access, BadSettings> {
    let text = |name| lookup(name).filter(|it| !it.is_empty());
    let needed = |name| text(name).ok_or(BadSettings::Missing(name));
    let url = text("AWS_ENDPOINT_URL").filter(|url| loopback(url).is_some());
    let is_local = lifeline(&lookup)?;
    // A service with an endpoint of its own: then the SDK looks for itself, as it does
    // for controllers.
    let is_split = OF_ONE_SERVICE.iter().any(|name| text(name).is_some());
    match url {
        Some(url) if is_local || !is_split => Ok(Access::Keys(Endpoint {
            url,
            region: needed("AWS_REGION")?,
            access_key: needed("AWS_ACCESS_KEY_ID")?,
            secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
        })),
        None if is_local => {
            let (name, wanted) =
                ("AWS_ENDPOINT_URL", "plain HTTP on loopback, as of a local cloud");
            let value = needed(name)?;
            Err(BadSettings::Wrong { name, value, wanted })
        }
        _ => {
            let region = text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION"));
            let region = Some(region.ok_or(BadSettings::NoRegion)?);
            Ok(Access::Tools { region, profile: None })
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
    fn away_from_a_local_cloud_the_task_role_is_used() {
        let at = |changes: &[(&str, &str)]| {
            Settings::from_lookup(|name| {
                let changed = changes.iter().find(|(it, _)| *it == name);
                let found = changed.or_else(|| ALL.iter().find(|(it, _)| *it == name))?;
                Some(found.1.to_owned())
            })
            .map(|settings| settings.access)
        };
        let tools =
            |region: &str| Ok(Access::Tools { region: Some(region.to_owned()), profile: None });
        let split = ("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:2");
        assert_eq!(at(&[split, ("LOADTOP_LIFELINE", "")]), tools("us-east-1"), "two endpoints");
        assert_eq!(at(&[split]), at(&[]), "nobody else's, on a local cloud");
        let on_ecs = [("LOADTOP_LIFELINE", ""), ("AWS_ENDPOINT_URL", "")];
        let with = |more: &[(&'static str, &'static str)]| at(&[more, &on_ecs[..]].concat());
        assert_eq!(with(&[]), tools("us-east-1"));
        // Keys there are for the SDK to find, in its order.
        let nothing = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
        assert_eq!(with(&nothing), tools("us-east-1"));
        let other = [("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-west-3")];
        assert_eq!(with(&other), tools("eu-west-3"));
        assert_eq!(with(&[("AWS_REGION", "")]), Err(BadSettings::NoRegion));
        // An endpoint of a network's own is the SDK's business, too.
        for url in ["https://vpce-1.s3.example", "http://10.0.0.1:4566"] {
            assert_eq!(with(&[("AWS_ENDPOINT_URL", url)]), tools("us-east-1"), "{url}");
        }
        // What hangs on a local cloud asks nobody else.
        let error = at(&[("AWS_ENDPOINT_URL", "https://s3.example")]).expect_err("local");
        assert!(error.to_string().contains("AWS_ENDPOINT_URL=https://s3.example"), "{error}");
        let no_key = at(&[("LOADTOP_LIFELINE", ""), ("AWS_SECRET_ACCESS_KEY", "")]);
        assert_eq!(no_key, Err(BadSettings::Missing("AWS_SECRET_ACCESS_KEY")));
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
