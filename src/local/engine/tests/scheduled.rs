use super::{
    super::scheduled::{DescribeActions, PutAction},
    group::Sizes,
    *,
};

const ZERO: Sizes = Sizes { min: Some(0), max: None, desired: Some(0) };

fn put(name: &str, start: Option<Millis>, sizes: Sizes) -> PutAction {
    let (group, name) = ("loadtop".to_owned(), name.to_owned());
    PutAction { group, name, start, sizes, recurs: false }
}

impl World {
    fn put(&mut self, name: &str, start: Millis, sizes: Sizes) -> Result<(), ApiError> {
        self.engine.put_action(put(name, Some(start), sizes), self.now)
    }

    fn actions(&mut self) -> Vec<(String, Millis)> {
        let all = self.engine.describe_actions(&DescribeActions::default(), self.now);
        let (all, _) = all.expect("described");
        all.into_iter().map(|it| (it.name, it.start)).collect()
    }
}

#[test]
fn an_action_is_performed_once_and_late() {
    let mut world = World::new(3);
    let start = START + 60_000;
    world.put("zero", start, ZERO).expect("in the future");
    world.pass(60_000 + LATE - 1);
    assert_eq!((world.sizes(), world.machines().len()), ((0, 3, 10), 3));
    world.pass(1);
    assert_eq!(world.sizes(), (0, 0, 10));
    world.pass(1000);
    assert_eq!((world.machines(), world.actions()), (vec![], vec![]));
    world.set_desired(2).expect("within the limits");
    world.pass(600_000);
    assert_eq!(world.sizes(), (0, 2, 10));
}

#[test]
fn the_same_name_replaces_and_what_is_left_out_stays() {
    let mut world = World::new(3);
    world.put("zero", START + 60_000, ZERO).expect("put");
    world.put("zero", START + 120_000, ZERO).expect("moved");
    assert_eq!(world.actions(), [("zero".to_owned(), START + 120_000)]);
    world.pass(100_000);
    assert_eq!(world.sizes(), (0, 3, 10), "not at its former time");
    let sizes = Sizes { max: Some(4), ..Sizes::default() };
    world.engine.put_action(put("zero", None, sizes), world.now).expect("the rest stays");
    world.pass(20_000 + LATE);
    assert_eq!(world.sizes(), (0, 0, 4));
}

#[test]
fn one_that_is_deleted_never_comes() {
    let mut world = World::new(1);
    world.put("zero", START + 60_000, ZERO).expect("put");
    world.engine.delete_action("loadtop", "zero", world.now).expect("there");
    let error = world.engine.delete_action("loadtop", "zero", world.now).expect_err("gone");
    assert_eq!(
        (error.code, &*error.message),
        ("ValidationError", "Scheduled action name not found")
    );
    world.pass(600_000);
    assert_eq!(world.sizes(), (0, 1, 10));
}

#[test]
fn what_cannot_be_is_refused() {
    let mut world = World::new(1);
    world.put("there", START + 9_000, ZERO).expect("put");
    let sizes = |min, max, desired| Sizes { min, max, desired };
    let later = START + 60_000;
    for (start, sizes, code, words) in [
        (START, ZERO, "ValidationError", "Given start time is in the past"),
        (START - 1000, ZERO, "ValidationError", "Given start time is in the past"),
        (START + 9_000, ZERO, "AlreadyExists", "scheduled start time already exists"),
        (later, Sizes::default(), "ValidationError", "At least one of"),
        (later, sizes(Some(2), Some(1), None), "ValidationError", "Max size must be"),
        (later, sizes(Some(2), None, Some(1)), "ValidationError", "greater than or equal to min"),
        (later, sizes(None, Some(2), Some(3)), "ValidationError", "less than or equal to max"),
        (later, sizes(None, Some(-2), None), "ValidationError", "Value '-2' at 'maxSize'"),
    ] {
        let error = world.put("new", start, sizes).expect_err(words);
        assert_eq!((error.code, error.status), (code, 400));
        assert!(error.message.contains(words), "{}", error.message);
    }
    let engine = &mut world.engine;
    assert!(engine.put_action(put("new", None, ZERO), START).is_err(), "when?");
    let recurring = PutAction { recurs: true, ..put("new", Some(later), ZERO) };
    assert!(engine.put_action(recurring, START).is_err());
    let elsewhere = PutAction { group: "other".to_owned(), ..put("new", Some(later), ZERO) };
    let error = engine.put_action(elsewhere, START).expect_err("another group");
    assert_eq!(error.message, "AutoScalingGroup name not found - null");
    assert!(engine.delete_action("other", "there", START).is_err());
    assert!(engine.put_action(put(&"x".repeat(256), Some(later), ZERO), START).is_err());
}

#[test]
fn a_group_has_so_many_and_they_come_in_pages() {
    let mut world = World::new(1);
    for n in 0..125 {
        // As fast as its bucket lets it.
        world.now = START + n * 1000;
        world.put(&format!("a{n:03}"), START + 1_000_000 + n * 1000, ZERO).expect("room");
    }
    let error = world.put("one more", START + 9_000_000, ZERO).expect_err("too many");
    assert_eq!(error.code, "LimitExceeded");
    world.put("a003", START + 9_000_000, ZERO).expect("it is none more");
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let request = DescribeActions { token, ..DescribeActions::default() };
        let (page, next) = world.engine.describe_actions(&request, world.now).expect("described");
        assert!(page.len() <= 50);
        names.extend(page.into_iter().map(|it| it.name));
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, (0..125).map(|n| format!("a{n:03}")).collect::<Vec<_>>());
    let asked = |names: &[&str], from| DescribeActions {
        names: names.iter().map(|&it| it.to_owned()).collect(),
        from,
        ..DescribeActions::default()
    };
    let mut count = |request| world.engine.describe_actions(&request, world.now).expect("").0.len();
    assert_eq!(count(asked(&["a001", "nobody"], None)), 1);
    assert_eq!(count(asked(&[], Some(START + 8_000_000))), 1);
    assert_eq!(count(asked(&["a001"], Some(START + 8_000_000))), 1, "names alone count");
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let request = DescribeActions { names: many, ..DescribeActions::default() };
    assert!(world.engine.describe_actions(&request, world.now).is_err());
}

#[test]
fn one_that_does_not_fit_any_more_changes_nothing() {
    let mut world = World::new(1);
    let least = Sizes { min: Some(11), ..Sizes::default() };
    world.put("least", START + 10_000, least).expect("the maximum may change until then");
    world.pass(10_000 + LATE);
    assert_eq!((world.sizes(), world.actions()), ((0, 1, 10), vec![]));
}
