//! S3: conditional reads and writes, lists.

use std::collections::BTreeSet;

use super::sdk::s3::{error::ProvideErrorMetadata, primitives::ByteStream};
use bytes::Bytes;

use super::Site;
use crate::cloud::{
    ErrorKind,
    types::{Condition, Fetched},
};

#[tokio::test]
async fn reads_and_writes_under_conditions() {
    let site = Site::start().await;
    let cloud = &site.cloud;
    let key = "loadtop/run 1/wísh+a&b.json";
    let (missing, dated) = cloud.get_object(key, None).await.expect("answered");
    assert_eq!(missing, Fetched::Missing);
    assert!(dated.expect("has a Date").date > 1_700_000_000_000);
    let put = |body: &'static str, condition| cloud.put_object(key, Bytes::from(body), condition);
    let (one, _) = put("one", Condition::Absent).await.expect("written");
    let error = put("two", Condition::Absent).await.expect_err("it exists");
    assert_eq!(error.kind, ErrorKind::Precondition);
    let (two, _) = put("two", Condition::Matches(one.clone())).await.expect("written");
    let error = put("three", Condition::Matches(one.clone())).await.expect_err("it changed");
    assert_eq!(error.kind, ErrorKind::Precondition);
    let (unchanged, _) = cloud.get_object(key, Some(&two)).await.expect("answered");
    assert_eq!(unchanged, Fetched::Unchanged);
    let (changed, _) = cloud.get_object(key, Some(&one)).await.expect("answered");
    let Fetched::New(object) = changed else { panic!("{changed:?}") };
    assert_eq!((&object.body[..], object.etag), (&b"two"[..], two));
    site.local.shutdown().await;
}

#[tokio::test]
async fn one_of_a_hundred_writers_wins_each_time() {
    let site = Site::start().await;
    let (mut etag, _) = site
        .cloud
        .put_object("wish.json", Bytes::from("0"), Condition::Absent)
        .await
        .expect("written");
    for round in 0..3 {
        let writers = (0..100).map(|writer| {
            let (cloud, etag) = (site.cloud.clone(), etag.clone());
            tokio::spawn(async move {
                let body = Bytes::from(format!("{round}-{writer}"));
                cloud.put_object("wish.json", body, Condition::Matches(etag)).await
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut won = Vec::new();
        for writer in writers {
            match writer.await.expect("no panic") {
                Ok((etag, _)) => won.push(etag),
                Err(error) => assert_eq!(error.kind, ErrorKind::Precondition),
            }
        }
        assert_eq!(won.len(), 1, "round {round}");
        etag = won.remove(0);
    }
    site.local.shutdown().await;
}

#[tokio::test]
async fn lists_have_pages_and_an_order() {
    let site = Site::start().await;
    let s3 = &site.s3;
    // `a-b` comes before `a/b`, though a folder named `a` does not come after it.
    let keys = ["results/a-b", "results/a/b", "results/a/c", "results/b", "run.json"];
    for key in keys {
        let body = ByteStream::from_static(b"x");
        s3.put_object().bucket("loadtop").key(key).body(body).send().await.expect("written");
    }
    assert_eq!(site.cloud.list_objects("results/").await.expect("listed"), keys[..4]);
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let call = s3.list_objects_v2().bucket("loadtop").max_keys(2);
        let page = call.set_continuation_token(token).send().await.expect("listed");
        assert!(page.contents().len() <= 2);
        seen.extend(page.contents().iter().filter_map(|it| it.key()).map(str::to_owned));
        token = page.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, keys);
    s3.delete_object().bucket("loadtop").key("results/a/b").send().await.expect("deleted");
    s3.delete_object().bucket("loadtop").key("results/a/b").send().await.expect("deleted again");
    let left: BTreeSet<_> =
        site.cloud.list_objects("").await.expect("listed").into_iter().collect();
    assert_eq!(left.len(), 4);
    let head = s3.head_object().bucket("loadtop").key("run.json").send().await.expect("there");
    assert_eq!(head.content_length(), Some(1));
    s3.head_object().bucket("loadtop").key("gone").send().await.expect_err("not there");
    s3.head_bucket().bucket("loadtop").send().await.expect("there");
    s3.head_bucket().bucket("other").send().await.expect_err("not there");
    let error = s3.get_object().bucket("other").key("x").send().await.expect_err("no bucket");
    assert_eq!(error.code(), Some("NoSuchBucket"));
    let call = s3.put_object().bucket("loadtop").key("a/../../../x");
    assert!(call.body(ByteStream::from_static(b"x")).send().await.is_err());
    site.local.shutdown().await;
}

#[tokio::test]
async fn names_right_below_a_prefix_are_listed_in_pages() {
    let site = Site::start().await;
    let keys = ["runs/a/wish.json", "runs/a/b/c", "runs/a-b/x", "runs/b", "runs/c/x", "other/x"];
    for key in keys {
        let body = Bytes::from("x");
        site.cloud.put_object(key, body, Condition::Always).await.expect("written");
    }
    assert_eq!(site.cloud.list_prefixes("runs/").await.expect("listed"), ["a-b", "a", "c"]);
    assert_eq!(site.cloud.list_prefixes("").await.expect("listed"), ["other", "runs"]);
    assert_eq!(site.cloud.list_prefixes("none/").await.expect("listed"), [""; 0]);
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let call = site.s3.list_objects_v2().bucket("loadtop").prefix("runs/").delimiter("/");
        let call = call.max_keys(1).set_continuation_token(token);
        let page = call.send().await.expect("listed");
        assert_eq!(page.key_count(), Some(1));
        seen.extend(page.common_prefixes().iter().filter_map(|it| it.prefix()).map(str::to_owned));
        seen.extend(page.contents().iter().filter_map(|it| it.key()).map(str::to_owned));
        token = page.next_continuation_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["runs/a-b/", "runs/a/", "runs/b", "runs/c/"]);
    site.local.shutdown().await;
}
