//! An agent's life: follow the wish, end when it is time, leave nothing behind.

use std::{io::Write, rc::Rc, time::Duration};

use color_eyre::eyre::{Result, eyre};
use tokio::{
    select,
    sync::{oneshot, watch},
    task::{AbortHandle, spawn_local},
    time::{Instant, sleep},
};

use super::{
    Settings, clock::Clock, fleet::Fleet, follow::Follower, health, reporter::Reporter, say,
    shared::Shared, station::Station,
};
use crate::model::{
    Millis,
    wish::{State, Wish},
};

/// An agent that has read no wish at all has no lease either; it waits as long as a
/// lease usually is.
const FIRST_WISH: Duration = Duration::from_mins(10);
/// The steering never sleeps longer: the clock's estimate may move.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
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
    let (follower, wishes) =
        Follower::new(Rc::clone(&station), Rc::clone(&clock), Rc::clone(&shared));
    let reporter =
        Reporter::new(station, Rc::clone(&clock), Rc::clone(&shared), wishes.clone(), out);
    let _following = Background(spawn_local(follower.follow()).abort_handle());
    let _health = Background(spawn_local(health::watch_lag(Rc::clone(&shared))).abort_handle());
    let (stop, stopped) = oneshot::channel();
    let reporting = spawn_local(reporter.report(stopped));

    let mut fleet = Fleet::new(shared, settings.first_device, settings.devices);
    let why = steer(&mut fleet, &clock, wishes, told).await?;
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
    clock: &Clock,
    mut wishes: watch::Receiver<Option<Rc<Wish>>>,
    told: impl Future<Output = ()>,
) -> Result<&'static str> {
    let mut told = std::pin::pin!(told);
    let patience = Instant::now() + FIRST_WISH;
    let mut followed = 0;
    loop {
        let wish = wishes.borrow_and_update().clone();
        let wait = match (wish, clock.now()) {
            (Some(wish), Some(now)) => {
                if let Some(why) = end_of(&wish, now) {
                    return Ok(why);
                }
                if wish.version > followed {
                    fleet.follow(&wish);
                    followed = wish.version;
                }
                let next = [fleet.start(now), Some(wish.lease_until), end_at(&wish)];
                next.into_iter().flatten().min().map_or(LONGEST_SLEEP, |at| clock.until(at))
            }
            _ if Instant::now() > patience => {
                return Err(eyre!("no wish could be read for {} s", FIRST_WISH.as_secs()));
            }
            _ => LONGEST_SLEEP,
        };
        select! {
            biased;
            () = &mut told => return Ok("told by a signal"),
            changed = wishes.changed() => changed?,
            () = sleep(wait.clamp(Duration::from_millis(1), LONGEST_SLEEP)) => {}
        }
    }
}

/// Why the run is over, if it is. All of these are final.
fn end_of(wish: &Wish, now: Millis) -> Option<&'static str> {
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
fn end_at(wish: &Wish) -> Option<Millis> {
    wish.ends_at.filter(|_| wish.state != State::Paused)
}

/// A task that ends with its owner.
struct Background(AbortHandle);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
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
