//! The one view of this release: the fleet above, its ramp and its figures below.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Scene, devices, empty, fleet, latency, notices, ramp, traffic};
use crate::ui::layout::{self, Size};

pub(super) fn draw(buffer: &mut Buffer, body: Rect, size: Size, scene: &Scene<'_>) {
    let panes = layout::panes(body, size);
    fleet::draw_instances(buffer, panes.instances, scene);
    fleet::draw_tasks(buffer, panes.tasks, scene);
    fleet::draw_devices(buffer, panes.devices, scene);
    if scene.snapshot().run.is_none() {
        empty::draw(buffer, panes.middle, scene);
        let bottom = panes.traffic.union(panes.notices);
        return notices::draw(buffer, bottom, scene);
    }
    ramp::draw(buffer, panes.ramp, size, scene);
    devices::draw(buffer, panes.devices_chart, scene);
    latency::draw(buffer, panes.latency, scene);
    traffic::draw(buffer, panes.traffic, panes.generator.is_none(), scene);
    if let Some(area) = panes.generator {
        traffic::draw_generator(buffer, area, scene);
    }
    notices::draw(buffer, panes.notices, scene);
}
