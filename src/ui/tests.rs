//! The whole picture, in every state and size.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

mod any;
mod lists;
mod overview;
mod views;

use super::{
    keymap::{Danger, ROWS},
    paint,
    theme::Theme,
};
use crate::{
    app::{
        action::Action,
        fixtures::{self, NOW},
        keys::press,
        state::App,
        update::update,
    },
    controller::snapshot::{Phase, Snapshot},
};

fn picture(app: &App, theme: Theme, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    paint(&mut buffer, app, theme, NOW);
    buffer
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let row = |row: &[Cell]| row.iter().map(Cell::symbol).collect::<String>();
    buffer.content.chunks(width).map(|cells| row(cells).trim_end().to_owned() + "\n").collect()
}

/// The picture of `snapshot` after `keys`, as text.
fn seen(snapshot: Snapshot, keys: &str, width: u16, height: u16) -> String {
    let mut app = fixtures::app(snapshot);
    press(&mut app, keys, NOW);
    text(&picture(&app, Theme::default(), width, height))
}

/// The cell where `needle` begins.
fn cell(buffer: &Buffer, needle: &str) -> Cell {
    let width = usize::from(buffer.area.width);
    let found = buffer.content.chunks(width).find_map(|row| {
        (0..width).find_map(|x| {
            let rest: String = row[x..].iter().map(Cell::symbol).collect();
            rest.starts_with(needle).then(|| row[x].clone())
        })
    });
    found.unwrap_or_else(|| panic!("no {needle:?} in\n{}", text(buffer)))
}

#[test]
fn every_state_at_every_common_size() {
    for (name, snapshot) in fixtures::all() {
        for (width, height) in [(120, 40), (80, 24), (60, 16), (40, 12)] {
            let picture = seen(snapshot.clone(), "", width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture);
        }
    }
}

#[test]
fn what_opens() {
    let steady = fixtures::steady;
    let mut outliving = steady();
    outliving.site.outlives_us = true;
    insta::assert_snapshot!("end_dialog", seen(steady(), "K z", 80, 24));
    insta::assert_snapshot!("quit_dialog", seen(steady(), "q", 80, 24));
    insta::assert_snapshot!("quit_dialog_outliving", seen(outliving, "q Tab", 80, 24));
    insta::assert_snapshot!("help", seen(steady(), "?", 80, 24));
    insta::assert_snapshot!("drain_dialog", seen(steady(), "[", 80, 24));
    insta::assert_snapshot!("drain_dialog_40x12", seen(steady(), "s 0 Enter", 40, 12));
    insta::assert_snapshot!("end_dialog_40x12", seen(steady(), "K", 40, 12));
    insta::assert_snapshot!("quit_dialog_40x12", seen(fixtures::nobody(), "q", 40, 12));
    insta::assert_snapshot!("quit_dialog_any_image", seen(outliving_image(), "q", 80, 24));
    insta::assert_snapshot!("help_40x12", seen(steady(), "? Down Down", 40, 12));
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let picture = seen(fixtures::stuck(), "Enter", width, height);
        insta::assert_snapshot!(format!("stuck_panel_{width}x{height}"), picture);
    }
    insta::assert_snapshot!(
        "stuck_panel_scrolled",
        seen(fixtures::stuck(), "Enter Down Down Down", 40, 12)
    );
    let last_line = |keys| seen(steady(), keys, 80, 24).lines().last().unwrap_or("").to_owned();
    insta::assert_snapshot!(last_line("b 2 5"), @" devices of a batch (now 100): 25                       Enter set  Esc cancel");
    insta::assert_snapshot!(last_line("w x Enter"), @" ramp window (now over 10 s): x   seconds, or a time like 90s or 2m, up to 24h");
    insta::assert_snapshot!(last_line("K y +"), @" the run is ending; + begins a new one after that");
}

fn outliving_image() -> Snapshot {
    let mut snapshot = fixtures::any_image();
    snapshot.site.outlives_us = true;
    snapshot
}

#[test]
fn without_unicode_every_cell_is_ascii() {
    let theme = Theme::new(true, false);
    for (name, snapshot) in fixtures::all() {
        let text = text(&picture(&fixtures::app(snapshot), theme, 120, 40));
        assert!(text.is_ascii(), "{name}: {text}");
    }
    let app = fixtures::app(fixtures::ramping());
    insta::assert_snapshot!("ramping_ascii", text(&picture(&app, theme, 80, 24)));
}

#[test]
fn no_color_means_no_colour() {
    for (name, snapshot) in fixtures::all() {
        let mut app = fixtures::app(snapshot);
        for keys in ["", "K", "n Esc [", "n Esc ?", "Esc Enter"] {
            press(&mut app, keys, NOW);
            let buffer = picture(&app, Theme::new(false, true), 120, 40);
            let is_plain = |cell: &Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
            assert!(buffer.content.iter().all(is_plain), "{name} after {keys:?}");
        }
    }
}

#[test]
fn colours_say_how_it_is() {
    let show = |snapshot| picture(&fixtures::app(snapshot), Theme::default(), 120, 40);
    let errors = show(fixtures::errors());
    assert_eq!(cell(&errors, "41.5 err/s").fg, Color::Red);
    assert_eq!(cell(&errors, "43 failed").fg, Color::Red);
    assert_eq!(cell(&errors, "4 of 5 tasks reporting").fg, Color::Yellow);
    assert_eq!(cell(&errors, "18 s old").fg, Color::Yellow);
    assert_eq!(cell(&errors, "✗").fg, Color::Red);
    assert_eq!(cell(&errors, "saturated: it").fg, Color::Yellow);
    let steady = show(fixtures::steady());
    assert_eq!(cell(&steady, "● ").fg, Color::Green);
    assert!(cell(&steady, "0 failed").modifier.contains(Modifier::DIM));
    assert_eq!(cell(&steady, "local cloud").fg, Color::Reset);
    assert_eq!(cell(&steady, "K end").fg, Color::Red);
    assert_eq!(cell(&show(fixtures::full_cluster()), "cluster is full").fg, Color::Yellow);
    assert_eq!(cell(&show(fixtures::unanswered()), "no answers for 9 s").fg, Color::Yellow);
    // What has ended well looks like it: nothing is missing, nothing failed.
    for over in [fixtures::collecting(), fixtures::ended()] {
        let buffer = show(over);
        for calm in ["none running", "none connected", "peak 1,250"] {
            assert!(cell(&buffer, calm).modifier.contains(Modifier::DIM), "{calm}");
        }
        let loud = [Color::Yellow, Color::Red];
        let is_loud = |cell: &&Cell| loud.contains(&cell.fg) && cell.symbol() != " ";
        let found: String = buffer.content.iter().filter(is_loud).map(Cell::symbol).collect();
        assert_eq!(found, "", "there is nothing left to kill, either");
    }
    let mut costly = fixtures::steady();
    costly.site.costs = true;
    costly.site.label = "loadtop in eu-central-1".into();
    assert_eq!(cell(&show(costly), "loadtop in eu-central-1, costs money").fg, Color::Yellow);
}

#[test]
fn money_is_in_the_first_line_and_a_budget_in_colour() {
    let first = |snapshot, width| {
        seen(snapshot, "", width, 24).lines().next().unwrap_or_default().to_owned()
    };
    let costing = fixtures::costing;
    assert!(first(costing(), 120).contains("us-east-1, $1.23 so far · $4.10/h → tcp://"));
    for (width, words) in [(80, "$1.23 · $4.10/h"), (60, "$1.23 · $4.10/h → tcp://")] {
        assert!(first(costing(), width).contains(words), "{}", first(costing(), width));
    }
    let budget = "≈$4.65+? of $5.00 · ≈$4.10+?/h";
    for width in [40, 60, 80, 120] {
        let line = first(fixtures::budget(), width);
        assert!(line.contains(&budget[..20]), "{line}");
    }
    let show = |snapshot: Snapshot| picture(&fixtures::app(snapshot), Theme::default(), 120, 40);
    assert_eq!(cell(&show(costing()), "$1.23 so far").fg, Color::Reset);
    assert_eq!(cell(&show(fixtures::budget()), "≈$4.65").fg, Color::Red);
    let mut near = fixtures::budget();
    if let Some(budget) = near.cost.as_mut().and_then(|bill| bill.budget.as_mut()) {
        budget.left_ms = Some(900_000);
    }
    assert_eq!(cell(&show(near), "≈$4.65").fg, Color::Yellow);
    // Where nothing costs, nothing is said of money.
    assert!(!seen(fixtures::steady(), "", 120, 40).contains('$'));
}

#[test]
fn a_batch_is_previewed_in_its_prompt() {
    let last = |keys, width, height| {
        let text = seen(fixtures::costing(), keys, width, height);
        text.lines().last().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(last("b 1 0 0", 120, 40), @" devices of a batch (now 100): 100   +100: 1 task, 1 call, fits, $0.17/h then                   Enter set  Esc cancel");
    insta::assert_snapshot!(last("b 2 k", 80, 24), @" batch: 2k   +2,000: 8 tasks, 8 calls, needs 2 instances more, $0.34/h then");
    insta::assert_snapshot!(last("b 2 k Enter", 80, 24), @" +2,000: 8 tasks, 8 calls, needs 2 instances more, $0.34/h then");
}

#[test]
fn who_leads_is_quiet_until_it_matters() {
    let show = |snapshot, width, height| {
        picture(&fixtures::app(snapshot), Theme::default(), width, height)
    };
    let is_dim = |cell: Cell| cell.modifier.contains(Modifier::DIM) && cell.fg == Color::Reset;
    let well = show(fixtures::steady(), 120, 40);
    assert!(is_dim(cell(&well, "leading")) && is_dim(cell(&well, "lease 8m 00s")));
    for (width, height) in [(120, 40), (80, 24), (60, 16), (40, 12)] {
        let following = show(fixtures::following(), width, height);
        assert_eq!(cell(&following, "following build-7").fg, Color::Reset);
        assert!(is_dim(cell(&following, "lease 8m 00s")));
        for (snapshot, words) in [
            (fixtures::nobody(), "nobody leads: devices end in 9m 12s"),
            (fixtures::nobody(), "lease 9m 12s"),
            (fixtures::unsure(), "cannot reach the bucket"),
            (fixtures::leader_silent(), "following build-7: silent 8 s"),
        ] {
            assert_eq!(cell(&show(snapshot, width, height), words).fg, Color::Yellow, "{words}");
        }
    }
    // Whoever leads: a lease that is not renewed ends the devices.
    let mut late = fixtures::steady();
    late.run.iter_mut().for_each(|run| run.lease_left_ms = 29_000);
    let late = show(late, 80, 24);
    assert_eq!(cell(&late, "lease 29 s").fg, Color::Yellow);
    assert_eq!(cell(&late, "the lease is not renewed: devices end in 29 s").fg, Color::Yellow);
}

#[test]
fn the_way_out_says_when_it_ends() {
    let sentence = |snapshot, keys: &str, later: u64| {
        let mut app = fixtures::app(snapshot);
        press(&mut app, keys, NOW);
        // News go on coming in, and say the same.
        let again = Snapshot { at: NOW + later, ..(*app.snapshot).clone() };
        update(&mut app, Action::Observed(again.into()), NOW + later);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        paint(&mut buffer, &app, Theme::default(), NOW + later);
        text(&buffer).lines().nth(1).unwrap_or("").to_owned()
    };
    let big = fixtures::big_ending;
    insta::assert_snapshot!(sentence(big(), "q", 0), @" ● ending: 312 tasks left, about 9 s; then loadtop leaves (Ctrl-C: now)");
    insta::assert_snapshot!(sentence(big(), "q", 40_000), @" ● ending: 312 tasks left; leaves in 20 s if nothing moves (Ctrl-C: now)");
    insta::assert_snapshot!(sentence(fixtures::stuck(), "", 0), @" ● the end does not come: 3 tasks left; Enter shows what, and how to end it");
}

#[test]
fn the_header_drops_words_before_the_target_and_the_target_before_the_state() {
    let header = |snapshot, width| seen(snapshot, "", width, 24).lines().next().map(str::to_owned);
    let target = "tcp://127.0.0.1:38141";
    for (_, mut snapshot) in fixtures::all() {
        snapshot.target = target.into();
        // Where there is a budget, that it is nearly used up matters more.
        let widths = if snapshot.cost.as_ref().is_some_and(|it| it.budget.is_some()) {
            &[80, 120][..]
        } else {
            &[60, 80, 120]
        };
        for width in widths {
            let header = header(snapshot.clone(), *width).unwrap_or_default();
            assert!(header.contains(target), "{header}");
        }
    }
    let mut long = fixtures::steady();
    long.target = "tcp://devices.load.test.example.com:8883".into();
    for (width, costs, begins, ends) in [
        (
            120,
            false,
            " loadtop · local cloud, costs nothing → tcp://dev",
            "run 7f3a21c · running · 4m 12s",
        ),
        (
            80,
            false,
            " local cloud → tcp://devices.load.test.example.com:8883 ",
            " running · 4m 12s",
        ),
        (60, false, " local cloud → tcp://devices.load.test.ex…", " running · 4m 12s"),
        (
            80,
            true,
            " local cloud, costs money → tcp://devices.load.test.example.c…",
            " running · 4m 12s",
        ),
    ] {
        long.site.costs = costs;
        let header = header(long.clone(), width).unwrap_or_default();
        assert!(header.starts_with(begins) && header.ends_with(ends), "{header}");
    }
}

#[test]
fn silence_of_the_target_is_said_once_it_is_no_accident() {
    let sentence = |zeros: usize, phase: Phase| {
        let mut snapshot = fixtures::steady();
        let points = std::sync::Arc::make_mut(&mut snapshot.traffic.value.points);
        // The youngest point is not complete.
        let from = points.len() - 1 - zeros;
        points[from..].iter_mut().for_each(|point| point.requests_per_s = 0.0);
        snapshot.run.iter_mut().for_each(|run| run.phase = phase);
        seen(snapshot, "", 80, 24).lines().nth(1).unwrap_or("").to_owned()
    };
    assert!(!sentence(2, Phase::Running).contains("no answers"));
    assert!(sentence(3, Phase::Running).contains("no answers for 3 s, with 1,250 of 1,250"));
    assert!(!sentence(9, Phase::Paused).contains("no answers"));
    assert!(!sentence(9, Phase::Ending { tasks_left: 3, left_ms: None }).contains("no answers"));
}

#[test]
fn the_sentence_says_what_to_do_about_a_full_cluster() {
    let sentence = |change: fn(&mut Snapshot)| {
        let mut snapshot = fixtures::full_cluster();
        change(&mut snapshot);
        seen(snapshot, "", 120, 40).lines().nth(1).unwrap_or("").to_owned()
    };
    assert!(sentence(|_| {}).contains("2 tasks wait for room — press ] for another instance"));
    assert!(
        sentence(|snapshot| snapshot.instances.value.desired = 2)
            .contains("1 instance is on the way")
    );
    assert!(
        sentence(|snapshot| snapshot.instances.value.max = 1)
            .contains("the group is at its maximum of 1, press - for fewer devices")
    );
}

#[test]
fn nothing_old_is_shown_as_current() {
    let mut snapshot = fixtures::steady();
    snapshot.at = NOW - 20_000;
    snapshot.tasks.at = Some(NOW - 21_000);
    snapshot.instances.at = None;
    let text = seen(snapshot, "", 120, 40);
    assert!(text.contains("no news for 20 s"), "{text}");
    assert!(text.contains("21 s old"), "{text}");
    assert!(text.contains("no news yet"), "{text}");
}

#[test]
fn readonly_shows_no_key_that_changes_anything() {
    let mut app = fixtures::app(fixtures::steady());
    app.readonly = true;
    let text = text(&picture(&app, Theme::default(), 120, 40));
    let footer = text.lines().last().unwrap_or("");
    assert!(footer.contains("? help") && footer.contains("q quit"), "{footer}");
    for row in ROWS.iter().filter(|row| row.danger != Danger::Harmless && !row.label.is_empty()) {
        let entry = format!(" {} {}", row.names("").chars().take(1).collect::<String>(), row.label);
        assert!(!footer.contains(&entry), "{footer}");
    }
    assert!(text.contains("read-only"));
}

#[test]
fn what_others_say_cannot_steer_the_terminal() {
    let mut snapshot = fixtures::steady();
    snapshot.target = "tcp://\u{1b}[2Jevil\u{7}".into();
    let text = seen(snapshot, "", 120, 40);
    assert!(text.contains("evil"));
    assert!(!text.contains(['\u{1b}', '\u{7}']));
}
