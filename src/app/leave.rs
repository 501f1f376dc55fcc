//! Leaving: what becomes of the run, and for what the dashboard waits before it goes.
//!
//! Invariant: nobody leaves a run that hangs on this dashboard without having agreed to
//! its end, and whoever leaves one that goes on gives the lead up first.

use super::{
    dialog::open_dialog,
    effect::{Cause, Effect, Fleet},
    list,
    state::{App, Departing, Mode, Progress, Question, SETTLES_MS, is_recent},
    update::{end, send},
};
use crate::{
    controller::{command::Command, snapshot::Phase},
    model::{Millis, confirmed::Confirmed},
};

/// Ctrl-C's after which nothing is waited for any more.
const LAST_INTERRUPT: u8 = 3;

pub(super) fn quit(app: &mut App, now: Millis) -> Vec<Effect> {
    if app.departing.is_some() && app.stuck().is_none() {
        return Vec::new();
    }
    // What is stuck was agreed to end, is told, and does not end by being looked at.
    if app.readonly || !app.something_runs(now) || app.stuck().is_some() {
        return leave(app, Cause::Quit, fleet_now(app, now), now);
    }
    if app.is_ending(now) {
        // It was agreed that everything goes: all that is left is to see it gone.
        return depart(app, Cause::Quit, now);
    }
    if app.snapshot.site.outlives_us && app.is_led_elsewhere() && !has_unwritten(app, now) {
        return leave(app, Cause::Quit, fleet_now(app, now), now);
    }
    open_dialog(app, Question::Quit)
}

/// Whether something was asked for here that nobody else can know yet.
fn has_unwritten(app: &App, now: Millis) -> bool {
    app.snapshot.orders.unwritten > 0 || is_recent(app.unseen.add, now)
}

pub(super) fn interrupt(app: &mut App, now: Millis) -> Vec<Effect> {
    app.interrupts = app.interrupts.saturating_add(1);
    match app.departing {
        Some(departing) if app.interrupts >= LAST_INTERRUPT => {
            leave(app, departing.cause, fleet_now(app, now), now)
        }
        Some(_) => Vec::new(),
        None if app.interrupts == 1 || app.is_ending(now) || !app.something_runs(now) => {
            quit(app, now)
        }
        None => kill(app, Cause::Interrupt, Confirmed::BySecondInterrupt, now),
    }
}

/// A signal came, or nobody can see us any more. What would outlive us is left to
/// its lease: a lost connection must not end a fleet that others may steer.
pub(super) fn called_away(app: &mut App, cause: Cause, now: Millis) -> Vec<Effect> {
    if app.departing.is_some() {
        return Vec::new();
    }
    if app.is_ending(now) {
        return depart(app, cause, now);
    }
    if app.readonly || app.snapshot.site.outlives_us || !app.something_runs(now) {
        return leave(app, cause, fleet_now(app, now), now);
    }
    kill(app, cause, Confirmed::BySignal, now)
}

/// Ends the run, and leaves when it has ended.
pub(super) fn kill(app: &mut App, cause: Cause, confirmed: Confirmed, now: Millis) -> Vec<Effect> {
    let scale_to_zero = matches!(app.mode, Mode::Dialog(dialog) if dialog.scale_to_zero);
    let effects = end(app, scale_to_zero, confirmed, now);
    depart(app, cause, now);
    effects
}

fn depart(app: &mut App, cause: Cause, now: Millis) -> Vec<Effect> {
    app.mode = Mode::Normal;
    app.frozen = None;
    list::refresh(app);
    let progress = Progress::of(app.phase());
    app.departing = Some(Departing { cause, since: now, progress, progress_at: now });
    // Whoever asked for the end, the next Ctrl-C is the one that does not wait.
    app.interrupts = app.interrupts.max(LAST_INTERRUPT - 1);
    Vec::new()
}

/// The one way out. Where the run goes on, another controller need not wait until our
/// term is over.
pub(super) fn leave(app: &mut App, cause: Cause, fleet: Fleet, now: Millis) -> Vec<Effect> {
    let goes_on = app.snapshot.site.outlives_us && fleet != Fleet::Gone;
    let mut effects = Vec::new();
    if goes_on && !app.readonly && cause != Cause::ControllerLost {
        effects = send(app, Command::Leave, now);
    }
    effects.push(Effect::Leave(cause, fleet));
    effects
}

/// On our way out: leaves once the end was seen, or the deadline is over.
pub(super) fn leave_when_over(app: &mut App, now: Millis) -> Vec<Effect> {
    let Some(departing) = app.departing else { return Vec::new() };
    let is_news = app.snapshot.at > departing.since || now >= departing.since + SETTLES_MS;
    let is_over = matches!(app.phase(), None | Some(Phase::Ended));
    if is_news && is_over && !is_recent(app.unseen.add, now) {
        return leave(app, departing.cause, Fleet::Gone, now);
    }
    if now >= departing.deadline() {
        return leave(app, departing.cause, fleet_now(app, now), now);
    }
    Vec::new()
}

/// What becomes of the fleet if we leave now.
pub(super) fn fleet_now(app: &App, now: Millis) -> Fleet {
    let is_collecting = matches!(app.phase(), Some(Phase::Collecting { .. }));
    if is_collecting || !app.something_runs(now) {
        Fleet::Gone
    } else if app.is_ending(now) || !(app.readonly || app.snapshot.site.outlives_us) {
        Fleet::NotSeenToEnd
    } else {
        Fleet::RunsOn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            action::Action,
            effect::Signal,
            fixtures::{self, NOW},
            keys::{observe, on, outliving, press},
            state::END_DEADLINE_MS,
            update::update,
        },
        controller::snapshot::{LeadView, Snapshot},
    };

    /// As `snapshot`, on a cloud that outlives us and led by another.
    fn led_elsewhere(silent_ms: Millis) -> Snapshot {
        let mut snapshot = outliving();
        let owner = "build-7".into();
        let takeover_ms = Some(15_000 - silent_ms);
        let lead = LeadView::Other { owner, silent_ms, takeover_ms };
        snapshot.run.iter_mut().for_each(|run| run.lead = lead.clone());
        snapshot
    }

    fn left(cause: Cause, fleet: Fleet) -> [Effect; 2] {
        [Effect::Send(Command::Leave), Effect::Leave(cause, fleet)]
    }

    #[test]
    fn who_leaves_a_run_that_goes_on_gives_the_lead_up_first() {
        assert_eq!(on(outliving(), "q l"), left(Cause::Quit, Fleet::RunsOn));
        assert_eq!(on(outliving(), "q Tab Tab Enter"), left(Cause::Quit, Fleet::RunsOn));
        for (action, cause) in [
            (Action::TerminalLost, Cause::TerminalLost),
            (Action::Signalled(Signal::Terminate), Cause::Signal(Signal::Terminate)),
            (Action::Signalled(Signal::Hangup), Cause::Signal(Signal::Hangup)),
        ] {
            let mut app = fixtures::app(outliving());
            assert_eq!(update(&mut app, action, NOW), left(cause, Fleet::RunsOn));
        }
        // Nothing goes on, or there is nobody to tell.
        let mut ended = fixtures::ended();
        ended.site.outlives_us = true;
        assert_eq!(on(ended, "q"), [Effect::Leave(Cause::Quit, Fleet::Gone)]);
        let mut app = fixtures::app(outliving());
        let lost = Effect::Leave(Cause::ControllerLost, Fleet::RunsOn);
        assert_eq!(update(&mut app, Action::ControllerLost, NOW), [lost]);
    }

    #[test]
    fn who_gives_up_waiting_for_an_end_gives_the_lead_up_too() {
        let mut app = fixtures::app(outliving());
        press(&mut app, "q y", NOW);
        let given_up = update(&mut app, Action::Tick, NOW + END_DEADLINE_MS);
        assert_eq!(given_up, left(Cause::Quit, Fleet::NotSeenToEnd));
    }

    #[test]
    fn who_only_follows_leaves_without_a_question() {
        assert_eq!(on(led_elsewhere(2000), "q"), left(Cause::Quit, Fleet::RunsOn));
        assert_eq!(on(led_elsewhere(2000), "Ctrl-C"), left(Cause::Quit, Fleet::RunsOn));
        // The leader may be gone, or what was asked for here is not written yet.
        assert_eq!(on(led_elsewhere(9000), "q"), []);
        let mut unwritten = led_elsewhere(2000);
        unwritten.orders.unwritten = 1;
        assert_eq!(on(unwritten, "q"), []);
        assert_eq!(on(led_elsewhere(2000), "+ q").len(), 1);
        // Where nothing outlives us all of it hangs on us, whoever leads.
        let mut ours = led_elsewhere(2000);
        ours.site.outlives_us = false;
        assert_eq!(on(ours, "q"), []);
    }

    #[test]
    fn what_is_stuck_is_shown_once_and_again_on_demand() {
        let mut app = fixtures::app(fixtures::ending());
        observe(&mut app, fixtures::stuck(), NOW + 1000);
        assert_eq!(app.mode, Mode::Stuck);
        press(&mut app, "Esc", NOW + 1000);
        observe(&mut app, fixtures::stuck(), NOW + 2000);
        assert_eq!(app.mode, Mode::Normal, "it was seen");
        for keys in ["Enter", "K"] {
            press(&mut app, keys, NOW + 2000);
            assert_eq!(app.mode, Mode::Stuck, "{keys}");
            press(&mut app, "Esc", NOW + 2000);
        }
        press(&mut app, "Enter", NOW + 2000);
        observe(&mut app, fixtures::ended(), NOW + 3000);
        assert_eq!(app.mode, Mode::Normal, "it ended after all");
        assert_eq!(on(fixtures::steady(), "Enter K Esc"), []);
    }

    #[test]
    fn what_is_open_is_not_covered_by_what_is_stuck() {
        let mut app = fixtures::app(fixtures::ending());
        press(&mut app, "s 1", NOW);
        observe(&mut app, fixtures::stuck(), NOW + 1000);
        assert!(matches!(app.mode, Mode::Prompt(_)));
        press(&mut app, "Esc Enter", NOW + 1000);
        assert_eq!(app.mode, Mode::Stuck);
    }

    #[test]
    fn what_is_stuck_is_not_waited_for() {
        let left = Effect::Leave(Cause::Quit, Fleet::NotSeenToEnd);
        for keys in ["q", "Enter q", "Enter Ctrl-C"] {
            assert_eq!(on(fixtures::stuck(), keys), std::slice::from_ref(&left), "{keys}");
        }
        let mut app = fixtures::app(fixtures::ending());
        assert_eq!(press(&mut app, "q", NOW), []);
        observe(&mut app, fixtures::stuck(), NOW + 1000);
        assert_eq!(press(&mut app, "q", NOW + 1000), [left]);
    }

    #[test]
    fn a_panel_scrolls_as_far_as_it_has_lines() {
        let mut app = fixtures::app(fixtures::stuck());
        press(&mut app, "Enter Down Down Up", NOW);
        assert_eq!(app.scroll, 1);
        press(&mut app, "Up Up Up", NOW);
        assert_eq!(app.scroll, 0);
        for _ in 0..200 {
            press(&mut app, "Down", NOW);
        }
        let stuck = app.stuck().expect("it is stuck");
        assert_eq!(app.scroll, stuck.what.len() + stuck.commands.len() - 1);
        press(&mut app, "Esc Enter", NOW);
        assert_eq!(app.scroll, 0);
    }
}
