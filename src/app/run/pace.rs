//! When the next picture is due.
//!
//! Invariant: none without a change; what the world does shows [`FRAME`] after the
//! picture before at the latest, and what a person does at once, as far as their keys
//! leave [`HASTE`] between two pictures.

use std::time::Duration;

use tokio::time::Instant;

/// Time between two pictures of what the world does: figures that change faster cannot
/// be read, and each picture has its price.
const FRAME: Duration = Duration::from_millis(250);
/// Time between two pictures while a person types: less than can be noticed, and
/// enough that a held key does not fill a slow line.
const HASTE: Duration = Duration::from_millis(8);

/// When the next picture is due.
#[derive(Debug, Default)]
pub(super) struct Pace {
    drawn: Option<Instant>,
    due: Option<Instant>,
}

impl Pace {
    /// When the next picture is to be drawn; none: nothing has changed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The world has changed.
    pub(super) fn changed(&mut self, now: Instant) {
        self.hurry(now, FRAME);
    }

    /// A person did something, and looks at the screen for it.
    pub(super) fn touched(&mut self, now: Instant) {
        self.hurry(now, HASTE);
    }

    /// A picture was drawn.
    pub(super) fn drew(&mut self, now: Instant) {
        *self = Self { drawn: Some(now), due: None };
    }

    fn hurry(&mut self, now: Instant, after: Duration) {
        let due = self.drawn.map_or(now, |drawn| now.max(drawn + after));
        self.due = Some(self.due.map_or(due, |before| before.min(due)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_kept_waiting_by_what_the_world_does() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::default();
        assert_eq!(pace.due(), None);
        pace.changed(at(0));
        assert_eq!(pace.due(), Some(at(0)));
        pace.drew(at(1));
        assert_eq!(pace.due(), None);
        pace.changed(at(2));
        assert_eq!(pace.due(), Some(at(251)));
        pace.touched(at(3));
        assert_eq!(pace.due(), Some(at(9)));
        pace.changed(at(4));
        assert_eq!(pace.due(), Some(at(9)));
        pace.drew(at(9));
        pace.touched(at(20));
        assert_eq!(pace.due(), Some(at(20)));
    }
}
