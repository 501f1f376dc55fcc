//! Telling those who do not lead what the leader knows, and hearing it.
//!
//! Invariant: told at most once a refresh, what changed at once and what did not every
//! few seconds, so that its age says whether there is a leader; the last word, that the
//! run has ended, is told in any case.

use bytes::Bytes;

use super::{
    actor::Actor,
    jobs::RunDone,
    progress::{NAME, Progress},
    run::Run,
    snapshot::Phase,
};
use crate::cloud::{
    CloudError,
    types::{Condition, Fetched},
};
use crate::model::Millis;

/// How long what did not change is not told again.
const UNCHANGED_MS: Millis = 3_000;

impl Actor {
    /// Tells what changed; `last`: for the last time.
    pub(super) fn tell(&mut self, last: bool) {
        let now = self.clock.monotonic();
        let refresh = self.refresh_ms();
        let Some(run) = self.run.as_ref() else {
            return;
        };
        if !last && (run.telling.on_its_way || now < run.telling.from) {
            return;
        }
        let progress = self.progress(run, now);
        let told = run.telling.last.as_ref();
        let same = told.is_some_and(|told| {
            progress.at < told.at + UNCHANGED_MS
                // What it costs grows all the time, which is no news.
                && *told == Progress { at: told.at, cost: told.cost.clone(), ..progress.clone() }
        });
        let Some(run) = &mut self.run else {
            return;
        };
        run.telling.from = now + refresh;
        if same {
            return;
        }
        run.telling.on_its_way = true;
        let (id, cloud, key) = (run.id.clone(), run.cloud.clone(), run.key(NAME));
        self.spawn_of_run(&id, async move {
            let body = Bytes::from(serde_json::to_vec(&progress).expect("plain data is JSON"));
            let written = cloud.put_object(&key, body, Condition::Always).await;
            RunDone::Told(Box::new(progress), written.map(|_| ()))
        });
    }

    pub(super) fn learn_told(&mut self, progress: Progress, answer: Result<(), CloudError>) {
        if let Some(run) = &mut self.run {
            run.telling.on_its_way = false;
            match answer {
                Ok(()) if progress.phase == Phase::Ended => {
                    run.telling.last_word = false;
                    // Only now: whoever takes the lead must see that there is nothing left.
                    self.give_back_lead();
                }
                Ok(()) => run.telling.last = Some(progress),
                Err(error) => tracing::warn!("{error}; it is told again"),
            }
        }
    }

    /// Tells that the run has ended, until that is written.
    pub(super) fn tell_the_end(&mut self, now: Millis) {
        let waits =
            |run: &Run| run.telling.last_word && !run.telling.on_its_way && now >= run.telling.from;
        if self.run.as_ref().is_some_and(waits) {
            self.tell(true);
        }
    }

    /// Reads what the leader says.
    pub(super) fn hear(&mut self, now: Millis) {
        let Some(run) = self.run.as_ref().filter(|run| !run.has_table()) else {
            return;
        };
        if !self.looks.progress.is_due(now) {
            return;
        }
        let etag = run.told.as_ref().map(|(_, etag)| etag.clone());
        let (id, cloud, key) = (run.id.clone(), run.cloud.clone(), run.key(NAME));
        self.spawn_of_run(&id, async move {
            let heard = cloud.get_object(&key, etag.as_deref()).await;
            RunDone::Heard(heard.map(|(found, _)| found))
        });
    }

    pub(super) fn learn_heard(&mut self, answer: Result<Fetched, CloudError>, refresh: Millis) {
        self.looks.progress.done(refresh);
        match (answer, &mut self.run) {
            (Ok(Fetched::New(object)), Some(run)) => {
                match serde_json::from_slice::<Progress>(&object.body) {
                    Ok(progress) => {
                        run.figures.expect(progress.at, progress.tasks.running);
                        run.told = Some((progress, object.etag));
                    }
                    Err(error) => tracing::warn!("{NAME} cannot be read: {error}"),
                }
            }
            (Ok(_), _) => {}
            (Err(error), _) => self.failed(&error, "what the leader says ages"),
        }
    }
}
