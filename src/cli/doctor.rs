//! What `loadtop doctor` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{options::Where, values};

/// What `doctor` takes.
#[derive(Debug, Args)]
pub struct Doctor {
    /// A plan (not there yet: say --devices and --devices-per-task)
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// How many devices the quotas are compared with
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1000,
        value_parser = values::devices())]
    pub devices: u32,
    /// How many of them one task has room for
    #[arg(long, value_name = "N", default_value_t = 250,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub devices_per_task: u32,
    /// Does not try whether the bucket can be written; otherwise one small object is,
    /// always the same: loadtop/doctor/probe
    #[arg(long)]
    pub no_write: bool,
    /// Prints the findings as JSON
    #[arg(long)]
    pub json: bool,
    /// Prints the least IAM policies instead, of those who steer runs and of the tasks'
    /// role: both in one JSON object, or the one that is named
    #[arg(long, value_name = "OF", num_args = 0..=1,
        conflicts_with_all = ["plan", "no_write", "json"])]
    pub policy: Option<Option<Document>>,
    /// Where.
    #[command(flatten)]
    pub place: Where,
}

/// A policy document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// Of those who steer runs: dashboards, verbs, scripts.
    Operator,
    /// Of the tasks' role: agents and watchdogs.
    Task,
}
