//! Where the parts of the dashboard are on a screen of a given size.
//!
//! Invariant: rectangles lie within the screen and do not overlap; what there is no
//! room for is left out whole rather than squeezed.

use ratatui::layout::{Constraint, Layout, Rect};

/// How much of the dashboard there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// One line that says that there is no room.
    Tiny,
    /// One line for each thing, and a sentence of up to three.
    Compact,
    /// Lines of figures.
    Small,
    /// Panes and charts, close together.
    Medium,
    /// Everything.
    Large,
}

impl Size {
    /// The size of a screen.
    pub(super) fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (..40, _) | (_, ..12) => Self::Tiny,
            (..60, _) | (_, ..16) => Self::Compact,
            (..80, _) | (_, ..24) => Self::Small,
            (..110, _) | (_, ..34) => Self::Medium,
            _ => Self::Large,
        }
    }
}

/// What every size but the tiny one has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Who, where, what, since when.
    pub(super) header: Rect,
    /// How it is, in a sentence.
    pub(super) sentence: Rect,
    /// All else.
    pub(super) body: Rect,
    /// The keys.
    pub(super) footer: Rect,
}

/// Splits the screen, for a sentence of so many lines.
pub(super) fn frame(area: Rect, sentence: u16) -> Frame {
    let [header, sentence, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(match Size::of(area) {
            Size::Compact => sentence.clamp(1, 3),
            Size::Small => 2,
            _ => 1,
        }),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    Frame { header, sentence, body, footer }
}

/// The panes of a medium or large screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panes {
    pub(super) instances: Rect,
    pub(super) tasks: Rect,
    pub(super) devices: Rect,
    /// What is there before the first run: from the ramp down to the notices.
    pub(super) middle: Rect,
    pub(super) ramp: Rect,
    pub(super) devices_chart: Rect,
    pub(super) latency: Rect,
    pub(super) traffic: Rect,
    /// Merged into the traffic pane where there is little room.
    pub(super) generator: Option<Rect>,
    pub(super) notices: Rect,
}

/// Splits the body.
pub(super) fn panes(body: Rect, size: Size) -> Panes {
    let is_large = size == Size::Large;
    let (fleet, ramp, bottom) = if is_large { (6, 3, 8) } else { (5, 1, 6) };
    let [fleet, ramp, charts, bottom] = Layout::vertical([
        Constraint::Length(fleet),
        Constraint::Length(ramp),
        Constraint::Fill(1),
        Constraint::Length(bottom),
    ])
    .areas(body);
    let [instances, tasks, devices] =
        Layout::horizontal([Constraint::Fill(7), Constraint::Fill(7), Constraint::Fill(8)])
            .areas(fleet);
    let [devices_chart, latency] = if !is_large && charts.height >= 20 {
        Layout::vertical([Constraint::Fill(2), Constraint::Fill(3)]).areas(charts)
    } else {
        Layout::horizontal([Constraint::Fill(2), Constraint::Fill(3)]).areas(charts)
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
    let middle = Rect { height: ramp.height + charts.height, ..ramp };
    Panes {
        instances,
        tasks,
        devices,
        middle,
        ramp,
        devices_chart,
        latency,
        traffic,
        generator,
        notices,
    }
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
