//! The keys as they were chosen: the table, and what `[keys]` changes of it.
//!
//! Invariant: in a [`Keymap`] no key has two meanings on any screen, none that is typed
//! is taken from where people type, and Ctrl-C is what it is.

use std::{collections::BTreeMap, fmt};

use super::{Key, Place, ROWS, Row};
use crate::app::action::Action;

/// The keys as they were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// By the names of their rows; what is not there has the table's keys.
    chosen: BTreeMap<&'static str, Vec<Key>>,
}

/// Why a choice of keys cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The row whose keys were chosen.
    pub name: &'static str,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a choice of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The key of that row stays as it is.
    Fixed(Key),
    /// The key is there twice.
    Twice(Key),
    /// The key is another row's, too.
    Taken(Key, &'static str),
    /// The key is a character, where characters are typed.
    Typed(Key),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Fixed(key) => write!(f, "{key} stays: it is the way out of everything"),
            Why::Twice(key) => write!(f, "{key} is there twice"),
            Why::Taken(key, other) => {
                write!(
                    f,
                    "{key} is the key of `{other}`, too; take another, or give that one others"
                )
            }
            Why::Typed(key) => write!(f, "{key} is typed there; take a key that is no character"),
        }
    }
}

impl Keymap {
    /// The table with these keys in the place of its own, by the names of rows. No keys:
    /// then only the palette does it. The error has all that is wrong.
    pub fn chosen(chosen: BTreeMap<&'static str, Vec<Key>>) -> Result<Self, Vec<Clash>> {
        let keymap = Keymap { chosen };
        let clashes: Vec<Clash> = ROWS.iter().flat_map(|row| keymap.clashes(row)).collect();
        if clashes.is_empty() { Ok(keymap) } else { Err(clashes) }
    }

    /// What is wrong with the choice for a row. What two choices have in common is said
    /// of the later one.
    fn clashes(&self, row: &'static Row) -> Vec<Clash> {
        let Some(keys) = self.chosen.get(row.name) else { return Vec::new() };
        let clash = |why| Clash { name: row.name, why };
        if let Some(key) = row.keys.first().filter(|_| row.is_fixed) {
            return vec![clash(Why::Fixed(*key))];
        }
        let mut found = Vec::new();
        for (nth, key) in keys.iter().enumerate() {
            if keys[..nth].contains(key) {
                found.push(clash(Why::Twice(*key)));
            } else if row.place.is_typed_in() && key.types().is_some() {
                found.push(clash(Why::Typed(*key)));
            } else if let Some(other) = self.other(row, *key) {
                found.push(clash(Why::Taken(*key, other.name)));
            }
        }
        found
    }

    /// Another row that has this key on a screen of this one.
    fn other(&self, row: &'static Row, key: Key) -> Option<&'static Row> {
        let mut before = true;
        ROWS.iter().find(|other| {
            if std::ptr::eq(*other, row) {
                before = false;
                return false;
            }
            let is_said_there = !before && !other.is_fixed && self.chosen.contains_key(other.name);
            !is_said_there && other.place.meets(row.place) && self.keys(other).contains(&key)
        })
    }

    /// The keys of a row, any of which does it.
    #[must_use]
    pub fn keys<'k>(&'k self, row: &'k Row) -> &'k [Key] {
        let chosen = self.chosen.get(row.name).filter(|_| !row.is_fixed);
        chosen.map_or(row.keys, Vec::as_slice)
    }

    /// Its keys as they are written: `+ =`.
    #[must_use]
    pub fn names(&self, row: &Row, separator: &str) -> String {
        let names: Vec<String> = self.keys(row).iter().map(|key| key.name()).collect();
        names.join(separator)
    }

    /// The first of its keys as it is written; empty where it has none.
    #[must_use]
    pub fn first(&self, row: &Row) -> String {
        self.keys(row).first().map(|key| key.name()).unwrap_or_default()
    }

    /// The key that means this on the dashboard, for sentences that name it; where there
    /// is none, how the palette is told.
    #[must_use]
    pub fn key_for(&self, action: &Action) -> String {
        let is_meant = |row: &&Row| row.action == *action && Place::Dashboard.meets(row.place);
        let Some(row) = ROWS.iter().find(is_meant) else { return String::new() };
        match self.keys(row).first() {
            Some(key) => key.name(),
            None => format!(":{}", row.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(choice: &[(&'static str, &[&str])]) -> Result<Keymap, Vec<String>> {
        let keys = |keys: &[&str]| keys.iter().map(|it| it.parse().expect("a key")).collect();
        let choice = choice.iter().map(|(name, all)| (*name, keys(all))).collect();
        Keymap::chosen(choice)
            .map_err(|all| all.iter().map(|it| format!("{}: {}", it.name, it.why)).collect())
    }

    #[test]
    fn no_key_has_two_meanings() {
        for (nth, row) in ROWS.iter().enumerate() {
            for other in &ROWS[nth + 1..] {
                let shared = row.keys.iter().find(|key| other.keys.contains(key));
                let meet = row.place.meets(other.place);
                assert!(!meet || shared.is_none(), "{shared:?}: {}, {}", row.name, other.name);
            }
            let typed = row.keys.iter().find(|key| key.types().is_some());
            assert!(!row.place.is_typed_in() || typed.is_none(), "{}: {typed:?}", row.name);
        }
        // The whole table, chosen once more, is no clash either.
        let all = ROWS.iter().filter(|it| !it.is_fixed).map(|it| (it.name, it.keys.to_vec()));
        assert!(Keymap::chosen(all.collect()).is_ok());
    }

    #[test]
    fn a_choice_takes_the_place_of_the_tables_keys() {
        let keymap = chosen(&[("add", &["F2", "Ctrl-A"]), ("remove", &["+"]), ("freeze", &[])]);
        let keymap = keymap.expect("no clash");
        let row = |name| ROWS.iter().find(|it| it.name == name).expect("a row");
        assert_eq!(keymap.names(row("add"), " "), "F2 Ctrl-A");
        assert_eq!(keymap.first(row("remove")), "+");
        assert_eq!(keymap.first(row("pause")), "p");
        assert_eq!(keymap.key_for(&Action::AddBatch), "F2");
        assert_eq!(keymap.key_for(&Action::ToggleFreeze), ":freeze");
        // Two that are never on one screen may share a key.
        assert!(chosen(&[("zoom-in", &["X"])]).is_ok());
    }

    #[test]
    fn what_clashes_is_named_once() {
        for (choice, says) in [
            (&[("remove", &["+"] as &[_])][..], "remove: + is the key of `add`, too"),
            (&[("zoom-in", &["p"])], "zoom-in: p is the key of `pause`, too"),
            (&[("stop-task", &["Down"])], "stop-task: Down is the key of `row-down`, too"),
            (&[("add", &["F2"]), ("remove", &["F2"])], "remove: F2 is the key of `add`, too"),
            (&[("add", &["F2", "F2"])], "add: F2 is there twice"),
            (&[("add", &["Ctrl-C"])], "add: Ctrl-C is the key of `interrupt`, too"),
            (&[("interrupt", &["F9"])], "interrupt: Ctrl-C stays"),
            (&[("interrupt", &[])], "interrupt: Ctrl-C stays"),
            (&[("suspend", &["u"])], "suspend: u is typed there"),
            (&[("prompt-set", &["x"])], "prompt-set: x is typed there"),
            (&[("dialog-kill", &["n"])], "dialog-kill: n is the key of `dialog-cancel`, too"),
        ] {
            let said = chosen(choice).expect_err(says);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].starts_with(says), "{said:?}");
        }
    }
}
