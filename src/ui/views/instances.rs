//! The machines, one a row, and all that is known of the selected one.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Scene,
    details::{Details, Field},
    fargate,
    listing::{self, Listing},
};
use crate::{
    app::{action::Action, list::InstanceColumn, view::View},
    controller::snapshot::{InstanceState, InstanceView, TaskRow},
    model::Millis,
    ui::{
        format,
        theme::Role,
        widgets::{Cell, Column, Fit, Row},
    },
};

/// Tasks of an instance that are named one by one.
const NAMED: usize = 24;

pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let part = &scene.snapshot().instances;
    let (rows, list) = (&part.value.list, &scene.app.lists.instances);
    let title = title(scene);
    if list.order.is_empty() {
        let words = if rows.is_empty() {
            nothing(scene)
        } else {
            listing::nothing_matches(list, rows.len(), "instances", scene)
        };
        return listing::say(buffer, area, &title, &words, scene);
    }
    let details = list.opened(rows).map(|row| details(row, scene));
    let Some(area) = Details::beside(details.as_ref(), buffer, area, scene) else { return };
    let listing = Listing {
        title,
        list,
        total: rows.len(),
        headings: &InstanceColumn::ALL.map(InstanceColumn::name),
        note: scene.age(part, scene.snapshot().site.refresh),
    };
    let inner = listing.frame(buffer, area, scene);
    let columns = InstanceColumn::ALL.map(column);
    let seen = listing.table(
        buffer,
        inner,
        &columns,
        |row| Some(Row { cells: cells(rows.get(row)?, scene), over: None }),
        scene,
    );
    listing.close(buffer, area, seen, scene);
}

fn title(scene: &Scene<'_>) -> String {
    let capacity = &scene.snapshot().capacity;
    match (capacity.fargate(), capacity.provider()) {
        (Some(view), _) => fargate::title(view).to_owned(),
        (None, Some(provider)) => format!("Instances, scaled by {}", format::cut(provider, 24)),
        (None, None) => "Instances".to_owned(),
    }
}

/// Why there is no instance to show.
fn nothing(scene: &Scene<'_>) -> Vec<(Role, String)> {
    let snapshot = scene.snapshot();
    if let Some(view) = snapshot.capacity.fargate() {
        let tasks = listing::key(&Action::Show(View::Tasks), scene);
        return vec![
            (Role::Strong, fargate::one_line(view, scene).to_string()),
            (Role::Text, snapshot.capacity.refusal().unwrap_or_default()),
            (Role::Dim, format!("{tasks} shows the tasks")),
        ];
    }
    if snapshot.instances.at.is_none() {
        return vec![(Role::Dim, "the instances have not been looked at yet".into())];
    }
    let mut words = vec![(Role::Strong, "no instance is up".to_owned())];
    words.push(match (snapshot.capacity.provider(), snapshot.instances.value.booting) {
        (Some(provider), 0) => (Role::Dim, format!("{provider} brings some when tasks need them")),
        (None, 0) if scene.app.readonly => return words,
        (None, 0) => {
            (Role::Dim, format!("{} asks for one", listing::key(&Action::Scale(1), scene)))
        }
        (_, n) => (Role::Accent, format!("{} on the way", format::counted(n, "instance"))),
    });
    words
}

fn column(column: InstanceColumn) -> Column {
    let (widths, rank, fit) = match column {
        InstanceColumn::Id => ((10, 20), 0, Fit::Tail),
        InstanceColumn::State => ((8, 8), 0, Fit::Left),
        InstanceColumn::Tasks => ((6, 6), 0, Fit::Right),
        InstanceColumn::Room => ((5, 6), 2, Fit::Right),
        InstanceColumn::Devices => ((8, 10), 0, Fit::Right),
        InstanceColumn::Cpu => ((6, 10), 1, Fit::Right),
        InstanceColumn::Reserved => ((9, 9), 3, Fit::Right),
        InstanceColumn::Memory => ((7, 15), 4, Fit::Right),
        InstanceColumn::Kind => ((9, 14), 5, Fit::Left),
        InstanceColumn::Zone => ((10, 16), 6, Fit::Tail),
        InstanceColumn::Age => ((7, 7), 2, Fit::Right),
    };
    Column { name: column.name(), widths, rank, fit }
}

fn cells(row: &InstanceView, scene: &Scene<'_>) -> Vec<Cell> {
    let or_nothing = |text: Option<String>| (Role::Text, text.unwrap_or_default());
    let room = if row.room == 0 { Role::Dim } else { Role::Text };
    let is_there = row.state != InstanceState::Booting;
    let counted = |n: u32| if is_there { count(n) } else { String::new() };
    vec![
        (Role::Text, row.id.clone()),
        (state_role(row.state), row.state.as_str().to_owned()),
        (if row.tasks == 0 { Role::Dim } else { Role::Text }, counted(row.tasks)),
        (room, counted(row.room)),
        or_nothing(row.connected.map(count)),
        or_nothing(row.agents_cpu.map(format::percent)),
        or_nothing(row.cpu_units.map(share)),
        or_nothing(row.memory_mib.map(share)),
        (Role::Dim, row.kind.clone().unwrap_or_default()),
        (Role::Dim, row.zone.clone().unwrap_or_default()),
        (Role::Dim, row.since.map(|since| span_since(since, scene)).unwrap_or_default()),
    ]
}

fn count(n: u32) -> String {
    format::count(n.into())
}

/// Room for so many tasks, in words.
fn room(tasks: u32) -> String {
    match tasks {
        0 => "none left".into(),
        1 => "for 1 more task".into(),
        n => format!("for {} more tasks", count(n)),
    }
}

/// Reserved of all, as a share.
fn share((used, all): (u32, u32)) -> String {
    format::percent(f64::from(used) / f64::from(all.max(1)))
}

fn span_since(at: Millis, scene: &Scene<'_>) -> String {
    format::span(scene.shown_at().saturating_sub(at))
}

fn state_role(state: InstanceState) -> Role {
    match state {
        InstanceState::Up => Role::Ok,
        InstanceState::Booting => Role::Accent,
        InstanceState::Draining | InstanceState::Leaving => Role::Warn,
        InstanceState::Silent => Role::Error,
    }
}

/// What a state means, where its word is not enough.
fn state_words(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Up => "",
        InstanceState::Booting => ": the group has it, and ECS does not know it yet",
        InstanceState::Draining => ": it takes no more tasks, and goes once it is empty",
        InstanceState::Leaving => ": it is being terminated",
        InstanceState::Silent => ": ECS's agent there does not answer; its tasks may run on",
    }
}

fn details(row: &InstanceView, scene: &Scene<'_>) -> Details {
    let state = format!("{}{}", row.state.as_str(), state_words(row.state));
    let mut fields = vec![Field::new("state", state).role(state_role(row.state))];
    let of = |(used, all): (u32, u32), unit: &str| {
        format!("{} of {} {unit} reserved ({})", count(used), count(all), share((used, all)))
    };
    let known = [
        ("known for", row.since.map(|since| span_since(since, scene))),
        ("type", row.kind.clone()),
        ("zone", row.zone.clone()),
        ("room", Some(room(row.room))),
        ("cpu", row.cpu_units.map(|units| of(units, "CPU units"))),
        ("memory", row.memory_mib.map(|memory| of(memory, "MiB"))),
        (
            "devices",
            row.connected.map(|n| format!("{} connected, as its tasks said last", count(n))),
        ),
        ("agents", row.agents_cpu.map(|cpu| format!("use {cpu:.2} cores, as they said last"))),
    ];
    fields.extend(known.into_iter().filter_map(|(label, text)| Some(Field::new(label, text?))));
    fields.push(Field::new("tasks", tasks_on(row, scene)));
    Details {
        title: format!("Instance {}", row.id),
        fields,
        scroll: scene.app.lists.instances.scroll,
    }
}

/// The tasks on an instance, by their names.
fn tasks_on(row: &InstanceView, scene: &Scene<'_>) -> String {
    let part = &scene.snapshot().task_rows;
    let here =
        |it: &&TaskRow| it.state.is_alive() && it.instance.as_deref() == Some(row.id.as_str());
    let names: Vec<&str> = part.value.iter().filter(here).map(|it| it.name.as_str()).collect();
    if names.is_empty() {
        return match row.tasks {
            0 => "none".to_owned(),
            n => format!("{}; which ones is not known", count(n)),
        };
    }
    let more = names.len().saturating_sub(NAMED);
    let first = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}
