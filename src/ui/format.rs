//! Numbers as people read them: `1,234` · `12.3 ms` · `1.2 s` · `4m 12s`.
//!
//! Invariant: three significant digits are enough, and the unit is always there.

use std::time::Duration;

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

/// Cuts `text` to `width` characters, and says so.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { kept } else { kept + "…" }
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
    }
}
