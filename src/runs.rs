//! The registry of runs, as the bucket has it: which there are, and what is known of
//! one of them without being its controller.
//!
//! Invariant: it only reads. A run of another place (another endpoint, region or
//! cluster that shares the bucket) is never among the answers.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use serde::de::DeserializeOwned;

use crate::{
    cloud::{
        Cloud, CloudError,
        types::{Dated, Fetched},
    },
    controller::progress::{self, Progress},
    model::{
        Millis,
        leadership::{LeaderNote, TERM_MS},
        registry::Registry,
        wish::Wish,
    },
};

/// What the keys of all runs begin with.
const RUNS: &str = "loadtop/";
/// Objects that are read at once.
const READS_AT_ONCE: usize = 16;

/// What the bucket says of one run.
#[derive(Debug, Clone)]
pub struct RunSeen {
    /// Its entry.
    pub registry: Registry,
    /// What it should be; none where it began and its wish was never written.
    pub wish: Option<Wish>,
    /// Who leads it, or did last.
    pub leader: LeaderSeen,
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

/// Who leads a run, as far as one look can say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeaderSeen {
    /// The note that a leader leaves; none: nobody ever led.
    pub note: Option<LeaderNote>,
    /// How long ago it was renewed, in milliseconds.
    pub silent_ms: Option<Millis>,
}

impl LeaderSeen {
    /// Who leads, if anybody does: a term that was not renewed in time is over.
    #[must_use]
    pub fn now(&self) -> Option<&str> {
        let is_fresh = self.silent_ms.is_some_and(|silent| silent <= TERM_MS);
        self.note.as_ref().filter(|_| is_fresh)?.owner.as_deref()
    }
}

/// What a look at the registry found.
#[derive(Debug, Default)]
pub struct Entries {
    /// Runs of this place, the oldest first.
    pub here: Vec<Registry>,
    /// Names of what is a run of another place: it need not be read again.
    pub elsewhere: Vec<String>,
}

/// The entries of all runs but those whose names are `known`.
pub async fn entries(cloud: &Cloud, known: &BTreeSet<String>) -> Result<Entries, CloudError> {
    let names = cloud.list_prefixes(RUNS).await?;
    let place = cloud.place();
    let mut reads = stream::iter(names.into_iter().filter(|name| !known.contains(name)))
        .map(|name| async move {
            let entry = read::<Registry>(cloud, &key(&name, "run.json")).await;
            (name, entry)
        })
        .buffer_unordered(READS_AT_ONCE);
    let mut entries = Entries::default();
    while let Some((name, entry)) = reads.next().await {
        match entry?.0 {
            Some(entry) if entry.place == place => entries.here.push(entry),
            Some(_) => entries.elsewhere.push(name),
            // One that is just being written has no entry yet.
            None => {}
        }
    }
    entries.here.sort_by(|a, b| (a.started_ms, &a.run).cmp(&(b.started_ms, &b.run)));
    Ok(entries)
}

/// All runs of this place, the oldest first.
pub async fn all(cloud: &Cloud) -> Result<Vec<Registry>, CloudError> {
    Ok(entries(cloud, &BTreeSet::new()).await?.here)
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
    let (wish, progress) = (key(run, "wish.json"), key(run, progress::NAME));
    let (wish, progress, leader) = tokio::join!(
        read::<Wish>(cloud, &wish),
        read::<Progress>(cloud, &progress),
        leader(cloud, run),
    );
    let (wish, progress) = (wish?, progress?);
    let dated = [wish.1, progress.1].into_iter().flatten();
    Ok(RunSeen {
        registry: registry.clone(),
        wish: wish.0,
        leader: leader?,
        progress: progress.0,
        now: dated.map(|dated| dated.date).max(),
    })
}

/// Who leads a run.
pub async fn leader(cloud: &Cloud, run: &str) -> Result<LeaderSeen, CloudError> {
    let key = key(run, "leader.json");
    // The age first: a note is never older than it is said to be.
    let silent_ms = cloud.object_age(&key).await?;
    let (note, _) = read::<LeaderNote>(cloud, &key).await?;
    Ok(LeaderSeen { note, silent_ms })
}

/// An object of a run.
pub(crate) fn key(run: &str, name: &str) -> String {
    format!("{RUNS}{run}/{name}")
}

/// An object, if it is there and what it should be. One that is not belongs to
/// somebody else, or to another version.
pub(crate) async fn read<T: DeserializeOwned>(
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
            capacity: None,
            network: crate::model::capacity::Network::default(),
            definition: None,
            policy: Policy::default(),
            tags: std::collections::BTreeMap::new(),
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
        assert!(seen.wish.is_none() && seen.progress.is_none());
        assert_eq!(seen.leader, LeaderSeen::default());
        assert_eq!(seen.lease_left_ms(), None);
        let now = seen.now.expect("an answer is dated, whatever it says");
        put(&cloud, "r", "wish.json", &Wish::new("p", now + 600_000)).await;
        let seen = details(&cloud, &run).await.expect("read");
        let left = seen.lease_left_ms().expect("a wish is there");
        assert!((590_000..=600_000).contains(&left), "{left}");
        let mut note = LeaderNote { owner: Some("me@here".into()), term: 1, beat: 1 };
        put(&cloud, "r", "leader.json", &note).await;
        let seen = leader(&cloud, "r").await.expect("read");
        assert_eq!(seen.now(), Some("me@here"));
        let old = LeaderSeen { silent_ms: Some(TERM_MS + 1000), ..seen };
        assert_eq!(old.now(), None);
        note.owner = None;
        put(&cloud, "r", "leader.json", &note).await;
        assert_eq!(leader(&cloud, "r").await.expect("read").now(), None);
        local.shutdown().await;
    }
}
