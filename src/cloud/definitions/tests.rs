//! What is registered, against a recording stand-in for ECS that keeps definitions as
//! AWS does: it says back what it was told.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::cloud::{Access, Endpoint, Names};

/// What was asked for and what is there.
#[derive(Debug, Default)]
struct Book {
    calls: Vec<(String, Value)>,
    definitions: Vec<Value>,
}

/// The stand-in; it ends with the test's runtime.
struct Recorder {
    url: String,
    book: Arc<Mutex<Book>>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let book = Arc::<Mutex<Book>>::default();
        let written = Arc::clone(&book);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                answer(stream, &written).await;
            }
        });
        Recorder { url, book }
    }

    fn cloud(&self, capacity: Capacity, subnets: &[&str]) -> Cloud {
        let endpoint = Endpoint {
            url: self.url.clone(),
            region: "eu-west-1".into(),
            access_key: "k".into(),
            secret_key: "s".into(),
        };
        let subnets = subnets.iter().map(|&it| it.to_owned()).collect();
        let names = Names {
            cluster: "c".into(),
            capacity,
            network: Network { subnets, ..Network::default() },
            bucket: "b".into(),
            task_definition: String::new(),
            container: "device".into(),
            watchdog: None,
        };
        Cloud::connect(&endpoint, names)
    }

    /// The operations so far, and the body of the last one.
    fn calls(&self) -> (Vec<String>, Value) {
        let book = self.book.lock().expect("whole");
        let last = book.calls.last().expect("some call").1.clone();
        (book.calls.iter().map(|(operation, _)| operation.clone()).collect(), last)
    }
}

/// One request on a connection of its own.
async fn answer(mut stream: TcpStream, book: &Mutex<Book>) {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.expect("read") == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize = header(head, "content-length").parse().expect("a length");
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let (_, operation) = header(&head, "x-amz-target").rsplit_once('.').expect("a target");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let (status, reply) = {
        let mut book = book.lock().expect("whole");
        book.calls.push((operation.to_owned(), body.clone()));
        perform(&mut book, operation, body)
    };
    let reply = reply.to_string();
    let answer = format!(
        "HTTP/1.1 {status} said\r\ncontent-type: application/x-amz-json-1.1\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{reply}",
        reply.len()
    );
    stream.write_all(answer.as_bytes()).await.expect("written");
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(it, _)| it.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

fn perform(book: &mut Book, operation: &str, body: Value) -> (u16, Value) {
    match operation {
        "DescribeTaskDefinition" => {
            let name = body["taskDefinition"].as_str().expect("a name");
            let (family, revision) = name.split_once(':').unwrap_or((name, ""));
            let found = book.definitions.iter().rev().find(|it| {
                it["family"] == family
                    && (revision.is_empty()
                        || it["revision"] == revision.parse::<u64>().unwrap_or(0))
            });
            let message = "Unable to describe task definition.";
            let refused = || (400, json!({ "__type": "ClientException", "message": message }));
            found.map_or_else(refused, |found| (200, json!({ "taskDefinition": found })))
        }
        "RegisterTaskDefinition" => {
            let family = body["family"].clone();
            let before = book.definitions.iter().filter(|it| it["family"] == family).count();
            let mut definition = body;
            definition["revision"] = json!(before + 1);
            definition["status"] = json!("ACTIVE");
            book.definitions.push(definition.clone());
            (200, json!({ "taskDefinition": definition }))
        }
        "RunTask" => (200, json!({ "tasks": [], "failures": [] })),
        other => panic!("{other} was not to be called"),
    }
}

fn image(identity: Option<&str>) -> Image {
    Image {
        image: "registry.example/loadtop:1".into(),
        family: "fleet".into(),
        cpu: 1024,
        memory: 2048,
        identity: identity.map(str::to_owned),
        watchdog: identity.map(|_| "registry.example/loadtop:1".to_owned()),
        task_role: Some("arn:aws:iam::123456789012:role/fleet".into()),
        execution_role: Some("pull".into()),
        log_group: Some("/fleet".into()),
        stop_timeout_s: 45,
    }
}

fn tags() -> BTreeMap<String, String> {
    [("team".to_owned(), "load".to_owned())].into()
}

#[tokio::test]
async fn an_agent_on_fargate_has_a_size_a_network_a_log_and_all_ports() {
    let ecs = Recorder::start().await;
    let cloud = ecs.cloud(Capacity::Fargate { spot: true }, &["subnet-1"]);
    let definition = cloud.ensure_definition(&image(None), &tags()).await.expect("registered");
    assert_eq!((definition.name.as_str(), definition.is_active), ("fleet:1", true));
    assert_eq!(definition.containers, ["agent"]);
    assert_eq!(definition.stop_s, [("agent".to_owned(), 45)].into());
    let (operations, registered) = ecs.calls();
    assert_eq!(operations, ["DescribeTaskDefinition", "RegisterTaskDefinition"]);
    assert_eq!(
        registered,
        json!({
            "family": "fleet",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "1024",
            "memory": "2048",
            "taskRoleArn": "arn:aws:iam::123456789012:role/fleet",
            "executionRoleArn": "pull",
            "containerDefinitions": [{
                "name": "agent",
                "image": "registry.example/loadtop:1",
                "essential": true,
                "entryPoint": ["loadtop"],
                "command": ["agent"],
                "cpu": 0,
                "stopTimeout": 45,
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": "/fleet", "awslogs-region": "eu-west-1",
                    "awslogs-stream-prefix": "loadtop", "mode": "non-blocking"}},
                "ulimits": [{"name": "nofile", "softLimit": 1_048_576, "hardLimit": 1_048_576}],
                "systemControls": [{"namespace": "net.ipv4.ip_local_port_range",
                    "value": "1024 65535"}]
            }],
            "tags": [{"key": "team", "value": "load"}]
        })
    );
}

#[tokio::test]
async fn on_instances_the_network_is_theirs_unless_there_are_subnets() {
    let ecs = Recorder::start().await;
    for (subnets, network, ports) in [(&[][..], "host", 0), (&["subnet-1"], "awsvpc", 1)] {
        let cloud = ecs.cloud(Capacity::group("g"), subnets);
        cloud.ensure_definition(&image(None), &tags()).await.expect("registered");
        let (_, registered) = ecs.calls();
        assert_eq!(registered["networkMode"], network);
        assert_eq!(registered["requiresCompatibilities"], json!(["EC2"]));
        assert_eq!((&registered["cpu"], &registered["memory"]), (&Value::Null, &Value::Null));
        let agent = &registered["containerDefinitions"][0];
        assert_eq!((&agent["cpu"], &agent["memory"]), (&json!(1024), &json!(2048)));
        let controls = agent["systemControls"].as_array().map_or(0, Vec::len);
        assert_eq!(controls, ports, "{agent}");
    }
}

#[tokio::test]
async fn an_image_of_the_users_own_keeps_its_words_and_gets_a_watchdog() {
    let ecs = Recorder::start().await;
    let cloud = ecs.cloud(Capacity::group("g"), &[]);
    let mine = Image { image: "mine:3".into(), log_group: None, ..image(Some("DEVICE_ID")) };
    let definition = cloud.ensure_definition(&mine, &tags()).await.expect("registered");
    assert_eq!(definition.watchdog.as_deref(), Some("watchdog"));
    let (_, registered) = ecs.calls();
    assert_eq!(
        registered["containerDefinitions"],
        json!([
            {"name": "device", "image": "mine:3", "essential": true, "cpu": 1024, "memory": 2048,
             "stopTimeout": 45},
            {"name": "watchdog", "image": "registry.example/loadtop:1", "essential": true,
             "entryPoint": ["loadtop"], "command": ["watchdog"], "cpu": 16, "memory": 64,
             "stopTimeout": 45}
        ])
    );
    // Without an image for it there is none, and its size is the task's where one is.
    let alone = Image { watchdog: None, ..mine };
    let cloud = ecs.cloud(Capacity::Fargate { spot: false }, &[]);
    let definition = cloud.ensure_definition(&alone, &tags()).await.expect("registered");
    assert_eq!((definition.watchdog, definition.containers.len()), (None, 1));
}

#[tokio::test]
async fn what_is_there_is_not_registered_again_and_every_change_is() {
    let ecs = Recorder::start().await;
    let group = || ecs.cloud(Capacity::group("g"), &[]);
    let first = image(Some("UUID"));
    // As somebody might write it who knows the same role by its other name.
    let other_words = Image { task_role: Some("fleet".into()), ..first.clone() };
    for image in [&first, &first, &other_words] {
        let definition = group().ensure_definition(image, &tags()).await.expect("there");
        assert_eq!(definition.name, "fleet:1");
    }
    let registered = |operations: Vec<String>| {
        operations.iter().filter(|it| *it == "RegisterTaskDefinition").count()
    };
    assert_eq!(registered(ecs.calls().0), 1);
    let changes: [fn(&mut Image); 9] = [
        |it| it.image = "another".into(),
        |it| it.cpu = 256,
        |it| it.memory = 512,
        |it| it.identity = None,
        |it| it.watchdog = None,
        |it| it.task_role = None,
        |it| it.execution_role = Some("arn:aws:iam::1:role/other".into()),
        |it| it.log_group = Some("/other".into()),
        |it| it.stop_timeout_s = 2,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut image = first.clone();
        change(&mut image);
        let definition = group().ensure_definition(&image, &tags()).await.expect("registered");
        assert_eq!(definition.name, format!("fleet:{}", number + 2));
    }
    let fargate = ecs.cloud(Capacity::Fargate { spot: false }, &["subnet-1"]);
    let mut names = vec![];
    for cloud in [&group(), &fargate, &fargate] {
        names.push(cloud.ensure_definition(&first, &tags()).await.expect("there").name);
    }
    assert_eq!(names, ["fleet:11", "fleet:12", "fleet:12"]);
}

#[tokio::test]
async fn a_program_is_registered_once() {
    let ecs = Recorder::start().await;
    let cloud = ecs.cloud(Capacity::group("g"), &[]);
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (command, name) in [("sleep 1", "x:1"), ("sleep 1", "x:1"), ("loadtop agent", "x:2")] {
        let registered = cloud.register_program("x", "program", &words(command), 64, 64).await;
        assert_eq!(registered.as_deref(), Ok(name));
    }
    let (operations, registered) = ecs.calls();
    assert_eq!(operations.len(), 5, "{operations:?}");
    // Words are a command, whatever they are: there is no image that has an entry point.
    let container = &registered["containerDefinitions"][0];
    assert_eq!(container["command"], json!(["loadtop", "agent"]));
    assert_eq!((&container["entryPoint"], &registered["tags"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn what_is_not_there_is_none_and_a_watchdog_is_known_by_its_word() {
    let ecs = Recorder::start().await;
    let cloud = ecs.cloud(Capacity::group("g"), &[]);
    assert_eq!(cloud.describe_definition("nothing").await, Ok(None));
    let container = |name: &str, essential: bool, words: Value| json!({"name": name, "image": "i", "essential": essential, "command": words});
    let mine = |watchdog: Value| {
        let app = container("app", true, json!(["serve"]));
        json!({"family": "mine", "revision": 4, "containerDefinitions": [app, watchdog]})
    };
    for (watchdog, expected) in [
        (container("w", true, json!(["loadtop", "watchdog"])), Some("w")),
        (container("w", true, json!(["watchdog", "--", "sleep", "1"])), Some("w")),
        (container("w", false, json!(["watchdog"])), None),
        (container("watchdog-of-mine", true, json!(["dog"])), None),
    ] {
        ecs.book.lock().expect("whole").definitions = vec![mine(watchdog)];
        let seen = cloud.describe_definition("mine:4").await.expect("asked").expect("there");
        assert_eq!((seen.name.as_str(), seen.watchdog.as_deref()), ("mine:4", expected));
        assert!(seen.is_active, "nobody says otherwise");
    }
    let mut gone = mine(container("w", true, json!([])));
    gone["status"] = json!("INACTIVE");
    ecs.book.lock().expect("whole").definitions = vec![gone];
    let seen = cloud.describe_definition("mine").await.expect("asked").expect("there");
    assert!(!seen.is_active);
}

#[tokio::test]
async fn the_watchdog_is_told_of_the_run_and_not_of_the_device() {
    let ecs = Recorder::start().await;
    let cloud = ecs.cloud(Capacity::group("g"), &[]);
    let pair = |name: &str| (name.to_owned(), "1".to_owned());
    let mut request = TaskRequest {
        client_token: "t".into(),
        started_by: "r".into(),
        environment: vec![pair("LOADTOP_RUN"), pair("UUID")],
        tags: vec![("k".into(), "v".into())],
        ..TaskRequest::default()
    };
    let told = |names: &[&str]| {
        let told = names.iter().map(|name| json!({"name": name, "value": "1"}));
        Value::from(told.collect::<Vec<_>>())
    };
    let device = json!({"name": "device", "environment": told(&["LOADTOP_RUN", "UUID"])});
    for (watchdog, expected) in [
        (None, json!([device])),
        (Some("device"), json!([device])),
        (Some("w"), json!([device, {"name": "w", "environment": told(&["LOADTOP_RUN"])}])),
    ] {
        request.watchdog = watchdog.map(str::to_owned);
        cloud.run_task(&request).await.expect("answered");
        let overrides = ecs.calls().1["overrides"].clone();
        assert_eq!(overrides["containerOverrides"], expected);
        assert_eq!(cloud.overrides_length(&request), overrides.to_string().len());
    }
}

#[tokio::test]
async fn whoever_finds_the_bucket_by_its_region_is_told_the_region() {
    let ecs = Recorder::start().await;
    let names = ecs.cloud(Capacity::group("g"), &[]).names().clone();
    let access = Access::Tools { region: Some("eu-west-1".into()), profile: None };
    let cloud = Cloud::open(&access, names).await.expect("clients");
    let region = || ("AWS_REGION".to_owned(), "eu-west-1".to_owned());
    let run = || ("LOADTOP_RUN".to_owned(), "r".to_owned());
    let mut request = TaskRequest {
        environment: vec![run()],
        watchdog: Some("w".into()),
        ..TaskRequest::default()
    };
    let mut told = cloud.overrides(&request);
    assert_eq!(told.remove(1), ("w".to_owned(), vec![run(), region()]));
    assert_eq!(told.remove(0), ("device".to_owned(), vec![run()]), "its region is its own");
    request.watchdog = Some("device".into());
    assert_eq!(cloud.overrides(&request), [("device".to_owned(), vec![run(), region()])]);
}

#[test]
fn the_image_that_comes_along_has_what_definitions_say() {
    let dockerfile = include_str!("../../../assets/Dockerfile");
    let word = format!("/usr/local/bin/{LOADTOP}");
    let last = dockerfile.rsplit("\nFROM ").next().unwrap_or_default();
    assert!(last.contains(&word), "it is not in the PATH");
    assert!(last.contains("ca-certificates"), "AWS cannot be reached");
    assert!(last.contains(&format!("ENTRYPOINT [\"{LOADTOP}\"]\nCMD [\"{AGENT}\"]")));
}
