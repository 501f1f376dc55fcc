//! Reading parts: the job.
//!
//! Invariant: it touches nothing of the controller's; what it brings back was decoded and
//! added together on a thread that may be busy.

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{
    super::snapshot::TaskReport,
    columns::Slices,
    queue::{Answer, Ask},
};
use crate::{
    cloud::{Cloud, CloudError, types::Fetched},
    model::Millis,
    stats::{Part, Report},
};

/// Parts that are read at once.
const AT_ONCE: usize = 8;

/// What a job brings back.
#[derive(Debug, Default)]
pub(in crate::controller) struct Batch {
    /// What came of each.
    pub(super) answers: Vec<(Ask, Answer)>,
    /// The times, of all parts together.
    pub(super) slices: Slices,
    /// What tasks said last, by the bucket's clock.
    pub(super) reports: Vec<(String, TaskReport)>,
    /// One of the failures.
    pub(super) error: Option<CloudError>,
}

/// What the bucket answered.
enum Got {
    Body(Bytes),
    Missing,
    Last(Option<u32>),
    Failed(CloudError),
}

/// Reads these, of the run whose keys begin with `prefix`, at `now` (the bucket's clock).
pub(super) async fn read(cloud: Cloud, prefix: String, asks: Vec<Ask>, now: Millis) -> Batch {
    let got: Vec<(Ask, Got)> = stream::iter(asks)
        .map(async |ask| {
            let got = get(&cloud, &prefix, &ask).await;
            (ask, got)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let asked: Vec<Ask> = got.iter().map(|(ask, _)| ask.clone()).collect();
    let decoded = tokio::task::spawn_blocking(move || decode(got, now)).await;
    decoded.unwrap_or_else(|_| Batch {
        answers: asked.into_iter().map(|ask| (ask, Answer::Unreadable)).collect(),
        ..Batch::default()
    })
}

async fn get(cloud: &Cloud, prefix: &str, ask: &Ask) -> Got {
    let keys = format!("{prefix}{}", Part::keys(&ask.task));
    let Some(number) = ask.part else {
        return match cloud.list_objects(&keys).await {
            Ok(found) => Got::Last(found.iter().filter_map(|key| Part::number_of(key)).max()),
            Err(error) => Got::Failed(error),
        };
    };
    match cloud.get_object(&format!("{keys}{}", Part::name(number)), None).await {
        Ok((Fetched::New(object), _)) => Got::Body(object.body),
        Ok(_) => Got::Missing,
        Err(error) => Got::Failed(error),
    }
}

fn decode(got: Vec<(Ask, Got)>, now: Millis) -> Batch {
    let mut batch = Batch::default();
    for (ask, got) in got {
        let answer = match got {
            Got::Body(body) => batch.take(&ask, &body, now),
            Got::Missing => Answer::Missing,
            Got::Last(last) => Answer::Last(last),
            Got::Failed(error) => {
                batch.error = Some(error);
                Answer::Failed
            }
        };
        batch.answers.push((ask, answer));
    }
    batch
}

impl Batch {
    fn take(&mut self, ask: &Ask, body: &Bytes, now: Millis) -> Answer {
        let part = match Part::parse(&String::from_utf8_lossy(body)) {
            Ok(part) => part,
            Err(error) => {
                tracing::warn!("{} part {:?}: {error}", ask.task, ask.part);
                return Answer::Unreadable;
            }
        };
        self.slices.add(&part, now);
        let Some(last) = part.intervals.last().map(|it| &it.report) else {
            return Answer::Read(now);
        };
        let report = report(last);
        self.reports.push((ask.task.clone(), report));
        // A part that claims to be of the future must not keep the next one waiting.
        Answer::Read(report.at.min(now))
    }
}

fn report(it: &Report) -> TaskReport {
    let per_s = 1000.0 / it.length_ms.max(1) as f64;
    TaskReport {
        at: it.at.saturating_add(it.length_ms),
        devices: it.devices,
        requests_per_s: it.requests as f64 * per_s,
        errors_per_s: it.errors().values().sum::<u64>() as f64 * per_s,
        cpu: it.cpu,
        rss: it.rss,
        sockets: it.sockets,
        lag_p99_ms: it.lag_p99_ms,
    }
}
