//! The cloud seam: every call to AWS that loadtop makes, and nothing else.
//!
//! One concrete struct, [`Cloud`], over the SDK's clients for ECS, Auto Scaling,
//! CloudWatch and S3. Invariants: no other module names an SDK type, they become
//! ours here ([`types`], [`CloudError`]); the SDK's own retries are off, so that
//! whoever retries is whoever counts; each call is a row of one table ([`calls`]), and
//! each method says which `aws` command does the same and which permission it needs.

mod autoscaling;
pub mod calls;
mod client;
mod cloudwatch;
mod definitions;
mod ecs;
mod error;
mod identity;
mod network;
mod preflight;
mod quotas;
mod s3;
mod signed;
mod site;
mod tags;
pub mod types;

pub use client::Cloud;
pub use definitions::{AGENT, DEVICE, WATCHDOG};
pub use error::{CloudError, ErrorKind};
pub use identity::{Ask, Caller, Who};
pub use network::SubnetSeen;
pub use preflight::{BucketSeen, ClusterFacts, ContainerFacts, DefinitionFacts, GroupFacts};
pub use quotas::Quota;
pub(crate) use site::loopback;
pub use site::{Access, Endpoint, Names, Site};
