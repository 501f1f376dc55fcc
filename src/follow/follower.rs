//! Reads the wish again and again, and hands on what is new.
//!
//! Invariants: versions only grow; a wish is handed on once everything that it needs
//! is ready, never before. Who cannot read goes on with what was read last: the lease
//! says until when.

use std::{convert::Infallible, rc::Rc, time::Duration};

use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use tokio::{sync::watch, time::sleep};

use super::{Clock, Random, Refusal, Station};
use crate::{cloud::types::Fetched, model::wish::Wish};

/// The wish's key.
const WISH: &str = "wish.json";
/// How often to look before any wish says how often.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// No wish makes anybody look more often than this.
const SHORTEST_POLL: Duration = Duration::from_millis(20);
/// How far a pause between two looks is from the wish's, either way: tasks that
/// began together do not look together for ever.
const JITTER: f64 = 0.2;

/// The newest wish, once there is one.
pub(crate) type Wishes = watch::Receiver<Option<Rc<Wish>>>;

/// Makes ready what a wish needs before anybody hears of it.
pub(crate) trait Prepare {
    /// What fails is tried again with the next look.
    async fn prepare(&mut self, wish: &Wish) -> Result<()>;
}

/// A wish that is all there is to know.
impl Prepare for () {
    async fn prepare(&mut self, _: &Wish) -> Result<()> {
        Ok(())
    }
}

/// Follows the wish of one run.
pub(crate) struct Follower<S, P> {
    station: Rc<S>,
    clock: Rc<Clock>,
    prepare: P,
    say: fn(&str),
    wishes: watch::Sender<Option<Rc<Wish>>>,
    etag: Option<String>,
    failing: bool,
    refusal: Rc<Refusal>,
    random: Random,
}

impl<S: Station, P: Prepare> Follower<S, P> {
    /// A follower for the task of this name, and where it says what is new. Its words
    /// for people go through `say`.
    pub(crate) fn new(
        station: Rc<S>,
        clock: Rc<Clock>,
        prepare: P,
        task: &str,
        say: fn(&str),
    ) -> (Self, Wishes) {
        let (wishes, told) = watch::channel(None);
        let random = Random::new(task, u32::MAX);
        let (etag, failing, refusal) = (None, false, Rc::default());
        (Follower { station, clock, prepare, say, wishes, etag, failing, refusal, random }, told)
    }

    /// Why no wish could be read yet.
    pub(crate) fn refusal(&self) -> Rc<Refusal> {
        Rc::clone(&self.refusal)
    }

    /// Follows for ever; the caller drops it.
    pub(crate) async fn follow(mut self) -> Infallible {
        let say = self.say;
        loop {
            match self.look().await {
                Ok(()) if self.failing => {
                    self.failing = false;
                    say("the wish can be read again");
                }
                Ok(()) => {}
                Err(error) => self.failed(&error),
            }
            sleep(self.pause()).await;
        }
    }

    fn failed(&mut self, error: &Report) {
        let is_first = self.wishes.borrow().is_none();
        if is_first {
            self.refusal.note(error);
        }
        if !std::mem::replace(&mut self.failing, true) {
            let then = if is_first { "trying again" } else { "going on until the lease" };
            (self.say)(&format!("the wish cannot be read, {then}: {error:#}"));
        }
    }

    /// Looks once.
    async fn look(&mut self) -> Result<()> {
        let (found, dated) = self.station.fetch(WISH, self.etag.as_deref()).await?;
        self.clock.observe(dated);
        let object = match found {
            Fetched::Unchanged => return Ok(()),
            Fetched::Missing => return Err(eyre!("there is none")),
            Fetched::New(object) => object,
        };
        let wish: Wish = serde_json::from_slice(&object.body).wrap_err("it is no wish")?;
        let newest = self.wishes.borrow().as_ref().map(|wish| wish.version);
        if newest.is_none_or(|newest| wish.version > newest) {
            self.prepare.prepare(&wish).await?;
            self.wishes.send_replace(Some(Rc::new(wish)));
        }
        // Only now: what could not be followed is read again next time.
        self.etag = Some(object.etag);
        Ok(())
    }

    fn pause(&mut self) -> Duration {
        let poll = self.wishes.borrow().as_ref().map(|wish| Duration::from_millis(wish.poll_ms));
        let poll = poll.unwrap_or(FIRST_POLL).max(SHORTEST_POLL);
        poll.mul_f64(1.0 + JITTER * (2.0 * self.random.unit() - 1.0))
    }
}
