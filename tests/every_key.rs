//! Every key of the table, pressed on a fleet that is alive: nothing dies that nobody
//! agreed to, and the screen is there after each.

use loadtop::app::{
    keymap::{Key, KeyCode, Place, ROWS, Row},
    view::View,
};

use crate::support::{
    House, eventually,
    processes::{self, Process},
    screen::Screen,
};

/// What a terminal sends for a key.
fn bytes(key: Key) -> String {
    let text = match key.code {
        KeyCode::Char(c) if key.ctrl => char::from(c as u8 & 0x1f).to_string(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "\r".to_owned(),
        KeyCode::Esc => "\u{1b}".to_owned(),
        KeyCode::Tab => "\t".to_owned(),
        KeyCode::BackTab => "\u{1b}[Z".to_owned(),
        KeyCode::Backspace => "\u{7f}".to_owned(),
        KeyCode::Up => "\u{1b}[A".to_owned(),
        KeyCode::Down => "\u{1b}[B".to_owned(),
        KeyCode::Right => "\u{1b}[C".to_owned(),
        KeyCode::Left => "\u{1b}[D".to_owned(),
        KeyCode::Home => "\u{1b}[H".to_owned(),
        KeyCode::End => "\u{1b}[F".to_owned(),
        KeyCode::PageUp => "\u{1b}[5~".to_owned(),
        KeyCode::PageDown => "\u{1b}[6~".to_owned(),
        KeyCode::Delete => "\u{1b}[3~".to_owned(),
        KeyCode::Insert => "\u{1b}[2~".to_owned(),
        KeyCode::F(_) => panic!("no row has a function key: {key}"),
    };
    assert!(!key.alt, "no row has Alt: {key}");
    text
}

/// The view that is shown: the one whose number, in the line of the views, is not
/// written on the same ground as the line's margin.
fn shown(screen: &Screen) -> Option<View> {
    let text = screen.text();
    let numbers = || (1..=View::ALL.len()).map(|number| format!(" {number} "));
    let is_tabs = |line: &str| numbers().all(|number| line.contains(&number));
    let (row, line) = text.lines().enumerate().find(|(_, line)| is_tabs(line))?;
    let row = u16::try_from(row).ok()?;
    let margin = screen.ground((0, row))?;
    let is_marked = |number: &String| {
        let before = line.find(number).map(|at| line[..=at].chars().count());
        let column = before.and_then(|it| u16::try_from(it).ok());
        column.and_then(|column| screen.ground((column, row))).is_some_and(|it| it != margin)
    };
    View::ALL.into_iter().zip(numbers()).find(|(_, number)| is_marked(number)).map(|it| it.0)
}

/// Closes whatever is open, and goes to this view. From another one it has seen then
/// that nothing is open: in a dialog or a prompt a number shows no view.
fn go_to(screen: &mut Screen, view: View) {
    let number = View::ALL.iter().position(|it| *it == view).unwrap() + 1;
    eventually(view.name(), || {
        // On its own: Esc with something right behind it would be another key.
        screen.press("\u{1b}");
        screen.until_still();
        screen.press(&number.to_string());
        screen.until_still();
        shown(screen) == Some(view)
    });
}

/// The processes of its tasks.
fn agents(screen: &Screen) -> Vec<Process> {
    let family = processes::below(screen.pid());
    processes::named(&family, "agent").into_iter().cloned().collect()
}

/// What is pressed in each view: the table, but for what stops the program as a whole.
/// tests/terminal.rs has a shell that brings it back.
fn rows() -> impl Iterator<Item = &'static Row> {
    let places = [Place::Everywhere, Place::Dashboard, Place::List, Place::Tasks, Place::Charts];
    ROWS.iter().filter(move |row| places.contains(&row.place) && row.name != "suspend")
}

/// Waits until there are as many devices as these keys ask for, after a hundred.
fn until_all_are_there(screen: &Screen, pressed: &[&str]) {
    let times = |name: &str| pressed.iter().filter(|it| **it == name).count();
    let devices = 100 * (1 + times("add") - times("remove"));
    let all = format!("{devices} of {devices} devices connected");
    screen.until("all are there", |text| text.contains(&all));
}

/// What is asked where this key would end something.
fn question(row: &Row, view: View) -> Option<&'static str> {
    match (row.name, view) {
        ("end-run", _) => Some("End the run"),
        ("quit" | "interrupt", _) => Some("Leaving ends run"),
        ("stop-task", View::Tasks) => Some("Stop a task"),
        _ => None,
    }
}

#[test]
fn every_key_in_every_view_kills_nothing_by_itself() {
    let house = House::new();
    let mut screen = Screen::start(&house, &["--ramp-up", "1s"], 120, 40);
    screen.until("the empty dashboard", |text| text.contains("press + for 100 devices"));
    screen.press("+");
    screen.until("100 connected", |text| text.contains("100 of 100 devices connected"));
    let eldest = agents(&screen);
    assert_eq!(eldest.len(), 1);
    let mut pressed = Vec::new();
    let mut before = None;
    for (row, key) in rows().flat_map(|row| row.keys.iter().map(move |key| (row, *key))) {
        if row.name == "stop-task" {
            go_to(&mut screen, View::Overview);
            until_all_are_there(&screen, &pressed);
            before = Some(agents(&screen));
        }
        for view in View::ALL {
            go_to(&mut screen, view);
            if (row.name, view) == ("stop-task", View::Tasks) {
                // What is selected is one that could be stopped.
                screen.press("/state:running\r");
            }
            screen.press(&bytes(key));
            pressed.push(row.name);
            if let Some(question) = question(row, view) {
                screen.until(question, |text| text.contains(question));
            }
        }
    }
    go_to(&mut screen, View::Overview);
    // No question was answered: only `-` took devices away, and no agent was replaced.
    until_all_are_there(&screen, &pressed);
    let before = before.unwrap();
    assert!(agents(&screen).iter().all(|it| before.contains(it)), "{}", screen.text());
    assert!(eldest.iter().all(Process::is_alive), "{}", screen.text());
    // And it is steered as before.
    screen.press("b50\r");
    screen.until("the batch is set", |text| text.contains("add 50"));
    screen.press("K");
    screen.until("the question", |text| text.contains("End run"));
    screen.press("y");
    screen.until("the end", |text| text.contains("nothing left running"));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane(), "{}", screen.text());
}
