//! The figures so far, for other programs: one JSON object, and the points as CSV.
//!
//! Invariant: each part carries its age, as on the screen; what is not known is null (in
//! CSV: empty), never zero. Names and units are those of the summary where it has them.

use std::{
    fmt::Write,
    io,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::RunFolder;
use crate::{
    controller::snapshot::{Aged, LatencyView, Point, Quantiles, Snapshot},
    model::Millis,
    stats::LogCounts,
};

/// The first line of the CSV. Times are UTC, of each point's beginning.
const HEADER: &str = "at,length_ms,requests_per_s,errors_per_s,planned,connected,p50_ms,p90_ms,\
                      p99_ms,max_ms,lag_ms,cpu,complete";

/// The figures so far, ready to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// What files are called, without their ending: `export-20260131-235959`.
    pub name: String,
    /// The figures.
    pub json: Value,
    /// The points.
    pub csv: String,
}

impl Export {
    /// What a snapshot says.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let at = rfc3339(snapshot.at);
        let name = at[..19].replace(['-', ':'], "").replace('T', "-");
        Export {
            name: format!("export-{name}"),
            json: json(snapshot),
            csv: csv(&snapshot.traffic.value.points),
        }
    }

    /// Writes both files; the answer is their path without the ending.
    pub fn write(&self, folder: &RunFolder) -> io::Result<PathBuf> {
        folder.write_json(&format!("{}.json", self.name), &self.json)?;
        folder.write(&format!("{}.csv", self.name), self.csv.as_bytes())?;
        Ok(folder.path().join(&self.name))
    }
}

fn rfc3339(at: Millis) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(at)).to_string()
}

fn csv(points: &[Point]) -> String {
    let mut text = format!("{HEADER}\n");
    for point in points {
        let times = point
            .response
            .map_or(",,,".to_owned(), |it| format!("{},{},{},{}", it.p50, it.p90, it.p99, it.max));
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{times},{},{},{}",
            rfc3339(point.at),
            point.length_ms,
            point.requests_per_s,
            point.errors_per_s,
            point.planned,
            point.connected,
            point.lag_ms,
            point.cpu,
            point.complete,
        );
    }
    text
}

fn json(snapshot: &Snapshot) -> Value {
    let now = snapshot.at;
    let run = snapshot.run.as_ref();
    let instances = &snapshot.instances;
    let devices = &snapshot.devices;
    let notices = snapshot.notices.iter().map(|it| {
        let level = format!("{:?}", it.level).to_lowercase();
        json!({"at": rfc3339(it.at), "level": level, "text": it.text, "times": it.times})
    });
    let marks = snapshot.marks.iter().map(|it| {
        let kind = format!("{:?}", it.kind).to_lowercase();
        json!({"at": rfc3339(it.at), "kind": kind, "text": it.text})
    });
    let throttled = snapshot.throttled.iter().map(|(call, &until)| (call.clone(), rfc3339(until)));
    json!({
        "at": rfc3339(now),
        "version": env!("CARGO_PKG_VERSION"),
        "run": run.map(|it| &it.id),
        "phase": run.map(|it| &it.phase),
        "started_at": run.map(|it| rfc3339(it.started_at)),
        "where": snapshot.site.label,
        "target": snapshot.target,
        "rate_asked_per_s": run.and_then(|it| it.rate),
        "instances": part(now, instances, |it| json!({
            "desired": it.desired, "registered": it.registered, "booting": it.booting,
            "leaving": it.leaving, "room": it.room,
        })),
        "tasks": part(now, &snapshot.tasks, |it| json!(it)),
        "devices": part(now, devices, |it| json!({
            "wanted": it.wanted, "planned": snapshot.ramp.planned, "starting": it.starting,
            "connected": it.connected, "failed": it.failed, "late_starts": it.late,
        })),
        "coverage": {
            "tasks": devices.value.tasks_expected, "reporting": devices.value.tasks_reporting,
        },
        "traffic": part(now, &snapshot.traffic, |it| json!({
            "requests": it.requests,
            "errors": {"total": it.errors.values().sum::<u64>(), "by_kind": it.errors},
            "window": it.window.map(|it| json!({
                "from": rfc3339(it.from), "length_ms": it.length_ms,
                "response_ms": quantiles(&it.response), "service_ms": quantiles(&it.service),
            })),
        })),
        "exact": part(now, &snapshot.latency, |it| exact(it)),
        "cost_usd": snapshot.cost.as_ref().map(|it| it.so_far_usd),
        "api_calls": snapshot.calls,
        "throttled_until": throttled.collect::<std::collections::BTreeMap<_, _>>(),
        "marks": marks.collect::<Vec<_>>(),
        "notices": notices.collect::<Vec<_>>(),
    })
}

/// A part and its age; null as long as it was never seen.
fn part<T>(now: Millis, part: &Aged<T>, value: impl Fn(&T) -> Value) -> Value {
    let Some(at) = part.at else {
        return Value::Null;
    };
    let mut value = value(&part.value);
    if let Value::Object(fields) = &mut value {
        fields.insert("age_ms".to_owned(), now.saturating_sub(at).into());
    }
    value
}

fn quantiles(it: &Quantiles) -> Value {
    json!({"p50": it.p50, "p90": it.p90, "p99": it.p99, "max": it.max})
}

/// All columns of each label in one: of the time since the first column.
fn exact(view: &LatencyView) -> Value {
    let mut labels = serde_json::Map::new();
    for (number, name) in view.labels.iter().enumerate() {
        let (mut requests, mut errors) = (0, 0);
        let (mut response, mut service) = (LogCounts::default(), LogCounts::default());
        let columns = view.columns.iter().flat_map(|it| &it.labels);
        for it in columns.filter(|it| it.label as usize == number) {
            requests += it.requests;
            errors += it.errors;
            response.add(&it.response);
            service.add(&it.service);
        }
        let label = json!({
            "requests": requests, "errors": errors,
            "response_ms": percentiles(&response), "service_ms": percentiles(&service),
        });
        labels.insert(name.clone(), label);
    }
    let tasks = view.columns.last().map_or(0, |it| it.tasks);
    json!({
        "from": view.columns.first().map(|it| rfc3339(it.at)),
        "to": view.columns.last().map(|it| rfc3339(it.at + it.length_ms)),
        "coverage": {
            "tasks": view.tasks_of, "read": view.tasks_read, "in_latest": tasks,
            "parts_unreadable": view.unreadable,
        },
        "labels": labels,
    })
}

fn percentiles(counts: &LogCounts) -> Value {
    let at = |q| counts.quantile(q);
    json!({
        "p50": at(0.5), "p90": at(0.9), "p95": at(0.95), "p99": at(0.99), "p99_9": at(0.999),
        "max": at(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    #[test]
    fn an_export_is_read_by_others() {
        let snapshot = fixtures::steady();
        let folder = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::create(folder.path(), "r").expect("made");
        let export = Export::of(&snapshot);
        let path = export.write(&folder).expect("written");
        assert_eq!(export.name.len(), "export-20260131-235959".len(), "{}", export.name);
        let text = std::fs::read_to_string(path.with_extension("json")).expect("there");
        let json: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["traffic"]["requests"], snapshot.traffic.value.requests);
        assert_eq!(json["devices"]["connected"], snapshot.devices.value.connected);
        assert!(json["tasks"]["age_ms"].is_u64(), "{json}");
        let csv = std::fs::read_to_string(path.with_extension("csv")).expect("there");
        let fields = HEADER.split(',').count();
        assert!(csv.lines().all(|line| line.split(',').count() == fields));
        assert_eq!(csv.lines().count(), 1 + snapshot.traffic.value.points.len());
    }

    #[test]
    fn what_is_not_known_is_null() {
        let snapshot = Snapshot::nothing(0, fixtures::steady().site.clone());
        let Export { json, csv, .. } = Export::of(&snapshot);
        for part in ["run", "tasks", "devices", "traffic", "exact", "cost_usd"] {
            assert_eq!(json[part], Value::Null, "{part}");
        }
        assert_eq!(csv.lines().count(), 1);
        let point = Point { at: 1_000, length_ms: 1_000, ..Point::default() };
        assert!(
            super::csv(&[point]).ends_with("1970-01-01T00:00:01.000Z,1000,0,0,0,0,,,,,0,0,false\n")
        );
    }
}
