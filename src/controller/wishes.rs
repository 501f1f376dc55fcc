//! Writing the wish: conditional, and sure of what landed.
//!
//! Invariant: an edit lands once. Each write is conditional on the version it was
//! made from; when another controller was faster, or the answer was lost, the wish
//! is read again, and only the edits that are not in it are made again.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    cloud::{
        Cloud, CloudError, ErrorKind,
        types::{Condition, Dated, Fetched},
    },
    model::{
        Millis,
        wish::{Edit, Wish},
    },
};

/// The code of an error of ours: an edit may or may not have landed, and the wish has
/// forgotten which.
pub(super) const UNTOLD: &str = "untold";
/// How often a write is tried before it is given back to the controller.
const TRIES: u32 = 8;
/// The wait between two tries; grows with each.
const BETWEEN: Duration = Duration::from_millis(100);

/// A wish as it is in the bucket.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) wish: Wish,
    pub(super) etag: String,
    pub(super) dated: Option<Dated>,
}

/// Writes the first wish of a run. That it is there already, after a lost answer,
/// is the same: run ids are unique.
pub(super) async fn create(cloud: &Cloud, key: &str, wish: &Wish) -> Result<Stored, CloudError> {
    match cloud.put_object(key, body(wish), Condition::Absent).await {
        Ok((etag, dated)) => Ok(Stored { wish: wish.clone(), etag, dated }),
        Err(error) if error.kind == ErrorKind::Precondition => read(cloud, key).await,
        Err(error) => Err(error),
    }
}

/// Makes these edits on top of `known`, or of whatever is there by now; `now` is the
/// bucket's time.
pub(super) async fn edit(
    cloud: &Cloud,
    key: &str,
    known: Stored,
    edits: &[Edit],
    now: Millis,
) -> Result<Stored, CloudError> {
    let mut known = known;
    let mut tries = 0;
    let (began, since) = (Instant::now(), known.wish.version);
    loop {
        let passed = began.elapsed().as_millis() as Millis;
        let dated = known.dated.map_or(0, |dated| dated.date);
        let at = dated.max(now + passed);
        let wish = edits.iter().fold(known.wish.clone(), |wish, edit| wish.edited(edit, at));
        if wish == known.wish {
            return Ok(known);
        }
        let condition = Condition::Matches(known.etag.clone());
        let error = match cloud.put_object(key, body(&wish), condition).await {
            Ok((etag, dated)) => return Ok(Stored { wish, etag, dated }),
            Err(error) => error,
        };
        tries += 1;
        if tries >= TRIES || !(error.is_passing() || error.kind == ErrorKind::Precondition) {
            return Err(error);
        }
        tokio::time::sleep(BETWEEN * tries).await;
        known = read(cloud, key).await?;
        if error.kind == ErrorKind::Ambiguous && !known.wish.remembers_since(since) {
            return Err(CloudError {
                message: format!(
                    "{}; whether it was written cannot be told any more",
                    error.message
                ),
                kind: ErrorKind::Refused,
                code: Some(UNTOLD.to_owned()),
                ..error
            });
        }
    }
}

/// Reads the wish, whatever it is by now.
pub(super) async fn read(cloud: &Cloud, key: &str) -> Result<Stored, CloudError> {
    match cloud.get_object(key, None).await? {
        (Fetched::New(object), dated) => parse(&object.body, object.etag, dated),
        _ => Err(broken("the wish is gone from the bucket".to_owned())),
    }
}

/// Reads the wish if it is not the version known any more; learns the time anyway.
pub(super) async fn look(
    cloud: &Cloud,
    key: &str,
    etag: &str,
) -> Result<(Option<Stored>, Option<Dated>), CloudError> {
    match cloud.get_object(key, Some(etag)).await? {
        (Fetched::New(object), dated) => {
            Ok((Some(parse(&object.body, object.etag, dated)?), dated))
        }
        (Fetched::Unchanged, dated) => Ok((None, dated)),
        (Fetched::Missing, _) => Err(broken("the wish is gone from the bucket".to_owned())),
    }
}

fn parse(body: &[u8], etag: String, dated: Option<Dated>) -> Result<Stored, CloudError> {
    let wish = serde_json::from_slice(body)
        .map_err(|error| broken(format!("the wish cannot be read: {error}")))?;
    Ok(Stored { wish, etag, dated })
}

fn broken(message: String) -> CloudError {
    CloudError { call: "GetObject", kind: ErrorKind::Refused, code: None, message }
}

fn body(wish: &Wish) -> Bytes {
    Bytes::from(serde_json::to_vec(wish).expect("numbers, strings and lists are JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        local::{LocalCloud, Options},
        model::wish::Change,
    };

    /// A lease that has not lapsed.
    const FAR: Millis = 10_000_000_000_000;

    fn edit_of(count: u32) -> Edit {
        let change = Change::Renew { until: FAR + Millis::from(count) };
        Edit { id: format!("edit-{count}"), change }
    }

    /// Ten controllers at once: no edit is lost, none lands twice.
    #[tokio::test]
    async fn edits_of_many_controllers_all_land_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let local = LocalCloud::start(Options::new(folder.path(), "unused".into()))
            .await
            .expect("a local cloud");
        let cloud = Cloud::connect(&local.endpoint(), local.names());
        let first = create(&cloud, "wish.json", &Wish::new("p", FAR)).await.expect("created");
        let again = create(&cloud, "wish.json", &Wish::new("p", 9)).await.expect("read");
        assert_eq!(again.wish, first.wish, "what is there stays");
        let editors = (0..5).map(|n| {
            let (cloud, first) = (cloud.clone(), first.clone());
            async move { edit(&cloud, "wish.json", first, &[edit_of(n), edit_of(n + 100)], 0).await }
        });
        for edited in futures_util::future::join_all(editors).await {
            edited.expect("landed");
        }
        let (last, _) = look(&cloud, "wish.json", "").await.expect("looked");
        let last = last.expect("it changed");
        assert_eq!(last.wish.version, 11, "{:?}", last.wish.edits);
        // One whose answer was lost is seen to have landed, and is not made again.
        let same = edit(&cloud, "wish.json", first, &[edit_of(3)], 0).await.expect("it is there");
        assert_eq!(same.wish, last.wish);
        assert!(look(&cloud, "wish.json", &last.etag).await.expect("looked").0.is_none());
        local.shutdown().await;
    }
}
