//! How often which value occurred when: shades over two axes.
//!
//! Invariant: counts are spread over the cells that their stretch covers and never lost,
//! so that all cells together are all there was; whatever occurred is seen, be it once.
//! Shades are steps of a logarithmic scale, and [`Levels`] says of what.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};

use super::{axes::Axes, scale::round_down};
use crate::ui::{
    format,
    theme::{Role, Theme},
};

const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
const PLAIN: [char; 5] = ['.', ':', '+', '*', '#'];

/// What occurred in a stretch of the horizontal axis.
#[derive(Debug, Clone, Copy)]
pub(in crate::ui) struct Slab<'a> {
    /// Where it begins, in the map's own units.
    pub(in crate::ui) x: f64,
    /// How long it is.
    pub(in crate::ui) length: f64,
    /// How often by band of values.
    pub(in crate::ui) bands: &'a [(i16, u64)],
}

/// A heatmap.
pub(in crate::ui) struct Heatmap<'a> {
    slabs: Vec<Slab<'a>>,
    span: f64,
    axes: Axes<'a>,
    /// The band of a value, and how it is written.
    y: (&'a dyn Fn(f64) -> i16, &'a dyn Fn(f64) -> String),
}

/// From which count on each shade stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::ui) struct Levels([f64; 5]);

impl Levels {
    /// Round numbers up to the largest count.
    fn up_to(most: f64) -> Self {
        let mut levels = [0.0; 5];
        for nth in 1..5 {
            let share = f64::from(nth) / 5.0;
            let round = round_down(most.max(1.0).powf(share));
            levels[nth as usize] = round.max(levels[nth as usize - 1] + 1.0);
        }
        Levels(levels)
    }

    fn shade(self, count: f64) -> Option<usize> {
        (count > 0.0).then(|| self.0.iter().rposition(|from| count >= *from).unwrap_or(0))
    }

    /// The legend: each shade and the least that it stands for.
    pub(in crate::ui) fn legend(self, theme: Theme) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        for (nth, from) in self.0.iter().enumerate() {
            let least = match self.0[1] {
                // What is spread over several cells is less than one in each.
                next if nth == 0 && next <= 1.0 => "<1".to_owned(),
                _ => format::count((*from).max(1.0) as u64),
            };
            let more = if nth + 1 == self.0.len() { "+" } else { "" };
            spans.push(Span::styled(glyph(nth, theme).to_string(), theme.style(role(nth))));
            spans.push(Span::styled(format!(" {least}{more}  "), theme.style(Role::Dim)));
        }
        spans
    }
}

fn glyph(shade: usize, theme: Theme) -> char {
    if theme.has_unicode() { SHADES[shade] } else { PLAIN[shade] }
}

/// The rare is quiet, the most frequent loud: also where shades look alike.
fn role(shade: usize) -> Role {
    match shade {
        0 => Role::Dim,
        1..4 => Role::Connected,
        _ => Role::Accent,
    }
}

/// Which bands a row of the map stands for.
#[derive(Debug, Clone, Copy)]
struct Rows {
    lowest: i32,
    each: i32,
    count: i32,
}

impl Rows {
    /// So many rows for the bands from `low` to `high`: each has the same number of them,
    /// or there would be stripes.
    fn of(low: i16, high: i16, count: u16) -> Self {
        let bands = i32::from(high) - i32::from(low) + 1;
        let each = (bands + i32::from(count.max(1)) - 1) / i32::from(count.max(1));
        Rows { lowest: i32::from(low), each: each.max(1), count: i32::from(count) }
    }

    /// Counted from above; none outside.
    fn row(self, band: i16) -> Option<u16> {
        let above = (i32::from(band) - self.lowest).div_euclid(self.each);
        (0..self.count).contains(&above).then(|| (self.count - 1 - above) as u16)
    }
}

impl<'a> Heatmap<'a> {
    /// Slabs from 0 to `span`; `band` is a value's band, `label` how it is written.
    pub(in crate::ui) fn new(
        slabs: Vec<Slab<'a>>,
        span: f64,
        axes: Axes<'a>,
        band: &'a dyn Fn(f64) -> i16,
        label: &'a dyn Fn(f64) -> String,
    ) -> Self {
        Self { slabs, span, axes, y: (band, label) }
    }

    /// Draws it; returns its field and what the shades stand for. None where there is no
    /// room or nothing to show.
    pub(in crate::ui) fn draw(self, area: Rect, buffer: &mut Buffer) -> Option<(Rect, Levels)> {
        let bands = || self.slabs.iter().flat_map(|slab| slab.bands).map(|(band, _)| *band);
        let (low, high) = bands().min().zip(bands().max())?;
        let field = self.axes.draw(area, buffer, |count| self.labels(Rows::of(low, high, count)));
        if field.is_empty() {
            return None;
        }
        let counts = self.counts(field, Rows::of(low, high, field.height));
        let levels = Levels::up_to(counts.iter().copied().fold(0.0, f64::max));
        let theme = self.axes.theme();
        for (position, count) in field.positions().zip(counts) {
            if let (Some(shade), Some(cell)) = (levels.shade(count), buffer.cell_mut(position)) {
                cell.reset();
                cell.set_char(glyph(shade, theme)).set_style(theme.style(role(shade)));
            }
        }
        self.axes.draw_cursor(field, buffer);
        Some((field, levels))
    }

    /// Round values: 1, 2, 5 of each tenfold where there is room, the tenfolds otherwise.
    fn labels(&self, rows: Rows) -> Vec<(u16, String)> {
        let (band, label) = self.y;
        let per_decade = (i32::from(band(10.0)) - i32::from(band(1.0))).max(1);
        let factors: &[f64] = if per_decade >= rows.each * 4 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let values =
            (-4..8).flat_map(|decade| factors.iter().map(move |it| it * 10f64.powi(decade)));
        values.filter_map(|value| Some((rows.row(band(value))?, label(value)))).collect()
    }

    /// How many fall into each cell, row by row.
    fn counts(&self, field: Rect, rows: Rows) -> Vec<f64> {
        let width = f64::from(field.width);
        let mut counts = vec![0.0; field.area() as usize];
        for slab in &self.slabs {
            let left = slab.x / self.span * width;
            let right = (slab.x + slab.length) / self.span * width;
            if !(right > left && right > 0.0 && left < width) {
                continue;
            }
            let cells = left.max(0.0) as usize..(right.min(width).ceil() as usize);
            for cell in cells {
                let overlap = right.min(cell as f64 + 1.0) - left.max(cell as f64);
                let share = overlap.max(0.0) / (right - left);
                for (band, count) in slab.bands {
                    if let Some(row) = rows.row(*band) {
                        let place = usize::from(row) * usize::from(field.width) + cell;
                        counts[place] += share * *count as f64;
                    }
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_begin_at_round_counts_and_once_is_seen() {
        assert_eq!(Levels::up_to(0.0), Levels([0.0, 1.0, 2.0, 3.0, 4.0]));
        assert_eq!(Levels::up_to(1000.0), Levels([0.0, 2.0, 10.0, 50.0, 200.0]));
        let levels = Levels::up_to(1000.0);
        let shades = [0.0, 0.3, 1.0, 2.0, 49.0, 1000.0].map(|count| levels.shade(count));
        assert_eq!(shades, [None, Some(0), Some(0), Some(1), Some(2), Some(4)]);
    }

    #[test]
    fn no_count_is_lost_however_long_its_stretch_is() {
        let bands = [(0, 10), (7, 3), (30, 1)];
        let slabs = [(0.0, 3.0), (3.0, 0.5), (3.5, 6.5)];
        let slabs = slabs.map(|(x, length)| Slab { x, length, bands: &bands });
        let ticks = |_| Vec::new();
        for (width, height) in [(7, 3), (20, 31), (1, 1), (300, 5)] {
            let axes = Axes::new(Theme::default(), &ticks);
            let map = Heatmap::new(slabs.to_vec(), 10.0, axes, &|_| 0, &|_| String::new());
            let field = Rect::new(0, 0, width, height);
            let counts = map.counts(field, Rows::of(0, 30, height));
            let sum: f64 = counts.iter().sum();
            assert!((sum - 42.0).abs() < 1e-6, "{sum} at {width}x{height}");
        }
    }
}
