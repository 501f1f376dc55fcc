//! The least that a run can be watched and steered by: one line for each thing.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::{
    Scene, draw_headline, empty, fargate, fleet, latency, lead, notices, overview, traffic,
};
use crate::{app::view::Pane, ui::theme::Role};

/// Columns for the labels at the left.
const LABEL: usize = 10;

pub(super) fn draw(buffer: &mut Buffer, body: Rect, scene: &Scene<'_>) {
    let body = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let instances = &scene.snapshot().instances.value;
    let mut lines = vec![match scene.snapshot().capacity.fargate() {
        // `Spot` is said where there is more room.
        Some(view) => (
            labelled(scene, "Fargate", Pane::Instances, fargate::shortest(view, scene)),
            fargate::short_words(view, scene),
        ),
        None => (
            labelled(
                scene,
                "Instances",
                Pane::Instances,
                fleet::of(scene, instances.registered, instances.desired, "up"),
            ),
            fleet::room_words(scene),
        ),
    }];
    if scene.snapshot().run.is_some() {
        let tasks = labelled(scene, "Tasks", Pane::Tasks, fleet::tasks_headline(scene));
        let lease =
            Line::from_iter(lead::lease(scene).map(|(role, words)| scene.span(role, words)));
        // It is never left out: where it does not fit it goes on a line with the lead.
        let fits = tasks.width() + lease.width() < usize::from(body.width);
        let (beside, below) =
            if fits { (lease, Line::default()) } else { (Line::default(), lease) };
        // There is no room for what goes without saying.
        let lead = lead::word(scene)
            .filter(|(role, _)| *role != Role::Dim)
            .map(|(role, words)| scene.span(role, words));
        lines.extend([
            (tasks, beside),
            (
                labelled(scene, "Devices", Pane::Devices, fleet::devices_headline(scene)),
                Line::default(),
            ),
            (labelled(scene, "Response", Pane::Latency, latency::shortest(scene)), Line::default()),
            (
                labelled(
                    scene,
                    "Requests",
                    Pane::Traffic,
                    traffic::short(traffic::requests(scene)),
                ),
                traffic::short(traffic::errors(scene)),
            ),
            (below, Line::from_iter(lead)),
        ]);
        lines.retain(|(left, right)| left.width() + right.width() > 0);
    }
    let used = (lines.len() as u16).min(body.height);
    for ((left, right), row) in lines.into_iter().zip(body.rows()) {
        draw_headline(buffer, row, left, right);
    }
    let rest = Rect { y: body.y + used, height: body.height - used, ..body };
    if scene.snapshot().run.is_none() {
        return empty::draw(buffer, rest, scene);
    }
    let panes = [Pane::Instances, Pane::Tasks, Pane::Devices, Pane::Latency, Pane::Traffic];
    for (row, pane) in body.rows().zip(panes) {
        overview::point_at(row, pane, scene);
    }
    overview::point_at(rest, Pane::Notices, scene);
    notices::draw_lines(buffer, rest, scene);
}

fn labelled(scene: &Scene<'_>, label: &str, pane: Pane, words: Line<'static>) -> Line<'static> {
    let role = if scene.app.pane == Some(pane) { Role::Focus } else { Role::Strong };
    let mut line = Line::from(scene.span(role, label.to_owned()));
    line.push_span(" ".repeat(LABEL.saturating_sub(label.len())));
    line.extend(words.spans);
    line
}
