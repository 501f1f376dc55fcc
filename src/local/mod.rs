//! The local cloud.
mod engine;
