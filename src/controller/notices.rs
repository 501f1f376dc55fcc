//! The notices: numbered lines for the person.
//!
//! Invariant: numbers only grow; the same text again in a row raises its count
//! instead of pushing others out, and so does the same trouble among others.

use std::sync::Arc;

use super::snapshot::{Level, Notice};
use crate::model::Millis;

/// How many are kept.
const MOST: usize = 500;
/// Among so many of the latest the same trouble is looked for: what cannot be reached is
/// mostly several things, each of which is tried again and again.
const TROUBLES: usize = 8;

/// The latest notices.
#[derive(Debug, Default)]
pub(super) struct Notices {
    list: Arc<Vec<Notice>>,
    next: u64,
}

impl Notices {
    pub(super) fn add(&mut self, at: Millis, level: Level, text: impl Into<String>) {
        let text = text.into();
        match level {
            Level::Info => tracing::info!("{text}"),
            Level::Warning => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        }
        let list = Arc::make_mut(&mut self.list);
        let among = if level == Level::Info { 1 } else { TROUBLES };
        if let Some(same) = list.iter_mut().rev().take(among).find(|it| it.text == text) {
            same.times += 1;
            same.at = at;
            return;
        }
        self.next += 1;
        list.push(Notice { number: self.next, at, level, text, times: 1 });
        if list.len() > MOST {
            list.remove(0);
        }
    }

    pub(super) fn list(&self) -> Arc<Vec<Notice>> {
        Arc::clone(&self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_counted() {
        let mut notices = Notices::default();
        notices.add(1, Level::Info, "a");
        notices.add(2, Level::Info, "a");
        notices.add(3, Level::Info, "b");
        let list = notices.list();
        let seen: Vec<_> = list.iter().map(|it| (it.number, it.times, it.text.as_str())).collect();
        assert_eq!(seen, [(1, 2, "a"), (2, 1, "b")]);
    }

    #[test]
    fn several_troubles_that_take_turns_are_told_once_each() {
        let mut notices = Notices::default();
        for at in 0..10 {
            notices.add(at, Level::Warning, "no cluster");
            notices.add(at, Level::Warning, "no group");
        }
        let list = notices.list();
        let seen: Vec<_> = list.iter().map(|it| (it.number, it.times, it.at)).collect();
        assert_eq!(seen, [(1, 10, 9), (2, 10, 9)]);
        // Orders are told each time.
        notices.add(10, Level::Info, "added");
        notices.add(11, Level::Info, "removed");
        notices.add(12, Level::Info, "added");
        assert_eq!(notices.list().len(), 5);
    }
}
