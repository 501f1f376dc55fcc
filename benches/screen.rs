//! How quick the screen is, and what it takes.
//!
//! ```sh
//! cargo bench --bench screen            # all of it, some three minutes
//! cargo bench --bench screen -- frames  # the part whose name has that in it
//! ```
//!
//! - `frames`: what a picture of a fleet of 10,000 tasks takes, view by view.
//! - `share`: how much of a core a whole dashboard takes, the real program on a
//!   pseudo-terminal.
//! - `keys`: how long it is from a key to the picture that shows it, there too.
//!
//! Each part prints a table in markdown, with what is wanted beside what was measured.
//! Invariant: medians and 99 % of single measurements, never averages of averages; what
//! is measured on a machine that does something else, too, is too high, never too low.

mod screen {
    pub(crate) mod fleet;
    pub(crate) mod frames;
    pub(crate) mod keys;
    pub(crate) mod program;
    pub(crate) mod share;
    pub(crate) mod times;
}

use screen::{frames, keys, share};

/// What is measured by itself.
struct Part {
    name: &'static str,
    measure: fn() -> color_eyre::Result<()>,
}

const PARTS: [Part; 3] = [
    Part { name: "frames", measure: frames::measure },
    Part { name: "share", measure: share::measure },
    Part { name: "keys", measure: keys::measure },
];

fn main() -> color_eyre::Result<()> {
    // cargo says --bench to whatever it runs.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("{profile} build, {cores} cores, a screen of 200x60");
    for part in PARTS {
        if words.first().is_none_or(|word| part.name.contains(word.as_str())) {
            (part.measure)()?;
        }
    }
    Ok(())
}
