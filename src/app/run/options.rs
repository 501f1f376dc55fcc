//! How the dashboard begins.
//!
//! Invariant: what it begins with where nobody said anything else is here and nowhere else.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    app::{keymap::Keymap, look::Look},
    model::wish::Spread,
};

/// How the dashboard begins.
#[derive(Debug, Clone)]
pub struct Options {
    /// Devices of a batch.
    pub batch: u32,
    /// The ramp window.
    pub window: Duration,
    /// How starts are spread over it.
    pub spread: Spread,
    /// What the spread's randomness comes from; none: anything.
    pub seed: Option<u64>,
    /// Whether nothing may be changed from here.
    pub readonly: bool,
    /// Whether the mouse is ours; otherwise the terminal selects text with it.
    pub mouse: bool,
    /// How it looks.
    pub look: Look,
    /// The keys as they were chosen.
    pub keymap: Arc<Keymap>,
    /// The file that the screen is recorded to from the beginning, if it is.
    pub record: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 100,
            window: Duration::from_secs(10),
            spread: Spread::Uniform,
            seed: None,
            readonly: false,
            mouse: true,
            look: Look::default(),
            keymap: Arc::default(),
            record: None,
        }
    }
}
