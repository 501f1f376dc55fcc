//! The line of views, what is always to be seen, the pane that has the keys, and clicks.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{
    picture, seen, text,
    views::{rich, showing},
};
use crate::{
    app::{
        action::{Action, Recording},
        fixtures::{self, NOW},
        keys::press,
        state::App,
        update::update,
        view::{Pane, View},
    },
    controller::snapshot::Snapshot,
    ui::{hits::Hits, paint, theme::Theme},
};

const SIZES: [(u16, u16); 5] = [(300, 100), (160, 50), (120, 40), (80, 24), (60, 16)];

fn tab_line(app: &App, width: u16, height: u16) -> String {
    let text = text(&picture(app, Theme::default(), width, height));
    // A small screen has two lines for the sentence.
    let nth = if height < 24 { 3 } else { 2 };
    text.lines().nth(nth).unwrap_or_default().to_owned()
}

fn painted(app: &App, width: u16, height: u16) -> (Buffer, Hits) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let hits = paint(&mut buffer, app, Theme::default(), NOW);
    (buffer, hits)
}

/// Where `needle` begins.
fn find(buffer: &Buffer, needle: &str) -> (u16, u16) {
    let text = text(buffer);
    let found = text.lines().enumerate().find_map(|(y, line)| {
        line.find(needle).map(|at| (line[..at].chars().count() as u16, y as u16))
    });
    found.unwrap_or_else(|| panic!("no {needle:?} in\n{text}"))
}

#[test]
fn the_views_are_in_one_line_and_the_current_one_is_marked() {
    for (width, height) in SIZES {
        for (view, key) in View::ALL.into_iter().zip(["1", "2", "3", "4", "5", "6"]) {
            let mut app = fixtures::app(fixtures::steady());
            press(&mut app, key, NOW);
            let line = tab_line(&app, width, height);
            for key in 1..=6 {
                assert!(line.contains(&key.to_string()), "{line}");
            }
            let buffer = picture(&app, Theme::new(false, true), width, height);
            let y = if height < 24 { 3 } else { 2 };
            let is_key = |x: &u16| buffer[(*x, y)].symbol() == key;
            let x = (0..width).find(is_key).expect("its key");
            let marked = &buffer[(x, y)];
            assert!(marked.modifier.contains(Modifier::REVERSED), "{view:?} at {width}: {line}");
        }
    }
    let app = fixtures::app(fixtures::steady());
    let all = " 1 Overview  2 Instances  3 Tasks  4 Latency  5 Target  6 Notices ";
    assert!(tab_line(&app, 80, 24).contains(all));
    let short = " 1 Over  2 Inst  3 Tasks  4 Lat  5 Target  6 Notes ";
    assert!(tab_line(&app, 60, 16).contains(short));
}

#[test]
fn a_click_on_a_view_shows_it() {
    for (width, height) in SIZES {
        let (buffer, hits) = painted(&fixtures::app(fixtures::steady()), width, height);
        let y = if height < 24 { 3 } else { 2 };
        let line: String = (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect();
        for (view, key) in View::ALL.into_iter().zip(["1", "2", "3", "4", "5", "6"]) {
            let x = line.find(&format!(" {key}")).expect("its key") as u16 + 1;
            assert_eq!(hits.clicked(x, y), Some(Action::Show(view)), "{key} in {line}");
        }
    }
}

#[test]
fn what_is_pending_old_or_slowed_down_is_said_in_every_view() {
    let mut app = showing(rich(), View::Overview);
    app.recording = Some(Recording::On("/tmp/loadtop-1.cast".into()));
    for view in View::ALL {
        update(&mut app, Action::Show(view), NOW);
        let line = tab_line(&app, 300, 100);
        for words in [
            "● rec loadtop-1.cast",
            "1 order not in the bucket yet",
            "RunTask throttled, slower for 12 s",
            "generator saturated",
        ] {
            assert!(line.contains(words), "{view:?}: {words} in {line}");
        }
        // Shorter, but not gone: the gravest first, and how many more there are.
        let line = tab_line(&app, 80, 24);
        for words in ["● rec", "1 unsent", "throttled 12 s", "saturated"] {
            assert!(line.contains(words), "{view:?}: {words} in {line}");
        }
        let line = tab_line(&app, 60, 16);
        assert!(line.contains("● rec  1 unsent  +5"), "{view:?}: {line}");
    }
}

#[test]
fn that_all_is_well_is_said_where_there_is_room() {
    let line =
        |snapshot: Snapshot, width, height| tab_line(&fixtures::app(snapshot), width, height);
    let well = line(fixtures::steady(), 120, 40);
    assert!(well.contains("lease 8m 00s  5 of 5 reporting"), "{well}");
    assert!(line(fixtures::following(), 60, 16).contains("following build-7"));
    assert!(line(fixtures::nobody(), 60, 16).contains("lease 9m 12s  nobody leads"));
    // Tasks that were asked for are not tasks that run.
    let mut asked = fixtures::steady();
    (asked.tasks.value.requested, asked.tasks.value.pending) = (3, 1);
    assert!(line(asked.clone(), 120, 40).contains("3 tasks asked for, 1 placed"));
    assert!(line(asked, 60, 16).contains("3 tasks asked for, 1 placed"));
    let mut slow = fixtures::steady();
    slow.throttled =
        BTreeMap::from([("RunTask".into(), NOW - 1), ("StopTask".into(), NOW + 9_000)]);
    assert!(line(slow.clone(), 120, 40).contains("StopTask throttled, slower for 9 s"));
    slow.throttled.clear();
    assert!(!line(slow, 120, 40).contains("throttled"));
}

#[test]
fn charts_of_the_past_and_filtered_lists_say_so() {
    let mut app = fixtures::app(fixtures::steady());
    app.stretch.end = Some(NOW - 60_000);
    assert!(tab_line(&app, 120, 40).contains("charts not live: End"));
    assert!(tab_line(&app, 60, 16).contains("not live"));
    app.view = View::Tasks;
    assert!(!tab_line(&app, 120, 40).contains("not live"), "it has no charts");
    app.lists.tasks.filter = "state:failed".into();
    assert!(tab_line(&app, 120, 40).contains("filter: state:failed"));
    app.view = View::Instances;
    assert!(!tab_line(&app, 120, 40).contains("filter"));
}

#[test]
fn tab_goes_through_the_panes_and_enter_opens() {
    let mut app = fixtures::app(fixtures::steady());
    for pane in View::Overview.panes() {
        press(&mut app, "Tab", NOW);
        assert_eq!(app.pane, Some(*pane));
        for (theme, corner) in [(Theme::new(false, true), "┏"), (Theme::new(false, false), "#")] {
            let with = text(&picture(&app, theme, 120, 40));
            assert!(with.contains(corner), "{pane:?}:\n{with}");
        }
        let small = picture(&app, Theme::new(false, true), 60, 16);
        let is_marked = |y| small[(1, y)].modifier.contains(Modifier::REVERSED);
        assert!((4..15).any(is_marked) || *pane == Pane::Notices, "{pane:?}");
    }
    assert!(
        !text(&picture(&fixtures::app(fixtures::steady()), Theme::default(), 120, 40))
            .contains('┏')
    );
    press(&mut app, "Enter", NOW);
    assert_eq!((app.view, app.pane), (View::Notices, None));
}

#[test]
fn a_click_gives_a_pane_the_keys_and_a_second_one_opens_it() {
    for (width, height) in [(200, 60), (120, 40), (80, 24), (60, 16)] {
        let mut app = fixtures::app(fixtures::steady());
        let (buffer, hits) = painted(&app, width, height);
        let (x, y) = find(&buffer, "5 of 5 running");
        let action = hits.clicked(x, y).expect("a pane");
        assert!(
            matches!(action, Action::Focus(Pane::Tasks) | Action::Show(View::Tasks)),
            "{action:?} at {width}x{height}"
        );
        update(&mut app, Action::Focus(Pane::Tasks), NOW);
        let (_, hits) = painted(&app, width, height);
        assert_eq!(hits.clicked(x, y), Some(Action::Show(View::Tasks)));
    }
}

#[test]
fn a_key_in_the_last_line_can_be_clicked() {
    let (buffer, hits) = painted(&fixtures::app(fixtures::steady()), 120, 40);
    let (x, y) = find(&buffer, "q quit");
    assert_eq!(y, 39);
    assert_eq!(hits.clicked(x, y), Some(Action::Quit));
    let (x, y) = find(&buffer, "K end run");
    assert_eq!(hits.clicked(x + 3, y), Some(Action::AskToEnd), "it asks, as its key does");
    assert_eq!(hits.clicked(0, y), None);
    // Read-only: what is not there cannot be clicked.
    let mut app = fixtures::app(fixtures::steady());
    app.readonly = true;
    let (_, hits) = painted(&app, 120, 40);
    let ends = |x| matches!(hits.clicked(x, 39), Some(Action::AskToEnd | Action::AddBatch));
    assert!(!(0..120).any(ends));
}

#[test]
fn the_targets_view_says_what_goes_wrong_and_what_it_means() {
    let wide = text(&picture(&showing(rich(), View::Target), Theme::default(), 160, 50));
    for words in [
        "tcp://127.0.0.1:38141",
        "no status codes",
        "1,500 req/s asked for",
        "1,207 of 1,250 connected",
        "43 failed: they try again",
        "connected, and no answer in time",
        "ours: a task is out of file descriptors",
        "1,303 in all",
        "4 of 5 tasks, 2 s old",
        "login",
    ] {
        assert!(wide.contains(words), "no {words:?} in\n{wide}");
    }
    for (width, height) in [(80, 24), (60, 16), (40, 12)] {
        let text = text(&picture(&showing(rich(), View::Target), Theme::default(), width, height));
        assert!(text.contains("timeout") && text.contains("1,204"), "{text}");
    }
    assert!(seen(fixtures::steady(), "5", 120, 40).contains("no errors so far"));
    assert!(seen(fixtures::any_image(), "5", 120, 40).contains("no error is heard of"));
    assert!(seen(fixtures::steady(), "5", 120, 40).contains("none yet: results come every 5 s"));
}
