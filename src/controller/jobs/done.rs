//! What the jobs bring back.
//!
//! Invariant: plain data. What is of a run carries its id: a late answer of an ended run is
//! nobody's.

use std::path::PathBuf;

use crate::{
    cloud::{
        CloudError,
        types::{
            ClusterSeen, Dated, DefinitionSeen, Fetched, GroupSeen, InstanceSeen, ProvidersSeen,
            Series, Started, TaskSeen,
        },
    },
    controller::{
        blocks::{Block, Table},
        figures::{Asked, PastAsked},
        join::Found,
        live, progress, switch,
        wishes::Stored,
    },
    model::{Millis, wish::Edit},
    plan::Plan,
    report::Results,
};

/// What a job brings back. Those of a run carry its id: a late answer of an ended
/// run is nobody's.
#[derive(Debug)]
pub(in crate::controller) enum Done {
    /// The task definition was described.
    Definition(Result<DefinitionSeen, CloudError>),
    /// How many vCPUs the account may have on Fargate was looked at; Spot or not.
    Quota(bool, Result<f64, CloudError>),
    /// The capacity providers were looked at, for this group.
    Providers(String, Result<ProvidersSeen, CloudError>),
    /// The group and the cluster were looked at, asked for in this generation.
    Counts(u64, Result<(GroupSeen, ClusterSeen), CloudError>),
    /// The instances were looked at, asked for in this generation.
    Instances(u64, Result<Vec<InstanceSeen>, CloudError>),
    /// The number of instances was set.
    ScaledOut(Result<(), CloudError>),
    /// A machine was cordoned, or was given free again.
    Cordoned(String, Result<(), CloudError>),
    /// A machine was told to go.
    ScaledIn(String, Result<(), CloudError>),
    /// Live runs were looked for.
    Found(Result<Found, CloudError>),
    /// Something of a run.
    OfRun(String, Box<RunDone>),
}

/// What a job of a run brings back.
#[derive(Debug)]
pub(in crate::controller) enum RunDone {
    /// The run's first objects were written.
    Begun(Result<Stored, CloudError>),
    /// Edits were made, or not.
    Edited(Vec<Edit>, Result<Stored, CloudError>),
    /// The wish was looked at.
    Looked(Result<(Option<Stored>, Option<Dated>), CloudError>),
    /// A plan was written for this order, under this number.
    PlanWritten(u64, Result<u32, CloudError>),
    /// The plan that the wish names was read; none: it cannot be.
    PlanRead(String, Result<Option<Plan>, CloudError>),
    /// The run's entry in the registry was written.
    RegistryWritten(Result<(), CloudError>),
    /// Who leads was looked at.
    LeaderSeen(Result<(Fetched, Option<Dated>), CloudError>),
    /// Who leads was written.
    LeaderWritten(Result<(String, Option<Dated>), CloudError>),
    /// The slot table was taken over, in this term.
    TookOver(u64, Box<Result<Table, CloudError>>),
    /// Blocks of the slot table were written in this term, so that these slots may be launched.
    Recorded(u64, Vec<(u32, u32)>, Written),
    /// RunTask was answered, for this attempt of a slot.
    Started(u32, u32, Result<Started, CloudError>),
    /// StopTask was answered, for this slot.
    Stopped(u32, Result<(), CloudError>),
    /// A task that no slot knows was told to stop.
    StrayStopped(String, Result<(), CloudError>),
    /// These tasks were described.
    Tasks(Vec<String>, Result<Vec<TaskSeen>, CloudError>),
    /// The run's tasks were listed, to see that there is none any more.
    Listed(Result<Vec<String>, CloudError>),
    /// The run's tasks were listed and described, to find those that no slot knows.
    Strays(Result<Vec<TaskSeen>, CloudError>),
    /// Figures were read, as they were asked for.
    Figures(Asked, Result<Series, CloudError>),
    /// Figures of what was before were read: minutes, and seconds.
    Past(PastAsked, Result<(Series, Series), CloudError>),
    /// Parts of the exact results were read.
    Parts(Box<live::Batch>),
    /// The figures were written into the run's folder: all but the files' endings.
    Exported(std::io::Result<PathBuf>),
    /// What the leader knows was written.
    Told(Box<progress::Progress>, Result<(), CloudError>),
    /// What the leader knows was read.
    Heard(Result<Fetched, CloudError>),
    /// Blocks of the slot table that another leader wrote were read, asked for then (this
    /// machine's clock), and why others were not.
    Blocks(Millis, Vec<(Block, String)>, Option<CloudError>),
    /// The results were read; the second are objects that cannot be used, and why.
    Results(Box<Results>, Vec<String>),
    /// The run's end was written.
    Finished(Result<(), CloudError>),
    /// The summary that another leader made was read.
    Summary(Result<Fetched, CloudError>),
    /// The group was claimed until then, or not.
    GroupHeld(Millis, Result<switch::Held, switch::NotHeld>),
    /// The group was let go, or not.
    GroupLeft(Result<switch::Settled, CloudError>),
}

/// Blocks that were written, with their new entity tags, and what stopped the rest.
#[derive(Debug)]
pub(in crate::controller) struct Written {
    pub(in crate::controller) etags: Vec<(u32, String)>,
    pub(in crate::controller) error: Option<CloudError>,
}
