//! The palette: every key by its name, found by typing some of it, with what it takes.
//!
//! Invariant: whatever it does is what the key of the same row does: the row's action,
//! and for a value the prompt of that setting, filled in and submitted.

use super::{
    action::Action,
    effect::Effect,
    keymap::{self, ROWS, Row},
    look::ThemeName,
    prompt::{self, Value},
    state::{App, Mode, Setting},
    update::update,
};
use crate::model::Millis;

/// Longest text that it takes.
const MAX_CHARS: usize = 200;

/// The palette while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Palette {
    /// Typed so far.
    pub text: String,
    /// Which of the matches is selected.
    pub selected: usize,
    /// Why the last try was refused.
    pub refusal: Option<String>,
}

/// Something that may be meant.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As it would be typed: `batch`, `theme light`.
    pub name: String,
    /// What it does.
    pub help: &'static str,
    /// The row of the key table that it is of.
    pub row: &'static Row,
    /// What is done.
    pub action: Action,
    /// The value that was typed behind the name, for a row that takes one.
    pub value: Option<String>,
}

/// How well something is meant: the smaller, the better.
type Score = (u8, usize);
/// The worst score of a name, as opposed to a description.
const BY_NAME: u8 = 4;

/// What may be meant by what was typed, best first; all there is while nothing is typed.
#[must_use]
pub fn entries(app: &App, palette: &Palette) -> Vec<Entry> {
    let text = palette.text.trim_start().to_lowercase();
    let mut found: Vec<(Score, Entry)> = Vec::new();
    for row in keymap::view_rows(app).filter(|row| is_listed(row)) {
        let plain = Entry {
            name: row.name.to_owned(),
            help: row.help,
            row,
            action: row.action.clone(),
            value: None,
        };
        let value = value_for(row, palette);
        if let Some((score, value)) = value {
            found.push((score, Entry { value: Some(value), ..plain }));
        } else if let Some(score) = score(text.trim_end(), row.name, row.label, row.help) {
            found.push((score, plain));
        }
        if row.action == Action::NextTheme && !text.is_empty() {
            found.extend(themes(row, text.trim_end()));
        }
    }
    found.sort_by_key(|(score, _)| *score);
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Whether a row is worth a line: what moves through the palette itself is not.
fn is_listed(row: &Row) -> bool {
    !matches!(row.action, Action::OpenPalette | Action::Interrupt)
}

/// The value behind the name, if a row takes one and its name is meant.
fn value_for(row: &Row, palette: &Palette) -> Option<(Score, String)> {
    row.setting()?;
    let (name, value) = palette.text.trim_start().split_once(char::is_whitespace)?;
    let score = score(&name.to_lowercase(), row.name, row.label, "")?;
    (score.0 <= BY_NAME).then(|| (score, value.trim().to_owned()))
}

fn themes(row: &'static Row, text: &str) -> impl Iterator<Item = (Score, Entry)> {
    ThemeName::ALL.into_iter().filter_map(move |theme| {
        let name = format!("{} {theme}", row.name);
        let score = score(text, &name, theme.name(), theme.words())?;
        let action = Action::SetTheme(theme);
        // Behind the key's own row, where both are meant alike.
        let entry = Entry { name, help: theme.words(), row, action, value: None };
        Some(((score.0, score.1 + 1), entry))
    })
}

/// How well `text` means something of this name; none: not at all.
fn score(text: &str, name: &str, label: &str, help: &str) -> Option<Score> {
    let spaced = |text: &str| text.replace('-', " ");
    let (text, plain) = (spaced(text), spaced(name));
    let starts_a_word = |all: &str| all.split(' ').any(|word| word.starts_with(&text));
    if text.is_empty() || plain == text {
        Some((0, 0))
    } else if plain.starts_with(&text) {
        Some((1, 0))
    } else if starts_a_word(&plain) || (!label.is_empty() && spaced(label).starts_with(&text)) {
        Some((2, 0))
    } else if plain.contains(&text) {
        Some((3, 0))
    } else if let Some(gaps) = gaps(&text, &plain) {
        Some((BY_NAME, gaps))
    } else {
        let help = help.to_lowercase();
        let is_there = |word: &str| help.contains(word) || plain.contains(word);
        text.split_whitespace().all(is_there).then_some((BY_NAME + 1, 0))
    }
}

/// How many characters lie between those of `text` in `name`, where they are all there in
/// this order.
fn gaps(text: &str, name: &str) -> Option<usize> {
    let mut rest = name.char_indices();
    let mut first = None;
    let mut last = 0;
    for wanted in text.chars().filter(|c| *c != ' ') {
        let (at, _) = rest.find(|(_, c)| *c == wanted)?;
        first.get_or_insert(at);
        last = at;
    }
    Some(last - first? + 1 - text.chars().filter(|c| *c != ' ').count().min(last - first? + 1))
}

/// What an entry takes, or why what was typed is not that; none: nothing is to be said.
#[must_use]
pub fn remark(app: &App, entry: &Entry) -> Option<Result<String, String>> {
    let (setting, value) = (entry.row.setting()?, entry.value.as_deref()?);
    match prompt::parse(setting, value, super::typing::limits(app)) {
        Err(why) if value.is_empty() => Some(Ok(why)),
        Err(why) => Some(Err(why)),
        Ok(Value::Batch(devices)) => super::preview::forecast(app, devices).map(|it| Ok(it.line())),
        Ok(_) => None,
    }
}

/// Takes what is meant for the palette while it is open, and says whether it was.
pub(super) fn takes(app: &mut App, action: &Action) -> bool {
    if !matches!(app.mode, Mode::Palette(_)) {
        return false;
    }
    match action {
        Action::Type(_) | Action::Erase => edit(app, action),
        Action::Paste(text) => paste(app, text),
        Action::Scroll(by) => select(app, *by),
        _ => return false,
    }
    true
}

/// A character more, or one less.
fn edit(app: &mut App, action: &Action) {
    let Mode::Palette(palette) = &mut app.mode else { return };
    match action {
        Action::Type(c) if !c.is_control() && palette.text.chars().count() < MAX_CHARS => {
            palette.text.push(*c);
        }
        Action::Erase => drop(palette.text.pop()),
        _ => {}
    }
    (palette.selected, palette.refusal) = (0, None);
}

/// A text from elsewhere: its first line is typed, and nothing is done.
fn paste(app: &mut App, text: &str) {
    for c in text.lines().next().unwrap_or_default().chars() {
        edit(app, &Action::Type(c));
    }
}

/// Selects another match.
fn select(app: &mut App, by: isize) {
    let Mode::Palette(palette) = &app.mode else { return };
    let last = entries(app, palette).len().saturating_sub(1);
    if let Mode::Palette(palette) = &mut app.mode {
        palette.selected = palette.selected.saturating_add_signed(by).min(last);
    }
}

/// Completes what was typed to what is selected; behind the name of what takes a target,
/// to the one that there is.
pub(super) fn complete(app: &mut App) -> Vec<Effect> {
    let Mode::Palette(palette) = &app.mode else { return Vec::new() };
    let Some(entry) = entries(app, palette).into_iter().nth(palette.selected) else {
        return Vec::new();
    };
    let text = match (entry.row.setting(), &entry.value) {
        (None, _) => entry.name,
        (Some(_), None) => entry.name + " ",
        (Some(Setting::Target), Some(value)) if value.is_empty() => {
            format!("{} {}", entry.name, app.snapshot.target)
        }
        (Some(_), Some(value)) => format!("{} {value}", entry.name),
    };
    if let Mode::Palette(palette) = &mut app.mode {
        *palette = Palette { text, ..Palette::default() };
    }
    Vec::new()
}

/// Does what is selected.
pub(super) fn submit(app: &mut App, now: Millis) -> Vec<Effect> {
    let Mode::Palette(palette) = &app.mode else { return Vec::new() };
    let palette = palette.clone();
    let Some(entry) = entries(app, &palette).into_iter().nth(palette.selected) else {
        refuse(app, palette, "nothing is called so; Backspace takes a character back");
        return Vec::new();
    };
    app.mode = Mode::Normal;
    match entry.value {
        Some(value) if !value.is_empty() => set(app, &palette, (&entry.action, &value), now),
        _ => update(app, entry.action, now),
    }
}

/// Does what a person would do: opens the prompt, types the value and presses Enter.
fn set(
    app: &mut App,
    palette: &Palette,
    (action, value): (&Action, &str),
    now: Millis,
) -> Vec<Effect> {
    let mut effects = update(app, action.clone(), now);
    // What the prompt begins with goes; it is no longer than any prompt takes.
    for _ in 0..MAX_CHARS {
        match &app.mode {
            Mode::Prompt(prompt) if !prompt.text.is_empty() => {
                effects.extend(update(app, Action::Erase, now));
            }
            _ => break,
        }
    }
    for c in value.chars() {
        if matches!(app.mode, Mode::Prompt(_)) {
            effects.extend(update(app, Action::Type(c), now));
        }
    }
    match &app.mode {
        Mode::Prompt(prompt) if prompt.text == value => {
            effects.extend(update(app, Action::Submit, now));
            if let Mode::Prompt(prompt) = &app.mode {
                let why = prompt.refusal.clone().unwrap_or_default();
                refuse(app, palette.clone(), &why);
            }
        }
        Mode::Prompt(_) => {
            let why = match setting_of(action).map(|it| prompt::parse(it, value, None)) {
                Some(Err(why)) => why,
                _ => "too long, or not all of it can be typed there".to_owned(),
            };
            refuse(app, palette.clone(), &why);
        }
        // It was said why not.
        _ => {}
    }
    effects
}

fn setting_of(action: &Action) -> Option<Setting> {
    ROWS.iter().find(|row| row.action == *action)?.setting()
}

fn refuse(app: &mut App, palette: Palette, why: &str) {
    app.mode = Mode::Palette(Palette { refusal: Some(why.to_owned()), ..palette });
}

#[cfg(test)]
mod tests;
