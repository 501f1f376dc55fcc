//! The picture: what an [`App`] looks like on a terminal of any size.
//!
//! Invariant: drawing takes `&App` and the time; it never prunes, sorts or fetches.
//! Views know where things are and what they say, [`widgets`] know shapes, and
//! [`theme`] alone knows colours and glyphs.

pub mod format;
pub mod keymap;
mod layout;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
mod views;
mod widgets;

use ratatui::Frame;

use crate::{app::state::App, model::Millis};
use theme::Theme;

/// Draws the whole screen as it is at `now`.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme, now: Millis) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    views::draw(buffer, area, &views::Scene { app, theme, now });
    theme.downgrade(buffer);
}
