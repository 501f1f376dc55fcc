//! Response and service times: what they are, the table, bands and heatmap over time,
//! the percentile curve.
//!
//! Invariant: whatever has no room is left out whole; the table is there before the
//! charts. Figures say of which time they are and how much of the fleet is in them.

mod curve;
mod heat;
mod table;

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Widget,
};

use super::{Scene, empty, latency, timeline::Timeline, wrap};
use crate::{
    app::times::Times,
    ui::{format, theme::Role},
};

/// What the two times are, in as many words as there is room for.
const MEANING: [&str; 4] = [
    "response time: from when a request should have been sent, all waiting included   service \
     time: from when it was sent, the target alone",
    "response: from the intended send, all waiting included   service: from the actual send",
    "response: from intended send, service: from actual send",
    "",
];

/// Columns for the values of bands and heatmap, so that their times are above each other.
const GUTTER: u16 = 6;

/// Least width and height of a chart that can be read.
const CHART: (u16, u16) = (36, 8);

pub(super) fn draw(buffer: &mut Buffer, body: Rect, scene: &Scene<'_>) {
    if scene.snapshot().run.is_none() {
        return empty::draw(buffer, body, scene);
    }
    let body = draw_meaning(buffer, body, scene);
    // Two panes above each other need borders and a chart; less has the bare table.
    let is_small = body.width < 76 || body.height < 17;
    let table = table::Table::of(scene, body, !is_small);
    let charts = Rect { height: body.height.saturating_sub(table.height), ..body };
    let parts = Parts::of(charts);
    let height = match parts {
        // Without charts all the room is the table's.
        Parts { bands: None, heat: None, .. } => body.height,
        _ => table.height,
    };
    let [top, below] =
        Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(body);
    table.draw(buffer, top, scene);
    let parts = parts.below(below.y.saturating_sub(charts.y));
    if let Some(area) = parts.bands {
        latency::draw_bands(buffer, area, GUTTER, scene);
    }
    if let Some(area) = parts.heat {
        heat::draw(buffer, area, GUTTER, scene);
    }
    if let Some(area) = parts.curve {
        curve::draw(buffer, area, scene);
    }
}

/// Draws the line that says what the two times are, and returns what is left.
fn draw_meaning(buffer: &mut Buffer, body: Rect, scene: &Scene<'_>) -> Rect {
    if body.height < 9 {
        return body;
    }
    let room = usize::from(body.width.saturating_sub(4));
    let meaning = MEANING.into_iter().find(|words| words.len() <= room).unwrap_or_default();
    if meaning.is_empty() {
        return body;
    }
    let row = Rect { x: body.x + 2, width: body.width.saturating_sub(4), height: 1, ..body };
    Line::from(scene.span(Role::Dim, meaning)).render(row, buffer);
    Rect { y: body.y + 1, height: body.height - 1, ..body }
}

/// Where the charts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    bands: Option<Rect>,
    heat: Option<Rect>,
    curve: Option<Rect>,
}

impl Parts {
    /// As many of them as can be read there: the bands first, then the heatmap.
    fn of(area: Rect) -> Self {
        let (columns, rows) = (area.width / CHART.0, area.height / CHART.1);
        let split = |area: Rect, vertical: bool, shares: [u16; 2]| -> [Rect; 2] {
            let constraints = shares.map(Constraint::Fill);
            let layout = if vertical { Layout::vertical } else { Layout::horizontal };
            layout(constraints).areas(area)
        };
        let (bands, heat, curve) = match (columns, rows) {
            (0, _) | (_, 0) => (None, None, None),
            // Above each other, so that what happened together is below each other.
            (3.., 2..) => {
                let [left, right] = split(area, false, [3, 2]);
                let [above, below] = split(left, true, [1, 1]);
                (Some(above), Some(below), Some(right))
            }
            (1, 1) => (Some(area), None, None),
            (1.., 3..) => {
                let [above, rest] = split(area, true, [1, 2]);
                let [middle, below] = split(rest, true, [1, 1]);
                (Some(above), Some(middle), Some(below))
            }
            (1 | 2, 2) => {
                let [above, below] = split(area, true, [1, 1]);
                (Some(above), Some(below), None)
            }
            (2, 1) => {
                let [left, right] = split(area, false, [1, 1]);
                (Some(left), Some(right), None)
            }
            (_, 1) => {
                let [left, rest] = split(area, false, [1, 2]);
                let [middle, right] = split(rest, false, [1, 1]);
                (Some(left), Some(middle), Some(right))
            }
        };
        Parts { bands, heat, curve }
    }

    fn below(self, rows: u16) -> Self {
        let down = |area: Option<Rect>| area.map(|area| Rect { y: area.y + rows, ..area });
        Parts { bands: down(self.bands), heat: down(self.heat), curve: down(self.curve) }
    }
}

/// How old the exact figures are and of how many tasks, once there are some.
fn source_words(scene: &Scene<'_>) -> Option<(Role, String)> {
    let part = &scene.snapshot().latency;
    let view = &part.value;
    let mut words = Vec::new();
    let mut role = Role::Dim;
    if view.tasks_read < view.tasks_of {
        role = Role::Warn;
        let (read, of) =
            (format::count(view.tasks_read.into()), format::count(view.tasks_of.into()));
        words.push(format!("{read} of {of} tasks"));
    } else if view.tasks_of > 0 {
        words.push(format!("of {}", format::counted(view.tasks_of, "task")));
    }
    if view.unreadable > 0 {
        role = Role::Warn;
        words.push(format!("{} unreadable", format::counted(view.unreadable, "part")));
    }
    let age = scene.shown_at().saturating_sub(part.at?);
    if scene.is_over() {
        words.push("final".into());
    } else {
        // They come a part at a time: that late is on time.
        if age > view.every_ms.saturating_mul(3).max(5_000) {
            role = Role::Warn;
        }
        words.push(format!("up to {} ago", format::span(age)));
    }
    Some((role, words.join(", ")))
}

/// Why there are no exact figures, and when they come.
fn nothing_yet(scene: &Scene<'_>) -> String {
    let snapshot = scene.snapshot();
    if scene.counts_by_tasks() {
        return "no times: the tasks of this run are programs that do not report any".into();
    }
    if !snapshot.latency.value.columns.is_empty() {
        return "no exact times of this stretch yet: they come a little later than the live \
                figures"
            .into();
    }
    let every = match snapshot.latency.value.every_ms {
        0 => snapshot.site.results.as_millis() as u64,
        every => every,
    };
    if scene.is_over() {
        return "no exact times came in".into();
    }
    format!("no exact times yet: agents write them every {}", format::span(every))
}

/// The merged times of what is shown.
fn times<'s>(scene: &'s Scene<'_>) -> Option<&'s Times> {
    scene.app.stretch.times.as_deref()
}

/// Says in the middle of a chart why it is empty.
fn draw_nothing(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let lines = wrap(&nothing_yet(scene), usize::from(area.width));
    let top = area.height.saturating_sub(lines.len() as u16) / 2;
    for (line, row) in lines.into_iter().zip(area.rows().skip(usize::from(top))) {
        Line::from(scene.span(Role::Dim, line)).centered().render(row, buffer);
    }
}

/// Which time some figures are of.
fn stretch_words(times: &Times, scene: &Scene<'_>) -> String {
    Timeline::of(scene).stretch_words(times.from, times.to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_that_cannot_be_read_are_left_out_whole() {
        let shown = |width, height| {
            let parts = Parts::of(Rect::new(0, 5, width, height));
            let all = [parts.bands, parts.heat, parts.curve];
            for (nth, part) in all.iter().enumerate() {
                let Some(part) = part else { continue };
                assert!(part.width >= 30 && part.height >= CHART.1, "{part:?} of {width}x{height}");
                for other in all.iter().skip(nth + 1).flatten() {
                    assert!(part.intersection(*other).is_empty());
                }
            }
            all.iter().flatten().count()
        };
        let sizes =
            [(35, 50), (80, 7), (60, 8), (80, 13), (80, 16), (80, 30), (120, 13), (120, 26)];
        assert_eq!(sizes.map(|(width, height)| shown(width, height)), [0, 0, 1, 2, 2, 3, 3, 3]);
        for width in 1..=300 {
            for height in 1..=100 {
                shown(width, height);
            }
        }
    }
}
