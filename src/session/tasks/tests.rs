//! What becomes of what was asked for, over a local cloud.

use super::*;
use crate::{
    cloud::Endpoint,
    local::{LocalCloud, Options, Runner},
};

/// A cloud, clients with a bucket and without, and what it is like there.
struct World {
    _folder: tempfile::TempDir,
    local: LocalCloud,
    cloud: Cloud,
    without: Cloud,
    site: Site,
}

impl World {
    async fn start() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = Options::new(folder.path(), "unused".into());
        options.runner = Runner::Modelled;
        let local = LocalCloud::start(options).await.expect("a local cloud");
        let cloud = Cloud::connect(&local.endpoint(), local.names());
        let mut names = local.names();
        names.bucket.clear();
        let (without, site) = (cloud.with_names(names), local.site());
        World { _folder: folder, local, cloud, without, site }
    }

    async fn find(
        &self,
        cloud: &Cloud,
        asked: Asked,
    ) -> Result<(Workload, TaskDefinition), String> {
        let found = find(cloud, &self.site, asked).await;
        found.map(|found| (found.0, found.1)).map_err(|error| format!("{error:#}"))
    }
}

fn configured(task: config::Task) -> Asked {
    Asked { image: None, task: Some(task), tags: BTreeMap::new(), registers: true }
}

fn told(what: ImageOf) -> Asked {
    let image = Some(Image { what, identity: "ID".into() });
    Asked { image, task: None, tags: BTreeMap::new(), registers: true }
}

fn nothing() -> Asked {
    Asked { image: None, task: None, tags: BTreeMap::new(), registers: true }
}

fn there(container: &str, identity: Option<&str>) -> config::Task {
    config::Task::Definition {
        name: "loadtop-agent".into(),
        container: container.into(),
        identity: identity.map(str::to_owned),
    }
}

fn image(identity: Option<&str>) -> config::Task {
    config::Task::Image(Box::new(config::Image {
        image: "loadtop:1".into(),
        family: "fleet".into(),
        cpu: 512,
        memory: 512,
        identity: identity.map(str::to_owned),
        watchdog: identity.map(|_| "loadtop:1".to_owned()),
        task_role: None,
        execution_role: None,
        log_group: None,
        stop_timeout_s: 45,
    }))
}

#[tokio::test]
async fn a_run_is_made_with_a_revision_and_its_stop_timeout() {
    let world = World::start().await;
    let agent = |name: &str, stop_ms| TaskDefinition {
        name: name.into(),
        container: "agent".into(),
        watchdog: None,
        stop_ms,
    };
    let expected = Ok((Workload::Agent, agent("loadtop-agent:1", 30_000)));
    assert_eq!(world.find(&world.cloud, nothing()).await, expected);
    assert_eq!(world.find(&world.cloud, configured(there("agent", None))).await, expected);
    let registered = world.find(&world.cloud, configured(image(None))).await;
    assert_eq!(registered, Ok((Workload::Agent, agent("fleet:1", 45_000))));
    // The command line goes first, and what knows no wish needs no bucket.
    let of_mine = |name: &str, identity: &str| Workload::Image {
        definition: name.into(),
        container: "agent".into(),
        identity: identity.into(),
    };
    for cloud in [&world.cloud, &world.without] {
        let found = world.find(cloud, configured(there("agent", Some("UUID")))).await;
        assert_eq!(found.map(|it| it.0), Ok(of_mine("loadtop-agent:1", "UUID")));
        let definition = ImageOf::Definition { name: "fleet:1".into(), container: "agent".into() };
        let asked = Asked { task: Some(image(None)), ..told(definition) };
        let found = world.find(cloud, asked).await;
        assert_eq!(found, Ok((of_mine("fleet:1", "ID"), agent("fleet:1", 45_000))));
    }
    world.local.shutdown().await;
}

#[tokio::test]
async fn what_cannot_run_is_refused_with_the_way_out() {
    let world = World::start().await;
    for asked in [nothing(), configured(there("agent", None)), configured(image(None))] {
        let why = world.find(&world.without, asked).await.expect_err("no bucket");
        assert!(why.contains("needs a bucket") && why.contains("LOADTOP_BUCKET"), "{why}");
    }
    let why = world.find(&world.without, configured(image(Some("UUID")))).await;
    assert!(why.expect_err("a watchdog").contains("fleet has a watchdog"));
    let calls = world.cloud.calls();
    assert_eq!(calls.get("RegisterTaskDefinition"), None, "{calls:?}");
    let why = world.find(&world.cloud, configured(there("app", Some("UUID")))).await;
    let why = why.expect_err("no such container");
    assert!(why.contains("the container app is not in loadtop-agent:1; it has agent"), "{why}");
    let costs = Site { costs: true, label: "ECS in eu-west-1".into(), ..world.site.clone() };
    let program = told(ImageOf::Program(vec!["sleep".into(), "1".into()]));
    let why = find(&world.cloud, &costs, program).await.expect_err("no program there");
    assert!(why.is::<Usage>() && why.to_string().contains("tasks of ECS in eu-west-1"), "{why}");
    world.local.shutdown().await;
}

#[tokio::test]
async fn an_agent_needs_nobody_who_describes_it_and_an_image_does() {
    let world = World::start().await;
    let nobody = Endpoint { url: "http://127.0.0.1:1".into(), ..world.local.endpoint() };
    let cloud = Cloud::connect(&nobody, world.local.names());
    let (workload, definition) = world.find(&cloud, nothing()).await.expect("as it is");
    assert_eq!((workload, definition.name.as_str()), (Workload::Agent, "loadtop-agent"));
    let why = world.find(&cloud, configured(there("agent", Some("UUID")))).await;
    let why = why.expect_err("a watchdog may be in it");
    assert!(why.contains("loadtop-agent") && why.contains("DescribeTaskDefinition"), "{why}");
    world.local.shutdown().await;
}

#[tokio::test]
async fn a_definition_that_is_no_more_or_cannot_be_watched_is_refused() {
    let world = World::start().await;
    let mut seen = unregistered("mine:4".into(), "app");
    seen.containers.push("dog".into());
    seen.watchdog = Some("dog".into());
    assert!(check(&world.cloud, &seen, "app", true).is_ok());
    let Usage(why) = check(&world.without, &seen, "app", true).expect_err("unwatched");
    assert!(why.contains("mine:4 has a watchdog"), "{why}");
    // A shim in the container itself holds its program all the same.
    assert!(check(&world.without, &seen, "dog", true).is_ok());
    let Usage(why) = check(&world.cloud, &seen, "main", true).expect_err("not there");
    assert!(why.contains("it has app, dog"), "{why}");
    seen.is_active = false;
    let Usage(why) = check(&world.cloud, &seen, "app", true).expect_err("deregistered");
    assert!(why.contains("mine:4 was deregistered"), "{why}");
    world.local.shutdown().await;
}

#[tokio::test]
async fn who_only_looks_registers_nothing_and_knows_what_a_task_would_take() {
    let world = World::start().await;
    let image = config::Image {
        image: "registry.example/device:1".into(),
        family: "my-device".into(),
        cpu: 512,
        memory: 1024,
        identity: Some("ID".into()),
        watchdog: None,
        task_role: None,
        execution_role: None,
        log_group: None,
        stop_timeout_s: 30,
    };
    let image = config::Task::Image(Box::new(image));
    let command = vec!["sleep".to_owned(), "9".to_owned()];
    for (asked, takes) in
        [(configured(image), (512, 1024)), (told(ImageOf::Program(command)), PROGRAM_TAKES)]
    {
        let asked = Asked { registers: false, ..asked };
        let (workload, definition, seen) =
            find(&world.cloud, &world.site, asked).await.expect("found");
        assert!(matches!(workload, Workload::Image { .. }));
        assert_eq!((seen.cpu, seen.memory), takes);
        let there = world.cloud.describe_definition(&definition.name).await;
        assert_eq!(there, Ok(None), "{} was registered", definition.name);
    }
    world.local.shutdown().await;
}
