//! Where a command works: on a local cloud of its own, or on one that stays.
//!
//! Invariant: without a named cluster nothing of `AWS_*` is looked at. Credentials
//! that lie about are never probed: those of a named cluster must be in the
//! environment, and its endpoint on loopback, as long as runs on Amazon ECS do not
//! exist.

use std::time::Duration;

use crate::{
    cli::Where,
    cloud::{Access, Cloud, Endpoint, Names, Site, loopback},
    model::capacity::{Capacity, Network},
    session,
    usage::Usage,
};

/// The task definition of loadtop's own agent, and its container.
const AGENT: (&str, &str) = ("loadtop-agent", "agent");

/// Where a command works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a local cloud that it starts and that ends with it.
    Embedded,
    /// On one that was there before and stays.
    Standing(Box<Standing>),
}

/// A cloud that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    access: Access,
    names: Names,
    label: String,
}

impl Place {
    /// What the command line and the environment say.
    pub fn of(place: &Where) -> Result<Self, Usage> {
        Self::from_lookup(place, |name| std::env::var(name).ok())
    }

    /// The same with an environment of the caller's.
    pub fn from_lookup(
        place: &Where,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Usage> {
        let given = |named: &Option<String>| named.clone().filter(|it| !it.is_empty());
        let Some(cluster) = given(&place.cluster) else {
            return Ok(Place::Embedded);
        };
        let lookup = |name: &str| lookup(name).filter(|it| !it.is_empty());
        let url = lookup("AWS_ENDPOINT_URL").ok_or_else(|| not_yet(&cluster, None))?;
        let authority = loopback(&url).ok_or_else(|| not_yet(&cluster, Some(&url)))?;
        let missing = |name: &str| {
            Usage(format!(
                "--cluster {cluster}: {name} is not set; evaluate all that `loadtop local` prints"
            ))
        };
        let needed = |name: &str| lookup(name).ok_or_else(|| missing(name));
        let region = lookup("AWS_REGION").or_else(|| lookup("AWS_DEFAULT_REGION"));
        Ok(Place::Standing(Box::new(Standing {
            access: Access::Keys(Endpoint {
                region: region.ok_or_else(|| missing("AWS_REGION"))?,
                access_key: needed("AWS_ACCESS_KEY_ID")?,
                secret_key: needed("AWS_SECRET_ACCESS_KEY")?,
                url,
            }),
            names: Names {
                capacity: Capacity::group(given(&place.group).unwrap_or_else(|| cluster.clone())),
                network: Network::default(),
                // One that is named and has no name is none.
                bucket: place.bucket.clone().unwrap_or_else(|| cluster.clone()),
                cluster,
                task_definition: AGENT.0.to_owned(),
                container: AGENT.1.to_owned(),
                watchdog: None,
            },
            label: format!("ECS at {authority}"),
        })))
    }
}

impl Standing {
    /// Clients for it. Without a bucket, that of this machine is lent to them.
    pub async fn connect(&self) -> color_eyre::Result<Cloud> {
        session::with_bucket(Cloud::open(&self.access, self.names.clone()).await?).await
    }

    /// What it is like to use.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            label: self.label.clone(),
            costs: false,
            outlives_us: true,
            ends_programs: true,
            refresh: Duration::from_secs(1),
            report: Duration::from_secs(1),
            results: Duration::from_secs(5),
            // Its tasks are processes of this machine, as it is on loopback.
            files_per_task: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        }
    }
}

/// Why a cluster is refused that is on no loopback endpoint.
fn not_yet(cluster: &str, url: Option<&str>) -> Usage {
    let url = url.map_or_else(
        || "AWS_ENDPOINT_URL is not set".to_owned(),
        |url| format!("AWS_ENDPOINT_URL={url} is not plain HTTP on loopback"),
    );
    Usage(format!(
        "--cluster {cluster}: runs on Amazon ECS are not there yet, and {url}; start `loadtop \
         local` and evaluate what it prints, or leave --cluster (and LOADTOP_CLUSTER) out: then \
         loadtop brings a local cloud along"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(cluster: Option<&str>, environment: &[(&str, &str)]) -> Result<Place, String> {
        let place =
            Where { cluster: cluster.map(str::to_owned), group: None, bucket: None, log: None };
        let lookup = |name: &str| {
            let found = environment.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Place::from_lookup(&place, lookup).map_err(|Usage(why)| why)
    }

    const KEYS: [(&str, &str); 3] =
        [("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")];

    fn at(url: &str) -> Result<Place, String> {
        place(Some("c"), &[&KEYS[..], &[("AWS_ENDPOINT_URL", url)]].concat())
    }

    #[test]
    fn without_a_cluster_the_environment_is_not_looked_at() {
        let environment = [("AWS_ENDPOINT_URL", "https://ecs.example")];
        assert_eq!(place(None, &environment), Ok(Place::Embedded));
        assert_eq!(place(Some(""), &environment), Ok(Place::Embedded));
    }

    #[test]
    fn loopback_and_nothing_else_is_taken() {
        for (url, label) in [
            ("http://127.0.0.1:4000", "ECS at 127.0.0.1:4000"),
            ("http://127.9.9.9:1/", "ECS at 127.9.9.9:1"),
            ("http://[::1]:4000", "ECS at [::1]:4000"),
            ("http://localhost:4000", "ECS at localhost:4000"),
        ] {
            let Ok(Place::Standing(standing)) = at(url) else {
                panic!("{url} was refused");
            };
            assert_eq!(standing.label, label);
            assert_eq!(standing.names.capacity, Capacity::group("c"));
            assert_eq!(standing.names.bucket, "c");
        }
        for url in [
            "https://127.0.0.1:4000",
            "http://10.0.0.1:4000",
            "http://127.0.0.1.example:80",
            "http://localhost.example:80",
            "http://localhost@example.org",
            "ftp://127.0.0.1",
            "127.0.0.1:4000",
            "",
        ] {
            let why = at(url).expect_err(url);
            assert!(why.contains("runs on Amazon ECS are not there yet"), "{url}: {why}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let url = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
        for (missing, (name, _)) in KEYS.iter().enumerate() {
            let mut environment = vec![url];
            environment
                .extend(KEYS.iter().enumerate().filter(|it| it.0 != missing).map(|it| *it.1));
            let why = place(Some("c"), &environment).expect_err(name);
            assert!(why.contains(&format!("{name} is not set")), "{why}");
        }
        let mut environment = vec![url, ("AWS_DEFAULT_REGION", "r")];
        environment.extend(&KEYS[1..]);
        assert!(matches!(place(Some("c"), &environment), Ok(Place::Standing(_))));
    }
}
