//! The views that are lists.

use super::*;
use crate::app::{
    action::{Sorting, Step},
    fixtures::rows,
    list::TaskColumn,
};

/// The picture of a dashboard after `keys`, and what can be pointed at on it.
fn shown(app: &App, width: u16, height: u16) -> (Buffer, crate::ui::hits::Hits) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let hits = paint(&mut buffer, app, Theme::default(), NOW);
    (buffer, hits)
}

fn fleet(keys: &str) -> App {
    let mut app = fixtures::app(rows::fleet());
    press(&mut app, keys, NOW);
    app
}

/// The picture as text.
fn body(app: &App, theme: Theme, width: u16, height: u16) -> String {
    text(&picture(app, theme, width, height))
}

#[test]
fn lists_and_their_details() {
    for (name, keys) in
        [("instances", "2"), ("tasks", "3"), ("tasks_details", "3 jj Enter"), ("notices", "6")]
    {
        for (width, height) in [(120, 40), (80, 24), (60, 16)] {
            let picture = body(&fleet(keys), Theme::default(), width, height);
            insta::assert_snapshot!(format!("list_{name}_{width}x{height}"), picture);
        }
    }
    let ascii = body(&fleet("3 > G"), Theme::new(true, false), 80, 24);
    assert!(ascii.is_ascii(), "{ascii}");
    insta::assert_snapshot!("list_tasks_ascii", ascii);
    insta::assert_snapshot!(
        "list_instance_details",
        body(&fleet("2 jjj Enter"), Theme::default(), 120, 40)
    );
    insta::assert_snapshot!(
        "list_notice_details",
        body(&fleet("6 jjj Enter"), Theme::default(), 60, 16)
    );
    insta::assert_snapshot!(
        "list_stop_task_dialog",
        body(&fleet("3 jjj X"), Theme::default(), 80, 24)
    );
}

#[test]
fn where_there_is_no_list_it_is_said_why() {
    for (snapshot, keys, words) in [
        (fixtures::empty(), "3", "+ begins one: 100 devices over 10 s"),
        (fixtures::finding(), "3", "looking for a live run"),
        (rows::fleet_not_read(), "3", "build-7 leads this run: its table of tasks is being read"),
        (fixtures::steady(), "3", "the tasks have not been looked at yet"),
        (fixtures::fargate(), "2", "Fargate has no instances"),
        (fixtures::managed(), "2", "scaled by autopilot"),
        (
            Snapshot { notices: std::sync::Arc::default(), ..fixtures::empty() },
            "6",
            "nothing was said yet",
        ),
    ] {
        for (width, height) in [(120, 40), (80, 24), (60, 16)] {
            let seen = seen(snapshot.clone(), keys, width, height);
            let flat = seen.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(words), "{words} at {width}x{height}:\n{seen}");
        }
    }
    let mut app = fleet("3");
    app.lists.tasks.order.clear();
    app.lists.tasks.filter = "state:lost".into();
    let text = body(&app, Theme::default(), 60, 16);
    assert!(text.contains("none of 11 tasks has \"state:lost\" in it"), "{text}");
    assert!(text.contains("Esc takes the filter back"), "{text}");
}

#[test]
fn details_that_are_longer_than_the_screen_are_read_on() {
    let mut app = fleet("3 jj Enter");
    let mut seen = String::new();
    for _ in 0..3 {
        let (buffer, hits) = shown(&app, 60, 16);
        seen += &text(&buffer);
        let page = hits.page().expect("there are details");
        assert!(page.hidden > 0);
        update(&mut app, Action::Paged(page), NOW);
        update(&mut app, Action::Select(Step::By(20)), NOW);
    }
    for words in ["state ", "X stops it", " lines more: Page", " lines above: Page"] {
        assert!(seen.contains(words), "{words}:\n{seen}");
    }
}

#[test]
fn ten_thousand_tasks_say_where_one_is() {
    let mut app = fixtures::app(rows::many(10_000));
    press(&mut app, "3 > G", NOW);
    let text = body(&app, Theme::default(), 160, 50);
    assert!(text.contains(" of 10,000 "), "{text}");
    assert!(text.contains("–10,000 of 10,000"), "{text}");
    assert!(text.contains("task↑"), "{text}");
    assert!(text.contains("by task ↑"), "{text}");
    assert!(text.contains("09999-1"), "{text}");
}

/// Where `needle` begins on the picture.
fn find(buffer: &Buffer, needle: &str) -> (u16, u16) {
    let area = buffer.area;
    let found = (0..area.height).find_map(|y| {
        (0..area.width).find_map(|x| {
            let rest: String = (x..area.width).map(|x| buffer[(x, y)].symbol()).collect();
            rest.starts_with(needle).then_some((x, y))
        })
    });
    found.unwrap_or_else(|| panic!("no {needle:?} in\n{}", text(buffer)))
}

#[test]
fn what_is_clicked_is_what_is_seen() {
    for (width, height) in [(120, 40), (80, 24), (60, 16)] {
        let (buffer, hits) = shown(&fleet("3"), width, height);
        let clicked = |needle| {
            let (x, y) = find(&buffer, needle);
            hits.clicked(x, y)
        };
        assert_eq!(clicked("00002-1"), Some(Action::SelectRow(2)));
        let state = 1 + TaskColumn::ALL.iter().position(|it| *it == TaskColumn::State).unwrap_or(0);
        assert_eq!(clicked("state "), Some(Action::Sort(Sorting::Column(state))));
        let (x, y) = find(&buffer, "00002-1");
        assert_eq!(hits.scrolled(x, y, true), Some(Action::Select(Step::By(3))));
        assert!(hits.page().is_some_and(|page| page.rows >= 5), "{:?}", hits.page());
    }
    let (buffer, hits) = shown(&fleet("6"), 80, 24);
    let (x, y) = find(&buffer, "run 7f3a21c began");
    assert_eq!(hits.clicked(x, y), Some(Action::SelectRow(5)));
}

#[test]
fn states_have_their_colours_and_the_selected_row_is_turned_round() {
    let buffer = picture(&fleet("3"), Theme::default(), 120, 40);
    let (_, y) = find(&buffer, "00000-1");
    let buffer = &buffer;
    let row = |y: u16| (2..118).map(move |x| buffer[(x, y)].modifier);
    assert!(row(y).all(|modifier| modifier.contains(Modifier::REVERSED)));
    assert!(row(y + 1).all(|modifier| !modifier.contains(Modifier::REVERSED)));
    for (needle, colour) in [
        ("stopping ", Color::Yellow),
        ("pending ", Color::Cyan),
        ("no room ", Color::Yellow),
        ("failed  ", Color::Red),
        ("41.5", Color::Reset),
        ("exit 137", Color::Red),
        ("27 s", Color::Yellow),
    ] {
        assert_eq!(cell(buffer, needle).fg, colour, "{needle}");
    }
}

#[test]
fn no_list_panics_at_any_size() {
    let small = (1..=90)
        .flat_map(|width| [1, 2, 3, 11, 12, 13, 16, 17, 20, 24].map(|height| (width, height)));
    let large = (91..=300)
        .step_by(23)
        .flat_map(|width| (1..=100).step_by(9).map(move |height| (width, height)));
    let keys = ["2", "Enter", "3", "G", "Enter", "X", "Esc", "6", "Enter", "j", ">"];
    let (mut few, mut many) = (fleet(""), fixtures::app(rows::many(1_000)));
    for (turn, (width, height)) in small.chain(large).enumerate() {
        for app in [&mut few, &mut many] {
            press(app, keys[turn % keys.len()], NOW);
            let (_, hits) = shown(app, width, height);
            if let Some(page) = hits.page() {
                update(app, Action::Paged(page), NOW);
            }
        }
    }
}
