//! The verbs: one order to a run that is on, from a script or another terminal.
//!
//! A verb starts a controller that joins the run and does not lead it, gives it one
//! command and waits for what became of it; `killall` and `reap` lead where nobody else
//! does, `status` only reads, and a forecast only looks. Invariants: words go to standard
//! error and data to standard
//! output; every wait has a deadline; exit code 0 means that what was asked for is so.

mod answer;
mod ending;
mod killall;
mod order;
mod plan;
mod reap;
mod status;
mod steering;
mod strays;

pub use killall::killall;
pub use order::{add, pause, remove, resume, scale};
pub(crate) use plan::forecast;
pub use reap::reap;
pub use status::status;

use crate::{
    cli::Where,
    place::{Place, Standing},
    usage::Usage,
};

/// The cloud that stays; without one there is nothing that a verb could steer.
fn standing(place: &Where) -> Result<Standing, Usage> {
    match Place::of(place)? {
        Place::Standing(standing) => Ok(*standing),
        Place::Embedded => Err(Usage(
            "there is no cluster that this could be about: start `loadtop local` and evaluate \
             what it prints, or name one (--cluster, or loadtop.toml, which `loadtop init` \
             writes); a dashboard without a cluster brings its own \
             cloud along, and is steered by its keys only"
                .to_owned(),
        )),
    }
}
