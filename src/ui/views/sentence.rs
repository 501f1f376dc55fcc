//! The second line: how it is, in one sentence, and what to do about it.
//!
//! Invariant: it says the one thing that matters most now; whoever reads only this
//! line is not misled.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{Scene, fleet, lead, ramp, wrap};
use crate::{
    controller::snapshot::Phase,
    model::Millis,
    ui::{format, theme::Role},
};

/// Below this it is said when we leave although the end has not come.
const SOON_MS: Millis = 30_000;

/// As long as it is not known whether there is a run.
pub(super) const LOOKING: &str = "looking for a live run …";

/// News that are older than so many refreshes are no news.
const SILENCE: u32 = 5;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (role, text) = say(scene);
    let weight = if matches!(role, Role::Warn | Role::Error) { role } else { Role::Strong };
    Line::from(scene.span(role, " ●")).render(area, buffer);
    let width = usize::from(area.width).saturating_sub(4);
    let mut lines = wrap(&text, width);
    if lines.len() > usize::from(area.height) {
        lines.truncate(usize::from(area.height));
        if let Some(last) = lines.last_mut() {
            while let (true, Some(space)) = (last.chars().count() + 2 > width, last.rfind(' ')) {
                last.truncate(space);
            }
            *last = format::cut(last, width.saturating_sub(2)) + " …";
        }
    }
    for (line, row) in lines.into_iter().zip(area.rows()) {
        let row = Rect { x: row.x + 3, width: row.width.saturating_sub(3), ..row };
        Line::from(scene.span(weight, line)).render(row, buffer);
    }
}

/// The lines that the sentence needs on a screen of this width.
pub(super) fn lines(scene: &Scene<'_>, width: u16) -> u16 {
    wrap(&say(scene).1, usize::from(width.saturating_sub(4))).len() as u16
}

/// The sentence and how grave it is.
pub(super) fn say(scene: &Scene<'_>) -> (Role, String) {
    departing(scene)
        .or_else(|| silence(scene))
        .or_else(|| stuck(scene))
        .or_else(|| lead::trouble(scene))
        .or_else(|| phase(scene))
        .or_else(|| no_room(scene))
        .or_else(|| trouble(scene))
        .unwrap_or_else(|| progress(scene))
}

fn departing(scene: &Scene<'_>) -> Option<(Role, String)> {
    let departing = scene.app.departing?;
    let left = departing.deadline().saturating_sub(scene.now);
    // While it goes on as it should, nobody needs to know when it would not.
    let is_slow = left < SOON_MS;
    let ending = match scene.phase() {
        Some(Phase::Ending { tasks_left, left_ms }) => {
            tasks_left_words(tasks_left, left_ms.filter(|_| !is_slow))
        }
        Some(Phase::Collecting { read, of }) => collecting(read, of),
        _ => "telling the tasks".into(),
    };
    let left = format::left(left);
    if scene.app.stuck().is_some() {
        let text = format!("the end does not come: {ending}; leaves in {left}, q: now, Enter: why");
        return Some((Role::Error, text));
    }
    let then = if is_slow {
        format!("leaves in {left} if nothing moves (Ctrl-C: now)")
    } else {
        "then loadtop leaves (Ctrl-C: now)".to_owned()
    };
    Some((Role::Warn, format!("ending: {ending}; {then}")))
}

/// `312 tasks left, about 9 s`.
fn tasks_left_words(tasks_left: u32, left_ms: Option<Millis>) -> String {
    let about = left_ms.map_or_else(String::new, |left| format!(", about {}", format::left(left)));
    format!("{} left{about}", format::counted(tasks_left, "task"))
}

/// The end does not come by itself.
fn stuck(scene: &Scene<'_>) -> Option<(Role, String)> {
    scene.app.stuck()?;
    let left = match scene.phase() {
        Some(Phase::Ending { tasks_left, .. }) => tasks_left_words(tasks_left, None),
        _ => "something is left".into(),
    };
    let text = format!("the end does not come: {left}; Enter shows what, and how to end it");
    Some((Role::Error, text))
}

fn silence(scene: &Scene<'_>) -> Option<(Role, String)> {
    let age = scene.shown_at().saturating_sub(scene.snapshot().at);
    let limit = (scene.snapshot().site.refresh * SILENCE).as_millis() as Millis;
    (age > limit.max(5_000) && !scene.is_ended()).then(|| {
        (Role::Error, format!("no news for {}: what is shown is as old", format::span(age)))
    })
}

fn phase(scene: &Scene<'_>) -> Option<(Role, String)> {
    let begins = |what: &str| if scene.app.readonly { String::new() } else { what.to_owned() };
    match scene.phase() {
        None if scene.snapshot().finding => Some((Role::Dim, LOOKING.into())),
        None => Some(match fleet::boot_words(scene) {
            Some(words) => (Role::Accent, format!("{words}{}", begins("; + begins a run"))),
            None => (Role::Dim, format!("nothing runs yet{}", begins(": press + to begin"))),
        }),
        Some(Phase::Ended) => Some((
            Role::Ok,
            format!("run ended, nothing left running{}", begins("; + begins a new run")),
        )),
        Some(Phase::Ending { tasks_left, left_ms }) => {
            Some((Role::Warn, format!("ending: {}", tasks_left_words(tasks_left, left_ms))))
        }
        Some(Phase::Collecting { read, of }) => Some((Role::Accent, collecting(read, of))),
        Some(Phase::Running | Phase::Paused) => None,
    }
}

/// `collecting results: 120 of 400 parts`.
fn collecting(read: u32, of: u32) -> String {
    if of == 0 {
        return "collecting results".into();
    }
    let read = format::count(read.into());
    format!("collecting results: {read} of {}", format::counted(of, "part"))
}

fn no_room(scene: &Scene<'_>) -> Option<(Role, String)> {
    let waiting = scene.snapshot().tasks.value.waiting_for_room;
    if waiting == 0 {
        return None;
    }
    let instances = &scene.snapshot().instances.value;
    let wait = if waiting == 1 { "waits" } else { "wait" };
    if let Some(text) = not_ours(scene, &format!("{} {wait}", format::counted(waiting, "task"))) {
        return Some((Role::Warn, text));
    }
    if let Some(words) = fleet::boot_words(scene) {
        let tasks = format::counted(waiting, "task");
        return Some((Role::Warn, format!("{tasks} {wait} for room: {words}")));
    }
    let why = if instances.registered == 0 { "no instance is up" } else { "cluster is full" };
    let full = format!("{why}: {} {wait} for room", format::counted(waiting, "task"));
    let coming = instances.booting.max(instances.desired.saturating_sub(instances.registered));
    let advice = if coming > 0 {
        let are = if coming == 1 { "is" } else { "are" };
        format!("; {} {are} on the way", format::counted(coming, "instance"))
    } else if scene.app.readonly {
        String::new()
    } else if instances.desired >= instances.max {
        format!("; the group is at its maximum of {}, press - for fewer devices", instances.max)
    } else {
        let another = if instances.registered == 0 { "an" } else { "another" };
        format!(" — press ] for {another} instance")
    };
    Some((Role::Warn, full + &advice))
}

/// That tasks wait for room that nobody here can make: on Fargate, or where a capacity
/// provider brings the instances.
fn not_ours(scene: &Scene<'_>, tasks_wait: &str) -> Option<String> {
    let snapshot = scene.snapshot();
    let fewer = if scene.app.readonly { "" } else { ", press - for fewer devices" };
    if let Some(fargate) = snapshot.capacity.fargate() {
        let why = fargate.shortage.map_or_else(String::new, |shortage| {
            format!(": {} is used up", shortage.name(fargate.spot))
        });
        return Some(format!("{tasks_wait} for room on Fargate{why}{fewer}"));
    }
    let (provider, max) = (snapshot.capacity.provider()?, snapshot.instances.value.max);
    if snapshot.instances.value.desired >= max {
        return Some(format!("{tasks_wait} for room: the group is at its maximum of {max}{fewer}"));
    }
    Some(format!("{tasks_wait} for instances, which {provider} brings (at most {max})"))
}

/// What is wrong, the gravest first.
fn trouble(scene: &Scene<'_>) -> Option<(Role, String)> {
    let snapshot = scene.snapshot();
    let (tasks, devices) = (&snapshot.tasks.value, &snapshot.devices.value);
    let mut found: Vec<(Role, String)> = Vec::new();
    let point = scene.latest_point();
    if let Some(errors) = point.map(|point| point.errors_per_s).filter(|errors| *errors >= 0.05) {
        found.push((Role::Error, format!("{} errors/s", format::rate(errors))));
    }
    if devices.failed > 0 {
        let are = if devices.failed == 1 { "is" } else { "are" };
        let failed = format::counted(devices.failed, "device");
        found.push((Role::Error, format!("{failed} {are} not connected")));
    }
    let is_running = scene.phase() == Some(Phase::Running) && devices.wanted > 0;
    if let Some(silence) = scene.unanswered_ms().filter(|_| is_running) {
        let (silence, connected) = (format::span(silence), connected(scene));
        found.push((Role::Warn, format!("no answers for {silence}, with {connected}")));
    }
    let is_running = is_running && !scene.counts_by_tasks();
    let silent = devices.tasks_expected.saturating_sub(devices.tasks_reporting);
    if is_running && silent > 0 {
        let expected = format::counted(devices.tasks_expected, "task");
        found.push((Role::Warn, format!("{silent} of {expected} silent")));
    }
    if let Some(point) = point.filter(|_| scene.is_saturated()) {
        let (cpu, lag) = (format::percent(point.cpu), format::latency(point.lag_ms));
        found.push((Role::Warn, format!("generator saturated (cpu {cpu}, lag {lag})")));
    }
    if tasks.failed > 0 && tasks.running < tasks.wanted {
        found.push((Role::Warn, format!("{} failed", format::counted(tasks.failed, "task"))));
    }
    let gravest = found.first()?.0;
    let words: Vec<String> = found.into_iter().map(|(_, words)| words).collect();
    Some((gravest, words.join("; ")))
}

/// `588 of 1,000 devices connected`; where none says so, the tasks that run.
fn connected(scene: &Scene<'_>) -> String {
    if scene.counts_by_tasks() {
        let tasks = &scene.snapshot().tasks.value;
        let (is, wanted) = (tasks.running.into(), tasks.wanted.into());
        return format!("{} of {} tasks running", format::count(is), format::count(wanted));
    }
    let devices = &scene.snapshot().devices.value;
    let (is, wanted) = (devices.connected.into(), devices.wanted.into());
    format!("{} of {} devices connected", format::count(is), format::count(wanted))
}

fn progress(scene: &Scene<'_>) -> (Role, String) {
    let snapshot = scene.snapshot();
    if snapshot.devices.value.wanted == 0 {
        return (Role::Dim, "the run has no devices; + adds some, K ends it".into());
    }
    if !snapshot.ramp.is_over() {
        let (role, words) = ramp::words(scene);
        return (role, format!("{}; {words}", connected(scene)));
    }
    let mut words = vec![connected(scene)];
    words.extend(scene.counts_by_tasks().then(|| "devices do not report".to_owned()));
    if let Some(point) = scene.latest_point() {
        let window = snapshot.traffic.value.window;
        let window = window.filter(|it| scene.unanswered_since(it).is_none());
        words.push(format!("{} req/s", format::rate(point.requests_per_s)));
        words.extend(window.map(|window| format!("p99 {}", format::latency(window.response.p99))));
        words.extend(snapshot.traffic.value.errors.is_empty().then(|| "no errors".to_owned()));
    }
    let text = words.join(", ");
    if scene.phase() == Some(Phase::Paused) {
        return (Role::Warn, format!("paused: no further device starts; {text}"));
    }
    (Role::Ok, text)
}
