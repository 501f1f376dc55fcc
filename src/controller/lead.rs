//! Who leads: taking the lead, keeping it, losing it, giving it up.
//!
//! Invariant: nothing is started or stopped but by a controller whose term runs and
//! that has read the slot table in that term ([`Actor::leads`]).

use bytes::Bytes;

use super::{
    actor::Actor,
    blocks::{self, Table},
    jobs::{self, RunDone},
    learn::RETRY_MS,
    run::TableState,
    snapshot::{LeadView, Level, Phase},
};
use crate::{
    cloud::{
        CloudError, ErrorKind,
        types::{Condition, Fetched},
    },
    model::{
        Millis,
        leadership::{LeaderNote, Move, Role, TERM_MS, Written},
    },
    record::Intent,
};

/// The object that says who leads.
const LEADER: &str = "leader.json";

impl Actor {
    /// Whether tasks may be started and stopped from here now.
    pub(super) fn leads(&self, now: Millis) -> bool {
        self.run.as_ref().is_some_and(|run| run.has_table() && run.lead.may_act(now))
    }

    /// Does what leading or following asks for now.
    pub(super) fn keep_lead(&mut self, now: Millis) {
        let Some(run) = &mut self.run else {
            return;
        };
        if let Some(step) = run.lead.step(now) {
            self.spawn_move(step);
        }
        let Some(run) = &mut self.run else {
            return;
        };
        match (run.lead.role(now), run.table) {
            (Role::Leading { term }, TableState::Unknown) if now >= run.table_from => {
                self.take_over(term);
            }
            (Role::Leading { term }, TableState::Ours(ours)) if ours != term => {
                self.take_over(term);
            }
            (Role::Following { owner, .. }, TableState::Ours(_)) => {
                run.lose_table();
                let text = format!("{owner} leads run {} now: this dashboard follows", run.id);
                self.notice(Level::Warning, text);
            }
            _ => {}
        }
    }

    fn take_over(&mut self, term: u64) {
        let Some(run) = &mut self.run else {
            return;
        };
        run.table = TableState::Reading;
        let (id, cloud, prefix) = (run.id.clone(), run.cloud.clone(), run.prefix.clone());
        self.spawn_of_run(&id, async move {
            RunDone::TookOver(term, Box::new(blocks::take_over(&cloud, &prefix, term).await))
        });
    }

    /// The slot table was read, under this term.
    pub(super) fn learn_table(&mut self, term: u64, answer: Result<Table, CloudError>) {
        let now = self.clock.monotonic();
        let Some(run) = self.run.as_mut().filter(|run| run.table == TableState::Reading) else {
            return;
        };
        match answer {
            // Its leader ended it, and gave the lead back before we heard of that.
            Ok(Table { progress: Some(progress), .. }) if progress.phase == Phase::Ended => {
                run.told = Some((progress, String::new()));
                run.lose_table();
                self.give_back_lead();
            }
            Ok(table) if run.lead.term() == Some(term) => {
                let taken = !table.slots.is_empty();
                run.take_table(table, term, now);
                let (id, journal) = (run.id.clone(), run.open_journal(&self.options.runs));
                if let Err(error) = journal {
                    self.notice_no_folder(&error);
                }
                if taken {
                    self.notice(Level::Info, format!("this controller leads run {id} now"));
                    self.look_for_strays();
                }
            }
            Ok(_) => run.table = TableState::Unknown,
            Err(error) => {
                run.table = TableState::Unknown;
                run.table_from = now + RETRY_MS;
                if error.kind == ErrorKind::Precondition {
                    run.lead.depose();
                }
                self.failed(&error, "the slot table is read again");
            }
        }
    }

    /// Tells the person that the run's folder cannot be written.
    pub(super) fn notice_no_folder(&mut self, error: &std::io::Error) {
        let folder = self.run.as_ref().map(|run| run.folder.display().to_string());
        self.notice(
            Level::Error,
            format!(
                "{} cannot be written, the run goes on without: {error}",
                folder.unwrap_or_default()
            ),
        );
    }

    /// Gives the lead up, for good.
    pub(super) fn leave(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        run.lead.set_wants(false);
        run.lose_table();
        // None where a write is on its way: then the next turns name it.
        if let Some(step) = run.lead.release() {
            self.spawn_move(step);
        }
    }

    /// Nothing is left to lead.
    pub(super) fn give_back_lead(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        run.lead.set_wants(false);
        if let Some(step) = run.lead.release() {
            self.spawn_move(step);
        }
    }

    /// Sees to it that the lead of a run that has ended is given back.
    pub(super) fn finish_giving_back(&mut self, now: Millis) {
        if let Some(run) = self.run.as_mut().filter(|run| !run.lead.wants())
            && run.lead.term().is_some()
            && let Some(step) = run.lead.step(now)
        {
            self.spawn_move(step);
        }
    }

    fn spawn_move(&mut self, step: Move) {
        let Some(run) = &self.run else {
            return;
        };
        let (id, cloud, key) = (run.id.clone(), run.cloud.clone(), run.key(LEADER));
        match step {
            Move::Look => self.spawn_of_run(&id, async move {
                let answer = cloud.get_object(&key, None).await;
                RunDone::LeaderSeen(answer)
            }),
            Move::Write { note, over } => {
                // A renewal is no news; whoever reads the journal wants to know the terms.
                let changes = run.lead.term() != Some(note.term) || note.owner.is_none();
                let intent = changes
                    .then(|| Intent::PutLeader { owner: note.owner.clone(), term: note.term });
                let journal = run.journal.clone();
                self.spawn_of_run(&id, async move {
                    let condition = over.map_or(Condition::Absent, Condition::Matches);
                    let body = Bytes::from(serde_json::to_vec(&note).expect("a note is JSON"));
                    let write = cloud.put_object(&key, body, condition);
                    let answer = match intent {
                        Some(intent) => jobs::noted(journal.as_deref(), intent, write).await,
                        None => write.await,
                    };
                    RunDone::LeaderWritten(answer)
                });
            }
        }
    }

    pub(super) fn learn_leader(
        &mut self,
        answer: Result<(Fetched, Option<crate::cloud::types::Dated>), CloudError>,
    ) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        let (found, dated) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                run.lead.looked(now, None);
                return self.failed(&error, "who leads is looked at again");
            }
        };
        let note = match found {
            Fetched::New(object) => match serde_json::from_slice::<LeaderNote>(&object.body) {
                Ok(note) => Some((note, object.etag)),
                // Whoever wrote that does not lead by our rules.
                Err(error) => {
                    run.lead.looked(now, None);
                    let text = format!("{LEADER} of run {} cannot be read: {error}", run.id);
                    return self.notice(Level::Error, text);
                }
            },
            _ => None,
        };
        run.lead.looked(now, Some(note));
        self.clock.observe(dated);
    }

    pub(super) fn learn_leader_written(
        &mut self,
        answer: Result<(String, Option<crate::cloud::types::Dated>), CloudError>,
    ) {
        let now = self.clock.monotonic();
        let Some(run) = &mut self.run else {
            return;
        };
        match answer {
            Ok((etag, dated)) => {
                run.lead.wrote(now, Written::Landed(etag));
                self.clock.observe(dated);
            }
            Err(error) if error.kind == ErrorKind::Precondition => {
                run.lead.wrote(now, Written::Beaten);
            }
            Err(error) => {
                run.lead.wrote(now, Written::Unknown);
                self.failed(&error, "who leads is looked at again");
            }
        }
    }

    /// Who leads, for the screen.
    pub(super) fn lead_view(&self, now: Millis) -> LeadView {
        let Some(run) = &self.run else {
            return LeadView::Unknown;
        };
        let wants = run.lead.wants();
        match run.lead.role(now) {
            Role::Leading { term } => LeadView::Us { term },
            Role::Unsure { .. } => LeadView::Unsure,
            Role::Following { silent_ms, .. } if !wants && silent_ms >= TERM_MS => LeadView::Nobody,
            Role::Following { owner, silent_ms } => LeadView::Other {
                // Without what only makes it unique.
                owner: owner.rsplit_once('-').map_or(owner.clone(), |(name, _)| name.to_owned()),
                silent_ms,
                takeover_ms: wants.then(|| TERM_MS.saturating_sub(silent_ms)),
            },
            Role::Vacant if !wants => LeadView::Nobody,
            Role::Vacant | Role::Unknown => LeadView::Unknown,
        }
    }
}
