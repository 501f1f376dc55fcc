//! The dead man's switch of a group that is loadtop's own: set before anything starts,
//! moved before every lease, taken back at zero.
//!
//! What it is for and what it promises is in [`crate::model::switch`]. Invariants: only a
//! leader moves it, and only while its run's lease has not lapsed; a lease is prolonged no
//! farther than the action stands for, so that devices end before their instances do,
//! also where the action cannot be moved any more.

mod calls;

use std::time::Duration;

use self::calls::hold;
pub(super) use self::calls::{Claim, Held, NotHeld};
pub(crate) use self::calls::{Leaving, Settled, read, release};
use super::{
    actor::Actor,
    jobs::RunDone,
    run::{Ending, Run, Stage},
    snapshot::Level,
};
use crate::{
    cloud::CloudError,
    model::{Millis, confirmed::Confirmed, leadership::Role, switch::ACTION, wish::Wish},
};

/// So many failures in a row that no repetition helps end a run that has not begun.
const FAILURES_MOST: u32 = 4;
/// How often is looked whether an action has fired that was left to.
const SETTLE_EVERY_MS: Millis = 5_000;
/// The permissions that the switch takes.
const PERMISSIONS: &str = "autoscaling:PutScheduledUpdateGroupAction, DescribeScheduledActions, \
                           DeleteScheduledAction and UpdateAutoScalingGroup";

/// What is left to do with the group after its run has ended.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// Whether an action was left to fire.
    waits: bool,
    /// Whether the run had lapsed.
    lapsed: bool,
    on_its_way: bool,
    /// Not before then (monotonic).
    from: Millis,
}

impl Run {
    /// Whether the run's group is loadtop's own.
    pub(super) fn owns_group(&self) -> bool {
        self.registry.policy.owns_group && !self.cloud.names().group().is_empty()
    }

    /// Whether tasks may be started and instances added: what would end them when nobody
    /// is left is in place.
    pub(super) fn may_start(&self) -> bool {
        !self.owns_group() || self.switch.stands_for(self.wish.lease_until)
    }

    /// How far the lease may go that should go to `until`.
    pub(super) fn lease_reach(&mut self, until: Millis) -> Millis {
        if self.owns_group() { self.switch.reach(until) } else { until }
    }
}

impl Actor {
    /// Moves the switch on, and looks whether it still stands.
    pub(super) fn keep_switch(&mut self, wish: &Wish, now: Millis) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| run.owns_group()) else {
            return;
        };
        let lease = run.registry.policy.lease_ms;
        // Whoever has lapsed is what the action is for.
        let alive_until = run.switch.held().unwrap_or(0).max(wish.lease_until);
        let is_cleared = |it: &Ending| it.stage != Stage::Clearing;
        let by_lease = run.confirmed.is_some_and(Confirmed::is_by_lease);
        if alive_until <= at || by_lease || run.ending.as_ref().is_some_and(is_cleared) {
            return;
        }
        run.switch.reach(wish.lease_until);
        if run.is_ending() && alive_until < at + lease / 2 {
            // Nobody renews the lease of a run that ends; its tasks may take longer.
            run.switch.reach(at + lease);
        }
        let Some(until) = run.switch.step(lease, now) else {
            return;
        };
        let claim = Claim { run: run.id.clone(), until, now: at };
        let (id, cloud, journal) = (run.id.clone(), run.cloud.clone(), run.journal.clone());
        self.spawn_of_run(&id, async move {
            RunDone::GroupHeld(until, hold(&cloud, journal.as_deref(), &claim).await)
        });
    }

    pub(super) fn learn_held(&mut self, until: Millis, answer: Result<Held, NotHeld>) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        let group = run.cloud.names().group().to_owned();
        match answer {
            Ok(held) => {
                if run.switch.learn_held(until) {
                    self.tell_switch(&group, &held);
                }
            }
            Err(NotHeld { error, is_gone }) => {
                let failures = run.switch.learn_failed(until, is_gone, now);
                let is_set = run.switch.held().is_some();
                let is_empty = run.slots.counts().placed() == 0;
                let then = if is_set {
                    format!(
                        "the switch of the group {group} is not moved on: the lease ends where it \
                         does, and the run with it, unless that succeeds (it takes {PERMISSIONS})"
                    )
                } else {
                    format!(
                        "no task is started before the switch of the group {group} is set (it \
                         takes {PERMISSIONS})"
                    )
                };
                self.notice(Level::Error, format!("{error}; {then}"));
                if !is_set && is_empty && failures >= FAILURES_MOST && !error.is_passing() {
                    let why = format!("the switch of the group {group} cannot be set: {error}");
                    self.abort(&why);
                }
            }
        }
    }

    /// Tells what will happen to the group if nobody is left.
    fn tell_switch(&mut self, group: &str, held: &Held) {
        self.notice(
            Level::Info,
            format!("the switch of the group {group} is set: without a leader it goes to zero"),
        );
        if !held.protected.is_empty() {
            let text = format!(
                "protected from scale-in, and so not ended by the switch of the group {group}: {}; \
                 aws autoscaling set-instance-protection --auto-scaling-group-name {group} \
                 --no-protected-from-scale-in --instance-ids {}",
                held.protected.join(", "),
                held.protected.join(" ")
            );
            self.notice(Level::Warning, text);
        }
        if let Some(min) = held.former.map(|it| it.min).filter(|min| *min > 0) {
            let text = format!(
                "the group {group} has at least {min} instances: should the switch end them, \
                 loadtop reap puts that minimum back"
            );
            self.notice(Level::Info, text);
        }
    }

    /// Whether an order for instances must wait for the switch, which is being set.
    pub(super) fn awaits_switch(&self) -> bool {
        let now = self.clock.monotonic();
        self.run.as_ref().is_some_and(|run| {
            // Where another one leads it is theirs to set, and the order looks for it.
            let follows = matches!(run.lead.role(now), Role::Following { .. });
            let waits = !run.may_start() && !run.switch.is_failing();
            waits && !follows && run.lead.wants() && !run.is_ending()
        })
    }

    /// Lets go of the group of a run of which nothing is left; the end is written down
    /// then.
    pub(super) fn let_go_of_group(&mut self) {
        let at = self.clock.bucket();
        let Some(run) = self.run.as_mut().filter(|run| run.owns_group()) else {
            return self.finish();
        };
        // Whoever did not keep the group to the end leaves it to the action.
        let is_held = run.switch.held().is_some_and(|held| held > at);
        run.settling.lapsed = run.confirmed.is_some_and(Confirmed::is_by_lease) || !is_held;
        self.spawn_release(at);
    }

    fn spawn_release(&mut self, at: Millis) {
        let Some(run) = &self.run else {
            return;
        };
        let (id, cloud, journal) = (run.id.clone(), run.cloud.clone(), run.journal.clone());
        let leaving = Leaving { runs: vec![id.clone()], lapsed: run.settling.lapsed, now: at };
        self.spawn_of_run(&id, async move {
            RunDone::GroupLeft(release(&cloud, journal, &leaving).await)
        });
    }

    pub(super) fn learn_group_left(&mut self, answer: Result<Settled, CloudError>) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        let group = run.cloud.names().group().to_owned();
        let is_first = !std::mem::take(&mut run.settling.on_its_way);
        run.settling.from = now + SETTLE_EVERY_MS;
        match answer {
            Ok(Settled::Done(limits)) => {
                run.settling.waits = false;
                if let Some(limits) = limits {
                    let text = format!("the group {group} has its minimum of {} again", limits.min);
                    self.notice(Level::Info, text);
                }
            }
            Ok(Settled::Waits(at)) => {
                run.settling.waits = true;
                if is_first {
                    let at = humantime::format_rfc3339_seconds(
                        std::time::UNIX_EPOCH + Duration::from_millis(at),
                    );
                    let text = format!(
                        "nobody kept the group {group}: its switch ends the instances at {at}, or \
                         minutes later"
                    );
                    self.notice(Level::Warning, text);
                }
            }
            Err(error) => {
                let text = format!(
                    "the switch of the group {group} may still be set: aws autoscaling \
                     delete-scheduled-action --auto-scaling-group-name {group} \
                     --scheduled-action-name {ACTION}"
                );
                self.failed(&error, &text);
            }
        }
        if is_first {
            self.finish();
        }
    }

    /// Sees an action out that was left to fire, and puts back what it changes.
    pub(super) fn settle_group(&mut self, now: Millis) {
        let at = self.clock.bucket();
        let is_due = |run: &&mut Run| {
            run.settling.waits && !run.settling.on_its_way && now >= run.settling.from
        };
        let Some(run) = self.run.as_mut().filter(is_due) else {
            return;
        };
        run.settling.on_its_way = true;
        self.spawn_release(at);
    }
}
