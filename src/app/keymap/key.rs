//! A key as people write it: `+`, `K`, `Ctrl-C`, `F2`, `PageDown`.
//!
//! Invariant: a name that is read back is the same key, and no key can be written that
//! a terminal sends as another one.

use std::{fmt, str::FromStr};

/// What is pressed, without Ctrl and Alt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character; Shift is in it.
    Char(char),
    /// A function key, from 1.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Tab with Shift.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
}

/// The keys that have a name and are no character.
const NAMED: [(&str, KeyCode); 17] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Space", KeyCode::Char(' ')),
    // What a terminal names, beside what people write.
    ("BackTab", KeyCode::BackTab),
];

/// Function keys that terminals send.
const FUNCTION_KEYS: u8 = 12;

/// A key and its modifiers (without Shift, which is in the character).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// What is pressed.
    pub code: KeyCode,
    /// With Ctrl.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

impl Key {
    /// A key alone.
    #[must_use]
    pub const fn plain(code: KeyCode) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// A character alone.
    #[must_use]
    pub const fn of(c: char) -> Self {
        Self::plain(KeyCode::Char(c))
    }

    /// A character with Ctrl.
    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true, alt: false }
    }

    /// The character that it types where one can type.
    #[must_use]
    pub fn types(self) -> Option<char> {
        match self {
            Key { code: KeyCode::Char(c), ctrl: false, alt: false } => Some(c),
            _ => None,
        }
    }

    /// As it is written: `K`, `Ctrl-C`, `Enter`.
    #[must_use]
    pub fn name(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        let named = NAMED.iter().find(|(_, code)| *code == self.code);
        match (named, self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "F{number}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    /// Reads what [`Key::name`] writes; the error says what would be right.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut key = Key::plain(KeyCode::Enter);
        let mut rest = text;
        while let Some((modifier, after)) = rest.split_once('-').filter(|it| !it.1.is_empty()) {
            match modifier.to_ascii_lowercase().as_str() {
                "ctrl" if !key.ctrl => key.ctrl = true,
                "alt" if !key.alt => key.alt = true,
                "shift" if after.eq_ignore_ascii_case("tab") => break,
                "shift" => return Err(shifted(after)),
                _ => break,
            }
            rest = after;
        }
        key.code = code(rest).ok_or_else(|| unknown(text))?;
        if key.ctrl {
            key.code = with_ctrl(key.code)?;
        }
        Ok(key)
    }
}

fn code(text: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(*code);
    }
    let mut chars = text.chars();
    match (chars.next()?, chars.as_str()) {
        (c, "") if !c.is_control() && !c.is_whitespace() => Some(KeyCode::Char(c)),
        ('F' | 'f', number) => {
            let number = number.parse().ok()?;
            (1..=FUNCTION_KEYS).contains(&number).then_some(KeyCode::F(number))
        }
        _ => None,
    }
}

/// With Ctrl terminals send control characters, and some of those are other keys.
fn with_ctrl(code: KeyCode) -> Result<KeyCode, String> {
    let KeyCode::Char(c) = code else { return Ok(code) };
    let same_as = match c.to_ascii_lowercase() {
        'i' => "Tab",
        'm' | 'j' => "Enter",
        '[' => "Esc",
        'h' => "Backspace",
        's' | 'q' => return Err("terminals stop and go on with it; take another".to_owned()),
        'a'..='z' => return Ok(KeyCode::Char(c.to_ascii_lowercase())),
        _ => return Err("with Ctrl a terminal sends letters only, such as Ctrl-X".to_owned()),
    };
    Err(format!("a terminal sends the same for {same_as}; take another"))
}

fn shifted(after: &str) -> String {
    match code(after) {
        Some(KeyCode::Char(c)) if c.is_alphabetic() => {
            format!("with Shift it is the capital letter: write {:?}", c.to_uppercase().to_string())
        }
        _ => "Shift is not told apart; write the character itself, such as \"K\"".to_owned(),
    }
}

fn unknown(text: &str) -> String {
    format!(
        "{text:?} is no key; write one character, F1 to F{FUNCTION_KEYS}, Enter, Esc, Tab, \
         Shift-Tab, Space, Backspace, Delete, Insert, Home, End, PageUp, PageDown, Up, Down, \
         Left, Right, or one of these with Ctrl- or Alt- before it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let codes = NAMED.iter().map(|(_, code)| *code);
        let codes =
            codes.chain((1..=12).map(KeyCode::F)).chain("+-K[:äπ#".chars().map(KeyCode::Char));
        for code in codes {
            for alt in [false, true] {
                let key = Key { code, ctrl: false, alt };
                assert_eq!(key.name().parse(), Ok(key), "{key}");
            }
        }
        for c in "abcz".chars() {
            assert_eq!(Key::ctrl(c).name().parse(), Ok(Key::ctrl(c)));
        }
    }

    #[test]
    fn people_write_keys_in_several_ways() {
        for (text, key) in [
            ("ctrl-x", Key::ctrl('x')),
            ("Ctrl-X", Key::ctrl('x')),
            ("enter", Key::plain(KeyCode::Enter)),
            ("f2", Key::plain(KeyCode::F(2))),
            ("F", Key::of('F')),
            ("-", Key::of('-')),
            ("Alt--", Key { code: KeyCode::Char('-'), ctrl: false, alt: true }),
            ("shift-tab", Key::plain(KeyCode::BackTab)),
        ] {
            assert_eq!(text.parse(), Ok(key), "{text}");
        }
    }

    #[test]
    fn what_no_terminal_sends_is_refused_with_what_would_be_right() {
        for (text, says) in [
            ("", "is no key"),
            ("F13", "F1 to F12"),
            ("F0", "is no key"),
            ("pgdn", "PageDown"),
            ("ab", "is no key"),
            ("Ctrl-", "is no key"),
            ("Ctrl-Ctrl-x", "is no key"),
            ("Hyper-x", "is no key"),
            ("\t", "is no key"),
            ("Shift-k", "write \"K\""),
            ("Shift-Left", "Shift is not told apart"),
            ("Ctrl-I", "the same for Tab"),
            ("Ctrl-M", "the same for Enter"),
            ("Ctrl-S", "stop and go on"),
            ("Ctrl-+", "letters only"),
        ] {
            let why = text.parse::<Key>().expect_err(text);
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
