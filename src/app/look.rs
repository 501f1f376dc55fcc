//! How the dashboard looks, by name: the theme and the glyphs.
//!
//! Invariant: names alone; colours are the matter of `ui::theme`.

use std::{fmt, str::FromStr};

use super::{effect::Effect, state::App, update::say};
use crate::model::Millis;

/// The themes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ThemeName {
    /// The sixteen colours of the terminal itself, which has a theme of its own.
    #[default]
    Sixteen,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// As much contrast as there can be.
    HighContrast,
    /// Told apart without red and green.
    ColourBlind,
    /// No colour at all.
    None,
}

/// How the dashboard looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// In these colours.
    pub theme: ThemeName,
    /// With nothing beyond ASCII.
    pub ascii: bool,
}

impl ThemeName {
    /// All of them, in the order in which the key goes through them.
    pub const ALL: [ThemeName; 6] = [
        ThemeName::Sixteen,
        ThemeName::Dark,
        ThemeName::Light,
        ThemeName::HighContrast,
        ThemeName::ColourBlind,
        ThemeName::None,
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ThemeName::Sixteen => "sixteen",
            ThemeName::Dark => "dark",
            ThemeName::Light => "light",
            ThemeName::HighContrast => "high-contrast",
            ThemeName::ColourBlind => "colour-blind",
            ThemeName::None => "none",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            ThemeName::Sixteen => "the terminal's own sixteen colours",
            ThemeName::Dark => "for a dark background",
            ThemeName::Light => "for a light background",
            ThemeName::HighContrast => "as much contrast as there can be",
            ThemeName::ColourBlind => "told apart without red and green",
            ThemeName::None => "no colours",
        }
    }

    fn next(self) -> Self {
        let here = Self::ALL.iter().position(|it| *it == self).unwrap_or(0);
        Self::ALL[(here + 1) % Self::ALL.len()]
    }
}

impl fmt::Display for ThemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ThemeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |it: &&Self| it.name() == text || it.name().replace("colour", "color") == text;
        Self::ALL.iter().find(named).copied().ok_or_else(|| {
            "say sixteen, dark, light, high-contrast, colour-blind or none".to_owned()
        })
    }
}

/// Goes to the next theme, and says which.
pub(super) fn next_theme(app: &mut App, now: Millis) -> Vec<Effect> {
    set_theme(app, app.look.theme.next(), now)
}

/// Takes this theme, and says which.
pub(super) fn set_theme(app: &mut App, theme: ThemeName, now: Millis) -> Vec<Effect> {
    app.look.theme = theme;
    say(app, &format!("theme: {theme}, {}", theme.words()), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        fixtures::{self, NOW},
        keys::press,
    };

    #[test]
    fn the_key_goes_through_all_themes_and_says_which() {
        let mut app = fixtures::app(fixtures::steady());
        let mut seen = vec![app.look.theme];
        for _ in ThemeName::ALL {
            press(&mut app, "t", NOW);
            let hint = app.fresh_hint(NOW).expect("said").to_owned();
            assert!(hint.starts_with(&format!("theme: {}, ", app.look.theme)), "{hint}");
            seen.push(app.look.theme);
        }
        assert_eq!(seen[..6], ThemeName::ALL);
        assert_eq!(seen[6], seen[0]);
    }

    #[test]
    fn names_are_read_back() {
        for theme in ThemeName::ALL {
            assert_eq!(theme.name().parse(), Ok(theme));
        }
        assert_eq!("color-blind".parse(), Ok(ThemeName::ColourBlind));
        assert!("solarized".parse::<ThemeName>().is_err_and(|why| why.contains("light")));
    }
}
