//! The charts, looked at: at several sizes, stretches and themes.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Modifier,
};

use crate::{
    app::{
        action::Action,
        fixtures::{self, NOW},
        keys::press,
        state::App,
        update::update,
    },
    controller::snapshot::{Column, Quantiles, Snapshot},
    ui::{hits::Hits, paint, theme::Theme},
};

fn app(snapshot: Snapshot, keys: &str) -> App {
    let mut app = fixtures::app(snapshot);
    press(&mut app, keys, NOW);
    app
}

fn picture(app: &App, theme: Theme, width: u16, height: u16) -> (Buffer, Hits) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let hits = paint(&mut buffer, app, theme, NOW);
    (buffer, hits)
}

fn text(buffer: &Buffer) -> String {
    let row = |row: &[Cell]| row.iter().map(Cell::symbol).collect::<String>();
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|cells| row(cells).trim_end().to_owned() + "\n").collect()
}

/// The picture of `snapshot` after `keys`.
fn seen(snapshot: Snapshot, keys: &str, width: u16, height: u16) -> String {
    text(&picture(&app(snapshot, keys), Theme::default(), width, height).0)
}

#[test]
fn the_latency_view_at_every_common_size() {
    for (width, height) in [(160, 50), (120, 40), (80, 24), (60, 16), (40, 12)] {
        let picture = seen(fixtures::measured(), "4 l", width, height);
        insta::assert_snapshot!(format!("latency_{width}x{height}"), picture);
    }
    insta::assert_snapshot!("latency_read", seen(fixtures::measured(), "4 z Left ,,,", 120, 40));
    insta::assert_snapshot!("latency_not_yet", seen(fixtures::steady(), "4", 80, 24));
    insta::assert_snapshot!("latency_without_reports", seen(fixtures::any_image(), "4", 80, 24));
}

#[test]
fn without_unicode_every_chart_is_ascii() {
    for keys in ["4 l", "4 z Left ,", "z ,"] {
        let plain = Theme::new(true, false);
        let picture = text(&picture(&app(fixtures::measured(), keys), plain, 120, 40).0);
        // What has no glyph of its own would be one.
        let body: String = picture.lines().skip(2).filter(|line| !line.contains("help")).collect();
        assert!(picture.is_ascii() && !body.contains('?'), "{picture}");
        if keys == "4 l" {
            insta::assert_snapshot!("latency_ascii", picture);
        }
    }
}

#[test]
fn a_day_is_drawn_whole_and_its_gap_stays_one() {
    let mut app = app(fixtures::day(), "ZZZZZZZZZZZZZZZZ");
    app.hint = None;
    insta::assert_snapshot!("day_120x40", text(&picture(&app, Theme::default(), 120, 40).0));
}

#[test]
fn a_slow_answer_is_seen_however_many_points_share_its_column() {
    let mut snapshot = fixtures::day();
    let points = Arc::make_mut(&mut snapshot.traffic.value.points);
    let slow = points.len() / 3;
    points[slow].response = points[slow].response.map(|it| Quantiles { max: 9_000.0, ..it });
    let app = app(snapshot, "ZZZZZZZZZZZZZZZZ");
    let picture = text(&picture(&app, Theme::default(), 80, 24).0);
    assert!(picture.contains("10,000 ┤"), "{picture}");
    // A line that goes up all the way.
    let dots = |line: &&str| line.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    let chart = picture.lines().skip(8).take(9).filter(dots).count();
    assert!(chart >= 4, "{picture}");
}

#[test]
fn what_is_past_says_so_and_how_to_come_back() {
    for (width, height) in [(160, 50), (120, 40), (80, 24)] {
        for view in ["", "4 "] {
            let live = seen(fixtures::measured(), &format!("{view}z"), width, height);
            assert!(!live.contains("not live"), "{live}");
            let past = seen(fixtures::measured(), &format!("{view}z Left"), width, height);
            assert!(past.contains("not live: End") || past.contains(": not live"), "{past}");
        }
    }
    let wide = seen(fixtures::measured(), "z Left", 160, 50);
    assert!(wide.contains("08:50:50 to 08:52:50 UTC, not live: End"), "{wide}");
}

#[test]
fn a_click_reads_what_is_drawn_there() {
    let mut app = app(fixtures::measured(), "");
    let theme = Theme::default();
    let (buffer, hits) = picture(&app, theme, 160, 50);
    let row = |buffer: &Buffer, y: u16| -> String {
        (0..160).map(|x| buffer[(x, y)].symbol().to_owned()).collect()
    };
    // The column of the lost task, on the floor of the right chart.
    let y = (0..50).find(|y| row(&buffer, *y).contains("✗")).expect("the mark is there");
    let x = (100..160).find(|x| buffer[(*x, y)].symbol() == "✗").expect("in both charts");
    let action = hits.clicked(x, y - 3).expect("a chart can be clicked");
    let Action::ReadAt(at) = action else { panic!("{action:?}") };
    assert!(at.abs_diff(NOW - 140_000) < 4_000, "{}", NOW - at);
    update(&mut app, action, NOW);
    let (buffer, _) = picture(&app, theme, 160, 50);
    assert!(text(&buffer).contains("✗ task 00003-1 lost"), "{}", text(&buffer));
    assert!(buffer[(x, y)].symbol() == "┴" && text(&buffer).contains("at 08:51:00"));
    // Where a line is drawn, it stays readable below the crosshair.
    let is_crossed = |y: u16| buffer[(x, y)].modifier.contains(Modifier::REVERSED);
    assert!((0..50).any(is_crossed));
}

#[test]
fn coverage_and_age_of_exact_figures_are_said() {
    let mut snapshot = fixtures::measured();
    let view = Arc::make_mut(&mut snapshot.latency.value);
    (view.tasks_read, view.tasks_of, view.unreadable) = (40, 1_000, 1);
    snapshot.latency.at = Some(NOW - 61_000);
    let picture = seen(snapshot, "4", 160, 50);
    assert!(
        picture.contains("40 of 1,000 tasks, 1 part unreadable, up to 1m 01s ago"),
        "{picture}"
    );
}

/// Nothing that a controller would say.
fn absurd() -> Snapshot {
    let mut snapshot = fixtures::measured();
    let numbers = [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e-12, 1e15];
    for (nth, point) in Arc::make_mut(&mut snapshot.traffic.value.points).iter_mut().enumerate() {
        let of = |shift: usize| numbers[(nth + shift) % numbers.len()];
        point.at = [NOW, 0, u64::MAX, NOW - 5_000][nth % 4];
        point.length_ms = [0, 1, u64::MAX, 60_000][nth % 4];
        (point.requests_per_s, point.errors_per_s) = (of(0), of(1));
        (point.planned, point.connected) = (of(2), of(3));
        point.response = Some(Quantiles { p50: of(4), p90: of(5), p99: of(0), max: of(1) });
    }
    let view = Arc::make_mut(&mut snapshot.latency.value);
    for (nth, column) in view.columns.iter_mut().enumerate().take(20) {
        let (at, length_ms) = [(0, 0), (u64::MAX, u64::MAX), (NOW, 0), (5, 9)][nth % 4];
        *column = Arc::new(Column { at, length_ms, ..(**column).clone() });
    }
    view.labels = Arc::new(vec!["名前 🦀 ".repeat(40)]);
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn no_size_stretch_or_state_panics(
        (width, height) in (1_u16..=300, 1_u16..=100),
        keys in "[zZ,.lf<>14]{0,12}",
        state in 0_usize..6,
        is_plain: bool,
    ) {
        let snapshot = match state {
            0 => absurd(),
            1 => fixtures::day(),
            2 => fixtures::empty(),
            3 => fixtures::ended(),
            4 => fixtures::any_image(),
            _ => fixtures::measured(),
        };
        let mut app = app(snapshot, "4");
        for key in keys.chars() {
            match key {
                '<' => press(&mut app, "Left", NOW),
                '>' => press(&mut app, "Right", NOW),
                other => press(&mut app, &other.to_string(), NOW),
            };
        }
        picture(&app, Theme::new(true, !is_plain), width, height);
    }
}
