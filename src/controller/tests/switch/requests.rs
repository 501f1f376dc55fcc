//! What is written of a request, and its tags.

use super::*;

/// A request keeps the expiry that it was first made with, whoever repeats it, and when.
#[tokio::test(start_paused = true)]
async fn a_request_never_changes_once_it_is_written() {
    let (world, cloud) = world(14, 0).await;
    world.local.faults().add("RunTask:reset-after:40".parse().expect("a fault"));
    let tag = |options: &mut crate::controller::Options| {
        options.tags = BTreeMap::from([("team".to_owned(), "devices".to_owned())]);
        (options.policy.owns_group, options.policy.lease_ms) = (true, LEASE);
        options.join = Join::Latest;
    };
    let a = world.controller_with("a", tag);
    a.add(250, SECOND).await;
    a.until("a run", MINUTE, |it| it.run.is_some()).await;
    let id = run(&a);
    let key = format!("loadtop/{id}/slots/00000.json");
    let request = async || match cloud.get_object(&key, None).await.expect("answered").0 {
        Fetched::New(object) => {
            let block: serde_json::Value = serde_json::from_slice(&object.body).expect("JSON");
            Some(block["slots"][0]["request"].clone()).filter(|it| !it.is_null())
        }
        _ => None,
    };
    let mut first = None;
    while first.is_none() {
        world.run_for(SECOND).await;
        first = request().await;
    }
    let before = wishes(&cloud).await[0].lease_until;
    world.run_for(MINUTE).await;
    a.leave().await;
    let b = world.controller_with("b", |options| {
        tag(options);
        options.tags.clear();
    });
    b.until("the task is known", 5 * MINUTE, |it| it.tasks.value.running == 1).await;
    assert!(wishes(&cloud).await[0].lease_until > before, "the lease was prolonged meanwhile");
    assert_eq!(request().await, first);
    let arns = cloud.list_tasks(None).await.expect("listed");
    let tagged = cloud.describe_tagged(&arns).await.expect("described");
    let tags = &tagged[0].1;
    let expires = humantime::parse_rfc3339(&tags["loadtop:expires"]).expect("a time");
    let expires = expires.duration_since(std::time::UNIX_EPOCH).expect("later").as_secs();
    assert_eq!(expires, before / 1000, "{tags:?}");
    assert_eq!((tags["team"].as_str(), tags["loadtop:run"].clone()), ("devices", id));
    assert_eq!((arns.len(), world.ledger().doubled()), (1, 0));
    // What the other one starts later has the run's tags, too.
    b.add(250, SECOND).await;
    world.until("all are alive", 5 * MINUTE, |it| it.alive() == 500).await;
    let arns = cloud.list_tasks(None).await.expect("listed");
    let tagged = cloud.describe_tagged(&arns).await.expect("described");
    assert!(tagged.iter().all(|(_, tags)| tags["team"] == "devices"), "{tagged:?}");
    b.leave().await;
}
