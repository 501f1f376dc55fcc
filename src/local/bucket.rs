//! The bucket: S3 objects as files in a folder.
//!
//! Invariants: an object is seen whole or not at all (written beside, then
//! renamed); a condition and the write that it guards are one step; no key leads
//! out of its bucket. As keys are paths here, `a` and `a/b` cannot both be objects.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use md5::{Digest, Md5};

use super::engine::ApiError;

/// How files that are being written are called; no object's key has such a part.
const UNFINISHED: &str = ".loadtop-unfinished-";
/// S3's own limit.
const LONGEST_KEY: usize = 1024;

/// All buckets.
#[derive(Debug)]
pub(super) struct Buckets {
    folder: PathBuf,
    writing: Mutex<Writing>,
}

/// What only one writer at a time has.
#[derive(Debug, Default)]
struct Writing {
    unfinished: u64,
    /// Entity tags by path, for as long as the file is the same.
    etags: HashMap<PathBuf, (Identity, String)>,
}

/// Inode, size and time of change: another file, or another content, differs.
type Identity = (u64, u64, i64, i64);

/// When a write is to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match`.
    Matches(String),
}

/// An object's content and its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) body: Bytes,
    pub(super) etag: String,
    pub(super) modified_s: i64,
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) modified_s: i64,
}

/// Part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) objects: Vec<Listed>,
    pub(super) truncated: bool,
}

impl Buckets {
    /// The buckets in this folder, with one of this name at least.
    pub(super) fn open(folder: PathBuf, bucket: &str) -> io::Result<Self> {
        fs::create_dir_all(folder.join(bucket))?;
        Ok(Buckets { folder, writing: Mutex::default() })
    }

    /// Whether there is such a bucket.
    pub(super) fn check(&self, bucket: &str) -> Result<PathBuf, ApiError> {
        let folder = self.folder.join(bucket);
        if is_part(bucket) && !bucket.contains('/') && folder.is_dir() {
            Ok(folder)
        } else {
            Err(ApiError::new("NoSuchBucket", 404, "The specified bucket does not exist"))
        }
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Result<Object, ApiError> {
        read(&self.path(bucket, key)?)?.ok_or_else(no_such_key)
    }

    /// Writes an object and answers with its tag.
    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        when: &When,
    ) -> Result<String, ApiError> {
        let path = self.path(bucket, key)?;
        let mut writing = self.lock();
        match when {
            When::Always => {}
            When::Absent if read(&path)?.is_none() => {}
            When::Absent => return Err(precondition_failed()),
            When::Matches(wanted) => {
                let there = read(&path)?.ok_or_else(no_such_key)?;
                if !same_tag(wanted, &there.etag) {
                    return Err(precondition_failed());
                }
            }
        }
        writing.unfinished += 1;
        let folder = path.parent().ok_or_else(bad_key)?;
        fs::create_dir_all(folder).map_err(broken)?;
        // The process id, as another cloud may have the same folder.
        let name = format!("{UNFINISHED}{}-{}", std::process::id(), writing.unfinished);
        let unfinished = folder.join(name);
        let written = fs::write(&unfinished, body).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(broken(error));
        }
        let tag = etag(body);
        if let Ok(metadata) = fs::metadata(&path) {
            writing.etags.insert(path, (identity(&metadata), tag.clone()));
        }
        Ok(tag)
    }

    /// Deletes an object; that it does not exist is no error, as on S3.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), ApiError> {
        let path = self.path(bucket, key)?;
        let mut writing = self.lock();
        writing.etags.remove(&path);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if is_absent(&error) || path.is_dir() => return Ok(()),
            Err(error) => return Err(broken(error)),
        }
        // Folders are no objects: those that became empty go.
        let bucket = self.folder.join(bucket);
        let mut folder = path.parent();
        while let Some(empty) = folder.filter(|&folder| folder != bucket) {
            if fs::remove_dir(empty).is_err() {
                break;
            }
            folder = empty.parent();
        }
        Ok(())
    }

    /// The objects whose keys begin with `prefix` and come after `after`, by key.
    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Listing, ApiError> {
        let root = self.check(bucket)?;
        let mut keys = Vec::new();
        let within = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if within.is_empty() || within.split('/').all(is_part) {
            let base = if within.is_empty() { String::new() } else { format!("{within}/") };
            collect(&root.join(within), &base, &mut keys).map_err(broken)?;
        }
        keys.retain(|key| key.starts_with(prefix) && key.as_str() > after);
        keys.sort_unstable();
        let truncated = keys.len() > most;
        keys.truncate(most);
        let mut writing = self.lock();
        // What was deleted since is left out.
        let objects = keys.into_iter().filter_map(|key| writing.describe(root.join(&key), key));
        Ok(Listing { objects: objects.collect(), truncated })
    }

    fn path(&self, bucket: &str, key: &str) -> Result<PathBuf, ApiError> {
        let folder = self.check(bucket)?;
        if key.len() > LONGEST_KEY {
            return Err(ApiError::new("KeyTooLongError", 400, "Your key is too long"));
        }
        if key.split('/').all(is_part) { Ok(folder.join(key)) } else { Err(bad_key()) }
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing {
    fn describe(&mut self, path: PathBuf, key: String) -> Option<Listed> {
        let metadata = fs::metadata(&path).ok()?;
        let identity = identity(&metadata);
        let known = self.etags.get(&path).filter(|(known, _)| *known == identity);
        let etag = if let Some((_, tag)) = known {
            tag.clone()
        } else {
            let tag = etag(&fs::read(&path).ok()?);
            self.etags.insert(path, (identity, tag.clone()));
            tag
        };
        Some(Listed { key, size: metadata.len(), etag, modified_s: metadata.mtime() })
    }
}

/// All objects under a folder, as keys.
fn collect(folder: &Path, base: &str, keys: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_part(&name) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{base}{name}/"), keys)?;
        } else if kind.is_file() {
            keys.push(format!("{base}{name}"));
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<Object>, ApiError> {
    let body = match fs::read(path) {
        Ok(body) => body,
        Err(error) if is_absent(&error) || path.is_dir() => return Ok(None),
        Err(error) => return Err(broken(error)),
    };
    let modified_s = fs::metadata(path).map_or(0, |metadata| metadata.mtime());
    Ok(Some(Object { etag: etag(&body), body: body.into(), modified_s }))
}

fn etag(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Md5::digest(body)))
}

/// Tags may come without their quotes.
pub(super) fn same_tag(a: &str, b: &str) -> bool {
    a.trim_matches('"') == b.trim_matches('"')
}

fn identity(metadata: &fs::Metadata) -> Identity {
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
}

/// Whether this can be one part of a path, and is none of ours.
fn is_part(part: &str) -> bool {
    let special = part.is_empty() || part == "." || part == ".." || part.contains('\0');
    !special && part.len() <= 255 && !part.starts_with(UNFINISHED)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn bad_key() -> ApiError {
    ApiError::new(
        "InvalidArgument",
        400,
        "The local cloud keeps objects as files: this key is no path",
    )
}

fn no_such_key() -> ApiError {
    ApiError::new("NoSuchKey", 404, "The specified key does not exist.")
}

fn precondition_failed() -> ApiError {
    let message = "At least one of the pre-conditions you specified did not hold";
    ApiError::new("PreconditionFailed", 412, message)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn broken(error: io::Error) -> ApiError {
    tracing::error!(%error, "local cloud: the bucket's folder");
    ApiError::new("InternalError", 500, format!("The bucket's folder: {error}"))
}
