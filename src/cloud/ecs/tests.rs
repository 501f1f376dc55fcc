//! What exactly is asked of ECS, and what is made of its answers.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::*;
use crate::{
    cloud::{
        Endpoint, Names,
        types::{ProviderSeen, Shortage},
    },
    model::capacity::{Capacity, Network},
};

/// An ECS that answers what it is told to, in this order, and notes what it was asked.
#[derive(Debug, Clone, Default)]
struct Script {
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let answers = answers.into_iter().collect();
        Script { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client of it, for this capacity.
    fn cloud(&self, capacity: Capacity, network: Network) -> Cloud {
        let endpoint = Endpoint {
            url: "http://127.0.0.1:9".into(),
            region: "eu-central-1".into(),
            access_key: "AKID".into(),
            secret_key: "secret".into(),
        };
        let names = Names {
            cluster: "c".into(),
            capacity,
            network,
            bucket: "b".into(),
            task_definition: "d".into(),
            container: "app".into(),
            watchdog: None,
        };
        Cloud::with_http_client(&endpoint, names, self.clone())
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body = serde_json::from_slice(body).expect("JSON");
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((operation, body));
        let (status, answer) =
            self.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(0);
        let status = status.try_into().expect("a status");
        let answer = HttpResponse::new(status, SdkBody::from(answer.to_string()));
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl HttpClient for Script {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn network() -> Network {
    Network {
        subnets: vec!["subnet-1".into(), "subnet-2".into()],
        security_groups: vec!["sg-1".into()],
        public_address: true,
    }
}

/// What RunTask is asked with for a task that is to run there.
async fn asked_for(capacity: Option<Capacity>, network: Network) -> Value {
    let script = Script::new([(200, json!({"tasks": [], "failures": []}))]);
    let cloud = script.cloud(Capacity::group("mine"), Network::default());
    let request = TaskRequest {
        client_token: "t".into(),
        started_by: "loadtop/r".into(),
        environment: vec![("A".into(), "1".into())],
        tags: vec![("loadtop:run".into(), "r".into())],
        capacity,
        network,
        watchdog: None,
    };
    cloud.run_task(&request).await.expect("answered");
    let (operation, body) = script.asked().remove(0);
    assert_eq!(operation, "RunTask");
    body
}

#[tokio::test]
async fn launch_type_or_strategy_is_always_said() {
    let fargate = |spot| Some(Capacity::Fargate { spot });
    let through =
        |name: &str| Some(Capacity::Group { name: "mine".into(), provider: Some(name.to_owned()) });
    let strategy = |name: &str| json!([{"capacityProvider": name}]);
    for (capacity, launch_type, by) in [
        (None, json!("EC2"), Value::Null),
        (Some(Capacity::group("mine")), json!("EC2"), Value::Null),
        (through("P"), Value::Null, strategy("P")),
        (fargate(false), json!("FARGATE"), Value::Null),
        (fargate(true), Value::Null, strategy("FARGATE_SPOT")),
    ] {
        let body = asked_for(capacity.clone(), Network::default()).await;
        assert_eq!(body["launchType"], launch_type, "{capacity:?}");
        let mut said = body["capacityProviderStrategy"].clone();
        // A weight and a base of nothing are as good as none.
        if let Some(item) = said.pointer_mut("/0").and_then(Value::as_object_mut) {
            item.retain(|key, value| key == "capacityProvider" || *value != 0);
        }
        assert_eq!(said, by, "{capacity:?}");
        assert_eq!(body["networkConfiguration"], Value::Null, "{capacity:?}");
        assert_eq!((&body["count"], &body["clientToken"]), (&json!(1), &json!("t")));
    }
}

#[tokio::test]
async fn tasks_with_an_address_of_their_own_say_where() {
    let vpc = |body: Value| body["networkConfiguration"]["awsvpcConfiguration"].clone();
    let subnets = json!(["subnet-1", "subnet-2"]);
    let on_fargate = |network| asked_for(Some(Capacity::Fargate { spot: false }), network);
    assert_eq!(
        vpc(on_fargate(network()).await),
        json!({"subnets": subnets, "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"})
    );
    let private = Network { public_address: false, security_groups: vec![], ..network() };
    assert_eq!(
        vpc(on_fargate(private).await),
        json!({"subnets": subnets, "assignPublicIp": "DISABLED"})
    );
    // ECS refuses a public address for tasks on instances, whatever it is.
    assert_eq!(
        vpc(asked_for(Some(Capacity::group("mine")), network()).await),
        json!({"subnets": subnets, "securityGroups": ["sg-1"]})
    );
}

#[test]
fn the_request_of_an_earlier_version_can_be_repeated() {
    let written = json!({"client_token": "t", "started_by": "r", "environment": [["A", "1"]],
        "tags": []});
    let request: TaskRequest = serde_json::from_value(written.clone()).expect("readable");
    assert_eq!((&request.capacity, &request.network), (&None, &Network::default()));
    assert_eq!(serde_json::to_value(&request).expect("JSON"), written);
    let request = TaskRequest {
        capacity: Some(Capacity::Fargate { spot: true }),
        network: network(),
        ..request
    };
    let written = serde_json::to_string(&request).expect("JSON");
    assert_eq!(serde_json::from_str::<TaskRequest>(&written).expect("and back"), request);
}

fn cluster(providers: &[&str]) -> (u16, Value) {
    let by_default = json!([{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]);
    let cluster = json!({"clusterName": "c", "capacityProviders": providers,
        "defaultCapacityProviderStrategy": by_default});
    (200, json!({"clusters": [cluster], "failures": []}))
}

fn provider(name: &str, group: &str, status: &str) -> Value {
    let arn = format!(
        "arn:aws:autoscaling:eu-central-1:1:autoScalingGroup:uuid:autoScalingGroupName/{group}"
    );
    json!({"name": name, "status": "ACTIVE", "autoScalingGroupProvider": {
        "autoScalingGroupArn": arn, "managedScaling": {"status": status},
        "managedTerminationProtection": "ENABLED"}})
}

#[tokio::test]
async fn the_provider_of_our_group_is_found_among_others() {
    let script = Script::new([
        cluster(&["FARGATE", "FARGATE_SPOT", "other", "P"]),
        (
            200,
            json!({"capacityProviders": [provider("other", "not-mine", "ENABLED")],
                "nextToken": "more"}),
        ),
        (200, json!({"capacityProviders": [provider("P", "mine", "ENABLED")]})),
    ]);
    let seen = script.cloud(Capacity::group("mine"), Network::default()).capacity_providers().await;
    let seen = seen.expect("answered");
    let found = ProviderSeen { name: "P".into(), scales: true, protects: true };
    assert_eq!((seen.of_group, seen.by_default), (Some(found), vec!["FARGATE".to_owned()]));
    let asked = script.asked();
    let operations: Vec<&str> = asked.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(
        operations,
        ["DescribeClusters", "DescribeCapacityProviders", "DescribeCapacityProviders"]
    );
    // Those of Fargate manage no group, and may be no business of ours.
    assert_eq!(asked[1].1["capacityProviders"], json!(["other", "P"]));
    assert_eq!(asked[2].1["nextToken"], "more");
}

#[tokio::test]
async fn a_provider_that_does_not_scale_is_said_to() {
    let answers =
        [cluster(&["P"]), (200, json!({"capacityProviders": [provider("P", "mine", "DISABLED")]}))];
    let cloud = Script::new(answers).cloud(Capacity::group("mine"), Network::default());
    let seen = cloud.capacity_providers().await.expect("answered").of_group;
    assert!(seen.is_some_and(|seen| !seen.scales));
    // Without providers that could be it, nothing more is asked.
    let script = Script::new([cluster(&["FARGATE"])]);
    let cloud = script.cloud(Capacity::group("mine"), Network::default());
    assert_eq!(cloud.capacity_providers().await.expect("answered").of_group, None);
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn a_definition_says_what_a_task_takes() {
    let containers = json!([
        {"name": "app", "cpu": 128, "memory": 512, "memoryReservation": 256, "stopTimeout": 90,
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/d",
                "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p"}}},
        {"name": "eye", "cpu": 64, "memory": 64, "essential": true,
            "command": ["loadtop", "watchdog"]},
        {"name": "idle", "essential": false, "command": ["watchdog"]}
    ]);
    let definition = |more: Value| {
        let mut definition = json!({"family": "d", "revision": 3,
            "containerDefinitions": containers});
        let fields = definition.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        (200, json!({"taskDefinition": definition}))
    };
    let answers = [
        definition(json!({})),
        definition(json!({"cpu": "256", "memory": "1 GB", "networkMode": "awsvpc",
            "compatibilities": ["EC2", "FARGATE"], "taskRoleArn": "task",
            "executionRoleArn": "execution"})),
    ];
    let cloud = Script::new(answers).cloud(Capacity::Fargate { spot: false }, network());
    let on_instances = cloud.task_definition().await.expect("answered");
    assert_eq!((on_instances.cpu, on_instances.memory), (192, 320));
    assert_eq!(on_instances.task_cpu, None);
    let seen = cloud.task_definition().await.expect("answered");
    assert_eq!((seen.name.as_str(), seen.cpu, seen.memory), ("d:3", 256, 1024));
    assert_eq!((seen.task_cpu, seen.task_memory), (Some(256), Some(1024)));
    assert_eq!(seen.compatibilities, ["EC2", "FARGATE"]);
    assert_eq!(seen.network_mode.as_deref(), Some("awsvpc"));
    assert_eq!(seen.task_role.as_deref(), Some("task"));
    assert_eq!(seen.execution_role.as_deref(), Some("execution"));
    assert_eq!(seen.watchdog.as_deref(), Some("eye"), "one that need not run watches nothing");
    assert_eq!(seen.stop_s.get("app"), Some(&90));
    assert_eq!(seen.log_driver.as_deref(), Some("awslogs"));
    let stream = seen.log_stream.map(|it| (it.group, it.prefix, it.region));
    assert_eq!(stream, Some(("/ecs/d".into(), "p".into(), Some("eu-west-1".into()))));
}

#[tokio::test]
async fn an_instance_says_what_it_is_and_what_of_it_is_taken() {
    let resources = |cpu: i32| {
        json!([{"name": "CPU", "type": "INTEGER", "integerValue": cpu},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 2 * cpu}])
    };
    let attributes = json!([{"name": "ecs.capability.ecr-auth"},
        {"name": "ecs.instance-type", "value": "c5.large"},
        {"name": "ecs.availability-zone", "value": "eu-central-1a"}]);
    let instance = json!({"containerInstanceArn": "arn", "ec2InstanceId": "i-1",
        "status": "ACTIVE", "agentConnected": true, "registeredAt": 1_700_000_000.5,
        "registeredResources": resources(2048), "remainingResources": resources(512),
        "attributes": attributes});
    let answers = [
        (200, json!({"containerInstanceArns": ["arn"]})),
        (200, json!({"containerInstances": [instance]})),
    ];
    let cloud = Script::new(answers).cloud(Capacity::group("g"), Network::default());
    let seen = cloud.container_instances().await.expect("answered").remove(0);
    assert_eq!((seen.cpu_left, seen.cpu_all), (512, 2048));
    assert_eq!((seen.memory_left, seen.memory_all), (1024, 4096));
    assert_eq!(seen.registered_at, Some(1_700_000_000_500));
    let said = (seen.kind.as_deref(), seen.zone.as_deref());
    assert_eq!(said, (Some("c5.large"), Some("eu-central-1a")));
}

#[tokio::test]
async fn a_task_on_fargate_says_its_size_and_why_it_ended() {
    let task = json!({"taskArn": "arn", "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
        "cpu": "512", "memory": "2048", "availabilityZone": "eu-central-1b",
        "capacityProviderName": "FARGATE_SPOT", "stopCode": "SpotInterruption",
        "stoppedReason": "Your Spot Task was interrupted."});
    let script = Script::new([(200, json!({"tasks": [task], "failures": []}))]);
    let cloud = script.cloud(Capacity::Fargate { spot: true }, network());
    let seen = cloud.describe_tasks(&["arn".to_owned()]).await.expect("answered").remove(0);
    assert_eq!((seen.cpu, seen.memory), (Some(512), Some(2048)));
    assert_eq!(seen.zone.as_deref(), Some("eu-central-1b"));
    assert_eq!(seen.provider.as_deref(), Some("FARGATE_SPOT"));
    assert!(seen.was_interrupted());
}

#[tokio::test]
async fn what_is_short_is_told_from_what_is_wrong() {
    let vcpus = "You\u{2019}ve reached the limit on the number of vCPUs you can run concurrently";
    let none = "Capacity is unavailable at this time. Please try again later or in a different \
                availability zone";
    for (reason, short) in [
        (vcpus, Some(Shortage::Vcpus)),
        ("You've reached the limit on the number of tasks you can run", Some(Shortage::Tasks)),
        (none, Some(Shortage::Capacity)),
        ("The requested CPU configuration is above your limit.", None),
        ("RESOURCE:CPU", None),
    ] {
        let answer = json!({"tasks": [], "failures": [{"reason": reason}]});
        let cloud =
            Script::new([(200, answer)]).cloud(Capacity::Fargate { spot: false }, network());
        let request = TaskRequest {
            capacity: Some(Capacity::Fargate { spot: false }),
            ..TaskRequest::default()
        };
        let failure = cloud.run_task(&request).await.expect("answered").failures.remove(0);
        assert_eq!(failure.shortage(), short, "{reason}");
        assert_eq!(failure.is_capacity(), short.is_some() || reason.starts_with("RES"), "{reason}");
    }
    assert!(Shortage::Vcpus.name(true).contains("Fargate Spot vCPU resource count"));
}
