//! How the dashboard looks, by name: the theme and the glyphs.
//!
//! Invariant: names alone; colours are the matter of `ui::theme`.

use super::{effect::Effect, state::App};
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

/// Goes to the next theme.
pub(super) fn next_theme(_app: &mut App, _now: Millis) -> Vec<Effect> {
    Vec::new()
}
