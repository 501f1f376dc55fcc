//! The summary as text, for the terminal that the dashboard leaves behind.

use std::fmt;

use super::{RunResult, Summary, summary::NO_SOURCE};
use crate::{model::cost::dollars, stats::Percentiles};

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            RunResult::Passed => "ended as planned",
            RunResult::Failed => "failed its criteria",
            RunResult::Stopped => "was ended",
            RunResult::Error => "failed",
        };
        writeln!(f, "run {} {result} after {:.1} s: {}", self.run, self.duration_s, self.target)?;
        if self.source == NO_SOURCE {
            writeln!(
                f,
                "  devices    {} asked for, a task each; they do not report\n  \
                 tasks      {} started, {} failed, {} still running",
                self.devices.requested,
                self.tasks.started,
                self.tasks.failed,
                self.tasks.left_running
            )?;
            return self.write_cost(f);
        }
        writeln!(
            f,
            "  devices    {} asked for, {} connected at once, {} without connection at the end",
            self.devices.requested, self.devices.peak_connected, self.devices.failed
        )?;
        if self.devices.late_starts > 0 {
            writeln!(f, "             {} started late", self.devices.late_starts)?;
        }
        writeln!(
            f,
            "  tasks      {} started, {} failed, {} still running",
            self.tasks.started, self.tasks.failed, self.tasks.left_running
        )?;
        writeln!(
            f,
            "  requests   {} finished ({:.1}/s), {} unfinished, {} unsent",
            self.requests, self.rate_per_s, self.unfinished, self.unsent
        )?;
        self.write_errors(f)?;
        write_times(f, "response", self.response_ms.as_ref())?;
        write_times(f, "service", self.service_ms.as_ref())?;
        writeln!(
            f,
            "  coverage   results of {} of {} tasks, {} intervals missing",
            self.coverage.reporting, self.coverage.tasks, self.coverage.intervals_missing
        )?;
        writeln!(f, "  loop       {}: {}", self.pacing, loop_words(&self.pacing))?;
        let health = if self.generator.saturated { ": SATURATED, doubt these times" } else { "" };
        writeln!(
            f,
            "  generator  {:.0} % of a core at most, timers late by {:.1} ms at p99{health}",
            self.generator.cpu_max * 100.0,
            self.generator.lag_p99_ms
        )?;
        self.write_cost(f)
    }
}

impl Summary {
    /// What it cost, each part, what is not in it, and whether the budget ended it.
    fn write_cost(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(bill) = &self.cost else {
            return Ok(());
        };
        let about = |estimate| if estimate { "≈" } else { "" };
        let parts: Vec<String> = bill
            .parts
            .iter()
            .map(|it| {
                format!("{} {}{}", it.name.words(), about(it.estimate), dollars(it.so_far_usd))
            })
            .collect();
        let parts =
            if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let plus = if bill.unknown.is_empty() { "" } else { " + ?" };
        writeln!(
            f,
            "  cost       {}{}{plus}{parts}",
            about(bill.estimate),
            dollars(bill.so_far_usd)
        )?;
        if bill.before_usd > 0.0 {
            let before = dollars(bill.before_usd);
            writeln!(
                f,
                "             {before} of it for instances that were there before the run"
            )?;
        }
        for unknown in &bill.unknown {
            writeln!(f, "  unknown    {unknown}")?;
        }
        match &bill.budget {
            Some(budget) if budget.ended_the_run => {
                writeln!(f, "  budget     {}: it ended the run", dollars(budget.usd))
            }
            Some(budget) => writeln!(f, "  budget     {}", dollars(budget.usd)),
            None => Ok(()),
        }
    }

    fn write_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errors.total == 0 {
            return writeln!(f, "  errors     none");
        }
        let kinds: Vec<String> =
            self.errors.by_kind.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "  errors     {}: {}", self.errors.total, kinds.join(", "))
    }
}

fn write_times(f: &mut fmt::Formatter<'_>, name: &str, times: Option<&Percentiles>) -> fmt::Result {
    let Some(t) = times else {
        return writeln!(f, "  {name:<10} no request finished");
    };
    writeln!(
        f,
        "  {name:<10} p50 {:.2} ms  p90 {:.2} ms  p99 {:.2} ms  p99.9 {:.2} ms  max {:.2} ms",
        t.p50, t.p90, t.p99, t.p99_9, t.max
    )
}
/// What a loop means for the times.
fn loop_words(pacing: &str) -> &'static str {
    match pacing {
        "paced" => "each device has a fixed cycle, response times are from the intended send",
        "mixed" => "a rate was set for a part of the run, stalls of the rest are under-sampled",
        _ => "devices rest between requests, so stalls are under-sampled",
    }
}
