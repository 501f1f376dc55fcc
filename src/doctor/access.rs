//! Who calls, from where, and by which clock.

use super::{Finding, Subject, facts::Facts, finding::grouped};
use crate::cloud::{CloudError, ErrorKind};

const IDENTITY: &str = "identity";
const CLOCK: &str = "clock";
/// How far the clock may be off before it is worth a word, in milliseconds.
const SKEW_SEEN_MS: u64 = 30_000;
/// From where on AWS believes no signature.
const SKEW_MOST_MS: u64 = 300_000;

pub(super) fn judge(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let region = subject.cloud.region_name();
    let at = subject.cloud.endpoint_url().unwrap_or("Amazon's own endpoints");
    let identity = match &facts.caller.who {
        Ok(who) => Finding::pass(
            IDENTITY,
            format!("{} of account {}, region {region}, at {at}", who.arn, who.account),
        ),
        Err(error) => nobody(error, region, at),
    };
    vec![identity, clock(facts.caller.ahead_ms)]
}

/// Why it is not known who calls.
pub(super) fn nobody(error: &CloudError, region: &str, at: &str) -> Finding {
    let seen = format!("{error}; region {region}, at {at}");
    let code = error.code.as_deref().unwrap_or_default();
    let todo = match error.kind {
        _ if code.contains("Expired") && code != "RequestExpired" => {
            "renew the credentials: `aws sso login`, `aws login`, or new keys; then ask again"
        }
        ErrorKind::Unauthenticated if error.message.contains("Signature expired") => {
            "set this machine's clock: see clock"
        }
        ErrorKind::Unauthenticated => {
            "are these the credentials of this region and endpoint? `aws configure list` shows \
             where they come from; `aws sso login` renews them"
        }
        ErrorKind::NotSent => {
            "say which credentials: --profile, AWS_PROFILE, AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or `aws sso login`"
        }
        ErrorKind::Throttled => "ask again in a minute",
        _ => {
            "is the network there, and are region and endpoint right? See AWS_ENDPOINT_URL, \
              AWS_REGION and the profile"
        }
    };
    Finding::fail(IDENTITY, seen, todo)
}

fn clock(ahead_ms: Option<i64>) -> Finding {
    let Some(ahead) = ahead_ms else {
        return Finding::unknown(
            CLOCK,
            "no answer had a date to compare this machine's clock with",
            "see identity",
        );
    };
    let off = ahead.unsigned_abs();
    let way = if ahead < 0 { "behind" } else { "ahead of" };
    let todo = "`timedatectl set-ntp true` (or `chronyc makestep`), then ask again";
    let seen = format!("this machine's clock is {} s {way} AWS's", grouped(off / 1000));
    match off {
        _ if off >= SKEW_MOST_MS => {
            Finding::fail(CLOCK, format!("{seen}: signatures are refused from 5 minutes on"), todo)
        }
        _ if off >= SKEW_SEEN_MS => Finding::warn(CLOCK, seen, todo),
        // The dates of answers have whole seconds.
        _ if off < 2000 => Finding::pass(CLOCK, "this machine's clock agrees with AWS's"),
        _ => Finding::pass(CLOCK, seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn who_cannot_be_asked_about_is_told_what_to_do() {
        let told = |kind, code: Option<&str>, message: &str| {
            let code = code.map(str::to_owned);
            let message = message.to_owned();
            let error = CloudError { call: "GetCallerIdentity", kind, code, message };
            let finding = nobody(&error, "r", "e");
            assert_eq!(finding.verdict, Verdict::Fail);
            finding.todo.unwrap_or_default()
        };
        let unknown = ErrorKind::Unauthenticated;
        for (todo, says) in [
            (told(unknown, Some("ExpiredToken"), ""), "renew the credentials"),
            (told(unknown, Some("InvalidClientTokenId"), ""), "aws configure list"),
            (
                told(
                    unknown,
                    Some("SignatureDoesNotMatch"),
                    "Signature expired or not yet current.",
                ),
                "set this machine's clock",
            ),
            (told(unknown, None, "there are no credentials"), "aws configure list"),
            (told(ErrorKind::NotSent, None, "no credentials"), "say which credentials"),
            (told(ErrorKind::Ambiguous, None, "refused"), "AWS_ENDPOINT_URL"),
        ] {
            assert!(todo.contains(says), "{todo}");
        }
    }

    #[test]
    fn a_clock_may_be_off_a_little() {
        for (ahead, verdict, says) in [
            (Some(-1_900), Verdict::Pass, "agrees"),
            (Some(29_999), Verdict::Pass, "29 s ahead of"),
            (Some(-30_000), Verdict::Warn, "30 s behind"),
            (Some(299_999), Verdict::Warn, "299 s ahead of"),
            (Some(-300_000), Verdict::Fail, "refused"),
            (Some(i64::MIN), Verdict::Fail, "behind"),
            (None, Verdict::Unknown, "no answer"),
        ] {
            let finding = clock(ahead);
            assert_eq!(finding.verdict, verdict, "{ahead:?}");
            assert!(finding.seen.contains(says), "{}", finding.seen);
        }
    }
}
