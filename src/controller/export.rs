//! Writing the figures so far into the run's folder.
//!
//! Invariant: what is written is one snapshot; it is made and written by a job, and where
//! it is said, or why it is not there.

use std::{io, path::PathBuf, sync::Arc};

use super::{actor::Actor, jobs::RunDone, snapshot::Level};
use crate::record::{Export, RunFolder};

impl Actor {
    /// Writes the figures so far, as JSON and as CSV.
    pub(super) fn export(&mut self) {
        let Some(run) = &self.run else {
            return self.refuse(Level::Warning, "no run is on: there are no figures to export");
        };
        let (id, runs) = (run.id.clone(), self.options.runs.clone());
        let snapshot = Arc::new(self.snapshot());
        let run = id.clone();
        self.spawn_of_run(&id, async move {
            let write = move || {
                let export = Export::of(&snapshot);
                let folder = RunFolder::create(&runs, &run)?;
                export.write(&folder)
            };
            let written = tokio::task::spawn_blocking(write).await;
            RunDone::Exported(written.unwrap_or_else(|error| Err(io::Error::other(error))))
        });
    }

    /// They were written, or not.
    pub(super) fn learn_exported(&mut self, answer: io::Result<PathBuf>) {
        match answer {
            Ok(path) => {
                let text = format!("the figures so far are in {}.json and .csv", path.display());
                self.notice(Level::Info, text);
            }
            Err(error) => {
                self.notice(Level::Error, format!("the figures cannot be exported: {error}"));
            }
        }
    }
}
