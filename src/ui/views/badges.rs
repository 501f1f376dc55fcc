//! What must be known whichever view is shown: short, in colour where it matters.
//!
//! Invariant: what is asked for and not confirmed, what is old, slowed down or held is
//! said in every view, at the same place; that all is well is said only where there is
//! room for it.

use super::{Scene, fleet, lead};
use crate::{
    app::{action::Recording, view::View},
    controller::snapshot::Aged,
    model::Millis,
    ui::{format, theme::Role},
};

/// A few words, and the same in fewer.
pub(super) struct Badge {
    pub(super) role: Role,
    pub(super) long: String,
    pub(super) short: String,
}

impl Badge {
    fn new(role: Role, long: impl Into<String>, short: impl Into<String>) -> Self {
        Badge { role, long: long.into(), short: short.into() }
    }

    /// Its words.
    pub(super) fn words(&self, is_short: bool) -> &str {
        if is_short { &self.short } else { &self.long }
    }
}

/// What must not go unseen, the gravest first. Who leads may have its place in the header
/// already.
pub(super) fn loud(scene: &Scene<'_>, has_lead_above: bool) -> Vec<Badge> {
    let lead = lead::word(scene).filter(|(role, _)| *role != Role::Dim && !has_lead_above);
    let lease = lead::lease(scene).filter(|(role, _)| *role == Role::Warn);
    [
        recording(scene),
        unwritten(scene),
        same(lease),
        same(lead),
        throttled(scene),
        saturated(scene),
        coverage(scene).filter(|badge| badge.role == Role::Warn),
        old(scene),
        not_live(scene),
        filter(scene),
        asked(scene),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is as it should be.
pub(super) fn quiet(scene: &Scene<'_>, has_lead_above: bool) -> Vec<Badge> {
    let is_quiet = |(role, _): &(Role, String)| *role == Role::Dim;
    let lead = lead::word(scene).filter(|it| is_quiet(it) && !has_lead_above);
    let coverage = coverage(scene).filter(|badge| badge.role != Role::Warn);
    [same(lead::lease(scene).filter(is_quiet)), same(lead), coverage]
        .into_iter()
        .flatten()
        .collect()
}

fn same(words: Option<(Role, String)>) -> Option<Badge> {
    words.map(|(role, words)| Badge::new(role, words.clone(), words))
}

fn recording(scene: &Scene<'_>) -> Option<Badge> {
    match scene.app.recording.as_ref()? {
        Recording::On(file) => {
            let name = file.rsplit('/').next().unwrap_or(file);
            Some(Badge::new(Role::Error, format!("● rec {}", format::cut(name, 32)), "● rec"))
        }
        Recording::Failed(_) => Some(Badge::new(Role::Warn, "not recorded", "no rec")),
        Recording::Ended(_) => None,
    }
}

/// Orders that are no part of the wish yet.
fn unwritten(scene: &Scene<'_>) -> Option<Badge> {
    let edits = scene.snapshot().orders.unwritten;
    let long = format!("{} not in the bucket yet", format::counted(edits, "order"));
    (edits > 0).then(|| Badge::new(Role::Accent, long, format!("{edits} unsent")))
}

/// Tasks on their way: asked for, and not seen to run.
fn asked(scene: &Scene<'_>) -> Option<Badge> {
    let tasks = &scene.snapshot().tasks.value;
    let (asked, starting) = (tasks.requested, tasks.pending);
    let [many, starts] = [asked, starting].map(|n| format::count(n.into()));
    let (long, short) = match (asked, starting) {
        (0, 0) => return None,
        (_, 0) => {
            (format!("{} asked for", format::counted(asked, "task")), format!("{many} asked"))
        }
        (0, _) => {
            let word = if starting == 1 { "starts" } else { "start" };
            (format!("{} {word}", format::counted(starting, "task")), format!("{starts} start"))
        }
        _ => {
            let asked = format::counted(asked, "task");
            (format!("{asked} asked for, {starts} placed"), format!("{many}+{starts} start"))
        }
    };
    Some(Badge::new(Role::Accent, long, short))
}

/// The operation that is slowed down for longest.
fn throttled(scene: &Scene<'_>) -> Option<Badge> {
    let (operation, left) = slowest(scene)?;
    let left = format::left(left);
    let long = format!("{operation} throttled, slower for {left}");
    Some(Badge::new(Role::Warn, long, format!("throttled {left}")))
}

/// The operation that goes slower for longest since AWS throttled it, and how long that
/// is from now.
pub(super) fn slowest<'a>(scene: &'a Scene<'_>) -> Option<(&'a str, Millis)> {
    let throttled = &scene.snapshot().throttled;
    let (operation, until) = throttled.iter().max_by_key(|(_, until)| **until)?;
    let left = until.saturating_sub(scene.shown_at());
    (left > 0).then_some((operation.as_str(), left))
}

fn saturated(scene: &Scene<'_>) -> Option<Badge> {
    scene.is_saturated().then(|| Badge::new(Role::Warn, "generator saturated", "saturated"))
}

/// Of how many tasks the figures are.
pub(super) fn coverage(scene: &Scene<'_>) -> Option<Badge> {
    let words = fleet::coverage_words(scene)?;
    let devices = &scene.snapshot().devices.value;
    if scene.counts_by_tasks() {
        return Some(Badge::new(Role::Dim, words.content.clone(), "no reports"));
    }
    let (reporting, expected) = (devices.tasks_reporting, devices.tasks_expected);
    let role = if reporting < expected { Role::Warn } else { Role::Dim };
    let long = format!("{reporting} of {expected} reporting");
    Some(Badge::new(role, long, format!("{reporting}/{expected}")))
}

/// The oldest of what is shown and should be newer.
fn old(scene: &Scene<'_>) -> Option<Badge> {
    let snapshot = scene.snapshot();
    let refresh = snapshot.site.refresh;
    let is_old = |note: Option<(Role, String)>| note.is_some_and(|(role, _)| role == Role::Warn);
    let traffic = scene.traffic_age().filter(|(role, _)| *role == Role::Warn);
    let parts = [
        ("tasks", is_old(scene.age(&snapshot.tasks, refresh)), at(&snapshot.tasks)),
        ("instances", is_old(scene.age(&snapshot.instances, refresh)), at(&snapshot.instances)),
        ("reports", traffic.is_some(), at(&snapshot.traffic)),
    ];
    let (what, _, at) = parts.into_iter().filter(|(_, is_old, _)| *is_old).min_by_key(|it| it.2)?;
    let age = match traffic {
        Some((_, words)) if what == "reports" => words,
        _ => format!("{} old", format::span(scene.shown_at().saturating_sub(at))),
    };
    Some(Badge::new(Role::Warn, format!("{what} {age}"), age))
}

fn at<T>(part: &Aged<T>) -> Millis {
    part.at.unwrap_or_default()
}

/// The charts show the past.
fn not_live(scene: &Scene<'_>) -> Option<Badge> {
    let is_past = scene.app.stretch.end.is_some() && scene.app.view.has_charts();
    is_past.then(|| Badge::new(Role::Focus, "charts not live: End", "not live"))
}

/// Not all rows are shown.
fn filter(scene: &Scene<'_>) -> Option<Badge> {
    let lists = &scene.app.lists;
    let filter = match scene.app.view {
        View::Instances => &lists.instances.filter,
        View::Tasks => &lists.tasks.filter,
        View::Notices => &lists.notices.filter,
        View::Overview | View::Latency | View::Target => return None,
    };
    let long = format!("filter: {}", format::cut(filter, 24));
    (!filter.is_empty()).then(|| Badge::new(Role::Accent, long, "filtered"))
}
