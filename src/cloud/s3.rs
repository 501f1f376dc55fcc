//! S3: the run's bucket, and the time that its answers carry.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{
                BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
            },
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{DateTime, config_bag::ConfigBag, date_time::Format};
use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{self, Call},
    types::{Condition, Dated, Fetched, Object},
};
use crate::model::Millis;

impl Cloud {
    /// Reads an object, unless it still has the entity tag that is known.
    ///
    /// Equivalent to `aws s3api get-object --bucket B --key K --if-none-match TAG`.
    /// Needs `s3:GetObject` (and `s3:ListBucket`, without which a missing object is
    /// a refusal).
    pub async fn get_object(
        &self,
        key: &str,
        known_etag: Option<&str>,
    ) -> Result<(Fetched, Option<Dated>), CloudError> {
        const CALL: Call = calls::GET_OBJECT;
        let tap = DateTap::default();
        let call = self
            .s3
            .get_object()
            .bucket(self.bucket())
            .key(key)
            .set_if_none_match(known_etag.map(str::to_owned));
        let answer = call.customize().interceptor(tap.clone()).send().await;
        let unchanged = matches!(&answer, Err(error)
            if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 304));
        if unchanged {
            self.count(CALL.operation);
            return Ok((Fetched::Unchanged, tap.dated()));
        }
        let found = match self.settle(CALL, answer) {
            Ok(found) => found,
            // A missing bucket is not a missing object.
            Err(error)
                if error.kind == ErrorKind::NotFound
                    && error.code.as_deref() != Some("NoSuchBucket") =>
            {
                return Ok((Fetched::Missing, tap.dated()));
            }
            Err(error) => return Err(error),
        };
        let etag = found.e_tag().unwrap_or_default().to_owned();
        let body = found.body.collect().await.map_err(|error| CloudError {
            call: CALL.operation,
            kind: ErrorKind::Ambiguous,
            code: None,
            message: format!("{key} broke off: {error}"),
        })?;
        let object = Object { body: body.into_bytes(), etag };
        Ok((Fetched::New(object), tap.dated()))
    }

    /// How long ago an object was written, by the bucket's own clock, in milliseconds
    /// (whole seconds); none if it is not there.
    ///
    /// Equivalent to `aws s3api head-object --bucket B --key K`. Needs `s3:GetObject`.
    pub async fn object_age(&self, key: &str) -> Result<Option<Millis>, CloudError> {
        let tap = DateTap::default();
        let call = self.s3.head_object().bucket(self.bucket()).key(key);
        let answer = call.customize().interceptor(tap.clone()).send().await;
        let found = match self.settle(calls::HEAD_OBJECT, answer) {
            Ok(found) => found,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let written = found.last_modified().and_then(|at| u64::try_from(at.secs()).ok());
        let ages = written.zip(tap.dated());
        Ok(ages.map(|(written, dated)| dated.date.saturating_sub(written * 1000)))
    }

    /// Writes an object if the condition holds, and says its new entity tag. Where
    /// it does not hold, the error's kind is [`ErrorKind::Precondition`].
    ///
    /// Equivalent to `aws s3api put-object --bucket B --key K --body … [--if-match
    /// TAG | --if-none-match '*']`. Needs `s3:PutObject`.
    pub async fn put_object(
        &self,
        key: &str,
        body: Bytes,
        condition: Condition,
    ) -> Result<(String, Option<Dated>), CloudError> {
        let tap = DateTap::default();
        let call = self.s3.put_object().bucket(self.bucket()).key(key).body(body.into());
        let call = match condition {
            Condition::Always => call,
            Condition::Absent => call.if_none_match("*"),
            Condition::Matches(etag) => call.if_match(etag),
        };
        let answer = call.customize().interceptor(tap.clone()).send().await;
        let written = self.settle(calls::PUT_OBJECT, answer)?;
        Ok((written.e_tag().unwrap_or_default().to_owned(), tap.dated()))
    }

    /// The keys that begin with `prefix`, ascending.
    ///
    /// Equivalent to `aws s3api list-objects-v2 --bucket B --prefix P`.
    /// Needs `s3:ListBucket`.
    pub async fn list_objects(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        let mut keys = Vec::new();
        let mut token = None;
        loop {
            let call = self
                .s3
                .list_objects_v2()
                .bucket(self.bucket())
                .prefix(prefix)
                .set_continuation_token(token);
            let page = self.settle(calls::LIST_OBJECTS, call.send().await)?;
            keys.extend(page.contents().iter().filter_map(|it| it.key()).map(str::to_owned));
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(keys);
            }
        }
    }

    /// The names right below `prefix` that have something below them, ascending and
    /// without slashes: what folders would be, if there were any.
    ///
    /// Equivalent to `aws s3api list-objects-v2 --bucket B --prefix P --delimiter /`.
    /// Needs `s3:ListBucket`.
    pub async fn list_prefixes(&self, prefix: &str) -> Result<Vec<String>, CloudError> {
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let call = self
                .s3
                .list_objects_v2()
                .bucket(self.bucket())
                .prefix(prefix)
                .delimiter("/")
                .set_continuation_token(token);
            let page = self.settle(calls::LIST_OBJECTS, call.send().await)?;
            let below = page.common_prefixes().iter().filter_map(|it| it.prefix());
            let below = below.filter_map(|it| it.strip_prefix(prefix));
            names.extend(below.map(|name| name.trim_end_matches('/').to_owned()));
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(names);
            }
        }
    }
}

/// Notes when a request left, when its answer came and how that is dated: the
/// SDK's outputs do not carry the `Date` header.
#[derive(Debug, Clone, Default)]
pub(super) struct DateTap {
    noted: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    sent: Option<Instant>,
    dated: Option<Dated>,
}

impl DateTap {
    pub(super) fn dated(&self) -> Option<Dated> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).dated
    }
}

#[dyn_dispatch_hint]
impl Intercept for DateTap {
    fn name(&self) -> &'static str {
        "DateTap"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).sent = Some(Instant::now());
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let received = Instant::now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let date = context
            .response()
            .headers()
            .get("date")
            .and_then(|date| DateTime::from_str(date, Format::HttpDate).ok())
            .and_then(|date| u64::try_from(date.secs()).ok());
        if let (Some(sent), Some(seconds)) = (noted.sent, date) {
            noted.dated = Some(Dated { sent, received, date: seconds * 1000 });
        }
        Ok(())
    }
}
