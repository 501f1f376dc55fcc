//! Fargate and capacity providers, as the SDK sees them.

use super::{
    Site, eventually,
    sdk::ecs::{
        error::ProvideErrorMetadata,
        operation::{
            describe_tasks::DescribeTasksError,
            register_task_definition::RegisterTaskDefinitionError,
            run_task::{RunTaskError, builders::RunTaskFluentBuilder},
            tag_resource::TagResourceError,
        },
        types::{
            AssignPublicIp, AwsVpcConfiguration, CapacityProviderStrategyItem, ClusterField,
            Compatibility, ContainerDefinition, LaunchType, NetworkConfiguration, NetworkMode, Tag,
            TaskField, TaskStopCode,
        },
    },
};

const CLUSTER: &str = "loadtop";

/// Waits until its standard input ends, in a definition for Fargate with a watchdog.
async fn register(site: &Site, family: &str) {
    let program = ContainerDefinition::builder().name("app").image("none").command("/bin/cat");
    let watchdog = ContainerDefinition::builder()
        .name("watchdog")
        .image("none")
        .entry_point("loadtop")
        .command("watchdog");
    let call = site
        .ecs
        .register_task_definition()
        .family(family)
        .container_definitions(watchdog.build())
        .container_definitions(program.stop_timeout(2).build())
        .network_mode(NetworkMode::Awsvpc)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("256")
        .memory("512");
    call.send().await.expect("registered");
}

fn network() -> NetworkConfiguration {
    let network = AwsVpcConfiguration::builder()
        .subnets("subnet-1")
        .security_groups("sg-1")
        .assign_public_ip(AssignPublicIp::Enabled)
        .build()
        .expect("has subnets");
    NetworkConfiguration::builder().awsvpc_configuration(network).build()
}

fn item(provider: &str) -> CapacityProviderStrategyItem {
    let item = CapacityProviderStrategyItem::builder().capacity_provider(provider).weight(1);
    item.build().expect("has a name")
}

fn run(site: &Site, family: &str) -> RunTaskFluentBuilder {
    let call = site.ecs.run_task().cluster(CLUSTER).task_definition(family);
    call.network_configuration(network())
}

#[tokio::test]
async fn a_program_runs_on_fargate() {
    let site = Site::start().await;
    register(&site, "app").await;
    let tag = Tag::builder().key("run").value("1").build();
    let call = run(&site, "app").launch_type(LaunchType::Fargate).tags(tag.clone());
    let started = call.send().await.expect("started").tasks()[0].clone();
    assert_eq!(started.last_status(), Some("PROVISIONING"));
    assert_eq!(started.launch_type(), Some(&LaunchType::Fargate));
    assert_eq!((started.container_instance_arn(), started.cpu()), (None, Some("256")));
    let arn = started.task_arn().expect("has one").to_owned();
    let describe = || site.ecs.describe_tasks().cluster(CLUSTER).tasks(&arn);
    let reached = |status: &'static str| {
        let describe = &describe;
        eventually(status, move || async move {
            let answer = describe().send().await.expect("described");
            Some(answer.tasks()[0].clone()).filter(|task| task.last_status() == Some(status))
        })
    };
    let running = reached("RUNNING").await;
    let details = running.attachments()[0].details();
    assert!(details.iter().any(|it| it.name() == Some("privateIPv4Address")), "{details:?}");
    let names: Vec<_> = running.containers().iter().filter_map(|it| it.name()).collect();
    assert_eq!((names, running.tags()), (vec!["watchdog", "app"], &[][..]));
    let with_tags = describe().include(TaskField::Tags).send().await.expect("described");
    assert_eq!(with_tags.tasks()[0].tags(), [tag]);
    site.ecs.stop_task().cluster(CLUSTER).task(&arn).send().await.expect("told");
    let stopped = reached("STOPPED").await;
    assert_eq!(stopped.stop_code(), Some(&TaskStopCode::UserInitiated));
    assert_eq!(stopped.containers()[1].exit_code(), Some(143));
    site.local.shutdown().await;
}

#[tokio::test]
async fn refusals_are_the_service_models() {
    let site = Site::start().await;
    register(&site, "app").await;
    let refused = site.ecs.run_task().cluster(CLUSTER).task_definition("app");
    let refused = refused.launch_type(LaunchType::Fargate).send().await.expect_err("no network");
    assert!(refused.message().is_some_and(|it| it.starts_with("Network Configuration must be")));
    let refused = refused.into_service_error();
    assert!(matches!(refused, RunTaskError::InvalidParameterException(_)), "{refused:?}");
    let both = run(&site, "app").launch_type(LaunchType::Fargate);
    let both = both.capacity_provider_strategy(item("FARGATE"));
    let refused = both.send().await.expect_err("both").into_service_error();
    assert!(matches!(refused, RunTaskError::InvalidParameterException(_)), "{refused:?}");
    let platform = run(&site, "app").launch_type(LaunchType::Fargate).platform_version("9");
    let refused = platform.send().await.expect_err("no such platform").into_service_error();
    assert!(matches!(refused, RunTaskError::PlatformUnknownException(_)), "{refused:?}");
    let unknown = run(&site, "none").launch_type(LaunchType::Fargate);
    let refused = unknown.send().await.expect_err("no such definition").into_service_error();
    assert!(matches!(refused, RunTaskError::ClientException(_)), "{refused:?}");
    let elsewhere = run(&site, "app").cluster("other").send().await.expect_err("unknown");
    let refused = elsewhere.into_service_error();
    assert!(matches!(refused, RunTaskError::ClusterNotFoundException(_)), "{refused:?}");
    let empty = site.ecs.register_task_definition().family("empty").send().await;
    let refused = empty.expect_err("no containers").into_service_error();
    assert!(matches!(refused, RegisterTaskDefinitionError::ClientException(_)), "{refused:?}");
    let malformed = site.ecs.describe_tasks().cluster(CLUSTER).tasks("None").send().await;
    let refused = malformed.expect_err("no id").into_service_error();
    assert!(matches!(refused, DescribeTasksError::InvalidParameterException(_)), "{refused:?}");
    let nowhere = format!("arn:aws:ecs:us-east-1:000000000000:task/{CLUSTER}/{}", "0".repeat(32));
    let tag = Tag::builder().key("k").value("v").build();
    let tagged = site.ecs.tag_resource().resource_arn(nowhere).tags(tag).send().await;
    let refused = tagged.expect_err("no such task").into_service_error();
    assert!(matches!(refused, TagResourceError::ResourceNotFoundException(_)), "{refused:?}");
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_quota_of_vcpus_is_a_failure_and_no_error() {
    let site = Site::with(|options| options.fargate_vcpus = 1).await;
    register(&site, "app").await;
    let call = run(&site, "app").capacity_provider_strategy(item("FARGATE_SPOT")).count(5);
    let answer = call.send().await.expect("failures are no error");
    assert_eq!((answer.tasks().len(), answer.failures().len()), (4, 1));
    assert_eq!(answer.tasks()[0].capacity_provider_name(), Some("FARGATE_SPOT"));
    let reason = answer.failures()[0].reason().expect("a reason");
    assert!(reason.contains("limit on the number of vCPUs"), "{reason}");
    site.local.shutdown().await;
}

#[tokio::test]
async fn a_group_is_scaled_by_its_provider() {
    let site = Site::with(|options| options.managed_scaling = true).await;
    let described =
        site.ecs.describe_clusters().clusters(CLUSTER).include(ClusterField::Statistics);
    let described = described.send().await.expect("described");
    let cluster = &described.clusters()[0];
    assert_eq!(cluster.capacity_providers(), ["FARGATE", "FARGATE_SPOT", "loadtop-provider"]);
    let default = &cluster.default_capacity_provider_strategy()[0];
    assert_eq!((default.capacity_provider(), default.weight()), ("loadtop-provider", 1));
    assert_eq!(cluster.statistics().len(), 4);
    let call = site.ecs.describe_capacity_providers().capacity_providers("loadtop-provider");
    let answer = call.capacity_providers("none").send().await.expect("described");
    assert_eq!(answer.failures()[0].reason(), Some("MISSING"));
    let provider = answer.capacity_providers()[0].auto_scaling_group_provider().expect("a group");
    let scaling = provider.managed_scaling().expect("told");
    assert_eq!(scaling.status().map(|it| it.as_str()), Some("ENABLED"));
    // More than the one instance has room for: the rest waits, and gets another one.
    let container = ContainerDefinition::builder().name("c").image("none").command("/bin/cat");
    let container = container.cpu(512).memory(512).build();
    let call = site.ecs.register_task_definition().family("cat").container_definitions(container);
    call.send().await.expect("registered");
    let call = site.ecs.run_task().cluster(CLUSTER).task_definition("cat").count(5);
    let answer = call.send().await.expect("all are taken");
    assert_eq!((answer.tasks().len(), answer.failures().len()), (5, 0));
    let arn = answer.tasks()[4].task_arn().expect("has one").to_owned();
    eventually("the fifth", || async {
        let seen = site.ecs.describe_tasks().cluster(CLUSTER).tasks(&arn).send().await;
        (seen.expect("described").tasks()[0].last_status() == Some("RUNNING")).then_some(())
    })
    .await;
    assert_eq!(site.cloud.group().await.expect("described").desired, 2);
    site.local.shutdown().await;
}
