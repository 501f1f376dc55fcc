//! The Auto Scaling group, now and at a time in the future.

use std::time::{Duration, SystemTime};

use super::sdk::autoscaling::{error::ProvideErrorMetadata, primitives::DateTime};

use super::{Options, Site, eventually, sdk};
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

#[tokio::test]
async fn sizes_are_changed_and_described_as_the_sdk_has_them() {
    let site = Site::start().await;
    let client = sdk::autoscaling::Client::new(&sdk::config(&site.local.endpoint()));
    site.cloud.set_limits(2, 4).await.expect("set");
    let group = site.cloud.group().await.expect("described");
    assert_eq!((group.min, group.desired, group.max), (2, 2, 4));
    assert!(site.local.protect(&group.machines[0].0));
    let group = site.cloud.group().await.expect("described");
    assert_eq!(group.protected, [group.machines[0].0.clone()]);
    let update = client.update_auto_scaling_group().auto_scaling_group_name("loadtop");
    let error = update.clone().max_size(1).send().await.expect_err("below the minimum");
    assert_eq!(error.code(), Some("ValidationError"));
    let words = "Max bound, 1, must be greater than or equal to min bound, 2";
    assert_eq!(error.message(), Some(words));
    let error = update.desired_capacity(5).send().await.expect_err("above the maximum");
    let words = "Desired capacity:5 must be between the specified min size:2 and max size:4";
    assert_eq!(error.message(), Some(words));
    let update = client.update_auto_scaling_group().auto_scaling_group_name("other");
    let error = update.min_size(1).send().await.expect_err("unknown");
    assert_eq!(error.message(), Some("AutoScalingGroup name not found - null"));
    let set = client.set_desired_capacity().auto_scaling_group_name("loadtop");
    set.clone().desired_capacity(3).send().await.expect("within the limits");
    let error = set.desired_capacity(4).honor_cooldown(true).send().await.expect_err("warm");
    assert!(error.into_service_error().is_scaling_activity_in_progress_fault());

    let describe = client.describe_auto_scaling_groups();
    let answer = describe.clone().send().await.expect("described");
    let seen = &answer.auto_scaling_groups()[0];
    assert_eq!(seen.instances()[0].instance_type(), Some("local.large"));
    assert_eq!(seen.tags()[0].key(), Some("Name"));
    let bare = describe.clone().include_instances(false).send().await.expect("described");
    assert!(bare.auto_scaling_groups()[0].instances().is_empty());
    let filter = |value: &str| {
        sdk::autoscaling::types::Filter::builder().name("tag:Name").values(value).build()
    };
    let ours = describe.clone().filters(filter("loadtop")).send().await.expect("described");
    assert_eq!(ours.auto_scaling_groups().len(), 1);
    let others = describe.clone().filters(filter("other")).send().await.expect("described");
    assert!(others.auto_scaling_groups().is_empty());
    for records in [0, 101] {
        let error = describe.clone().max_records(records).send().await.expect_err("no such page");
        assert_eq!(error.code(), Some("ValidationError"));
    }
    let names = (0..51).map(|n| n.to_string()).collect();
    let many = describe.clone().set_auto_scaling_group_names(Some(names));
    assert_eq!(many.send().await.expect_err("too many names").code(), Some("ValidationError"));
    let error = describe.next_token("x").send().await.expect_err("no token of ours");
    assert!(error.into_service_error().is_invalid_next_token());
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_scheduled_action_is_put_moved_described_and_taken_back() {
    let site = Site::start().await;
    let client = sdk::autoscaling::Client::new(&sdk::config(&site.local.endpoint()));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after").as_secs();
    let at = |seconds: u64| (now + seconds) * 1000;
    assert_eq!(site.cloud.scheduled("ours").await, Ok(None));
    assert_eq!(site.cloud.put_scheduled("ours", at(600)).await, Ok(at(600)));
    assert_eq!(site.cloud.put_scheduled("ours", at(900)).await, Ok(at(900)));
    assert_eq!(site.cloud.scheduled("ours").await, Ok(Some(at(900))));
    // A start that is taken: the next second is free.
    assert_eq!(site.cloud.put_scheduled("theirs", at(900)).await, Ok(at(901)));
    let put = |name: &str, start: u64| {
        let call = client.put_scheduled_update_group_action().auto_scaling_group_name("loadtop");
        call.scheduled_action_name(name).start_time(DateTime::from_secs(start.cast_signed()))
    };
    let error = put("a", now + 900).min_size(0).send().await.expect_err("taken");
    assert!(error.into_service_error().is_already_exists_fault());
    let error = put("a", now - 1).min_size(0).send().await.expect_err("in the past");
    assert_eq!(error.message(), Some("Given start time is in the past"));
    let error = put("a", now + 60).send().await.expect_err("no size");
    assert_eq!(error.code(), Some("ValidationError"));
    let error = put("a", now + 60).min_size(0).recurrence("0 8 * * *").send().await;
    assert_eq!(error.expect_err("only once").code(), Some("ValidationError"));
    let described = client.describe_scheduled_actions().max_records(1).send().await.expect("");
    let (page, token) = (described.scheduled_update_group_actions(), described.next_token());
    let seen = (page[0].scheduled_action_name(), page[0].min_size(), page[0].desired_capacity());
    assert_eq!((page.len(), seen), (1, (Some("ours"), Some(0), Some(0))));
    let rest = client.describe_scheduled_actions().set_next_token(token.map(str::to_owned));
    let rest = rest.send().await.expect("described");
    let rest = rest.scheduled_update_group_actions();
    assert_eq!((rest.len(), rest[0].scheduled_action_name()), (1, Some("theirs")));
    site.cloud.delete_scheduled("ours").await.expect("there");
    site.cloud.delete_scheduled("ours").await.expect("gone is the same");
    let delete = client.delete_scheduled_action().auto_scaling_group_name("loadtop");
    let error = delete.scheduled_action_name("ours").send().await.expect_err("gone");
    assert_eq!(error.message(), Some("Scheduled action name not found"));
    site.local.shutdown().await;
}

#[tokio::test]
async fn an_action_empties_the_group() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options {
        boot: Duration::from_millis(100),
        scheduled_delay: Duration::from_millis(300),
        instances: 2,
        has_shim: false,
        ..Options::new(folder.path(), "/bin/sh".into())
    };
    let local = super::LocalCloud::start(options).await.expect("started");
    let cloud = crate::cloud::Cloud::connect(&local.endpoint(), local.names());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after").as_secs();
    cloud.set_limits(1, 5).await.expect("set");
    cloud.put_scheduled("zero", (now + 2) * 1000).await.expect("put");
    eventually("the group is empty", || async {
        let group = cloud.group().await.expect("described");
        (group.machines.is_empty() && (group.min, group.desired, group.max) == (0, 0, 5))
            .then_some(())
    })
    .await;
    assert_eq!(cloud.scheduled("zero").await, Ok(None));
    local.shutdown().await;
}
