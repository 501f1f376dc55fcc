//! Black-box tests by capability, linked into one binary: each file of its own would
//! link the SDK again.
//!
//! Servers listen on loopback port 0; every wait is for a condition, with a deadline;
//! every test has a state folder of its own and leaves no process behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![allow(unreachable_pub, missing_docs, reason = "nobody else sees it")]

mod architecture;
mod bad_input;
mod bad_places;
mod config;
mod dashboard;
mod doctor;
mod every_key;
mod forecast;
mod headless;
mod keys;
mod local_cloud;
mod readme;
mod reap;
mod secrets;
mod steering;
mod support;
mod tasks;
mod terminal;
mod watchdog;
