//! The Auto Scaling group.

use super::sdk::autoscaling::error::ProvideErrorMetadata;

use super::{Site, eventually, sdk};
use crate::cloud::types::GroupSeen;

async fn group_with(site: &Site, in_service: usize) -> GroupSeen {
    eventually("the machines", || async {
        let group = site.cloud.group().await.expect("described");
        let all = group.machines.iter().all(|(_, state)| state == "InService");
        (all && group.machines.len() == in_service).then_some(group)
    })
    .await
}

#[tokio::test]
async fn machines_come_and_go() {
    let site = Site::start().await;
    let group = site.cloud.group().await.expect("described");
    assert_eq!((group.desired, group.min, group.max), (1, 0, 10));
    site.cloud.set_desired(3).await.expect("set");
    let booting = site.cloud.group().await.expect("described").machines;
    assert_eq!(booting.len(), 3);
    let registered = site.cloud.container_instances().await.expect("described").len();
    assert!(registered <= 3);
    let group = group_with(&site, 3).await;
    let instances = site.cloud.container_instances().await.expect("described");
    assert_eq!(instances.len(), 3);
    site.cloud.terminate_machine(&group.machines[1].0).await.expect("told");
    let left = group_with(&site, 2).await;
    assert_eq!(left.desired, 2);
    assert!(!left.machines.contains(&group.machines[1]));
    site.local.shutdown().await;
}

#[tokio::test]
async fn limits_are_validation_errors() {
    let site = Site::start().await;
    let client = sdk::autoscaling::Client::new(&sdk::config(&site.local.endpoint()));
    let call = client.set_desired_capacity().auto_scaling_group_name("loadtop");
    let error = call.desired_capacity(11).send().await.expect_err("too many");
    assert_eq!(error.code(), Some("ValidationError"));
    assert_eq!(
        error.message(),
        Some("New SetDesiredCapacity value 11 is above max value 10 for the AutoScalingGroup.")
    );
    let call = client.terminate_instance_in_auto_scaling_group().instance_id("i-nowhere");
    let error = call.should_decrement_desired_capacity(true).send().await.expect_err("unknown");
    assert_eq!(error.code(), Some("ValidationError"));
    let call = client.describe_auto_scaling_groups().auto_scaling_group_names("other");
    assert!(call.send().await.expect("described").auto_scaling_groups().is_empty());
    let error = client.describe_policies().send().await.expect_err("unknown");
    assert_eq!(error.code(), Some("InvalidAction"));
    site.local.shutdown().await;
}
