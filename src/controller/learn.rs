//! What the answers of calls change.
//!
//! Invariant: an answer of a run that is not the present one changes nothing; one
//! that failed is told, and whatever it was for is tried again or given up by name.

use super::{
    actor::Actor,
    clock::wall,
    jobs::{Done, RunDone},
    wishes::Stored,
};
use crate::{
    cloud::CloudError,
    model::{
        Millis,
        wish::{Edit, State},
    },
};

/// How soon a write of the wish or a StopTask that failed is tried again.
pub(super) const RETRY_MS: Millis = 1_000;

impl Actor {
    /// Takes an answer in.
    pub(super) fn learn(&mut self, done: Done) {
        let refresh = self.clock.monotonic() + self.site.refresh.as_millis() as Millis;
        match done {
            Done::Definition(answer) => {
                self.looks.definition.done(refresh);
                match answer {
                    Ok(definition) => self.fleet.definition = Some(definition),
                    Err(error) => self.failed(&error, "looking again"),
                }
            }
            Done::Instances(generation, answer) => {
                self.looks.instances.done(refresh);
                self.learn_instances(generation, answer);
            }
            Done::ScaledOut(answer) => {
                if let Err(error) = answer {
                    self.fleet.scaling_failed(None);
                    self.failed(&error, "the number of instances stays");
                }
            }
            Done::ScaledIn(machine, answer) => {
                if let Err(error) = answer {
                    self.fleet.scaling_failed(Some(&machine));
                    self.failed(&error, &format!("the instance {machine} stays"));
                }
            }
            Done::OfRun(id, done) => {
                if self.run.as_ref().is_some_and(|run| run.id == id) {
                    self.learn_of_run(*done, refresh);
                }
            }
        }
    }

    fn learn_of_run(&mut self, done: RunDone, refresh: Millis) {
        match done {
            RunDone::Begun(answer) => self.learn_begun(answer),
            RunDone::Edited(edits, answer) => self.learn_edited(&edits, answer),
            RunDone::Looked(answer) => {
                self.looks.wish.done(refresh);
                match answer {
                    Ok((stored, dated)) => {
                        self.clock.observe(dated);
                        if let Some(stored) = stored {
                            self.take_wish(stored);
                        }
                    }
                    Err(error) => self.failed(&error, "looking again"),
                }
            }
            RunDone::Recorded(launches, answer) => self.learn_recorded(launches, answer),
            RunDone::Started(slot, answer) => self.learn_started(slot, answer),
            RunDone::Stopped(slot, answer) => self.learn_stopped(slot, answer),
            RunDone::StrayStopped(arn, answer) => {
                if let Err(error) = answer {
                    self.failed(&error, &format!("{arn} is asked again"));
                }
            }
            RunDone::Tasks(asked, answer) => {
                self.looks.tasks.done(refresh);
                match answer {
                    Ok(tasks) => self.learn_tasks(&asked, &tasks),
                    Err(error) => self.failed(&error, "looking again"),
                }
            }
            RunDone::Listed(answer) => self.learn_listed(answer),
            RunDone::Figures(asked_at, answer) => {
                self.looks.figures.done(refresh);
                match (answer, &mut self.run) {
                    (Ok(series), Some(run)) => {
                        let to_wall = |at| self.clock.to_wall(at);
                        run.figures.learn(&series, &run.wish, asked_at, to_wall);
                    }
                    (Err(error), _) => self.failed(&error, "the figures age"),
                    _ => {}
                }
            }
            RunDone::Results(results, unusable) => self.learn_results(&results, unusable),
        }
    }

    fn learn_instances(
        &mut self,
        generation: u64,
        answer: Result<
            (crate::cloud::types::GroupSeen, Vec<crate::cloud::types::InstanceSeen>),
            CloudError,
        >,
    ) {
        match answer {
            Ok((group, instances)) => {
                let Some(more_room) = self.fleet.learn(generation, group, instances) else {
                    return;
                };
                self.fleet_at = Some(wall());
                if let Some(run) = self.run.as_mut().filter(|_| more_room) {
                    run.slots.room_came();
                }
                if let Some(target) = self.fleet.waiting.take() {
                    self.scale_to(target);
                }
            }
            Err(error) => self.failed(&error, "looking again"),
        }
    }

    fn learn_begun(&mut self, answer: Result<Stored, CloudError>) {
        self.looks.editing = false;
        match answer {
            Ok(stored) => {
                self.clock.observe(stored.dated);
                self.take_wish(stored);
            }
            Err(error) => {
                self.looks.edit_from = self.clock.monotonic() + RETRY_MS;
                self.failed(&error, "the run begins as soon as its bucket can be written");
            }
        }
    }

    fn learn_edited(&mut self, edits: &[Edit], answer: Result<Stored, CloudError>) {
        self.looks.editing = false;
        match answer {
            Ok(stored) => {
                self.clock.observe(stored.dated);
                if let Some(run) = &mut self.run {
                    run.queue.retain(|queued| edits.iter().all(|edit| edit.id != queued.id));
                }
                self.take_wish(stored);
            }
            Err(error) => {
                self.looks.edit_from = self.clock.monotonic() + RETRY_MS;
                self.failed(&error, "the wish is written again");
            }
        }
    }

    /// Believes a wish of the bucket, unless a newer one is known.
    fn take_wish(&mut self, stored: Stored) {
        if let Some(run) = &mut self.run
            && (run.etag.is_none() || stored.wish.version >= run.wish.version)
        {
            run.wish = stored.wish;
            run.etag = Some(stored.etag);
            let stopped = run.wish.state == State::Stop;
            if let Some(ending) = run.ending.as_mut().filter(|_| stopped) {
                ending.stopped_at.get_or_insert(self.clock.bucket());
            }
        }
    }
}
