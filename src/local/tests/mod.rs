//! The local cloud over real sockets, through the SDK's own clients.

mod ecs;
mod lifeline;
mod metrics;
mod objects;
mod scaling;
mod signatures;

use std::{path::Path, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use tempfile::TempDir;

use super::{LocalCloud, Options};
use crate::cloud::{Cloud, Endpoint};

/// Nothing that is waited for takes as long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A cloud of its own for a test, and its clients.
struct Site {
    local: LocalCloud,
    cloud: Cloud,
    ecs: aws_sdk_ecs::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    s3: aws_sdk_s3::Client,
    folder: TempDir,
}

impl Site {
    async fn start() -> Site {
        let folder = TempDir::new().expect("a folder");
        let options = Options {
            boot: Duration::from_millis(100),
            ..Options::new(folder.path(), "/bin/sh".into())
        };
        let local = LocalCloud::start(options).await.expect("started");
        let config = config(&local.endpoint());
        Site {
            cloud: Cloud::connect(&local.endpoint(), local.names()),
            ecs: aws_sdk_ecs::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            s3: s3(&config),
            local,
            folder,
        }
    }

    fn logs(&self) -> &Path {
        self.folder.path()
    }
}

fn config(endpoint: &Endpoint) -> SdkConfig {
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

fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

/// Looks again and again until there is something to see.
async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, looking).await.unwrap_or_else(|_| panic!("never: {what}"))
}
