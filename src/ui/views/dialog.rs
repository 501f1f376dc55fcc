//! The questions before something ends: what exactly would go, and what stays.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{Scene, wrap};
use crate::{
    app::state::{Choice, Dialog, Question, devices_alive, tasks_alive},
    ui::{format, layout, theme::Role, widgets::Pane},
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, dialog: Dialog, scene: &Scene<'_>) {
    let title = match dialog.question {
        Question::EndRun => "End the run",
        Question::Quit => "Quit",
    };
    let width = area.width.min(64);
    let mut lines: Vec<Line<'static>> = wrap(&what(dialog, scene), usize::from(width) - 4)
        .into_iter()
        .map(|line| Line::from(scene.span(Role::Strong, line)))
        .collect();
    lines.push(Line::default());
    if dialog.question == Question::EndRun {
        let mark = if dialog.scale_to_zero { "[x]" } else { "[ ]" };
        lines.push(Line::from(vec![
            scene.span(Role::Text, format!("{mark} and scale to zero")),
            scene.span(Role::Dim, "  (z)"),
        ]));
        lines.push(Line::default());
    }
    lines.push(buttons(dialog, scene));

    let place = layout::centred(area, width, lines.len() as u16 + 2);
    scene.dim(buffer, area);
    Clear.render(place, buffer);
    let inner = Pane::new(title).render(place, buffer, scene.theme);
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        line.render(row, buffer);
    }
}

/// What would happen, with its numbers: of now, even on a frozen screen.
fn what(dialog: Dialog, scene: &Scene<'_>) -> String {
    let snapshot = &scene.app.snapshot;
    let devices = format::counted(devices_alive(&snapshot.devices.value), "device");
    let tasks = format::counted(tasks_alive(&snapshot.tasks.value), "task");
    let run =
        snapshot.run.as_ref().map_or_else(|| "the run".to_owned(), |run| format!("run {}", run.id));
    match dialog.question {
        Question::EndRun => {
            let instances =
                if dialog.scale_to_zero { "Instances go, too." } else { "Instances stay." };
            format!("End {run}: kills {devices} in {tasks}. {instances}")
        }
        Question::Quit if snapshot.site.outlives_us => {
            format!(
                "{devices} in {tasks} of {run} would go on without loadtop, until the lease lapses."
            )
        }
        Question::Quit => {
            format!("Leaving ends {run}: kills {devices} in {tasks}.")
        }
    }
}

fn buttons(dialog: Dialog, scene: &Scene<'_>) -> Line<'static> {
    let choices = dialog.question.choices(scene.app.snapshot.site.outlives_us);
    let spans = choices.iter().flat_map(|choice| {
        let (key, word) = match (choice, dialog.question) {
            (Choice::Kill, Question::EndRun) => ("y", "kill"),
            (Choice::Kill, Question::Quit) => ("y", "kill and quit"),
            (Choice::Leave, _) => ("l", "leave it running"),
            (Choice::Cancel, _) => ("n", "cancel"),
        };
        let role = match choice {
            _ if *choice == dialog.focus => Role::Focus,
            Choice::Kill => Role::Error,
            _ => Role::Text,
        };
        [
            scene.span(role, format!("[ {word} ]")),
            scene.span(Role::Dim, format!(" {key}")),
            Span::raw("   "),
        ]
    });
    spans.collect()
}
