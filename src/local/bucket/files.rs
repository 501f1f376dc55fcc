//! Buckets as folders, objects as files in them.
//!
//! Invariants: an object is seen whole or not at all (written beside, then
//! renamed); a condition and the write that it guards are one step, also between
//! clouds that share the folder (a lock on a file in it); no key leads out of its
//! bucket. As keys are paths here, `a` and `a/b` cannot both be objects.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    ApiError, Listed, Listing, Object, When, etag, no_such_bucket, no_such_key,
    precondition_failed, same_tag, too_long,
};

/// How files that are being written are called; no object's key has such a part.
pub(super) const UNFINISHED: &str = ".loadtop-unfinished-";
/// The file that writers lock, beside the buckets.
pub(super) const LOCK: &str = ".lock";
/// Entity tags that are remembered; with one more, all are forgotten.
pub(super) const MOST_TAGS: usize = 10_000;

/// All buckets.
#[derive(Debug)]
pub(in crate::local) struct Files {
    folder: PathBuf,
    writing: Mutex<Writing>,
    /// Entity tags by path, for as long as the file is the same.
    tags: Mutex<HashMap<PathBuf, (Identity, String)>>,
}

/// What only one writer at a time has.
#[derive(Debug)]
struct Writing {
    /// Locked by whoever writes, in whatever process.
    lock: File,
    unfinished: u64,
}

/// The right to write, until it is dropped.
struct Turn<'a>(MutexGuard<'a, Writing>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.lock.unlock() {
            tracing::error!(%error, "local cloud: the bucket's lock stays");
        }
    }
}

/// Inode, size and time of change: another file, or another content, differs.
pub(super) type Identity = (u64, u64, i64, i64);

impl Files {
    /// The buckets in this folder, with one of this name at least.
    pub(super) fn open(folder: PathBuf, bucket: &str) -> io::Result<Self> {
        fs::create_dir_all(folder.join(bucket))?;
        let lock = File::options().create(true).append(true).open(folder.join(LOCK))?;
        let writing = Mutex::new(Writing { lock, unfinished: 0 });
        Ok(Files { folder, writing, tags: Mutex::default() })
    }

    /// Whether there is such a bucket.
    pub(super) fn check(&self, bucket: &str) -> Result<PathBuf, ApiError> {
        let folder = self.folder.join(bucket);
        if is_part(bucket) && !bucket.contains('/') && folder.is_dir() {
            Ok(folder)
        } else {
            Err(no_such_bucket())
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
        let mut turn = self.turn()?;
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
        turn.0.unfinished += 1;
        let folder = path.parent().ok_or_else(bad_key)?;
        fs::create_dir_all(folder).map_err(broken)?;
        // The process id, as another cloud may have the same folder.
        let name = format!("{UNFINISHED}{}-{}", std::process::id(), turn.0.unfinished);
        let unfinished = folder.join(name);
        let written = fs::write(&unfinished, body).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(error) = written {
            let _ = fs::remove_file(&unfinished);
            return Err(broken(error));
        }
        let tag = etag(body);
        if let Ok(metadata) = fs::metadata(&path) {
            self.remember(path, identity(&metadata), &tag);
        }
        Ok(tag)
    }

    /// Deletes an object; that it does not exist is no error, as on S3.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), ApiError> {
        let path = self.path(bucket, key)?;
        let _turn = self.turn()?;
        self.tags().remove(&path);
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
        // One more than the page has: whether the list goes on.
        let mut walk = Walk { prefix, after, most: most + 1, keys: Vec::new() };
        let within = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        if within.is_empty() || within.split('/').all(is_part) {
            let base = if within.is_empty() { String::new() } else { format!("{within}/") };
            walk.folder(&root.join(within), &base).map_err(broken)?;
        }
        let mut keys = walk.keys;
        let truncated = keys.len() > most;
        keys.truncate(most);
        // What was deleted since is left out.
        let objects = keys.into_iter().filter_map(|key| self.describe(root.join(&key), key));
        Ok(Listing { objects: objects.collect(), truncated })
    }

    fn describe(&self, path: PathBuf, key: String) -> Option<Listed> {
        let metadata = fs::metadata(&path).ok()?;
        let seen = identity(&metadata);
        let known = self.tags().get(&path).filter(|(known, _)| *known == seen).cloned();
        if let Some((_, etag)) = known {
            return Some(Listed { key, size: metadata.len(), etag, modified_s: metadata.mtime() });
        }
        let (body, metadata) = content(&path).ok()?;
        let etag = etag(&body);
        self.remember(path, identity(&metadata), &etag);
        Some(Listed { key, size: metadata.len(), etag, modified_s: metadata.mtime() })
    }

    pub(super) fn remember(&self, path: PathBuf, identity: Identity, tag: &str) {
        let mut tags = self.tags();
        if tags.len() >= MOST_TAGS && !tags.contains_key(&path) {
            tags.clear();
        }
        tags.insert(path, (identity, tag.to_owned()));
    }

    fn path(&self, bucket: &str, key: &str) -> Result<PathBuf, ApiError> {
        let folder = self.check(bucket)?;
        too_long(key)?;
        if key.split('/').all(is_part) { Ok(folder.join(key)) } else { Err(bad_key()) }
    }

    /// Waits for other writers, of this process and of others.
    fn turn(&self) -> Result<Turn<'_>, ApiError> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.lock.lock().map_err(broken)?;
        Ok(Turn(writing))
    }

    pub(super) fn tags(&self) -> MutexGuard<'_, HashMap<PathBuf, (Identity, String)>> {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A walk over a bucket's files in the order of their keys, no further than needed.
struct Walk<'a> {
    prefix: &'a str,
    after: &'a str,
    most: usize,
    keys: Vec<String>,
}

impl Walk<'_> {
    /// Takes the keys of the objects under a folder, which all begin with `base`.
    fn folder(&mut self, folder: &Path, base: &str) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !is_part(&name) {
                continue;
            }
            let kind = entry.file_type()?;
            // With its slash a folder sorts as the keys under it do.
            if kind.is_dir() && self.may_be_under(&format!("{base}{name}/")) {
                found.push((format!("{base}{name}/"), Some(entry.path())));
            } else if kind.is_file() && self.is_wanted(&format!("{base}{name}")) {
                found.push((format!("{base}{name}"), None));
            }
        }
        found.sort_unstable();
        for (key, below) in found {
            if self.keys.len() >= self.most {
                return Ok(());
            }
            match below {
                Some(below) => self.folder(&below, &key)?,
                None => self.keys.push(key),
            }
        }
        Ok(())
    }

    fn is_wanted(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && key > self.after
    }

    /// Whether keys that begin with `base` can be wanted.
    fn may_be_under(&self, base: &str) -> bool {
        let has_prefix = base.starts_with(self.prefix) || self.prefix.starts_with(base);
        has_prefix && (base > self.after || self.after.starts_with(base))
    }
}

fn read(path: &Path) -> Result<Option<Object>, ApiError> {
    match content(path) {
        Ok((body, metadata)) => {
            let modified_s = metadata.mtime();
            Ok(Some(Object { etag: etag(&body), body: body.into(), modified_s }))
        }
        Err(error) if is_absent(&error) || path.is_dir() => Ok(None),
        Err(error) => Err(broken(error)),
    }
}

/// A file's content, and what is known of that very file: another one may have its
/// name by now.
fn content(path: &Path) -> io::Result<(Vec<u8>, fs::Metadata)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut body = Vec::with_capacity(metadata.len() as usize);
    file.read_to_end(&mut body)?;
    Ok((body, metadata))
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

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn broken(error: io::Error) -> ApiError {
    tracing::error!(%error, "local cloud: the bucket's folder");
    ApiError::new("InternalError", 500, format!("The bucket's folder: {error}"))
}
