//! What failures mean.

use aws_credential_types::provider::{ProvideCredentials, future};

use super::*;
use crate::model::capacity::{Capacity, Network};

/// Somebody who should have credentials, and has none.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no role is named")))
    }
}

#[tokio::test]
async fn a_call_that_nobody_can_sign_is_not_sent_and_says_so() {
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        // Whoever listened there would hear nothing.
        .endpoint_url("http://127.0.0.1:1")
        .credentials_provider(SharedCredentialsProvider::new(Nobody))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let names = Names {
        cluster: "c".into(),
        capacity: Capacity::group("g"),
        network: Network::default(),
        bucket: "b".into(),
        task_definition: String::new(),
        container: String::new(),
        watchdog: None,
    };
    let cloud = Cloud::of_config(config, (AWS.to_owned(), "eu-west-1".to_owned()), names, true);
    for error in [
        cloud.get_object("k", None).await.expect_err("unsigned"),
        cloud.cluster().await.map(drop).expect_err("unsigned"),
    ] {
        assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error}");
        assert!(error.message.contains("there are no credentials"), "{error}");
        assert!(error.message.contains("no role is named"), "{error}");
    }
}

#[test]
fn failures_mean_what_their_codes_and_words_say() {
    let no_task = "The referenced task was not found.";
    let table = [
        ("ThrottlingException", 400, "Rate exceeded", ErrorKind::Throttled),
        ("Throttling", 400, "", ErrorKind::Throttled),
        ("SlowDown", 503, "", ErrorKind::Throttled),
        ("TooManyRequestsException", 400, "", ErrorKind::Throttled),
        ("Other", 429, "", ErrorKind::Throttled),
        ("RequestTimeout", 400, "Your socket connection …", ErrorKind::Ambiguous),
        ("InternalError", 500, "", ErrorKind::Ambiguous),
        ("InvalidParameterException", 400, no_task, ErrorKind::NotFound),
        ("InvalidParameterException", 400, "count must be …", ErrorKind::Refused),
        ("ClusterNotFoundException", 400, "Cluster not found.", ErrorKind::NotFound),
        ("NoSuchKey", 404, "", ErrorKind::NotFound),
        ("NoSuchResourceException", 400, "", ErrorKind::NotFound),
        ("InvalidSubnetID.NotFound", 400, "", ErrorKind::NotFound),
        ("PreconditionFailed", 412, "", ErrorKind::Precondition),
        ("ConditionalRequestConflict", 409, "", ErrorKind::Precondition),
        ("ConflictException", 400, "", ErrorKind::Conflict),
        ("ConflictException", 409, "", ErrorKind::Conflict),
        ("AccessDenied", 403, "", ErrorKind::Denied),
        ("AccessDeniedException", 400, "", ErrorKind::Denied),
        ("ExpiredTokenException", 400, "", ErrorKind::Unauthenticated),
        ("RequestTimeTooSkewed", 403, "", ErrorKind::Unauthenticated),
    ];
    for (code, status, said, kind) in table {
        assert_eq!(classify(Some(code), Some(status), Some(said)), kind, "{code} {status}");
    }
}
