//! The one gate for colours and glyphs.
//!
//! Invariant: views name roles, never colours. By default the sixteen colours of the
//! person's own terminal are used, so that it is readable on dark and on light; a theme
//! with colours of its own brings its background along, and where the terminal cannot
//! show them the sixteen are used in their place. Without colours only weight and
//! inversion are left, and on a terminal that cannot show Unicode no cell leaves
//! [`Theme::finish`] with anything but ASCII.

mod colours;
mod depth;
#[cfg(test)]
mod tests;

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style},
    symbols::border,
};

use self::{colours::Colours, depth::Depth};
use crate::app::look::{Look, ThemeName};

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
    depth: Depth,
    has_unicode: bool,
    name: ThemeName,
}

impl Default for Theme {
    fn default() -> Self {
        Self::new(true, true)
    }
}

impl Theme {
    /// A terminal with these abilities, in the theme that is used where none is chosen.
    #[must_use]
    pub fn new(has_colour: bool, has_unicode: bool) -> Self {
        let depth = if has_colour { Depth::True } else { Depth::None };
        Self { depth, has_unicode, name: ThemeName::default() }
    }

    /// The terminal as the environment describes it: `COLORTERM`, `TERM`, the locale.
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
        let depth = Depth::of(&var("COLORTERM").unwrap_or_default(), &term);
        Self { depth, has_unicode: is_utf8 && !is_plain, name: ThemeName::default() }
    }

    /// The same terminal with the look that was chosen, as far as it can show it.
    #[must_use]
    pub fn wearing(self, look: Look) -> Self {
        let depth = if look.theme == ThemeName::None { Depth::None } else { self.depth };
        Self { depth, has_unicode: self.has_unicode && !look.ascii, name: look.theme }
    }

    /// Whether glyphs beyond ASCII can be shown.
    #[must_use]
    pub fn has_unicode(self) -> bool {
        self.has_unicode
    }

    /// How a role looks.
    #[must_use]
    pub fn style(self, role: Role) -> Style {
        match self.colours() {
            Some(colours) => self.own(colours, role),
            None => self.sixteen(role),
        }
    }

    /// The colours that the theme brings along, where this terminal can show them.
    fn colours(self) -> Option<&'static Colours> {
        matches!(self.depth, Depth::Indexed | Depth::True).then(|| colours::of(self.name))?
    }

    /// In the theme's own colours.
    fn own(self, colours: &Colours, role: Role) -> Style {
        let colour = |rgb| self.depth.colour(rgb).unwrap_or_default();
        let foreground = colour(colours.of(role));
        match role {
            Role::Focus => {
                let style = Style::new().fg(colour(colours.background)).bg(foreground);
                style.add_modifier(Modifier::BOLD)
            }
            Role::Strong | Role::Accent | Role::Warn | Role::Error => {
                Style::new().fg(foreground).add_modifier(Modifier::BOLD)
            }
            _ => Style::new().fg(foreground),
        }
    }

    /// In the sixteen colours of the terminal, or in none.
    fn sixteen(self, role: Role) -> Style {
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
            Some(colour) if self.depth != Depth::None => style.fg(colour),
            _ => style,
        }
    }

    /// The border of a pane.
    #[must_use]
    pub fn border(self) -> border::Set<'static> {
        if self.has_unicode { border::ROUNDED } else { ASCII_BORDER }
    }

    /// Gives a finished picture its background, and replaces what the terminal cannot
    /// show.
    pub fn finish(self, buffer: &mut Buffer) {
        if let Some(colours) = self.colours() {
            let colour = |rgb| self.depth.colour(rgb).unwrap_or_default();
            let (text, background) = (colour(colours.of(Role::Text)), colour(colours.background));
            for cell in &mut buffer.content {
                if cell.fg == Color::Reset {
                    cell.fg = text;
                }
                if cell.bg == Color::Reset {
                    cell.bg = background;
                }
            }
        }
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
