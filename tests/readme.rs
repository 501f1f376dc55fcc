//! The README and `--help` are true: what they say parses, and is the program's own.

use clap::{CommandFactory, Parser};
use loadtop::{cli::Cli, ui::keymap};

const README: &str = include_str!("../README.md");

/// The shell lines of the README, continued lines joined.
fn shell_lines() -> Vec<String> {
    let blocks = README.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let text = blocks.collect::<String>().replace("\\\n", " ");
    text.lines().map(|line| line.split('#').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn every_command_of_the_readme_parses() {
    let lines = shell_lines();
    let ours = |line: &&String| line.starts_with("cargo run") || line.starts_with("loadtop ");
    let ours: Vec<&String> = lines.iter().filter(ours).collect();
    assert!(ours.len() >= 15, "{lines:?}");
    for line in ours {
        let command = line.split(['>', '&']).next().unwrap();
        let arguments = match command.strip_prefix("loadtop ") {
            Some(arguments) => arguments,
            None => command.split_once(" -- ").map_or("", |(_, arguments)| arguments),
        };
        let words = std::iter::once("loadtop".to_owned()).chain(shlex::split(arguments).unwrap());
        Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn the_first_two_commands_are_the_two_that_do_everything() {
    let lines = shell_lines();
    assert_eq!(lines[..2], ["cargo run --release", "cargo test"]);
}

#[test]
fn the_keys_are_those_of_the_key_table() {
    let table = keymap::readme_table();
    let table = table.trim_end();
    assert!(README.contains(table), "the README's table should be\n{table}");
}

#[test]
fn the_help_names_every_command_and_its_examples_parse() {
    let help = Cli::command().render_long_help().to_string();
    for command in Cli::command().get_subcommands() {
        assert!(help.contains(command.get_name()));
        assert!(command.get_about().is_some(), "{} has no description", command.get_name());
    }
    assert!(parse_examples(&help) >= 3, "{help}");
}

/// Parses every example of a command's help, and counts them.
fn parse_examples(help: &str) -> usize {
    let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("none:\n{help}"));
    let examples = examples.split("\n\n").next().unwrap();
    let lines = examples.lines().map(str::trim);
    let commands = lines.filter(|it| !it.starts_with('#') && !it.is_empty());
    commands
        .map(|line| {
            let words = line.split(" > ").next().and_then(shlex::split).unwrap();
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"))
        })
        .count()
}

#[test]
fn the_help_of_every_command_has_examples_of_it_that_parse() {
    let mut command = Cli::command();
    command.build();
    for command in command.get_subcommands_mut().filter(|it| it.get_name() != "help") {
        let help = command.render_long_help().to_string();
        assert!(parse_examples(&help) >= 1, "{help}");
        let own = format!("loadtop {}", command.get_name());
        let examples = help.split("Examples:\n").nth(1).unwrap();
        assert!(examples.contains(&own), "{help}");
    }
}
