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

use ratatui::{Frame, buffer::Buffer};

use crate::{app::state::App, model::Millis};
use theme::Theme;

/// Draws the whole screen as it is at `now`.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, now: Millis) {
    paint(frame.buffer_mut(), app, theme, now);
}

fn paint(buffer: &mut Buffer, app: &App, theme: Theme, now: Millis) {
    views::draw(buffer, buffer.area, &views::Scene { app, theme, now });
    theme.downgrade(buffer);
}
