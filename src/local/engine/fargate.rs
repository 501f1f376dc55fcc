//! Fargate: tasks without machines, in sizes of its own, each with a network interface,
//! under a quota of vCPUs.
//!
//! Invariant: what counts against a quota is what tasks that are not STOPPED take.

use super::{
    ApiError, Engine,
    api::{Attachment, AwsvpcConfiguration, Failure, NetworkInterface, RunTask, Variable},
    definitions::Definition,
    ids::Ids,
    tasks::{Host, Phase, Place},
};
use crate::model::Millis;

/// CPU units of a vCPU.
const VCPU: i32 = 1024;
/// What tasks are described with.
pub(super) const PLATFORM: &str = "1.4.0";
/// The only zone.
pub(crate) const ZONE: &str = "us-east-1a";
/// Subnets and security groups of a network configuration.
const MOST_SUBNETS: usize = 16;
const MOST_SECURITY_GROUPS: usize = 5;

/// Which of the two a task is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Market {
    OnDemand,
    Spot,
}

impl Market {
    /// Of these capacity providers.
    pub(super) fn of(provider: &str) -> Option<Market> {
        match provider {
            "FARGATE" => Some(Market::OnDemand),
            "FARGATE_SPOT" => Some(Market::Spot),
            _ => None,
        }
    }
}

/// CPU units that run, by market.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    on_demand: i32,
    spot: i32,
}

impl Usage {
    pub(super) fn of(&mut self, market: Market) -> &mut i32 {
        match market {
            Market::OnDemand => &mut self.on_demand,
            Market::Spot => &mut self.spot,
        }
    }
}

/// Whether a task may have so much CPU (units) and memory (MiB).
pub(super) fn is_a_size((cpu, memory): (i32, i32)) -> bool {
    let (least, most, step) = match cpu {
        256 => return [512, 1024, 2048].contains(&memory),
        512 => (1, 4, 1),
        1024 => (2, 8, 1),
        2048 => (4, 16, 1),
        4096 => (8, 30, 1),
        8192 => (16, 60, 4),
        16384 => (32, 120, 8),
        _ => return false,
    };
    (least * 1024..=most * 1024).contains(&memory) && memory % (step * 1024) == 0
}

pub(super) fn check_size(cpu: i32, memory: i32) -> Result<(), ApiError> {
    if is_a_size((cpu, memory)) {
        return Ok(());
    }
    Err(ApiError::client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
    )))
}

/// Whether a definition's tasks can be on Fargate as this asks for them.
pub(super) fn check_run(request: &RunTask, definition: &Definition) -> Result<(), ApiError> {
    if !definition.for_fargate {
        return Err(ApiError::parameter("Task definition does not support launch_type FARGATE."));
    }
    let platforms = [None, Some("LATEST"), Some(PLATFORM), Some("1.3.0")];
    if !platforms.contains(&request.platform_version.as_deref()) {
        let message = "The specified platform does not exist.";
        return Err(ApiError::new("PlatformUnknownException", 400, message));
    }
    Ok(())
}

/// The network that a definition's tasks are to have, if it is one that they can have.
pub(super) fn network<'a>(
    request: &'a RunTask,
    definition: &Definition,
    on_fargate: bool,
) -> Result<Option<&'a AwsvpcConfiguration>, ApiError> {
    let given = request.network_configuration.as_ref();
    let given = given.and_then(|it| it.awsvpc_configuration.as_ref());
    let needed = definition.network_mode == "awsvpc";
    let network = match given {
        None if needed => {
            return Err(ApiError::parameter(
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            ));
        }
        Some(_) if !needed => {
            return Err(ApiError::parameter(
                "Network Configuration is not valid for the given networkMode of this task definition.",
            ));
        }
        None => return Ok(None),
        Some(network) => network,
    };
    let counted = |count: usize, most: usize, what: &str| match count {
        count if count > most => {
            Err(ApiError::parameter(format!("{what} can have at most {most} items.")))
        }
        _ => Ok(()),
    };
    if network.subnets.is_empty() {
        return Err(ApiError::parameter("subnets can not be empty."));
    }
    counted(network.subnets.len(), MOST_SUBNETS, "subnets")?;
    counted(network.security_groups.len(), MOST_SECURITY_GROUPS, "securityGroups")?;
    let ids = [
        ("subnet", "InvalidSubnetID", &network.subnets),
        ("security group", "InvalidGroup", &network.security_groups),
    ];
    for (what, code, ids) in ids {
        let prefix = if what == "subnet" { "subnet-" } else { "sg-" };
        if let Some(id) = ids.iter().find(|id| !id.starts_with(prefix)) {
            return Err(ApiError::parameter(format!(
                "Error retrieving {what} information for [{id}]: Invalid id: \"{id}\" (expecting \"{prefix}...\") (ErrorCode: {code}.Malformed)"
            )));
        }
    }
    match network.assign_public_ip.as_deref() {
        None | Some("DISABLED") => Ok(Some(network)),
        Some("ENABLED") if on_fargate => Ok(Some(network)),
        Some("ENABLED") => {
            Err(ApiError::parameter("Assign public IP is not supported for this launch type."))
        }
        Some(_) => Err(ApiError::parameter("assignPublicIp must be ENABLED or DISABLED.")),
    }
}

/// A network interface of a task.
#[derive(Debug)]
pub(super) struct Interface {
    attachment: String,
    id: String,
    subnet: String,
    address: String,
    mac: String,
}

impl Interface {
    /// A new one in one of the subnets; its address is that of no other for long.
    pub(super) fn new(ids: &mut Ids, network: &AwsvpcConfiguration, number: u64) -> Self {
        let mut id = ids.hex();
        let mac =
            format!("0a:{}:{}:{}:{}:{}", &id[0..2], &id[2..4], &id[4..6], &id[6..8], &id[8..10]);
        id.truncate(17);
        let [.., b, c, d] = number.to_be_bytes();
        Interface {
            attachment: ids.uuid().to_string(),
            id: format!("eni-{id}"),
            subnet: network.subnets[ids.pick(network.subnets.len())].clone(),
            address: format!("10.{b}.{c}.{d}"),
            mac,
        }
    }

    pub(super) fn attachment(&self, phase: Phase) -> Attachment {
        let detail =
            |name: &str, value: &str| Variable { name: name.to_owned(), value: value.to_owned() };
        let (status, is_there) = match phase {
            Phase::Provisioning => ("PRECREATED", false),
            Phase::Deprovisioning | Phase::Stopped => ("DELETED", true),
            _ => ("ATTACHED", true),
        };
        let mut details = vec![detail("subnetId", &self.subnet)];
        if is_there {
            details.extend([
                detail("networkInterfaceId", &self.id),
                detail("macAddress", &self.mac),
                detail("privateIPv4Address", &self.address),
            ]);
        }
        let id = self.attachment.clone();
        Attachment { id, kind: "ElasticNetworkInterface", status, details }
    }

    /// As its containers know it, once it is there.
    pub(super) fn of_container(&self, phase: Phase) -> Option<NetworkInterface> {
        (phase != Phase::Provisioning).then(|| NetworkInterface {
            attachment_id: self.attachment.clone(),
            private_ipv4_address: self.address.clone(),
        })
    }
}

impl Engine {
    /// Takes a task's CPU out of its quota, or says that it does not fit.
    pub(super) fn take_vcpus(&mut self, market: Market, cpu: i32) -> Result<(), Failure> {
        let most = i32::try_from(self.setup.fargate_vcpus).unwrap_or(i32::MAX).saturating_mul(VCPU);
        let used = self.fargate.of(market);
        if used.saturating_add(cpu) > most {
            let reason = "You’ve reached the limit on the number of vCPUs you can run concurrently. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
            return Err(Failure { arn: None, reason: reason.to_owned() });
        }
        *used += cpu;
        Ok(())
    }

    /// AWS wants a Spot task's capacity back: it is told as by StopTask, and killed when its
    /// stop timeout is over, which is at most the two minutes of the notice. False if it is
    /// none, or ends already.
    pub(crate) fn interrupt_spot(&mut self, id: &str, now: Millis) -> bool {
        let Some(number) = self.find_task(id) else { return false };
        let Some(task) = self.tasks.get(&number) else { return false };
        let runs = task.place == Place::Fargate(Market::Spot) && task.is_running();
        if !runs || task.stop.is_some() || task.host != Host::There {
            return false;
        }
        let reason = "Your Spot Task was interrupted.".to_owned();
        self.want_stopped(number, "SpotInterruption", reason, now);
        true
    }
}
