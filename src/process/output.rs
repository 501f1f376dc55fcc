//! Words for people and data for programs.
//!
//! Invariant: nothing here panics. `println!` does when its reader is gone, and a
//! terminal that was closed is exactly when an orderly end matters most.

use std::io::{self, Write};

/// A line for people, on standard error. Whether anybody reads it is not our concern.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Text for programs (or for people who asked for it), on standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
