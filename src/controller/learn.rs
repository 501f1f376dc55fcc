//! What the answers of calls change.
//!
//! Invariant: an answer of a run that is not the present one changes nothing; one
//! that failed is told, and whatever it was for is tried again or given up by name.

use super::{
    actor::Actor,
    clock::wall,
    figures::PastAsked,
    jobs::{Done, RunDone},
    wishes::{Stored, UNTOLD},
};
use crate::{
    cloud::{CloudError, types::Series},
    model::{Millis, wish::Edit},
};

/// How soon a write of the wish or a StopTask that failed is tried again.
pub(super) const RETRY_MS: Millis = 1_000;

/// How much later than anything else the figures of what was before are asked for again:
/// that is a large call.
const PAST_AGAIN_MS: Millis = 10_000;

impl Actor {
    /// Takes an answer in.
    pub(super) fn learn(&mut self, done: Done) {
        let now = self.clock.monotonic();
        let refresh = now + self.refresh_ms();
        match done {
            Done::Definition(answer) => {
                self.looks.definition.done(refresh);
                match answer {
                    Ok(definition) => self.fleet.definition = Some(definition),
                    Err(error) => self.failed(&error, "looking again"),
                }
            }
            Done::Quota(spot, answer) => self.learn_quota(spot, answer),
            Done::Providers(group, answer) => self.learn_providers(&group, answer),
            Done::Counts(generation, answer) => {
                self.looks.counts.done(refresh);
                match answer {
                    Ok((group, cluster)) => {
                        if self.fleet.learn_counts(generation, group, cluster, now) {
                            self.fleet_at = Some(wall());
                        }
                    }
                    Err(error) => self.failed(&error, "looking again"),
                }
            }
            Done::Instances(generation, answer) => {
                self.looks.instances.done(refresh);
                match answer {
                    Ok(instances) => {
                        let more_room = self.fleet.learn_instances(generation, instances, now);
                        if let Some(run) = self.run.as_mut().filter(|_| more_room) {
                            run.slots.room_came();
                        }
                    }
                    Err(error) => self.failed(&error, "looking again"),
                }
            }
            Done::ScaledOut(answer) => self.learn_scaled_out(answer),
            Done::Cordoned(machine, answer) => self.learn_cordoned(&machine, answer),
            Done::ScaledIn(machine, answer) => self.learn_scaled_in(&machine, answer),
            Done::Found(answer) => self.learn_found(answer),
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
            RunDone::PlanWritten(order, answer) => self.learn_plan_written(order, answer),
            RunDone::PlanRead(name, answer) => self.learn_plan_read(name, answer),
            RunDone::RegistryWritten(answer) => self.learn_registry_written(answer),
            RunDone::LeaderSeen(answer) => self.learn_leader(answer),
            RunDone::LeaderWritten(answer) => self.learn_leader_written(answer),
            RunDone::TookOver(term, answer) => self.learn_table(term, *answer),
            RunDone::Recorded(term, launches, written) => {
                self.learn_recorded(term, launches, written);
            }
            RunDone::Started(slot, attempt, answer) => self.learn_started(slot, attempt, answer),
            RunDone::Stopped(slot, answer) => self.learn_stopped(slot, answer),
            RunDone::StrayStopped(arn, answer) => self.learn_stray_stopped(arn, answer),
            RunDone::Tasks(asked, answer) => self.learn_described(&asked, answer),
            RunDone::Listed(answer) => self.learn_listed(answer),
            RunDone::Strays(answer) => self.learn_strays(answer),
            RunDone::Figures(asked, answer) => {
                self.looks.figures.done(refresh);
                match (answer, &mut self.run) {
                    (Ok(series), Some(run)) => {
                        let to_wall = |at| self.clock.to_wall(at);
                        run.figures.learn(&series, &run.wish, asked, to_wall);
                    }
                    (Err(error), _) => self.failed(&error, "the figures age"),
                    _ => {}
                }
            }
            RunDone::Past(asked, answer) => self.learn_past(asked, answer, refresh),
            RunDone::Parts(batch) => self.learn_parts(*batch),
            RunDone::Exported(answer) => self.learn_exported(answer),
            RunDone::Told(progress, answer) => self.learn_told(*progress, answer),
            RunDone::Heard(answer) => self.learn_heard(answer, refresh),
            RunDone::Blocks(at, blocks, failed) => self.learn_blocks(at, blocks, failed),
            RunDone::Results(results, unusable) => self.learn_results(&results, unusable),
            RunDone::Finished(answer) => self.learn_finished(answer),
            RunDone::Summary(answer) => self.learn_summary(answer),
            RunDone::GroupHeld(until, answer) => self.learn_held(until, answer),
            RunDone::GroupLeft(answer) => self.learn_group_left(answer),
        }
    }

    fn learn_past(
        &mut self,
        asked: PastAsked,
        answer: Result<(Series, Series), CloudError>,
        refresh: Millis,
    ) {
        self.looks.past.done(refresh + PAST_AGAIN_MS);
        match (answer, &mut self.run) {
            (Ok(series), Some(run)) => run.figures.learn_past(asked, &series, &run.wish),
            (Err(error), _) => self.failed(&error, "the charts do not show the past yet"),
            _ => {}
        }
    }

    fn learn_edited(&mut self, edits: &[Edit], answer: Result<Stored, CloudError>) {
        self.looks.editing = false;
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) => {
                self.looks.edit_from = self.clock.monotonic() + RETRY_MS;
                if error.code.as_deref() == Some(UNTOLD) {
                    return self.give_up_edits(edits, &error);
                }
                return self.failed(&error, "the wish is written again");
            }
        };
        self.clock.observe(stored.dated);
        let mut lost = Vec::new();
        if let Some(run) = &mut self.run {
            run.queue.retain(|queued| edits.iter().all(|edit| edit.id != queued.id));
            for edit in edits {
                let order = run.ordered.remove(&edit.id);
                lost.extend(order.filter(|_| !stored.wish.has_edit(&edit.id)));
            }
        }
        self.take_wish(stored);
        for order in lost {
            let why = "the run is over: it was stopped, or its lease has lapsed";
            self.refused(order, why.to_owned());
            self.notice(super::snapshot::Level::Warning, format!("nothing is changed: {why}"));
        }
    }

    /// Whether these edits landed cannot be told any more: made again they might be
    /// made twice.
    fn give_up_edits(&mut self, edits: &[Edit], error: &CloudError) {
        let mut orders = Vec::new();
        if let Some(run) = &mut self.run {
            run.queue.retain(|queued| edits.iter().all(|edit| edit.id != queued.id));
            orders.extend(edits.iter().filter_map(|edit| run.ordered.remove(&edit.id)));
        }
        for order in orders {
            self.refused(order, error.to_string());
        }
        self.failed(error, "look at what is there, and ask again if need be");
    }

    /// Believes a wish of the bucket, unless a newer one is known.
    pub(super) fn take_wish(&mut self, stored: Stored) {
        let now = self.clock.monotonic();
        if let Some(run) = &mut self.run {
            run.take_wish(stored.wish, stored.etag, now);
        }
    }
}
