//! What every process of ours does alike: end when it is told or when its lifeline
//! breaks, have as many files open as it may, and say things without falling over.

pub(crate) mod lifeline;
pub(crate) mod limits;
pub(crate) mod output;
