//! The SDK's own clients, beyond what the cloud seam calls. The other tests have
//! them from here.

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
pub(super) use {
    aws_sdk_autoscaling as autoscaling, aws_sdk_cloudwatch as cloudwatch, aws_sdk_ecs as ecs,
    aws_sdk_s3 as s3,
};

use crate::cloud::Endpoint;

pub(super) fn config(endpoint: &Endpoint) -> SdkConfig {
    let credentials = Credentials::from_keys(&endpoint.access_key, &endpoint.secret_key, None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(&endpoint.url)
        .region(Region::new(endpoint.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

pub(super) fn s3_client(config: &SdkConfig) -> s3::Client {
    let config = s3::config::Builder::from(config).force_path_style(true).build();
    s3::Client::from_conf(config)
}
