//! Everything that is looked at, at once.
//!
//! Invariant: each look has its own deadline and its own result.

use std::time::Duration;

use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::timeout;

use super::Subject;
use crate::{
    cloud::{
        BucketSeen, Caller, Cloud, CloudError, ClusterFacts, ContainerFacts, DefinitionFacts,
        ErrorKind, GroupFacts, Quota, SubnetSeen,
        types::{Condition, Fetched, InstanceSeen},
    },
    config::{Image, Task},
    model::capacity::Capacity,
};

/// What one look may take, all its calls together.
const DEADLINE: Duration = Duration::from_secs(20);
/// The object that is written to see whether that works.
pub(super) const PROBE: &str = "loadtop/doctor/probe";
/// What it says.
const PROBE_SAYS: &str =
    "Written by `loadtop doctor` to see whether it can be. Nothing reads it.\n";

/// What was seen, or why it was not.
pub(super) type Seen<T> = Result<T, CloudError>;

/// Everything.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) caller: Caller,
    pub(super) cluster: Seen<ClusterFacts>,
    /// The cluster's instances; none on Fargate.
    pub(super) instances: Option<Seen<Vec<InstanceSeen>>>,
    /// The group; none on Fargate.
    pub(super) group: Option<Seen<GroupFacts>>,
    pub(super) definition: Seen<DefinitionFacts>,
    /// The subnets that are named; none: none are.
    pub(super) subnets: Option<Seen<Vec<SubnetSeen>>>,
    /// The security groups that are named; none: none are.
    pub(super) security_groups: Option<Seen<Vec<(String, String)>>>,
    /// The bucket; none: runs have none.
    pub(super) bucket: Option<Seen<BucketSeen>>,
    /// Whether it can be read and written; none: it was not tried.
    pub(super) probe: Option<Seen<Probe>>,
    /// vCPUs that the account may have of this capacity.
    pub(super) vcpus: Seen<f64>,
}

/// What the bucket did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// What it should.
    Fine,
    /// It was only read.
    Read,
    /// It wrote although the condition did not hold.
    IgnoresConditions,
    /// What was read is not what was written.
    OtherContent,
    /// Somebody else wrote at the same moment.
    Disturbed,
}

/// Looks at everything at once.
pub(super) async fn gather(subject: &Subject) -> Facts {
    let cloud = &subject.cloud;
    let names = cloud.names();
    let has_group = subject.capacity().has_instances();
    let (subnets, groups) = (&names.network.subnets, &names.network.security_groups);
    let definition = async {
        match &subject.task {
            Task::Definition { .. } => within(cloud.definition_facts()).await,
            Task::Image(image) => Ok(of_image(image, subject)),
        }
    };
    let bucket = subject.bucket().is_some();
    let (caller, cluster, instances, group, definition, subnets, security_groups, bucket, vcpus) = tokio::join!(
        cloud.caller().boxed(),
        within(cloud.cluster_facts()),
        some(has_group, within(cloud.container_instances())),
        some(has_group, within(cloud.group_facts())),
        definition,
        some(!subnets.is_empty(), within(cloud.subnets(subnets))),
        some(!groups.is_empty(), within(cloud.security_groups(groups))),
        some(bucket, look_into(cloud, subject.writes)),
        within(cloud.quota(quota(subject.capacity()))),
    );
    let (bucket, probe) = bucket.unzip();
    Facts {
        caller,
        cluster,
        instances,
        group,
        definition,
        subnets,
        security_groups,
        bucket,
        probe,
        vcpus,
    }
}

/// The quota that bounds what runs.
pub(super) fn quota(capacity: &Capacity) -> Quota {
    match capacity {
        Capacity::Group { .. } => Quota::InstanceVcpus,
        Capacity::Fargate { spot: false } => Quota::FargateVcpus,
        Capacity::Fargate { spot: true } => Quota::FargateSpotVcpus,
    }
}

async fn some<T>(wanted: bool, look: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(look.await) } else { None }
}

/// In a box: the SDK's futures are large, and these are many at once.
fn within<'a, T: Send + 'a>(
    look: impl Future<Output = Seen<T>> + Send + 'a,
) -> BoxFuture<'a, Seen<T>> {
    let look = async {
        timeout(DEADLINE, look).await.unwrap_or_else(|_| {
            Err(CloudError {
                call: "doctor",
                kind: ErrorKind::Ambiguous,
                code: None,
                message: format!("no answer within {} s", DEADLINE.as_secs()),
            })
        })
    };
    look.boxed()
}

async fn look_into(cloud: &Cloud, writes: bool) -> (Seen<BucketSeen>, Seen<Probe>) {
    tokio::join!(within(cloud.bucket_facts()), within(probe(cloud, writes)))
}

/// Reads an object, writes it if it still is what was read, tries to write it against
/// a condition, and reads it again.
async fn probe(cloud: &Cloud, writes: bool) -> Seen<Probe> {
    let (before, _) = cloud.get_object(PROBE, None).await?;
    if !writes {
        return Ok(Probe::Read);
    }
    let condition = match before {
        Fetched::New(object) => Condition::Matches(object.etag),
        Fetched::Missing | Fetched::Unchanged => Condition::Absent,
    };
    let body = || bytes::Bytes::from_static(PROBE_SAYS.as_bytes());
    match cloud.put_object(PROBE, body(), condition).await {
        Ok(_) => {}
        Err(error) if error.kind == ErrorKind::Precondition => return Ok(Probe::Disturbed),
        Err(error) => return Err(error),
    }
    match cloud.put_object(PROBE, body(), Condition::Absent).await {
        Ok(_) => return Ok(Probe::IgnoresConditions),
        Err(error) if error.kind == ErrorKind::Precondition => {}
        Err(error) => return Err(error),
    }
    match cloud.get_object(PROBE, None).await?.0 {
        Fetched::New(object) if object.body == PROBE_SAYS => Ok(Probe::Fine),
        _ => Ok(Probe::OtherContent),
    }
}

/// The definition that will be registered for an image, as far as it is known.
fn of_image(image: &Image, subject: &Subject) -> DefinitionFacts {
    let names = subject.cloud.names();
    let (compatible, mode) = match (subject.capacity(), names.network.subnets.is_empty()) {
        (Capacity::Fargate { .. }, _) => ("FARGATE", "awsvpc"),
        (Capacity::Group { .. }, false) => ("EC2", "awsvpc"),
        (Capacity::Group { .. }, true) => ("EC2", "host"),
    };
    let container = |name: &str, runs: &[&str]| ContainerFacts {
        name: name.to_owned(),
        essential: true,
        runs: runs.iter().map(|word| (*word).to_owned()).collect(),
        logs: image.log_group.is_some(),
        stop_timeout_s: Some(image.stop_timeout_s),
        ..ContainerFacts::default()
    };
    let loadtops = |what: &str| container(what, &["loadtop", what]);
    let containers = match &image.identity {
        None => vec![ContainerFacts { name: names.container.clone(), ..loadtops("agent") }],
        Some(_) => {
            let device = container(&names.container, &[]);
            [device]
                .into_iter()
                .chain(image.watchdog.as_ref().map(|_| loadtops("watchdog")))
                .collect()
        }
    };
    DefinitionFacts {
        name: image.family.clone(),
        status: "ACTIVE".to_owned(),
        cpu: image.cpu,
        memory: image.memory,
        compatibilities: vec![compatible.to_owned()],
        network_mode: mode.to_owned(),
        task_role: image.task_role.clone(),
        execution_role: image.execution_role.clone(),
        containers,
    }
}
