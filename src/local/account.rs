//! The account that the local cloud claims to be: who calls it, what they may do, which
//! network and quotas there are, and which operations were asked for.
//!
//! Invariant: what was refused here had no effect; each request that was signed well is
//! counted once, also one that is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use super::{
    NAME,
    engine::{ACCOUNT, ApiError, REGION},
};
use crate::cloud::calls::{self, About, Service};

/// Reading an object that is not there needs this, too: otherwise it is a refusal.
const MAY_LIST: &str = "s3:ListBucket";
/// Codes by which S3 says that an object is not there.
const NOT_THERE: &str = "NoSuchKey";

/// The quota of vCPUs on Fargate Spot.
const SPOT_QUOTA: &str = "L-36FBB829";

/// What the account has, and what those who call may not do.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Actions that are refused, such as `ecs:StopTask`.
    pub denied: BTreeSet<String>,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
    /// Its security groups, id and name.
    pub security_groups: Vec<(String, String)>,
    /// Quotas that were set for it, by service and code.
    pub quotas: BTreeMap<(String, String), f64>,
    /// Those that everybody has.
    pub default_quotas: BTreeMap<(String, String), f64>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// Its zone.
    pub zone: String,
    /// Addresses that are free.
    pub free: u32,
}

impl Default for Account {
    /// Two subnets of 256 addresses, of which AWS keeps five, a security group, and
    /// the quotas of a small account, of which one was set for it.
    fn default() -> Self {
        let subnet = |number: char| Subnet {
            id: format!("subnet-0000000{number}"),
            zone: format!("{REGION}{number}"),
            free: 251,
        };
        let quotas = [
            ("fargate", "L-3032A538", 64.0),
            ("fargate", SPOT_QUOTA, 64.0),
            ("ec2", "L-1216C47A", 640.0),
        ];
        let quotas = quotas.map(|(service, code, n)| ((service.to_owned(), code.to_owned()), n));
        let set = quotas.iter().filter(|((_, code), _)| code == SPOT_QUOTA).cloned();
        Account {
            denied: BTreeSet::new(),
            subnets: ['a', 'b'].map(subnet).into(),
            security_groups: vec![("sg-00000000".to_owned(), "default".to_owned())],
            quotas: set.collect(),
            default_quotas: quotas.into(),
        }
    }
}

/// Whether this is an action that the local cloud can deny: one that loadtop needs.
pub fn action(text: &str) -> Result<String, String> {
    let needs = calls::ALL.iter().flat_map(|call| call.needs);
    let known: BTreeSet<&str> = needs.map(|(permission, _)| *permission).collect();
    if known.contains(text) {
        return Ok(text.to_owned());
    }
    let known: Vec<&str> = known.into_iter().collect();
    Err(format!("no action that loadtop needs; use one of {}", known.join(", ")))
}

/// Lets calls in, or not.
#[derive(Debug)]
pub(super) struct Admission {
    account: Account,
    expired: AtomicBool,
    seen: Mutex<BTreeMap<(Service, String), u64>>,
}

impl Admission {
    pub(super) fn new(account: Account) -> Self {
        Admission { account, expired: AtomicBool::new(false), seen: Mutex::default() }
    }

    /// What the account has.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Lets the credentials be expired, or good again.
    pub(super) fn set_expired(&self, expired: bool) {
        self.expired.store(expired, Ordering::Relaxed);
    }

    /// The operations that were asked for, and how often.
    pub(super) fn seen(&self) -> BTreeMap<(Service, String), u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a call that was signed well, and says whether it may be made.
    pub(super) fn admit(
        &self,
        service: Service,
        operation: &str,
        body: &[u8],
    ) -> Result<(), ApiError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.entry((service, operation.to_owned())).or_default() += 1;
        drop(seen);
        if self.expired.load(Ordering::Relaxed) {
            return Err(expired(service));
        }
        let denied = |action: &(String, String)| self.account.denied.contains(&action.0);
        match needed(service, operation, body).into_iter().find(denied) {
            Some((action, resource)) => Err(refused(service, &action, &resource)),
            None => Ok(()),
        }
    }

    /// What an answer becomes for those who may not know whether an object exists.
    pub(super) fn veil(&self, service: Service, error: ApiError) -> ApiError {
        if service == Service::S3
            && error.code == NOT_THERE
            && self.account.denied.contains(MAY_LIST)
        {
            return refused(service, MAY_LIST, &resource(About::Bucket));
        }
        error
    }
}

/// Who calls.
pub(super) fn caller() -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{NAME}")
}

/// The actions that this call takes, and what each is about.
fn needed(service: Service, operation: &str, body: &[u8]) -> Vec<(String, String)> {
    let known = calls::ALL.iter().find(|it| it.service == service && it.operation == operation);
    let Some(call) = known else {
        return vec![(format!("{}:{operation}", service.prefix()), "*".to_owned())];
    };
    let applies = |permission: &str| match permission {
        MAY_LIST => !["GetObject", "HeadObject"].contains(&operation),
        "ecs:TagResource" => says(body, &["tags"]),
        "iam:PassRole" => says(body, &["taskRoleArn", "executionRoleArn"]),
        _ => true,
    };
    let needs = call.needs.iter().filter(|(permission, _)| applies(permission));
    needs.map(|(permission, about)| ((*permission).to_owned(), resource(*about))).collect()
}

/// Whether a JSON body has one of these fields, with something in it.
fn says(body: &[u8], fields: &[&str]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    fields.iter().any(|field| match &body[field] {
        Value::Null => false,
        Value::Array(of) => !of.is_empty(),
        _ => true,
    })
}

fn resource(about: About) -> String {
    let ecs = |rest: &str| format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{rest}");
    match about {
        About::Cluster => ecs(&format!("cluster/{NAME}")),
        About::Tasks => ecs(&format!("task/{NAME}/*")),
        About::Instances => ecs(&format!("container-instance/{NAME}/*")),
        About::Definition => ecs("task-definition/*"),
        About::Group => {
            let group = format!("autoScalingGroup:*:autoScalingGroupName/{NAME}");
            format!("arn:aws:autoscaling:{REGION}:{ACCOUNT}:{group}")
        }
        About::Bucket => format!("arn:aws:s3:::{NAME}"),
        About::Objects => format!("arn:aws:s3:::{NAME}/*"),
        About::Namespace | About::Everything => "*".to_owned(),
    }
}

/// The credentials may not do that, in the service's own words.
pub(super) fn refused(service: Service, action: &str, resource: &str) -> ApiError {
    let mut message = String::new();
    if service == Service::Ec2 {
        message.push_str("You are not authorized to perform this operation. ");
    }
    let who = caller();
    let _ = write!(
        message,
        "User: {who} is not authorized to perform: {action} on resource: {resource} because no \
         identity-based policy allows the {action} action"
    );
    let (code, status) = match service {
        Service::Ecs | Service::Quotas | Service::CloudWatch => ("AccessDeniedException", 400),
        Service::AutoScaling | Service::Sts | Service::Iam | Service::S3 => ("AccessDenied", 403),
        Service::Ec2 => ("UnauthorizedOperation", 403),
    };
    ApiError::new(code, status, message)
}

/// The credentials have expired, in the service's own words.
pub(super) fn expired(service: Service) -> ApiError {
    let token = "The security token included in the request is expired";
    let (code, status, message) = match service {
        Service::Ecs | Service::Quotas | Service::CloudWatch => {
            ("ExpiredTokenException", 400, token)
        }
        Service::AutoScaling | Service::Sts | Service::Iam => ("ExpiredToken", 403, token),
        Service::Ec2 => ("RequestExpired", 400, "Request has expired."),
        Service::S3 => ("ExpiredToken", 400, "The provided token has expired."),
    };
    ApiError::new(code, status, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denying(actions: &[&str]) -> Admission {
        let denied = actions.iter().map(|action| (*action).to_owned()).collect();
        Admission::new(Account { denied, ..Account::default() })
    }

    #[test]
    fn each_action_of_the_table_can_be_denied_and_then_refuses_its_calls() {
        let body = br#"{"tags": [{"key": "a"}], "taskRoleArn": "arn"}"#;
        for call in calls::ALL {
            for (permission, _) in call.needs {
                let admission = denying(&[permission]);
                let admitted = admission.admit(call.service, call.operation, body);
                if *permission == MAY_LIST && call.operation.ends_with("Object") {
                    assert_eq!(admitted, Ok(()), "{permission} {}", call.operation);
                    let missing = ApiError::new(NOT_THERE, 404, "gone");
                    assert_eq!(admission.veil(call.service, missing).code, "AccessDenied");
                    continue;
                }
                let refused = admitted.expect_err(permission);
                assert!(refused.message.contains(permission), "{refused}");
                let fine = denying(&[]).admit(call.service, call.operation, body);
                assert_eq!(fine, Ok(()), "{}", call.operation);
            }
        }
    }

    #[test]
    fn what_a_call_does_not_ask_for_it_does_not_need() {
        let admission = denying(&["ecs:TagResource", "iam:PassRole"]);
        for body in [&br#"{"tags": []}"#[..], b"{}", b"no JSON"] {
            assert_eq!(admission.admit(Service::Ecs, "RunTask", body), Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_denied_is_named() {
        assert_eq!(action("ecs:StopTask"), Ok("ecs:StopTask".to_owned()));
        let why = action("ecs:StopTsk").expect_err("no such action");
        assert!(why.contains("ecs:StopTask, "), "{why}");
    }

    #[test]
    fn expired_credentials_open_nothing_until_they_are_good_again() {
        let admission = denying(&[]);
        admission.set_expired(true);
        let refused = admission.admit(Service::S3, "GetObject", b"").expect_err("expired");
        assert_eq!(refused.code, "ExpiredToken");
        admission.set_expired(false);
        assert_eq!(admission.admit(Service::S3, "GetObject", b""), Ok(()));
        assert_eq!(admission.seen()[&(Service::S3, "GetObject".to_owned())], 2);
    }
}
