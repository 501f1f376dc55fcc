//! What a person may type into a prompt, and what it means.
//!
//! Invariant: whatever is refused is refused with the words that would be right.

use std::time::Duration;

use super::state::Setting;

/// Longest text that a prompt takes.
pub const MAX_CHARS: usize = 12;
/// Most devices of one batch.
pub const MAX_BATCH: u32 = 1_000_000;
/// Longest ramp window.
pub const MAX_WINDOW: Duration = Duration::from_hours(24);

/// A value that was typed and understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Devices of a batch.
    Batch(u32),
    /// A ramp window.
    Window(Duration),
    /// Instances.
    Instances(u32),
}

/// Whether a character can be part of an answer.
#[must_use]
pub fn accepts(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ',' | '_' | '.')
}

/// Understands `text`, or says what would be understood. `limits` are the group's
/// minimum and maximum, where known.
pub fn parse(setting: Setting, text: &str, limits: Option<(u32, u32)>) -> Result<Value, String> {
    match setting {
        Setting::Batch => match count(text) {
            Some(n @ 1..=MAX_BATCH) => Ok(Value::Batch(n)),
            _ => Err("a number from 1 to 1,000,000, like 250 or 2k".into()),
        },
        Setting::Window => match window(text) {
            Some(window) if window <= MAX_WINDOW => Ok(Value::Window(window)),
            _ => Err("seconds, or a time like 90s or 2m, up to 24h".into()),
        },
        Setting::Instances => {
            let (min, max) = limits.unwrap_or((0, u32::MAX));
            match count(text) {
                Some(n) if (min..=max).contains(&n) => Ok(Value::Instances(n)),
                Some(_) => Err(format!("the group's limits are {min} and {max}")),
                None => Err("a number of instances".into()),
            }
        }
        Setting::Rate | Setting::Target | Setting::Filter => Err("this is not there yet".into()),
    }
}

/// `250`, `1,000`, `2k`, `1m`.
fn count(text: &str) -> Option<u32> {
    let text: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    let (digits, factor) = match text.chars().last()?.to_ascii_lowercase() {
        'k' => (&text[..text.len() - 1], 1_000),
        'm' => (&text[..text.len() - 1], 1_000_000),
        _ => (text.as_str(), 1),
    };
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

/// `30` (seconds), `90s`, `1m30s`; `0` starts all at once.
fn window(text: &str) -> Option<Duration> {
    match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_understood() {
        let batch = |text| parse(Setting::Batch, text, None).ok();
        assert_eq!(batch("250"), Some(Value::Batch(250)));
        assert_eq!(batch("1,000"), Some(Value::Batch(1000)));
        assert_eq!(batch("2k"), Some(Value::Batch(2000)));
        assert_eq!(batch("1m"), Some(Value::Batch(1_000_000)));
        for refused in ["", "0", "2m", "k", "-1", "x", "99999999999", "9999m", ",", "1.5"] {
            assert_eq!(batch(refused), None, "{refused}");
        }
        let window = |text| parse(Setting::Window, text, None).ok();
        assert_eq!(window("30"), Some(Value::Window(Duration::from_secs(30))));
        assert_eq!(window("1m30s"), Some(Value::Window(Duration::from_secs(90))));
        assert_eq!(window("0"), Some(Value::Window(Duration::ZERO)));
        for refused in ["", "2d", "fast", "99999999999999"] {
            assert_eq!(window(refused), None, "{refused}");
        }
        let instances = |text| parse(Setting::Instances, text, Some((0, 10)));
        assert_eq!(instances("3"), Ok(Value::Instances(3)));
        assert_eq!(instances("11"), Err("the group's limits are 0 and 10".into()));
        assert!(instances("").is_err());
    }
}
