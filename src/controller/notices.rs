//! The notices: numbered lines for the person.
//!
//! Invariant: numbers only grow; the same text again in a row raises its count
//! instead of pushing others out.

use std::sync::Arc;

use super::snapshot::{Level, Notice};
use crate::model::Millis;

/// How many are kept.
const MOST: usize = 500;

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
        if let Some(last) = list.last_mut().filter(|last| last.text == text) {
            last.times += 1;
            last.at = at;
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
}
