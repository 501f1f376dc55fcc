//! What is signed well, and every way in which it is not.

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
    headers.push(if json {
        ("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListTasks")
    } else {
        ("content-type", "application/x-www-form-urlencoded")
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
        answer.map_or_else(|error| error.code, Service::signed_as)
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
    for bad in ["", "20260102T030405", "20261302T030405Z", "2026-01-02T03:04Z", "2026010éT03040Z"]
    {
        assert_eq!(parse_time(bad), None, "{bad}");
    }
}

#[test]
fn authorizations_are_read_or_refused() {
    let good =
        "AWS4-HMAC-SHA256 Credential=K/20260101/r/s/aws4_request, SignedHeaders=a;b, Signature=f";
    let read = Authorization::parse(good).expect("well-formed");
    assert_eq!((read.access, read.service, read.signature), ("K", "s", "f"));
    for (part, other) in
        [("aws4_request", "x"), ("Signature", "x"), ("AWS4-HMAC", "AWS5"), ("/r", "")]
    {
        assert_eq!(Authorization::parse(&good.replace(part, other)), None, "{part}");
    }
}
