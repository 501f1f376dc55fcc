//! Lines over time, in braille dots (or plain characters), with a labelled axis.
//!
//! Invariant: a gap in the data is a gap in the line, and what is held back (not
//! every task reported it) is never drawn as if it were settled.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::Scale;
use crate::ui::theme::{Role, Theme};

/// Dots of a braille cell, by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Below this height a plot is low.
const LOW: u16 = 9;

/// A value at a time.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Sample {
    /// Where, in the plot's own units.
    pub(in crate::ui) x: f64,
    /// How much.
    pub(in crate::ui) y: f64,
    /// Whether every task that should have reported it did.
    pub(in crate::ui) is_settled: bool,
}

/// A line.
pub(in crate::ui) struct Series {
    pub(in crate::ui) samples: Vec<Sample>,
    pub(in crate::ui) role: Role,
    /// On a terminal without Unicode.
    pub(in crate::ui) plain: char,
}

/// Some lines and their axes. Later series are drawn over earlier ones.
pub(in crate::ui) struct Plot<'a> {
    series: Vec<Series>,
    span: f64,
    gap: f64,
    scale: Scale,
    labels: (&'a dyn Fn(f64) -> String, [String; 3]),
    theme: Theme,
}

impl<'a> Plot<'a> {
    /// Lines from 0 to `span`; samples further apart than `gap` are not connected.
    pub(in crate::ui) fn new(series: Vec<Series>, span: f64, gap: f64, theme: Theme) -> Self {
        let scale = Scale::linear(1.0, 1);
        Self { series, span, gap, scale, labels: (&|_| String::new(), Default::default()), theme }
    }

    /// The vertical axis and how its ticks are written.
    pub(in crate::ui) fn y(mut self, scale: Scale, label: &'a dyn Fn(f64) -> String) -> Self {
        self.scale = scale;
        self.labels.0 = label;
        self
    }

    /// What is written under the left end, the middle and the right end.
    pub(in crate::ui) fn x(mut self, labels: [String; 3]) -> Self {
        self.labels.1 = labels;
        self
    }

    /// Draws the axes and returns the field between them.
    fn axes(&self, area: Rect, buffer: &mut Buffer) -> Rect {
        let dim = self.theme.style(Role::Dim);
        // On a low plot the times are written into the floor.
        let below = if area.height < LOW { 1 } else { 2 };
        let rows = area.height.saturating_sub(below);
        let ticks: Vec<(u16, String)> = self
            .scale
            .ticks(usize::from(rows))
            .into_iter()
            .map(|tick| (self.row(tick, rows), (self.labels.0)(tick)))
            .collect();
        let gutter = ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0) as u16;
        let field = Rect {
            x: area.x + gutter + 2,
            width: area.width.saturating_sub(gutter + 2),
            height: rows,
            ..area
        };
        if field.is_empty() {
            return Rect::default();
        }
        let axis = field.x - 1;
        for row in field.rows() {
            put(buffer, axis, row.y, "│", dim);
        }
        put(buffer, axis, field.bottom(), "└", dim);
        let floor = Rect { y: field.bottom(), height: 1, ..field };
        Line::styled("─".repeat(usize::from(field.width)), dim).render(floor, buffer);
        let mut last_row = None;
        for (row, label) in ticks {
            if last_row.replace(row) == Some(row) {
                continue;
            }
            put(buffer, axis, field.y + row, if row == rows { "┼" } else { "┤" }, dim);
            let label_area = Rect { x: area.x, y: field.y + row, width: gutter, height: 1 };
            Line::styled(label, dim).right_aligned().render(label_area, buffer);
        }
        self.times(Rect { y: area.bottom() - 1, ..floor }, buffer);
        field
    }

    /// Writes the times under (or into) the floor.
    fn times(&self, row: Rect, buffer: &mut Buffer) {
        let dim = self.theme.style(Role::Dim);
        let [left, middle, right] = &self.labels.1;
        Line::styled(left.as_str(), dim).render(row, buffer);
        if row.width >= 40 {
            Line::styled(middle.as_str(), dim).centered().render(row, buffer);
        }
        Line::styled(right.as_str(), dim).right_aligned().render(row, buffer);
    }

    /// The row of a value; the floor is the row below the field.
    fn row(&self, value: f64, rows: u16) -> u16 {
        rows - (self.scale.height(value) * f64::from(rows)).round() as u16
    }
}

impl Widget for Plot<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let field = self.axes(area, buffer);
        if field.is_empty() {
            return;
        }
        let mut grid = Grid::new(field, self.theme.has_unicode());
        for series in &self.series {
            grid.plain = series.plain;
            for pair in series.samples.windows(2) {
                let [from, to] = pair else { continue };
                let is_next = (0.0..=self.gap).contains(&(to.x - from.x));
                if !is_next || !(0.0..=self.span + self.gap).contains(&to.x) {
                    continue;
                }
                let is_settled = from.is_settled && to.is_settled;
                let role = if is_settled { series.role } else { Role::Dim };
                grid.style = self.theme.style(role);
                let ends = [from, to]
                    .map(|sample| grid.dot(sample.x / self.span, self.scale.height(sample.y)));
                grid.connect(ends[0], ends[1]);
            }
        }
        grid.render(field, buffer);
    }
}

fn put(buffer: &mut Buffer, x: u16, y: u16, symbol: &str, style: Style) {
    if let Some(cell) = buffer.cell_mut((x, y)) {
        cell.set_symbol(symbol).set_style(style);
    }
}

/// The dots of a field: two by four a cell in braille, one a cell otherwise.
struct Grid {
    cells: Vec<Option<(char, Style)>>,
    columns: i32,
    per_cell: (i32, i32),
    dots: (i32, i32),
    style: Style,
    plain: char,
}

impl Grid {
    fn new(field: Rect, has_braille: bool) -> Self {
        let per_cell = if has_braille { (2, 4) } else { (1, 1) };
        let (columns, rows) = (i32::from(field.width), i32::from(field.height));
        Self {
            cells: vec![None; field.area() as usize],
            columns,
            per_cell,
            dots: (columns * per_cell.0, rows * per_cell.1),
            style: Style::new(),
            plain: '*',
        }
    }

    /// The dot at these shares of the width and the height.
    fn dot(&self, x: f64, y: f64) -> (i32, i32) {
        let (width, height) = (f64::from(self.dots.0 - 1), f64::from(self.dots.1 - 1));
        ((x * width).round() as i32, ((1.0 - y) * height).round() as i32)
    }

    /// A straight line of dots (Bresenham's).
    fn connect(&mut self, from: (i32, i32), to: (i32, i32)) {
        let (mut x, mut y) = from;
        let (dx, dy) = ((to.0 - x).abs(), -(to.1 - y).abs());
        let (step_x, step_y) = ((to.0 - x).signum(), (to.1 - y).signum());
        let mut error = dx + dy;
        loop {
            self.set(x, y);
            if (x, y) == to {
                return;
            }
            let doubled = 2 * error;
            if doubled >= dy {
                error += dy;
                x += step_x;
            }
            if doubled <= dx {
                error += dx;
                y += step_y;
            }
        }
    }

    fn set(&mut self, x: i32, y: i32) {
        if x < 0 || y < 0 || x >= self.dots.0 || y >= self.dots.1 {
            return;
        }
        let index = (y / self.per_cell.1 * self.columns + x / self.per_cell.0) as usize;
        let Some(cell) = self.cells.get_mut(index) else { return };
        let symbol = if self.per_cell == (1, 1) {
            self.plain
        } else {
            let old = cell.map_or(0, |(symbol, _)| symbol as u32 - 0x2800);
            let dot = u32::from(DOTS[(y % 4) as usize][(x % 2) as usize]);
            char::from_u32(0x2800 + (old | dot)).unwrap_or(' ')
        };
        *cell = Some((symbol, self.style));
    }

    fn render(self, field: Rect, buffer: &mut Buffer) {
        for (position, cell) in field.positions().zip(self.cells) {
            if let (Some((symbol, style)), Some(target)) = (cell, buffer.cell_mut(position)) {
                target.set_char(symbol).set_style(style);
            }
        }
    }
}

/// The legend's piece for a line.
pub(in crate::ui) fn swatch(role: Role, plain: char, theme: Theme) -> Span<'static> {
    let symbol = if theme.has_unicode() { '━' } else { plain };
    Span::styled(format!("{symbol} "), theme.style(role))
}
