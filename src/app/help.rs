//! What the help says, in its order: the keys of the view that is shown, then all
//! others, then what the signs mean.
//!
//! Invariant: made from the key table; how long it is, is known here and not guessed.

use super::{
    keymap::{self, Group, Place, Row},
    state::App,
};

/// An entry of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// What the entries after it are about.
    Title(String),
    /// A row of the key table, by its name, and whether it counts now.
    Key(&'static str, bool),
    /// A sign and what it means.
    Sign(&'static str, &'static str),
    /// A sentence.
    Words(&'static str),
}

/// What the signs mean.
const SIGNS: [(&str, &str); 7] = [
    ("●", "all is well"),
    ("▲", "something wants a look"),
    ("✗", "broken"),
    ("≈", "an estimate"),
    ("?", "of an amount of dollars: something in it has no price"),
    ("… old", "how old these figures are, where they should be newer"),
    ("planned", "what the ramp wants, beside what is"),
];

/// Sentences about the rest.
const WORDS: [&str; 3] = [
    "The palette has every key by its name; with a value behind it: batch 250, theme light.",
    "Other keys: [keys] in loadtop.toml, by the same names. Colours: [ui], or --theme.",
    "Where the mouse is loadtop's, most terminals select text with Shift held down.",
];

/// All entries.
#[must_use]
pub fn entries(app: &App) -> Vec<Entry> {
    let here: Vec<&Row> = keymap::view_rows(app).filter(|row| is_of_view(row)).collect();
    let mut all = Vec::new();
    if !here.is_empty() {
        all.push(Entry::Title(format!("In this view: {}", app.view.name())));
        all.extend(here.iter().map(|row| Entry::Key(row.name, true)));
    }
    for group in Group::ALL {
        let rows: Vec<Entry> = keymap::dashboard_rows(app.readonly)
            .filter(|row| row.group() == group && !here.iter().any(|it| it.name == row.name))
            .map(|row| Entry::Key(row.name, !is_of_view(row)))
            .collect();
        if !rows.is_empty() {
            all.push(Entry::Title(title(group)));
            all.extend(rows);
        }
    }
    all.push(Entry::Title("Signs".to_owned()));
    all.extend(SIGNS.iter().map(|(sign, means)| Entry::Sign(sign, means)));
    all.push(Entry::Title("More".to_owned()));
    all.extend(WORDS.iter().map(|words| Entry::Words(words)));
    all
}

/// Whether a row counts in some views only.
fn is_of_view(row: &Row) -> bool {
    matches!(row.place, Place::List | Place::Tasks | Place::Charts)
}

fn title(group: Group) -> String {
    match group {
        Group::Lists => "In lists (instances, tasks, notices)".to_owned(),
        Group::Charts => "In charts (overview, latency)".to_owned(),
        other => other.title().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        fixtures::{self, NOW},
        keys::press,
        view::View,
    };

    #[test]
    fn the_keys_of_the_view_come_first_and_each_key_once() {
        for (view, first) in
            [(View::Overview, Some("zoom-in")), (View::Tasks, Some("filter")), (View::Target, None)]
        {
            let mut app = fixtures::app(fixtures::steady());
            app.view = view;
            let all = entries(&app);
            let keys: Vec<&str> = all
                .iter()
                .filter_map(|it| if let Entry::Key(name, _) = it { Some(*name) } else { None })
                .collect();
            assert_eq!(keys.first().copied(), first.or(Some("add")), "{view:?}");
            let mut once = keys.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), keys.len(), "{keys:?}");
            assert_eq!(keys.len(), keymap::dashboard_rows(false).count(), "{view:?}");
        }
    }

    #[test]
    fn it_can_be_scrolled_to_its_end_and_no_further() {
        let mut app = fixtures::app(fixtures::steady());
        press(&mut app, "?", NOW);
        for _ in 0..200 {
            press(&mut app, "Down", NOW);
        }
        assert_eq!(app.scroll, entries(&app).len() - 1);
        press(&mut app, "Up", NOW);
        assert_eq!(app.scroll, entries(&app).len() - 2);
    }
}
