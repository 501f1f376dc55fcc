use tempfile::TempDir;

use super::*;

fn buckets() -> (Buckets, TempDir) {
    let folder = TempDir::new().expect("a folder");
    (Buckets::open(folder.path().to_owned(), "b").expect("opened"), folder)
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> &'static str {
    result.expect_err("refused").code
}

fn keys(buckets: &Buckets, prefix: &str, after: &str, most: usize) -> (Vec<String>, bool) {
    let listing = buckets.list("b", prefix, after, most).expect("listed");
    (listing.objects.into_iter().map(|object| object.key).collect(), listing.truncated)
}

#[test]
fn tags_are_quoted_md5() {
    let (buckets, _folder) = buckets();
    let tag = buckets.put("b", "k", b"hello", &When::Always).expect("written");
    assert_eq!(tag, "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(buckets.get("b", "k").expect("there").etag, tag);
    assert_eq!(buckets.list("b", "", "", 10).expect("listed").objects[0].etag, tag);
}

#[test]
fn conditions() {
    let (buckets, _folder) = buckets();
    let put = |body: &[u8], when: When| buckets.put("b", "k", body, &when);
    assert_eq!(code(put(b"1", When::Matches("\"x\"".to_owned()))), "NoSuchKey");
    let one = put(b"1", When::Absent).expect("absent");
    assert_eq!(code(put(b"2", When::Absent)), "PreconditionFailed");
    // Without its quotes it is the same tag.
    put(b"2", When::Matches(one.trim_matches('"').to_owned())).expect("matches");
    assert_eq!(code(put(b"3", When::Matches(one))), "PreconditionFailed");
    assert_eq!(&buckets.get("b", "k").expect("there").body[..], b"2");
}

#[test]
fn no_key_leads_out() {
    let (buckets, folder) = buckets();
    let outside =
        ["..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "./x", "a/./b", "", "x\0"];
    for key in outside {
        assert_eq!(code(buckets.put("b", key, b"x", &When::Always)), "InvalidArgument", "{key:?}");
        assert_eq!(code(buckets.get("b", key)), "InvalidArgument", "{key:?}");
        assert_eq!(code(buckets.delete("b", key)), "InvalidArgument", "{key:?}");
    }
    for bucket in ["..", ".", "", "c", "../b"] {
        assert_eq!(
            code(buckets.put(bucket, "x", b"x", &When::Always)),
            "NoSuchBucket",
            "{bucket:?}"
        );
    }
    assert_eq!(keys(&buckets, "../", "", 10), (vec![], false));
    assert_eq!(
        fs::read_dir(folder.path()).expect("there").count(),
        1,
        "the bucket and nothing else"
    );
}

#[test]
fn what_a_crash_left_unfinished_is_not_seen() {
    let (buckets, folder) = buckets();
    buckets.put("b", "a/k", b"x", &When::Always).expect("written");
    let left = format!("{UNFINISHED}1-1");
    fs::write(folder.path().join("b/a").join(&left), b"half").expect("written");
    assert_eq!(keys(&buckets, "", "", 10).0, ["a/k"]);
    assert_eq!(code(buckets.get("b", &format!("a/{left}"))), "InvalidArgument");
}

#[test]
fn lists_are_ordered_by_key_and_cut() {
    let (buckets, _folder) = buckets();
    for key in ["a/b", "a-b", "a/c/d", "b", "a.b"] {
        buckets.put("b", key, b"x", &When::Always).expect("written");
    }
    let table = [
        ("", "", 10, vec!["a-b", "a.b", "a/b", "a/c/d", "b"], false),
        ("", "a.b", 2, vec!["a/b", "a/c/d"], true),
        ("a/", "", 10, vec!["a/b", "a/c/d"], false),
        ("a/c", "", 10, vec!["a/c/d"], false),
        ("a/x/y", "", 10, vec![], false),
        ("a", "", 0, vec![], true),
        ("b/", "", 10, vec![], false),
    ];
    for (prefix, after, most, expected, truncated) in table {
        let (listed, cut) = keys(&buckets, prefix, after, most);
        assert_eq!(
            (listed, cut),
            (expected.into_iter().map(str::to_owned).collect(), truncated),
            "{prefix}"
        );
    }
}

#[test]
fn a_list_shows_what_others_changed_in_the_folder() {
    let (buckets, folder) = buckets();
    let before = buckets.put("b", "k", b"x", &When::Always).expect("written");
    fs::write(folder.path().join("b/k"), b"longer").expect("written");
    let listed = buckets.list("b", "", "", 10).expect("listed").objects.remove(0);
    assert_ne!(listed.etag, before);
    assert_eq!(listed.etag, buckets.get("b", "k").expect("there").etag);
}

#[test]
fn deleting_leaves_no_empty_folders_and_is_idempotent() {
    let (buckets, folder) = buckets();
    for key in ["a/b/c", "a/d"] {
        buckets.put("b", key, b"x", &When::Always).expect("written");
    }
    for _ in 0..2 {
        buckets.delete("b", "a/b/c").expect("gone");
    }
    assert!(!folder.path().join("b/a/b").exists());
    assert_eq!(keys(&buckets, "", "", 10).0, ["a/d"]);
    buckets.delete("b", "a").expect("a folder is no object");
    buckets.delete("b", "a/d").expect("gone");
    assert!(folder.path().join("b").is_dir(), "the bucket stays");
}

#[test]
fn a_key_cannot_be_an_object_and_a_folder() {
    let (buckets, _folder) = buckets();
    buckets.put("b", "a", b"x", &When::Always).expect("written");
    assert!(buckets.put("b", "a/b", b"x", &When::Always).is_err());
    assert_eq!(code(buckets.get("b", "a/b")), "NoSuchKey");
    assert_eq!(&buckets.get("b", "a").expect("there").body[..], b"x");
}
