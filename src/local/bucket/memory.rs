//! Buckets in memory, for clouds that leave nothing behind.
//!
//! Invariant: one lock holds everything, so that a condition and its write are one
//! step. Keys are any text: `a` and `a/b` can both be objects.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{
    ApiError, Listed, Listing, Object, When, etag, no_such_bucket, no_such_key,
    precondition_failed, same_tag, too_long,
};
use crate::local::clock::wall;

type Objects = BTreeMap<String, Object>;

/// All buckets.
#[derive(Debug)]
pub(in crate::local) struct Memory {
    buckets: Mutex<HashMap<String, Objects>>,
}

impl Memory {
    /// With one empty bucket.
    pub(super) fn with(bucket: &str) -> Self {
        let buckets = HashMap::from([(bucket.to_owned(), Objects::new())]);
        Memory { buckets: Mutex::new(buckets) }
    }

    pub(super) fn check(&self, bucket: &str) -> Result<(), ApiError> {
        self.within(bucket, |_| Ok(()))
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Result<Object, ApiError> {
        self.within(bucket, |objects| objects.get(key).cloned().ok_or_else(no_such_key))
    }

    pub(super) fn put(
        &self,
        bucket: &str,
        key: &str,
        body: &[u8],
        when: &When,
    ) -> Result<String, ApiError> {
        too_long(key)?;
        self.within(bucket, |objects| {
            let there = objects.get(key);
            match when {
                When::Always => {}
                When::Absent if there.is_none() => {}
                When::Absent => return Err(precondition_failed()),
                When::Matches(wanted) => {
                    if !same_tag(wanted, &there.ok_or_else(no_such_key)?.etag) {
                        return Err(precondition_failed());
                    }
                }
            }
            let etag = etag(body);
            let modified_s = (wall() / 1000).cast_signed();
            let body = Bytes::copy_from_slice(body);
            objects.insert(key.to_owned(), Object { body, etag: etag.clone(), modified_s });
            Ok(etag)
        })
    }

    pub(super) fn delete(&self, bucket: &str, key: &str) -> Result<(), ApiError> {
        self.within(bucket, |objects| {
            objects.remove(key);
            Ok(())
        })
    }

    pub(super) fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        most: usize,
    ) -> Result<Listing, ApiError> {
        let first = if after < prefix { Bound::Included(prefix) } else { Bound::Excluded(after) };
        self.within(bucket, |objects| {
            let found = objects.range::<str, _>((first, Bound::Unbounded));
            let mut found = found.take_while(|(key, _)| key.starts_with(prefix));
            let listed = |(key, object): (&String, &Object)| Listed {
                key: key.clone(),
                size: object.body.len() as u64,
                etag: object.etag.clone(),
                modified_s: object.modified_s,
            };
            let objects = found.by_ref().take(most).map(listed).collect();
            Ok(Listing { objects, truncated: found.next().is_some() })
        })
    }

    fn within<T>(
        &self,
        bucket: &str,
        work: impl FnOnce(&mut Objects) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        work(self.lock().get_mut(bucket).ok_or_else(no_such_bucket)?)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Objects>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
