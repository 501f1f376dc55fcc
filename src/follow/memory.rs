//! A bucket and a metrics store in memory, with faults on demand.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    cloud::{
        CloudError, ErrorKind,
        types::{Dated, Datum, Fetched, Object},
    },
    follow::Station,
    model::Millis,
    stats::{Merged, Part},
};

/// The bucket's time when a test begins: half way through a second, which is what a
/// clock guesses that has seen one date.
pub(crate) const NOW: Millis = 1_800_000_000_500;

pub(crate) struct Bucket {
    began: Instant,
    objects: RefCell<BTreeMap<String, (Bytes, u32)>>,
    written: RefCell<Vec<String>>,
    pub(crate) published: RefCell<Vec<Datum>>,
    /// How many calls were refused.
    pub(crate) refused: Cell<u32>,
    reads: Cell<Option<ErrorKind>>,
    writes: Cell<Option<ErrorKind>>,
    metrics: Cell<Option<ErrorKind>>,
}

impl Default for Bucket {
    fn default() -> Self {
        Bucket {
            began: Instant::now(),
            objects: RefCell::default(),
            written: RefCell::default(),
            published: RefCell::default(),
            refused: Cell::default(),
            reads: Cell::default(),
            writes: Cell::default(),
            metrics: Cell::default(),
        }
    }
}

impl Bucket {
    pub(crate) fn put(&self, key: &str, object: &impl Serialize) {
        let body = serde_json::to_vec(object).expect("JSON");
        self.insert(key, body.into());
    }

    fn insert(&self, key: &str, body: Bytes) {
        let mut objects = self.objects.borrow_mut();
        let version = objects.get(key).map_or(0, |(_, version)| version + 1);
        objects.insert(key.to_owned(), (body, version));
    }

    pub(crate) fn refuse_reads(&self, kind: Option<ErrorKind>) {
        self.reads.set(kind);
    }

    pub(crate) fn refuse_writes(&self, kind: Option<ErrorKind>) {
        self.writes.set(kind);
    }

    pub(crate) fn refuse_metrics(&self, kind: Option<ErrorKind>) {
        self.metrics.set(kind);
    }

    /// All results that were written.
    pub(crate) fn merged(&self) -> Merged {
        let mut merged = Merged::default();
        for (key, (body, _)) in self.objects.borrow().iter() {
            if key.starts_with("results/") {
                let part = Part::parse(std::str::from_utf8(body).expect("text")).expect("a part");
                assert_eq!(part.key(), *key);
                merged.add(&part, |_| true);
            }
        }
        merged
    }

    /// The keys of the parts as they were written.
    pub(crate) fn parts(&self) -> Vec<String> {
        self.written.borrow().clone()
    }

    /// The keys that they should have.
    pub(crate) fn parts_in_order(&self) -> Vec<String> {
        (1..=self.parts().len()).map(|n| format!("results/0-1/{n:06}.hlog")).collect()
    }

    /// The sum of a metric by run.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let data = self.published.borrow();
        let found = data.iter().filter(|it| it.name == name && it.dimensions.len() == 1);
        found.flat_map(|it| &it.values).map(|(value, count)| value * count).sum()
    }

    fn check(&self, call: &'static str, fault: &Cell<Option<ErrorKind>>) -> Result<(), CloudError> {
        let Some(kind) = fault.get() else { return Ok(()) };
        self.refused.set(self.refused.get() + 1);
        Err(CloudError { call, kind, code: None, message: "as the test wants".to_owned() })
    }

    fn dated(&self) -> Dated {
        let now = Instant::now();
        let time = NOW + (now - self.began).as_millis() as Millis;
        Dated { sent: now, received: now, date: time / 1000 * 1000 }
    }
}

impl Station for Bucket {
    async fn fetch(
        &self,
        key: &str,
        known: Option<&str>,
    ) -> Result<(Fetched, Option<Dated>), CloudError> {
        self.check("GetObject", &self.reads)?;
        let objects = self.objects.borrow();
        let fetched = match objects.get(key) {
            None => Fetched::Missing,
            Some((_, version)) if known == Some(&version.to_string()) => Fetched::Unchanged,
            Some((body, version)) => {
                Fetched::New(Object { body: body.clone(), etag: version.to_string() })
            }
        };
        Ok((fetched, Some(self.dated())))
    }

    async fn store(&self, key: &str, body: Bytes) -> Result<(), CloudError> {
        self.check("PutObject", &self.writes)?;
        self.insert(key, body);
        self.written.borrow_mut().push(key.to_owned());
        Ok(())
    }

    async fn publish(&self, data: &[Datum]) -> Result<(), CloudError> {
        self.check("PutMetricData", &self.metrics)?;
        self.published.borrow_mut().extend_from_slice(data);
        Ok(())
    }
}
