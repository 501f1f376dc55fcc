//! Values of the command line that are more than words: times, numbers, names.
//!
//! Invariant: each is bounded, because whoever computes with it must not overflow,
//! and a refusal says what would be right.

use std::{ffi::OsStr, time::Duration};

use clap::{
    Arg, Command, Error,
    builder::{RangedI64ValueParser, TypedValueParser},
    error::ErrorKind,
};

use super::PLANNED;
use crate::{
    app::prompt::{MAX_BATCH, MAX_WINDOW},
    config,
    model::capacity::Capacity,
    plan::{BadTarget, Target},
};

/// Longest time that a load is held.
pub(super) const MAX_HOLD: Duration = Duration::from_hours(7 * 24);
/// Longest that the practice target waits before an answer.
const MAX_LATENCY: Duration = Duration::from_hours(1);
/// Longest lease, and longest that anything is waited for.
const MAX_WAIT: Duration = Duration::from_hours(24);
/// Shortest lease: it is renewed at its half, and a renewal may take a few tries.
const MIN_LEASE: Duration = Duration::from_secs(30);
/// Longest run id.
const RUN_CHARS: usize = 64;

/// Reads what devices talk to. clap's own refusals repeat what was said, and there may be
/// a password in it.
#[derive(Debug, Clone)]
pub(super) struct Targets;

impl TypedValueParser for Targets {
    type Value = Target;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Target, Error> {
        let text = value.to_string_lossy();
        let read = if PLANNED.contains(&&*text) {
            Err(format!("the command `{text}` is planned and does not exist yet"))
        } else {
            text.parse().map_err(|error: BadTarget| error.to_string())
        };
        read.map_err(|why| {
            let argument = argument.map_or_else(String::new, |it| format!(" for '{it}'"));
            let text = format!("invalid value{argument}: {why}\n");
            Error::raw(ErrorKind::ValueValidation, text).with_cmd(command)
        })
    }
}

/// How many devices one batch may have.
pub(super) fn devices() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=i64::from(MAX_BATCH))
}

pub(super) fn window(text: &str) -> Result<Duration, String> {
    duration(text, MAX_WINDOW)
}

pub(super) fn hold(text: &str) -> Result<Duration, String> {
    duration(text, MAX_HOLD)
}

pub(super) fn latency(text: &str) -> Result<Duration, String> {
    duration(text, MAX_LATENCY)
}

pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    duration(text, MAX_WAIT)
}

pub(crate) fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text, MAX_WAIT)?;
    if lease < MIN_LEASE {
        return Err(format!(
            "at least {}s: it is renewed at its half, and agents that hear nothing end with it",
            MIN_LEASE.as_secs()
        ));
    }
    Ok(lease)
}

/// How Fargate is paid for.
pub(crate) fn fargate(text: &str) -> Result<Capacity, String> {
    match text {
        "on-demand" => Ok(Capacity::Fargate { spot: false }),
        "spot" => Ok(Capacity::Fargate { spot: true }),
        _ => Err("say on-demand or spot".to_owned()),
    }
}

/// An amount of dollars that may be spent.
pub(super) fn budget(text: &str) -> Result<f64, String> {
    let dollars = text.strip_prefix('$').unwrap_or(text);
    let dollars = dollars.parse().map_err(|_| "say dollars, such as 25 or 2.50".to_owned())?;
    config::budget(dollars).map(|()| dollars)
}

/// A run's id, which is a part of its objects' keys.
pub(super) fn run(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > RUN_CHARS || !text.chars().all(is_plain) {
        return Err("not the id of a run; `loadtop status` shows them".to_owned());
    }
    Ok(text.to_owned())
}

/// A program and its arguments, as a shell would take them apart.
pub(crate) fn program(text: &str) -> Result<Program, String> {
    match shlex::split(text) {
        Some(words) if !words.is_empty() => Ok(Program(words)),
        Some(_) => Err("say a program and its arguments, such as './device --fast'".to_owned()),
        None => Err("a quote is not closed".to_owned()),
    }
}

/// The name of an environment variable.
pub(crate) fn variable(text: &str) -> Result<String, String> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts_well = text.chars().next().is_some_and(|c| !c.is_ascii_digit());
    if !starts_well || !text.chars().all(is_good) {
        return Err("a variable's name has letters, digits and underscores".to_owned());
    }
    if text.starts_with("LOADTOP_") || text.starts_with("AWS_") {
        return Err("loadtop itself sets variables that begin so: take another".to_owned());
    }
    Ok(text.to_owned())
}

/// A command, taken apart. (A list by another name: clap takes a `Vec` for an option
/// that may come more than once.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program(pub Vec<String>);

/// A duration as in plans: `15s`, `2m`, `1h30m`, `2s500ms`; a bare number is seconds.
pub(super) fn duration(text: &str, most: Duration) -> Result<Duration, String> {
    let time = match text.parse::<f64>() {
        // What no duration can hold is certainly too long.
        Ok(seconds) if seconds >= 0.0 => {
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        }
        _ => humantime::parse_duration(text).map_err(|error| {
            format!("{error}; write a duration such as 15s, 2m, 1h30m, or seconds as a number")
        })?,
    };
    if time > most {
        return Err(format!("at most {}h", most.as_secs() / 3600));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_plans() {
        assert_eq!(window("2"), Ok(Duration::from_secs(2)));
        assert_eq!(window("2s500ms"), Ok(Duration::from_millis(2500)));
        assert_eq!(window("24h"), Ok(MAX_WINDOW));
        assert_eq!(hold("7d"), Ok(MAX_HOLD));
        assert_eq!(lease("30"), Ok(MIN_LEASE));
        for refused in ["fast", "-1", "NaN", "inf", "1e19", "24h1ms"] {
            assert!(window(refused).is_err(), "{refused}");
        }
        assert!(lease("29s").is_err());
    }

    #[test]
    fn a_command_is_taken_apart_as_a_shell_would() {
        let words = |text| program(text).map(|it| it.0);
        assert_eq!(
            words(r#"sh -c 'echo "$UUID"; sleep 9' --fast\ one"#).expect("well-formed"),
            ["sh", "-c", r#"echo "$UUID"; sleep 9"#, "--fast one"]
        );
        assert!(words("sh -c 'open").is_err_and(|why| why.contains("quote")));
        assert!(words("  ").is_err());
    }

    #[test]
    fn names_are_checked_before_they_are_used() {
        assert_eq!(run("4f0a-B_1"), Ok("4f0a-B_1".to_owned()));
        for refused in ["", "../x", "a/b", "a b"] {
            assert!(run(refused).is_err(), "{refused}");
        }
        assert_eq!(variable("DEVICE_ID"), Ok("DEVICE_ID".to_owned()));
        for refused in ["", "1D", "A-B", "LOADTOP_RUN", "AWS_REGION"] {
            assert!(variable(refused).is_err(), "{refused}");
        }
    }
}
