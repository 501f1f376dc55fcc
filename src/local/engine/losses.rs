//! Losses on request: what fails without anybody asking for it on AWS.
//!
//! Invariant: a dead machine says nothing. Its tasks stay as they were last seen
//! until the group notices; only then they are STOPPED, and only those whose
//! processes are known to have ended.

use std::{fmt, str::FromStr};

use super::{
    Effect, Engine, Timer,
    fargate::Market,
    instances::Lifecycle,
    tasks::{Host, Phase, Place, Task},
};
use crate::model::Millis;

/// How long the group's health check takes to notice that a machine is dead. On AWS
/// it is minutes; nobody wants to wait for those.
pub(super) const UNNOTICED: Millis = 5_000;
/// How often what is to be lost is counted.
const BEAT: Millis = 1_000;
const BEATS_PER_MINUTE: f64 = 60_000.0 / BEAT as f64;

/// What is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Single tasks: their containers die.
    Tasks,
    /// Whole instances.
    Instances,
    /// Single tasks on Fargate Spot: AWS wants their capacity back.
    Spot,
}

/// How much of it is lost in a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// This share of those that run, in percent.
    Percent(f64),
    /// So many.
    Number(f64),
}

/// Something that is lost again and again. As text: `tasks:5%/min`, `instances:2/min`,
/// `spot:5%/min`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// What.
    pub what: Lost,
    /// How much of it.
    pub rate: Rate,
}

/// Why a text is no [`Loss`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {wrong}; a loss is `tasks:5%/min`, `instances:2/min` or `spot:5%/min`")]
pub struct BadLoss {
    text: String,
    wrong: String,
}

impl FromStr for Loss {
    type Err = BadLoss;

    fn from_str(text: &str) -> Result<Self, BadLoss> {
        let bad = |wrong: String| BadLoss { text: text.to_owned(), wrong };
        let (what, rate) =
            text.split_once(':').ok_or_else(|| bad("a colon is missing".to_owned()))?;
        let what = match what {
            "tasks" => Lost::Tasks,
            "instances" => Lost::Instances,
            "spot" => Lost::Spot,
            other => return Err(bad(format!("`{other}` cannot be lost"))),
        };
        let number = rate
            .strip_suffix("/min")
            .ok_or_else(|| bad(format!("`{rate}` is no number per minute")))?;
        let (number, is_share) = match number.strip_suffix('%') {
            Some(share) => (share, true),
            None => (number, false),
        };
        let most = if is_share { 100.0 } else { f64::from(u16::MAX) };
        let amount = number.parse().ok().filter(|amount| (0.0..=most).contains(amount));
        let amount =
            amount.ok_or_else(|| bad(format!("`{number}` is not between 0 and {most}")))?;
        let rate = if is_share { Rate::Percent(amount) } else { Rate::Number(amount) };
        Ok(Loss { what, rate })
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Lost::Tasks => "tasks",
            Lost::Instances => "instances",
            Lost::Spot => "spot",
        };
        match self.rate {
            Rate::Percent(share) => write!(f, "{what}:{share}%/min"),
            Rate::Number(number) => write!(f, "{what}:{number}/min"),
        }
    }
}

/// A loss, and how much of it is due.
#[derive(Debug)]
pub(super) struct Due {
    loss: Loss,
    owed: f64,
}

impl Due {
    pub(super) fn new(loss: Loss) -> Self {
        Due { loss, owed: 0.0 }
    }
}

impl Engine {
    /// A task's container dies, as if killed from outside: it exits with 137. False
    /// if no process of it runs.
    pub(crate) fn lose_task(&mut self, id_or_arn: &str) -> bool {
        let Some(number) = self.find_task(id_or_arn) else { return false };
        let Some(task) = self.tasks.get(&number) else { return false };
        let runs = task.is_running() && task.host == Host::There;
        if runs {
            self.effects.push(Effect::Kill { task: task.id.clone() });
        }
        runs
    }

    /// A machine dies without a word: its processes are killed, its agent no longer
    /// answers. False if there is no such machine, or if it goes already.
    pub(crate) fn lose_instance(&mut self, machine: &str, now: Millis) -> bool {
        let Some(number) = self.find_machine(machine) else { return false };
        let Some(instance) = self.instances.get_mut(&number) else { return false };
        if instance.lifecycle == Lifecycle::Terminating || instance.is_dead() {
            return false;
        }
        let noticed = now + UNNOTICED;
        let tasks = instance.die(noticed);
        self.timers.insert((noticed, Timer::Instance(number)));
        for task in tasks {
            self.cut_off(task);
        }
        true
    }

    /// Nobody hears of a task any more. A process that is only being started is
    /// killed once it is there.
    fn cut_off(&mut self, number: u64) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        if task.phase >= Phase::Deprovisioning {
            return;
        }
        task.host = Host::Dead;
        if task.is_running() {
            self.effects.push(Effect::Kill { task: task.id.clone() });
        }
        self.set_task_timer(number, None);
    }

    /// Begins to count what is to be lost, if anything is.
    pub(super) fn schedule_losses(&mut self, now: Millis) {
        if !self.losses.is_empty() {
            self.timers.insert((now + BEAT, Timer::Losses));
        }
    }

    /// Loses what has become due since the last time.
    pub(super) fn advance_losses(&mut self, now: Millis) {
        for at in 0..self.losses.len() {
            let what = self.losses[at].loss.what;
            let mut there = self.can_be_lost(what);
            let due = &mut self.losses[at];
            due.owed += match due.loss.rate {
                Rate::Percent(share) => there.len() as f64 * share / 100.0,
                Rate::Number(number) => number,
            } / BEATS_PER_MINUTE;
            // Sixty times a sixtieth is a little less than one.
            let whole = (due.owed + 1e-9).floor();
            // Where there is nothing to lose, no debt builds up.
            due.owed -= whole;
            for _ in 0..(whole as usize).min(there.len()) {
                let victim = there.swap_remove(self.ids.pick(there.len()));
                match what {
                    Lost::Tasks => self.lose_task(&victim),
                    Lost::Instances => self.lose_instance(&victim, now),
                    Lost::Spot => self.interrupt_spot(&victim, now),
                };
            }
        }
        self.schedule_losses(now);
    }

    /// Ids of tasks, or of machines.
    fn can_be_lost(&self, what: Lost) -> Vec<String> {
        match what {
            Lost::Tasks => {
                let tasks = self.tasks.values();
                let run = tasks.filter(|task| task.is_running() && task.host == Host::There);
                run.map(|task| task.id.clone()).collect()
            }
            Lost::Spot => {
                let on_spot = |task: &&Task| task.place == Place::Fargate(Market::Spot);
                let tasks = self.tasks.values().filter(on_spot);
                let run = tasks.filter(|task| task.is_running() && task.stop.is_none());
                run.map(|task| task.id.clone()).collect()
            }
            Lost::Instances => {
                let serve =
                    |it: &&super::Instance| it.lifecycle == Lifecycle::InService && !it.is_dead();
                let serving = self.instances.values().filter(serve);
                serving.map(|instance| instance.machine.clone()).collect()
            }
        }
    }
}
