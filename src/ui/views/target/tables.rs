//! Errors by kind, and requests by label.
//!
//! Invariant: the most frequent kind is first; a kind says what it means and what to look
//! at, as far as that is known.

use ratatui::text::Line;

use super::super::{Scene, tabs::columns};
use crate::{
    controller::snapshot::LatencyView,
    model::Millis,
    stats::ErrorKind,
    ui::{format, theme::Role},
};

/// Columns for the name of a kind.
const KIND: usize = 16;
/// Columns for a number.
const NUMBER: usize = 10;
/// Columns for a share.
const SHARE: usize = 7;
/// Least columns for what a kind means.
const LEAST_MEANING: usize = 20;
/// Columns of the widest name of a label.
const WIDEST_LABEL: usize = 32;

/// A line for each kind of error.
pub(super) fn kinds(scene: &Scene<'_>, (width, height): (u16, u16)) -> Vec<Line<'static>> {
    let traffic = &scene.snapshot().traffic;
    let errors = &traffic.value.errors;
    let Some(worst) = errors.iter().max_by_key(|(_, count)| **count) else {
        let words = if traffic.at.is_some() {
            "no errors so far"
        } else if scene.counts_by_tasks() {
            "devices do not report, so no error is heard of"
        } else {
            "no reports yet: errors are told by the devices' agents"
        };
        return vec![scene.span(Role::Dim, words).into()];
    };
    let all = errors.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    let room = usize::from(width).saturating_sub(KIND + NUMBER + SHARE + 2);
    let mut heading = format!("{:<KIND$}{:>NUMBER$}{:>SHARE$}", "kind", "count", "share");
    if room >= LEAST_MEANING {
        heading += "  what it means";
    }
    let mut lines = vec![scene.span(Role::Dim, heading).into()];
    let others = errors.iter().filter(|(kind, _)| *kind != worst.0);
    // A meaning goes on below where all of them have room to.
    let most = if errors.len() * 2 < usize::from(height) { 2 } else { 1 };
    for (kind, count) in std::iter::once(worst).chain(others) {
        let share = *count as f64 / all.max(1) as f64;
        let mut line = Line::from(vec![
            scene.span(Role::Error, padded(kind, KIND)),
            scene.span(Role::Strong, format!("{:>NUMBER$}", format::count(*count))),
            scene.span(Role::Text, format!("{:>SHARE$}", share_words(share))),
        ]);
        let meaning = if most == 1 {
            vec![format::cut(means(kind), room)]
        } else {
            format::wrap(means(kind), room.max(1))
        };
        let mut meaning = meaning.into_iter().filter(|_| room >= LEAST_MEANING);
        let dim = |words: String| scene.span(Role::Dim, format!("  {words}"));
        line.extend(meaning.next().map(dim));
        lines.push(line);
        lines.extend(
            meaning.map(|it| Line::from(dim(format!("{:1$}{it}", "", KIND + NUMBER + SHARE)))),
        );
    }
    lines
}

/// `41 %`; a little is not nothing.
fn share_words(share: f64) -> String {
    if share > 0.0 && share < 0.005 { "<1 %".into() } else { format::percent(share) }
}

/// What a kind of error means, and what to look at.
fn means(kind: &str) -> &'static str {
    let kind = ErrorKind::ALL.into_iter().find(|it| it.as_str() == kind);
    match kind {
        Some(ErrorKind::Refused) => "nothing listens there: is the target up, the port right?",
        Some(ErrorKind::Unreachable) => "no way to the host: look at routes, subnets, firewalls",
        Some(ErrorKind::Resolve) => "its name has no address: look at DNS",
        Some(ErrorKind::Files) => "ours: a task is out of file descriptors; fewer devices per task",
        Some(ErrorKind::Ports) => "ours: no local port left; more instances, fewer devices each",
        Some(ErrorKind::Reset) => "the connection broke: a crash, a limit, or something between",
        Some(ErrorKind::Closed) => "the target hung up before it answered",
        Some(ErrorKind::Timeout) => "connected, and no answer in time: the target is slow or stuck",
        Some(ErrorKind::ConnectTimeout) => "no connection in time: a full backlog, or packets lost",
        Some(ErrorKind::Other) => "anything else: the tasks' logs say more",
        None => "",
    }
}

/// Whether such an error comes before there is a connection, and so before a request.
fn is_of_connections(kind: &str) -> bool {
    use ErrorKind::{ConnectTimeout, Files, Ports, Refused, Resolve, Unreachable};
    let kinds = [Refused, Unreachable, Resolve, Files, Ports, ConnectTimeout];
    kinds.iter().any(|it| it.as_str() == kind)
}

/// Whether anything is known of labels.
pub(super) fn has_labels(scene: &Scene<'_>) -> bool {
    scene.snapshot().latency.value.columns.iter().any(|column| !column.labels.is_empty())
}

/// How old the figures by label are, and of how many tasks.
pub(super) fn labels_note(scene: &Scene<'_>) -> Option<(Role, String)> {
    let latency = &scene.snapshot().latency;
    let age = format::span(scene.shown_at().saturating_sub(latency.at?));
    let (read, of) = (latency.value.tasks_read, latency.value.tasks_of);
    let coverage = if read < of { format!("{read} of {of} tasks, ") } else { String::new() };
    Some((Role::Dim, format!("{coverage}{age} old")))
}

/// Requests, errors and their rates.
#[derive(Default, Clone)]
struct Sums {
    requests: u64,
    errors: u64,
}

/// A line for each label.
pub(super) fn labels(scene: &Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let view = &scene.snapshot().latency.value;
    if !has_labels(scene) {
        return vec![scene.span(Role::Dim, none_yet(scene, view)).into()];
    }
    let (sums, span) = summed(scene, view);
    let width = usize::from(width);
    let fixed = NUMBER * 3 + 6;
    let name = width.saturating_sub(fixed).clamp(6, WIDEST_LABEL);
    let over = format!("over {}", format::span(span));
    let over = if columns(&over) < name { over } else { "label".to_owned() };
    let mut lines = vec![
        scene
            .span(
                Role::Dim,
                format!(
                    "{}{:>NUMBER$}{:>NUMBER$}{:>NUMBER$}{:>6}",
                    padded(&over, name),
                    "requests",
                    "req/s",
                    "errors",
                    "/100"
                ),
            )
            .into(),
    ];
    for (label, sum) in view.labels.iter().zip(&sums).filter(|(_, sum)| sum.requests > 0) {
        let per_s = sum.requests as f64 * 1000.0 / span.max(1) as f64;
        let role = if sum.errors > 0 { Role::Error } else { Role::Dim };
        lines.push(Line::from(vec![
            scene.span(Role::Strong, padded(label, name)),
            scene.span(Role::Text, format!("{:>NUMBER$}", format::count(sum.requests))),
            scene.span(Role::Text, format!("{:>NUMBER$}", format::rate(per_s))),
            scene.span(role, format!("{:>NUMBER$}", format::count(sum.errors))),
            scene.span(role, format!("{:>6}", per_hundred(sum.errors, sum.requests))),
        ]));
    }
    // Whoever sees errors elsewhere and none here should know why.
    if scene.snapshot().traffic.value.errors.keys().any(|kind| is_of_connections(kind)) {
        let words = "requests only: a connection that fails has no label";
        let words = format::wrap(words, width).into_iter();
        lines.extend(words.map(|it| Line::from(scene.span(Role::Dim, it))));
    }
    lines
}

/// Why there is nothing by label.
fn none_yet(scene: &Scene<'_>, view: &LatencyView) -> String {
    let every = if view.every_ms > 0 {
        view.every_ms
    } else {
        scene.snapshot().site.results.as_millis() as Millis
    };
    if scene.snapshot().run.is_none() {
        return "no run yet".into();
    }
    if scene.counts_by_tasks() {
        return "devices do not report".into();
    }
    format!("none yet: results come every {}", format::span(every))
}

/// What the columns of the stretch that is shown hold by label, and how long they are
/// together.
fn summed(scene: &Scene<'_>, view: &LatencyView) -> (Vec<Sums>, Millis) {
    let shown = scene.app.stretch.shown(scene.snapshot());
    let mut sums = vec![Sums::default(); view.labels.len()];
    let mut span = 0;
    for column in &view.columns {
        if column.at >= shown.to || column.at.saturating_add(column.length_ms) <= shown.from {
            continue;
        }
        span += column.length_ms;
        for label in &column.labels {
            if let Some(sum) = sums.get_mut(label.label as usize) {
                sum.requests = sum.requests.saturating_add(label.requests);
                sum.errors = sum.errors.saturating_add(label.errors);
            }
        }
    }
    (sums, span)
}

/// Errors to a hundred requests: `0`, `0.03`, `3.4`.
pub(super) fn per_hundred(errors: u64, requests: u64) -> String {
    match (errors, requests) {
        (0, _) => "0".into(),
        (_, 0) => "-".into(),
        _ => format::figure(errors as f64 * 100.0 / requests as f64),
    }
}

/// A text in exactly so many columns, the last of which is empty.
fn padded(text: &str, width: usize) -> String {
    let text = format::cut(text, width.saturating_sub(1));
    let gap = width.saturating_sub(columns(&text));
    text + &" ".repeat(gap)
}
