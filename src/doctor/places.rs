//! The cluster, the group that gives it instances, and the bucket.

use std::collections::BTreeSet;

use super::{
    Finding, Subject, Verdict,
    facts::{Facts, PROBE, Probe},
    finding::{counted, grouped},
};
use crate::{
    cloud::{BucketSeen, ClusterFacts, GroupFacts, types::InstanceSeen},
    model::capacity::Capacity,
};

const CLUSTER: &str = "cluster";
const PROVIDERS: &str = "capacity providers";
const GROUP: &str = "group";
const BUCKET: &str = "bucket";
/// The provider that tasks on Fargate Spot are started through.
const SPOT: &str = "FARGATE_SPOT";
/// Container instances that a cluster can have.
const INSTANCES_MOST: u32 = 5000;
/// What a group must not be told to leave.
const NEEDED: [&str; 2] = ["Launch", "Terminate"];
const REBALANCE: &str = "AZRebalance";

pub(super) fn judge(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let mut findings = cluster(subject, facts);
    match &facts.group {
        None => {}
        Some(Ok(group)) => findings.extend(of_group(subject, facts, group)),
        Some(Err(error)) => findings.push(Finding::broken(
            GROUP,
            error,
            "name the group (--group, `group` in loadtop.toml): `aws autoscaling \
             describe-auto-scaling-groups --query AutoScalingGroups[].AutoScalingGroupName` \
             lists those of this region",
        )),
    }
    findings.extend(bucket(subject, facts));
    findings
}

fn cluster(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let name = &subject.cloud.names().cluster;
    let cluster = match &facts.cluster {
        Ok(cluster) => cluster,
        Err(error) => {
            let missing = format!(
                "is that the region? `aws ecs list-clusters` lists its clusters; `aws ecs \
                 create-cluster --cluster-name {name}` makes one"
            );
            return vec![Finding::broken(CLUSTER, error, &missing)];
        }
    };
    let seen = format!(
        "{name} is {}, with {} and {}",
        cluster.status,
        counted(cluster.registered, "instance"),
        counted(cluster.tasks, "task")
    );
    let finding = if cluster.status == "ACTIVE" {
        Finding::pass(CLUSTER, seen)
    } else {
        let todo = format!("`aws ecs create-cluster --cluster-name {name}` makes it ACTIVE again");
        Finding::fail(CLUSTER, seen, todo)
    };
    let mut findings = vec![finding];
    findings.extend(providers(name, subject.capacity(), cluster));
    findings
}

/// What stands between us and the capacity.
fn providers(name: &str, capacity: &Capacity, cluster: &ClusterFacts) -> Option<Finding> {
    let put = |provider: &str| {
        let mut all = cluster.providers.clone();
        all.push(provider.to_owned());
        format!(
            "`aws ecs put-cluster-capacity-providers --cluster {name} --capacity-providers {} \
             --default-capacity-provider-strategy …`",
            all.join(" ")
        )
    };
    let lacks = |provider: &str| !cluster.providers.iter().any(|it| it == provider);
    let lacking = |provider: &str| {
        let seen = format!("{name} has no capacity provider {provider}");
        Finding::fail(PROVIDERS, seen, put(provider))
    };
    match capacity {
        Capacity::Fargate { spot: true } if lacks(SPOT) => Some(lacking(SPOT)),
        Capacity::Fargate { .. } => None,
        Capacity::Group { provider: Some(provider), .. } if lacks(provider) => {
            Some(lacking(provider))
        }
        Capacity::Group { name: group, provider } => {
            let ends = format!("/{group}");
            let (managing, _, scales) = cluster.managed.iter().find(|it| it.1.ends_with(&ends))?;
            Some(match (*scales, provider) {
                (true, None) => Finding::warn(
                    PROVIDERS,
                    format!(
                        "{managing} manages {group} with managed scaling: it sets the number of \
                         instances itself, and reverts what `loadtop scale` says"
                    ),
                    format!(
                        "start tasks through it (`provider = \"{managing}\"` in loadtop.toml), or \
                         `aws ecs update-capacity-provider --name {managing} \
                         --auto-scaling-group-provider managedScaling={{status=DISABLED}}`"
                    ),
                ),
                (true, Some(_)) => Finding::pass(
                    PROVIDERS,
                    format!("{managing} manages {group} and scales it by the tasks it is given"),
                ),
                (false, _) => Finding::pass(
                    PROVIDERS,
                    format!("{managing} manages {group}; its managed scaling is off"),
                ),
            })
        }
    }
}

fn of_group(subject: &Subject, facts: &Facts, group: &GroupFacts) -> Vec<Finding> {
    let name = subject.cloud.names().group();
    let seen = format!(
        "{name} has {} in service; it wants {} and may have {} to {}",
        counted(group.in_service.len() as u64, "instance"),
        group.desired,
        group.min,
        grouped(group.max.into())
    );
    let update =
        format!("`aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name}");
    let mut findings = vec![match group.max {
        0 => Finding::fail(GROUP, format!("{seen}: never any"), format!("{update} --max-size N`")),
        max if max > INSTANCES_MOST => Finding::warn(
            GROUP,
            format!("{seen}: a cluster has at most 5,000"),
            format!("{update} --max-size 5000`, or spread the load over clusters"),
        ),
        _ => Finding::pass(GROUP, seen),
    }];
    findings.extend(protection(subject, group, &update));
    findings.extend(processes(group, name));
    if let Some(instances) = &facts.instances {
        findings.push(match instances {
            Ok(instances) => link(group, instances, name, &subject.cloud.names().cluster),
            Err(error) => Finding::broken(GROUP, error, "see cluster"),
        });
    }
    findings
}

fn protection(subject: &Subject, group: &GroupFacts, update: &str) -> Option<Finding> {
    let seen = match (group.protected, group.protects_new) {
        (0, false) => return None,
        (0, true) => "new instances are protected from scale-in".to_owned(),
        (n, _) => format!("{} protected from scale-in", counted(n, "instance")),
    };
    let todo = format!(
        "{update} --no-new-instances-protected-from-scale-in`, and the same for those that are (`aws autoscaling set-instance-protection`)"
    );
    Some(if subject.owns_group {
        let why = "the switch that ends them when nobody is left would not";
        Finding::fail(GROUP, format!("{seen}: {why}"), todo)
    } else {
        Finding::warn(GROUP, format!("{seen}: a lower size of the group leaves them running"), todo)
    })
}

fn processes(group: &GroupFacts, name: &str) -> Vec<Finding> {
    let suspended = |process: &str| group.suspended.iter().any(|it| it == process);
    let command = |verb: &str, process: &str| {
        format!(
            "`aws autoscaling {verb}-processes --auto-scaling-group-name {name} \
             --scaling-processes {process}`"
        )
    };
    let mut findings: Vec<Finding> = NEEDED
        .into_iter()
        .filter(|process| suspended(process))
        .map(|process| {
            let seen = format!("{process} is suspended: the group does not scale");
            Finding::fail(GROUP, seen, command("resume", process))
        })
        .collect();
    if group.zones > 1 && !suspended(REBALANCE) {
        findings.push(Finding::warn(
            GROUP,
            format!(
                "it balances its {} zones: when some instances go it may end others, with the \
                 tasks on them",
                group.zones
            ),
            command("suspend", REBALANCE),
        ));
    }
    findings
}

/// Whether the group's machines are the cluster's instances.
fn link(group: &GroupFacts, instances: &[InstanceSeen], name: &str, cluster: &str) -> Finding {
    let registered: BTreeSet<&str> = instances.iter().map(|it| it.machine_id.as_str()).collect();
    let theirs = group.in_service.iter().filter(|id| registered.contains(id.as_str())).count();
    let of = group.in_service.len();
    let todo = format!(
        "the launch template's user data must write ECS_CLUSTER={cluster} to /etc/ecs/ecs.config, \
         the instance profile needs AmazonEC2ContainerServiceforEC2Role, and the ECS agent must \
         reach its endpoint: /var/log/ecs/ecs-agent.log says more"
    );
    match theirs {
        _ if of == 0 => Finding::unknown(
            GROUP,
            format!(
                "{name} has no instance in service: whether they come to {cluster} cannot be seen"
            ),
            "`loadtop scale 1 --wait`, then ask again",
        ),
        0 => Finding::fail(GROUP, format!("none of its {of} instances is in {cluster}"), todo),
        _ if theirs < of => {
            Finding::warn(GROUP, format!("{theirs} of its {of} instances are in {cluster}"), todo)
        }
        _ => Finding::pass(GROUP, format!("its {} in {cluster}", are(of))),
    }
}

fn are(n: usize) -> String {
    if n == 1 { "instance is".to_owned() } else { format!("{n} instances are") }
}

fn bucket(subject: &Subject, facts: &Facts) -> Vec<Finding> {
    let Some(name) = subject.bucket() else {
        return vec![Finding::warn(
            BUCKET,
            "none is named: only images of your own can run, steered from this machine alone, and \
             nothing ends them when it is gone",
            "name one: --bucket, `bucket` in loadtop.toml",
        )];
    };
    let region = subject.cloud.region_name();
    let make = format!("`aws s3 mb s3://{name} --region {region}` makes it, or name another");
    let elsewhere = |there: &str| {
        Finding::fail(
            BUCKET,
            format!("{name} is in {there}, not in {region}"),
            format!("name a bucket in {region}: `aws s3 mb s3://NAME --region {region}`"),
        )
    };
    let there = match &facts.bucket {
        Some(Ok(BucketSeen::Elsewhere(there))) => return vec![elsewhere(there)],
        Some(Ok(BucketSeen::There(Some(there)))) if there != region => {
            return vec![elsewhere(there)];
        }
        Some(Ok(BucketSeen::There(_))) | None => None,
        Some(Err(error)) => Some(Finding::broken(BUCKET, error, &make)),
    };
    let probe = facts.probe.as_ref().map(|probe| match probe {
        Ok(probe) => probed(*probe, name),
        Err(error) => Finding::broken(BUCKET, error, &make),
    });
    // What is not there needs no second word; otherwise a run's own calls say more.
    match (there, probe) {
        (Some(there), _) if there.verdict == Verdict::Fail => vec![there],
        (Some(_), Some(probe)) if probe.todo.is_some() => vec![probe],
        (there, probe) => there.into_iter().chain(probe).collect(),
    }
}

fn probed(probe: Probe, name: &str) -> Finding {
    match probe {
        Probe::Fine => Finding::pass(
            BUCKET,
            format!("{name} can be read and written, and honours conditions ({PROBE} stays there)"),
        ),
        Probe::Read => Finding::pass(BUCKET, format!("{name} can be read; writing was not tried")),
        Probe::IgnoresConditions => Finding::fail(
            BUCKET,
            format!("{name} writes although the condition does not hold: two leaders could be"),
            "use a bucket of S3, or another emulator: If-Match and If-None-Match must be honoured",
        ),
        Probe::OtherContent => Finding::fail(
            BUCKET,
            format!("{name}: {PROBE} is not what was just written"),
            "use a bucket whose reads see the last write",
        ),
        Probe::Disturbed => Finding::unknown(
            BUCKET,
            format!("somebody else wrote {PROBE} at the same moment"),
            "ask again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_that_is_no_good_is_refused() {
        for (probe, verdict) in [
            (Probe::Fine, Verdict::Pass),
            (Probe::Read, Verdict::Pass),
            (Probe::Disturbed, Verdict::Unknown),
            (Probe::IgnoresConditions, Verdict::Fail),
            (Probe::OtherContent, Verdict::Fail),
        ] {
            assert_eq!(probed(probe, "b").verdict, verdict, "{probe:?}");
        }
    }

    #[test]
    fn a_group_is_judged_by_all_that_keeps_it_from_scaling() {
        let suspended = |told: &[&str], zones| {
            let suspended = told.iter().map(|it| (*it).to_owned()).collect();
            let group = GroupFacts { zones, suspended, ..GroupFacts::default() };
            processes(&group, "g")
        };
        let of_two = suspended(&[], 2);
        assert_eq!(of_two.len(), 1);
        let told = of_two[0].todo.as_deref().unwrap_or_default();
        assert!(told.contains("suspend-processes") && told.contains("AZRebalance"), "{told}");
        assert_eq!(suspended(&["AZRebalance"], 2), []);
        assert_eq!(suspended(&[], 1), []);
        assert_eq!(suspended(&["Launch"], 1)[0].verdict, Verdict::Fail);
    }

    #[test]
    fn spot_needs_its_provider() {
        let with = |all: &[&str]| ClusterFacts {
            providers: all.iter().map(|it| (*it).to_owned()).collect(),
            ..ClusterFacts::default()
        };
        let spot = Capacity::Fargate { spot: true };
        assert_eq!(providers("c", &spot, &with(&["FARGATE", "FARGATE_SPOT"])), None);
        assert_eq!(providers("c", &Capacity::Fargate { spot: false }, &with(&[])), None);
        let lacking = providers("c", &spot, &with(&["FARGATE"])).expect("a finding");
        assert_eq!(lacking.verdict, Verdict::Fail);
        assert!(lacking.seen.contains("c has no capacity provider FARGATE_SPOT"), "{lacking:?}");
        let told = lacking.todo.as_deref().unwrap_or_default();
        assert!(told.contains("--capacity-providers FARGATE FARGATE_SPOT"), "{told}");
    }

    #[test]
    fn machines_that_do_not_register_are_seen() {
        let group = |machines: &[&str]| GroupFacts {
            in_service: machines.iter().map(|it| (*it).to_owned()).collect(),
            ..GroupFacts::default()
        };
        let instance = |machine: &str| InstanceSeen {
            arn: String::new(),
            machine_id: machine.to_owned(),
            status: "ACTIVE".to_owned(),
            connected: true,
            running: 0,
            pending: 0,
            cpu_left: 0,
            memory_left: 0,
            ..InstanceSeen::default()
        };
        let judged =
            |machines: &[&str]| link(&group(machines), &[instance("i-1")], "g", "c").verdict;
        assert_eq!(judged(&[]), Verdict::Unknown);
        assert_eq!(judged(&["i-1"]), Verdict::Pass);
        assert_eq!(judged(&["i-1", "i-2"]), Verdict::Warn);
        assert_eq!(judged(&["i-2"]), Verdict::Fail);
    }
}
