//! Reads the wish again and again, and hands on what is new.
//!
//! Invariants: versions only grow; a wish is handed on together with the plan that
//! it names, never with another. Who cannot read goes on with what was read last:
//! the lease says until when.

use std::{rc::Rc, time::Duration};

use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use tokio::{sync::watch, time::sleep};

use super::{backoff::Random, clock::Clock, say, script::Script, shared::Shared, station::Station};
use crate::{cloud::types::Fetched, model::wish::Wish, plan::Plan};

/// The wish's key.
const WISH: &str = "wish.json";
/// How often to look before any wish says how often.
const FIRST_POLL: Duration = Duration::from_secs(1);
/// No wish makes agents look more often than this.
const SHORTEST_POLL: Duration = Duration::from_millis(20);
/// How far a pause between two looks is from the wish's, either way: agents that
/// began together do not look together for ever.
const JITTER: f64 = 0.2;

/// Follows the wish of one run.
pub(super) struct Follower<S> {
    station: Rc<S>,
    clock: Rc<Clock>,
    shared: Rc<Shared>,
    wishes: watch::Sender<Option<Rc<Wish>>>,
    etag: Option<String>,
    plan: String,
    failing: bool,
    random: Random,
}

impl<S: Station> Follower<S> {
    /// A follower, and where it says what is new.
    pub(super) fn new(
        station: Rc<S>,
        clock: Rc<Clock>,
        shared: Rc<Shared>,
    ) -> (Self, watch::Receiver<Option<Rc<Wish>>>) {
        let (wishes, told) = watch::channel(None);
        let random = Random::new(&shared.task, u32::MAX);
        let (etag, plan, failing) = (None, String::new(), false);
        (Follower { station, clock, shared, wishes, etag, plan, failing, random }, told)
    }

    /// Follows for ever; the caller drops it.
    pub(super) async fn follow(mut self) {
        loop {
            match self.look().await {
                Ok(()) if self.failing => {
                    self.failing = false;
                    say("the wish can be read again");
                }
                Err(error) if !self.failing => {
                    self.failing = true;
                    say(&format!("the wish cannot be read, going on until the lease: {error:#}"));
                }
                Ok(()) | Err(_) => {}
            }
            sleep(self.pause()).await;
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
            self.adopt(wish).await?;
        }
        // Only now: what could not be followed is read again next time.
        self.etag = Some(object.etag);
        Ok(())
    }

    async fn adopt(&mut self, wish: Wish) -> Result<()> {
        if wish.plan != self.plan {
            let plan = self.plan(&wish.plan).await.wrap_err_with(|| wish.plan.clone())?;
            let scripts = Script::all(&plan, &mut self.shared.recorder.borrow_mut());
            self.shared.set_scripts(scripts);
            self.plan.clone_from(&wish.plan);
        }
        self.wishes.send_replace(Some(Rc::new(wish)));
        Ok(())
    }

    async fn plan(&self, key: &str) -> Result<Plan> {
        let (found, dated) = self.station.fetch(key, None).await?;
        self.clock.observe(dated);
        match found {
            Fetched::New(object) => serde_json::from_slice(&object.body).map_err(Report::from),
            Fetched::Unchanged | Fetched::Missing => Err(eyre!("there is no such plan")),
        }
    }

    fn pause(&mut self) -> Duration {
        let poll = self.wishes.borrow().as_ref().map(|wish| Duration::from_millis(wish.poll_ms));
        let poll = poll.unwrap_or(FIRST_POLL).max(SHORTEST_POLL);
        poll.mul_f64(1.0 + JITTER * (2.0 * self.random.unit() - 1.0))
    }
}
