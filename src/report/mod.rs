//! What a run found: its summary, as JSON and as text.
//!
//! Invariant: every figure comes from the agents' exact results, merged; what is
//! missing of them is counted in the coverage.

mod results;
mod summary;
mod text;

pub use results::Results;
pub use summary::{Facts, RunResult, Summary};
