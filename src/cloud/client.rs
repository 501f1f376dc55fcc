//! The clients, made once from an endpoint.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::{
    client::{http::SharedHttpClient, orchestrator::HttpResponse, result::SdkError},
    shared::IntoShared,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::{Access, CloudError, Endpoint, ErrorKind, Names, calls::Call};

/// How long a call may take as a whole. AWS answers within a second or two; what
/// takes longer is ambiguous and is looked up instead of waited for.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// What the place of a run is called where it is Amazon's own.
pub(super) const AWS: &str = "aws";
/// Why there is no client.
const NO_REGION: &str = "no region is named: say --region, `region` in loadtop.toml, AWS_REGION, \
                         or one in the profile";
/// Codes of throttling that do not say so in their name.
const THROTTLING: [&str; 3] = ["SlowDown", "RequestLimitExceeded", "TooManyRequestsException"];
/// Codes of credentials that are expired, unknown, or used at a wrong time, in the words
/// of all services.
const UNAUTHENTICATED: [&str; 14] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
];
/// What to do about that.
const RENEW: &str = "renew the credentials (such as by `aws sso login`), or see what \
                     `aws sts get-caller-identity` and `loadtop doctor` say";
/// Codes of what the credentials may not do.
const DENIED: [&str; 4] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"];
/// How ECS says, as InvalidParameterException, that a task is unknown.
const NO_SUCH_TASK: &str = "The referenced task was not found";

/// All calls to AWS. Cheap to clone; the clones share connections and counters.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) autoscaling: aws_sdk_autoscaling::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) names: Names,
    /// The endpoint's URL and region.
    pub(super) address: (String, String),
    /// Where the bucket is, if that is elsewhere.
    pocket: Option<Pocket>,
    /// The region that tasks are told: whoever finds the endpoint by it needs it.
    told_region: Option<String>,
    /// What further clients are made from.
    pub(super) config: Arc<SdkConfig>,
    calls: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// A bucket that is not where the rest is.
#[derive(Debug, Clone)]
struct Pocket {
    bucket: String,
    /// What must live as long as somebody reads and writes there.
    _keeper: Arc<dyn Any + Send + Sync>,
}

impl Cloud {
    /// Clients for this endpoint. Nothing is sent yet.
    #[must_use]
    pub fn connect(endpoint: &Endpoint, names: Names) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        Self::over(endpoint, names, http, false)
    }

    /// The same over an HTTP client of the caller's: for tests that script time or faults.
    /// Requests are dated by this machine's clock, whatever the dates of answers are.
    #[must_use]
    pub fn with_http_client(
        endpoint: &Endpoint,
        names: Names,
        http: impl IntoShared<SharedHttpClient>,
    ) -> Self {
        Self::over(endpoint, names, http, true)
    }

    fn over(
        endpoint: &Endpoint,
        names: Names,
        http: impl IntoShared<SharedHttpClient>,
        keeps_own_time: bool,
    ) -> Self {
        let credentials = Credentials::from_keys(&endpoint.access_key, &endpoint.secret_key, None);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&endpoint.url)
            .region(Region::new(endpoint.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .disable_clock_skew_correction(keeps_own_time)
            .timeout_config(timeouts())
            .http_client(http.into_shared())
            .build();
        let address = (endpoint.url.clone(), endpoint.region.clone());
        Self::of_config(config, address, names, true)
    }

    /// Clients that find endpoint, region and credentials as AWS's own tools do.
    /// Credentials are looked for at the first call, not here.
    pub async fn open(access: &Access, names: Names) -> Result<Self, CloudError> {
        let (region, profile) = match access {
            Access::Keys(endpoint) => return Ok(Self::connect(endpoint, names)),
            Access::Tools { region, profile } => (region, profile),
        };
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .http_client(http.clone());
        if let Some(region) = region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let mut config = loader.load().await;
        if let Some(profile) = profile {
            // The SDK would take keys of the environment first. Whoever names a profile means
            // its credentials, as with AWS's own `--profile`.
            let known = ProviderConfig::without_region()
                .with_region(config.region().cloned())
                .with_http_client(http);
            let provider =
                ProfileFileCredentialsProvider::builder().configure(&known).profile_name(profile);
            let provider = SharedCredentialsProvider::new(provider.build());
            config = config.into_builder().credentials_provider(provider).build();
        }
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(CloudError {
                call: "configuration",
                kind: ErrorKind::NotSent,
                code: None,
                message: NO_REGION.to_owned(),
            });
        };
        let of_s3 = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|it| !it.is_empty());
        let url = config.endpoint_url().map(str::to_owned).or(of_s3);
        let address = (url.clone().unwrap_or_else(|| AWS.to_owned()), region.clone());
        let cloud = Self::of_config(config, address, names, url.is_some());
        Ok(Cloud { told_region: Some(region), ..cloud })
    }

    fn of_config(
        config: SdkConfig,
        address: (String, String),
        names: Names,
        own_endpoint: bool,
    ) -> Self {
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            // Bucket names in the host need DNS, which an endpoint of one's own may not have.
            .force_path_style(own_endpoint)
            // The signature already covers the body; a checksum beside it would only
            // turn bodies into chunks with trailers, which emulators read badly.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Cloud {
            ecs: aws_sdk_ecs::Client::new(&config),
            autoscaling: aws_sdk_autoscaling::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            names,
            address,
            pocket: None,
            told_region: None,
            config: Arc::new(config),
            calls: Arc::default(),
        }
    }

    /// The same clients, connections and counters for calls about something else.
    #[must_use]
    pub fn with_names(&self, names: Names) -> Self {
        Cloud { names, ..self.clone() }
    }

    /// The same clients, but the bucket is at this endpoint and has this name, whatever
    /// the names say; `keeper` lives as long as they do. The place stays what it was: it
    /// is where the tasks are.
    #[must_use]
    pub fn with_bucket_at(
        &self,
        endpoint: &Endpoint,
        bucket: &str,
        keeper: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        let there = Self::connect(endpoint, self.names.clone());
        let pocket = Some(Pocket { bucket: bucket.to_owned(), _keeper: keeper });
        Cloud { s3: there.s3, pocket, ..self.clone() }
    }

    /// The same clients, but for objects those of another cloud: a bucket is in one region
    /// only, whatever region the tasks are in.
    #[must_use]
    pub fn with_objects_of(&self, other: &Cloud) -> Self {
        Cloud { s3: other.s3.clone(), pocket: other.pocket.clone(), ..self.clone() }
    }

    /// The bucket of the calls.
    pub(super) fn bucket(&self) -> &str {
        self.pocket.as_ref().map_or(&self.names.bucket, |pocket| &pocket.bucket)
    }

    /// The region that a task must be told, where it finds the endpoint by it.
    #[must_use]
    pub fn told_region(&self) -> Option<&str> {
        self.told_region.as_deref()
    }

    /// Where this is, in one string: endpoint, region and cluster. Runs in different
    /// places have nothing to do with each other, whatever their names.
    #[must_use]
    pub fn place(&self) -> String {
        let (url, region) = &self.address;
        format!("{} {region} {}", url.trim_end_matches('/'), self.names.cluster)
    }

    /// The region that it is in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.address.1
    }

    /// What the calls are about.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Calls so far by operation; those that were throttled also as `throttled`.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn count(&self, what: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(what.to_owned()).or_default() += 1;
    }

    /// Counts a call and turns its failure into ours.
    pub(super) fn settle<T, E>(
        &self,
        call: Call,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, CloudError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.count(call.operation);
        answer.map_err(|error| {
            let error = translate(call.operation, &error);
            if error.kind == ErrorKind::Throttled {
                self.count("throttled");
            }
            error
        })
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}

fn translate<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = metadata.and_then(|meta| meta.code()).map(str::to_owned);
    let status = error.raw_response().map(|response| response.status().as_u16());
    let unsigned = has_no_credentials(error);
    let kind = match error {
        // Nothing is sent that cannot be signed.
        _ if unsigned => ErrorKind::Unauthenticated,
        SdkError::ConstructionFailure(_) => ErrorKind::NotSent,
        SdkError::DispatchFailure(failure) if failure.is_user() => ErrorKind::NotSent,
        SdkError::ServiceError(_) => {
            let said = metadata.and_then(|meta| meta.message());
            classify(code.as_deref(), status, said)
        }
        _ => ErrorKind::Ambiguous,
    };
    let said = metadata.and_then(|meta| meta.message());
    let message = match (said, &code) {
        (Some(said), Some(code)) => format!("{said} ({code})"),
        (None, Some(code)) => code.clone(),
        _ if unsigned => format!("there are no credentials: {}", innermost(error)),
        _ => innermost(error),
    };
    let message = match kind {
        ErrorKind::Unauthenticated => format!("{message}; {RENEW}"),
        _ => message,
    };
    CloudError { call, kind, code, message }
}

fn classify(code: Option<&str>, status: Option<u16>, said: Option<&str>) -> ErrorKind {
    let code = code.unwrap_or_default();
    if code.contains("Throttl") || THROTTLING.contains(&code) || status == Some(429) {
        return ErrorKind::Throttled;
    }
    if UNAUTHENTICATED.contains(&code) {
        return ErrorKind::Unauthenticated;
    }
    if DENIED.contains(&code) {
        return ErrorKind::Denied;
    }
    match status {
        _ if code == "ConflictException" => ErrorKind::Conflict,
        // S3: the body did not come in time, as far as this answer knows.
        _ if code == "RequestTimeout" => ErrorKind::Ambiguous,
        // StopTask has no code of its own for it.
        _ if said.is_some_and(|said| said.starts_with(NO_SUCH_TASK)) => ErrorKind::NotFound,
        Some(404) => ErrorKind::NotFound,
        // 409 on a conditional write: another writer was at it at the same moment.
        Some(412 | 409) => ErrorKind::Precondition,
        Some(500..) => ErrorKind::Ambiguous,
        _ if code.ends_with("NotFoundException") => ErrorKind::NotFound,
        // Service Quotas, EC2.
        _ if code == "NoSuchResourceException" || code.ends_with(".NotFound") => {
            ErrorKind::NotFound
        }
        _ => ErrorKind::Refused,
    }
}

/// Whether the call failed for want of credentials: there are none, or whoever has them
/// does not answer.
fn has_no_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(it) = cause {
        if it.is::<CredentialsError>() {
            return true;
        }
        cause = it.source();
    }
    false
}

/// The last cause says most: `Connection refused`, not `dispatch failure`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
