//! The dots of a field: two by four a cell in braille, one character a cell otherwise.
//!
//! Invariant: a dot outside of the field is no dot; a cell looks like what was drawn into
//! it last, and keeps the dots of all.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Dots of a braille cell, by row and column.
const DOTS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// How what is below a line is filled: the denser, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) enum Fill {
    /// Every dot.
    Solid,
    /// Every second one.
    Half,
    /// Every eighth one.
    Sparse,
}

impl Fill {
    fn has(self, x: i32, y: i32) -> bool {
        match self {
            Fill::Solid => true,
            Fill::Half => (x + y) % 2 == 0,
            Fill::Sparse => x % 2 == 0 && (y + x) % 4 == 0,
        }
    }
}

/// The dots of a field.
pub(super) struct Grid {
    cells: Vec<Option<(char, Style)>>,
    columns: i32,
    per_cell: (i32, i32),
    dots: (i32, i32),
    /// Of what is drawn next.
    pub(super) style: Style,
    /// The same, on a terminal without Unicode.
    pub(super) plain: char,
    /// The highest dot of each column since [`Grid::begin`].
    tops: Vec<Option<i32>>,
}

impl Grid {
    pub(super) fn new(field: Rect, has_braille: bool) -> Self {
        let per_cell = if has_braille { (2, 4) } else { (1, 1) };
        let (columns, rows) = (i32::from(field.width), i32::from(field.height));
        let dots = (columns * per_cell.0, rows * per_cell.1);
        Self {
            cells: vec![None; field.area() as usize],
            columns,
            per_cell,
            dots,
            style: Style::new(),
            plain: '*',
            tops: vec![None; dots.0 as usize],
        }
    }

    /// Another line begins.
    pub(super) fn begin(&mut self) {
        self.tops.fill(None);
    }

    /// The dot at these shares of the width and the height; one that is far outside is
    /// not quite so far.
    pub(super) fn dot(&self, x: f64, y: f64) -> (i32, i32) {
        let (width, height) = (f64::from(self.dots.0 - 1), f64::from(self.dots.1 - 1));
        let x = x.clamp(-20.0, 21.0);
        ((x * width).round() as i32, ((1.0 - y) * height).round() as i32)
    }

    /// A straight line of dots (Bresenham's).
    pub(super) fn connect(&mut self, from: (i32, i32), to: (i32, i32)) {
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

    /// Fills what is below the line that was drawn last.
    pub(super) fn fill(&mut self, fill: Fill) {
        for x in 0..self.dots.0 {
            let Some(top) = self.tops[x as usize] else { continue };
            for y in top..self.dots.1 {
                if self.per_cell == (1, 1) || fill.has(x, y) {
                    self.put(x, y);
                }
            }
        }
    }

    fn set(&mut self, x: i32, y: i32) {
        if x < 0 || y < 0 || x >= self.dots.0 || y >= self.dots.1 {
            return;
        }
        let top = &mut self.tops[x as usize];
        *top = Some(top.map_or(y, |top| top.min(y)));
        self.put(x, y);
    }

    fn put(&mut self, x: i32, y: i32) {
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

    pub(super) fn render(self, field: Rect, buffer: &mut Buffer) {
        for (position, cell) in field.positions().zip(self.cells) {
            if let (Some((symbol, style)), Some(target)) = (cell, buffer.cell_mut(position)) {
                target.reset();
                target.set_char(symbol).set_style(style);
            }
        }
    }
}
