//! What keys make of the lists.

use super::*;
use crate::{
    app::{
        action::Action,
        effect::Effect,
        fixtures::{self, NOW, rows},
        keys::{observe, press},
        state::Mode,
        update::update,
    },
    controller::{
        command::Command,
        snapshot::{Aged, TaskState},
    },
    model::confirmed::Confirmed,
};

/// The names of the rows of the tasks, as they are shown.
fn names(app: &App) -> Vec<&str> {
    let rows = &app.shown().task_rows.value;
    app.lists.tasks.order.iter().map(|row| rows[*row as usize].name.as_str()).collect()
}

fn selected(app: &App) -> &str {
    names(app).get(app.lists.tasks.selected).copied().unwrap_or("none")
}

fn on_tasks(keys: &str) -> App {
    let mut app = fixtures::app(rows::fleet());
    press(&mut app, "3", NOW);
    press(&mut app, keys, NOW);
    app
}

fn filtered(app: &mut App, view: View, text: &str) {
    app.view = view;
    filter(app, text);
}

#[test]
fn keys_to_what_is_selected() {
    for (keys, name, details) in [
        ("", "00000-1", false),
        ("j", "00001-1", false),
        ("Down Down Up", "00001-1", false),
        ("k", "00000-1", false),
        ("jjj Enter", "00003-2", true),
        ("Enter j", "00001-1", true),
        ("Enter Enter", "00000-1", false),
        ("Enter Esc", "00000-1", false),
        ("G", "00009-5", false),
        ("G g", "00000-1", false),
        ("G j", "00009-5", false),
    ] {
        let app = on_tasks(keys);
        assert_eq!((selected(&app), app.lists.tasks.details), (name, details), "{keys}");
    }
}

#[test]
fn keys_to_how_it_is_sorted() {
    for (keys, sort, descending, first) in [
        ("", 0, false, "00000-1"),
        ("I", 0, true, "00009-5"),
        (">", 1, false, "00000-1"),
        ("> I", 1, true, "00009-5"),
        // What is wrong comes first.
        (">>", 2, true, "00009-5"),
        (">> I", 2, false, "00006"),
        // The longest reason has none before it.
        ("<", 12, false, "00009-5"),
        ("<>", 0, false, "00000-1"),
        // Whoever was far down sees what comes first now.
        ("G >>", 2, true, "00009-5"),
    ] {
        let app = on_tasks(keys);
        let list = &app.lists.tasks;
        assert_eq!((list.sort, list.descending), (sort, descending), "{keys}");
        assert_eq!(names(&app)[0], first, "{keys}");
        assert_eq!(list.selected, 0, "{keys}");
    }
    // Details go on to be those of the same task.
    let app = on_tasks("jj Enter >>");
    assert_eq!((selected(&app), app.lists.tasks.details), ("00002-1", true));
}

#[test]
fn a_heading_sorts_and_again_turns_round() {
    let mut app = on_tasks("");
    for (column, descending, first) in
        [(8, true, "00002-1"), (8, false, "00000-1"), (99, true, "00002-1")]
    {
        update(&mut app, Action::Sort(Sorting::Column(column)), NOW);
        assert_eq!((app.lists.tasks.descending, names(&app)[0]), (descending, first), "{column}");
        // Whoever has no figure is last, whichever way.
        assert!(["00009-5", "00006", "00008-1"].contains(&names(&app)[10]), "{column}");
    }
}

#[test]
fn what_a_filter_shows() {
    let mut app = fixtures::app(rows::fleet());
    for (text, shown) in [
        ("state:failed", vec!["00003-1"]),
        ("STATE:Fail memory", vec!["00003-1"]),
        ("state:", names(&on_tasks("")).clone()),
        ("exit:1", vec!["00009-5"]),
        ("137", vec!["00003-1"]),
        ("i-0f1e", vec!["00003-2"]),
        ("instance:i-01 stopping", vec!["00007-1"]),
        ("00003", vec!["00003-2", "00003-1"]),
        ("名前の", vec!["00009-5"]),
        ("no-such-field:x", vec![]),
        ("room", vec!["00006"]),
    ] {
        filtered(&mut app, View::Tasks, text);
        assert_eq!(names(&app), shown, "{text}");
    }
    for (view, text, count) in [
        (View::Instances, "state:up", 2),
        (View::Instances, "c5", 4),
        (View::Instances, "zone:1b", 0),
        (View::Notices, "level:warning", 3),
        (View::Notices, "level:error", 2),
        (View::Notices, "level:none", 0),
        (View::Notices, "throttled", 1),
    ] {
        filtered(&mut app, view, text);
        assert_eq!(app.lists.of(view).map(|list| list.order.len()), Some(count), "{text}");
    }
}

#[test]
fn esc_takes_back_one_thing_after_the_other() {
    let mut app = on_tasks("");
    filter(&mut app, "running");
    press(&mut app, "j Enter", NOW);
    for (details, filter, view) in
        [(false, "running", View::Tasks), (false, "", View::Tasks), (false, "", View::Overview)]
    {
        press(&mut app, "Esc", NOW);
        let list = &app.lists.tasks;
        assert_eq!((list.details, list.filter.as_str(), app.view), (details, filter, view));
    }
    assert_eq!(selected(&app), "00001-1", "the same as before");
}

/// The fleet without the task of this name, and with one before all others.
fn changed(gone: &str) -> Snapshot {
    let mut snapshot = rows::fleet();
    let rows = Arc::make_mut(&mut snapshot.task_rows.value);
    rows.retain(|row| row.name != gone);
    let new = TaskRow { slot: 40, name: "00040-1".into(), ..rows[0].clone() };
    rows.insert(0, new);
    snapshot
}

#[test]
fn the_selection_follows_its_task_and_the_top_stays_the_top() {
    let mut app = on_tasks("j");
    observe(&mut app, changed(""), NOW + 1);
    assert_eq!(selected(&app), "00001-1");
    // Nobody moved here.
    let mut app = on_tasks("");
    observe(&mut app, changed(""), NOW + 1);
    assert_eq!(selected(&app), "00040-1");
    // Details are never of something else than was opened.
    let mut app = on_tasks("j Enter");
    observe(&mut app, changed("00001-1"), NOW + 1);
    assert_eq!((selected(&app), app.lists.tasks.details), ("00000-1", false));
    observe(&mut app, rows::fleet(), NOW + 2);
    assert_eq!(selected(&app), "00001-1", "it is back");
    // A slot that waited gets its task.
    let mut app = on_tasks("jjjjjj Enter");
    assert_eq!(selected(&app), "00006");
    let mut snapshot = rows::fleet();
    let row = &mut Arc::make_mut(&mut snapshot.task_rows.value)[6];
    (row.attempt, row.name) = (1, "00006-1".into());
    observe(&mut app, snapshot, NOW + 1);
    assert_eq!((selected(&app), app.lists.tasks.details), ("00006-1", true));
}

#[test]
fn a_frozen_list_stays_as_it_is() {
    let mut app = on_tasks("f");
    observe(&mut app, changed(""), NOW + 1);
    assert_eq!(names(&app)[0], "00000-1");
    press(&mut app, "f", NOW + 2);
    assert_eq!(names(&app)[0], "00040-1");
}

#[test]
fn a_click_selects_and_another_opens() {
    let mut app = on_tasks("");
    for (row, name, details) in
        [(4, "00004-1", false), (4, "00004-1", true), (2, "00002-1", true), (99, "00002-1", true)]
    {
        update(&mut app, Action::SelectRow(row), NOW);
        assert_eq!((selected(&app), app.lists.tasks.details), (name, details), "{row}");
    }
}

#[test]
fn the_selection_is_in_sight_and_what_is_seen_moves_as_little_as_it_can() {
    let mut app = fixtures::app(rows::many(10_000));
    press(&mut app, "3", NOW);
    update(&mut app, Action::Paged(Page { rows: 30, hidden: 0 }), NOW);
    for (step, selected, first) in [
        (Step::By(29), 29, 0),
        (Step::By(1), 30, 1),
        (Step::By(-20), 10, 1),
        (Step::By(-10), 0, 0),
        (Step::Last, 9_999, 9_970),
        (Step::By(-29), 9_970, 9_970),
        (Step::By(-1), 9_969, 9_969),
        (Step::First, 0, 0),
    ] {
        update(&mut app, Action::Select(step), NOW);
        let list = &app.lists.tasks;
        assert_eq!((list.selected, list.first(30)), (selected, first), "{step:?}");
    }
    // A click moves nothing.
    update(&mut app, Action::Select(Step::By(500)), NOW);
    let first = app.lists.tasks.first(30);
    update(&mut app, Action::SelectRow(first + 3), NOW);
    assert_eq!(app.lists.tasks.first(30), first);
    // A smaller screen, and fewer rows.
    update(&mut app, Action::Paged(Page { rows: 5, hidden: 0 }), NOW);
    assert_eq!(app.lists.tasks.first(5), first);
    filter(&mut app, "state:failed");
    assert_eq!(names(&app).len(), 103);
    filter(&mut app, "task:00096");
    assert_eq!((selected_place(&app), app.lists.tasks.first(5)), (0, 0));
}

fn selected_place(app: &App) -> usize {
    app.lists.tasks.selected
}

#[test]
fn a_page_reads_on_in_details_that_are_longer_than_the_screen() {
    let mut app = on_tasks("jj Enter");
    update(&mut app, Action::Paged(Page { rows: 0, hidden: 8 }), NOW);
    for (by, name, scroll) in
        [(20, "00002-1", 6), (20, "00002-1", 8), (-20, "00002-1", 2), (1, "00003-2", 0)]
    {
        update(&mut app, Action::Select(Step::By(by)), NOW);
        assert_eq!((selected(&app), app.lists.tasks.scroll), (name, scroll), "{by}");
    }
    // Where all of it is seen, a page is one of the list.
    update(&mut app, Action::Paged(Page { rows: 5, hidden: 0 }), NOW);
    update(&mut app, Action::Select(Step::By(20)), NOW);
    assert_eq!(selected(&app), "00009-5");
}

#[test]
fn ten_thousand_rows_are_sorted_by_every_column_both_ways() {
    let mut app = fixtures::app(rows::many(10_000));
    press(&mut app, "3", NOW);
    for column in 1..=TaskColumn::ALL.len() {
        for _ in 0..2 {
            update(&mut app, Action::Sort(Sorting::Column(column)), NOW);
            let mut order = app.lists.tasks.order.clone();
            order.sort_unstable();
            assert!(order.into_iter().eq(0..10_000), "{column}: each row once");
        }
    }
    press(&mut app, ">", NOW);
    let before = app.lists.tasks.order.as_ptr();
    // News that are none of the tasks' leave them as they are.
    let snapshot = (*app.snapshot).clone();
    observe(&mut app, snapshot, NOW + 1);
    assert_eq!(app.lists.tasks.order.as_ptr(), before);
}

#[test]
fn a_task_stops_only_after_a_yes() {
    let stop = |slot, attempt| {
        vec![Effect::Send(Command::StopTask { slot, attempt, confirmed: Confirmed::ByDialog })]
    };
    for (keys, effects) in [
        ("X", vec![]),
        ("X n", vec![]),
        ("X Enter", vec![]),
        ("X Esc y", vec![]),
        ("X y", stop(0, 1)),
        ("jjj X Tab Enter", stop(3, 2)),
        ("jjjj X y", stop(4, 1)),
        ("jjjjj X y", stop(5, 2)),
    ] {
        let mut app = fixtures::app(rows::fleet());
        press(&mut app, "3", NOW);
        assert_eq!(press(&mut app, keys, NOW), effects, "{keys}");
    }
    // Anywhere else it is no key.
    assert_eq!(press(&mut fixtures::app(rows::fleet()), "X y", NOW), []);
}

#[test]
fn where_there_is_nothing_to_stop_it_is_said() {
    for (name, why) in [
        ("00006", "00006 has no task yet: it waits for room"),
        ("00007-1", "00007-1 is stopping already"),
        ("00003-1", "00003-1 has ended already"),
        ("00009-5", "00009-5 was given up: nothing of it runs"),
        ("nothing has this", "no task is selected"),
    ] {
        let mut app = on_tasks("");
        filter(&mut app, &format!("task:{name}"));
        assert_eq!(press(&mut app, "X y", NOW), [], "{name}");
        assert_eq!(app.hint.as_ref().map(|hint| hint.text.as_str()), Some(why));
    }
    // On a frozen screen, too, it is about what is there now.
    let mut app = on_tasks("f");
    observe(&mut app, Snapshot { task_rows: Aged::default(), ..rows::fleet() }, NOW);
    assert_eq!(press(&mut app, "X y", NOW), []);
    // Nobody who only watches stops anything.
    let mut app = on_tasks("");
    app.readonly = true;
    assert_eq!(press(&mut app, "X y", NOW), []);
    assert_eq!(update(&mut app, Action::AskToStopTask, NOW), []);
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn the_question_goes_when_its_task_ends_by_itself() {
    let mut app = on_tasks("X");
    observe(&mut app, rows::fleet(), NOW + 1);
    assert!(matches!(app.mode, Mode::Dialog(_)));
    let mut snapshot = rows::fleet();
    Arc::make_mut(&mut snapshot.task_rows.value)[0].state = TaskState::Failed;
    observe(&mut app, snapshot, NOW + 2);
    assert_eq!(app.mode, Mode::Normal);
}

#[test]
fn notices_are_the_newest_first_and_a_list_nobody_moved_in_shows_what_comes() {
    let mut app = fixtures::app(rows::fleet());
    press(&mut app, "6", NOW);
    let numbers = |app: &App| -> Vec<u64> {
        let rows = &app.shown().notices;
        app.lists.notices.order.iter().map(|row| rows[*row as usize].number).collect()
    };
    assert_eq!(numbers(&app), [6, 5, 4, 3, 2, 1]);
    press(&mut app, ">>", NOW);
    assert_eq!(numbers(&app), [3, 5, 4, 1, 2, 6], "the gravest first");
    press(&mut app, "> I", NOW);
    assert_eq!(app.lists.notices.sort, 3);
}
