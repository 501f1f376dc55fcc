//! How many colours a terminal can show, and the nearest of those that it can.
//!
//! Invariant: what a terminal does not say it can show is not sent to it.

use ratatui::style::Color;

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// None.
    None,
    /// The sixteen that the terminal has a theme for.
    Sixteen,
    /// 256 that are the same everywhere, but for the first sixteen.
    Indexed,
    /// All.
    True,
}

/// Red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

/// The levels of the 6×6×6 colours among the 256, dark to bright.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
/// Where these begin.
const CUBE: u8 = 16;
/// Where the greys begin.
const GREYS: u8 = 232;

impl Depth {
    /// As `COLORTERM` and `TERM` say.
    pub(super) fn of(colorterm: &str, term: &str) -> Self {
        if term == "dumb" {
            Depth::None
        } else if matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct") {
            Depth::True
        } else if term.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        }
    }

    /// A colour as this terminal shows it best; none: it has a theme of its own.
    pub(super) fn colour(self, rgb: Rgb) -> Option<Color> {
        match self {
            Depth::None | Depth::Sixteen => None,
            Depth::Indexed => Some(Color::Indexed(rgb.nearest())),
            Depth::True => Some(Color::Rgb(rgb.0, rgb.1, rgb.2)),
        }
    }
}

impl Rgb {
    /// The nearest of the 256, of those that are the same everywhere.
    pub(super) fn nearest(self) -> u8 {
        let level = |value: u8| {
            (0..6u8).min_by_key(|nth| LEVELS[usize::from(*nth)].abs_diff(value)).unwrap_or(0)
        };
        let cube = CUBE + 36 * level(self.0) + 6 * level(self.1) + level(self.2);
        let mean = (u16::from(self.0) + u16::from(self.1) + u16::from(self.2)) / 3;
        let grey = GREYS + (mean.saturating_sub(3) / 10).min(23) as u8;
        let distance = |index: &u8| {
            let other = Rgb::of_index(*index);
            let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
            square(self.0, other.0) + square(self.1, other.1) + square(self.2, other.2)
        };
        [cube, grey].into_iter().min_by_key(distance).unwrap_or(cube)
    }

    /// What one of the 256 looks like; of the first sixteen nobody knows.
    pub(super) fn of_index(index: u8) -> Self {
        if index >= GREYS {
            let grey = 8 + 10 * (index - GREYS);
            return Rgb(grey, grey, grey);
        }
        let at = |nth: u8| LEVELS[usize::from(nth % 6)];
        let nth = index.saturating_sub(CUBE);
        Rgb(at(nth / 36), at(nth / 6), at(nth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_says_what_it_can() {
        for (colorterm, term, depth) in [
            ("truecolor", "xterm-256color", Depth::True),
            ("24bit", "", Depth::True),
            ("", "xterm-direct", Depth::True),
            ("", "tmux-256color", Depth::Indexed),
            ("1", "xterm", Depth::Sixteen),
            ("", "", Depth::Sixteen),
            ("truecolor", "dumb", Depth::None),
        ] {
            assert_eq!(Depth::of(colorterm, term), depth, "{colorterm} {term}");
        }
    }

    #[test]
    fn a_colour_of_the_256_is_its_own_nearest() {
        for index in CUBE..=u8::MAX {
            let rgb = Rgb::of_index(index);
            assert_eq!(Rgb::of_index(rgb.nearest()), rgb, "{index}");
        }
    }
}
