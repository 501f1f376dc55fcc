use super::{
    api::{ListTagsForResource, Tag, TagResource},
    *,
};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

/// As DescribeTasks tells them.
fn tags(world: &mut World, arn: &str, include: &[&str]) -> Result<Vec<Tag>, ApiError> {
    let request = DescribeTasks {
        cluster: Some("loadtop".to_owned()),
        tasks: vec![arn.to_owned()],
        include: include.iter().map(|&field| field.to_owned()).collect(),
    };
    world.engine.describe_tasks(&request, world.now).map(|mut it| it.tasks.remove(0).tags)
}

#[test]
fn tags_are_told_to_who_asks_for_them() {
    let mut world = World::new(1);
    let own = vec![tag("run", "1")];
    let run = RunTask { tags: own.clone(), ..request() };
    let task = world.engine.run_task(run, world.now).expect("room").tasks.remove(0);
    assert_eq!(task.tags, own);
    assert_eq!(tags(&mut world, &task.task_arn, &[]), Ok(Vec::new()));
    assert_eq!(tags(&mut world, &task.task_arn, &["TAGS"]), Ok(own));
    assert!(tags(&mut world, &task.task_arn, &["ALL"]).is_err());
    assert_eq!(world.stop(&task.task_arn).tags, []);
}

#[test]
fn a_definitions_tags_are_propagated_on_request() {
    let mut world = World::new(1);
    let request_for = RegisterTaskDefinition {
        tags: vec![tag("team", "a"), tag("run", "none")],
        ..definitions::family(vec![definitions::container("a")])
    };
    world.engine.register_task_definition(request_for, world.now).expect("valid");
    let own = vec![tag("run", "1")];
    let run = |propagate: Option<&str>| RunTask {
        task_definition: "mine".to_owned(),
        tags: own.clone(),
        propagate_tags: propagate.map(str::to_owned),
        ..request()
    };
    for (propagate, expected) in [
        (None, &[tag("run", "1")][..]),
        (Some("NONE"), &[tag("run", "1")]),
        (Some("TASK_DEFINITION"), &[tag("run", "1"), tag("team", "a")]),
    ] {
        let answer = world.engine.run_task(run(propagate), world.now).expect("room");
        assert_eq!(answer.tasks[0].tags, expected, "{propagate:?}");
    }
}

#[test]
fn a_task_is_tagged_after_its_start() {
    let mut world = World::new(1);
    let arn = world.running();
    let change = |world: &mut World, arn: &str, tags: Vec<Tag>| {
        let request = TagResource { resource_arn: arn.to_owned(), tags };
        world.engine.tag_resource(&request, world.now).map_err(|error| error.code)
    };
    let listed = |world: &mut World, arn: &str| {
        let request = ListTagsForResource { resource_arn: arn.to_owned() };
        world.engine.list_tags_for_resource(&request, world.now).map_err(|error| error.code)
    };
    change(&mut world, &arn, vec![tag("a", "1"), tag("b", "1")]).expect("tagged");
    change(&mut world, &arn, vec![tag("a", "2")]).expect("tagged");
    assert_eq!(listed(&mut world, &arn).expect("listed").tags, [tag("b", "1"), tag("a", "2")]);
    assert_eq!(tags(&mut world, &arn, &["TAGS"]).expect("there").len(), 2);
    let many = (0..50).map(|n| tag(&n.to_string(), "")).collect();
    assert_eq!(change(&mut world, &arn, many), Err("LimitExceededException"));
    let nowhere = arn.replace(&id(&arn), NOWHERE);
    assert_eq!(change(&mut world, &nowhere, vec![tag("a", "1")]), Err("ResourceNotFoundException"));
    assert_eq!(listed(&mut world, &nowhere), Err("InvalidParameterException"));
    let of_cluster = "arn:aws:ecs:us-east-1:000000000000:cluster/loadtop";
    assert_eq!(listed(&mut world, of_cluster), Err("InvalidParameterException"));
    assert_eq!(change(&mut world, &arn, vec![tag("aws:x", "")]), Err("InvalidParameterException"));
}
