//! Where the parts of the dashboard are on a screen of a given size.
//!
//! Invariant: rectangles lie within the screen and do not overlap; what there is no
//! room for is left out whole rather than squeezed.

use ratatui::layout::{Constraint, Layout, Rect};

/// How much of the dashboard there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    /// One line that says that there is no room.
    Tiny,
    /// One line for each thing, and a sentence of up to three.
    Compact,
    /// Lines of figures.
    Small,
    /// Panes and charts, close together.
    Medium,
    /// Panes and charts with air around them.
    Large,
    /// Everything, and some of what the other views have.
    Huge,
}

impl Size {
    /// The size of a screen.
    pub(super) fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (..40, _) | (_, ..12) => Self::Tiny,
            (..60, _) | (_, ..16) => Self::Compact,
            (..80, _) | (_, ..24) => Self::Small,
            (..110, _) | (_, ..34) => Self::Medium,
            (..160, _) | (_, ..50) => Self::Large,
            _ => Self::Huge,
        }
    }
}

/// From this width on a third chart is beside the others.
const THREE_CHARTS: u16 = 200;

/// What every size but the tiny one has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Who, where, what, since when.
    pub(super) header: Rect,
    /// How it is, in a sentence.
    pub(super) sentence: Rect,
    /// The views, and what is to be known whichever is shown.
    pub(super) tabs: Rect,
    /// All else.
    pub(super) body: Rect,
    /// The keys.
    pub(super) footer: Rect,
}

/// Splits the screen, for a sentence of so many lines. Where each line counts there is a
/// line for the views only if it has something to say.
pub(super) fn frame(area: Rect, sentence: u16, has_news: bool) -> Frame {
    let size = Size::of(area);
    let [header, sentence, tabs, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(match size {
            Size::Compact => sentence.clamp(1, 3),
            Size::Small => 2,
            _ => 1,
        }),
        Constraint::Length(u16::from(has_news || size > Size::Compact)),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    Frame { header, sentence, tabs, body, footer }
}

/// The panes of a screen that has panes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Panes {
    pub(super) instances: Rect,
    pub(super) tasks: Rect,
    pub(super) devices: Rect,
    pub(super) ramp: Rect,
    pub(super) devices_chart: Rect,
    pub(super) latency: Rect,
    /// In the traffic pane where there is little room.
    pub(super) traffic_chart: Option<Rect>,
    pub(super) traffic: Rect,
    /// In the traffic pane where there is little room, in the state's where there is much.
    pub(super) generator: Option<Rect>,
    /// What is asked for and not confirmed, how old things are, who leads.
    pub(super) state: Option<Rect>,
    /// Some of the tasks.
    pub(super) task_list: Option<Rect>,
    /// Some of the instances.
    pub(super) instance_list: Option<Rect>,
    pub(super) notices: Rect,
}

/// The panes while there is no run: the fleet above, the notices below, and between them
/// what to press.
pub(super) fn idle_panes(body: Rect, size: Size) -> (Panes, Rect) {
    let (fleet, bottom) = if size >= Size::Large { (6, 8) } else { (5, 6) };
    let [fleet, middle, notices] = Layout::vertical([
        Constraint::Length(fleet),
        Constraint::Fill(1),
        Constraint::Length(bottom),
    ])
    .areas(body);
    let [instances, tasks, devices] = fleet_of(fleet);
    (Panes { instances, tasks, devices, notices, ..Panes::default() }, middle)
}

/// Splits the body.
pub(super) fn panes(body: Rect, size: Size) -> Panes {
    if size == Size::Huge {
        return huge_panes(body);
    }
    let is_large = size == Size::Large;
    let (fleet, ramp, bottom) = if is_large { (6, 3, 8) } else { (5, 1, 6) };
    let [fleet, ramp, charts, bottom] = Layout::vertical([
        Constraint::Length(fleet),
        Constraint::Length(ramp),
        Constraint::Fill(1),
        Constraint::Length(bottom),
    ])
    .areas(body);
    let [instances, tasks, devices] = fleet_of(fleet);
    let [devices_chart, latency] = if !is_large && charts.height >= 20 {
        Layout::vertical([Constraint::Fill(2), Constraint::Fill(3)]).areas(charts)
    } else {
        two_charts(charts)
    };
    let (traffic, generator, notices) = if is_large {
        let [traffic, generator, notices] = Layout::horizontal([
            Constraint::Length(38),
            Constraint::Length(24),
            Constraint::Fill(1),
        ])
        .areas(bottom);
        (traffic, Some(generator), notices)
    } else {
        let [traffic, notices] =
            Layout::horizontal([Constraint::Length(36), Constraint::Fill(1)]).areas(bottom);
        (traffic, None, notices)
    };
    Panes {
        instances,
        tasks,
        devices,
        ramp,
        devices_chart,
        latency,
        traffic,
        generator,
        notices,
        ..Panes::default()
    }
}

/// Figures above, charts in the middle, and below them some of each list.
fn huge_panes(body: Rect) -> Panes {
    let [figures, ramp, charts, lists] = Layout::vertical([
        Constraint::Length(8),
        Constraint::Length(3),
        Constraint::Fill(3),
        Constraint::Fill(2),
    ])
    .areas(body);
    let is_wide = body.width >= THREE_CHARTS;
    let [fleet, traffic, state] = Layout::horizontal([
        Constraint::Fill(1),
        Constraint::Length(if is_wide { 40 } else { 36 }),
        Constraint::Length(if is_wide { 56 } else { 46 }),
    ])
    .areas(figures);
    let [instances, tasks, devices] = fleet_of(fleet);
    let common =
        Panes { instances, tasks, devices, ramp, traffic, state: Some(state), ..Panes::default() };
    if is_wide {
        let [devices_chart, latency, traffic_chart] =
            Layout::horizontal([Constraint::Fill(2), Constraint::Fill(3), Constraint::Fill(2)])
                .areas(charts);
        let [task_list, instance_list, notices] =
            Layout::horizontal([Constraint::Fill(4), Constraint::Fill(3), Constraint::Fill(3)])
                .areas(lists);
        let (traffic_chart, task_list) = (Some(traffic_chart), Some(task_list));
        let instance_list = Some(instance_list);
        Panes { devices_chart, latency, traffic_chart, task_list, instance_list, notices, ..common }
    } else {
        let [devices_chart, latency] = two_charts(charts);
        let [traffic_chart, task_list, notices] =
            Layout::horizontal([Constraint::Fill(4), Constraint::Fill(4), Constraint::Fill(4)])
                .areas(lists);
        let (traffic_chart, task_list) = (Some(traffic_chart), Some(task_list));
        Panes { devices_chart, latency, traffic_chart, task_list, notices, ..common }
    }
}

fn fleet_of(area: Rect) -> [Rect; 3] {
    Layout::horizontal([Constraint::Fill(7), Constraint::Fill(7), Constraint::Fill(8)]).areas(area)
}

fn two_charts(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(2), Constraint::Fill(3)]).areas(area)
}

/// The panes of the target's view, as many as there is room for.
#[derive(Debug, Clone, Copy)]
pub(super) struct TargetPanes {
    pub(super) target: Rect,
    /// With the target where there is little room.
    pub(super) connections: Option<Rect>,
    pub(super) requests: Rect,
    pub(super) kinds: Rect,
    pub(super) labels: Rect,
    /// Devices, and requests with errors, over time.
    pub(super) charts: Option<[Rect; 2]>,
}

/// Splits the body for what the devices talk to.
pub(super) fn target_panes(body: Rect) -> TargetPanes {
    let is_wide = body.width >= 110;
    let has_charts = body.height >= 34 && is_wide;
    let [figures, charts, tables] = Layout::vertical([
        Constraint::Length(if body.height >= 26 { 8 } else { 7 }),
        Constraint::Fill(u16::from(has_charts)),
        // Kinds of errors and labels are few.
        if has_charts { Constraint::Length(13) } else { Constraint::Fill(1) },
    ])
    .areas(body);
    let (target, connections, requests) = if is_wide {
        let [target, connections, requests] =
            Layout::horizontal([Constraint::Fill(4), Constraint::Fill(3), Constraint::Fill(4)])
                .areas(figures);
        (target, Some(connections), requests)
    } else {
        let [target, requests] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(figures);
        (target, None, requests)
    };
    let [kinds, labels] = if is_wide {
        Layout::horizontal([Constraint::Fill(3), Constraint::Fill(2)]).areas(tables)
    } else {
        Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(tables)
    };
    let charts = has_charts
        .then(|| Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(charts));
    TargetPanes { target, connections, requests, kinds, labels, charts }
}

/// A rectangle of this size in the middle of `area`, or as much of it as fits.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
