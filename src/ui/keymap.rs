//! From what the terminal says to what a key means.
//!
//! Invariant: the terminal's keys become ours here and nowhere else; the table itself is
//! [`crate::app::keymap`].

use crossterm::event::{self, KeyEvent, KeyEventKind, KeyModifiers};

pub use crate::app::keymap::{
    Danger, Group, Key, KeyCode, Keymap, Place, ROWS, Row, dashboard_rows, is_offered,
    readme_table, rows, view_rows,
};
use crate::app::{action::Action, keymap, state::App};

/// What a key means on this dashboard, as it is now.
#[must_use]
pub fn resolve(app: &App, event: KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    keymap::meaning(app, key_of(event)?)
}

/// The key of an event; none: one that is no matter of ours.
fn key_of(event: KeyEvent) -> Option<Key> {
    let code = match event.code {
        event::KeyCode::Char(c) => KeyCode::Char(c),
        event::KeyCode::F(number) => KeyCode::F(number),
        event::KeyCode::Enter => KeyCode::Enter,
        event::KeyCode::Esc => KeyCode::Esc,
        event::KeyCode::Tab => KeyCode::Tab,
        event::KeyCode::BackTab => KeyCode::BackTab,
        event::KeyCode::Backspace => KeyCode::Backspace,
        event::KeyCode::Delete => KeyCode::Delete,
        event::KeyCode::Insert => KeyCode::Insert,
        event::KeyCode::Home => KeyCode::Home,
        event::KeyCode::End => KeyCode::End,
        event::KeyCode::PageUp => KeyCode::PageUp,
        event::KeyCode::PageDown => KeyCode::PageDown,
        event::KeyCode::Up => KeyCode::Up,
        event::KeyCode::Down => KeyCode::Down,
        event::KeyCode::Left => KeyCode::Left,
        event::KeyCode::Right => KeyCode::Right,
        _ => return None,
    };
    // Shift is in the character.
    let modifiers = event.modifiers.difference(KeyModifiers::SHIFT);
    let known = KeyModifiers::CONTROL | KeyModifiers::ALT;
    let has = |modifier| modifiers.contains(modifier);
    let key = Key { code, ctrl: has(KeyModifiers::CONTROL), alt: has(KeyModifiers::ALT) };
    modifiers.difference(known).is_empty().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures;

    #[test]
    fn a_key_of_the_terminal_is_one_of_ours() {
        let app = fixtures::app(fixtures::steady());
        let press = |code, modifiers| resolve(&app, KeyEvent::new(code, modifiers));
        let (plain, shift) = (KeyModifiers::NONE, KeyModifiers::SHIFT);
        assert_eq!(press(event::KeyCode::Char('K'), shift), Some(Action::AskToEnd));
        assert_eq!(press(event::KeyCode::Char('k'), plain), None);
        assert_eq!(press(event::KeyCode::BackTab, shift), Some(Action::PreviousPane));
        let ctrl = press(event::KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(ctrl, Some(Action::Interrupt));
        assert_eq!(press(event::KeyCode::Char('q'), KeyModifiers::ALT), None);
        assert_eq!(press(event::KeyCode::Char('q'), KeyModifiers::SUPER), None);
        let released =
            KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::from(event::KeyCode::Char('q')) };
        assert_eq!(resolve(&app, released), None);
    }

    #[test]
    fn other_keys_can_be_chosen() {
        let mut app = fixtures::app(fixtures::steady());
        let chosen = [("add", vec![Key::plain(KeyCode::F(2))]), ("freeze", Vec::new())];
        app.keymap = Keymap::chosen(chosen.into()).expect("no clash").into();
        let press = |code| resolve(&app, KeyEvent::from(code));
        assert_eq!(press(event::KeyCode::F(2)), Some(Action::AddBatch));
        assert_eq!(press(event::KeyCode::Char('+')), None);
        assert_eq!(press(event::KeyCode::Char('f')), None);
        assert_eq!(press(event::KeyCode::Char('-')), Some(Action::RemoveBatch));
    }
}
