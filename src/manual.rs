//! `loadtop completions` and `loadtop man`: what shells and `man` are told of the command
//! line.
//!
//! Invariant: made from the command line's own definition, so that neither can say what
//! loadtop does not take.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use clap::CommandFactory as _;
use clap_complete::Shell;
use color_eyre::eyre::WrapErr as _;

use crate::{cli::Cli, process::output::say};

/// Prints the completions for a shell.
pub(crate) fn completions(shell: Shell) -> color_eyre::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "loadtop", &mut text);
    print(&text)
}

/// Prints the page of loadtop itself, or writes one for each command into a folder.
pub(crate) fn man(folder: Option<&Path>) -> color_eyre::Result<()> {
    let Some(folder) = folder else { return print(&page(Cli::command())?) };
    let cannot = || format!("man pages cannot be written into {}", folder.display());
    fs::create_dir_all(folder).wrap_err_with(cannot)?;
    let pages = pages()?;
    for (name, page) in &pages {
        fs::write(folder.join(name), page).wrap_err_with(cannot)?;
    }
    say(&format!("{} pages are in {}", pages.len(), folder.display()));
    Ok(())
}

/// All pages, by the names of their files.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command();
    // Gives the commands the names that they are called by: `loadtop-add`.
    command.build();
    let ours = command.get_subcommands().filter(|it| it.get_name() != "help");
    let all = std::iter::once(&command).chain(ours).cloned();
    let of = |command: clap::Command| {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        Ok((format!("{name}.1"), page(command)?))
    };
    all.map(of).collect()
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    Ok(text)
}

fn print(text: &[u8]) -> color_eyre::Result<()> {
    io::stdout().write_all(text).wrap_err("stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_with_its_options_and_examples() {
        let pages = pages().expect("made");
        let commands = Cli::command().get_subcommands().count();
        assert_eq!(pages.len(), commands + 1);
        for (name, page) in &pages {
            let page = String::from_utf8(page.clone()).expect("a text");
            assert!(page.contains("Examples:"), "{name}");
            assert!(page.contains(".SH NAME"), "{name}");
        }
        let page = |name: &str| {
            let found = pages.iter().find(|it| it.0 == name).expect(name);
            String::from_utf8(found.1.clone()).expect("a text").replace("\\-", "-")
        };
        assert!(page("loadtop-add.1").contains("--ramp-up"));
        assert!(page("loadtop.1").contains("--theme"));
    }
}
