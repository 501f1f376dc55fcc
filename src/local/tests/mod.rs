//! The local cloud over real sockets, through the SDK's own clients.

mod account;
mod capacity;
mod ecs;
mod faults;
mod lifeline;
mod metrics;
mod objects;
mod scaling;
mod sdk;
mod seam;
mod signatures;

use std::{path::Path, time::Duration};

use tempfile::TempDir;

use super::{LocalCloud, Options};
use crate::cloud::Cloud;

/// Nothing that is waited for takes as long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A cloud of its own for a test, and its clients.
struct Site {
    local: LocalCloud,
    cloud: Cloud,
    ecs: sdk::ecs::Client,
    cloudwatch: sdk::cloudwatch::Client,
    s3: sdk::s3::Client,
    folder: TempDir,
}

impl Site {
    async fn start() -> Site {
        Site::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Site {
        let folder = TempDir::new().expect("a folder");
        let mut options = Options {
            boot: Duration::from_millis(100),
            has_shim: false,
            ..Options::new(folder.path(), "/bin/sh".into())
        };
        change(&mut options);
        let local = LocalCloud::start(options).await.expect("started");
        let config = sdk::config(&local.endpoint());
        Site {
            cloud: Cloud::connect(&local.endpoint(), local.names()),
            ecs: sdk::ecs::Client::new(&config),
            cloudwatch: sdk::cloudwatch::Client::new(&config),
            s3: sdk::s3_client(&config),
            local,
            folder,
        }
    }

    fn logs(&self) -> &Path {
        self.folder.path()
    }
}

/// Looks again and again until there is something to see.
pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(
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
