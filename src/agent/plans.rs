//! The plan that a wish names, fetched before its devices hear of the wish.
//!
//! Invariant: devices follow a wish together with its own plan, never with another.

use std::rc::Rc;

use color_eyre::eyre::{Report, Result, WrapErr, eyre};

use super::{script::Script, shared::Shared};
use crate::{
    cloud::types::Fetched,
    follow::{Clock, Prepare, Station},
    model::wish::Wish,
    plan::Plan,
};

/// Fetches plans.
pub(super) struct Plans<S> {
    station: Rc<S>,
    clock: Rc<Clock>,
    shared: Rc<Shared>,
    /// The key of the one that devices follow.
    followed: String,
}

impl<S: Station> Plans<S> {
    pub(super) fn new(station: Rc<S>, clock: Rc<Clock>, shared: Rc<Shared>) -> Self {
        Plans { station, clock, shared, followed: String::new() }
    }

    async fn fetch(&self, key: &str) -> Result<Plan> {
        let (found, dated) = self.station.fetch(key, None).await?;
        self.clock.observe(dated);
        match found {
            Fetched::New(object) => serde_json::from_slice(&object.body).map_err(Report::from),
            Fetched::Unchanged | Fetched::Missing => Err(eyre!("there is no such plan")),
        }
    }
}

impl<S: Station> Prepare for Plans<S> {
    async fn prepare(&mut self, wish: &Wish) -> Result<()> {
        if wish.plan != self.followed {
            let plan = self.fetch(&wish.plan).await.wrap_err_with(|| wish.plan.clone())?;
            let scripts = Script::all(&plan, &mut self.shared.recorder.borrow_mut());
            self.shared.set_scripts(scripts);
            self.followed.clone_from(&wish.plan);
        }
        Ok(())
    }
}
