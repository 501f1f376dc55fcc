//! Broken worlds, over a local cloud, and what the doctor says of each.

mod policies;

use std::time::Duration;

use super::{Load, Report, Subject, Verdict, examine, table};
use crate::{
    cloud::{Cloud, Endpoint, Names, calls},
    config::{Image, Task},
    doctor::policy,
    local::{Options, account::Subnet, sim::World},
    model::capacity::Capacity,
};

const LOAD: Load = Load { devices: 1000, per_task: 250 };

/// A world whose instances have room for the load.
fn world(change: impl FnOnce(&mut Options)) -> World {
    World::new(1, change)
}

fn subject(world: &World, change: impl FnOnce(&mut Names)) -> Subject {
    let (cloud, _) = world.client();
    let mut names = cloud.names().clone();
    change(&mut names);
    Subject::new(cloud.with_names(names), LOAD, true)
}

/// One that registers its own definition, on Fargate.
fn on_fargate(world: &World) -> Subject {
    let subject = subject(world, |names| {
        names.capacity = Capacity::Fargate { spot: false };
        names.network.subnets = vec!["subnet-0000000a".to_owned(), "subnet-0000000b".to_owned()];
        names.network.security_groups = vec!["sg-00000000".to_owned()];
    });
    Subject { task: Task::Image(Box::new(image())), ..subject }
}

fn image() -> Image {
    Image {
        image: "registry.example/loadtop:1".to_owned(),
        family: "loadtop-agent".to_owned(),
        cpu: 1024,
        memory: 2048,
        identity: None,
        watchdog: None,
        task_role: Some("arn:aws:iam::000000000000:role/loadtop-task".to_owned()),
        execution_role: Some("arn:aws:iam::000000000000:role/loadtop-execution".to_owned()),
        log_group: Some("loadtop".to_owned()),
        stop_timeout_s: 30,
    }
}

/// That the findings of a check are at worst so, and that the worst says this.
#[track_caller]
fn says(report: &Report, check: &str, verdict: Verdict, seen: &str, todo: &str) {
    let of_check = report.checks.iter().filter(|it| it.check == check);
    let worst = of_check.max_by_key(|it| it.verdict).unwrap_or_else(|| panic!("no {check}"));
    let told = worst.todo.as_deref().unwrap_or_default();
    assert_eq!(worst.verdict, verdict, "{}", table::table(report, false));
    assert!(worst.seen.contains(seen), "{check} does not say {seen}: {}", worst.seen);
    assert!(told.contains(todo), "{check} does not say {todo}: {told}");
}

/// That no other check than these failed.
#[track_caller]
fn only(report: &Report, failed: &[&str]) {
    let all = report.checks.iter().filter(|it| it.verdict == Verdict::Fail);
    let others: Vec<_> = all.filter(|it| !failed.contains(&it.check)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(report.code(), u8::from(!failed.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_world_as_it_should_be() {
    let world = world(|_| {});
    let report = examine(&subject(&world, |_| {})).await;
    insta::assert_snapshot!("fine", table::table(&report, false));
    assert_eq!((report.verdict, report.code()), (Verdict::Pass, 0));
    let on_fargate = examine(&on_fargate(&world)).await;
    insta::assert_snapshot!("fargate", table::table(&on_fargate, false));
    assert_eq!((on_fargate.verdict, on_fargate.code()), (Verdict::Pass, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_named_and_is_not_there() {
    type Case = (fn(&mut Names), &'static str, &'static str, &'static str);
    let world = world(|_| {});
    let table: [Case; 6] = [
        (|it| it.cluster = "x".into(), "cluster", "no cluster named x", "create-cluster"),
        (
            |it| it.capacity = Capacity::group("x"),
            "group",
            "no Auto Scaling group named x",
            "--group",
        ),
        (|it| it.bucket = "x-y".into(), "bucket", "no bucket named x-y", "aws s3 mb s3://x-y"),
        (
            |it| it.task_definition = "x".into(),
            "definition",
            "no task definition named x",
            "list-task-definitions",
        ),
        (
            |it| it.container = "x".into(),
            "definition",
            "loadtop-agent:1 has no container x, but agent",
            "--container",
        ),
        (
            |it| it.network.subnets = vec!["subnet-x".into()],
            "network",
            "network mode is host",
            "leave the subnets out",
        ),
    ];
    for (change, check, seen, todo) in table {
        let report = examine(&subject(&world, change)).await;
        says(&report, check, Verdict::Fail, seen, todo);
        // Who asks for the instances of no cluster is told so, too.
        only(&report, &if check == "cluster" { vec!["cluster", "group"] } else { vec![check] });
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_without_a_bucket_is_warned_of_what_it_lacks() {
    let world = world(|_| {});
    let report = examine(&subject(&world, |names| names.bucket.clear())).await;
    says(&report, "bucket", Verdict::Warn, "none is named", "--bucket");
    only(&report, &[]);
}

#[tokio::test(start_paused = true)]
async fn fargate_wants_subnets_addresses_and_vcpus() {
    let full = world(|options| {
        let subnet = |id: &str, free| Subnet { id: id.to_owned(), zone: "z".to_owned(), free };
        options.account.subnets = vec![subnet("subnet-0000000a", 3), subnet("subnet-0000000b", 0)];
    });
    let report = examine(&on_fargate(&full)).await;
    says(&report, "network", Verdict::Fail, "too few: 3 addresses free for 4 tasks", "larger");
    only(&report, &["network"]);

    let small = world(|options| {
        let key = ("fargate".to_owned(), "L-3032A538".to_owned());
        options.account.quotas.insert(key, 3.0);
    });
    let report = examine(&on_fargate(&small)).await;
    says(
        &report,
        "vCPU quota",
        Verdict::Fail,
        "4 tasks take 4 vCPUs; Fargate On-Demand vCPU resource count (L-3032A538) is 3",
        "--quota-code L-3032A538 --desired-value 4",
    );
    only(&report, &["vCPU quota"]);

    let fine = world(|_| {});
    let missing = |change: fn(&mut Names)| {
        let mut subject = on_fargate(&fine);
        let mut names = subject.cloud.names().clone();
        change(&mut names);
        subject.cloud = subject.cloud.with_names(names);
        subject
    };
    let report = examine(&missing(|it| it.network.subnets.clear())).await;
    says(&report, "network", Verdict::Fail, "Fargate needs subnets", "subnets = ");
    let report = examine(&missing(|it| it.network.subnets.push("subnet-x".into()))).await;
    says(&report, "network", Verdict::Fail, "'subnet-x' does not exist", "describe-subnets");
    let report = examine(&missing(|it| it.network.security_groups.push("sg-x".into()))).await;
    says(&report, "network", Verdict::Fail, "'sg-x' does not exist", "describe-security-groups");
    // A definition of instances does not run there.
    let mut of_instances = on_fargate(&fine);
    of_instances.task = subject(&fine, |_| {}).task;
    let report = examine(&of_instances).await;
    says(&report, "definition", Verdict::Fail, "runs on EC2, not on FARGATE", "requiresCompat");
}

#[tokio::test(start_paused = true)]
async fn room_and_rates_are_compared_with_the_load() {
    let world = world(|_| {});
    let with =
        |devices, per_task| Subject { load: Load { devices, per_task }, ..subject(&world, |_| {}) };
    let report = examine(&with(2000, 250)).await;
    says(&report, "room", Verdict::Warn, "8 tasks need 1 instance more", "loadtop scale 2 --wait");
    only(&report, &[]);
    let report = examine(&with(100_000, 250)).await;
    says(&report, "room", Verdict::Fail, "400 tasks do not fit", "--max-size 100");
    let report = examine(&with(1_000_000, 1)).await;
    says(&report, "launch rate", Verdict::Warn, "1,000,000 RunTask calls take 417 minutes", "more");
    // Four tasks fit on an instance.
    let report = examine(&with(30_000, 7_001)).await;
    says(&report, "ports", Verdict::Fail, "28,004 connections", "instances");
    let none = World::new(1, |options| options.instances = 0);
    let report = examine(&subject(&none, |_| {})).await;
    says(&report, "room", Verdict::Unknown, "no instance is there", "loadtop scale 1");
    says(&report, "group", Verdict::Unknown, "no instance in service", "loadtop scale 1");
    only(&report, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off() {
    let world = world(|_| {});
    world.run_for(Duration::from_mins(1)).await;
    let report = examine(&subject(&world, |_| {})).await;
    says(&report, "clock", Verdict::Warn, "behind AWS's", "timedatectl");
    world.run_for(Duration::from_mins(10)).await;
    let report = examine(&subject(&world, |_| {})).await;
    says(&report, "clock", Verdict::Fail, "refused from 5 minutes on", "timedatectl");
    only(&report, &["clock"]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_of_no_use() {
    let world = world(|_| {});
    world.local.expire_credentials();
    let report = examine(&subject(&world, |_| {})).await;
    says(&report, "identity", Verdict::Fail, "is expired (ExpiredToken)", "aws sso login");
    says(&report, "cluster", Verdict::Fail, "ExpiredTokenException", "see identity");
    says(&report, "bucket", Verdict::Fail, "ExpiredToken", "see identity");
    says(&report, "permissions", Verdict::Unknown, "not known", "see identity");
    says(&report, "clock", Verdict::Pass, "agrees", "");
    world.local.renew_credentials();
    assert_eq!(examine(&subject(&world, |_| {})).await.code(), 0);

    let wrong = |change: fn(&mut Endpoint)| {
        let mut endpoint = world.local.endpoint();
        change(&mut endpoint);
        let link = world.local.link();
        let cloud = Cloud::with_http_client(&endpoint, world.local.names(), link);
        Subject::new(cloud, LOAD, true)
    };
    let report = examine(&wrong(|it| it.region = "eu-central-1".into())).await;
    says(&report, "identity", Verdict::Fail, "region eu-central-1", "this region and endpoint");
    let report = examine(&wrong(|it| it.access_key = "AKIAELSEWHERE".into())).await;
    says(&report, "identity", Verdict::Fail, "InvalidClientTokenId", "aws configure list");
    let report = examine(&wrong(|it| it.secret_key = "guessed".into())).await;
    says(&report, "identity", Verdict::Fail, "SignatureDoesNotMatch", "aws configure list");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_does_not_answer() {
    let world = world(|_| {});
    let (cloud, link) = world.client();
    link.down();
    let report = examine(&Subject::new(cloud, LOAD, true)).await;
    says(&report, "identity", Verdict::Fail, "connection refused", "AWS_ENDPOINT_URL");
    says(&report, "cluster", Verdict::Fail, "connection refused", "AWS_ENDPOINT_URL");
    says(&report, "clock", Verdict::Unknown, "no answer had a date", "see identity");
    assert_eq!(report.code(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_hides_no_other() {
    for operation in [
        "DescribeClusters",
        "ListContainerInstances",
        "DescribeAutoScalingGroups",
        "DescribeTaskDefinition",
        "GetServiceQuota",
        "SimulatePrincipalPolicy",
        "HeadBucket",
        "GetCallerIdentity",
    ] {
        let world = world(|options| {
            options.faults =
                vec![format!("{operation}:error-before:100%").parse().expect("a fault")];
        });
        let report = examine(&subject(&world, |_| {})).await;
        let broken = report.checks.iter().filter(|it| it.seen.contains(operation));
        assert!(broken.count() >= 1, "{operation}: {}", table::table(&report, false));
        let good = report.checks.iter().filter(|it| it.verdict == Verdict::Pass).count();
        assert!(good >= 5, "{operation}: {}", table::table(&report, false));
    }
}

#[tokio::test(start_paused = true)]
async fn one_permission_missing_each_is_named() {
    let subjects: [fn(&World) -> Subject; 2] = [|world| subject(world, |_| {}), on_fargate];
    let mut named = std::collections::BTreeSet::new();
    for of_world in subjects {
        let fine = world(|_| {});
        let scope = scope_of(&of_world(&fine)).await;
        for document in [crate::cli::Document::Operator, crate::cli::Document::Task] {
            for action in policy::asks(&scope, document).into_iter().flat_map(|ask| ask.actions) {
                let world = world(|options| {
                    options.account.denied.insert(action.clone());
                });
                let subject = of_world(&world);
                // Nothing passes roles, and nothing asks for one, where there are none.
                let has_roles = matches!(subject.task, Task::Image(_));
                let of_task = document == crate::cli::Document::Task;
                if (action == "iam:PassRole" || of_task) && !has_roles {
                    continue;
                }
                let report = examine(&subject).await;
                let check = if of_task { "task role" } else { "permissions" };
                says(&report, check, Verdict::Fail, &action, &action);
                assert_eq!(report.code(), 1);
                named.insert(action);
            }
        }
    }
    let rows = calls::ALL.iter().filter(|call| call.by != calls::By::Doctor);
    let all = rows.flat_map(|call| call.needs).map(|(permission, _)| (*permission).to_owned());
    assert_eq!(named, all.collect());
}

async fn scope_of(subject: &Subject) -> policy::Scope {
    let facts = super::facts::gather(subject).await;
    super::permissions::scope(subject, &facts, facts.caller.who.as_ref().ok())
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_asked_is_unknown_and_says_what_it_takes() {
    let denying = |action: &str| {
        let action = action.to_owned();
        world(move |options| {
            options.account.denied.insert(action);
        })
    };
    let world = denying("iam:SimulatePrincipalPolicy");
    let report = examine(&subject(&world, |_| {})).await;
    says(
        &report,
        "permissions",
        Verdict::Unknown,
        "is not authorized to perform: iam:SimulatePrincipalPolicy",
        "allow iam:SimulatePrincipalPolicy",
    );
    only(&report, &[]);
    for (action, check) in
        [("ec2:DescribeSubnets", "network"), ("servicequotas:GetServiceQuota", "vCPU quota")]
    {
        let world = denying(action);
        let report = examine(&on_fargate(&world)).await;
        says(&report, check, Verdict::Unknown, action, &format!("allow {action}"));
        only(&report, &[]);
    }
    // What a run needs itself is no question of permissions alone: it would fail.
    let world = denying("ecs:DescribeClusters");
    let report = examine(&subject(&world, |_| {})).await;
    says(&report, "cluster", Verdict::Fail, "ecs:DescribeClusters", "allow ecs:DescribeClusters");
    only(&report, &["cluster", "permissions"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_if_told_so_and_one_object_otherwise() {
    let world = world(|_| {});
    let (cloud, _) = world.client();
    let read_only = Subject { writes: false, ..subject(&world, |_| {}) };
    let report = examine(&read_only).await;
    says(&report, "bucket", Verdict::Pass, "writing was not tried", "");
    assert_eq!(cloud.list_objects("").await.expect("listed"), Vec::<String>::new());
    for _ in 0..2 {
        let report = examine(&subject(&world, |_| {})).await;
        says(&report, "bucket", Verdict::Pass, "honours conditions", "");
        assert_eq!(cloud.list_objects("").await.expect("listed"), ["loadtop/doctor/probe"]);
    }
}
