//! The questions before something ends: what exactly would go, and what stays.
//!
//! Invariant: its numbers are of now, even on a frozen screen, and its buttons are on
//! the screen whatever else has no room.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{Scene, wrap};
use crate::{
    app::{
        action::Action,
        preview,
        scale::{Drain, Scaling},
        state::{Choice, Dialog, Question, devices_alive, tasks_alive},
    },
    ui::{format, layout, theme::Role, widgets::Pane},
};

/// Widest dialog.
const WIDEST: u16 = 64;
/// The words beside the box.
const SCALE_TO_ZERO: &str = "and scale to zero";

pub(super) fn draw(buffer: &mut Buffer, area: Rect, dialog: Dialog, scene: &Scene<'_>) {
    let title = match dialog.question {
        Question::EndRun => "End the run",
        Question::Quit => "Quit",
        Question::Drain(_) => "Fewer instances",
        Question::StopTask { .. } => "Stop a task",
        Question::AddLarge => "A large batch",
    };
    let width = area.width.min(WIDEST);
    let mut below = vec![Line::default()];
    if dialog.question == Question::EndRun && scene.app.snapshot.capacity.refusal().is_none() {
        let mark = if dialog.scale_to_zero { "[x]" } else { "[ ]" };
        below.push(Line::from(vec![
            scene.span(Role::Text, format!("{mark} {SCALE_TO_ZERO}")),
            scene.span(Role::Dim, "  (z)"),
        ]));
        below.push(Line::default());
    }
    below.extend(buttons(dialog, usize::from(width.saturating_sub(4)), scene));
    let room = usize::from(area.height.saturating_sub(2)).saturating_sub(below.len());
    let mut lines: Vec<Line<'static>> = wrap(&what(dialog, scene), usize::from(width) - 4)
        .into_iter()
        .take(room)
        .map(|line| Line::from(scene.span(Role::Strong, line)))
        .collect();
    lines.append(&mut below);

    let place = layout::centred(area, width, lines.len() as u16 + 2);
    scene.dim(buffer, area);
    Clear.render(place, buffer);
    let inner = Pane::new(title).render(place, buffer, scene.theme);
    let mut choices = dialog.question.choices(scene.app.snapshot.site.outlives_us).iter();
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        point(&line, row, &mut choices, scene);
        line.render(row, buffer);
    }
}

/// What of a line can be pointed at: its buttons, which come in the order of `choices`,
/// and the box that is ticked.
fn point<'a>(
    line: &Line<'_>,
    row: Rect,
    choices: &mut impl Iterator<Item = &'a Choice>,
    scene: &Scene<'_>,
) {
    let mut x = row.x;
    for span in &line.spans {
        let width = span.width() as u16;
        let area = Rect { x, width, ..row };
        if span.content.ends_with(SCALE_TO_ZERO) {
            scene.click(area, Action::ToggleScaleToZero);
        } else if span.content.starts_with("[ ")
            && let Some(choice) = choices.next()
        {
            scene.click(area, Action::PointAt(*choice));
        }
        x += width;
    }
}

/// The question for a screen that has no room for it.
pub(super) fn brief(dialog: Dialog, scene: &Scene<'_>) -> String {
    let what = match dialog.question {
        Question::EndRun => "end run?",
        Question::Quit => "quit?",
        Question::Drain(_) => "stop tasks?",
        Question::StopTask { .. } => "stop the task?",
        Question::AddLarge => "add it?",
    };
    let outlives_us = scene.app.snapshot.site.outlives_us;
    let keys = dialog.question.choices(outlives_us).iter().map(|choice| {
        let (key, word) = button(*choice, dialog.question);
        format!(" {key}: {word}")
    });
    what.to_owned() + &keys.collect::<Vec<_>>().join(",")
}

/// What would happen, with its numbers.
fn what(dialog: Dialog, scene: &Scene<'_>) -> String {
    let snapshot = &scene.app.snapshot;
    let devices = format::counted(devices_alive(&snapshot.devices.value), "device");
    let tasks = format::counted(tasks_alive(&snapshot.tasks.value), "task");
    let run =
        snapshot.run.as_ref().map_or_else(|| "the run".to_owned(), |run| format!("run {}", run.id));
    match dialog.question {
        Question::EndRun => {
            let instances = match (snapshot.capacity.provider(), dialog.scale_to_zero) {
                _ if snapshot.capacity.fargate().is_some() => String::new(),
                (Some(provider), _) => format!(" Instances are scaled by {provider}."),
                (None, true) => " Instances go, too.".to_owned(),
                (None, false) => " Instances stay.".to_owned(),
            };
            format!("End {run}: kills {devices} in {tasks}.{instances}")
        }
        Question::Quit if snapshot.site.outlives_us => {
            format!("{devices} in {tasks} of {run}. Left running, {}", goes_on(scene))
        }
        Question::Quit => {
            format!("Leaving ends {run}: kills {devices} in {tasks}.")
        }
        Question::Drain(scaling) => drained(scaling, scene),
        Question::StopTask { slot, attempt } => stopped(slot, attempt, scene),
        Question::AddLarge => preview::forecast(scene.app, scene.app.batch).map_or_else(
            || format!("Add {}?", format::counted(scene.app.batch, "device")),
            |forecast| forecast.question(),
        ),
    }
}

/// For how long a run goes on that nobody leads.
fn goes_on(scene: &Scene<'_>) -> String {
    let Some(run) = &scene.app.snapshot.run else {
        return "they go on until the lease lapses.".into();
    };
    if let Some(warning) = &run.warning {
        return format!("they go on without a controller: {}.", warning.trim_end_matches('.'));
    }
    let age = scene.now.saturating_sub(scene.app.snapshot.at);
    let left = format::left(run.lease_left_ms.saturating_sub(age));
    format!("they go on for {left} without a controller, and end then.")
}

/// `i-0a1 has 2 tasks with about 500 devices: …`.
fn drained(scaling: Scaling, scene: &Scene<'_>) -> String {
    let Some(drain) = Drain::of(scaling, &scene.app.snapshot) else {
        return "Enough instances are empty now.".into();
    };
    let who = match drain.instances.as_slice() {
        [one] => format!("{one} has"),
        [one, other] => format!("{one} and {other} have"),
        many => format!("{} have", format::counted(many.len() as u32, "instance")),
    };
    let tasks = format::counted(drain.tasks, "task");
    let devices = match drain.devices {
        0 => String::new(),
        // One device a task is no guess.
        n if n == drain.tasks => format!(" with {}", format::counted(n, "device")),
        n => format!(" with about {}", format::counted(n, "device")),
    };
    let they = if drain.tasks == 1 { "it stops, and starts" } else { "they stop, and start" };
    let room = match drain.room {
        0 => ", and now there is none".into(),
        room if room < drain.tasks => format!(", and now it is for {room}"),
        _ => String::new(),
    };
    format!("{who} {tasks}{devices}: {they} again where there is room{room}.")
}

/// What becomes of the devices of a task that is stopped.
fn stopped(slot: u32, attempt: u32, scene: &Scene<'_>) -> String {
    let rows = scene.app.snapshot.task_rows.value.iter();
    let row = rows.into_iter().find(|row| row.slot == slot && row.attempt == attempt);
    let Some(row) = row else {
        return format!("Task {slot:05}-{attempt} is not there any more.");
    };
    let on = row.instance.as_ref().map_or_else(String::new, |id| format!(" on {id}"));
    let name = format!("task {}{on}", row.name);
    match row.devices {
        0 => format!("Stop {name}? No live device is in it."),
        1 => format!("Stop {name}? Its device goes down, and comes back in a new task."),
        n => {
            let devices = format::counted(n, "device");
            format!("Stop {name}? Its {devices} go down, and come back in a new task.")
        }
    }
}

/// The key and the word of a button.
fn button(choice: Choice, question: Question) -> (&'static str, &'static str) {
    match (choice, question) {
        (Choice::Kill, Question::Quit) => ("y", "kill and quit"),
        (Choice::Kill, _) => ("y", "kill"),
        (Choice::Leave, _) => ("l", "leave it running"),
        (Choice::Drain, _) => ("y", "yes, stop them"),
        (Choice::StopTask, _) => ("y", "yes, stop it"),
        (Choice::Add, _) => ("y", "yes, add it"),
        (Choice::Cancel, _) => ("n", "cancel"),
    }
}

/// The buttons, on as many lines as they need.
fn buttons(dialog: Dialog, width: usize, scene: &Scene<'_>) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for choice in dialog.question.choices(scene.app.snapshot.site.outlives_us) {
        let (key, word) = button(*choice, dialog.question);
        let role = match choice {
            _ if *choice == dialog.focus => Role::Focus,
            Choice::Kill | Choice::Drain | Choice::StopTask => Role::Error,
            Choice::Add | Choice::Leave | Choice::Cancel => Role::Text,
        };
        let spans =
            [scene.span(role, format!("[ {word} ]")), scene.span(Role::Dim, format!(" {key}"))];
        let needed: usize = spans.iter().map(Span::width).sum();
        let used = lines.last().map_or(0, Line::width);
        if used > 0 && used + 3 + needed > width {
            lines.push(Line::default());
        } else if let (1.., Some(line)) = (used, lines.last_mut()) {
            line.push_span(Span::raw("   "));
        }
        if let Some(line) = lines.last_mut() {
            line.extend(spans);
        }
    }
    lines
}
