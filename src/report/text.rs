//! The summary as text, for the terminal that the dashboard leaves behind.

use std::fmt;

use super::{RunResult, Summary, summary::NO_SOURCE};
use crate::stats::Percentiles;

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
            return writeln!(
                f,
                "  devices    {} asked for, a task each; they do not report\n  \
                 tasks      {} started, {} failed, {} still running",
                self.devices.requested,
                self.tasks.started,
                self.tasks.failed,
                self.tasks.left_running
            );
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
        writeln!(
            f,
            "  loop       {}: devices rest between requests, so stalls are under-sampled",
            self.pacing
        )?;
        let health = if self.generator.saturated { ": SATURATED, doubt these times" } else { "" };
        writeln!(
            f,
            "  generator  {:.0} % of a core at most, timers late by {:.1} ms at p99{health}",
            self.generator.cpu_max * 100.0,
            self.generator.lag_p99_ms
        )
    }
}

impl Summary {
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
