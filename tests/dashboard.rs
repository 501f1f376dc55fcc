//! The whole binary in a pseudo-terminal, as a person uses it.

use crate::support::{
    House, eventually,
    processes::{self, Process},
    screen::Screen,
};

/// Until the dashboard is there and says what to do.
fn begin(house: &House) -> Screen {
    begin_on(house, 120, 40)
}

/// The same on a terminal of this size.
fn begin_on(house: &House, columns: u16, rows: u16) -> Screen {
    let screen = Screen::start(house, &["--ramp-up", "2s"], columns, rows);
    screen.until("the empty dashboard", |text| text.contains("press + for 100 devices"));
    screen
}

/// Whether the screen says so, in its line of how things are.
fn connected(text: &str, devices: &str) -> bool {
    text.contains(&format!("{devices} of {devices} devices connected"))
}

/// Leaves with Ctrl-C twice: the first asks, the second kills.
fn interrupt_twice(screen: &mut Screen) {
    let family = processes::below(screen.pid());
    screen.press("\u{3}");
    screen.until("the question", |text| text.contains("Leaving ends run"));
    screen.press("\u{3}");
    assert_eq!(screen.exit_code(), 130);
    assert!(screen.is_sane(), "{}", screen.text());
    assert!(screen.text().contains("nothing is left running"), "{}", screen.text());
    assert_all_gone(&family);
}

fn assert_all_gone(family: &[Process]) {
    eventually("every process is gone", || family.iter().all(|it| !it.is_alive()));
}

#[test]
fn plus_a_hundred_devices_and_kill_and_quit() {
    let house = House::new();
    let mut screen = begin(&house);
    screen.press("+");
    screen.until("100 connected", |text| connected(text, "100"));
    let family = processes::below(screen.pid());
    assert_eq!(processes::named(&family, "agent").len(), 1);
    assert_eq!(processes::named(&family, "target").len(), 1);
    screen.press("+");
    screen.until("200 connected", |text| connected(text, "200"));
    screen.press("-");
    screen.until("100 connected again", |text| connected(text, "100"));
    screen.press("K");
    screen.until("the question", |text| text.contains("End run"));
    screen.press("y");
    screen.until("the end", |text| text.contains("ended"));
    eventually("the agents are gone", || {
        processes::named(&processes::below(screen.pid()), "agent").is_empty()
    });
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane(), "{}", screen.text());
    assert!(screen.text().contains("nothing is left running"), "{}", screen.text());
    assert_all_gone(&family);
}

#[test]
fn killed_for_good_it_leaves_no_process() {
    let house = House::new();
    let mut screen = begin(&house);
    screen.press("+");
    screen.until("100 connected", |text| connected(text, "100"));
    let family = processes::below(screen.pid());
    assert!(family.len() >= 2);
    let pid = rustix::process::Pid::from_raw(screen.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let killed = std::time::Instant::now();
    assert_all_gone(&family);
    assert!(killed.elapsed().as_secs() < 5, "it took {:?}", killed.elapsed());
}

#[test]
fn an_agent_killed_by_hand_is_told_and_replaced() {
    let house = House::new();
    let mut screen = begin(&house);
    screen.press("+");
    screen.until("100 connected", |text| connected(text, "100"));
    let family = processes::below(screen.pid());
    let agent = processes::named(&family, "agent")[0].clone();
    let pid = rustix::process::Pid::from_raw(agent.pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    screen.until("the loss is told", |text| text.contains("exit code 137"));
    eventually("another agent runs", || {
        let now = processes::below(screen.pid());
        processes::named(&now, "agent").iter().any(|it| it.pid != agent.pid)
    });
    screen.until("100 connected again", |text| connected(text, "100"));
    interrupt_twice(&mut screen);
}

#[test]
fn sigterm_and_sighup_restore_the_terminal_and_leave_nothing() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let house = House::new();
        let mut screen = begin(&house);
        screen.press("+");
        screen.until("an agent runs", |_| {
            !processes::named(&processes::below(screen.pid()), "agent").is_empty()
        });
        let family = processes::below(screen.pid());
        let pid = rustix::process::Pid::from_raw(screen.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        assert_eq!(screen.exit_code(), 130);
        assert!(screen.is_sane(), "{}", screen.text());
        assert_all_gone(&family);
    }
}

#[test]
fn no_task_stops_for_fewer_instances_without_a_yes() {
    let house = House::new();
    let mut screen = begin(&house);
    screen.press("+");
    screen.until("100 connected", |text| connected(text, "100"));
    screen.until("its task is seen on the instance", |text| text.contains("room for 3 tasks"));
    screen.press("[");
    screen.until("the question", |text| text.contains("has 1 task with about 100 devices"));
    screen.press("n");
    screen.until("no question", |text| !text.contains("Fewer instances"));
    assert!(connected(&screen.text(), "100"), "{}", screen.text());
    interrupt_twice(&mut screen);
}

#[test]
fn with_nothing_running_ctrl_c_leaves_without_a_question() {
    let house = House::new();
    let mut screen = begin(&house);
    let family = processes::below(screen.pid());
    screen.press("\u{3}");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane(), "{}", screen.text());
    assert_all_gone(&family);
}

#[test]
fn eighty_by_twenty_four_is_enough() {
    let house = House::new();
    let mut screen = begin_on(&house, 80, 24);
    screen.press("+");
    screen.until("100 connected", |text| connected(text, "100"));
    interrupt_twice(&mut screen);
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_can_be_left() {
    let house = House::new();
    let mut screen = Screen::start(&house, &[], 20, 5);
    screen.until("what is needed", |text| text.contains("needs 40x12"));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane(), "{}", screen.text());
}
