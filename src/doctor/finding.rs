//! What was found, and how it is told.
//!
//! Invariant: the names of the fields of the JSON are a contract (README); more may be
//! added.

use serde::Serialize;

use crate::cloud::{
    CloudError, ErrorKind,
    calls::{self, By},
};

/// How it is. The later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It could not be asked.
    Unknown,
    /// Runs work, but not as well as they could.
    Warn,
    /// Runs do not work.
    Fail,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do about it: a command, or where.
    pub todo: Option<String>,
}

/// All of them, and the worst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which things are needed.
    pub checks: Vec<Finding>,
    /// The worst of them.
    pub verdict: Verdict,
}

impl Report {
    /// These findings.
    #[must_use]
    pub fn of(checks: Vec<Finding>) -> Self {
        let verdict = checks.iter().map(|it| it.verdict).max().unwrap_or(Verdict::Unknown);
        Report { checks, verdict }
    }

    /// How many are so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|it| it.verdict == verdict).count()
    }

    /// The exit code: whether runs can work.
    #[must_use]
    pub fn code(&self) -> u8 {
        u8::from(self.verdict == Verdict::Fail)
    }
}

impl Finding {
    pub(super) fn pass(check: &'static str, seen: impl Into<String>) -> Self {
        Finding { check, verdict: Verdict::Pass, seen: seen.into(), todo: None }
    }

    pub(super) fn warn(
        check: &'static str,
        seen: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::bad(check, Verdict::Warn, seen, todo)
    }

    pub(super) fn fail(
        check: &'static str,
        seen: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::bad(check, Verdict::Fail, seen, todo)
    }

    pub(super) fn unknown(
        check: &'static str,
        seen: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::bad(check, Verdict::Unknown, seen, todo)
    }

    fn bad(
        check: &'static str,
        verdict: Verdict,
        seen: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Finding { check, verdict, seen: seen.into(), todo: Some(todo.into()) }
    }

    /// A look that failed: where a run would make the same call, it would fail, too.
    /// `missing` is what to do if the thing does not exist.
    pub(super) fn broken(check: &'static str, error: &CloudError, missing: &str) -> Self {
        let row = calls::ALL.iter().find(|call| call.operation == error.call);
        let only_we_ask = row.is_none_or(|call| call.by == By::Doctor);
        let permission = row.and_then(|call| call.needs.first()).map_or("", |need| need.0);
        let verdict = match error.kind {
            ErrorKind::Throttled => Verdict::Unknown,
            ErrorKind::NotFound => Verdict::Fail,
            _ if only_we_ask => Verdict::Unknown,
            _ => Verdict::Fail,
        };
        let todo = match error.kind {
            ErrorKind::NotFound => missing.to_owned(),
            ErrorKind::Denied => {
                format!("allow {permission}: `loadtop doctor --policy operator` prints all")
            }
            ErrorKind::Throttled => "ask again in a minute: others use the same quota".to_owned(),
            ErrorKind::Unauthenticated => "see identity and clock".to_owned(),
            ErrorKind::Ambiguous | ErrorKind::NotSent => {
                "is the network there, and are region and endpoint right? See \
                 AWS_ENDPOINT_URL, AWS_REGION and the profile"
                    .to_owned()
            }
            _ => "see the message".to_owned(),
        };
        Self::bad(check, verdict, error.to_string(), todo)
    }
}

/// `1 task`, `2 tasks`.
pub(super) fn counted(n: impl Into<u64>, what: &str) -> String {
    let n = n.into();
    if n == 1 { format!("1 {what}") } else { format!("{} {what}s", grouped(n)) }
}

/// With commas: `28,000`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_is_the_verdict() {
        let report = Report::of(vec![
            Finding::pass("a", "fine"),
            Finding::unknown("b", "?", "ask"),
            Finding::warn("c", "so", "mind"),
        ]);
        assert_eq!((report.verdict, report.code()), (Verdict::Warn, 0));
        let mut checks = report.checks;
        checks.push(Finding::fail("d", "no", "do"));
        let report = Report::of(checks);
        assert_eq!(
            (report.verdict, report.code(), report.count(Verdict::Pass)),
            (Verdict::Fail, 1, 1)
        );
    }

    #[test]
    fn what_a_run_would_fail_on_too_is_a_failure() {
        let broken = |call: &'static str, kind| {
            let error = CloudError { call, kind, code: None, message: "m".to_owned() };
            let finding = Finding::broken("x", &error, "make it");
            (finding.verdict, finding.todo.unwrap_or_default())
        };
        let (verdict, todo) = broken("DescribeClusters", ErrorKind::Denied);
        assert_eq!(verdict, Verdict::Fail);
        assert!(todo.starts_with("allow ecs:DescribeClusters:"), "{todo}");
        assert_eq!(broken("DescribeSubnets", ErrorKind::Denied).0, Verdict::Unknown);
        assert_eq!(broken("DescribeSubnets", ErrorKind::NotFound).0, Verdict::Fail);
        assert_eq!(broken("StopTask", ErrorKind::Throttled).0, Verdict::Unknown);
        assert_eq!(broken("StopTask", ErrorKind::NotFound).1, "make it");
    }

    #[test]
    fn numbers_are_read_at_a_glance() {
        assert_eq!(counted(1_u32, "task"), "1 task");
        assert_eq!(counted(28_000_u32, "port"), "28,000 ports");
        assert_eq!([grouped(0), grouped(999), grouped(1_000_000)], ["0", "999", "1,000,000"]);
    }
}
