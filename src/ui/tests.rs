//! The whole picture, in every state and size.

use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::{draw, theme::Theme};
use crate::app::{
    fixtures::{self, NOW},
    state::App,
};

fn picture(app: &App, theme: Theme, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("cannot fail");
    terminal.draw(|frame| draw(frame, app, &theme, NOW)).expect("cannot fail");
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    buffer
        .content
        .chunks(width)
        .map(|row| {
            let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            row.trim_end().to_owned() + "\n"
        })
        .collect()
}

#[test]
fn look() {
    let Ok(size) = std::env::var("LOOK") else { return };
    let (w, h) = size.split_once('x').unwrap();
    for (name, snapshot) in fixtures::all() {
        if let Ok(only) = std::env::var("ONLY")
            && only != name
        {
            continue;
        }
        let mut app = fixtures::app(snapshot);
        app.log_axis = std::env::var("LOG").is_ok();
        if let Ok(keys) = std::env::var("KEYS") {
            crate::app::keys::press(&mut app, &keys, NOW);
        }
        let theme = Theme::new(true, std::env::var("ASCII").is_err());
        println!(
            "== {name}\n{}",
            text(&picture(&app, theme, w.parse().unwrap(), h.parse().unwrap()))
        );
    }
}
