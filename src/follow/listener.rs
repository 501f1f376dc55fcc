//! When the run is over, and until then: what the newest wish is.
//!
//! Invariant: each of these ends is final, and none needs the cloud to answer: who
//! cannot read any more still knows the lease and the clock.

use std::{rc::Rc, time::Duration};

use color_eyre::eyre::{Result, eyre};
use tokio::time::{Instant, sleep};

use super::{Clock, Refusal, Wishes};
use crate::model::{
    Millis,
    wish::{State, Wish},
};

/// Who has read no wish at all has no lease either; it waits as long as a lease
/// usually is.
pub(crate) const FIRST_WISH: Duration = Duration::from_mins(10);
/// Nobody sleeps longer: the clock's estimate may move.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What there is to hear.
#[derive(Debug)]
pub(crate) enum Heard {
    /// No wish yet.
    Nothing,
    /// The newest wish, and the bucket's time.
    Wish(Rc<Wish>, Millis),
    /// The run is over, and why.
    End(&'static str),
}

/// Listens to what a follower says.
pub(crate) struct Listener {
    clock: Rc<Clock>,
    wishes: Wishes,
    refusal: Rc<Refusal>,
    patience: Instant,
}

impl Listener {
    /// Its patience begins now.
    pub(crate) fn new(clock: Rc<Clock>, wishes: Wishes, refusal: Rc<Refusal>) -> Self {
        Listener { clock, wishes, refusal, patience: Instant::now() + FIRST_WISH }
    }

    /// What is known now. An error, if no wish could ever be read.
    pub(crate) fn hear(&mut self) -> Result<Heard> {
        let wish = self.wishes.borrow_and_update().clone();
        match (wish, self.clock.now()) {
            (Some(wish), Some(now)) => {
                Ok(end_of(&wish, now).map_or(Heard::Wish(wish, now), Heard::End))
            }
            (Some(_), None) => Ok(Heard::Nothing),
            (None, _) => match self.refusal.is_final() {
                Some(why) => Err(eyre!("no wish could be read: {why}")),
                None if Instant::now() > self.patience => Err(eyre!(
                    "no wish could be read for {} s: {}",
                    FIRST_WISH.as_secs(),
                    self.refusal.latest()
                )),
                None => Ok(Heard::Nothing),
            },
        }
    }

    /// Waits for a newer wish, for the end of the one that is known, or until `due` if
    /// something else is due then: until it is worth to [`Self::hear`] again.
    pub(crate) async fn wait(&mut self, due: Option<Millis>) -> Result<()> {
        let wish = self.wishes.borrow().clone();
        let ends = wish.map(|wish| [Some(wish.lease_until), end_at(&wish)]);
        let next = ends.into_iter().flatten().chain([due]).flatten().min();
        let wait = next.map_or(LONGEST_SLEEP, |at| self.clock.until(at));
        tokio::select! {
            biased;
            changed = self.wishes.changed() => changed?,
            () = sleep(wait.clamp(Duration::from_millis(1), LONGEST_SLEEP)) => {}
        }
        Ok(())
    }
}

/// Why the run is over, if it is. All of these are final.
pub(crate) fn end_of(wish: &Wish, now: Millis) -> Option<&'static str> {
    if wish.state == State::Stop {
        return Some("the wish says stop");
    }
    if end_at(wish).is_some_and(|end| end <= now) {
        return Some("the run's end has come");
    }
    (wish.lease_until < now).then_some("the lease has lapsed: no controller renewed it")
}

/// When the run ends by itself. While it is paused that is not known: the end moves
/// by the length of the pause.
pub(crate) fn end_at(wish: &Wish) -> Option<Millis> {
    wish.ends_at.filter(|_| wish.state != State::Paused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wish::{Change, Edit};

    #[test]
    fn the_end_waits_for_the_end_of_a_pause() {
        let edit = |wish: &Wish, change: Change| {
            wish.edited(&Edit { id: format!("{change:?}"), change }, 0)
        };
        let ends = edit(&Wish::new("p", 10_000), Change::EndAt { at: Some(5_000) });
        assert!(end_of(&ends, 4_999).is_none() && end_of(&ends, 5_000).is_some());
        let paused = edit(&ends, Change::Pause { at: 4_000 });
        assert_eq!(end_of(&paused, 6_000), None);
        let resumed = edit(&paused, Change::Resume { at: 7_000 });
        assert!(end_of(&resumed, 7_999).is_none() && end_of(&resumed, 8_000).is_some());
        assert!(end_of(&paused, 10_001).is_some(), "a lease knows no pause");
    }
}
