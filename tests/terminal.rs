//! The terminal around the dashboard: stopping and going on, other sizes, the mouse,
//! pasted text, and recordings.

use std::{fs, path::PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    House, LOADTOP, eventually,
    processes::{self, Process},
    screen::{Screen, Terminal},
};

/// A shell with job control, and the dashboard in it.
fn begin_in_a_shell(house: &House) -> (Screen, Process) {
    let prompt = ("PS1".to_owned(), "ready> ".to_owned());
    let mut screen = Screen::start_program(house, "sh", &["-i"], &[prompt], (120, 40));
    screen.until("a prompt", |text| text.contains("ready>"));
    screen.press(&format!("{LOADTOP} --ramp-up 1s\n"));
    screen.until("the empty dashboard", is_empty_dashboard);
    let family = processes::below(screen.pid());
    let loadtop = family.iter().find(|it| it.command_line().starts_with(LOADTOP)).unwrap().clone();
    (screen, loadtop)
}

fn is_empty_dashboard(text: &str) -> bool {
    text.contains("press + for 100 devices")
}

/// Leaves the dashboard and the shell.
fn leave(mut screen: Screen) {
    screen.press("q");
    screen.until("the last words", |text| text.contains("nothing is left running"));
    assert!(screen.is_sane(), "{}", screen.text());
    screen.press("exit\n");
    screen.exit_code();
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let house = House::new();
    let (mut screen, loadtop) = begin_in_a_shell(&house);
    for _ in 0..2 {
        screen.press("\u{1a}");
        screen.until("the shell", |text| text.contains("fg brings it back"));
        eventually("it stands still", || loadtop.is_stopped());
        screen.press("echo still $((40 + 2))\n");
        screen.until("a shell that works", |text| text.contains("still 42"));
        assert!(!screen.is_alternate(), "{}", screen.text());
        screen.press("fg\n");
        screen.until("the dashboard", is_empty_dashboard);
        assert!(screen.has_mouse());
        // Keys are keys again.
        screen.press("?");
        screen.until("the help", |text| text.contains("Keys"));
        screen.press("?");
        screen.until("no help", is_empty_dashboard);
    }
    leave(screen);
}

#[test]
fn in_the_background_it_waits_and_stopped_from_elsewhere_it_comes_back_whole() {
    let house = House::new();
    let (mut screen, loadtop) = begin_in_a_shell(&house);
    screen.press("\u{1a}");
    eventually("it stands still", || loadtop.is_stopped());
    screen.press("bg\n");
    screen.press("echo still $((40 + 2))\n");
    screen.until("a shell that works", |text| text.contains("still 42"));
    eventually("it waits for the terminal", || loadtop.is_stopped());
    screen.press("fg\n");
    screen.until("the dashboard", is_empty_dashboard);

    // Nobody gave the terminal back this time: the shell writes over the picture.
    let before = screen.text();
    let pid = Pid::from_raw(loadtop.pid.cast_signed()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    eventually("it stands still", || loadtop.is_stopped());
    screen.press("\necho sal$((1))ad\n");
    screen.until("a shell over the picture", |text| text.contains("sal1ad"));
    screen.press("fg\n");
    screen.until("the dashboard", |text| is_empty_dashboard(text) && !text.contains("sal1ad"));
    assert_eq!(screen.text().lines().count(), before.lines().count(), "{}", screen.text());
    leave(screen);
}

#[test]
fn whatever_size_the_terminal_takes_nothing_of_another_picture_stays() {
    let house = House::new();
    let mut screen = Screen::start(&house, &[], 120, 40);
    screen.until("the empty dashboard", is_empty_dashboard);
    for size in [(80, 24), (200, 60), (60, 16), (20, 5), (300, 100), (61, 40), (120, 16), (80, 24)]
    {
        screen.resize(size.0, size.1);
        screen.until("a picture of that size", |_| is_whole(&screen, size));
    }
    // Back and forth between two pictures, so that the first may never be told.
    for _ in 0..20 {
        screen.resize(60, 16);
        screen.resize(80, 24);
    }
    screen.until("a picture of that size", |_| is_whole(&screen, (80, 24)));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane(), "{}", screen.text());
}

/// Whether the screen is what another terminal shows that never had another size: the
/// same words at the same places.
fn is_whole(screen: &Screen, (columns, rows): (u16, u16)) -> bool {
    let text = screen.text();
    if columns < 40 || rows < 12 {
        return text.contains("needs 40x12") && text.lines().count() <= usize::from(rows);
    }
    let first = text.lines().next().unwrap_or_default();
    let borders = text.lines().filter(|line| line.contains("╭")).count();
    let closed = text.lines().filter(|line| line.contains("╰")).count();
    first.contains("local cloud")
        && borders == closed
        && text.matches("no run").count() == 1
        && text.lines().all(|line| line.chars().count() <= usize::from(columns))
        && is_empty_dashboard(&text)
}

#[test]
fn a_click_alone_kills_nothing_and_pasted_text_is_no_keys() {
    let house = House::new();
    let mut screen = Screen::start(&house, &["--ramp-up", "1s", "-n", "10"], 120, 40);
    screen.until("10 connected", |text| text.contains("10 of 10 devices connected"));
    // Shift-K and y, as if typed, and as part of a text.
    screen.press("\x1b[200~Ky\r\nKy\x1b[201~");
    screen.press("K");
    screen.until("the question", |text| text.contains("End the run"));
    let button = screen.find("[ kill ]").unwrap();
    screen.click(button);
    screen.press("z");
    screen.until("the box is ticked", |text| text.contains("[x]"));
    assert!(screen.text().contains("End the run"), "{}", screen.text());
    let cancel = screen.find("[ cancel ]").unwrap();
    screen.click(cancel);
    screen.until("no question", |text| !text.contains("End the run"));
    screen.press("K");
    screen.until("the question", |text| text.contains("End the run"));
    screen.click(button);
    screen.click(button);
    screen.until("the end", |text| text.contains("ended"));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane(), "{}", screen.text());
}

#[test]
fn without_the_mouse_the_terminal_keeps_it() {
    let house = House::new();
    let mut screen = Screen::start(&house, &["--no-mouse"], 120, 40);
    screen.until("the empty dashboard", is_empty_dashboard);
    assert!(!screen.has_mouse());
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
}

/// What a player shows at the end of a recording.
fn played(file: &PathBuf) -> String {
    let text = fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(header["version"], 2);
    assert_eq!(header.get("env"), None);
    let size = |name: &str| u16::try_from(header[name].as_u64().unwrap()).unwrap();
    let mut terminal = Terminal::new(size("width"), size("height"));
    for line in lines {
        let (_, kind, data): (f64, String, String) = serde_json::from_str(line).unwrap();
        match data.split_once('x') {
            Some((columns, rows)) if kind == "r" => {
                terminal.resize(columns.parse().unwrap(), rows.parse().unwrap());
            }
            _ => terminal.take(data.as_bytes()),
        }
    }
    terminal.text()
}

#[test]
fn a_recording_shows_what_was_on_the_screen_even_of_a_dashboard_that_was_killed() {
    let house = House::new();
    let file = house.path().join("mine.cast");
    let named = file.to_str().unwrap().to_owned();
    let mut screen = Screen::start(&house, &["--record", &named], 120, 40);
    screen.until("the empty dashboard", is_empty_dashboard);
    screen.resize(80, 24);
    screen.press("?");
    screen.until("the help", |text| text.contains("Keys"));
    // The rest of the picture, too: the clock of an age may move in between.
    eventually("the same in the recording", || played(&file) == screen.text());
    let pid = Pid::from_raw(screen.pid().cast_signed()).unwrap();
    let shown = screen.text();
    kill_process(pid, Signal::KILL).unwrap();
    assert!(shown.contains("Keys"), "{shown}");
    eventually("it can be played", || played(&file).contains("Keys"));
}

#[test]
fn c_records_and_ends_and_the_last_words_say_where() {
    let house = House::new();
    let mut screen = Screen::start(&house, &["--ramp-up", "1s"], 120, 40);
    screen.until("the empty dashboard", is_empty_dashboard);
    screen.press("c");
    screen.until("that it records", |text| text.contains("recording to "));
    screen.press("c");
    screen.until("that it ended", |text| text.contains("recorded: "));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.text().contains("asciinema play"), "{}", screen.text());
    let casts = fs::read_dir(house.path().join("loadtop")).unwrap();
    let casts: Vec<PathBuf> = casts.map(|it| it.unwrap().path()).collect();
    let cast = casts.iter().find(|it| it.extension().is_some_and(|it| it == "cast")).unwrap();
    assert!(is_empty_dashboard(&played(cast)));
}

#[test]
fn a_recording_overwrites_nothing() {
    let house = House::new();
    let file = house.path().join("mine.cast");
    fs::write(&file, "mine").unwrap();
    let named = file.to_str().unwrap().to_owned();
    let mut screen = Screen::start(&house, &["--record", &named], 120, 40);
    assert_eq!(screen.exit_code(), 2);
    assert!(screen.text().contains("name another file"), "{}", screen.text());
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}
