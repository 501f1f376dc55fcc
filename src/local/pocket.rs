//! A bucket of this machine, for runs that have none: S3 on loopback, over a folder.
//!
//! A run without a bucket has its wish and its slots in files. A second way to keep them
//! was weighed and refused: conditional writes, lists and ages of objects would be there
//! twice, and the way that is used less would be the one that nobody tests. So the same
//! calls go to the same server that the local cloud has for its buckets, and whoever
//! works with the run on this machine (a dashboard, `status`, `killall`) brings its own
//! over the same folder: files are locked across processes.
//!
//! Invariants: nothing but S3 is answered, and nobody but this process has the key of
//! this start; tasks elsewhere cannot reach it, and are told of no bucket.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use color_eyre::eyre::WrapErr as _;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Options, Store,
    account::{Account, Admission},
    bucket::Buckets,
    clock::Clock,
    engine,
    faults::Faults,
    runner::Tasks,
    setup,
    shell::Shell,
    wire::{self, Wire, auth::Key},
};
use crate::cloud::{Cloud, Endpoint};

/// The bucket's name.
const BUCKET: &str = "pocket";

/// A bucket that is served until this is dropped.
#[derive(Debug)]
pub struct PocketBucket {
    endpoint: Endpoint,
    _until: DropGuard,
}

impl PocketBucket {
    /// Serves the bucket in this folder, in background tasks of this runtime.
    pub async fn start(folder: &Path) -> color_eyre::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address)
            .await
            .wrap_err_with(|| format!("the bucket of this machine cannot listen on {address}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let buckets = Buckets::open(&Store::Folder(folder.to_owned()), BUCKET)
            .wrap_err_with(|| format!("no bucket in {}", folder.display()))?;
        let key = Key::random();
        let endpoint = Endpoint {
            url,
            region: engine::REGION.to_owned(),
            access_key: key.access.clone(),
            secret_key: key.secret.clone(),
        };
        // The clock is all that is used of it.
        let nothing = setup(&Options::new(folder, PathBuf::new()));
        let shell = Shell::new(nothing, Clock::new(), Tasks::modelled());
        let (faults, admission) =
            (Arc::new(Faults::new(0)), Arc::new(Admission::new(Account::default())));
        let wire = Wire::new(shell, Arc::new(buckets), key, faults, admission);
        let until = CancellationToken::new();
        tokio::spawn(wire::serve(listener, wire.for_objects_alone(), until.clone()));
        Ok(PocketBucket { endpoint, _until: until.drop_guard() })
    }

    /// The same clients with this bucket instead of theirs; it is served as long as any
    /// of them is there.
    #[must_use]
    pub fn lend_to(self, cloud: &Cloud) -> Cloud {
        let endpoint = self.endpoint.clone();
        cloud.with_bucket_at(&endpoint, BUCKET, Arc::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cloud::{
            ErrorKind,
            types::{Condition, Fetched},
        },
        local::LocalCloud,
    };

    /// A cloud without a bucket of its own, and clients that have one in a folder.
    async fn clients(local: &LocalCloud, folder: &Path) -> Cloud {
        let mut names = local.names();
        names.bucket = String::new();
        let cloud = Cloud::connect(&local.endpoint(), names);
        PocketBucket::start(folder).await.expect("a bucket").lend_to(&cloud)
    }

    #[tokio::test]
    async fn two_who_share_the_folder_share_the_bucket_and_the_rest_is_elsewhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let local = LocalCloud::start(Options::new(&folder.path().join("l"), "unused".into()));
        let local = local.await.expect("a local cloud");
        let pocket = folder.path().join("pocket");
        let (ours, theirs) = (clients(&local, &pocket).await, clients(&local, &pocket).await);
        let written = ours.put_object("a/b", "1".into(), Condition::Absent).await;
        let (etag, _) = written.expect("written");
        let error = theirs.put_object("a/b", "2".into(), Condition::Absent).await;
        assert_eq!(error.expect_err("it is there").kind, ErrorKind::Precondition);
        theirs
            .put_object("a/b", "2".into(), Condition::Matches(etag))
            .await
            .expect("over what was read");
        let (found, dated) = ours.get_object("a/b", None).await.expect("read");
        assert!(matches!(found, Fetched::New(object) if object.body == "2"));
        assert!(dated.is_some(), "the run's clock learns from it");
        assert_eq!(theirs.list_prefixes("").await, Ok(vec!["a".to_owned()]));
        // The tasks are where they were, and so is the run.
        assert_eq!(ours.place(), Cloud::connect(&local.endpoint(), local.names()).place());
        assert_eq!(ours.cluster().await.expect("described").running, 0);
        assert_eq!((ours.names().bucket.as_str(), ours.calls()["PutObject"]), ("", 1));
        // It goes on for the clones of who has it, and not for nobody.
        let clone = ours.with_names(local.names());
        drop(ours);
        clone.get_object("a/b", None).await.expect("still served");
        local.shutdown().await;
    }

    #[tokio::test]
    async fn nothing_but_objects_is_answered_and_only_to_who_has_the_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let pocket = PocketBucket::start(folder.path()).await.expect("a bucket");
        let names = LocalCloud::start(Options::new(folder.path(), "unused".into()));
        let names = names.await.expect("a local cloud").names();
        let all = Cloud::connect(&pocket.endpoint, names.clone());
        let error = all.cluster().await.expect_err("no cluster");
        assert!(error.message.contains("only S3"), "{error}");
        let error = all.group().await.expect_err("no group");
        assert!(error.message.contains("only S3"), "{error}");
        let other = Endpoint { secret_key: "other".into(), ..pocket.endpoint.clone() };
        let names = crate::cloud::Names { bucket: BUCKET.into(), ..names };
        let other = Cloud::connect(&other, names.clone()).list_objects("").await;
        assert_eq!(other.expect_err("a wrong key").kind, ErrorKind::Unauthenticated);
        let gone = Cloud::connect(&pocket.endpoint, names);
        assert_eq!(gone.list_objects("").await, Ok(vec![]));
        drop(pocket);
        crate::local::tests::eventually("its end", || async {
            gone.list_objects("").await.err().map(drop)
        })
        .await;
    }
}
