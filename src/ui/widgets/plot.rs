//! Lines over time (or over anything else), with their axes.
//!
//! Invariant: a gap in the data is a gap in the line, and what is held back (not
//! every task reported it) is never drawn as if it were settled. Where several samples
//! share a column of dots, all from the least to the largest of them is drawn.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::{
    Scale,
    axes::Axes,
    grid::{Fill, Grid},
};
use crate::ui::theme::{Role, Theme};

/// A value of some stretch of the horizontal axis.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Sample {
    /// Its middle, in the plot's own units.
    pub(in crate::ui) x: f64,
    /// How long it is, in the same units.
    pub(in crate::ui) length: f64,
    /// How much.
    pub(in crate::ui) y: f64,
    /// Whether every task that should have reported it did.
    pub(in crate::ui) is_settled: bool,
}

impl Sample {
    /// Whether nothing is missing between this one and the next.
    fn meets(&self, next: &Sample) -> bool {
        let between = next.x - self.x - self.length.midpoint(next.length);
        (0.0..=f64::MAX).contains(&(next.x - self.x))
            && between <= self.length.max(next.length) / 2.0
    }
}

/// A line.
pub(in crate::ui) struct Series {
    pub(in crate::ui) samples: Vec<Sample>,
    pub(in crate::ui) role: Role,
    /// On a terminal without Unicode.
    pub(in crate::ui) plain: char,
    /// How what is below it is filled.
    pub(in crate::ui) fill: Option<Fill>,
}

/// Some lines and their axes. Later series are drawn over earlier ones.
pub(in crate::ui) struct Plot<'a> {
    series: Vec<Series>,
    span: f64,
    axes: Axes<'a>,
    scale: Scale,
    label: &'a dyn Fn(f64) -> String,
}

/// The samples that share a column of dots.
struct Stroke {
    x: i32,
    first: i32,
    last: i32,
    low: i32,
    high: i32,
    is_settled: bool,
    /// The first and the last of them.
    begin: Sample,
    end: Sample,
}

impl<'a> Plot<'a> {
    /// Lines from 0 to `span`.
    pub(in crate::ui) fn new(series: Vec<Series>, span: f64, axes: Axes<'a>) -> Self {
        Self { series, span, axes, scale: Scale::linear(1.0, 1), label: &|_| String::new() }
    }

    /// The vertical axis and how its ticks are written.
    pub(in crate::ui) fn y(mut self, scale: Scale, label: &'a dyn Fn(f64) -> String) -> Self {
        self.scale = scale;
        self.label = label;
        self
    }

    /// Draws it and returns the field between the axes, empty where that has no room.
    pub(in crate::ui) fn draw(self, area: Rect, buffer: &mut Buffer) -> Rect {
        let row =
            |value, rows: u16| rows - (self.scale.height(value) * f64::from(rows)).round() as u16;
        let field = self.axes.draw(area, buffer, |rows| {
            let ticks = self.scale.ticks(usize::from(rows));
            ticks.into_iter().map(|tick| (row(tick, rows), (self.label)(tick))).collect()
        });
        if field.is_empty() {
            return field;
        }
        let theme = self.axes.theme();
        let mut grid = Grid::new(field, theme.has_unicode());
        for series in &self.series {
            grid.plain = series.plain;
            self.draw_series(series, &mut grid, theme);
        }
        grid.render(field, buffer);
        self.axes.draw_cursor(field, buffer);
        field
    }

    fn draw_series(&self, series: &Series, grid: &mut Grid, theme: Theme) {
        grid.begin();
        let mut before: Option<Stroke> = None;
        let mut open: Option<Stroke> = None;
        for sample in &series.samples {
            let reach = sample.length.abs() * 1.5;
            if !(-reach..=self.span + reach).contains(&sample.x) {
                continue;
            }
            let (x, y) = grid.dot(sample.x / self.span, self.scale.height(sample.y));
            match &mut open {
                Some(stroke) if stroke.x == x && stroke.end.meets(sample) => {
                    (stroke.last, stroke.end) = (y, *sample);
                    (stroke.low, stroke.high) = (stroke.low.max(y), stroke.high.min(y));
                    stroke.is_settled &= sample.is_settled;
                }
                _ => {
                    let next = Stroke {
                        x,
                        first: y,
                        last: y,
                        low: y,
                        high: y,
                        is_settled: sample.is_settled,
                        begin: *sample,
                        end: *sample,
                    };
                    let done = open.replace(next);
                    self.draw_stroke(done.as_ref(), before.as_ref(), sample, (series, theme), grid);
                    before = done;
                }
            }
        }
        if let Some(last) = &open {
            // Nothing meets it any more.
            let nothing = Sample { x: f64::INFINITY, ..last.end };
            self.draw_stroke(Some(last), before.as_ref(), &nothing, (series, theme), grid);
        }
        if let Some(fill) = series.fill {
            grid.style = theme.style(series.role);
            grid.fill(fill);
        }
    }

    /// Draws a stroke and what connects it with the one before; one that meets neither
    /// its neighbour before nor `next` is as long as it is.
    fn draw_stroke(
        &self,
        stroke: Option<&Stroke>,
        before: Option<&Stroke>,
        next: &Sample,
        (series, theme): (&Series, Theme),
        grid: &mut Grid,
    ) {
        let Some(stroke) = stroke else { return };
        let role = |is_settled| if is_settled { series.role } else { Role::Dim };
        grid.style = theme.style(role(stroke.is_settled));
        grid.connect((stroke.x, stroke.high), (stroke.x, stroke.low));
        let meeting = before.filter(|before| before.end.meets(&stroke.begin));
        if let Some(before) = meeting {
            grid.style = theme.style(role(before.is_settled && stroke.is_settled));
            grid.connect((before.x, before.last), (stroke.x, stroke.first));
        } else if !stroke.end.meets(next) {
            let half = stroke.end.length / 2.0;
            let ends = [stroke.end.x - half, stroke.end.x + half]
                .map(|x| (grid.dot((x / self.span).clamp(0.0, 1.0), 0.0).0, stroke.last));
            grid.connect(ends[0], ends[1]);
        }
    }
}

/// The legend's piece for a line.
pub(in crate::ui) fn swatch(role: Role, plain: char, theme: Theme) -> Span<'static> {
    let symbol = if theme.has_unicode() { '━' } else { plain };
    Span::styled(format!("{symbol} "), theme.style(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_samples_in_each_column_are_one_line_all_the_same() {
        let area = Rect::new(0, 0, 40, 12);
        // The jump is between two columns, or within one.
        for jump in 50..60 {
            let samples = (0..120).map(|nth| Sample {
                x: f64::from(nth) + 0.5,
                length: 1.0,
                y: if nth < jump { 0.0 } else { 1.0 },
                is_settled: true,
            });
            let line = Series {
                samples: samples.collect(),
                role: Role::Connected,
                plain: '#',
                fill: None,
            };
            let mut buffer = Buffer::empty(area);
            let ticks = |_| Vec::new();
            let axes = Axes::new(Theme::new(false, false), &ticks);
            let field = Plot::new(vec![line], 120.0, axes).draw(area, &mut buffer);
            for row in field.rows() {
                let is_drawn = |x: u16| buffer[(x, row.y)].symbol() == "#";
                assert!((row.left()..row.right()).any(is_drawn), "{jump}: {buffer:?}");
            }
        }
    }
}
