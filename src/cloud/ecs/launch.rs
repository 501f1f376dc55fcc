//! What a task is started on, as RunTask wants to hear it.
//!
//! Invariant: one of launch type and strategy is always said; without them the cluster's
//! default strategy would decide.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, LaunchType,
    NetworkConfiguration,
};

use super::FARGATE_SPOT;
use crate::{
    cloud::{CloudError, ErrorKind, calls, types::TaskRequest},
    model::capacity::{Capacity, Network},
};

/// Launch type or strategy, of which ECS takes one. A request of an earlier version, which
/// does not say, was one for instances.
pub(super) fn runs_on(
    capacity: Option<&Capacity>,
) -> Result<(Option<LaunchType>, Option<Vec<CapacityProviderStrategyItem>>), CloudError> {
    let provider = match capacity {
        None | Some(Capacity::Group { provider: None, .. }) => {
            return Ok((Some(LaunchType::Ec2), None));
        }
        Some(Capacity::Fargate { spot: false }) => return Ok((Some(LaunchType::Fargate), None)),
        Some(Capacity::Group { provider: Some(provider), .. }) => provider,
        Some(Capacity::Fargate { spot: true }) => FARGATE_SPOT,
    };
    let item = CapacityProviderStrategyItem::builder().capacity_provider(provider);
    Ok((None, Some(vec![item.build().map_err(not_made)?])))
}

/// Where a task is in the network; none where it shares its instance's address.
pub(super) fn in_network(
    request: &TaskRequest,
) -> Result<Option<NetworkConfiguration>, CloudError> {
    let Network { subnets, security_groups, public_address } = &request.network;
    if request.network.is_shared() {
        return Ok(None);
    }
    // On instances a task cannot have a public address, and ECS refuses to hear of it.
    let public = match request.capacity {
        Some(Capacity::Fargate { .. }) if *public_address => Some(AssignPublicIp::Enabled),
        Some(Capacity::Fargate { .. }) => Some(AssignPublicIp::Disabled),
        _ => None,
    };
    let groups = Some(security_groups.clone()).filter(|groups| !groups.is_empty());
    let vpc = AwsVpcConfiguration::builder()
        .set_subnets(Some(subnets.clone()))
        .set_security_groups(groups)
        .set_assign_public_ip(public)
        .build()
        .map_err(not_made)?;
    Ok(Some(NetworkConfiguration::builder().awsvpc_configuration(vpc).build()))
}

/// The request could not even be put together.
fn not_made(error: impl std::fmt::Display) -> CloudError {
    CloudError {
        call: calls::RUN_TASK.operation,
        kind: ErrorKind::Refused,
        code: None,
        message: error.to_string(),
    }
}
