//! Whether the screen is recorded, and to which file.
//!
//! Invariant: one recording at a time, and nothing here waits for the disk; what becomes
//! of a recording is heard as an action.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use ratatui::buffer::Buffer;
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

use crate::{
    app::action::Recording,
    record::cast::{self, Cast, Told},
};

/// How long the last frames may take to be written, on the way out.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// More is never said at once: a recording begins and ends once.
const WORDS: usize = 16;

/// Records the screen when asked to.
#[derive(Debug)]
pub(super) struct Recorder {
    /// The file of a recording that begins with the next picture.
    wanted: Option<PathBuf>,
    cast: Option<Cast>,
    tell: mpsc::Sender<Recording>,
    told: mpsc::Receiver<Recording>,
}

impl Recorder {
    /// Records to this file from the first picture on, if one is named.
    pub(super) fn new(wanted: Option<PathBuf>) -> Self {
        let (tell, told) = mpsc::channel(WORDS);
        Self { wanted, cast: None, tell, told }
    }

    /// Begins to record, to a new file in this folder.
    pub(super) fn begin(&mut self, folder: &Path) {
        if self.cast.is_none() {
            self.wanted = Some(folder.join(cast::file_name(SystemTime::now())));
        }
    }

    /// Ends the recording; what was taken is still written.
    pub(super) fn end(&mut self) {
        self.wanted = None;
        drop(self.cast.take());
    }

    /// Takes what is on the screen now.
    pub(super) fn frame(&mut self, picture: &Buffer) {
        if let Some(file) = self.wanted.take() {
            let (name, tell) = (file.display().to_string(), self.tell.clone());
            let begun = Cast::begin(file, picture.area.as_size(), move |told| {
                // The loop may be gone; the file says it then.
                let _ = tell.blocking_send(in_words(&name, told));
            });
            match begun {
                Ok(cast) => self.cast = Some(cast),
                Err(error) => drop(self.tell.try_send(Recording::Failed(error.to_string()))),
            }
        }
        if let Some(cast) = &mut self.cast {
            cast.frame(picture);
        }
    }

    /// What became of a recording.
    pub(super) async fn told(&mut self) -> Recording {
        let Some(told) = self.told.recv().await else {
            // We hold a sender, so there is always more to come.
            return std::future::pending().await;
        };
        if matches!(told, Recording::Failed(_)) {
            self.cast = None;
        }
        told
    }

    /// On the way out: lets the last frames be written, as far as that is soon. The
    /// answer is what nobody has heard yet of it, if anything.
    pub(super) async fn finish(&mut self) -> Option<Recording> {
        if let Some(cast) = self.cast.take() {
            let writer = cast.end();
            let written = spawn_blocking(move || writer.join());
            if timeout(LAST_WORDS, written).await.is_err() {
                tracing::warn!("the end of the recording was not written in time");
            }
        }
        std::iter::from_fn(|| self.told.try_recv().ok()).last()
    }
}

fn in_words(file: &str, told: Told) -> Recording {
    match told {
        Told::Begun => Recording::On(file.to_owned()),
        Told::Ended => Recording::Ended(file.to_owned()),
        Told::Failed(error) => Recording::Failed(format!("{file}: {error}")),
    }
}
