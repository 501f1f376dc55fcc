//! The `loadtop` binary.

fn main() {}
