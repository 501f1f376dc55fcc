//! What a person may type into a prompt, and what it means.
//!
//! Invariant: whatever is refused is refused with the words that would be right.

use std::time::Duration;

use super::{
    action::{Action, Caret},
    state::{Prompt, Setting},
};
use crate::plan::Target;

/// Most devices of one batch.
pub const MAX_BATCH: u32 = 1_000_000;
/// Longest ramp window.
pub const MAX_WINDOW: Duration = Duration::from_hours(24);
/// Most requests per second.
pub const MAX_RATE: f64 = 10_000_000.0;
/// Fewest requests per second: one in a quarter of an hour.
pub const MIN_RATE: f64 = 0.001;

/// A value that was typed and understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Devices of a batch.
    Batch(u32),
    /// A ramp window.
    Window(Duration),
    /// Instances.
    Instances(u32),
    /// Requests per second; none: as many as the scenario makes.
    Rate(Option<f64>),
    /// What the devices talk to.
    Target(Target),
    /// What rows must have in them; all have nothing.
    Filter(String),
}

/// Longest text that a prompt takes, in characters.
#[must_use]
pub fn max_chars(setting: Setting) -> usize {
    match setting {
        Setting::Batch | Setting::Window | Setting::Instances | Setting::Rate => 12,
        // A host name has up to 253.
        Setting::Target => 280,
        Setting::Filter => 100,
    }
}

/// Whether a character can be part of an answer.
#[must_use]
pub fn accepts(setting: Setting, c: char) -> bool {
    match setting {
        Setting::Batch | Setting::Window | Setting::Instances | Setting::Rate => {
            c.is_ascii_alphanumeric() || matches!(c, ',' | '_' | '.')
        }
        Setting::Target => c.is_ascii_graphic(),
        Setting::Filter => !c.is_control(),
    }
}

impl Prompt {
    /// What a key does to the text or the cursor.
    pub(super) fn edit(&mut self, action: &Action) {
        self.refusal = None;
        let end = self.text.chars().count();
        match action {
            Action::Type(c) => self.put(*c),
            Action::Erase if self.cursor > 0 => {
                self.cursor -= 1;
                self.take();
            }
            Action::EraseNext if self.cursor < end => self.take(),
            Action::EraseAll => {
                self.text.drain(..self.byte_of_cursor());
                self.cursor = 0;
            }
            Action::Move(Caret::Left) => self.cursor = self.cursor.saturating_sub(1),
            Action::Move(Caret::Right) => self.cursor = end.min(self.cursor + 1),
            Action::Move(Caret::Start) => self.cursor = 0,
            Action::Move(Caret::End) => self.cursor = end,
            _ => {}
        }
    }

    /// Puts the first line of a text from elsewhere in, without what is no part of an
    /// answer. It is never confirmed by that.
    pub(super) fn paste(&mut self, text: &str) {
        self.refusal = None;
        let first = text.trim_start().lines().next().unwrap_or_default();
        first.trim_end().chars().for_each(|c| self.put(c));
    }

    fn put(&mut self, c: char) {
        let fits = self.text.chars().count() < max_chars(self.setting);
        if fits && accepts(self.setting, c) {
            self.text.insert(self.byte_of_cursor(), c);
            self.cursor += 1;
        }
    }

    /// Takes the character under the cursor away.
    fn take(&mut self) {
        self.text.remove(self.byte_of_cursor());
    }

    fn byte_of_cursor(&self) -> usize {
        self.text.char_indices().nth(self.cursor).map_or(self.text.len(), |(at, _)| at)
    }
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
        Setting::Rate if text.eq_ignore_ascii_case("off") => Ok(Value::Rate(None)),
        Setting::Rate => match rate(text) {
            Some(rate) if (MIN_RATE..=MAX_RATE).contains(&rate) => Ok(Value::Rate(Some(rate))),
            _ => Err("requests per second, like 500, 2k or 0.5; or off".into()),
        },
        Setting::Target => text
            .parse()
            .map(Value::Target)
            .map_err(|error: crate::plan::BadTarget| error.to_string()),
        Setting::Filter => Ok(Value::Filter(text.trim().to_owned())),
    }
}

/// `500`, `1,000`, `2k`, `1.5k`, `0.5`.
fn rate(text: &str) -> Option<f64> {
    let (digits, factor) = digits_and_factor(text)?;
    // Neither `inf` nor `1e9`.
    let is_plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.parse::<f64>().ok().filter(|_| is_plain).map(|number| number * f64::from(factor))
}

/// `250`, `1,000`, `2k`, `1m`.
fn count(text: &str) -> Option<u32> {
    let (digits, factor) = digits_and_factor(text)?;
    digits.parse::<u32>().ok()?.checked_mul(factor)
}

/// A number as people write it: without what groups its digits, and what it is times.
fn digits_and_factor(text: &str) -> Option<(String, u32)> {
    let mut digits: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    let factor = match digits.chars().last()?.to_ascii_lowercase() {
        'k' => 1_000,
        'm' => 1_000_000,
        _ => return Some((digits, 1)),
    };
    digits.pop();
    Some((digits, factor))
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

    #[test]
    fn rates_and_targets_are_understood() {
        let rate = |text| parse(Setting::Rate, text, None).ok();
        for (text, per_s) in
            [("500", 500.0), ("1,000", 1e3), ("1.5k", 1.5e3), ("2m", 2e6), (".5", 0.5)]
        {
            assert_eq!(rate(text), Some(Value::Rate(Some(per_s))), "{text}");
        }
        assert_eq!(rate("off"), Some(Value::Rate(None)));
        for refused in ["", "0", "k", "inf", "1e9", "nan", "11m", "0.0001", "1.2.3", "fast"] {
            assert_eq!(rate(refused), None, "{refused}");
        }
        let target = |text| parse(Setting::Target, text, None);
        assert!(matches!(target("tcp://[::1]:7000"), Ok(Value::Target(_))));
        assert!(target("mqtt://a:1").expect_err("reserved").contains("do not work yet"));
        assert!(target("tcp://a").expect_err("no port").contains("1 to 65535"));
        assert_eq!(parse(Setting::Filter, " ab ", None), Ok(Value::Filter("ab".into())));
    }

    #[test]
    fn a_prompt_is_edited_where_its_cursor_is() {
        let mut prompt = Prompt::new(Setting::Filter, "名前".into());
        let left = Action::Move(Caret::Left);
        for action in [&left, &Action::Type('x'), &left, &left, &left, &Action::EraseNext] {
            prompt.edit(action);
        }
        assert_eq!((prompt.text.as_str(), prompt.cursor), ("x前", 0));
        prompt.edit(&Action::Erase);
        prompt.edit(&Action::Move(Caret::End));
        prompt.edit(&Action::EraseNext);
        prompt.edit(&Action::Move(Caret::Right));
        assert_eq!((prompt.text.as_str(), prompt.cursor), ("x前", 2));
        prompt.edit(&Action::Erase);
        prompt.edit(&Action::Type('y'));
        assert_eq!(prompt.text, "xy");
        prompt.edit(&left);
        prompt.edit(&Action::EraseAll);
        assert_eq!((prompt.text.as_str(), prompt.cursor), ("y", 0));
    }

    #[test]
    fn of_a_paste_the_first_line_counts_and_nothing_that_steers_a_terminal() {
        let mut prompt = Prompt::new(Setting::Target, String::new());
        prompt.paste("\n  tcp://a\u{1b}[2J:7000 \r\nK y\n");
        assert_eq!(prompt.text, "tcp://a[2J:7000");
        let mut prompt = Prompt::new(Setting::Batch, "9".into());
        prompt.edit(&Action::Move(Caret::Start));
        prompt.paste("1 000;");
        assert_eq!((prompt.text.as_str(), prompt.cursor), ("10009", 4));
        prompt.paste(&"7".repeat(1000));
        assert_eq!(prompt.text.len(), max_chars(Setting::Batch));
    }
}
