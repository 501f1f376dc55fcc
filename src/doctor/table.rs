//! The findings for people: a line each, and below it what to do.

use std::fmt::Write as _;

use super::{Finding, Report, Verdict};

/// Between columns.
const GAP: &str = "  ";
/// Back to no colour.
const PLAIN: &str = "\u{1b}[0m";

/// The lines, in colour if wanted.
pub(super) fn table(report: &Report, in_colour: bool) -> String {
    let width = report.checks.iter().map(|it| it.check.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in &report.checks {
        line(&mut text, finding, width, in_colour);
    }
    text
}

fn line(text: &mut String, finding: &Finding, width: usize, in_colour: bool) {
    let (word, colour) = match finding.verdict {
        Verdict::Pass => ("pass", "\u{1b}[32m"),
        Verdict::Unknown => ("unknown", "\u{1b}[36m"),
        Verdict::Warn => ("warn", "\u{1b}[33m"),
        Verdict::Fail => ("FAIL", "\u{1b}[1;31m"),
    };
    let word = format!("{word:<7}");
    let word = if in_colour { format!("{colour}{word}{PLAIN}") } else { word };
    let Finding { check, seen, todo, .. } = finding;
    let _ = writeln!(text, "{word}{GAP}{check:<width$}{GAP}{seen}");
    if let Some(todo) = todo {
        let indent = 7 + 2 * GAP.len() + width;
        let _ = writeln!(text, "{:indent$}-> {todo}", "");
    }
}

/// How it is as a whole.
pub(super) fn conclusion(report: &Report) -> String {
    let count = |verdict, what: &str| match report.count(verdict) {
        0 => None,
        n => Some(format!("{n} {what}")),
    };
    let parts = [
        count(Verdict::Fail, "failed"),
        count(Verdict::Warn, "with a warning"),
        count(Verdict::Unknown, "unknown"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let of = report.checks.len();
    if parts.is_empty() {
        return format!("all {of} findings are good");
    }
    format!("of {of} findings {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_aligned_and_coloured_only_if_wanted() {
        let report = Report::of(vec![
            Finding::pass("cluster", "c is ACTIVE"),
            Finding::fail("task role", "r may not: s3:GetObject", "allow it"),
        ]);
        assert_eq!(
            table(&report, false),
            "pass     cluster    c is ACTIVE\n\
             FAIL     task role  r may not: s3:GetObject\n                    \
             -> allow it\n"
        );
        let coloured = table(&report, true);
        assert!(coloured.starts_with("\u{1b}[32mpass   \u{1b}[0m  cluster"), "{coloured:?}");
        assert_eq!(conclusion(&report), "of 2 findings 1 failed");
        assert_eq!(
            conclusion(&Report::of(vec![Finding::pass("a", "b")])),
            "all 1 findings are good"
        );
    }
}
