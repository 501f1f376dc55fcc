//! What a task needs of the cloud: three calls.
//!
//! Invariant: nothing else in a task calls the cloud, so that tests run it over
//! memory. Keys are relative to the run's prefix.

use bytes::Bytes;

use super::Settings;
use crate::{
    cloud::{
        Cloud, CloudError,
        types::{Condition, Dated, Datum, Fetched},
    },
    stats::metrics::NAMESPACE,
};

/// Where the wish comes from, and reports and results go. Tasks have one thread,
/// so the futures need not be `Send`.
pub(crate) trait Station {
    /// Reads an object, unless it still has the known entity tag.
    async fn fetch(
        &self,
        key: &str,
        known: Option<&str>,
    ) -> Result<(Fetched, Option<Dated>), CloudError>;

    /// Writes an object.
    async fn store(&self, key: &str, body: Bytes) -> Result<(), CloudError>;

    /// Publishes data. What failed ambiguously may be there all the same.
    async fn publish(&self, data: &[Datum]) -> Result<(), CloudError>;
}

/// The real one.
pub(crate) struct CloudStation {
    cloud: Cloud,
    prefix: String,
}

impl CloudStation {
    pub(crate) async fn new(settings: &Settings) -> Result<Self, CloudError> {
        let cloud = Cloud::open(&settings.access, settings.names()).await?;
        Ok(CloudStation { cloud, prefix: settings.prefix.clone() })
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

impl Station for CloudStation {
    async fn fetch(
        &self,
        key: &str,
        known: Option<&str>,
    ) -> Result<(Fetched, Option<Dated>), CloudError> {
        self.cloud.get_object(&self.key(key), known).await
    }

    async fn store(&self, key: &str, body: Bytes) -> Result<(), CloudError> {
        // A repetition after an ambiguous answer writes the same bytes again.
        self.cloud.put_object(&self.key(key), body, Condition::Always).await.map(drop)
    }

    async fn publish(&self, data: &[Datum]) -> Result<(), CloudError> {
        self.cloud.put_metrics(NAMESPACE, data).await
    }
}
