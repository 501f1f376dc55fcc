//! Where a command works: on a local cloud of its own, or on one that stays.
//!
//! Invariant: without a named cluster nothing of `AWS_*` is looked at. Credentials that
//! lie about are never probed.

use std::time::Duration;

use color_eyre::eyre::eyre;
use rustix::process::{Resource, getrlimit};

use crate::{
    cli::{self, Where},
    cloud::{Access, BucketSeen, Cloud, CloudError, ErrorKind, Names, Site},
    config::{Asked, Config, File, Found, Lookup, Reach, Task},
    session,
    usage::Usage,
};

/// Where a command works.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// On a local cloud that it starts and that ends with it.
    Embedded,
    /// On one that was there before and stays.
    Standing(Box<Standing>),
}

/// A cloud that stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    config: Config,
    reach: Reach,
    /// How the bucket is reached, where that is in another region.
    home: Option<Access>,
}

impl Place {
    /// What command line, environment and file say, for a command that begins no run.
    pub fn of(place: &Where) -> Result<Self, Usage> {
        Self::from_lookup(place, |name| std::env::var(name).ok())
    }

    /// The same for one that may begin a run, with what the command line says of its
    /// tasks: then it must be known what runs in them.
    pub fn of_run(place: &Where, image: &cli::Image) -> Result<Self, Usage> {
        Self::found(place, Some(image), &|name| std::env::var(name).ok())
    }

    /// As [`Place::of`], with an environment of the caller's.
    pub fn from_lookup(
        place: &Where,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Usage> {
        Self::found(place, None, &lookup)
    }

    fn found(place: &Where, image: Option<&cli::Image>, lookup: Lookup<'_>) -> Result<Self, Usage> {
        let file = if place.local { None } else { File::find(place.config.as_deref(), lookup)? };
        let asked = Asked { place, image, lookup, file: file.as_ref() };
        Ok(match asked.resolve()? {
            Some(found) => Place::Standing(Box::new(Standing::new(found))),
            None => Place::Embedded,
        })
    }

    /// What is known of a cloud that stays.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        match self {
            Place::Embedded => None,
            Place::Standing(standing) => Some(standing.config()),
        }
    }
}

impl Standing {
    fn new(found: Found) -> Self {
        Standing { config: found.config, reach: found.reach, home: None }
    }

    /// All that is known of it.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The regions that may have tasks of loadtop's: that of the runs first, if it is
    /// known before the profile is read.
    #[must_use]
    pub fn regions(&self) -> Vec<String> {
        let ours = match &self.config.access {
            Access::Keys(endpoint) => Some(endpoint.region.clone()),
            Access::Tools { region, .. } => region.clone(),
        };
        let mut regions: Vec<String> = ours.into_iter().collect();
        for region in &self.config.regions {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        regions
    }

    /// The same in each of its regions, this one first. The bucket stays where it is.
    #[must_use]
    pub fn everywhere(&self) -> Vec<Standing> {
        let mut all = vec![self.clone()];
        for name in self.regions() {
            let mut there = self.clone();
            match &mut there.config.access {
                Access::Keys(endpoint) => endpoint.region = name,
                Access::Tools { region, .. } => *region = Some(name),
            }
            there.reach.access = there.config.access.clone();
            there.home = Some(self.config.access.clone());
            if there.config.access != self.config.access {
                all.push(there);
            }
        }
        all
    }

    /// Clients for it. Without a bucket, that of this machine is lent to them.
    pub async fn connect(&self) -> color_eyre::Result<Cloud> {
        let mut cloud = self.open().await?;
        if let Some(home) = &self.home {
            cloud = cloud.with_objects_of(&Cloud::open(home, self.names()).await?);
        }
        // Whether another region has such a cluster is for whoever looks there.
        let is_home = self.home.is_none();
        if is_home {
            self.check(&cloud).await?;
        }
        session::with_bucket(cloud).await
    }

    /// Refuses what nothing can come of: credentials that are not accepted, a cluster or a
    /// bucket that is not there. Whatever else is wrong may pass, or may be forbidden to
    /// ask for, and is for whoever needs it to say.
    async fn check(&self, cloud: &Cloud) -> color_eyre::Result<()> {
        let (label, names) = (self.reach.label(), cloud.names());
        let has_bucket = !names.bucket.is_empty();
        let bucket = async { if has_bucket { Some(cloud.bucket_facts().await) } else { None } };
        let (cluster, bucket) = tokio::join!(cloud.cluster(), bucket);
        if let Some(Ok(BucketSeen::Elsewhere(region))) = bucket {
            let bucket = &names.bucket;
            return Err(eyre!(
                "the bucket {bucket} is in {region}, and runs at {label} need one in their region"
            ));
        }
        let bucket = bucket.and_then(Result::err).map(|error| {
            let bucket = &names.bucket;
            let todo = format!("name another (--bucket), or `aws s3 mb s3://{bucket}` makes it");
            (error, todo)
        });
        let cluster = cluster.err().map(|error| {
            let todo = "name another (--cluster), or its region and account; `aws ecs \
                        list-clusters` shows those that are there";
            (error, todo.to_owned())
        });
        for (error, todo) in cluster.into_iter().chain(bucket) {
            match error.kind {
                ErrorKind::Unauthenticated => return Err(eyre!("at {label}: {error}")),
                ErrorKind::NotFound => return Err(eyre!("at {label}: {error}; {todo}")),
                _ => tracing::warn!("{label}: {error}"),
            }
        }
        Ok(())
    }

    /// Clients for it as it is, with a bucket or without.
    pub async fn open(&self) -> Result<Cloud, CloudError> {
        Cloud::open(&self.config.access, self.names()).await
    }

    /// What the calls are about. No bucket is an empty name.
    fn names(&self) -> Names {
        let (task_definition, container) = self.config.task.names();
        Names {
            cluster: self.config.cluster.clone(),
            capacity: self.config.capacity.clone(),
            network: self.config.network.clone(),
            bucket: self.config.bucket.clone().unwrap_or_default(),
            task_definition: task_definition.to_owned(),
            container: container.to_owned(),
            watchdog: None,
        }
    }

    /// What it is like to use.
    #[must_use]
    pub fn site(&self) -> Site {
        let is_here = self.reach.is_loopback();
        let seconds = |here, elsewhere| Duration::from_secs(if is_here { here } else { elsewhere });
        Site {
            label: self.reach.label(),
            costs: !is_here,
            outlives_us: true,
            ends_programs: self.reach.is_by_keys() || has_watchdog(&self.config.task),
            refresh: seconds(1, 5),
            report: seconds(1, 5),
            results: seconds(5, 60),
            // On loopback tasks are processes of this machine.
            files_per_task: is_here.then(|| getrlimit(Resource::Nofile).maximum).flatten(),
        }
    }
}

/// Whether loadtop's watchdog is beside the program, as far as loadtop puts it there.
fn has_watchdog(task: &Task) -> bool {
    matches!(task, Task::Image(image) if image.watchdog.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capacity::Capacity;

    fn place(cluster: Option<&str>, environment: &[(&str, &str)]) -> Result<Place, String> {
        let place = Where { cluster: cluster.map(str::to_owned), ..Where::default() };
        let lookup = |name: &str| {
            let found = environment.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Place::from_lookup(&place, lookup).map_err(|Usage(why)| why)
    }

    const KEYS: [(&str, &str); 3] =
        [("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")];
    const LOCAL: (&str, &str) = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4000");

    fn standing(cluster: &str, environment: &[(&str, &str)]) -> Standing {
        match place(Some(cluster), environment) {
            Ok(Place::Standing(standing)) => *standing,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_cluster_the_environment_is_not_looked_at() {
        let environment = [("AWS_ENDPOINT_URL", "no URL at all")];
        assert_eq!(place(None, &environment), Ok(Place::Embedded));
        assert_eq!(place(Some(""), &environment), Ok(Place::Embedded));
        let looked = std::cell::RefCell::new(Vec::new());
        let place = Place::from_lookup(&Where::default(), |name| {
            looked.borrow_mut().push(name.to_owned());
            None
        });
        assert_eq!(place.ok(), Some(Place::Embedded));
        assert!(looked.borrow().iter().all(|name| !name.starts_with("AWS_")), "{looked:?}");
    }

    #[test]
    fn a_local_cloud_needs_no_more_than_its_exports() {
        let mut standing = standing("c", &[&KEYS[..], &[LOCAL]].concat());
        let site = standing.site();
        assert_eq!(site.label, "ECS at 127.0.0.1:4000");
        assert!(!site.costs && site.outlives_us && site.ends_programs);
        assert_eq!(site.refresh, Duration::from_secs(1));
        let names = standing.names();
        assert_eq!(names.capacity, Capacity::group("c"));
        assert_eq!((names.bucket.as_str(), names.task_definition.as_str()), ("c", "loadtop-agent"));
        assert_eq!(standing.regions(), ["r"]);
        assert_eq!(standing.everywhere(), std::slice::from_ref(&standing));
        standing.config.regions = vec!["r".to_owned(), "far".to_owned()];
        let everywhere = standing.everywhere();
        let regions: Vec<Vec<String>> = everywhere.iter().map(Standing::regions).collect();
        assert_eq!(regions, [["r", "far"], ["far", "r"]]);
        assert_eq!(everywhere[0], standing);
        assert_eq!(everywhere[1].home.as_ref(), Some(&standing.config.access));
    }

    #[test]
    fn a_cluster_of_amazons_costs_and_is_not_asked_every_second() {
        let environment = [("LOADTOP_GROUP", "g"), ("AWS_REGION", "eu-central-1")];
        let mut standing = standing("c", &environment);
        standing.config.regions = ["eu-west-1", "eu-central-1"].map(str::to_owned).to_vec();
        assert_eq!(standing.regions(), ["eu-central-1", "eu-west-1"]);
        let site = standing.site();
        assert_eq!(site.label, "ECS eu-central-1");
        assert!(site.costs && site.outlives_us && !site.ends_programs);
        assert_eq!((site.refresh.as_secs(), site.report.as_secs()), (5, 5));
        assert_eq!((site.results.as_secs(), site.files_per_task), (60, None));
        assert_eq!(standing.names().bucket, "", "none is guessed");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (missing, (name, _)) in KEYS.iter().enumerate() {
            let mut environment = vec![LOCAL];
            environment
                .extend(KEYS.iter().enumerate().filter(|it| it.0 != missing).map(|it| *it.1));
            let why = place(Some("c"), &environment).expect_err(name);
            assert!(why.starts_with(&format!("--cluster c: {name} is not set")), "{why}");
        }
        let mut environment = vec![LOCAL, ("AWS_DEFAULT_REGION", "r")];
        environment.extend(&KEYS[1..]);
        assert!(matches!(place(Some("c"), &environment), Ok(Place::Standing(_))));
        let why = place(Some("c"), &[]).expect_err("no capacity");
        assert!(why.starts_with("capacity.group: missing; "), "{why}");
        assert!(why.ends_with("`loadtop init` writes a loadtop.toml for that"), "{why}");
    }
}
