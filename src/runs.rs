//! The registry of runs, as the bucket has it: which there are, and what is known of
//! one of them without being its controller.
//!
//! Invariant: it only reads. A run of another place (another endpoint, region or
//! cluster that shares the bucket) is never among the answers.

use futures_util::{StreamExt, stream};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    cloud::{
        Cloud, CloudError,
        types::{Dated, Fetched},
    },
    controller::progress::{self, Progress},
    model::{Millis, registry::Registry, wish::Wish},
};

/// What the keys of all runs begin with.
const RUNS: &str = "loadtop/";
/// Objects that are read at once.
const READS_AT_ONCE: usize = 16;

/// Who leads a run, as `leader.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LeaderNote {
    /// Who; none: whoever led it has given that up.
    pub owner: Option<String>,
    /// Counts the leaders.
    pub term: u64,
    /// Counts the signs of life in a term.
    pub beat: u64,
}

/// What the bucket says of one run.
#[derive(Debug, Clone)]
pub struct RunSeen {
    /// Its entry.
    pub registry: Registry,
    /// What it should be; none where it began and its wish was never written.
    pub wish: Option<Wish>,
    /// Who leads it, or did last.
    pub leader: Option<LeaderNote>,
    /// What its leader knew last.
    pub progress: Option<Progress>,
    /// When that was read, by the bucket's clock; whole seconds.
    pub now: Option<Millis>,
}

impl RunSeen {
    /// Milliseconds until its agents end by themselves, unless somebody renews the
    /// lease; zero: they have. None while there is no wish.
    #[must_use]
    pub fn lease_left_ms(&self) -> Option<Millis> {
        let (wish, now) = self.wish.as_ref().zip(self.now)?;
        Some(wish.lease_until.saturating_sub(now))
    }
}

/// All runs of this place, the oldest first.
pub async fn all(cloud: &Cloud) -> Result<Vec<Registry>, CloudError> {
    let names = cloud.list_prefixes(RUNS).await?;
    let place = cloud.place();
    let mut reads = stream::iter(names)
        .map(|run| async move { read::<Registry>(cloud, &key(&run, "run.json")).await })
        .buffer_unordered(READS_AT_ONCE);
    let mut runs = Vec::new();
    while let Some(read) = reads.next().await {
        runs.extend(read?.0.filter(|entry| entry.place == place));
    }
    runs.sort_by(|a, b| (a.started_ms, &a.run).cmp(&(b.started_ms, &b.run)));
    Ok(runs)
}

/// Those that were not seen to end, the oldest first.
pub async fn unended(cloud: &Cloud) -> Result<Vec<Registry>, CloudError> {
    let mut runs = all(cloud).await?;
    runs.retain(|entry| entry.ended_at.is_none());
    Ok(runs)
}

/// What else the bucket says of a run.
pub async fn details(cloud: &Cloud, registry: &Registry) -> Result<RunSeen, CloudError> {
    let run = &registry.run;
    let (wish, leader, progress) =
        (key(run, "wish.json"), key(run, "leader.json"), key(run, progress::NAME));
    let (wish, leader, progress) = tokio::join!(
        read::<Wish>(cloud, &wish),
        read::<LeaderNote>(cloud, &leader),
        read::<Progress>(cloud, &progress),
    );
    let (wish, leader, progress) = (wish?, leader?, progress?);
    let dated = [wish.1, leader.1, progress.1].into_iter().flatten();
    Ok(RunSeen {
        registry: registry.clone(),
        wish: wish.0,
        leader: leader.0,
        progress: progress.0,
        now: dated.map(|dated| dated.date).max(),
    })
}

/// An object of a run.
fn key(run: &str, name: &str) -> String {
    format!("{RUNS}{run}/{name}")
}

/// An object, if it is there and what it should be. One that is not belongs to
/// somebody else, or to another version.
async fn read<T: DeserializeOwned>(
    cloud: &Cloud,
    key: &str,
) -> Result<(Option<T>, Option<Dated>), CloudError> {
    let (fetched, dated) = cloud.get_object(key, None).await?;
    let Fetched::New(object) = fetched else {
        return Ok((None, dated));
    };
    let value = serde_json::from_slice(&object.body)
        .inspect_err(|error| tracing::warn!("{key} is not what it should be: {error}"))
        .ok();
    Ok((value, dated))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        cloud::types::Condition,
        local::{LocalCloud, Options},
        model::registry::{Policy, Workload},
    };

    fn entry(run: &str, place: &str, started_ms: Millis, ended_at: Option<Millis>) -> Registry {
        Registry {
            run: run.into(),
            version: "0".into(),
            started_at: String::new(),
            started_ms,
            by: "me@here".into(),
            r#where: "a cloud".into(),
            place: place.into(),
            cluster: "loadtop".into(),
            target: None,
            room: 250,
            workload: Workload::default(),
            policy: Policy::default(),
            ended_at,
        }
    }

    async fn put(cloud: &Cloud, run: &str, name: &str, value: &impl serde::Serialize) {
        let body = serde_json::to_vec(value).expect("JSON").into();
        cloud.put_object(&key(run, name), body, Condition::Always).await.expect("written");
    }

    #[tokio::test]
    async fn the_runs_of_this_place_are_found_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let local = LocalCloud::start(Options::new(folder.path(), "unused".into()))
            .await
            .expect("a local cloud");
        let cloud = Cloud::connect(&local.endpoint(), local.names());
        assert_eq!(all(&cloud).await, Ok(vec![]));
        let here = cloud.place();
        let mut expected = Vec::new();
        for n in 0..40 {
            let run = entry(&format!("run-{}", 99 - n), &here, n, (n % 2 == 0).then_some(1));
            put(&cloud, &run.run, "run.json", &run).await;
            expected.push(run);
        }
        put(&cloud, "elsewhere", "run.json", &entry("elsewhere", "http://x r c", 3, None)).await;
        put(&cloud, "foreign", "run.json", &json!({"hello": 1})).await;
        put(&cloud, "without", "wish.json", &json!({})).await;
        assert_eq!(all(&cloud).await.as_ref(), Ok(&expected));
        expected.retain(|run| run.ended_at.is_none());
        assert_eq!(unended(&cloud).await, Ok(expected));
        local.shutdown().await;
    }

    #[tokio::test]
    async fn what_is_not_there_yet_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let local = LocalCloud::start(Options::new(folder.path(), "unused".into()))
            .await
            .expect("a local cloud");
        let cloud = Cloud::connect(&local.endpoint(), local.names());
        let run = entry("r", &cloud.place(), 1, None);
        let seen = details(&cloud, &run).await.expect("read");
        assert!(seen.wish.is_none() && seen.leader.is_none() && seen.progress.is_none());
        assert_eq!(seen.lease_left_ms(), None);
        let now = seen.now.expect("an answer is dated, whatever it says");
        put(&cloud, "r", "wish.json", &Wish::new("p", now + 600_000)).await;
        let seen = details(&cloud, &run).await.expect("read");
        let left = seen.lease_left_ms().expect("a wish is there");
        assert!((590_000..=600_000).contains(&left), "{left}");
        local.shutdown().await;
    }
}
