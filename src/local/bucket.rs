//! The buckets: S3 objects, in a folder or in memory.
//!
//! Invariants, wherever they are: an object is seen whole or not at all; a condition
//! and the write that it guards are one step; a list is ascending by key.

mod files;
mod memory;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use bytes::Bytes;
use md5::{Digest, Md5};

use self::{files::Files, memory::Memory};
use super::{Store, engine::ApiError};

/// S3's own limit.
const LONGEST_KEY: usize = 1024;

/// All buckets.
#[derive(Debug)]
pub(super) enum Buckets {
    Files(Files),
    Memory(Memory),
}

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
    /// The buckets of this store, with one of this name at least.
    pub(super) fn open(store: &Store, bucket: &str) -> io::Result<Self> {
        Ok(match store {
            Store::Folder(folder) => Buckets::Files(Files::open(folder.clone(), bucket)?),
            Store::Memory => Buckets::Memory(Memory::with(bucket)),
        })
    }

    /// Does work with the buckets: that on files apart, so that a slow disk holds
    /// nobody up.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Buckets) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        if let Buckets::Memory(_) = **self {
            return work(self);
        }
        let buckets = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&buckets)).await;
        done.unwrap_or_else(|error| {
            Err(ApiError::new("InternalError", 500, format!("The file work failed: {error}")))
        })
    }

    /// Whether there is such a bucket.
    pub(super) fn check(&self, bucket: &str) -> Result<(), ApiError> {
        match self {
            Buckets::Files(files) => files.check(bucket).map(drop),
            Buckets::Memory(memory) => memory.check(bucket),
        }
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Result<Object, ApiError> {
        match self {
            Buckets::Files(files) => files.get(bucket, key),
            Buckets::Memory(memory) => memory.get(bucket, key),
        }
    }

    /// Writes an object and answers with its tag.
    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        when: &When,
    ) -> Result<String, ApiError> {
        match self {
            Buckets::Files(files) => files.put(bucket, key, body, when),
            Buckets::Memory(memory) => memory.put(bucket, key, body, when),
        }
    }

    /// Deletes an object; that it does not exist is no error, as on S3.
    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), ApiError> {
        match self {
            Buckets::Files(files) => files.delete(bucket, key),
            Buckets::Memory(memory) => memory.delete(bucket, key),
        }
    }

    /// The objects whose keys begin with `prefix` and come after `after`, by key.
    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Listing, ApiError> {
        match self {
            Buckets::Files(files) => files.list(bucket, prefix, after, most),
            Buckets::Memory(memory) => memory.list(bucket, prefix, after, most),
        }
    }
}

/// Tags may come without their quotes.
pub(super) fn same_tag(a: &str, b: &str) -> bool {
    a.trim_matches('"') == b.trim_matches('"')
}

fn etag(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Md5::digest(body)))
}

fn too_long(key: &str) -> Result<(), ApiError> {
    if key.len() > LONGEST_KEY {
        return Err(ApiError::new("KeyTooLongError", 400, "Your key is too long"));
    }
    Ok(())
}

fn no_such_bucket() -> ApiError {
    ApiError::new("NoSuchBucket", 404, "The specified bucket does not exist")
}

fn no_such_key() -> ApiError {
    ApiError::new("NoSuchKey", 404, "The specified key does not exist.")
}

fn precondition_failed() -> ApiError {
    let message = "At least one of the pre-conditions you specified did not hold";
    ApiError::new("PreconditionFailed", 412, message)
}
