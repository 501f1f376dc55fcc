//! The network of tasks that have an address of their own.

use std::collections::BTreeSet;

use super::{
    Finding, Subject,
    facts::Facts,
    finding::{counted, grouped},
};
use crate::{cloud::SubnetSeen, model::capacity::Capacity};

const NETWORK: &str = "network";
/// The network mode in which tasks have addresses.
pub(super) const AWSVPC: &str = "awsvpc";

pub(super) fn judge(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let network = &subject.cloud.names().network;
    let fargate = !subject.capacity().has_instances();
    let mode = facts.definition.as_ref().map(|it| it.network_mode.as_str()).unwrap_or_default();
    let name = "`subnets = [\"subnet-…\"]` in loadtop.toml; `aws ec2 describe-subnets` lists them";
    match (network.subnets.is_empty(), fargate || mode == AWSVPC) {
        (true, false) => return Vec::new(),
        (true, true) => {
            let who = if fargate { "Fargate".to_owned() } else { format!("network mode {AWSVPC}") };
            return vec![Finding::fail(
                NETWORK,
                format!("{who} needs subnets, and none is named"),
                name,
            )];
        }
        (false, false) if facts.definition.is_ok() => {
            return vec![Finding::fail(
                NETWORK,
                format!(
                    "subnets are named, but the task definition's network mode is {}",
                    shown(mode)
                ),
                "leave the subnets out, or register a definition with network mode awsvpc",
            )];
        }
        (false, _) => {}
    }
    let mut findings = Vec::new();
    match &facts.subnets {
        Some(Ok(subnets)) => {
            findings.push(addresses(subject.load.tasks(), subnets));
            findings.extend(one_network(subnets, facts));
        }
        Some(Err(error)) => findings.push(Finding::broken(NETWORK, error, name)),
        None => {}
    }
    if let Some(Err(error)) = &facts.security_groups {
        findings.push(Finding::broken(
            NETWORK,
            error,
            "`aws ec2 describe-security-groups` lists them: `security_groups` in loadtop.toml",
        ));
    }
    if !network.public_address && subject.is_amazons() {
        findings.push(Finding::unknown(
            NETWORK,
            "tasks get no public address: whether these subnets reach S3, CloudWatch and the \
             image's registry cannot be seen from here",
            "they need a NAT gateway or VPC endpoints (s3, monitoring, logs, ecr.api, ecr.dkr), or \
             `public_address = true`",
        ));
    }
    if matches!(subject.capacity(), Capacity::Group { .. }) {
        findings.push(Finding::warn(
            NETWORK,
            "an instance takes only as many tasks with an address of their own as it has network \
             interfaces: often two or three",
            "`aws ecs put-account-setting-default --name awsvpcTrunking --value enabled`, or \
             network mode host",
        ));
    }
    findings
}

fn shown(mode: &str) -> &str {
    if mode.is_empty() { "the default one (bridge)" } else { mode }
}

fn addresses(tasks: u32, subnets: &[SubnetSeen]) -> Finding {
    let free: u32 = subnets.iter().map(|it| it.free).sum();
    let each: Vec<String> = subnets
        .iter()
        .map(|it| format!("{} in {} {}", it.id, it.zone, grouped(it.free.into())))
        .collect();
    let seen = format!(
        "{} free for {}: {}",
        counted(free, "address").replace("addresss", "addresses"),
        counted(tasks, "task"),
        each.join(", ")
    );
    let todo = "name more or larger subnets (a /20 has 4,091), or more devices per task";
    if free < tasks {
        Finding::fail(NETWORK, format!("too few: {seen}"), todo)
    } else if u64::from(tasks) * 10 > u64::from(free) * 9 {
        Finding::warn(NETWORK, seen, todo)
    } else {
        Finding::pass(NETWORK, seen)
    }
}

/// Whether everything is in one network.
fn one_network(subnets: &[SubnetSeen], facts: &Facts) -> Option<Finding> {
    let mut networks: BTreeSet<&str> = subnets.iter().map(|it| it.vpc.as_str()).collect();
    let theirs = facts.security_groups.as_ref().and_then(|seen| seen.as_ref().ok());
    networks.extend(theirs.into_iter().flatten().map(|(_, vpc)| vpc.as_str()));
    let all: Vec<&str> = networks.into_iter().collect();
    (all.len() > 1).then(|| {
        let seen =
            format!("subnets and security groups are in several networks: {}", all.join(", "));
        Finding::fail(NETWORK, seen, "name those of one VPC")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn addresses_are_compared_with_the_tasks() {
        let subnet = |free| SubnetSeen {
            id: "subnet-1".to_owned(),
            vpc: "vpc-1".to_owned(),
            zone: "a".to_owned(),
            free,
        };
        let judged = |tasks, free| addresses(tasks, &[subnet(free), subnet(0)]).verdict;
        assert_eq!(judged(251, 250), Verdict::Fail);
        assert_eq!(judged(250, 250), Verdict::Warn);
        assert_eq!(judged(225, 250), Verdict::Pass);
    }
}
