//! The `loadtop` binary: error hooks, the command line, the exit code.

use std::process::ExitCode;

use clap::Parser;
use loadtop::{Usage, cli::Cli};

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        eprintln!("loadtop: no error hooks: {error}");
    }
    match loadtop::run(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("loadtop: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}
