//! The tasks, one a row, and all that is known of the selected one.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Scene,
    details::{Details, Field},
    listing::{self, Listing},
};
use crate::{
    app::{action::Action, list::TaskColumn},
    controller::snapshot::{LeadView, TaskReport, TaskRow, TaskState},
    model::{Millis, device::device_id},
    ui::{
        format,
        theme::Role,
        widgets::{Cell, Column, Fit, Row},
    },
};

/// What has a column: why a task ended is in the place of its figures.
const COLUMNS: [TaskColumn; 10] = {
    let [first @ .., _, _] = TaskColumn::ALL;
    first
};

/// How long a report may be due before its figures are called old, beyond its interval.
const LATE_MS: Millis = 5_000;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let part = &scene.snapshot().task_rows;
    let (rows, list) = (&part.value, &scene.app.lists.tasks);
    if list.order.is_empty() {
        let words = if rows.is_empty() {
            nothing(scene)
        } else {
            listing::nothing_matches(list, rows.len(), "tasks", scene)
        };
        return listing::say(buffer, area, "Tasks", &words, scene);
    }
    let details = list.opened(rows).map(|row| details(row, scene));
    let Some(area) = Details::beside(details.as_ref(), buffer, area, scene) else { return };
    let listing = Listing {
        title: "Tasks".into(),
        list,
        total: rows.len(),
        headings: &TaskColumn::ALL.map(TaskColumn::name),
        note: scene.age(part, scene.snapshot().site.refresh),
    };
    let inner = listing.frame(buffer, area, scene);
    let columns = COLUMNS.map(column);
    let seen =
        listing.table(buffer, inner, &columns, |row| Some(table_row(rows.get(row)?, scene)), scene);
    listing.close(buffer, area, seen, scene);
}

/// Why there is no task to show.
fn nothing(scene: &Scene<'_>) -> Vec<(Role, String)> {
    let snapshot = scene.snapshot();
    let Some(run) = &snapshot.run else {
        return before_a_run(scene);
    };
    if snapshot.task_rows.at.is_some() {
        let words = if scene.is_over() {
            "the run has no task any more".to_owned()
        } else {
            format!("the run has no tasks; {} adds devices", listing::key(&Action::AddBatch, scene))
        };
        return vec![(Role::Dim, words)];
    }
    let words = match &run.lead {
        LeadView::Other { owner, .. } => {
            format!("{owner} leads this run: its table of tasks is being read from the bucket")
        }
        _ => "the tasks have not been looked at yet; they come in a moment".to_owned(),
    };
    vec![(Role::Dim, words)]
}

/// Before the first run.
pub(super) fn before_a_run(scene: &Scene<'_>) -> Vec<(Role, String)> {
    if scene.snapshot().finding {
        return vec![(Role::Strong, super::sentence::LOOKING.into())];
    }
    if scene.app.readonly {
        return vec![(Role::Dim, "no run is on; this screen only watches".into())];
    }
    let key = listing::key(&Action::AddBatch, scene);
    vec![
        (Role::Strong, "no run is on".into()),
        (Role::Dim, format!("{key} begins one: {}", scene.batch())),
    ]
}

fn column(column: TaskColumn) -> Column {
    let (widths, rank, fit) = match column {
        TaskColumn::Name => ((7, 12), 0, Fit::Left),
        TaskColumn::State => ((8, 8), 0, Fit::Left),
        TaskColumn::Devices => ((9, 17), 0, Fit::Right),
        TaskColumn::Instance => ((8, 19), 2, Fit::Tail),
        TaskColumn::Age => ((7, 7), 3, Fit::Right),
        TaskColumn::Requests => ((6, 9), 1, Fit::Right),
        TaskColumn::Errors => ((6, 8), 1, Fit::Right),
        TaskColumn::Cpu => ((5, 6), 4, Fit::Right),
        TaskColumn::Lag => ((7, 7), 5, Fit::Right),
        // Beside the figures there is no room for words: they are in the place of those.
        TaskColumn::Report | TaskColumn::Exit | TaskColumn::Reason => ((7, 8), 6, Fit::Right),
    };
    Column { name: column.name(), widths, rank, fit }
}

fn table_row(row: &TaskRow, scene: &Scene<'_>) -> Row {
    let report = row.live_report();
    let is_old = report.is_some_and(|report| is_old(report, scene));
    let plain = if row.state.is_alive() { Role::Text } else { Role::Dim };
    let mut cells = vec![
        (plain, row.name.clone()),
        (state_role(row.state), row.state.as_str().to_owned()),
        devices(row, is_old),
        (plain, row.instance.clone().unwrap_or_default()),
        (Role::Dim, row.since.map(|since| span_since(since, scene)).unwrap_or_default()),
    ];
    let figures = report.map(|report| figures(report, is_old, scene));
    cells.extend(figures.into_iter().flatten());
    let first_figure = COLUMNS.iter().position(|column| *column == TaskColumn::Requests);
    let over = if report.is_none() { first_figure.zip(why(row)) } else { None };
    Row { cells, over }
}

fn figures(report: &TaskReport, is_old: bool, scene: &Scene<'_>) -> [Cell; 5] {
    let seen = |role: Role| if is_old { Role::Dim } else { role };
    let errors = if report.errors_per_s >= 0.05 { Role::Error } else { Role::Dim };
    let age = if is_old { Role::Warn } else { Role::Dim };
    [
        (seen(Role::Text), format::rate(report.requests_per_s)),
        (seen(errors), format::rate(report.errors_per_s)),
        (seen(limit(report.cpu > 0.9)), format::percent(report.cpu)),
        (seen(limit(report.lag_p99_ms > 50.0)), format::latency(report.lag_p99_ms)),
        (age, span_since(report.at, scene)),
    ]
}

/// `exit 137: OutOfMemoryError`.
fn why(row: &TaskRow) -> Option<Cell> {
    // The reason may begin with the code that stands before it here.
    let code = row.exit_code.map(|code| format!("exit code {code}, "));
    let reason = row.reason.as_deref();
    let reason =
        reason.map(|it| code.and_then(|code| it.strip_prefix(code.as_str())).unwrap_or(it));
    let text = match (row.exit_code, reason) {
        (None, None) => return None,
        (Some(code), None) => format!("exit {code}"),
        (None, Some(reason)) => reason.to_owned(),
        (Some(code), Some(reason)) => format!("exit {code}: {reason}"),
    };
    let role = match row.state {
        TaskState::Failed | TaskState::GivenUp => Role::Error,
        TaskState::NoRoom => Role::Warn,
        _ => Role::Dim,
    };
    Some((role, text))
}

/// Where the generator itself is at its limit.
fn limit(is_over: bool) -> Role {
    if is_over { Role::Warn } else { Role::Text }
}

fn state_role(state: TaskState) -> Role {
    match state {
        TaskState::Running => Role::Ok,
        TaskState::Due | TaskState::Asked | TaskState::Pending => Role::Accent,
        TaskState::NoRoom | TaskState::Stopping => Role::Warn,
        TaskState::Stopped => Role::Dim,
        TaskState::Failed | TaskState::GivenUp => Role::Error,
    }
}

/// `248/250`: connected ones, of those that should be.
fn devices(row: &TaskRow, is_old: bool) -> Cell {
    let live = format::count(row.devices.into());
    match row.live_report() {
        _ if matches!(row.state, TaskState::Stopped | TaskState::Failed) => {
            (Role::Dim, String::new())
        }
        None => (Role::Dim, format!("-/{live}")),
        Some(report) => {
            let connected = report.devices.connected;
            let is_short = connected < u64::from(row.devices) && row.state == TaskState::Running;
            let role = match (is_old, is_short) {
                (true, _) => Role::Dim,
                (false, true) => Role::Warn,
                (false, false) => Role::Text,
            };
            (role, format!("{}/{live}", format::count(connected)))
        }
    }
}

/// Whether a report is older than the next one should let it become.
fn is_old(report: &TaskReport, scene: &Scene<'_>) -> bool {
    let every = scene.snapshot().site.results.as_millis() as Millis;
    !scene.is_over() && scene.shown_at().saturating_sub(report.at) > 2 * every + LATE_MS
}

fn span_since(at: Millis, scene: &Scene<'_>) -> String {
    format::span(scene.shown_at().saturating_sub(at))
}

fn details(row: &TaskRow, scene: &Scene<'_>) -> Details {
    let since = row.since.map_or_else(String::new, |at| format!(" for {}", span_since(at, scene)));
    let attempt = match row.attempt {
        0 => ", no attempt was made yet".to_owned(),
        n => format!(", attempt {n} of slot {}", row.slot),
    };
    let mut fields = vec![
        Field::new("state", format!("{}{since}{attempt}", row.state.as_str()))
            .role(state_role(row.state)),
        Field::new("devices", range(row)),
    ];
    fields.extend(ending(row));
    fields.extend(reported(row, scene));
    fields.extend(row.log.clone().map(|log| Field::new("its log", log).role(Role::Accent)));
    let known = [("instance", &row.instance), ("task id", &row.id)];
    fields.extend(
        known.into_iter().filter_map(|(label, text)| Some(Field::new(label, text.clone()?))),
    );
    if let Some(run) = &scene.snapshot().run {
        fields.push(Field::new("first device", device_id(&run.id, row.first).to_string()));
    }
    if matches!(row.state, TaskState::Asked | TaskState::Pending | TaskState::Running)
        && !scene.app.readonly
        && !scene.is_over()
    {
        let key = listing::key(&Action::AskToStopTask, scene);
        let words = format!("{key} stops it; its devices come back in a new task");
        fields.push(Field::new("", words).role(Role::Dim));
    }
    Details { title: format!("Task {}", row.name), fields, scroll: scene.app.lists.tasks.scroll }
}

/// `250 live of 250, indices 750–999`.
fn range(row: &TaskRow) -> String {
    let last = row.first.saturating_add(row.room.saturating_sub(1));
    let [live, room] = [row.devices, row.room].map(|n| format::count(n.into()));
    if matches!(row.state, TaskState::Stopped | TaskState::Failed) {
        return format!("none any more; it had indices {}–{last}", row.first);
    }
    format!("{live} live of {room}, indices {}–{last}", row.first)
}

/// How it ended, if it has.
fn ending(row: &TaskRow) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some(code) = row.exit_code {
        let role = if code == 0 { Role::Text } else { Role::Error };
        fields.push(Field::new("exit code", format!("{code}{}", exit_words(code))).role(role));
    }
    if let Some(reason) = &row.reason {
        let role = if row.state == TaskState::Stopped { Role::Text } else { Role::Error };
        fields.push(Field::new("reason", reason.clone()).role(role));
    }
    fields
}

/// What an exit code usually means.
fn exit_words(code: i32) -> &'static str {
    match code {
        0 => ": it ended by itself, or as it was told",
        1 => ": an error; its log says which",
        126 | 127 => ": its program could not be run",
        130 => ": interrupted (SIGINT)",
        137 => ": killed (SIGKILL), often for lack of memory",
        139 => ": it crashed (SIGSEGV)",
        143 => ": told to end (SIGTERM)",
        _ => "",
    }
}

/// What it said last, and when.
fn reported(row: &TaskRow, scene: &Scene<'_>) -> Vec<Field> {
    let Some(report) = &row.report else {
        let words = if row.id.is_some() { "it has not reported" } else { "nothing yet" };
        return vec![Field::new("last report", words).role(Role::Dim)];
    };
    let old = is_old(report, scene) && row.state.is_alive();
    let role = limit(old || report.devices.failed > 0);
    let devices = &report.devices;
    let states = [
        (devices.connected, "connected"),
        (devices.starting, "starting"),
        (devices.waiting, "waiting"),
        (devices.failed, "failed"),
    ];
    let states = states.into_iter().filter(|(n, word)| *n > 0 || *word == "connected");
    let states: Vec<String> =
        states.map(|(n, word)| format!("{} {word}", format::count(n))).collect();
    let said = format!("{} ago: {}", span_since(report.at, scene), states.join(", "));
    let [requests, errors] = [report.requests_per_s, report.errors_per_s].map(format::rate);
    let (cpu, lag) = (format::percent(report.cpu), format::latency(report.lag_p99_ms));
    let memory = report.rss as f64 / 1_048_576.0;
    let sockets = format::count(report.sockets);
    let agent = format!("cpu {cpu} of a core, {memory:.0} MiB, {sockets} sockets, lag {lag} (p99)");
    vec![
        Field::new("last report", said).role(role),
        Field::new("traffic", format!("{requests} req/s, {errors} err/s")),
        Field::new("agent", agent).role(limit(report.cpu > 0.9 || report.lag_p99_ms > 50.0)),
    ]
}
