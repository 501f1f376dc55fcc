//! Small signed calls: what needs EC2, IAM or Service Quotas, without an SDK for each.
//!
//! They are signed with the same credentials and sent through the same HTTP client as
//! all others. Invariant: whatever goes wrong is classified as it is for the SDK's own
//! clients, because it goes the same way ([`Cloud::settle`](super::Cloud)).

use std::{fmt, time::SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::client::{
    identity::Identity,
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
};
use aws_smithy_types::{
    body::SdkBody,
    error::{ErrorMetadata, metadata::ProvideErrorMetadata},
};
use bytes::Bytes;
use http::{Request, Uri, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::{Reader, escape::resolve_xml_entity, events::Event};
use serde_json::Value;

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{Call, Service},
};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const JSON: &str = "application/x-amz-json-1.1";
/// What a form may contain as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What is sent.
#[derive(Debug)]
struct Letter {
    kind: &'static str,
    /// Of JSON: service and operation.
    target: Option<String>,
    body: String,
}

impl Cloud {
    /// A call in Query: fields in, XML out; the answer is its outermost element.
    pub(super) async fn ask_query(
        &self,
        call: Call,
        version: &str,
        fields: &[(String, String)],
    ) -> Result<Element, CloudError> {
        let first = [("Action", call.operation), ("Version", version)];
        let rest = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let fields = first.into_iter().chain(rest);
        let pairs = fields.map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let answer = self.send(call, Letter { kind: FORM, target: None, body }).await?;
        let text = String::from_utf8_lossy(&answer);
        Element::read(&text).ok_or_else(|| unreadable(call))
    }

    /// A call in AWS JSON 1.1; `prefix` is what its operations are called after.
    pub(super) async fn ask_json(
        &self,
        call: Call,
        prefix: &str,
        body: &Value,
    ) -> Result<Value, CloudError> {
        let target = Some(format!("{prefix}.{}", call.operation));
        let answer = self.send(call, Letter { kind: JSON, target, body: body.to_string() }).await?;
        serde_json::from_slice(&answer).map_err(|_| unreadable(call))
    }

    async fn send(&self, call: Call, letter: Letter) -> Result<Bytes, CloudError> {
        let not_sent = |message: String| {
            self.count(call.operation);
            CloudError { call: call.operation, kind: ErrorKind::NotSent, code: None, message }
        };
        let (url, region) = self.address_of(call.service);
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| not_sent("there are no credentials".to_owned()))?;
        let credentials = provider.provide_credentials().await.map_err(|error| CloudError {
            kind: ErrorKind::Unauthenticated,
            ..not_sent(format!("there are no credentials: {}", innermost(&error)))
        })?;
        let request = signed(&letter, &url, &region, call.service, &credentials.into())
            .map_err(|error| not_sent(error.to_string()))?;
        let mut operation = Operation::builder()
            .service_name(call.service.prefix())
            .operation_name(call.operation)
            .endpoint_url(&url)
            .no_auth()
            .no_retry();
        if let Some(http) = self.config.http_client() {
            operation = operation.http_client(http);
        }
        if let Some(timeouts) = self.config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        let operation = operation
            .serializer(|request: Request<Bytes>| {
                Ok(HttpRequest::try_from(request.map(SdkBody::from))?)
            })
            .deserializer(read)
            .build();
        self.settle(call, operation.invoke(request).await)
    }

    /// Where a service is, and the region to sign for.
    fn address_of(&self, service: Service) -> (String, String) {
        let region = self.address.1.clone();
        let (global, suffix) = partition(&region);
        let region = if service == Service::Iam { global.to_owned() } else { region };
        let (variable, host) = match service {
            Service::Iam => ("AWS_ENDPOINT_URL_IAM", "iam".to_owned()),
            Service::Quotas => {
                ("AWS_ENDPOINT_URL_SERVICE_QUOTAS", format!("servicequotas.{region}"))
            }
            other => ("AWS_ENDPOINT_URL_EC2", format!("{}.{region}", other.prefix())),
        };
        // Whoever was told an endpoint and its keys looks at no variable.
        let found_by_tools = self.config.service_config().is_some();
        let of_its_own = found_by_tools.then(|| std::env::var(variable).ok()).flatten();
        let of_its_own = of_its_own.filter(|url| !url.is_empty());
        let url = of_its_own.or_else(|| self.config.endpoint_url().map(str::to_owned));
        let url = url.unwrap_or_else(|| match (service, suffix) {
            (Service::Iam, "amazonaws.com") if global.starts_with("us-gov-") => {
                "https://iam.us-gov.amazonaws.com".to_owned()
            }
            (Service::Iam, "amazonaws.com.cn") => format!("https://iam.{global}.{suffix}"),
            _ => format!("https://{host}.{suffix}"),
        });
        (url, region)
    }
}

/// Of a region's partition: the region that IAM signs for, and what hosts end with.
pub(super) fn partition(region: &str) -> (&'static str, &'static str) {
    match region {
        _ if region.starts_with("cn-") => ("cn-north-1", "amazonaws.com.cn"),
        _ if region.starts_with("us-gov-") => ("us-gov-west-1", "amazonaws.com"),
        _ => ("us-east-1", "amazonaws.com"),
    }
}

fn signed(
    letter: &Letter,
    url: &str,
    region: &str,
    service: Service,
    identity: &Identity,
) -> Result<Request<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let host = uri.authority().ok_or("the endpoint names no host")?.as_str();
    let mut headers = vec![("host", host), ("content-type", letter.kind)];
    headers.extend(letter.target.as_deref().map(|target| ("x-amz-target", target)));
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name(service.signed_as())
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?;
    let body = SignableBody::Bytes(letter.body.as_bytes());
    let signable = SignableRequest::new("POST", url, headers.iter().copied(), body)?;
    let (instructions, _) = sign(signable, &params.into())?.into_parts();
    let mut request = Request::post("/").body(Bytes::from(letter.body.clone()))?;
    for (name, value) in headers {
        request.headers_mut().insert(header::HeaderName::from_static(name), value.parse()?);
    }
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

/// A refusal of a service, in either protocol.
#[derive(Debug)]
struct Refusal {
    meta: ErrorMetadata,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meta.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

fn read(response: &HttpResponse) -> Result<Bytes, OrchestratorError<Refusal>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return Ok(Bytes::copy_from_slice(body));
    }
    Err(OrchestratorError::operation(refusal(&String::from_utf8_lossy(body))))
}

fn refusal(body: &str) -> Refusal {
    let (mut code, mut message) = (None, None);
    if let Ok(body) = serde_json::from_str::<Value>(body) {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        // Some name the shape in full.
        code = text("__type").map(|it| it.rsplit('#').next().unwrap_or_default().to_owned());
        message = text("message").or_else(|| text("Message"));
    } else if let Some(answer) = Element::read(body)
        && let Some(error) = answer.find("Error")
    {
        code = error.text_of("Code");
        message = error.text_of("Message");
    }
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = code {
        meta = meta.code(code);
    }
    if let Some(message) = message {
        meta = meta.message(message);
    }
    Refusal { meta: meta.build() }
}

fn unreadable(call: Call) -> CloudError {
    CloudError {
        call: call.operation,
        kind: ErrorKind::Ambiguous,
        code: None,
        message: "the answer cannot be read".to_owned(),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// An element of an answer: text, or others in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    text: String,
    inside: Vec<Element>,
}

impl Element {
    /// The outermost element of a document; none if it is none.
    fn read(document: &str) -> Option<Element> {
        let mut reader = Reader::from_str(document);
        let mut open: Vec<Element> = vec![Element::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => open.push(Element::named(start.local_name().as_ref())),
                Event::Empty(start) => {
                    open.last_mut()?.inside.push(Element::named(start.local_name().as_ref()));
                }
                Event::End(_) => {
                    let closed = open.pop()?;
                    open.last_mut()?.inside.push(closed);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let text = &mut open.last_mut()?.text;
                    match entity.resolve_char_ref().ok()? {
                        Some(character) => text.push(character),
                        None => text.push_str(resolve_xml_entity(&entity)?),
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        // All that was opened was closed.
        let [outside] = &mut open[..] else { return None };
        (!outside.inside.is_empty()).then(|| outside.inside.swap_remove(0))
    }

    fn named(name: &str) -> Self {
        Element { name: name.to_owned(), ..Element::default() }
    }

    /// The first of this name, however deep.
    pub(super) fn find(&self, name: &str) -> Option<&Element> {
        let here = self.inside.iter().find(|it| it.name == name);
        here.or_else(|| self.inside.iter().find_map(|it| it.find(name)))
    }

    /// The elements right below the first one of this name.
    pub(super) fn items(&self, name: &str) -> &[Element] {
        self.find(name).map_or(&[], |it| &it.inside)
    }

    /// What the first element of this name says.
    pub(super) fn text_of(&self, name: &str) -> Option<String> {
        self.find(name).map(|it| it.text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Endpoint, Names};
    use crate::model::capacity::{Capacity, Network};

    #[test]
    fn answers_are_read_or_refused() {
        let answer = Element::read(
            "<?xml version=\"1.0\"?><R xmlns=\"u\"><set><item><id>a</id></item><item/></set>\
             <t>a &amp; b&#33; <![CDATA[<c>]]></t></R>",
        );
        let answer = answer.expect("well-formed");
        assert_eq!(answer.items("set").len(), 2);
        assert_eq!(answer.items("set")[0].text_of("id").as_deref(), Some("a"));
        assert_eq!(answer.text_of("t").as_deref(), Some("a & b! <c>"));
        assert_eq!((answer.items("none"), answer.text_of("none")), (&[][..], None));
        for broken in ["", "no XML", "<a>", "<a></b>", "<a>&nope;</a>"] {
            assert_eq!(Element::read(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_refusal_has_code_and_words_in_each_shape() {
        for body in [
            r#"{"__type": "C", "message": "M"}"#,
            r#"{"__type": "com.amazon#C", "Message": "M"}"#,
            "<ErrorResponse><Error><Type>Sender</Type><Code>C</Code><Message>M</Message></Error>\
             </ErrorResponse>",
            "<Response><Errors><Error><Code>C</Code><Message>M</Message></Error></Errors>\
             <RequestID>r</RequestID></Response>",
        ] {
            let meta = refusal(body).meta;
            assert_eq!((meta.code(), meta.message()), (Some("C"), Some("M")), "{body}");
        }
        assert_eq!(refusal("<html>").meta.code(), None);
    }

    #[test]
    fn an_endpoint_that_was_given_is_used_for_all_and_iam_has_a_region_of_its_own() {
        let cloud = |url: &str, region: &str| {
            let endpoint = Endpoint {
                url: url.to_owned(),
                region: region.to_owned(),
                access_key: "a".to_owned(),
                secret_key: "s".to_owned(),
            };
            let names = Names {
                cluster: "c".to_owned(),
                capacity: Capacity::group("g"),
                network: Network::default(),
                bucket: "b".to_owned(),
                task_definition: "t".to_owned(),
                container: "c".to_owned(),
                watchdog: None,
            };
            Cloud::connect(&endpoint, names)
        };
        let given = cloud("http://127.0.0.1:1", "eu-central-1");
        let local = |region: &str| ("http://127.0.0.1:1".to_owned(), region.to_owned());
        assert_eq!(given.address_of(Service::Ec2), local("eu-central-1"));
        assert_eq!(given.address_of(Service::Quotas), local("eu-central-1"));
        assert_eq!(given.address_of(Service::Iam), local("us-east-1"));
    }
}
