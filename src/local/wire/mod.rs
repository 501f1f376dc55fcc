//! The wire: HTTP on loopback, and the five protocols that AWS's services speak.
//!
//! | service        | protocol                          | module     |
//! |----------------|-----------------------------------|------------|
//! | ECS            | AWS JSON 1.1                      | [`json`]   |
//! | Service Quotas | AWS JSON 1.1                      | [`quotas`] |
//! | Auto Scaling   | Query in, XML out                 | [`query`]  |
//! | STS            | Query in, XML out                 | [`sts`]    |
//! | IAM            | Query in, XML out                 | [`iam`]    |
//! | EC2            | EC2's own kind of Query           | [`ec2`]    |
//! | CloudWatch     | Smithy RPC v2 CBOR                | [`cbor`]   |
//! | S3             | REST and XML, buckets in the path | [`rest`]   |
//!
//! Services that share a protocol are told apart by what a request is signed for.
//!
//! Invariants: no service sees a request before its signature was verified. What
//! cannot be verified, a body that is too large or broke off, is refused without a
//! look at its signature, which covers the body. Every answer carries a request id
//! and a `Date` by the cloud's clock, and every refusal has the shape that its
//! protocol's clients read. Faults strike here, after the signature and around the
//! service, so that a client sees of them what it would see of AWS's.

pub(super) mod auth;

mod cbor;
mod ec2;
mod iam;
mod json;
mod query;
mod quotas;
mod rest;
mod server;
mod sts;
mod xml;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use aws_smithy_types::{DateTime, date_time::Format};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, body::Body};

pub(super) use self::server::serve;
use super::{
    account::{self, Admission},
    bucket::Buckets,
    engine::ApiError,
    faults::{FaultKind, Faults},
    shell::Shell,
};
use crate::{cloud::calls::Service, model::Millis};

/// Requests with more than this are refused, also once unpacked.
const MOST_BODY: usize = 16 << 20;

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// A request that was read and verified.
#[derive(Debug)]
struct Call {
    parts: Parts,
    body: Bytes,
    /// Its id, for people who look for it.
    id: String,
}

/// All that requests are answered from.
#[derive(Debug)]
pub(super) struct Wire {
    shell: Arc<Shell>,
    buckets: Arc<Buckets>,
    key: auth::Key,
    faults: Arc<Faults>,
    admission: Arc<Admission>,
    requests: AtomicU64,
    /// Whether nothing but S3 is answered.
    objects_alone: bool,
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the local cloud closes the connection: a fault on request")]
pub(super) struct Reset;

/// What a request speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Json,
    Query,
    Ec2,
    Cbor,
    Rest,
}

impl Protocol {
    /// S3 is what none of the others is.
    fn of(parts: &Parts) -> Self {
        let is_form = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        if parts.headers.contains_key("x-amz-target") {
            Protocol::Json
        } else if parts.headers.get("smithy-protocol").is_some_and(|it| it == "rpc-v2-cbor") {
            Protocol::Cbor
        } else if is_form && parts.uri.path() == "/" {
            if auth::claims(parts, Service::Ec2) { Protocol::Ec2 } else { Protocol::Query }
        } else {
            Protocol::Rest
        }
    }

    /// The services that speak it, of which this request can be for.
    fn services(self, parts: &Parts) -> Vec<Service> {
        match self {
            Protocol::Json if quotas::is_asked(parts) => vec![Service::Quotas],
            Protocol::Json => vec![Service::Ecs],
            Protocol::Query => vec![Service::AutoScaling, Service::Sts, Service::Iam],
            Protocol::Ec2 => vec![Service::Ec2],
            Protocol::Cbor => vec![Service::CloudWatch],
            Protocol::Rest => vec![Service::S3],
        }
    }

    fn request_id_header(self) -> HeaderName {
        HeaderName::from_static(match self {
            Protocol::Rest => "x-amz-request-id",
            Protocol::Json | Protocol::Query | Protocol::Ec2 | Protocol::Cbor => "x-amzn-requestid",
        })
    }

    /// What a request asks for, and the key of the object that it is about.
    fn operation(self, call: &Call) -> (String, String) {
        let named = |operation: &str| (operation.to_owned(), String::new());
        match self {
            Protocol::Json if quotas::is_asked(&call.parts) => named(quotas::operation(call)),
            Protocol::Json => named(json::operation(call)),
            Protocol::Query | Protocol::Ec2 => named(&query::operation(call)),
            Protocol::Cbor => named(cbor::operation(call)),
            Protocol::Rest => rest::operation(call),
        }
    }

    /// Too many calls, in the service's own words.
    fn throttled(self) -> ApiError {
        match self {
            Protocol::Json => ApiError::throttled(),
            Protocol::Query | Protocol::Cbor => ApiError::new("Throttling", 400, "Rate exceeded"),
            Protocol::Ec2 => ApiError::new("RequestLimitExceeded", 503, "Request limit exceeded."),
            Protocol::Rest => ApiError::new("SlowDown", 503, "Please reduce your request rate."),
        }
    }

    /// An internal error, in the service's own words.
    fn broken(self) -> ApiError {
        let code = match self {
            Protocol::Json => "ServerException",
            Protocol::Query => "InternalFailure",
            Protocol::Cbor => "InternalServiceFault",
            Protocol::Ec2 | Protocol::Rest => "InternalError",
        };
        ApiError::new(code, 500, "We encountered an internal error. Please try again.")
    }

    /// A refusal; `namespace` is that of a Query service.
    fn refuse(self, error: &ApiError, id: &str, namespace: &str) -> Answer {
        match self {
            Protocol::Json => json::refuse(error),
            Protocol::Query => query::refuse(error, id, namespace),
            Protocol::Ec2 => ec2::refuse(error, id),
            Protocol::Cbor => cbor::refuse(error),
            Protocol::Rest => rest::refuse(error, id),
        }
    }
}

impl Wire {
    pub(super) fn new(
        shell: Arc<Shell>,
        buckets: Arc<Buckets>,
        key: auth::Key,
        faults: Arc<Faults>,
        admission: Arc<Admission>,
    ) -> Arc<Self> {
        let (requests, objects_alone) = (AtomicU64::new(0), false);
        Arc::new(Wire { shell, buckets, key, faults, admission, requests, objects_alone })
    }

    /// The same for S3 alone, before anybody has it.
    pub(super) fn for_objects_alone(self: Arc<Self>) -> Arc<Self> {
        let wire = Arc::into_inner(self).expect("nobody else has it yet");
        Arc::new(Wire { objects_alone: true, ..wire })
    }

    /// Answers one request, unless the connection is to be closed without an answer.
    pub(super) async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Result<Answer, Reset>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("00000000-0000-4000-8000-{number:012x}");
        let (parts, body) = request.into_parts();
        let (protocol, namespace) = (Protocol::of(&parts), query::namespace(&parts));
        let result = match read(body).await {
            Ok(body) => self.dispatch(protocol, Call { parts, body, id: id.clone() }).await?,
            Err(error) => Err(error),
        };
        let mut answer = result.unwrap_or_else(|error| {
            let throttled = error.code == ApiError::throttled().code;
            let error = if throttled { protocol.throttled() } else { error };
            protocol.refuse(&error, &id, namespace)
        });
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(protocol.request_id_header(), id);
        }
        answer.headers_mut().insert(header::DATE, date(self.shell.now()));
        Ok(answer)
    }

    /// Performs what is signed well, with the fault that strikes it, if one does.
    async fn dispatch(
        &self,
        protocol: Protocol,
        call: Call,
    ) -> Result<Result<Answer, ApiError>, Reset> {
        let now = UNIX_EPOCH + Duration::from_millis(self.shell.now());
        let service = match self.key.verify(protocol, &call.parts, &call.body, now) {
            Ok(service) => service,
            Err(error) => return Ok(Err(error)),
        };
        if self.objects_alone && service != Service::S3 {
            return Ok(Err(ApiError::new("NotImplemented", 501, "There is only S3 here.")));
        }
        let (operation, key) = protocol.operation(&call);
        if let Err(error) = self.admission.admit(service, &operation, &call.body) {
            return Ok(Err(error));
        }
        let fault = self.faults.decide(&operation, &key);
        match fault {
            Some(FaultKind::Throttle) => return Ok(Err(protocol.throttled())),
            Some(FaultKind::ErrorBefore) => return Ok(Err(protocol.broken())),
            Some(FaultKind::ResetBefore) => return Err(Reset),
            Some(FaultKind::Expired) => return Ok(Err(account::expired(service))),
            Some(FaultKind::Deny) => {
                let action = format!("{}:{operation}", service.prefix());
                return Ok(Err(account::refused(service, &action, "*")));
            }
            _ => {}
        }
        let answer = self.perform(service, call).await;
        let answer = answer.map_err(|error| self.admission.veil(service, error));
        match fault {
            Some(FaultKind::ErrorAfter) => Ok(Err(protocol.broken())),
            Some(FaultKind::ResetAfter) => Err(Reset),
            Some(FaultKind::Slow(by)) => {
                tokio::time::sleep(by).await;
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }

    async fn perform(&self, service: Service, call: Call) -> Result<Answer, ApiError> {
        match service {
            Service::Ecs => json::answer(&self.shell, &call),
            Service::AutoScaling => query::answer(&self.shell, &call),
            Service::CloudWatch => cbor::answer(&self.shell, &call),
            Service::S3 => rest::answer(&self.buckets, call).await,
            Service::Sts => sts::answer(&call),
            Service::Iam => iam::answer(self.admission.account(), &call),
            Service::Ec2 => ec2::answer(self.admission.account(), &call),
            Service::Quotas => quotas::answer(self.admission.account(), &call),
        }
    }
}

/// The cloud's time, which is what metrics and leases are judged by.
fn date(now: Millis) -> HeaderValue {
    let date = DateTime::from_millis(now.cast_signed()).fmt(Format::HttpDate);
    let date = date.ok().and_then(|date| HeaderValue::from_str(&date).ok());
    date.unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

async fn read<B>(body: B) -> Result<Bytes, ApiError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = Limited::new(body, MOST_BODY).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            ApiError::new("RequestEntityTooLarge", 413, "The request is larger than 16 MiB.")
        } else {
            ApiError::new("IncompleteBody", 400, "The request broke off.")
        }
    })
}

/// An answer with a body of some kind.
fn reply(status: u16, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A header's value, if it is there and is text.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
