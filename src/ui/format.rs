//! Numbers as people read them: `1,234` · `12.3 ms` · `1.2 s` · `4m 12s`.
//!
//! Invariant: three significant digits are enough, and the unit is always there.

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::Millis;

/// `1,234,567`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `12 tasks`.
#[must_use]
pub fn counted(n: u32, thing: &str) -> String {
    format!("{} {thing}{}", count(n.into()), if n == 1 { "" } else { "s" })
}

/// Something per second: `0`, `0.4`, `12.3`, `1,234`.
#[must_use]
pub fn rate(per_s: f64) -> String {
    if per_s < 0.05 {
        "0".into()
    } else if per_s < 99.95 {
        format!("{per_s:.1}")
    } else {
        count(per_s.round() as u64)
    }
}

/// Three digits of a number whose unit is written elsewhere: `0.85`, `12.3`, `1,234`.
#[must_use]
pub fn figure(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        count(value.round() as u64)
    }
}

/// A latency in milliseconds: `850 µs`, `1.23 ms`, `12.3 ms`, `123 ms`, `1.2 s`.
#[must_use]
pub fn latency(ms: f64) -> String {
    if ms < 0.9995 {
        format!("{:.0} µs", ms * 1000.0)
    } else if ms < 9.995 {
        format!("{ms:.2} ms")
    } else if ms < 99.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 99_950.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        span((ms as Millis).max(1))
    }
}

/// A span of time: `38 s`, `4m 12s`, `1h 02m`, `3d 04h`.
#[must_use]
pub fn span(ms: Millis) -> String {
    let s = ms / 1000;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d {:02}h", s / 86_400, s / 3600 % 24),
    }
}

/// What is left of a time: never `0 s` before it is over.
#[must_use]
pub fn left(ms: Millis) -> String {
    span(ms.div_ceil(1000) * 1000)
}

/// A window that a person chose: `10 s`, `2m`, `1m 30s`, or that all start at once.
#[must_use]
pub fn over(window: Duration) -> String {
    match window.as_millis() as Millis {
        0 => "at once".into(),
        ms if ms < 1000 => format!("over {ms} ms"),
        ms if ms >= 60_000 && ms % 60_000 == 0 => format!("over {}m", ms / 60_000),
        ms => format!("over {}", span(ms)),
    }
}

/// A share of one: `41 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// How many columns `text` takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts the end of `text` off so that it takes at most `width` columns, and says so.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let kept = fitting(text.graphemes(true), room).concat();
    if width == 0 { kept } else { kept + "…" }
}

/// Cuts the beginning of `text` off so that it takes at most `width` columns, and says
/// so: of ids the end is what tells them apart.
#[must_use]
pub fn cut_start(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = fitting(text.graphemes(true).rev(), width.saturating_sub(1));
    kept.reverse();
    if width == 0 { String::new() } else { "…".to_owned() + &kept.concat() }
}

/// As many of these as take at most `width` columns.
fn fitting<'a>(graphemes: impl Iterator<Item = &'a str>, width: usize) -> Vec<&'a str> {
    let mut used = 0;
    graphemes
        .take_while(|grapheme| {
            used += grapheme.width();
            used <= width
        })
        .collect()
}

/// Breaks `text` into lines of at most `width` columns, between words where possible.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| pieces(word, width.max(1))) {
        let last = lines.last().map_or(0, |line| line.width());
        let needed = word.width() + usize::from(last > 0);
        match lines.last_mut() {
            Some(line) if last + needed <= width || last == 0 => {
                if last > 0 {
                    line.push(' ');
                }
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A word in pieces of at most `width` columns.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for grapheme in word.graphemes(true) {
        let needed = grapheme.width();
        if used > 0 && used + needed > width {
            pieces.push(String::new());
            used = 0;
        }
        used += needed;
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(grapheme);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(counted(1, "task"), "1 task");
        assert_eq!(counted(1200, "device"), "1,200 devices");
        let rates = [0.0, 0.4, 12.34, 99.96, 1234.4].map(rate);
        assert_eq!(rates, ["0", "0.4", "12.3", "100", "1,234"]);
        let latencies = [0.0, 0.85, 0.9999, 1.234, 12.34, 123.4, 999.6, 61_000.0, 125_000.0];
        assert_eq!(
            latencies.map(latency),
            [
                "0 µs", "850 µs", "1.00 ms", "1.23 ms", "12.3 ms", "123 ms", "1.0 s", "61.0 s",
                "2m 05s"
            ]
        );
        let spans = [900, 38_000, 252_000, 3_720_000, 273_600_000].map(span);
        assert_eq!(spans, ["0 s", "38 s", "4m 12s", "1h 02m", "3d 04h"]);
        assert_eq!(left(1), "1 s");
        assert_eq!(percent(0.414), "41 %");
        let windows = [0, 500, 10_000, 90_000, 120_000].map(|ms| over(Duration::from_millis(ms)));
        assert_eq!(windows, ["at once", "over 500 ms", "over 10 s", "over 1m 30s", "over 2m"]);
    }

    #[test]
    fn cutting_leaves_a_trace() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("abcd", 0), "");
        assert_eq!(cut_start("i-0f1e2d3c4b5a69788", 6), "…69788");
        assert_eq!(
            [cut_start("abc", 3), cut_start("abcd", 1), cut_start("abcd", 0)],
            ["abc", "…", ""]
        );
    }

    #[test]
    fn what_is_wide_is_cut_by_what_it_takes() {
        assert_eq!(cut("名前のない", 10), "名前のない");
        // Half a character is none.
        assert_eq!(cut("名前のない", 6), "名前…");
        assert_eq!(cut_start("名前のない", 6), "…ない");
        // What is one to the eye is not torn apart.
        assert_eq!(cut("👨‍👩‍👧👨‍👩‍👧", 3), "👨‍👩‍👧…");
        assert_eq!(wrap("名前の ab 🦀🦀🦀", 5), ["名前", "の ab", "🦀🦀", "🦀"]);
        assert_eq!(wrap("", 5), [""]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_wider_than_its_room(text in "\\PC{0,40}", width in 2_usize..30) {
            proptest::prop_assert!(cut(&text, width).width() <= width);
            proptest::prop_assert!(cut_start(&text, width).width() <= width);
            proptest::prop_assert!(wrap(&text, width).iter().all(|line| line.width() <= width));
        }
    }
}
