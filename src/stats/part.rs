//! A part of an agent's exact results: one object of the run's bucket.
//!
//! The text is an HdrHistogram interval log that any HdrHistogram tool reads:
//! times in microseconds, compressed V2 histograms, the customary maximum column in
//! milliseconds, and a tag `TIME:OUTCOME[:LABEL]`, such as `response:ok:line` (a
//! label's commas, blanks and the like percent-encoded). The reports stand between,
//! as comments:
//!
//! ```text
//! #loadtop-part {"task":"3-1","number":7,"intervals":60}
//! #[StartTime: 1763800000.000 (seconds since epoch)]
//! #[MaxValueDivisor: 1000.000]
//! #loadtop {"at":1763800000000,"length_ms":1000,…}
//! Tag=response:ok:line,1763800000.000,1.000,9.943,HISTFAAAA…
//! ```
//!
//! Invariant: an interval's report and its histograms are in the same object, so
//! counts and times are there together or not at all. Text that [`Part::encode`]
//! did not write is an error with its line, never a panic.

mod decode;
mod encode;

use serde::{Deserialize, Serialize};

use super::Interval;

/// What opens the first line.
const OPENING: &str = "loadtop-part ";
/// What opens an interval's report.
const REPORT: &str = "loadtop ";

/// A part of an agent's exact results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    /// Whose.
    pub task: String,
    /// Counts up from 1.
    pub number: u32,
    /// Its intervals, oldest first.
    pub intervals: Vec<Interval>,
}

/// What is wrong with a part's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadPart {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

/// What the first line says.
#[derive(Debug, Serialize, Deserialize)]
struct Opening {
    task: String,
    number: u32,
    /// How many reports follow: a text that was cut off at a line's end is noticed.
    intervals: usize,
}

impl Part {
    /// Its object's key, relative to the run's prefix: `results/TASK/NNNNNN.hlog`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}{}", Self::keys(&self.task), Self::name(self.number))
    }

    /// The last piece of its key, by its number: `NNNNNN.hlog`.
    #[must_use]
    pub fn name(number: u32) -> String {
        format!("{number:06}.hlog")
    }

    /// The number of the part with this key; none if it is no part's.
    #[must_use]
    pub fn number_of(key: &str) -> Option<u32> {
        let name = key.rsplit('/').next()?;
        name.strip_suffix(".hlog")?.parse().ok()
    }

    /// What the keys of a task's parts begin with.
    #[must_use]
    pub fn keys(task: &str) -> String {
        format!("results/{task}/")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::stats::{Counts, ErrorKind, Outcome, Report, Time, Times, times::histogram};

    fn part(label: &str) -> Part {
        let mut recorded = histogram();
        for micros in [1, 90, 90, 4_000, 3_600_000_000] {
            recorded.saturating_record(micros);
        }
        let times = |label: &str, time, outcome| Times {
            label: label.to_owned(),
            time,
            outcome,
            counts: Counts::from(&recorded),
        };
        let interval = |at| Interval {
            report: Report {
                at,
                length_ms: 1000,
                task: "3-1".to_owned(),
                requests: 10,
                request_errors: [(ErrorKind::ConnectTimeout, 5)].into(),
                lag_max_ms: 1.25,
                ..Report::default()
            },
            times: vec![
                times(label, Time::Response, Outcome::Ok),
                times(label, Time::Service, Outcome::Error),
                times("", Time::Lag, Outcome::Ok),
            ],
        };
        let intervals = vec![interval(1_763_800_000_000), interval(1_763_800_001_000)];
        Part { task: "3-1".to_owned(), number: 7, intervals }
    }

    #[test]
    fn a_part_is_read_back_as_it_was() {
        for label in ["line", "a, b\n:c%", "grüße"] {
            let part = part(label);
            assert_eq!(Part::parse(&part.encode()), Ok(part));
        }
        assert_eq!(part("line").key(), "results/3-1/000007.hlog");
        assert_eq!(Part::number_of("r/results/3-1/1000007.hlog"), Some(1_000_007));
        assert_eq!(Part::number_of("r/results/3-1/7.txt"), None);
        let empty = Part { task: "t".to_owned(), number: 1, intervals: Vec::new() };
        assert_eq!(Part::parse(&empty.encode()), Ok(empty));
    }

    #[test]
    fn the_text_is_an_ordinary_histogram_log() {
        use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
        let text = part("a b").encode();
        let entries: Vec<_> = IntervalLogIterator::new(text.as_bytes())
            .map(|entry| entry.expect("a log that others can read"))
            .collect();
        assert!(matches!(entries[0], LogEntry::StartTime(at) if at.as_secs() == 1_763_800_000));
        let LogEntry::Interval(first) = &entries[1] else { panic!("{entries:?}") };
        assert_eq!(first.tag().expect("a tag").as_str(), "response:ok:a%20b");
        assert_eq!(first.start_timestamp().as_secs(), 1_763_800_000);
        assert_eq!(entries.len(), 1 + 6);
    }

    #[test]
    fn what_is_wrong_is_found_by_its_line() {
        let text = part("line").encode();
        let lines: Vec<&str> = text.lines().collect();
        let with = |at: usize, line: &str| {
            let mut lines = lines.clone();
            lines[at] = line;
            Part::parse(&(lines.join("\n") + "\n")).expect_err(line).line
        };
        assert_eq!(with(0, "#something else"), 1);
        assert_eq!(with(3, "#loadtop {"), 4);
        assert_eq!(with(4, "rubbish"), 5);
        assert_eq!(with(4, "Tag=response:ok:x,1763800000.000,1.000,9.9,HISTrubbish"), 5);
        assert_eq!(with(4, "Tag=nonsense:ok:x,1763800000.000,1.000,9.9,HISTF"), 5);
        // A histogram without a report, and a report that is missing at the end.
        assert_eq!(with(3, "# a comment"), 5);
        let cut = lines[..7].join("\n") + "\n";
        assert!(Part::parse(&cut).expect_err("cut off").what.contains("2 intervals"));
        assert_eq!(Part::parse("").expect_err("empty").line, 1);
        assert!(Part::parse(&text[..text.len() - 1]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_text_makes_it_panic(text in "(#?[a-zA-Z0-9,.:= \\n{}\"-]{0,80}\n){0,6}") {
            let _ = Part::parse(&text);
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0usize..2000, byte in 0x20u8..0x7f) {
            static TEXT: LazyLock<String> = LazyLock::new(|| part("line").encode());
            let mut text = TEXT.clone().into_bytes();
            let at = at % text.len();
            text[at] = byte;
            let _ = Part::parse(std::str::from_utf8(&text).expect("ASCII"));
        }
    }
}
