//! The picture: what an [`App`] looks like on a terminal of any size.
//!
//! Invariant: drawing takes `&App` and the time; it never prunes, sorts or fetches.
//! Views know where things are and what they say, [`widgets`] know shapes, and
//! [`theme`] alone knows colours and glyphs.

pub mod format;
pub mod hits;
pub mod keymap;
mod layout;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod theme;
mod views;
mod widgets;

use std::cell::RefCell;

use ratatui::{Frame, buffer::Buffer};

use crate::{app::state::App, model::Millis};
use hits::Hits;
use theme::Theme;

/// Draws the whole screen as it is at `now`; the answer is what can be pointed at.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme, now: Millis) -> Hits {
    paint(frame.buffer_mut(), app, theme, now)
}

fn paint(buffer: &mut Buffer, app: &App, theme: Theme, now: Millis) -> Hits {
    let theme = theme.wearing(app.look);
    let scene = views::Scene { app, theme, hits: RefCell::default(), now };
    views::draw(buffer, buffer.area, &scene);
    theme.finish(buffer);
    scene.hits.into_inner()
}
