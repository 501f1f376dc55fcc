//! Keys, themes and the palette on a real terminal, completions and man pages from the
//! real binary.

use std::fs;

use crate::support::{House, screen::Screen, stderr, stdout};

const FILE: &str = "[ui]\ntheme = 'dark'\nascii = true\n\n[keys]\nadd = ['F2']\nfreeze = []\n";

#[test]
fn a_file_about_the_screen_alone_changes_keys_and_looks_on_a_local_cloud() {
    let house = House::with(FILE);
    let mut screen = Screen::start(&house, &["--ramp-up", "1s"], 120, 40);
    screen.until("the chosen key is in the footer", |text| text.contains("F2 add 100"));
    assert!(screen.text().is_ascii(), "{}", screen.text());
    // The palette has what no key does any more, and takes values.
    screen.press(":batch 7\r");
    screen.until("the value is set", |text| text.contains("F2 add 7"));
    screen.press(":freeze\r");
    screen.until("it is frozen", |text| text.contains("frozen"));
    screen.press(":freeze\r:theme light\r");
    screen.until("the theme is said", |text| text.contains("theme: light"));
    // F2, as terminals send it.
    screen.press("\u{1b}OQ");
    screen.until("devices are added", |text| text.contains("7 of 7 "));
    screen.press("?");
    screen.until("the help is open", |text| text.contains("In this view: Overview"));
    screen.press("q:end-run\r");
    screen.until("it asks here, too", |text| text.contains("cancel"));
    screen.press("y");
    screen.until("the run has ended", |text| text.contains("ended"));
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    assert!(screen.is_sane());
}

#[test]
fn wrong_keys_are_refused_before_anything_starts() {
    let house = House::with("[keys]\nremove = ['+']\n");
    for arguments in [&["status"][..], &[], &["--local"]] {
        let output = house.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        let says = "loadtop.toml:2: keys.remove: + is the key of `add`, too";
        assert!(stderr(&output).contains(says), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn completions_and_man_pages_are_those_of_the_command_line() {
    let house = House::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = house.run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}: {}", stderr(&output));
        assert!(stdout(&output).contains("killall"), "{shell}");
        assert!(stdout(&output).contains("scale-to-zero"), "{shell}");
    }
    let output = house.run(&["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let output = house.run(&["man"]);
    assert!(stdout(&output).contains(".TH loadtop 1"), "{}", stdout(&output));
    let folder = house.path().join("man");
    let output = house.run(&["man", "--out", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = fs::read_to_string(folder.join("loadtop-killall.1")).unwrap();
    assert!(page.contains("Examples:"), "{page}");
}
