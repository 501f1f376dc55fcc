//! REST and XML: S3, with the bucket in the path.
//!
//! Invariant: what would change a request's meaning and is not understood is refused
//! (`PUT ?tagging` is no write of the object, a copy no empty object), never ignored.

mod list;

use std::{collections::HashMap, sync::Arc};

use aws_smithy_types::{DateTime, date_time::Format};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use percent_encoding::percent_decode_str;

use self::list::List;
use super::{Answer, Call, reply, text, xml::Xml};
use crate::local::{
    bucket::{Buckets, Object, When, same_tag},
    engine::{ApiError, REGION},
};

const XML: &str = "application/xml";
/// What else may be asked with.
const OTHER_KEYS: [&str; 1] = ["x-id"];
/// Headers that are understood with no operation.
const FOREIGN_HEADERS: [&str; 4] =
    ["range", "x-amz-copy-source", "if-modified-since", "if-unmodified-since"];

/// What is to be done, apart from the buckets.
#[derive(Debug)]
enum Operation {
    HeadBucket,
    List(List),
    Get { key: String, unless: Option<String>, head: bool },
    Put { key: String, when: When, body: Bytes },
    Delete { key: String },
}

pub(super) async fn answer(buckets: &Arc<Buckets>, call: Call) -> Result<Answer, ApiError> {
    let (bucket, operation) = read(&call)?;
    buckets.work(move |buckets| perform(buckets, &bucket, operation)).await
}

pub(super) fn refuse(error: &ApiError, id: &str) -> Answer {
    let mut xml = Xml::new();
    xml.element("Error", |xml| {
        xml.field("Code", error.code).field("Message", &error.message).field("RequestId", id);
    });
    reply(error.status, XML, xml.finish())
}

/// What is asked for, as S3 calls it, and the key of the object.
pub(super) fn operation(call: &Call) -> (String, String) {
    let (_, key) = target(call).unwrap_or_default();
    let name = match (call.parts.method.as_str(), key.is_empty()) {
        ("HEAD", true) => "HeadBucket",
        ("GET", true) => "ListObjectsV2",
        ("HEAD", false) => "HeadObject",
        ("GET", false) => "GetObject",
        ("PUT", false) => "PutObject",
        ("DELETE", false) => "DeleteObject",
        _ => "",
    };
    (name.to_owned(), key)
}

/// Bucket and key.
fn target(call: &Call) -> Result<(String, String), ApiError> {
    let path = percent_decode_str(call.parts.uri.path().trim_start_matches('/'));
    let path = path.decode_utf8().map_err(|_| invalid("The path is not UTF-8."))?;
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    Ok((bucket.to_owned(), key.to_owned()))
}

fn read(call: &Call) -> Result<(String, Operation), ApiError> {
    let (bucket, key) = target(call)?;
    let query = call.parts.uri.query().unwrap_or_default();
    let query: HashMap<String, String> =
        serde_html_form::from_str(query).map_err(|_| invalid("The query is not a form."))?;
    refuse_foreign(call, &query, key.is_empty())?;
    let operation = match (&call.parts.method, key.is_empty()) {
        (&Method::HEAD, true) => Operation::HeadBucket,
        (&Method::GET, true) => Operation::List(List::read(&query)?),
        (&Method::GET | &Method::HEAD, false) => Operation::Get {
            key,
            unless: text(&call.parts.headers, "if-none-match").map(str::to_owned),
            head: call.parts.method == Method::HEAD,
        },
        (&Method::PUT, false) => Operation::Put { key, when: when(call)?, body: content(call)? },
        (&Method::DELETE, false) => Operation::Delete { key },
        _ => {
            let message = "The specified method is not allowed against this resource.";
            return Err(ApiError::new("MethodNotAllowed", 405, message));
        }
    };
    Ok((bucket, operation))
}

/// Refuses what is not understood, for a bucket or for an object in it.
fn refuse_foreign(
    call: &Call,
    query: &HashMap<String, String>,
    bucket: bool,
) -> Result<(), ApiError> {
    let method = &call.parts.method;
    let keys = if bucket && method == Method::GET { &list::KEYS[..] } else { &OTHER_KEYS };
    if let Some(key) = query.keys().find(|key| !keys.contains(&key.as_str())) {
        return Err(not_implemented(format!("The local cloud does not know ?{key}.")));
    }
    let conditions: &[&str] = match *method {
        Method::PUT => &[],
        Method::DELETE => &["if-match", "if-none-match"],
        _ => &["if-match"],
    };
    let foreign = FOREIGN_HEADERS.iter().chain(conditions);
    match foreign.copied().find(|&name| call.parts.headers.contains_key(name)) {
        Some(name) => Err(not_implemented(format!("The local cloud does not know {name} here."))),
        None => Ok(()),
    }
}

fn when(call: &Call) -> Result<When, ApiError> {
    let headers = &call.parts.headers;
    // One that cannot be read must not count as none.
    let condition = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (condition("if-match"), condition("if-none-match")) {
        (None, None) => Ok(When::Always),
        (Some(tag), None) if !tag.is_empty() && tag != "*" => Ok(When::Matches(tag.to_owned())),
        (None, Some("*")) => Ok(When::Absent),
        _ => Err(not_implemented("If-Match: TAG or If-None-Match: * is understood.")),
    }
}

/// The object itself, without the chunks that some clients send it in.
fn content(call: &Call) -> Result<Bytes, ApiError> {
    let encoding = text(&call.parts.headers, header::CONTENT_ENCODING.as_str());
    if !encoding.is_some_and(|encoding| encoding.contains("aws-chunked")) {
        return Ok(call.body.clone());
    }
    let broken = || ApiError::new("IncompleteBody", 400, "The chunks are not as announced.");
    unchunked(&call.body).map(Bytes::from).ok_or_else(broken)
}

/// `SIZE[;extension]\r\nDATA\r\n` again and again, up to a size of 0; the trailers
/// after that are not looked at.
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::with_capacity(rest.len());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(content);
        }
        rest = &rest[end + 2..];
        content.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
}

fn perform(buckets: &Buckets, bucket: &str, operation: Operation) -> Result<Answer, ApiError> {
    match operation {
        Operation::HeadBucket => {
            buckets.check(bucket)?;
            let mut answer = reply(200, XML, Bytes::new());
            set(&mut answer, HeaderName::from_static("x-amz-bucket-region"), REGION);
            Ok(answer)
        }
        Operation::List(list) => Ok(reply(200, XML, list.perform(buckets, bucket)?)),
        Operation::Get { key, unless, head } => {
            let object = buckets.get(bucket, &key)?;
            let unchanged = unless.is_some_and(|tag| tag == "*" || same_tag(&tag, &object.etag));
            Ok(found(object, unchanged, head))
        }
        Operation::Put { key, when, body } => {
            let etag = buckets.put(bucket, &key, &body, &when)?;
            let mut answer = reply(200, XML, Bytes::new());
            set(&mut answer, header::ETAG, &etag);
            Ok(answer)
        }
        Operation::Delete { key } => {
            buckets.delete(bucket, &key)?;
            Ok(reply(204, XML, Bytes::new()))
        }
    }
}

fn found(object: Object, unchanged: bool, head: bool) -> Answer {
    let status = if unchanged { 304 } else { 200 };
    let length = object.body.len();
    let body = if unchanged || head { Bytes::new() } else { object.body };
    let mut answer = reply(status, "binary/octet-stream", body);
    set(&mut answer, header::ETAG, &object.etag);
    let modified = DateTime::from_secs(object.modified_s).fmt(Format::HttpDate);
    set(&mut answer, header::LAST_MODIFIED, &modified.unwrap_or_default());
    if head && !unchanged {
        set(&mut answer, header::CONTENT_LENGTH, &length.to_string());
    }
    answer
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

fn not_implemented(message: impl Into<String>) -> ApiError {
    ApiError::new("NotImplemented", 501, message)
}

fn invalid(message: &str) -> ApiError {
    ApiError::new("InvalidArgument", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `method path` with these headers is read as.
    fn read_as(request: &str, headers: &[(&str, &str)]) -> Result<Operation, ApiError> {
        let (method, uri) = request.split_once(' ').expect("a method and a path");
        let mut request = http::Request::builder().method(method).uri(uri);
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        read(&Call { parts, body: Bytes::new(), id: String::new() }).map(|(_, operation)| operation)
    }

    #[test]
    fn what_is_not_understood_is_refused_and_not_ignored() {
        let if_match = [("if-match", "\"x\"")];
        let understood: [(&str, &[(&str, &str)]); 9] = [
            ("PUT /b/k?x-id=PutObject", &[]),
            ("PUT /b/k", &if_match),
            ("PUT /b/k", &[("if-none-match", "*")]),
            ("GET /b/k?x-id=GetObject", &[("if-none-match", "\"x\"")]),
            ("HEAD /b/k", &[]),
            ("DELETE /b/k?x-id=DeleteObject", &[]),
            ("GET /b?list-type=2&prefix=a%2F&max-keys=2&encoding-type=url", &[]),
            ("GET /b?list-type=2&prefix=a%2F&delimiter=%2F", &[]),
            ("HEAD /b", &[]),
        ];
        for (request, headers) in understood {
            assert!(read_as(request, headers).is_ok(), "{request} {headers:?}");
        }
        let foreign: [(&str, &[(&str, &str)]); 20] = [
            ("PUT /b/k?tagging", &[]),
            ("PUT /b/k?acl", &[]),
            ("PUT /b/k?partNumber=1&uploadId=u", &[]),
            ("PUT /b/k", &[("x-amz-copy-source", "/b/other")]),
            ("PUT /b/k", &[("if-match", "*")]),
            ("PUT /b/k", &[("if-match", "\u{e9}")]),
            ("PUT /b/k", &[("if-none-match", "\"x\"")]),
            ("DELETE /b/k?tagging", &[]),
            ("DELETE /b/k?versionId=1", &[]),
            ("DELETE /b/k", &if_match),
            ("DELETE /b/k", &[("if-none-match", "*")]),
            ("GET /b/k?attributes", &[]),
            ("GET /b/k", &[("range", "bytes=0-1")]),
            ("GET /b/k", &if_match),
            ("GET /b/k", &[("if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT")]),
            ("HEAD /b/k", &if_match),
            ("GET /b", &[]),
            ("GET /b?versioning", &[]),
            ("GET /b?list-type=2&delimiter=%7C", &[]),
            ("HEAD /b?policy", &[]),
        ];
        for (request, headers) in foreign {
            let error = read_as(request, headers).expect_err(request);
            let seen = (error.code, error.status);
            assert_eq!(seen, ("NotImplemented", 501), "{request} {headers:?}");
        }
    }

    #[test]
    fn chunks_are_put_together_or_refused() {
        let table: [(&[u8], Option<&[u8]>); 8] = [
            (b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", Some(b"hello")),
            (b"3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", Some(b"hello")),
            (b"0\r\n\r\n", Some(b"")),
            (b"5\r\nhel\r\n0\r\n", None),
            (b"2\r\nhello\r\n0\r\n", None),
            (b"5\r\nhello\r\n", None),
            (b"ffffffffffffffff\r\nx\r\n", None),
            (b"", None),
        ];
        for (body, expected) in table {
            assert_eq!(unchunked(body).as_deref(), expected, "{:?}", body.escape_ascii());
        }
    }
}
