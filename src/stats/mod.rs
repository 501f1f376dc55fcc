//! Times and counts of requests: recorded, bucketed, written, merged.
//!
//! Invariant: pure. No runtime, no network, no terminal; whoever measures hands
//! the times in. Percentiles come only from merged distributions, never from
//! other percentiles.

pub mod buckets;
pub mod errors;
pub mod log_counts;
pub mod merged;
pub mod metrics;
pub mod part;
pub mod report;
pub mod times;

pub use errors::ErrorKind;
pub use log_counts::LogCounts;
pub use merged::{Merged, Percentiles};
pub use part::{BadPart, Part};
pub use report::{Devices, Interval, LabelCounts, Report};
pub use times::{Counts, Histogram, Outcome, Time, Times};
