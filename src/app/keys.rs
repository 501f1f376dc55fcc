//! Strings of keys, and what they come to: `"b 2 5 0 Enter +"` sends one `Add(250)`.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

mod every_row;

use super::{
    action::Action,
    effect::{Cause, Effect, Fleet, Signal},
    fixtures::{self, NOW},
    state::{App, END_DEADLINE_MS, Mode},
    update::update,
};
use crate::{
    controller::{
        command::Command,
        snapshot::{Phase, Snapshot},
    },
    model::{Millis, confirmed::Confirmed, wish::Spread},
    plan::Target,
    ui::keymap,
};

/// Presses `keys` one after the other and gives back all effects. A word that names
/// a key is that key; any other is its characters.
pub(crate) fn press(app: &mut App, keys: &str, now: Millis) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split_whitespace().flat_map(named) {
        if let Some(action) = keymap::resolve(app, key) {
            effects.extend(update(app, action, now));
        }
    }
    effects
}

fn named(word: &str) -> Vec<KeyEvent> {
    let plain = |code| vec![KeyEvent::new(code, KeyModifiers::NONE)];
    match word {
        "Enter" => plain(KeyCode::Enter),
        "Esc" => plain(KeyCode::Esc),
        "Tab" => plain(KeyCode::Tab),
        "Left" => plain(KeyCode::Left),
        "Right" => plain(KeyCode::Right),
        "Up" => plain(KeyCode::Up),
        "Down" => plain(KeyCode::Down),
        "Backspace" => plain(KeyCode::Backspace),
        "Ctrl-C" => vec![KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)],
        _ => word
            .chars()
            .map(|c| {
                // As terminals do: a capital letter comes with Shift.
                let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                KeyEvent::new(KeyCode::Char(c), shift)
            })
            .collect(),
    }
}

fn add_over(devices: u32, over: Duration) -> Effect {
    Effect::Send(Command::Add { devices, over, spread: Spread::Uniform, seed: None })
}

fn add(devices: u32) -> Effect {
    add_over(devices, Duration::from_secs(10))
}

fn target(address: &str) -> Target {
    format!("tcp://{address}").parse().expect("a target")
}

fn end(confirmed: Confirmed) -> Effect {
    Effect::Send(Command::End { scale_to_zero: false, confirmed })
}

/// What `keys` come to on a dashboard that shows `snapshot`.
pub(crate) fn on(snapshot: Snapshot, keys: &str) -> Vec<Effect> {
    press(&mut fixtures::app(snapshot), keys, NOW)
}

/// All is well, on a cloud that goes on without us.
pub(crate) fn outliving() -> Snapshot {
    let mut snapshot = fixtures::steady();
    snapshot.site.outlives_us = true;
    snapshot
}

/// The controller knows this, `now`.
pub(crate) fn observe(app: &mut App, snapshot: Snapshot, now: Millis) -> Vec<Effect> {
    update(app, Action::Observed(Snapshot { at: now, ..snapshot }.into()), now)
}

#[test]
fn keys_that_change_the_run() {
    use Command::{Export, Open, Pause, Rate, Remove, Resume, ScaleBy, ScaleTo};
    let table: &[(&str, Vec<Effect>)] = &[
        ("++", vec![add(100), add(100)]),
        ("=", vec![add(100)]),
        ("+-", vec![add(100), Effect::Send(Remove { devices: 100 })]),
        ("b 2 5 0 Enter +", vec![add(250)]),
        ("b 2k Enter +", vec![add(2000)]),
        ("b 0 Enter +", vec![]),
        ("b 0 Enter Backspace 7 Enter +", vec![add(7)]),
        ("b 9 Esc +", vec![add(100)]),
        ("b Enter +", vec![add(100)]),
        ("w 0 Enter +", vec![add_over(100, Duration::ZERO)]),
        ("]]", vec![Effect::Send(ScaleBy(1, None)), Effect::Send(ScaleBy(1, None))]),
        ("s 3 Enter", vec![Effect::Send(ScaleTo(3, None))]),
        ("s 99 Enter", vec![]),
        ("p", vec![Effect::Send(Pause)]),
        ("pp", vec![Effect::Send(Pause), Effect::Send(Resume)]),
        ("r 5 0 0 Enter", vec![Effect::Send(Rate(Some(500.0)))]),
        ("r 1.5k Enter", vec![Effect::Send(Rate(Some(1500.0)))]),
        ("r off Enter", vec![Effect::Send(Rate(None))]),
        ("r 0 Enter Backspace 7 Enter", vec![Effect::Send(Rate(Some(7.0)))]),
        ("r Enter r 9 Esc", vec![]),
        ("o tcp://127.0.0.1:7001 Enter", vec![Effect::Send(Open(target("127.0.0.1:7001")))]),
        ("o tcp://127.0.0.1 Enter", vec![]),
        ("o tcp://127.0.0.1:701 Left 0 Enter", vec![Effect::Send(Open(target("127.0.0.1:7001")))]),
        // It is that one already.
        ("o tcp://127.0.0.1:38141 Enter", vec![]),
        ("x", vec![Effect::Send(Export)]),
        ("f l ? q", vec![]),
        ("y z 1 Enter Tab", vec![]),
    ];
    for (keys, effects) in table {
        assert_eq!(on(fixtures::steady(), keys), *effects, "{keys}");
    }
}

#[test]
fn nothing_dies_without_a_yes() {
    for keys in ["K", "K n", "K Esc", "K Enter", "K q", "K K", "k y", "K n y", "q", "q n", "Ctrl-C"]
    {
        assert_eq!(on(fixtures::steady(), keys), [], "{keys}");
    }
    for keys in ["K y", "K Tab Enter", "K Left Enter", "K z z y"] {
        assert_eq!(on(fixtures::steady(), keys), [end(Confirmed::ByDialog)], "{keys}");
    }
    let to_zero = Command::End { scale_to_zero: true, confirmed: Confirmed::ByDialog };
    assert_eq!(on(fixtures::steady(), "K z y"), [Effect::Send(to_zero)]);
    // There is nothing to end, to remove or to pause.
    assert_eq!(on(fixtures::empty(), "K y - p"), []);
    assert_eq!(on(fixtures::ended(), "K y - p"), []);
}

#[test]
fn a_run_that_is_ending_takes_nothing_more() {
    assert_eq!(on(fixtures::ending(), "+ - p K y"), []);
    assert_eq!(on(fixtures::steady(), "K y + p"), [end(Confirmed::ByDialog)]);
    // On the way out not even the instances are touched any more.
    assert_eq!(on(fixtures::steady(), "q y ] [ s 3 Enter"), [end(Confirmed::ByDialog)]);
    let scaled = [end(Confirmed::ByDialog), Effect::Send(Command::ScaleBy(-1, None))];
    assert_eq!(on(fixtures::steady(), "K y ["), scaled);
    assert_eq!(on(fixtures::ended(), "+"), [add(100)]);
}

#[test]
fn quitting() {
    let gone = Effect::Leave(Cause::Quit, Fleet::Gone);
    assert_eq!(on(fixtures::empty(), "q"), std::slice::from_ref(&gone));
    assert_eq!(on(fixtures::empty(), "Ctrl-C"), std::slice::from_ref(&gone));
    assert_eq!(on(fixtures::ended(), "q"), [gone]);
    // A batch was asked for and is not seen yet: it is not left behind unasked.
    assert_eq!(on(fixtures::empty(), "+ q"), [add(100)]);
    // Leaving it running is offered only where it would survive.
    assert_eq!(on(fixtures::steady(), "q l"), []);
    assert_eq!(on(fixtures::steady(), "q y"), [end(Confirmed::ByDialog)]);
}

#[test]
fn the_second_interrupt_kills_and_the_third_waits_for_nothing() {
    let killed = end(Confirmed::BySecondInterrupt);
    assert_eq!(on(fixtures::steady(), "Ctrl-C Ctrl-C"), std::slice::from_ref(&killed));
    assert_eq!(on(fixtures::steady(), "Ctrl-C n Ctrl-C"), []);
    let left = Effect::Leave(Cause::Interrupt, Fleet::NotSeenToEnd);
    assert_eq!(on(fixtures::steady(), "Ctrl-C Ctrl-C Ctrl-C"), [killed, left]);
}

#[test]
fn after_a_kill_the_end_is_waited_for() {
    let mut app = fixtures::app(fixtures::steady());
    assert_eq!(press(&mut app, "q y", NOW), [end(Confirmed::ByDialog)]);
    assert_eq!(observe(&mut app, fixtures::ending(), NOW + 2000), []);
    // A picture from before the kill would be no proof.
    let mut early = fixtures::app(fixtures::steady());
    press(&mut early, "q y", NOW);
    assert_eq!(observe(&mut early, fixtures::ended(), NOW), []);
    let left = observe(&mut app, fixtures::ended(), NOW + 3000);
    assert_eq!(left, [Effect::Leave(Cause::Quit, Fleet::Gone)]);
}

#[test]
fn the_end_is_not_waited_for_for_ever() {
    let mut app = fixtures::app(fixtures::steady());
    press(&mut app, "q y", NOW);
    assert_eq!(observe(&mut app, fixtures::ending(), NOW + 2000), []);
    let deadline = NOW + 2000 + END_DEADLINE_MS;
    // The same again is no progress.
    assert_eq!(observe(&mut app, fixtures::ending(), deadline - 1), []);
    let left = update(&mut app, Action::Tick, deadline);
    assert_eq!(left, [Effect::Leave(Cause::Quit, Fleet::NotSeenToEnd)]);
}

#[test]
fn the_end_is_waited_for_as_long_as_it_comes_nearer() {
    let mut app = fixtures::app(fixtures::steady());
    press(&mut app, "q y", NOW);
    let at = |phase| {
        let mut snapshot = fixtures::ending();
        snapshot.run.iter_mut().for_each(|run| run.phase = phase);
        snapshot
    };
    let mut now = NOW;
    let steps = (0..3).rev().map(|tasks_left| Phase::Ending { tasks_left, left_ms: None });
    let steps = steps.chain((0..5).map(|read| Phase::Collecting { read, of: 4 }));
    for phase in steps {
        now += END_DEADLINE_MS - 1;
        assert_eq!(observe(&mut app, at(phase), now), [], "{phase:?}");
    }
    // From the start again, and once more as far as before: no progress.
    for phase in
        [Phase::Ending { tasks_left: 0, left_ms: None }, Phase::Collecting { read: 4, of: 4 }]
    {
        assert_eq!(observe(&mut app, at(phase), now + END_DEADLINE_MS - 1), []);
    }
    // Only the results are missing.
    let left = update(&mut app, Action::Tick, now + END_DEADLINE_MS);
    assert_eq!(left, [Effect::Leave(Cause::Quit, Fleet::Gone)]);
}

#[test]
fn results_on_their_way_in_are_waited_for() {
    assert_eq!(on(fixtures::collecting(), "+ - p K y q n"), []);
    assert_eq!(on(fixtures::collecting(), "q Ctrl-C"), [Effect::Leave(Cause::Quit, Fleet::Gone)]);
    let mut app = fixtures::app(fixtures::collecting());
    press(&mut app, "q", NOW);
    let left = observe(&mut app, fixtures::ended(), NOW + 3000);
    assert_eq!(left, [Effect::Leave(Cause::Quit, Fleet::Gone)]);
}

#[test]
fn signals_end_what_would_not_survive_us() {
    let signal = Action::Signalled(Signal::Terminate);
    let mut app = fixtures::app(fixtures::steady());
    assert_eq!(update(&mut app, signal.clone(), NOW), [end(Confirmed::BySignal)]);
    assert_eq!(update(&mut app, signal.clone(), NOW), []);
    let left = observe(&mut app, fixtures::ended(), NOW + 3000);
    assert_eq!(left, [Effect::Leave(Cause::Signal(Signal::Terminate), Fleet::Gone)]);

    let mut app = fixtures::app(fixtures::empty());
    let left = update(&mut app, signal, NOW);
    assert_eq!(left, [Effect::Leave(Cause::Signal(Signal::Terminate), Fleet::Gone)]);
}

#[test]
fn readonly_changes_nothing() {
    for keys in ["+ = - ] [ p", "K y", "b 5 Enter +", "s 0 Enter", "r 5 Enter", "o"] {
        let mut app = fixtures::app(fixtures::steady());
        app.readonly = true;
        assert_eq!(press(&mut app, keys, NOW), [], "{keys}");
        assert_eq!(app.mode, Mode::Normal, "{keys}");
    }
    let mut app = fixtures::app(outliving());
    app.readonly = true;
    // Even an action that no key makes there is refused.
    assert_eq!(update(&mut app, Action::AddBatch, NOW), []);
    assert_eq!(press(&mut app, "q", NOW), [Effect::Leave(Cause::Quit, Fleet::RunsOn)]);
}

#[test]
fn a_frozen_picture_stays_while_the_run_goes_on() {
    let mut app = fixtures::app(fixtures::ramping());
    press(&mut app, "f", NOW);
    observe(&mut app, fixtures::steady(), NOW + 1000);
    assert_eq!(app.shown(), &fixtures::ramping());
    assert_eq!(app.shown_at(NOW + 5000), NOW);
    press(&mut app, "f", NOW + 6000);
    assert_eq!(app.shown().devices, fixtures::steady().devices);
}

#[test]
fn a_question_that_answered_itself_is_withdrawn() {
    let mut app = fixtures::app(fixtures::steady());
    press(&mut app, "K", NOW);
    observe(&mut app, fixtures::ended(), NOW + 1000);
    assert_eq!(app.mode, Mode::Normal);
    assert_eq!(app.phase(), Some(Phase::Ended));
    assert_eq!(app.ended_at, Some(NOW + 1000));
}

/// A text that comes from a clipboard.
fn paste(app: &mut App, text: &str) -> Vec<Effect> {
    update(app, Action::Paste(text.into()), NOW)
}

#[test]
fn a_paste_is_typed_into_a_prompt_and_is_nothing_anywhere_else() {
    for keys in ["", "K", "q", "?"] {
        let mut app = fixtures::app(fixtures::steady());
        press(&mut app, keys, NOW);
        let mode = app.mode.clone();
        assert_eq!(paste(&mut app, "+++\ny\nq\n"), [], "{keys}");
        assert_eq!(app.mode, mode, "{keys}");
    }
    let mut app = fixtures::app(fixtures::steady());
    press(&mut app, "b", NOW);
    assert_eq!(paste(&mut app, "250\n+\n"), []);
    assert!(matches!(app.mode, Mode::Prompt(_)), "a paste confirms nothing");
    assert_eq!(press(&mut app, "Enter +", NOW), [add(250)]);
    // In the palette it is what is looked for.
    press(&mut app, ":", NOW);
    assert_eq!(paste(&mut app, "end-run\ny\n"), []);
    assert!(matches!(&app.mode, Mode::Palette(palette) if palette.text == "end-run"));
}

#[test]
fn a_filter_takes_effect_as_it_is_typed_and_esc_takes_it_back() {
    let mut app = fixtures::app(fixtures::steady());
    press(&mut app, "3 / a b", NOW);
    assert_eq!(app.lists.tasks.filter, "ab");
    press(&mut app, "Enter", NOW);
    assert_eq!((app.lists.tasks.filter.as_str(), &app.mode), ("ab", &Mode::Normal));
    press(&mut app, "/ c Backspace Backspace d", NOW);
    assert_eq!(app.lists.tasks.filter, "ad");
    press(&mut app, "Esc", NOW);
    assert_eq!(app.lists.tasks.filter, "ab");
    press(&mut app, "/ Backspace Backspace Enter", NOW);
    assert_eq!((app.lists.tasks.filter.as_str(), &app.mode), ("", &Mode::Normal));
    assert_eq!(app.lists.notices.filter, "");
}

#[test]
fn a_rate_needs_a_run_and_a_target_does_not() {
    for keys in ["r", "r 5 Enter"] {
        let mut app = fixtures::app(fixtures::empty());
        assert_eq!(press(&mut app, keys, NOW), []);
        assert_eq!(app.mode, Mode::Normal);
        assert!(app.hint.expect("a word").text.contains("no run whose rate"));
    }
    let open = Effect::Send(Command::Open(target("a:1")));
    assert_eq!(on(fixtures::empty(), "o tcp://a:1 Enter"), [open]);
    let mut app = fixtures::app(fixtures::ending());
    assert_eq!(press(&mut app, "o r", NOW), []);
    assert_eq!(app.mode, Mode::Normal);
}
