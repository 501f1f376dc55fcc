//! Who calls, and what they may do.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{
    Cloud, CloudError, ErrorKind,
    calls::{self, Call},
    client::AWS,
    s3::DateTap,
    signed::partition,
};
use crate::model::Millis;

/// The version of IAM's API.
const IAM: &str = "2010-05-08";
/// The most pages of one simulation that are read.
const PAGES_MOST: usize = 20;
/// What the names of roles that are assumed by single sign-on begin with.
const SSO: &str = "AWSReservedSSO_";

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The account's number.
    pub account: String,
    /// Who the credentials belong to.
    pub arn: String,
}

/// Who calls, and when that was, by both clocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who; or why that is not known.
    pub who: Result<Who, CloudError>,
    /// How many milliseconds this machine's clock is ahead of AWS's, to half a second;
    /// none without an answer.
    pub ahead_ms: Option<i64>,
}

/// May these be done with these? All of them, in one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Such as `ecs:StopTask`.
    pub actions: Vec<String>,
    /// What they are done with, as ARNs; `*` for what has none.
    pub resource: String,
    /// What conditions of policies look at: keys and values.
    pub context: Vec<(&'static str, String)>,
}

impl Cloud {
    /// Who calls. Everybody may ask that.
    ///
    /// Equivalent to `aws sts get-caller-identity`.
    pub async fn caller(&self) -> Caller {
        let sts = aws_sdk_sts::Client::new(&self.config);
        let tap = DateTap::default();
        let before = wall();
        let answer = sts.get_caller_identity().customize().interceptor(tap.clone()).send().await;
        let ours = before.midpoint(wall());
        let who = self.settle(calls::GET_CALLER, answer).map(|answer| Who {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        });
        // A date stands for its whole second: its middle is nearest.
        let theirs = tap.dated().map(|dated| dated.date + 500);
        let ahead_ms = theirs.map(|theirs| ours.cast_signed() - theirs.cast_signed());
        Caller { who, ahead_ms }
    }

    /// Which of these actions the policies of a principal do not allow. Policies of the
    /// resources, such as a bucket's, are not looked at.
    ///
    /// Equivalent to `aws iam simulate-principal-policy --policy-source-arn P
    /// --action-names … --resource-arns … --context-entries …`.
    /// Needs `iam:SimulatePrincipalPolicy`.
    pub async fn not_allowed(&self, principal: &str, ask: &Ask) -> Result<Vec<String>, CloudError> {
        const CALL: Call = calls::SIMULATE;
        let mut fields = vec![("PolicySourceArn".to_owned(), principal.to_owned())];
        let mut field = |name: String, value: &str| fields.push((name, value.to_owned()));
        for (n, action) in ask.actions.iter().enumerate() {
            field(format!("ActionNames.member.{}", n + 1), action);
        }
        field("ResourceArns.member.1".to_owned(), &ask.resource);
        for (n, (key, value)) in ask.context.iter().enumerate() {
            let entry = format!("ContextEntries.member.{}", n + 1);
            field(format!("{entry}.ContextKeyName"), key);
            field(format!("{entry}.ContextKeyType"), "string");
            field(format!("{entry}.ContextKeyValues.member.1"), value);
        }
        let mut denied = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..PAGES_MOST {
            let page = marker.take().map(|it| ("Marker".to_owned(), it));
            let sent: Vec<_> = fields.iter().cloned().chain(page).collect();
            let answer = self.ask_query(CALL, IAM, &sent).await?;
            for result in answer.items("EvaluationResults") {
                if result.text_of("EvalDecision").as_deref() != Some("allowed") {
                    denied.extend(result.text_of("EvalActionName"));
                }
            }
            marker = answer.text_of("Marker").filter(|it| !it.is_empty());
            if marker.is_none() || answer.text_of("IsTruncated").as_deref() != Some("true") {
                return Ok(denied);
            }
        }
        Err(CloudError {
            call: CALL.operation,
            kind: ErrorKind::Refused,
            code: None,
            message: "the list of answers does not end".to_owned(),
        })
    }

    /// Where calls go, if not to Amazon's own endpoints.
    #[must_use]
    pub fn endpoint_url(&self) -> Option<&str> {
        Some(self.address.0.as_str()).filter(|it| *it != AWS)
    }

    /// The region of the calls.
    #[must_use]
    pub fn region_name(&self) -> &str {
        &self.address.1
    }

    /// The partition that the region is in, as ARNs have it.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        match partition(&self.address.1).0 {
            "cn-north-1" => "aws-cn",
            "us-gov-west-1" => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl Who {
    /// Whose policies decide: a user's, or those of the role that was assumed. Where an
    /// assumed role is under a path its session does not say it, so there may be
    /// several that it could be. None for an account's root and for federated users.
    #[must_use]
    pub fn principals(&self, region: &str) -> Vec<String> {
        let mut parts = self.arn.splitn(6, ':');
        let partition = parts.nth(1).unwrap_or("aws");
        let resource = parts.nth(3).unwrap_or_default();
        if resource.starts_with("user/") {
            return vec![self.arn.clone()];
        }
        let mut assumed = resource.split('/').filter(|it| !it.is_empty());
        let (Some("assumed-role"), Some(role)) = (assumed.next(), assumed.next()) else {
            return Vec::new();
        };
        let role_at =
            |path: &str| format!("arn:{partition}:iam::{}:role/{path}{role}", self.account);
        if role.starts_with(SSO) {
            let sso = "aws-reserved/sso.amazonaws.com/";
            return vec![role_at(sso), role_at(&format!("{sso}{region}/"))];
        }
        vec![role_at("")]
    }
}

/// This machine's time, in milliseconds since the epoch.
fn wall() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_policies_decide() {
        let of = |arn: &str| {
            let who = Who { account: "1".to_owned(), arn: arn.to_owned() };
            who.principals("eu-west-1")
        };
        assert_eq!(of("arn:aws:iam::1:user/ops/me"), ["arn:aws:iam::1:user/ops/me"]);
        assert_eq!(of("arn:aws-cn:sts::1:assumed-role/ci/x"), ["arn:aws-cn:iam::1:role/ci"]);
        assert_eq!(
            of("arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0/me"),
            [
                "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0",
                "arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0",
            ]
        );
        assert!(of("arn:aws:iam::1:root").is_empty());
        assert!(of("arn:aws:sts::1:federated-user/x").is_empty());
    }
}
