//! What is found, and what it comes to: the same as the key.

use std::time::Duration;

use super::*;
use crate::{
    app::{
        fixtures::{self, NOW},
        keymap::Danger,
        keys::press,
        state::{Dialog, Question},
        view::View,
    },
    controller::command::Command,
};

/// The names that are found, best first.
fn found(app: &App, text: &str) -> Vec<String> {
    let palette = Palette { text: text.to_owned(), ..Palette::default() };
    entries(app, &palette).into_iter().map(|it| it.name).collect()
}

/// Opens the palette and types; a space is one.
fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    let mut effects = update(app, Action::OpenPalette, NOW);
    for c in text.chars() {
        effects.extend(update(app, Action::Type(c), NOW));
    }
    effects
}

/// Opens the palette, types, and presses Enter.
fn does(app: &mut App, text: &str) -> Vec<Effect> {
    let mut effects = typed(app, text);
    effects.extend(update(app, Action::Submit, NOW));
    effects
}

#[test]
fn the_best_match_comes_first() {
    let app = fixtures::app(fixtures::steady());
    for (text, first) in [
        ("add", "add"),
        ("batch", "batch"),
        ("ba", "batch"),
        ("tasks", "view-tasks"),
        ("view tasks", "view-tasks"),
        ("vt", "view-tasks"),
        ("end", "end-run"),
        ("kill all", "end-run"),
        ("asciinema", "record"),
        ("FREEZE", "freeze"),
        ("instance", "instance-more"),
        ("light", "theme light"),
        ("theme", "theme"),
        ("theme hi", "theme high-contrast"),
    ] {
        assert_eq!(found(&app, text).first().map(String::as_str), Some(first), "{text}");
    }
    assert_eq!(found(&app, "frobnicate"), [""; 0]);
    assert_eq!(found(&app, "theme ").len(), 1 + ThemeName::ALL.len());
}

#[test]
fn every_row_that_counts_is_there_by_its_name_and_does_what_its_key_does() {
    for view in View::ALL {
        let fresh = || {
            let mut app = fixtures::app(fixtures::steady());
            app.view = view;
            app
        };
        for row in keymap::view_rows(&fresh()).filter(|row| is_listed(row)) {
            let (mut by_key, mut by_name) = (fresh(), fresh());
            let effects = update(&mut by_key, row.action.clone(), NOW);
            assert_eq!(does(&mut by_name, row.name), effects, "{}", row.name);
            assert_eq!(by_name.mode, by_key.mode, "{}", row.name);
            assert_eq!((by_name.view, by_name.look), (by_key.view, by_key.look), "{}", row.name);
        }
    }
}

#[test]
fn a_value_goes_the_way_of_the_prompt() {
    let mut app = fixtures::app(fixtures::steady());
    assert_eq!(does(&mut app, "batch 250"), []);
    assert_eq!((app.batch, &app.mode), (250, &Mode::Normal));
    assert_eq!(does(&mut app, "win 2m"), []);
    assert_eq!(app.window, Duration::from_mins(2));
    assert_eq!(does(&mut app, "scale 3"), [Effect::Send(Command::ScaleTo(3, None))]);
    assert_eq!(does(&mut app, "theme light"), []);
    assert_eq!(app.look.theme, ThemeName::Light);
    does(&mut app, "tasks");
    assert_eq!(app.view, View::Tasks);
}

#[test]
fn what_is_refused_is_refused_in_place() {
    let mut app = fixtures::app(fixtures::steady());
    for (text, says) in [
        ("batch 0", "from 1 to 1,000,000"),
        ("scale 99", "the group's limits are 0 and 10"),
        ("window soon", "like 90s or 2m"),
        ("batch 25 devices, please", "from 1 to 1,000,000"),
        ("frobnicate", "nothing is called so"),
    ] {
        assert_eq!(does(&mut app, text), [], "{text}");
        let Mode::Palette(palette) = &app.mode else { panic!("{text}: {:?}", app.mode) };
        assert_eq!(palette.text, text);
        let why = palette.refusal.as_deref().expect("why");
        assert!(why.contains(says), "{text}: {why}");
        assert_eq!(app.batch, 100);
        // The next character is another try.
        update(&mut app, Action::Type('x'), NOW);
        assert!(matches!(&app.mode, Mode::Palette(it) if it.refusal.is_none()));
        update(&mut app, Action::Close, NOW);
        assert_eq!(app.mode, Mode::Normal);
    }
}

#[test]
fn what_is_typed_is_judged_while_it_is_typed() {
    let app = fixtures::app(fixtures::costing());
    let remark = |text: &str| {
        let palette = Palette { text: text.to_owned(), ..Palette::default() };
        remark(&app, &entries(&app, &palette)[0])
    };
    assert_eq!(remark("batch"), None);
    assert!(matches!(remark("batch "), Some(Ok(it)) if it.contains("like 250 or 2k")));
    assert!(matches!(remark("batch x"), Some(Err(it)) if it.contains("like 250 or 2k")));
    assert!(matches!(remark("batch 2k"), Some(Ok(it)) if it.starts_with("+2,000: 8 tasks")));
    assert_eq!(remark("window 5"), None);
}

#[test]
fn what_destroys_asks_here_too() {
    let mut app = fixtures::app(fixtures::steady());
    assert_eq!(does(&mut app, "end-run"), []);
    let asks =
        |app: &App| matches!(app.mode, Mode::Dialog(Dialog { question: Question::EndRun, .. }));
    assert!(asks(&app), "{:?}", app.mode);
}

#[test]
fn in_readonly_mode_what_changes_something_is_not_there() {
    let mut app = fixtures::app(fixtures::steady());
    app.readonly = true;
    for row in ROWS.iter().filter(|it| it.danger != Danger::Harmless) {
        assert!(!found(&app, "").contains(&row.name.to_owned()), "{}", row.name);
    }
    assert!(found(&app, "freeze").contains(&"freeze".to_owned()));
    assert_eq!(does(&mut app, "batch 5"), []);
    assert_eq!(app.batch, 100);
}

#[test]
fn tab_completes_and_arrows_choose() {
    let text = |app: &App| match &app.mode {
        Mode::Palette(palette) => palette.text.clone(),
        other => panic!("{other:?}"),
    };
    let mut app = fixtures::app(fixtures::steady());
    typed(&mut app, "ba");
    press(&mut app, "Tab", NOW);
    assert_eq!(text(&app), "batch ");
    press(&mut app, "7 Enter", NOW);
    assert_eq!(app.batch, 7);
    typed(&mut app, "theme ");
    press(&mut app, "Down Down Tab", NOW);
    let completed = text(&app);
    assert!(completed.starts_with("theme ") && completed.len() > 6, "{completed}");
    press(&mut app, "Enter", NOW);
    assert_eq!(app.look.theme.name(), &completed["theme ".len()..]);
    typed(&mut app, "open ");
    press(&mut app, "Tab", NOW);
    assert_eq!(text(&app), format!("open {}", app.snapshot.target));
    // Beyond the last there is none.
    update(&mut app, Action::Scroll(isize::MAX), NOW);
    press(&mut app, "Esc : Up Up Enter", NOW);
}

#[test]
fn what_is_pasted_is_typed_and_does_nothing() {
    let mut app = fixtures::app(fixtures::steady());
    update(&mut app, Action::OpenPalette, NOW);
    assert_eq!(update(&mut app, Action::Paste("batch\t\u{1b}9\nend-run\n".into()), NOW), []);
    assert!(matches!(&app.mode, Mode::Palette(it) if it.text == "batch9"), "{:?}", app.mode);
}
