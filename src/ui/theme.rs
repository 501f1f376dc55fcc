//! The one gate for colours and glyphs.
//!
//! Invariant: views name roles, never colours; the sixteen colours of the person's
//! own terminal are used, so that it is readable on dark and on light. With
//! `NO_COLOR` only weight and inversion are left, and on a terminal that cannot
//! show Unicode no cell leaves [`Theme::downgrade`] with anything but ASCII.

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style},
    symbols::border,
};

/// What something on the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Plain text.
    Text,
    /// What matters most in its place.
    Strong,
    /// What is there but not looked at: labels, borders, zeros.
    Dim,
    /// The one accent: keys, progress, the name.
    Accent,
    /// As it should be.
    Ok,
    /// Not as it should be.
    Warn,
    /// Broken.
    Error,
    /// The button or field in focus.
    Focus,
    /// Series: median.
    P50,
    /// Series: 90 %.
    P90,
    /// Series: 99 %.
    P99,
    /// Series: the largest.
    Max,
    /// Series: what was planned.
    Planned,
    /// Series: what is connected.
    Connected,
}

/// How things look on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    has_colour: bool,
    has_unicode: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self::new(true, true)
    }
}

impl Theme {
    /// A theme for a terminal with these abilities.
    #[must_use]
    pub fn new(has_colour: bool, has_unicode: bool) -> Self {
        Self { has_colour, has_unicode }
    }

    /// As the environment says: `NO_COLOR`, the locale, `TERM`.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name| var(name).filter(|value| !value.is_empty());
        let term = var("TERM").unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var);
        // A container often has no locale at all; its terminal is somebody's, and
        // that one has Unicode. A locale that says otherwise is believed.
        let is_utf8 = locale.is_none_or(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let is_plain = matches!(term.as_str(), "linux" | "dumb");
        Self::new(var("NO_COLOR").is_none() && term != "dumb", is_utf8 && !is_plain)
    }

    /// Whether glyphs beyond ASCII can be shown.
    #[must_use]
    pub fn has_unicode(self) -> bool {
        self.has_unicode
    }

    /// How a role looks.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        let (colour, modifier) = match role {
            Role::Text => (None, Modifier::empty()),
            Role::Strong => (None, Modifier::BOLD),
            Role::Dim | Role::Max | Role::Planned => (None, Modifier::DIM),
            Role::Accent => (Some(Color::Cyan), Modifier::BOLD),
            Role::Ok | Role::P50 => (Some(Color::Green), Modifier::empty()),
            Role::Warn => (Some(Color::Yellow), Modifier::BOLD),
            Role::Error => (Some(Color::Red), Modifier::BOLD),
            Role::Focus => (None, Modifier::REVERSED),
            Role::P90 => (Some(Color::Blue), Modifier::empty()),
            Role::P99 => (Some(Color::Magenta), Modifier::empty()),
            Role::Connected => (Some(Color::Cyan), Modifier::empty()),
        };
        let style = Style::new().add_modifier(modifier);
        match colour {
            Some(colour) if self.has_colour => style.fg(colour),
            _ => style,
        }
    }

    /// The border of a pane.
    #[must_use]
    pub fn border(self) -> border::Set<'static> {
        if self.has_unicode { border::ROUNDED } else { ASCII_BORDER }
    }

    /// Replaces what the terminal cannot show; runs over every finished picture.
    pub fn downgrade(self, buffer: &mut Buffer) {
        if self.has_unicode {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let plain = ascii(cell.symbol());
                cell.set_char(plain);
            }
        }
    }
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// The nearest ASCII character.
fn ascii(symbol: &str) -> char {
    match symbol {
        "━" | "┃" | "▰" | "█" | "▇" => '#',
        "▆" | "▅" => '=',
        "╍" => ':',
        "─" | "▄" | "▃" | "—" | "–" => '-',
        "▱" | "▂" | "▁" | "·" => '.',
        "│" | "┤" => '|',
        "└" | "┼" => '+',
        "●" => '*',
        "▲" => '!',
        "✗" | "×" => 'x',
        "→" => '>',
        "↑" => '^',
        "↓" => 'v',
        "…" | "≈" => '~',
        "µ" => 'u',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(vars: &[(&str, &str)]) -> Theme {
        Theme::from_vars(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_decides() {
        assert_eq!(theme(&[]), Theme::new(true, true));
        assert_eq!(theme(&[("NO_COLOR", "1")]), Theme::new(false, true));
        assert_eq!(theme(&[("NO_COLOR", "")]), Theme::new(true, true));
        assert_eq!(theme(&[("LANG", "C")]), Theme::new(true, false));
        assert_eq!(theme(&[("LC_ALL", "de_DE.UTF-8"), ("LANG", "C")]), Theme::new(true, true));
        assert_eq!(theme(&[("LANG", "en_US.utf8"), ("TERM", "linux")]), Theme::new(true, false));
        assert_eq!(theme(&[("TERM", "dumb")]), Theme::new(false, false));
    }
}
