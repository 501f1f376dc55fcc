//! ListObjectsV2.
//!
//! Invariant: pages follow the order of the keys, and a token names where the last
//! one ended, so that none is seen twice or missed, whatever happens between two.

use std::collections::HashMap;

use aws_smithy_types::{DateTime, date_time::Format};

use super::{invalid, not_implemented};
use crate::local::{
    bucket::{Buckets, Listed, Listing},
    engine::ApiError,
    wire::xml::Xml,
};

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// Objects in a page.
const MOST_LISTED: usize = 1000;
/// What a list may be asked with. The SDK names its operation in `x-id`; keys are
/// sent as they are, which a client that asked for `encoding-type` is told.
pub(super) const KEYS: [&str; 9] = [
    "list-type",
    "prefix",
    "delimiter",
    "start-after",
    "continuation-token",
    "max-keys",
    "encoding-type",
    "fetch-owner",
    "x-id",
];

/// What is to be listed.
#[derive(Debug)]
pub(super) struct List {
    prefix: String,
    after: String,
    most: usize,
    by: By,
}

/// What a list has one entry for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Object,
    /// Objects with a slash after the prefix are one with all that have the same
    /// beginning up to it.
    Slash,
}

/// A page.
#[derive(Debug, Default)]
struct Rows {
    objects: Vec<Listed>,
    prefixes: Vec<String>,
    /// After which key the list goes on, if it does.
    next: Option<String>,
}

impl List {
    pub(super) fn read(query: &HashMap<String, String>) -> Result<List, ApiError> {
        if query.get("list-type").map(String::as_str) != Some("2") {
            return Err(not_implemented("The local cloud lists with version 2."));
        }
        let most = match query.get("max-keys") {
            None => MOST_LISTED,
            Some(most) => most.parse().map_err(|_| invalid("max-keys is not a number."))?,
        };
        let given = |name: &str| query.get(name).cloned();
        let token = match given("continuation-token") {
            None => None,
            Some(token) => Some(
                key_of(&token)
                    .ok_or_else(|| invalid("The continuation token provided is incorrect"))?,
            ),
        };
        let by = match query.get("delimiter").map(String::as_str) {
            None | Some("") => By::Object,
            Some("/") => By::Slash,
            Some(_) => return Err(not_implemented("The local cloud knows the delimiter / only.")),
        };
        Ok(List {
            prefix: given("prefix").unwrap_or_default(),
            after: token.or_else(|| given("start-after")).unwrap_or_default(),
            most: most.min(MOST_LISTED),
            by,
        })
    }

    /// The page, as XML.
    pub(super) fn perform(&self, buckets: &Buckets, bucket: &str) -> Result<String, ApiError> {
        let rows = match self.by {
            By::Object => {
                let page = buckets.list(bucket, &self.prefix, &self.after, self.most)?;
                let Listing { objects, truncated } = page;
                let next = objects.last().filter(|_| truncated).map(|last| last.key.clone());
                Rows { objects, prefixes: Vec::new(), next }
            }
            By::Slash => self.rows_by_slash(buckets, bucket)?,
        };
        Ok(self.write(bucket, &rows))
    }

    /// Looks for one key after the other, and past all that have the same beginning
    /// at once: what is below a folder is not read.
    fn rows_by_slash(&self, buckets: &Buckets, bucket: &str) -> Result<Rows, ApiError> {
        let mut rows = Rows::default();
        let mut after = self.after.clone();
        loop {
            let Some(found) = buckets.list(bucket, &self.prefix, &after, 1)?.objects.pop() else {
                return Ok(rows);
            };
            if rows.objects.len() + rows.prefixes.len() >= self.most {
                rows.next = Some(after);
                return Ok(rows);
            }
            match found.key[self.prefix.len()..].find('/') {
                None => {
                    after.clone_from(&found.key);
                    rows.objects.push(found);
                }
                Some(slash) => {
                    let common = &found.key[..=self.prefix.len() + slash];
                    // No key comes after this one and has the same beginning.
                    after = format!("{common}{}", char::MAX);
                    rows.prefixes.push(common.to_owned());
                }
            }
        }
    }

    fn write(&self, bucket: &str, rows: &Rows) -> String {
        let mut xml = Xml::new();
        xml.element(&format!(r#"ListBucketResult xmlns="{NAMESPACE}""#), |xml| {
            xml.field("Name", bucket)
                .field("Prefix", &self.prefix)
                .field("KeyCount", rows.objects.len() + rows.prefixes.len())
                .field("MaxKeys", self.most)
                .field("IsTruncated", rows.next.is_some());
            if self.by == By::Slash {
                xml.field("Delimiter", "/");
            }
            if let Some(next) = &rows.next {
                xml.field("NextContinuationToken", token_of(next));
            }
            for object in &rows.objects {
                xml.element("Contents", |xml| {
                    let modified = DateTime::from_secs(object.modified_s).fmt(Format::DateTime);
                    xml.field("Key", &object.key)
                        .field("LastModified", modified.unwrap_or_default())
                        .field("ETag", &object.etag)
                        .field("Size", object.size)
                        .field("StorageClass", "STANDARD");
                });
            }
            for common in &rows.prefixes {
                xml.element("CommonPrefixes", |xml| {
                    xml.field("Prefix", common);
                });
            }
        });
        xml.finish()
    }
}

/// Where a list goes on, in letters that no layer on the way changes.
fn token_of(key: &str) -> String {
    hex::encode(key)
}

fn key_of(token: &str) -> Option<String> {
    String::from_utf8(hex::decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_keys_in_disguise() {
        assert_eq!(key_of(&token_of("a/ü&<b>")).as_deref(), Some("a/ü&<b>"));
        assert_eq!(key_of("not a token"), None);
    }
}
