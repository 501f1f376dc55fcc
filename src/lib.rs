//! **loadtop** is *top for load tests*: it starts, steers, watches and stops fleets
//! of simulated devices from one full-screen terminal dashboard.
//!
//! (The map of the house follows here.)

pub mod agent;
pub mod app;
pub mod cloud;
pub mod controller;
pub mod local;
pub mod model;
pub mod plan;
pub mod record;
pub mod report;
pub mod stats;
pub mod target;
pub mod ui;
