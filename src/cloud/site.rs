//! Where a fleet runs, as plain data.
//!
//! Invariant: whoever asks "is this the local cloud?" asks here for the one
//! property that matters (does it cost, does it outlive us), never for the name.

use std::{net::IpAddr, time::Duration};

use http::Uri;

use crate::model::{
    capacity::{Capacity, Network},
    registry::TaskDefinition,
};

/// Where a fleet runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What the screen calls it.
    pub label: String,
    /// Whether what runs there costs money.
    pub costs: bool,
    /// Whether it goes on without this program.
    pub outlives_us: bool,
    /// Whether tasks of any program are ended there when their run is over, although
    /// nobody asks for it.
    pub ends_programs: bool,
    /// How often the controller looks.
    pub refresh: Duration,
    /// The agents' shortest report interval.
    pub report: Duration,
    /// How often agents write a part of their results.
    pub results: Duration,
    /// Open files that one task can have: the bound on its devices.
    pub files_per_task: Option<u64>,
}

/// How AWS is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// At this endpoint, with these keys, and nothing else is looked at.
    Keys(Endpoint),
    /// As AWS's own tools do it: environment, profiles, SSO, assumed roles, the role of
    /// a container or an instance.
    Tools {
        /// The region; none: what environment and profile say.
        region: Option<String>,
        /// The profile whose credentials are meant, whatever others lie about; none:
        /// `AWS_PROFILE`, or the default one, after keys in the environment.
        profile: Option<String>,
    },
}

/// Where the API is, and how to sign for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Region to sign for.
    pub region: String,
    /// Access key id.
    pub access_key: String,
    /// Its secret; not in `Debug`.
    pub secret_key: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.url)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Host and port of a URL, if that is plain HTTP on loopback: whoever is asked there is
/// a process of this machine.
#[must_use]
pub(crate) fn loopback(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = address.map_or(host == "localhost", |address| address.is_loopback());
    (uri.scheme_str() == Some("http") && is_loopback)
        .then(|| uri.authority().map(|it| it.to_string()))?
}

/// The names of what a run uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// ECS cluster.
    pub cluster: String,
    /// What tasks run on.
    pub capacity: Capacity,
    /// Where tasks with an address of their own are in the network.
    pub network: Network,
    /// S3 bucket; empty: none, and the run is in files of this machine.
    pub bucket: String,
    /// Task definition (family, or family:revision).
    pub task_definition: String,
    /// The container in it that gets the environment.
    pub container: String,
    /// The container in it that ends the task with its run, and is told of it too.
    pub watchdog: Option<String>,
}

impl Names {
    /// The same with this task definition.
    #[must_use]
    pub fn of(self, definition: &TaskDefinition) -> Names {
        let TaskDefinition { name, container, watchdog, .. } = definition.clone();
        Names { task_definition: name, container, watchdog, ..self }
    }

    /// The Auto Scaling group; empty on Fargate, where there is none.
    #[must_use]
    pub fn group(&self) -> &str {
        self.capacity.group_name().unwrap_or_default()
    }
}
