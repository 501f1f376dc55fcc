//! A forecast in words: the table of `loadtop plan`, and the line before a batch.

use std::fmt::{self, Write as _};

use super::{Bound, Forecast, Need};
use crate::model::cost::dollars;

/// A batch whose calls take longer is a large one, in seconds.
const LONG_S: f64 = 60.0;

impl Bound {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Bound::Ramp => "the ramp",
            Bound::RunTask => "the quota of RunTask",
            Bound::FargateLaunches => "Fargate's launch rate",
            Bound::Instances => "instances that have to come up",
        }
    }
}

impl Forecast {
    /// Whether it is worth a word before it is asked for: it cannot be done, costs more
    /// than what is there, needs more than one more instance, or waits for a quota for
    /// more than a minute.
    #[must_use]
    pub fn is_large(&self) -> bool {
        let more = self.instances.map_or(self.tasks, |need| need.missing);
        let costs = self.cost.is_some() && more > 0;
        costs
            || !self.can_be_done()
            || self.instances.is_some_and(|need| need.missing > 1)
            || self.launch_s > LONG_S
    }

    /// `+100: 1 task, 1 call, fits`, or why it does not.
    #[must_use]
    pub fn line(&self) -> String {
        let mut text = format!("+{}: ", count(self.devices));
        if let Some(why) = self.refusals.first() {
            text.push_str(why);
            return text;
        }
        if self.tasks == 0 {
            return text + "no task more, fits";
        }
        let _ = write!(text, "{}, {}", counted(self.tasks, "task"), counted(self.calls, "call"));
        if self.launch_s > LONG_S {
            let _ = write!(text, ", {} to start them", span(self.launch_s));
        }
        match self.instances {
            Some(Need { missing: 0, .. }) => text.push_str(", fits"),
            Some(Need { missing, .. }) => {
                let _ = write!(text, ", needs {} more", counted(missing, "instance"));
            }
            None if self.vcpu > 0.0 => {
                let _ = write!(text, ", {} vCPU", self.vcpu);
            }
            None => {}
        }
        if let Some(cost) = &self.cost {
            let (about, plus) = (about(cost.estimate), unknown(cost.unknown.is_empty()));
            let _ = write!(text, ", {about}{}{plus}/h then", dollars(cost.per_hour_usd));
        }
        text
    }
}

impl Forecast {
    /// What is asked before a large batch: all that it takes, in sentences.
    #[must_use]
    pub fn question(&self) -> String {
        let mut text = format!("Add {} devices?", count(self.devices));
        for refusal in &self.refusals {
            let _ = write!(text, " It will not come up as it is: {refusal}.");
        }
        let _ = write!(
            text,
            " {} by {} of RunTask, asked for within {}; up after {}, mostly for {}.",
            counted(self.tasks, "task"),
            counted(self.calls, "call"),
            span(self.launch_s),
            span(self.full_s),
            self.bound.words()
        );
        match self.instances {
            Some(Need { missing: 0, .. }) => text.push_str(" They fit on the instances there are."),
            Some(Need { missing, .. }) => {
                let _ =
                    write!(text, " {} more must come: ] adds one.", counted(missing, "instance"));
            }
            None if self.vcpu > 0.0 => {
                let _ = write!(text, " {} vCPU.", self.vcpu);
            }
            None => {}
        }
        if let Some(cost) = &self.cost {
            let (about, plus) = (about(cost.estimate), unknown(cost.unknown.is_empty()));
            let _ = write!(text, " {about}{}{plus} an hour then.", dollars(cost.per_hour_usd));
        }
        for line in self.unknown.iter().chain(self.cost.iter().flat_map(|cost| &cost.unknown)) {
            let _ = write!(text, " Not known: {line}.");
        }
        text
    }
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  devices    {} in {}", count(self.devices), counted(self.tasks, "task"))?;
        writeln!(
            f,
            "  calls      {} of RunTask, {} until all tasks are asked for",
            count(self.calls),
            span(self.launch_s)
        )?;
        writeln!(
            f,
            "  full ramp  after {} (mostly {}), beyond what a task takes to come up",
            span(self.full_s),
            self.bound.words()
        )?;
        match self.instances {
            Some(Need { needed, missing: 0 }) => {
                writeln!(f, "  instances  {}, all there or on their way", count(needed))?;
            }
            Some(Need { needed, missing }) => {
                writeln!(f, "  instances  {}, {} of them missing", count(needed), count(missing))?;
            }
            None => {}
        }
        if self.vcpu > 0.0 {
            writeln!(f, "  vCPU       {}", self.vcpu)?;
        }
        match &self.cost {
            None => writeln!(f, "  cost       nothing")?,
            Some(cost) => {
                let (about, plus) = (about(cost.estimate), unknown(cost.unknown.is_empty()));
                write!(f, "  cost       {about}{}{plus} an hour", dollars(cost.per_hour_usd))?;
                match cost.run_usd {
                    Some(usd) => writeln!(f, ", about {}{plus} until its end", dollars(usd))?,
                    None => writeln!(f)?,
                }
                for line in &cost.unknown {
                    writeln!(f, "  unknown    {line}")?;
                }
            }
        }
        for line in &self.unknown {
            writeln!(f, "  unknown    {line}")?;
        }
        for line in &self.refusals {
            writeln!(f, "  refused    {line}")?;
        }
        Ok(())
    }
}

/// Before a figure that is an estimate.
fn about(estimate: bool) -> &'static str {
    if estimate { "≈" } else { "" }
}

/// After a figure that something is missing from.
fn unknown(is_whole: bool) -> &'static str {
    if is_whole { "" } else { " + ?" }
}

fn counted(n: u32, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// `1,234,567`.
fn count(n: u32) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `38 s`, `41m 38s`.
fn span(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3_600 => format!("{}m {:02}s", s / 60, s % 60),
        s => format!("{}h {:02}m", s / 3_600, s / 60 % 60),
    }
}
