//! Everything at a glance: the fleet above, its ramp and its figures below, and where
//! there is room some of what the other views have.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Scene, devices, empty, fleet, instances, latency, notices, ramp, state, tasks, traffic,
};
use crate::{
    app::{
        action::{Action, Shift},
        view::Pane,
    },
    ui::{
        layout::{self, Panes, Size},
        widgets,
    },
};

pub(super) fn draw(buffer: &mut Buffer, body: Rect, size: Size, scene: &Scene<'_>) {
    if scene.snapshot().run.is_none() {
        let (panes, middle) = layout::idle_panes(body, size);
        draw_fleet(buffer, &panes, scene);
        empty::draw(buffer, middle, scene);
        return draw_notices(buffer, panes.notices, scene);
    }
    let panes = layout::panes(body, size);
    draw_fleet(buffer, &panes, scene);
    ramp::draw(buffer, panes.ramp, size, scene);
    for (area, pane, draw) in [
        (Some(panes.devices_chart), Pane::Devices, devices::draw as Draw),
        (Some(panes.latency), Pane::Latency, latency::draw),
        (panes.traffic_chart, Pane::Traffic, traffic::draw_chart),
    ] {
        let Some(area) = area else { continue };
        scene.wheel(area, Action::Shift(Shift::In), Action::Shift(Shift::Out));
        framed(buffer, area, pane, scene, draw);
    }
    let has_health = panes.generator.is_none() && panes.state.is_none();
    framed(buffer, panes.traffic, Pane::Traffic, scene, |buffer, area, scene| {
        traffic::draw(buffer, area, has_health, scene);
    });
    if let Some(area) = panes.generator {
        traffic::draw_generator(buffer, area, scene);
    }
    if let Some(area) = panes.state {
        state::draw(buffer, area, scene);
    }
    draw_lists(buffer, &panes, scene);
    draw_notices(buffer, panes.notices, scene);
}

type Draw = fn(&mut Buffer, Rect, &Scene<'_>);

fn draw_fleet(buffer: &mut Buffer, panes: &Panes, scene: &Scene<'_>) {
    framed(buffer, panes.instances, Pane::Instances, scene, fleet::draw_instances);
    framed(buffer, panes.tasks, Pane::Tasks, scene, fleet::draw_tasks);
    framed(buffer, panes.devices, Pane::Devices, scene, fleet::draw_devices);
}

fn draw_notices(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    framed(buffer, area, Pane::Notices, scene, notices::draw);
}

/// Some of the rows that the lists' own views have, as those show them. A click goes to
/// that view: here is no row selected.
fn draw_lists(buffer: &mut Buffer, panes: &Panes, scene: &Scene<'_>) {
    for (area, pane, draw) in [
        (panes.task_list, Pane::Tasks, tasks::draw as Draw),
        (panes.instance_list, Pane::Instances, instances::draw),
    ] {
        let Some(area) = area else { continue };
        draw(buffer, area, scene);
        point_at(area, pane, scene);
        mark(buffer, area, pane, scene);
    }
}

/// Draws a pane that can be pointed at, and marks the one that has the keys.
fn framed(
    buffer: &mut Buffer,
    area: Rect,
    pane: Pane,
    scene: &Scene<'_>,
    draw: impl FnOnce(&mut Buffer, Rect, &Scene<'_>),
) {
    // What is drawn within it is on top, also for a click.
    point_at(area, pane, scene);
    draw(buffer, area, scene);
    mark(buffer, area, pane, scene);
}

fn mark(buffer: &mut Buffer, area: Rect, pane: Pane, scene: &Scene<'_>) {
    if scene.app.pane == Some(pane) {
        widgets::emphasise(area, buffer, scene.theme);
    }
}

/// A click gives a pane the keys, and opens its view when it has them; one on its title
/// opens the view at once.
pub(super) fn point_at(area: Rect, pane: Pane, scene: &Scene<'_>) {
    let open = Action::Show(pane.view());
    let first = if scene.app.pane == Some(pane) { open.clone() } else { Action::Focus(pane) };
    scene.click(area, first);
    scene.click(Rect { height: area.height.min(1), ..area }, open);
}
