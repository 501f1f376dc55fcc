//! An agent's life: follow the wish, end when it is time, leave nothing behind.

use std::{io::Write, rc::Rc, time::Duration};

use color_eyre::eyre::Result;
use tokio::{
    select,
    sync::oneshot,
    task::{AbortHandle, spawn_local},
    time::Instant,
};

use super::{
    Settings, fleet::Fleet, health, plans::Plans, reporter::Reporter, say, shared::Shared,
};
use crate::follow::{Clock, Follower, Heard, Listener, Station};

/// Kept of the time to stop for the process's own end.
const SPARE: Duration = Duration::from_millis(300);

/// Serves the run until its end, or until `told` resolves. Reports are printed to
/// `out`.
pub(super) async fn serve<S: Station + 'static>(
    station: Rc<S>,
    settings: &Settings,
    out: impl Write + Send + 'static,
    told: impl Future<Output = ()>,
) -> Result<()> {
    let clock = Rc::new(Clock::default());
    let shared = Rc::new(Shared::new(settings));
    let plans = Plans::new(Rc::clone(&station), Rc::clone(&clock), Rc::clone(&shared));
    let (follower, wishes) =
        Follower::new(Rc::clone(&station), Rc::clone(&clock), plans, &settings.task, say);
    let reporter =
        Reporter::new(station, Rc::clone(&clock), Rc::clone(&shared), wishes.clone(), out);
    let refusal = follower.refusal();
    let _following = Background(spawn_local(follower.follow()).abort_handle());
    let _health = Background(spawn_local(health::watch_lag(Rc::clone(&shared))).abort_handle());
    let (stop, stopped) = oneshot::channel();
    let reporting = spawn_local(reporter.report(stopped));

    let mut fleet = Fleet::new(shared, settings.first_device, settings.devices);
    let why = steer(&mut fleet, Listener::new(clock, wishes, refusal), told).await?;
    say(&format!("ending: {why}"));
    let deadline = Instant::now() + settings.stop.saturating_sub(SPARE);
    fleet.end().await;
    let _ = stop.send(deadline);
    reporting.await?;
    Ok(())
}

/// Follows the wish until the end; why it came.
async fn steer(
    fleet: &mut Fleet,
    mut listener: Listener,
    told: impl Future<Output = ()>,
) -> Result<&'static str> {
    let mut told = std::pin::pin!(told);
    let mut followed = 0;
    loop {
        let due = match listener.hear()? {
            Heard::End(why) => return Ok(why),
            Heard::Nothing => None,
            Heard::Wish(wish, now) => {
                if wish.version > followed {
                    fleet.follow(&wish);
                    followed = wish.version;
                }
                let again = fleet.pace(&wish, now);
                fleet.start(now).into_iter().chain(again).min()
            }
        };
        select! {
            biased;
            () = &mut told => return Ok("told by a signal"),
            waited = listener.wait(due) => waited?,
        }
    }
}

/// A task that ends with its owner.
struct Background(AbortHandle);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
