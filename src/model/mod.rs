//! The pure domain: device sets, batches, ramps, the wish, slots, who leads, AWS's
//! quotas, prices and what runs cost, forecasts, and the clock.
//!
//! Invariant: nothing here knows of tokio, a terminal or AWS. The time is a
//! parameter ([`Millis`]), and whatever looks random is a function of a seed, so
//! that every controller and every agent computes the same.

pub mod capacity;
pub mod clock;
pub mod confirmed;
pub mod cost;
pub mod device;
pub mod forecast;
pub mod leadership;
pub mod prices;
pub mod quota;
pub mod ramp;
pub mod ranges;
pub mod registry;
pub mod slots;
pub mod switch;
pub mod wish;

/// Milliseconds: as an instant, since the Unix epoch by the bucket's clock; as a
/// span, just that.
pub type Millis = u64;
