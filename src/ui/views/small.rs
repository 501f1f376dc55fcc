//! The dashboard without borders and charts, and what is left when even that has no
//! room.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Widget,
};

use super::{
    Scene, dialog, draw_ends, draw_headline, empty, fargate, fleet, latency, notices, overview,
    ramp, sentence, traffic,
};
use crate::{
    app::{state::Mode, view::Pane},
    ui::{
        theme::Role,
        widgets::{Figure, Figures},
    },
};

/// Columns for the labels at the left.
const LABEL: u16 = 11;

/// Lines of figures.
pub(super) fn draw(buffer: &mut Buffer, body: Rect, scene: &Scene<'_>) {
    let body = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let snapshot = scene.snapshot();
    let [figures, rest] = Layout::vertical([
        Constraint::Length(if snapshot.run.is_none() { 2 } else { 9 }),
        Constraint::Fill(1),
    ])
    .areas(body);
    let rows: Vec<Rect> = figures.rows().collect();
    let Some((first, others)) = rows.split_first() else { return };
    draw_instances(buffer, *first, scene);
    if snapshot.run.is_none() {
        return empty::draw(buffer, rest, scene);
    }
    for (nth, row) in others.iter().enumerate() {
        draw_row(buffer, nth, *row, scene);
    }
    overview::point_at(rest, Pane::Notices, scene);
    notices::draw_lines(buffer, rest, scene);
}

fn draw_row(buffer: &mut Buffer, nth: usize, row: Rect, scene: &Scene<'_>) {
    let snapshot = scene.snapshot();
    let tasks = &snapshot.tasks.value;
    match nth {
        0 => {
            let at = labelled(buffer, row, ("Tasks", Pane::Tasks), scene);
            let headline = fleet::tasks_headline(scene);
            let figures = fleet::task_figures(tasks);
            headline_and(buffer, at, headline, figures, fleet::tasks_note(scene), scene);
        }
        1 => {
            let at = labelled(buffer, row, ("Devices", Pane::Devices), scene);
            let headline = fleet::devices_headline(scene);
            let age = scene.age(&snapshot.devices, scene.report_every());
            headline_and(buffer, at, headline, fleet::device_figures(scene), age, scene);
        }
        2 => {
            let text = if scene.is_over() {
                fleet::peak_words(scene).map(|words| scene.span(Role::Dim, words))
            } else {
                fleet::coverage_words(scene)
            };
            if let Some(text) = text {
                Line::from(text).render(labelled(buffer, row, ("", Pane::Devices), scene), buffer);
            }
        }
        3 => {
            let at = labelled(buffer, row, ("Ramp", Pane::Devices), scene);
            ramp::draw_row(buffer, at, scene);
        }
        4 => {
            let at = labelled(buffer, row, ("Response", Pane::Latency), scene);
            let age = scene.traffic_age().map(|(role, age)| scene.span(role, age));
            draw_ends(buffer, at, latency::one_line(scene), Line::from_iter(age));
        }
        5 => {
            let at = labelled(buffer, row, ("Requests", Pane::Traffic), scene);
            let (rate, total) = traffic::requests(scene);
            draw_ends(buffer, at, rate, total);
        }
        6 => {
            let at = labelled(buffer, row, ("Errors", Pane::Traffic), scene);
            let (rate, total) = traffic::errors(scene);
            draw_ends(buffer, at, rate, total);
        }
        7 => {
            let at = labelled(buffer, row, ("Generator", Pane::Traffic), scene);
            traffic::health(scene).render(at, buffer);
        }
        _ => {}
    }
}

fn draw_instances(buffer: &mut Buffer, row: Rect, scene: &Scene<'_>) {
    if let Some(view) = scene.snapshot().capacity.fargate() {
        let title = fargate::title(view);
        // One column more than the other labels: nothing is below it that would not fit.
        let at = labelled_within(
            buffer,
            row,
            (title, Pane::Instances),
            LABEL.max(title.len() as u16 + 1),
            scene,
        );
        let (left, right) = (fargate::one_line(view, scene), fargate::short_words(view, scene));
        return draw_headline(buffer, at, left, right);
    }
    let part = &scene.snapshot().instances;
    let at = labelled(buffer, row, ("Instances", Pane::Instances), scene);
    let headline = fleet::of(scene, part.value.registered, part.value.desired, "up");
    let mut figures = vec![match scene.snapshot().capacity.provider() {
        Some(provider) => fleet::scaled_by(provider),
        None => fleet::room(part.value.room),
    }];
    figures.extend(fleet::moving(&part.value));
    headline_and(
        buffer,
        at,
        headline,
        figures,
        scene.age(part, scene.snapshot().site.refresh),
        scene,
    );
}

fn headline_and(
    buffer: &mut Buffer,
    row: Rect,
    headline: Line<'static>,
    figures: Vec<Figure>,
    age: Option<(Role, String)>,
    scene: &Scene<'_>,
) {
    let width = (headline.width() as u16 + 3).min(row.width);
    let age = Line::from_iter(age.map(|(role, age)| scene.span(role, age)));
    let age_width = age.width() as u16;
    draw_ends(buffer, row, headline, age);
    let room = row.width.saturating_sub(width + age_width + u16::from(age_width > 0));
    Figures::new(figures, scene.theme)
        .without_zeros()
        .render(Rect { x: row.x + width, width: room, ..row }, buffer);
}

/// Draws the label and returns the place beside it.
fn labelled(
    buffer: &mut Buffer,
    row: Rect,
    label: (&'static str, Pane),
    scene: &Scene<'_>,
) -> Rect {
    labelled_within(buffer, row, label, LABEL, scene)
}

fn labelled_within(
    buffer: &mut Buffer,
    row: Rect,
    (label, pane): (&'static str, Pane),
    width: u16,
    scene: &Scene<'_>,
) -> Rect {
    overview::point_at(row, pane, scene);
    let role = if scene.app.pane == Some(pane) { Role::Focus } else { Role::Strong };
    let [left, right] =
        Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(row);
    Line::from(scene.span(role, label)).render(left, buffer);
    right
}

/// One line that says that there is no room, and how things are.
pub(super) fn draw_tiny(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (role, how) = match &scene.app.mode {
        // What would be answered must be seen.
        Mode::Dialog(dialog) => (Role::Error, dialog::brief(*dialog, scene)),
        _ => sentence::say(scene),
    };
    let size = format!("needs 40x12, has {}x{}: ", area.width, area.height);
    let line = Line::from(vec![scene.span(Role::Strong, size), scene.span(role, how)]);
    line.render(Rect { height: area.height.min(1), ..area }, buffer);
}
