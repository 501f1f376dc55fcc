//! What is said of documents, by a small schema.

use super::*;

/// What a small schema says of a document.
fn said(source: &str) -> String {
    let mut problems = Problems::of("f");
    if let Some(mut document) = Document::parse(source, &mut problems) {
        let all = &mut problems;
        document.text("", "cluster", all);
        document.text("", "region", all);
        document.texts("capacity", "subnets", all);
        document.flag("capacity", "own", all);
        document.whole("task", "cpu", all);
        document.number("run", "budget", all);
        document.time("run", "lease", all);
        document.free_texts("tags", all);
        document.free_numbers("prices", all);
        document.refuse_the_rest(all);
    }
    problems.text()
}

#[test]
fn each_kind_is_asked_for_in_its_own_words() {
    for (source, says) in [
        ("cluster = 5", "f:1: cluster: a whole number; say a text in quotes"),
        ("\n[capacity]\nsubnets = \"a\"", "f:3: capacity.subnets: a text; say a list of"),
        ("[capacity]\nsubnets = [1]", "f:2: capacity.subnets: not a list of texts, such"),
        ("[capacity]\nown = \"yes\"", "f:2: capacity.own: a text; say true or false"),
        ("[task]\ncpu = 1.5", "f:2: task.cpu: a number; say a whole number"),
        ("[task]\ncpu = 99999999999999999999", "f:2: task.cpu: not a whole number"),
        ("[run]\nbudget = true", "f:2: run.budget: true or false; say a number"),
        ("[run]\nlease = 1979-05-27", "f:2: run.lease: a date; say a time such as"),
        ("[tags]\nx = 1", "f:2: tags.x: a whole number; say a text"),
        ("[prices]\n\"a.b\" = \"1\"", "f:2: prices.a.b: a text; say a number"),
        ("[prices]\na.b = '1'", "f:2: prices.a.b: a text; say a number"),
        ("tags = 3", "f:1: tags: a whole number; say a table, [tags]"),
    ] {
        let said = said(source);
        assert!(said.starts_with(says), "{source}: {said}");
    }
    let fine = "cluster = 'c'\ntask.cpu = 0x100\nrun = { budget = 5, lease = 60 }";
    assert_eq!(said(fine), "");
}

#[test]
fn what_may_be_meant_is_suggested() {
    for (source, says) in [
        ("clustr = 'x'", "did you mean `cluster`?"),
        ("Region = 'x'", "did you mean `region`?"),
        ("[task]\ncpus = 1", "task.cpus: no such key; did you mean `cpu`?"),
        ("[capcity]\nown = true", "capcity: no such key; did you mean `capacity`?"),
        ("budget = 5", "budget: no such key here; it belongs in [run]"),
        ("[run]\nregion = 'x'", "it belongs at the top, before the first [table]"),
        ("[run]\nfrobnicate = 1", "no such key; there are budget, lease"),
    ] {
        let said = said(source);
        assert!(said.contains(says), "{source}: {said}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let said = said("zone = 1\ncluster = 2\n[run]\nlese = 3\nbudget = 'x'\n");
    let lines: Vec<&str> = said.lines().map(|it| &it[..4]).collect();
    assert_eq!(lines, ["f:1:", "f:2:", "f:4:", "f:5:"], "{said}");
}

#[test]
fn no_secret_is_shown() {
    for source in [
        "aws_secret_access_key = 'hunter2'",
        "aws_access_key_id = 'hunter2'",
        "[task]\nPassword = 'hunter2'",
        "[tags]\nsession-token = 'hunter2'",
        "secret = hunter2",
        "cluster = hunter2",
        "hunter2",
        "secret = 'hunter2",
        "frob = 'hunter2'",
        "region = ['hunter2']",
    ] {
        let said = said(source);
        let line = source.lines().count();
        assert!(said.starts_with(&format!("f:{line}: ")), "{source}: {said}");
        assert!(!said.contains("hunter2"), "{source}: {said}");
    }
    assert!(said("aws_secret_access_key = 'x'").contains("name a `profile`"));
}

#[test]
fn what_is_no_toml_has_its_line_too() {
    assert!(said("cluster = prod\nregion = 'x'\n").starts_with("f:1: cluster: "));
    assert!(said("region = 'x'\n[task\ncpu = 1").starts_with("f:2: TOML: "));
    assert!(said("region = 'x'\nregion = 'y'").starts_with("f:2: region: duplicate key"));
}
