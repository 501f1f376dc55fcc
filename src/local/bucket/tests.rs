use std::fs;

use tempfile::TempDir;

use super::{
    files::{LOCK, MOST_TAGS, UNFINISHED},
    *,
};

fn buckets() -> (Buckets, TempDir) {
    let folder = TempDir::new().expect("a folder");
    (open(&folder), folder)
}

fn open(folder: &TempDir) -> Buckets {
    Buckets::open(&Store::Folder(folder.path().to_owned()), "b").expect("opened")
}

/// Buckets of each kind, and what must outlive them.
fn of_each_kind() -> [(Buckets, Option<TempDir>); 2] {
    let (files, folder) = buckets();
    [(files, Some(folder)), (Buckets::open(&Store::Memory, "b").expect("opened"), None)]
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
    for (buckets, _folder) in of_each_kind() {
        let tag = buckets.put("b", "k", b"hello", &When::Always).expect("written");
        assert_eq!(tag, "\"5d41402abc4b2a76b9719d911017c592\"");
        assert_eq!(buckets.get("b", "k").expect("there").etag, tag);
        assert_eq!(buckets.list("b", "", "", 10).expect("listed").objects[0].etag, tag);
    }
}

#[test]
fn conditions() {
    for (buckets, _folder) in of_each_kind() {
        let put = |body: &[u8], when: When| buckets.put("b", "k", body, &when);
        assert_eq!(code(put(b"1", When::Matches("\"x\"".to_owned()))), "NoSuchKey");
        let one = put(b"1", When::Absent).expect("absent");
        assert_eq!(code(put(b"2", When::Absent)), "PreconditionFailed");
        // Without its quotes it is the same tag.
        put(b"2", When::Matches(one.trim_matches('"').to_owned())).expect("matches");
        assert_eq!(code(put(b"3", When::Matches(one))), "PreconditionFailed");
        assert_eq!(&buckets.get("b", "k").expect("there").body[..], b"2");
    }
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
    let there = fs::read_dir(folder.path()).expect("there");
    let mut there: Vec<_> = there.map(|entry| entry.expect("there").file_name()).collect();
    there.sort();
    assert_eq!(there, [LOCK, "b"], "the bucket, its lock and nothing else");
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
    for (buckets, _folder) in of_each_kind() {
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

#[test]
fn pages_together_are_the_whole_list() {
    for (buckets, _folder) in of_each_kind() {
        let mut all = Vec::new();
        for folder in ["", "a/", "a-/", "a/b/", "a0/c/d/", "z/"] {
            for name in ["a.", "k", "k-1", "k0", "zz"] {
                all.push(format!("{folder}{name}"));
            }
        }
        for key in &all {
            buckets.put("b", key, b"x", &When::Always).expect("written");
        }
        all.sort();
        for most in [1, 2, 7, 100] {
            for prefix in ["", "a", "a/", "a/k", "a/b/zz", "nothing"] {
                let mut listed: Vec<String> = Vec::new();
                loop {
                    let after = listed.last().cloned().unwrap_or_default();
                    let (page, goes_on) = keys(&buckets, prefix, &after, most);
                    listed.extend(page);
                    if !goes_on {
                        break;
                    }
                }
                let expected: Vec<_> = all.iter().filter(|key| key.starts_with(prefix)).collect();
                assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{prefix} by {most}");
            }
        }
    }
}

/// Each has a lock of its own on the same file, as two processes have.
#[test]
fn of_two_clouds_on_a_folder_one_wins_each_time() {
    const ROUNDS: usize = 200;
    let (first, folder) = buckets();
    let second = open(&folder);
    first.put("b", "k", b"0", &When::Always).expect("written");
    std::thread::scope(|scope| {
        for buckets in [&first, &second] {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    loop {
                        let old = buckets.get("b", "k").expect("there");
                        let text = std::str::from_utf8(&old.body).expect("a number");
                        let next = text.parse::<usize>().expect("a number") + 1;
                        let when = When::Matches(old.etag);
                        if buckets.put("b", "k", next.to_string().as_bytes(), &when).is_ok() {
                            break;
                        }
                    }
                }
            });
        }
    });
    let last = first.get("b", "k").expect("there");
    assert_eq!(last.body, (2 * ROUNDS).to_string().as_bytes());
}

#[test]
fn tags_are_not_remembered_without_end() {
    let (Buckets::Files(buckets), folder) = buckets() else { panic!("files") };
    for number in 0..=MOST_TAGS {
        buckets.remember(folder.path().join(number.to_string()), (0, 0, 0, 0), "tag");
    }
    assert_eq!(buckets.tags().len(), 1);
}
