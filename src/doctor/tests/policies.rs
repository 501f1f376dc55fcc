//! The least policies: what is in them, and that they allow what is asked, and no more.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    cli::Document,
    cloud::{
        Ask,
        calls::{self, By},
    },
    doctor::policy::{Scope, asks, document},
};

fn named() -> Scope {
    Scope {
        partition: "aws",
        region: "eu-central-1".to_owned(),
        account: "123456789012".to_owned(),
        cluster: "load".to_owned(),
        group: Some("load-asg".to_owned()),
        bucket: Some("load-runs".to_owned()),
        family: "loadtop-agent".to_owned(),
        registers: true,
        roles: vec!["arn:aws:iam::123456789012:role/loadtop-task".to_owned()],
    }
}

fn actions(document: &Value) -> BTreeSet<&str> {
    let statements = document["Statement"].as_array().expect("statements");
    let actions = statements.iter().flat_map(|it| it["Action"].as_array().expect("actions"));
    actions.map(|action| action.as_str().expect("an action")).collect()
}

#[test]
fn the_documents_are_these() {
    let pretty = |of| serde_json::to_string_pretty(&document(&named(), of)).expect("JSON");
    insta::assert_snapshot!("operator", pretty(Document::Operator));
    insta::assert_snapshot!("task", pretty(Document::Task));
}

#[test]
fn each_action_of_the_table_is_in_exactly_the_right_documents() {
    for scope in [named(), Scope::default()] {
        let of = |wanted: &[By]| -> BTreeSet<&str> {
            let rows = calls::ALL.iter().filter(|call| wanted.contains(&call.by));
            rows.flat_map(|call| call.needs).map(|(permission, _)| *permission).collect()
        };
        let operator = document(&scope, Document::Operator);
        assert_eq!(actions(&operator), of(&[By::Operator, By::Both, By::Doctor]));
        assert_eq!(actions(&document(&scope, Document::Task)), of(&[By::Task, By::Both]));
    }
}

#[test]
fn what_is_not_there_needs_no_permission() {
    let scope = Scope { group: None, bucket: None, registers: false, ..named() };
    let document = document(&scope, Document::Operator);
    for action in actions(&document) {
        let is_about_it = action.starts_with("autoscaling:")
            || action.starts_with("s3:")
            || action.contains("ContainerInstance")
            || action == "ecs:RegisterTaskDefinition";
        assert!(!is_about_it, "{action}");
    }
}

#[test]
fn the_documents_allow_what_is_asked_and_nothing_of_others() {
    let others = Scope {
        account: "999999999999".to_owned(),
        cluster: "other".to_owned(),
        group: Some("other".to_owned()),
        bucket: Some("other".to_owned()),
        family: "other".to_owned(),
        roles: vec!["arn:aws:iam::999999999999:role/other".to_owned()],
        ..named()
    };
    for of in [Document::Operator, Document::Task] {
        for (theirs, may) in [(named(), true), (Scope::default(), true)] {
            let policy = document(&theirs, of);
            for (ask, action) in each(&asks(&named(), of)) {
                assert_eq!(allows(&policy, &action, &ask), may, "{action} {ask:?}");
            }
        }
        let policy = document(&named(), of);
        for (ask, action) in each(&asks(&others, of)) {
            // What IAM cannot bound is allowed whatever it is about.
            let unbounded =
                ask.resource == "*" && ask.context.iter().all(|it| it.0 != "ecs:cluster");
            assert_eq!(allows(&policy, &action, &ask), unbounded, "{action} {ask:?}");
        }
    }
}

#[test]
fn a_missing_object_is_no_refusal() {
    // Such a read is checked for s3:ListBucket without a prefix.
    let policy = document(&named(), Document::Task);
    let ask = |context| Ask {
        actions: Vec::new(),
        resource: "arn:aws:s3:::load-runs".to_owned(),
        context,
    };
    assert!(allows(&policy, "s3:ListBucket", &ask(Vec::new())));
    let of_others = vec![("s3:prefix", "private/".to_owned())];
    assert!(!allows(&policy, "s3:ListBucket", &ask(of_others)));
}

fn each(asks: &[Ask]) -> Vec<(Ask, String)> {
    let pairs = asks.iter().flat_map(|ask| ask.actions.iter().map(move |it| (ask, it)));
    pairs.map(|(ask, action)| (ask.clone(), action.clone())).collect()
}

/// What IAM would say, as far as these documents go.
fn allows(policy: &Value, action: &str, ask: &Ask) -> bool {
    let texts = |value: &Value| -> Vec<String> {
        let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        list.iter().map(|it| it.as_str().expect("text").to_owned()).collect()
    };
    policy["Statement"].as_array().expect("statements").iter().any(|statement| {
        let empty = serde_json::Map::new();
        let conditions = statement["Condition"].as_object().unwrap_or(&empty);
        let holds = conditions.iter().all(|(operator, keys)| {
            keys.as_object().expect("keys").iter().all(|(key, values)| {
                let known = ask.context.iter().find(|(it, _)| it == key);
                match known {
                    None => operator.ends_with("IfExists"),
                    Some((_, value)) => texts(values).iter().any(|it| matches(it, value)),
                }
            })
        });
        texts(&statement["Action"]).iter().any(|it| it == action)
            && texts(&statement["Resource"]).iter().any(|it| matches(it, &ask.resource))
            && holds
    })
}

/// `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(after, &rest[at..]))
        }),
    }
}
