//! Faults on request: calls that the local cloud answers as AWS does on a bad day.
//!
//! Pure but for the random numbers that it carries on from its seed. Invariants: a
//! fault strikes only calls that were signed well; of those that match a call at
//! most one strikes; with the same seed and the same calls in the same order the
//! same ones are struck.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Any operation.
const ANY: &str = "*";
/// The operations of the local cloud, all of which may fail.
const OPERATIONS: &[&str] = &[
    "RunTask",
    "StopTask",
    "ListTasks",
    "DescribeTasks",
    "ListContainerInstances",
    "DescribeContainerInstances",
    "UpdateContainerInstancesState",
    "RegisterTaskDefinition",
    "DescribeTaskDefinition",
    "ListClusters",
    "DescribeClusters",
    "DescribeAutoScalingGroups",
    "SetDesiredCapacity",
    "TerminateInstanceInAutoScalingGroup",
    "UpdateAutoScalingGroup",
    "PutScheduledUpdateGroupAction",
    "DescribeScheduledActions",
    "DeleteScheduledAction",
    "PutMetricData",
    "GetMetricData",
    "GetObject",
    "PutObject",
    "DeleteObject",
    "HeadObject",
    "HeadBucket",
    "ListObjectsV2",
    "GetCallerIdentity",
    "SimulatePrincipalPolicy",
    "DescribeSubnets",
    "DescribeSecurityGroups",
    "GetServiceQuota",
    "GetAWSDefaultServiceQuota",
];
/// Nobody waits for longer.
const SLOWEST: Duration = Duration::from_hours(1);

/// What is to go wrong, with which calls. As text: `RunTask:throttle:10%`,
/// `PutObject@wish.json:reset-after:3`, `*:slow=2s:5%`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Of calls of this operation, or of any with `*`.
    pub operation: String,
    /// Only of those about an object whose key contains this.
    pub key: Option<String>,
    /// What happens.
    pub kind: FaultKind,
    /// To how many of them.
    pub share: Share,
}

impl Fault {
    /// What happens to so many of the calls of an operation, or of any with `*`.
    #[must_use]
    pub fn new(operation: &str, kind: FaultKind, share: Share) -> Self {
        Fault { operation: operation.to_owned(), key: None, kind, share }
    }

    /// The same, for objects whose key contains this.
    #[must_use]
    pub fn at(self, key: &str) -> Self {
        Fault { key: Some(key.to_owned()), ..self }
    }

    fn is_about(&self, operation: &str, key: &str) -> bool {
        (self.operation == ANY || self.operation == operation)
            && self.key.as_ref().is_none_or(|part| key.contains(part))
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is refused: too many calls.
    Throttle,
    /// An internal error (500), and nothing was done.
    ErrorBefore,
    /// An internal error (500), but it was done.
    ErrorAfter,
    /// The connection is closed without an answer, and nothing was done.
    ResetBefore,
    /// The connection is closed without an answer, but it was done.
    ResetAfter,
    /// The credentials have expired, as it seems.
    Expired,
    /// The credentials may not do this, as it seems.
    Deny,
    /// It is done at once; the answer comes this much later.
    Slow(Duration),
}

/// To how many calls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// The next ones that match.
    Times(u32),
    /// Each with this probability, in percent.
    Percent(f64),
}

/// Why a text is no [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}`: {wrong}; a fault is OPERATION[@KEY]:KIND:SHARE, such as `RunTask:throttle:10%`, \
     `PutObject@wish.json:reset-after:3` or `*:slow=2s:5%`"
)]
pub struct BadFault {
    text: String,
    wrong: String,
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        read(text).map_err(|wrong| BadFault { text: text.to_owned(), wrong })
    }
}

fn read(text: &str) -> Result<Fault, String> {
    // From the end: keys may have colons.
    let mut parts = text.rsplitn(3, ':');
    let (Some(share), Some(kind), Some(calls)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("two colons are needed".to_owned());
    };
    let (operation, key) = match calls.split_once('@') {
        Some((operation, key)) => (operation, Some(key)),
        None => (calls, None),
    };
    if operation != ANY && !OPERATIONS.contains(&operation) {
        let all = OPERATIONS.join(", ");
        return Err(format!("`{operation}` is no operation here: use * or one of {all}"));
    }
    if key.is_some_and(str::is_empty) {
        return Err("the key after @ is missing".to_owned());
    }
    Ok(Fault {
        operation: operation.to_owned(),
        key: key.map(str::to_owned),
        kind: read_kind(kind)?,
        share: read_share(share)?,
    })
}

fn read_kind(text: &str) -> Result<FaultKind, String> {
    Ok(match text {
        "throttle" => FaultKind::Throttle,
        "error-before" => FaultKind::ErrorBefore,
        "error-after" => FaultKind::ErrorAfter,
        "reset-before" => FaultKind::ResetBefore,
        "reset-after" => FaultKind::ResetAfter,
        "expired" => FaultKind::Expired,
        "deny" => FaultKind::Deny,
        _ => {
            let by = text.strip_prefix("slow=").ok_or_else(|| {
                format!(
                    "`{text}` is no kind: use throttle, error-before, error-after, reset-before, \
                     reset-after, expired, deny or slow=DURATION"
                )
            })?;
            let by = humantime::parse_duration(by).ok().filter(|by| *by <= SLOWEST);
            FaultKind::Slow(by.ok_or("a duration is such as 200ms or 2s, and at most 1h")?)
        }
    })
}

fn read_share(text: &str) -> Result<Share, String> {
    let wrong = || format!("`{text}` is no share: use 10% of the calls or the next 3");
    match text.strip_suffix('%') {
        Some(share) => {
            let share = share.parse().ok().filter(|share| (0.0..=100.0).contains(share));
            share.map(Share::Percent).ok_or_else(wrong)
        }
        None => text.parse().map(Share::Times).map_err(|_| wrong()),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)?;
        if let Some(key) = &self.key {
            write!(f, "@{key}")?;
        }
        match self.share {
            Share::Times(times) => write!(f, ":{}:{times}", self.kind),
            Share::Percent(share) => write!(f, ":{}:{share}%", self.kind),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Throttle => write!(f, "throttle"),
            FaultKind::ErrorBefore => write!(f, "error-before"),
            FaultKind::ErrorAfter => write!(f, "error-after"),
            FaultKind::ResetBefore => write!(f, "reset-before"),
            FaultKind::ResetAfter => write!(f, "reset-after"),
            FaultKind::Expired => write!(f, "expired"),
            FaultKind::Deny => write!(f, "deny"),
            FaultKind::Slow(by) => {
                write!(f, "slow={}", humantime::format_duration(*by).to_string().replace(' ', ""))
            }
        }
    }
}

/// The faults of a cloud. May be changed while it serves.
#[derive(Debug)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    faults: Vec<Fault>,
    random: u64,
    struck: BTreeMap<String, u64>,
}

impl Faults {
    /// None yet; those with a probability go by this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State { faults: Vec::new(), random: seed, struck: BTreeMap::new() };
        Faults { state: Mutex::new(state) }
    }

    /// One more. Where several match a call the first one that strikes is it.
    pub fn add(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// None any more; what was counted stays.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// How many calls were struck, by operation and kind: `RunTask:throttle`.
    #[must_use]
    pub fn struck(&self) -> BTreeMap<String, u64> {
        self.lock().struck.clone()
    }

    /// What happens to this call, if anything does. The key is an object's, or empty.
    pub(super) fn decide(&self, operation: &str, key: &str) -> Option<FaultKind> {
        self.lock().decide(operation, key)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn decide(&mut self, operation: &str, key: &str) -> Option<FaultKind> {
        for fault in &mut self.faults {
            if !fault.is_about(operation, key) {
                continue;
            }
            let strikes = match &mut fault.share {
                Share::Times(left) => {
                    let strikes = *left > 0;
                    *left = left.saturating_sub(1);
                    strikes
                }
                Share::Percent(share) => unit(&mut self.random) * 100.0 < *share,
            };
            if strikes {
                let what = match fault.kind {
                    FaultKind::Slow(_) => format!("{operation}:slow"),
                    kind => format!("{operation}:{kind}"),
                };
                *self.struck.entry(what).or_default() += 1;
                return Some(fault.kind);
            }
        }
        None
    }
}

/// Uniform in `0.0..1.0` (`SplitMix64`: Steele, Lea and Flood, 2014).
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits ^ (bits >> 31)) as f64 / 2_f64.powi(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(texts: &[&str]) -> Faults {
        let faults = Faults::new(7);
        for text in texts {
            faults.add(text.parse().expect(text));
        }
        faults
    }

    #[test]
    fn what_is_written_is_read() {
        for (text, fault) in [
            (
                "RunTask:throttle:10%",
                Fault::new("RunTask", FaultKind::Throttle, Share::Percent(10.0)),
            ),
            (
                "PutObject@wish.json:reset-after:3",
                Fault::new("PutObject", FaultKind::ResetAfter, Share::Times(3)).at("wish.json"),
            ),
            (
                "*:slow=2s:5%",
                Fault::new("*", FaultKind::Slow(Duration::from_secs(2)), Share::Percent(5.0)),
            ),
            (
                "*@a:b:slow=1m500ms:1",
                Fault::new("*", FaultKind::Slow(Duration::from_millis(60_500)), Share::Times(1))
                    .at("a:b"),
            ),
            ("*:expired:2", Fault::new("*", FaultKind::Expired, Share::Times(2))),
            ("StopTask:deny:100%", Fault::new("StopTask", FaultKind::Deny, Share::Percent(100.0))),
            (
                "StopTask:error-before:0.5%",
                Fault::new("StopTask", FaultKind::ErrorBefore, Share::Percent(0.5)),
            ),
        ] {
            assert_eq!(text.parse(), Ok(fault.clone()));
            assert_eq!(fault.to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, wrong) in [
            ("", "two colons are needed"),
            ("RunTask:throttle", "two colons are needed"),
            ("RunTsk:throttle:1", "`RunTsk` is no operation here: use * or one of RunTask,"),
            ("PutObject@:throttle:1", "the key after @ is missing"),
            ("RunTask:explode:1", "`explode` is no kind: use throttle,"),
            ("RunTask:slow:1", "`slow` is no kind"),
            ("RunTask:slow=x:1", "a duration is such as 200ms"),
            ("RunTask:slow=2h:1", "at most 1h"),
            ("RunTask:throttle:x", "`x` is no share"),
            ("RunTask:throttle:-1", "`-1` is no share"),
            ("RunTask:throttle:101%", "`101%` is no share"),
            ("RunTask:throttle:NaN%", "`NaN%` is no share"),
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.contains(wrong) && error.contains("OPERATION[@KEY]"), "{error}");
        }
    }

    #[test]
    fn the_next_ones_that_match_are_struck() {
        let faults = faults(&["RunTask:throttle:2", "PutObject@wish.json:reset-after:1"]);
        assert_eq!(faults.decide("StopTask", ""), None);
        assert_eq!(faults.decide("PutObject", "loadtop/r/leader.json"), None);
        assert_eq!(faults.decide("GetObject", "loadtop/r/wish.json"), None);
        let decided: Vec<_> = (0..3).map(|_| faults.decide("RunTask", "")).collect();
        assert_eq!(decided, [Some(FaultKind::Throttle), Some(FaultKind::Throttle), None]);
        let put = || faults.decide("PutObject", "loadtop/r/wish.json");
        assert_eq!((put(), put()), (Some(FaultKind::ResetAfter), None));
        let struck = [("PutObject:reset-after", 1), ("RunTask:throttle", 2)];
        assert_eq!(faults.struck(), struck.map(|(what, n)| (what.to_owned(), n)).into());
    }

    #[test]
    fn a_share_is_about_that_and_always_the_same() {
        let run = || {
            let faults = faults(&["*:error-before:10%"]);
            (0..10_000).map(|_| faults.decide("RunTask", "").is_some()).collect::<Vec<_>>()
        };
        let struck = run().iter().filter(|&&struck| struck).count();
        assert!((900..1100).contains(&struck), "{struck}");
        assert_eq!(run(), run());
        let all = faults(&["*:error-before:100%", "*:throttle:5"]);
        assert!((0..100).all(|_| all.decide("X", "") == Some(FaultKind::ErrorBefore)));
        all.clear();
        assert_eq!(all.decide("X", ""), None);
        let none = faults(&["*:error-before:0%", "RunTask:throttle:1"]);
        assert_eq!(none.decide("RunTask", ""), Some(FaultKind::Throttle), "the next one's turn");
    }
}
