//! Ids and ARNs, in AWS's shapes.
//!
//! Invariant: ids are a function of the seed and a counter; two starts with
//! different seeds share none.

use uuid::Uuid;

/// The region that everything claims to be in.
pub(crate) const REGION: &str = "us-east-1";
/// The account that everything claims to belong to.
pub(crate) const ACCOUNT: &str = "000000000000";

/// A source of ids.
#[derive(Debug)]
pub(super) struct Ids {
    seed: Uuid,
    next: u64,
}

impl Ids {
    pub(super) fn new(seed: Uuid) -> Self {
        Ids { seed, next: 0 }
    }

    /// 32 hexadecimal digits, as in the ARN of a task.
    pub(super) fn hex(&mut self) -> String {
        self.uuid().simple().to_string()
    }

    /// As a machine is called: `i-` and 17 digits.
    pub(super) fn machine(&mut self) -> String {
        let mut id = self.hex();
        id.truncate(17);
        format!("i-{id}")
    }

    /// Hyphenated, as of a scaling activity.
    pub(super) fn uuid(&mut self) -> Uuid {
        self.next += 1;
        Uuid::new_v5(&self.seed, &self.next.to_be_bytes())
    }

    /// Any of `0..n`; `n` must not be zero.
    pub(super) fn pick(&mut self, n: usize) -> usize {
        (self.uuid().as_u128() % n as u128) as usize
    }
}

/// `arn:aws:ecs:…:RESOURCE`.
pub(super) fn ecs_arn(resource: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{resource}")
}

/// `arn:aws:autoscaling:…:RESOURCE`.
pub(super) fn autoscaling_arn(resource: &str) -> String {
    format!("arn:aws:autoscaling:{REGION}:{ACCOUNT}:{resource}")
}

/// The name in an ARN, or what was given if it is no ARN.
pub(super) fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
