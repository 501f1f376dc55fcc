//! When the task is over, as the wish says.

use std::rc::Rc;

use color_eyre::eyre::Result;
use tokio::select;

use super::say;
use crate::{
    follow::{Clock, Follower, Heard, Listener, Settings, Station},
    model::wish::Wish,
};

/// Resolves when it is over, and says why. An error, if no wish could ever be read.
pub(super) async fn over<S: Station>(station: Rc<S>, settings: &Settings) -> Result<&'static str> {
    let clock = Rc::new(Clock::default());
    // The plan is the agents': other programs bring their own.
    let (follower, wishes) = Follower::new(station, Rc::clone(&clock), (), &settings.task, say);
    let mut listener = Listener::new(clock, wishes, follower.refusal());
    let listen = async {
        loop {
            match listener.hear()? {
                Heard::End(why) => return Ok(why),
                Heard::Wish(wish, _) if is_done_with(&wish, settings) => {
                    return Ok("the wish wants none of its devices any more");
                }
                Heard::Wish(..) | Heard::Nothing => {}
            }
            listener.wait(None).await?;
        }
    };
    select! {
        why = listen => why,
        never = follower.follow() => match never {},
    }
}

/// Whether the wish had devices of this task, and has none any more. A batch stays in
/// the wish for good and a device that left never comes back, so this is final; a task
/// whose batch is not in the wish yet was merely started early.
fn is_done_with(wish: &Wish, settings: &Settings) -> bool {
    let (first, room) = (settings.first_device, settings.devices);
    let end = first.saturating_add(room);
    let had = wish
        .batches
        .iter()
        .any(|batch| batch.first < end && first < batch.first.saturating_add(batch.count));
    had && wish.live.within(first, room).is_empty()
}
