//! Who calls and what they may do: denied actions and expired credentials, in each
//! service's own code, and what the account answers of itself.

use super::Site;
use crate::{
    cloud::{
        Ask, Caller, Cloud, CloudError, ErrorKind, Quota,
        calls::{self, Service},
        types::Condition,
    },
    local::{Options, account::Account, sim::World},
};

/// A call of each service, by the row of its operation.
async fn call(cloud: &Cloud, of: Service) -> Result<(), CloudError> {
    let nothing = String::new();
    let ask = Ask {
        actions: vec!["ecs:StopTask".to_owned()],
        resource: "*".to_owned(),
        context: Vec::new(),
    };
    match of {
        Service::Ecs => cloud.stop_task("t", "r").await,
        Service::AutoScaling => cloud.set_desired(1).await,
        Service::CloudWatch => cloud.put_metrics("n", &[datum()]).await,
        Service::S3 => cloud.put_object("k", nothing.into(), Condition::Always).await.map(drop),
        Service::Sts => cloud.caller().await.who.map(drop),
        Service::Iam => {
            cloud.not_allowed("arn:aws:iam::000000000000:user/loadtop", &ask).await.map(drop)
        }
        Service::Ec2 => cloud.subnets(&["subnet-0000000a".to_owned()]).await.map(drop),
        Service::Quotas => cloud.quota(Quota::FargateVcpus).await.map(drop),
    }
}

fn datum() -> crate::cloud::types::Datum {
    crate::cloud::types::Datum {
        name: "M",
        dimensions: Vec::new(),
        at: 0,
        values: vec![(1.0, 1.0)],
        unit: crate::cloud::types::Unit::Count,
    }
}

const SERVICES: [Service; 8] = [
    Service::Ecs,
    Service::AutoScaling,
    Service::CloudWatch,
    Service::S3,
    Service::Sts,
    Service::Iam,
    Service::Ec2,
    Service::Quotas,
];

fn denying(actions: &[&str]) -> impl FnOnce(&mut Options) {
    let denied = actions.iter().map(|action| (*action).to_owned()).collect();
    |options| options.account = Account { denied, ..Account::default() }
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_refused_in_each_services_own_code() {
    let world = World::new(
        1,
        denying(&[
            "ecs:StopTask",
            "autoscaling:SetDesiredCapacity",
            "cloudwatch:PutMetricData",
            "s3:PutObject",
            "iam:SimulatePrincipalPolicy",
            "ec2:DescribeSubnets",
            "servicequotas:GetServiceQuota",
        ]),
    );
    let (cloud, _) = world.client();
    let codes = [
        Some(("AccessDeniedException", "ecs:StopTask")),
        Some(("AccessDenied", "autoscaling:SetDesiredCapacity")),
        Some(("AccessDeniedException", "cloudwatch:PutMetricData")),
        Some(("AccessDenied", "s3:PutObject")),
        // Everybody may ask who they are.
        None,
        Some(("AccessDenied", "iam:SimulatePrincipalPolicy")),
        Some(("UnauthorizedOperation", "ec2:DescribeSubnets")),
        Some(("AccessDeniedException", "servicequotas:GetServiceQuota")),
    ];
    for (service, expected) in SERVICES.into_iter().zip(codes) {
        let answer = call(&cloud, service).await;
        let Some((code, action)) = expected else {
            answer.expect("allowed");
            continue;
        };
        let error = answer.expect_err(action);
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, Some(code)));
        let words = format!("is not authorized to perform: {action} on resource: ");
        assert!(error.message.contains(&words), "{error}");
    }
    // Nothing was done.
    assert_eq!(cloud.list_objects("").await.expect("listed"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn credentials_expire_in_each_services_own_code_and_come_back() {
    let world = World::new(1, |_| {});
    let (cloud, _) = world.client();
    for service in SERVICES {
        if service != Service::Ecs {
            call(&cloud, service).await.expect("fine before");
        }
        world.local.expire_credentials();
        let error = call(&cloud, service).await.expect_err("expired");
        let code = match service {
            Service::Ecs | Service::CloudWatch | Service::Quotas => "ExpiredTokenException",
            Service::Ec2 => "RequestExpired",
            _ => "ExpiredToken",
        };
        let seen = (error.kind, error.code.as_deref());
        assert_eq!(seen, (ErrorKind::Unauthenticated, Some(code)), "{service:?}");
        world.local.renew_credentials();
    }
    // As a fault: only some of the calls.
    world.local.faults().add("PutObject:expired:1".parse().expect("a fault"));
    world.local.faults().add("PutObject:deny:1".parse().expect("a fault"));
    let kinds = [call(&cloud, Service::S3).await, call(&cloud, Service::S3).await];
    let kinds = kinds.map(|it| it.expect_err("struck").kind);
    assert_eq!(kinds, [ErrorKind::Unauthenticated, ErrorKind::Denied]);
    call(&cloud, Service::S3).await.expect("fine again");
}

#[tokio::test]
async fn the_account_answers_over_real_sockets() {
    let site = Site::start().await;
    let cloud = &site.cloud;
    let Caller { who, ahead_ms } = cloud.caller().await;
    let who = who.expect("known");
    assert_eq!(who.arn, "arn:aws:iam::000000000000:user/loadtop");
    assert_eq!(who.account, "000000000000");
    assert!(ahead_ms.expect("dated").abs() < 2000, "{ahead_ms:?}");
    let ids = ["subnet-0000000b", "subnet-0000000a"].map(str::to_owned);
    let subnets = cloud.subnets(&ids).await.expect("there");
    let seen: Vec<_> =
        subnets.iter().map(|it| (it.id.as_str(), it.zone.as_str(), it.free)).collect();
    let expected = [("subnet-0000000b", "us-east-1b", 251), ("subnet-0000000a", "us-east-1a", 251)];
    assert_eq!(seen, expected);
    let groups = cloud.security_groups(&["sg-00000000".to_owned()]).await.expect("there");
    assert_eq!(groups, [("sg-00000000".to_owned(), subnets[0].vpc.clone())]);
    let error = cloud.security_groups(&["sg-x".to_owned()]).await.expect_err("not there");
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::NotFound, Some("InvalidGroup.NotFound"))
    );
    assert!((cloud.quota(Quota::FargateVcpus).await.expect("known") - 64.0).abs() < 0.1);
    let ask = Ask {
        actions: vec!["ecs:StopTask".to_owned(), "a & b".to_owned()],
        resource: "*".to_owned(),
        context: vec![("ecs:cluster", "arn".to_owned())],
    };
    assert_eq!(cloud.not_allowed(&who.arn, &ask).await, Ok(Vec::new()));
    let nobody = cloud.not_allowed("arn:aws:iam::1:user/x", &ask).await.expect_err("unknown");
    assert_eq!(nobody.kind, ErrorKind::NotFound);
    // Each is a row of the table, and was counted by both sides.
    let (seen, counted) = (site.local.operations(), cloud.calls());
    for row in [calls::GET_CALLER, calls::DESCRIBE_SUBNETS, calls::GET_QUOTA, calls::SIMULATE] {
        let times = seen[&(row.service, row.operation.to_owned())];
        assert_eq!(counted[row.operation], times, "{}", row.operation);
    }
    site.local.shutdown().await;
}
