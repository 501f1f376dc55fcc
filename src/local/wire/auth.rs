//! Signature Version 4: every request is signed again and compared.
//!
//! Invariants: the key is random and of this start only, so that what is meant
//! for another cloud, or was recorded from another start, is refused; a body that
//! was signed is the body that came; a signature is not valid for long.
//!
//! S3 signs paths as they are and puts the body's hash into a header; the others
//! sign normalised, twice encoded paths and hash the body silently.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_types::{DateTime, date_time::Format};
use http::{header, request::Parts};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Protocol, text};
use crate::{
    cloud::calls::Service,
    local::engine::{ApiError, REGION},
};

/// How far a request's time may be off.
const SKEW: Duration = Duration::from_mins(5);
/// The same for S3.
const SKEW_S3: Duration = Duration::from_mins(15);

/// The key of this start.
#[derive(Clone)]
pub(in crate::local) struct Key {
    pub(in crate::local) access: String,
    pub(in crate::local) secret: String,
    identity: Identity,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("access", &self.access).finish_non_exhaustive()
    }
}

/// What `Authorization` says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authorization<'a> {
    access: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Missing,
    Incomplete,
    UnknownKey,
    Expired,
    WrongScope,
    WrongSignature,
    OtherBody,
}

impl Key {
    /// A new one. It looks like AWS's, and nobody else has it.
    pub(in crate::local) fn random() -> Self {
        let letters = Uuid::new_v4().simple().to_string().to_ascii_uppercase();
        let access = format!("AKIA{}", &letters[..16]);
        let secret =
            format!("{}{}", Uuid::new_v4().simple(), &Uuid::new_v4().simple().to_string()[..8]);
        let identity = Credentials::from_keys(&access, &secret, None).into();
        Key { access, secret, identity }
    }

    /// Refuses whatever was not signed with this key, just now, as it is; the answer is
    /// the service that it was signed for. Who signs goes
    /// by this machine's clock, or by the cloud's as far as its answers have told it:
    /// where time is only modelled, the cloud's time `now` runs ahead.
    pub(super) fn verify(
        &self,
        protocol: Protocol,
        parts: &Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Service, ApiError> {
        self.check(protocol, parts, body, now).map_err(|refusal| refusal.in_words_of(protocol))
    }

    fn check(
        &self,
        protocol: Protocol,
        parts: &Parts,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Service, Refusal> {
        let authorization =
            text(&parts.headers, header::AUTHORIZATION.as_str()).ok_or(Refusal::Missing)?;
        let authorization = Authorization::parse(authorization).ok_or(Refusal::Incomplete)?;
        if authorization.access != self.access {
            return Err(Refusal::UnknownKey);
        }
        let at = text(&parts.headers, "x-amz-date").ok_or(Refusal::Incomplete)?;
        let time = parse_time(at).ok_or(Refusal::Incomplete)?;
        let spoken = protocol.services(parts);
        let signed = |it: &Service| it.signed_as() == authorization.service;
        let service = spoken.into_iter().find(signed).ok_or(Refusal::WrongScope)?;
        let scope = (authorization.date, authorization.region);
        if Some(scope) != at.get(..8).map(|day| (day, REGION)) {
            return Err(Refusal::WrongScope);
        }
        let skew = if protocol == Protocol::Rest { SKEW_S3 } else { SKEW };
        let ours = SystemTime::now();
        if time + skew < now.min(ours) || time > now.max(ours) + skew {
            return Err(Refusal::Expired);
        }
        let expected = self
            .signature(protocol, parts, body, &authorization, time)?
            .ok_or(Refusal::Incomplete)?;
        if same(&expected, authorization.signature) {
            Ok(service)
        } else {
            Err(Refusal::WrongSignature)
        }
    }

    /// The signature that the request should have; none if it cannot be signed.
    fn signature(
        &self,
        protocol: Protocol,
        parts: &Parts,
        body: &[u8],
        authorization: &Authorization<'_>,
        time: SystemTime,
    ) -> Result<Option<String>, Refusal> {
        let mut settings = SigningSettings::default();
        settings.excluded_headers = None;
        if protocol == Protocol::Rest {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let payload = payload(protocol, parts, body)?;
        let params = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(authorization.region)
            .name(authorization.service)
            .time(time)
            .settings(settings)
            .build();
        let headers = authorization
            .signed_headers
            .split(';')
            .flat_map(|name| parts.headers.get_all(name).iter().map(move |value| (name, value)))
            .filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
        let host = text(&parts.headers, header::HOST.as_str()).unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Cow<'_, str> = format!("http://{host}{path}").into();
        let request = SignableRequest::new(parts.method.as_str(), uri, headers, payload);
        let (Ok(request), Ok(params)) = (request, params) else { return Ok(None) };
        Ok(sign(request, &params.into()).ok().map(|output| output.into_parts().1))
    }
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?;
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let mut scope = field("Credential")?.split('/');
        let authorization = Authorization {
            access: scope.next()?,
            date: scope.next()?,
            region: scope.next()?,
            service: scope.next()?,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        };
        (scope.next() == Some("aws4_request") && scope.next().is_none()).then_some(authorization)
    }
}

impl Refusal {
    fn in_words_of(self, protocol: Protocol) -> ApiError {
        let s3 = protocol == Protocol::Rest;
        let ec2 = protocol == Protocol::Ec2;
        let query = protocol == Protocol::Query || ec2;
        let (code, message) = match self {
            Refusal::UnknownKey | Refusal::WrongScope | Refusal::WrongSignature if ec2 => {
                ("AuthFailure", "AWS was not able to validate the provided access credentials")
            }
            Refusal::Missing if s3 => ("AccessDenied", "Access Denied"),
            Refusal::Missing if query => {
                ("MissingAuthenticationToken", "Request is missing Authentication Token")
            }
            Refusal::Missing => {
                ("MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Refusal::Incomplete if s3 => {
                ("AuthorizationHeaderMalformed", "The authorization header is malformed")
            }
            Refusal::Incomplete if query => {
                ("IncompleteSignature", "The request signature does not conform to AWS standards.")
            }
            Refusal::Incomplete => (
                "IncompleteSignatureException",
                "The request signature does not conform to AWS standards.",
            ),
            Refusal::UnknownKey if s3 => (
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            Refusal::UnknownKey if query => {
                ("InvalidClientTokenId", "The security token included in the request is invalid.")
            }
            Refusal::UnknownKey => (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
            Refusal::Expired if s3 => (
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            ),
            Refusal::Expired if ec2 => ("RequestExpired", "Request has expired."),
            Refusal::Expired if query => {
                ("SignatureDoesNotMatch", "Signature expired or not yet current.")
            }
            Refusal::Expired => {
                ("InvalidSignatureException", "Signature expired or not yet current.")
            }
            Refusal::WrongScope if s3 || query => (
                "SignatureDoesNotMatch",
                "Credential should be scoped to this date, region and service.",
            ),
            Refusal::WrongScope => (
                "InvalidSignatureException",
                "Credential should be scoped to this date, region and service.",
            ),
            Refusal::WrongSignature if s3 || query => (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            ),
            Refusal::WrongSignature => (
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
            ),
            Refusal::OtherBody => (
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
        };
        let status = if self == Refusal::OtherBody { 400 } else { 403 };
        ApiError::new(code, status, message)
    }
}

/// Whether a request claims to be signed for this service. What it claims decides in
/// which protocol it is read, and is verified as all else is.
pub(super) fn claims(parts: &Parts, service: Service) -> bool {
    let authorization = text(&parts.headers, header::AUTHORIZATION.as_str());
    let claimed = authorization.and_then(Authorization::parse).map(|it| it.service);
    claimed == Some(service.signed_as())
}

/// What stands for the body in the signature.
fn payload<'a>(
    protocol: Protocol,
    parts: &Parts,
    body: &'a [u8],
) -> Result<SignableBody<'a>, Refusal> {
    if protocol != Protocol::Rest {
        return Ok(SignableBody::Bytes(body));
    }
    match text(&parts.headers, "x-amz-content-sha256") {
        Some("UNSIGNED-PAYLOAD") => Ok(SignableBody::UnsignedPayload),
        Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => {
            Ok(SignableBody::StreamingUnsignedPayloadTrailer)
        }
        Some(hash) if hash == hex::encode(Sha256::digest(body)) => {
            Ok(SignableBody::Precomputed(hash.to_owned()))
        }
        Some(_) => Err(Refusal::OtherBody),
        None => Err(Refusal::Incomplete),
    }
}

/// `20260101T120000Z`.
fn parse_time(at: &str) -> Option<SystemTime> {
    let plain = at.len() == 16 && at.is_ascii();
    let (day, time) = plain.then(|| at.split_at(8))?;
    let time = time.strip_prefix('T')?.strip_suffix('Z')?;
    let dashed = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
    let written = format!("{dashed}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..]);
    let parsed = DateTime::from_str(&written, Format::DateTime).ok()?;
    parsed.try_into().ok()
}

/// In a time that does not depend on where they differ.
fn same(a: &str, b: &str) -> bool {
    let differences = a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::Request;

    use super::*;

    /// A request for S3 that is signed as of `at`.
    fn signed(key: &Key, at: SystemTime, body: &[u8]) -> Parts {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder()
            .identity(&key.identity)
            .region(REGION)
            .name("s3")
            .time(at)
            .settings(settings)
            .build()
            .expect("complete");
        let uri = "http://127.0.0.1:1/loadtop/a%20b?x-id=GetObject";
        let mut request = Request::get(uri).header("host", "127.0.0.1:1").body(()).expect("valid");
        let headers = [("host", "127.0.0.1:1")].into_iter();
        let signable = SignableRequest::new("GET", uri, headers, SignableBody::Bytes(body));
        let output = sign(signable.expect("valid"), &params.into()).expect("signed");
        output.into_parts().0.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }

    fn code(key: &Key, parts: &Parts, body: &[u8]) -> &'static str {
        key.verify(Protocol::Rest, parts, body, SystemTime::now())
            .map_or_else(|error| error.code, |_| "fine")
    }

    #[test]
    fn what_was_signed_is_what_is_answered() {
        let key = Key::random();
        let now = SystemTime::now();
        let parts = signed(&key, now, b"body");
        assert_eq!(code(&key, &parts, b"body"), "fine");
        assert_eq!(code(&key, &parts, b"another"), "XAmzContentSHA256Mismatch");
        assert_eq!(code(&Key::random(), &parts, b"body"), "InvalidAccessKeyId");
        let mut elsewhere = parts.clone();
        elsewhere.uri = "/loadtop/other?x-id=GetObject".parse().expect("valid");
        assert_eq!(code(&key, &elsewhere, b"body"), "SignatureDoesNotMatch");
        let mut other_method = parts;
        other_method.method = http::Method::DELETE;
        assert_eq!(code(&key, &other_method, b"body"), "SignatureDoesNotMatch");
    }

    #[test]
    fn a_signature_is_not_valid_for_long() {
        let key = Key::random();
        let now = SystemTime::now();
        let minutes = Duration::from_mins;
        let table = [
            (now - minutes(14), "fine"),
            (now + minutes(14), "fine"),
            (now - minutes(16), "RequestTimeTooSkewed"),
            (now + minutes(16), "RequestTimeTooSkewed"),
        ];
        for (at, expected) in table {
            assert_eq!(code(&key, &signed(&key, at, b""), b""), expected);
        }
    }

    /// A request in another protocol that is signed as of `at`.
    fn signed_for(key: &Key, service: &str, json: bool, at: SystemTime) -> (Protocol, Parts) {
        let params = v4::SigningParams::builder()
            .identity(&key.identity)
            .region(REGION)
            .name(service)
            .time(at)
            .settings(SigningSettings::default())
            .build()
            .expect("complete");
        let mut headers = vec![("host", "127.0.0.1:1")];
        headers.push(match json {
            true => ("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListTasks"),
            false => ("content-type", "application/x-www-form-urlencoded"),
        });
        let mut request = Request::post("http://127.0.0.1:1/");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).expect("valid");
        let body = SignableBody::Bytes(b"");
        let uri = "http://127.0.0.1:1/";
        let signable = SignableRequest::new("POST", uri, headers.into_iter(), body);
        let output = sign(signable.expect("valid"), &params.into()).expect("signed");
        output.into_parts().0.apply_to_request_http1x(&mut request);
        let parts = request.into_parts().0;
        (Protocol::of(&parts), parts)
    }

    #[test]
    fn each_protocol_has_its_own_word_for_a_wrong_clock_and_for_a_wrong_scope() {
        let key = Key::random();
        let now = SystemTime::now();
        let answer = |service, json, at| {
            let (protocol, parts) = signed_for(&key, service, json, at);
            let answer = key.verify(protocol, &parts, b"", now);
            answer.map(Service::signed_as).unwrap_or_else(|error| error.code)
        };
        for (service, json, skewed) in [
            ("ecs", true, "InvalidSignatureException"),
            ("autoscaling", false, "SignatureDoesNotMatch"),
            ("sts", false, "SignatureDoesNotMatch"),
            ("iam", false, "SignatureDoesNotMatch"),
            ("ec2", false, "RequestExpired"),
        ] {
            assert_eq!(answer(service, json, now - Duration::from_mins(4)), service);
            assert_eq!(answer(service, json, now - Duration::from_mins(6)), skewed, "{service}");
            assert_eq!(answer(service, json, now + Duration::from_mins(6)), skewed, "{service}");
        }
        // What was signed for another service is for no one.
        assert_eq!(answer("servicequotas", true, now), "InvalidSignatureException");
        assert_eq!(answer("lambda", false, now), "SignatureDoesNotMatch");
    }

    #[test]
    fn times_are_read_or_refused() {
        let at = parse_time("20260102T030405Z").expect("a time");
        assert_eq!(at.duration_since(UNIX_EPOCH).expect("after 1970").as_secs(), 1_767_323_045);
        for bad in
            ["", "20260102T030405", "20261302T030405Z", "2026-01-02T03:04Z", "2026010éT03040Z"]
        {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn authorizations_are_read_or_refused() {
        let good = "AWS4-HMAC-SHA256 Credential=K/20260101/r/s/aws4_request, SignedHeaders=a;b, Signature=f";
        let read = Authorization::parse(good).expect("well-formed");
        assert_eq!((read.access, read.service, read.signature), ("K", "s", "f"));
        for (part, other) in
            [("aws4_request", "x"), ("Signature", "x"), ("AWS4-HMAC", "AWS5"), ("/r", "")]
        {
            assert_eq!(Authorization::parse(&good.replace(part, other)), None, "{part}");
        }
    }
}
