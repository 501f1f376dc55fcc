//! **loadtop** is *top for load tests*: it starts, steers, watches and stops fleets
//! of simulated devices from one full-screen terminal dashboard.
//!
//! # The map
//!
//! ```text
//! Key → Action → update → Effect → Command → (controller) → wish and AWS calls → Snapshot → draw
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`doctor`] | what a run would stumble over, looked at before; the least policies |
//! | `manual` | completions and man pages, from the command line's definition |
//! | [`config`] | what is told by flags, environment and `loadtop.toml` |
//! | [`place`], [`session`] | where a command works, and what it stands on |
//! | [`dashboard`], [`headless`], [`verbs`] | the commands that make runs and steer them |
//! | [`app`], [`ui`] | the dashboard: state and its updates; keys, theme, views |
//! | [`controller`] | the actor: commands in, snapshots out; tasks are made to match the wish |
//! | [`model`] | the pure domain: device sets, batches, ramps, the wish, slots, the clock |
//! | [`cloud`] | every call to AWS; the only place that names the SDK |
//! | [`local`] | the local cloud: the same APIs on loopback, tasks as processes |
//! | [`agent`] | what runs in a task: devices, their requests, reports |
//! | [`watchdog`] | what ends a task of another program, and holds its processes |
//! | `follow` | what agents and watchdogs do alike: read the wish, know when it is over |
//! | [`target`] | the practice target |
//! | [`plan`] | what devices do |
//! | [`stats`], [`report`] | histograms and what is merged from them; the summary |
//! | [`record`], [`runs`] | the run folder and the journal; the registry of runs in the bucket |
//! | `process` | what every process of ours does alike: lifeline, open files, output |
//!
//! # Two ideas
//!
//! **A pocket ECS.** Without a named cluster the controller talks to the local cloud,
//! over the same SDK and the same wire protocols. A trait with a cheap local
//! implementation was weighed and refused: the half that spends money would be the
//! half that no test runs, and idempotency, conditional writes and partial failure
//! live on the wire.
//!
//! **The wish.** What a run should be is one small versioned object in the run's
//! bucket ([`model::wish`]). The controller edits it and starts and stops tasks until
//! they match ([`model::slots`]); agents poll it and follow. So adding or removing
//! devices inside running tasks, pausing and stopping take seconds and no ECS call.
//!
//! # Invariants
//!
//! 1. `model`, `plan`, `stats`, `local::engine` and `app::{state, action, update,
//!    effect}` import no runtime, terminal or AWS crate: the time is a parameter, and
//!    randomness has a seed.
//! 2. Only `cloud` names SDK types.
//! 3. Nothing outside `local` knows that the cloud is local: it gets an endpoint and a
//!    plain [`cloud::Site`].
//! 4. One module touches raw mode, the alternate screen and the panic hook.
//! 5. Drawing takes the app's state; it never prunes, sorts or fetches.
//! 6. The controller never awaits a remote call in its loop.
//! 7. A key, its action, its help text and its danger are one row of one table.
//! 8. What ends a run needs a [`model::confirmed::Confirmed`].
//! 9. Tasks are started and stopped only by a run's leader, within its term; what it is
//!    about to do is in the journal, and in the slot table where a successor needs it.
//!
//! The first four and the eighth are checked by `tests/architecture.rs`.
//!
//! # Decisions
//!
//! - A slot is a fixed range of indices (`slot = index / devices per task`), so where a
//!   device lives needs no table; a slot whose devices are all gone is retired.
//! - The bucket's clock is learned from the `Date` of its answers, which has whole
//!   seconds; [`model::clock`] narrows that down over polls, which therefore jitter.
//! - Whatever a task runs ends with its run: agents read the wish themselves, any other
//!   program has a watchdog that does ([`watchdog`]): on ECS an essential container beside
//!   it, locally a shim around it. Programs get none of the local cloud's keys.
//! - The SDK's retries are off: the controller retries with the same idempotency token
//!   and counts every attempt. It keeps AWS's token buckets itself ([`model::quota`]),
//!   with a share for StopTask; a call that is throttled all the same slows it down.
//! - Every dashboard and every verb is a controller. One of them leads: it alone calls
//!   RunTask and StopTask and writes the slot table. [`model::leadership`] says who, by a
//!   term in `leader.json`; a successor first writes its term into every block of the
//!   slot table, so that no write of its predecessor can land after it has read them.
//! - An attempt whose RunTask was ever ambiguous keeps its idempotency token until its
//!   task is placed, even after an answer of failures: a late copy of the first call
//!   might still land, and must come to the same task.
//! - A run that ends starts nothing more, not even to learn what became of a lost
//!   answer: such a task is found by listing, which is believed only some time later.
//! - A run without a bucket has one all the same, in files of this machine
//!   ([`local::PocketBucket`]): the calls of a bucket are made to a server on loopback, so
//!   that its wish, its slots and its end are the same code and no second way that fewer
//!   tests run. Its tasks cannot read there, so they are told of none.
//! - A run is made with a revision of a task definition, which is in its registry with the
//!   watchdog and the stop timeout: whoever takes the lead starts the same tasks.
//! - What a run's tasks run on, group or Fargate, is in its registry, and settled after the
//!   capacity providers were looked at: where one scales the group nobody here does.
//! - Tasks report less often where many report; the interval only grows during a run, and
//!   reports are queried second by second, so that figures survive a change of it.
//! - The switch of a group is one scheduled action per group, not per run: that of one run
//!   would end the instances of another ([`model::switch`]). It moves before the lease
//!   does, so the lease never goes further than what ends the instances after it.
//! - What is metered are amounts, never dollars ([`model::cost`]): prices may be unknown,
//!   and a successor that knows them goes on with the same amounts. An unknown price is
//!   named and counts as nothing, never silently.
//! - What needs EC2, IAM or Service Quotas is a few signed calls and no further SDK; each
//!   call of any service is a row of [`cloud::calls`], from which the policies are made.
//! - What a leader knows of the tasks it tells all others in `progress.json`, so that
//!   a dashboard which follows costs two small reads a refresh, whatever the fleet's size.
//! - Of the mouse only buttons and the wheel are asked for: each motion would be a reason
//!   to wake up. It can do what a key could do there, and by one click nothing ends.
//! - A recording has a picture of its own that each frame is the difference to, so that a
//!   slow disk leaves frames out and never holds the screen; a line is one write, so that
//!   what a killed dashboard leaves can be played.
//! - Chosen keys are laid over the key table by the names of its rows, and checked as a
//!   whole when the file is read: what has two meanings on some screen never starts.
//! - By default the terminal's own sixteen colours are used, whose theme people chose. A
//!   theme with colours of its own brings its background, or nothing said of its contrast
//!   would hold.
//! - Figures of a run are kept for as long as it lasts and in fixed memory: points become
//!   minutes with percentiles of their own after an hour, exact distributions columns whose
//!   length grows with the root of their age. Neighbours are added together, none is dropped.
//! - Exact results are read while a run is on only where somebody looks, twenty parts a
//!   second at most: of more tasks than that an even choice is read, and it is said.
//! - Marks on charts are found by comparing what is seen, not noted by who did it: so who
//!   leads, who follows and (as far as the wish has dates) who comes late show the same.
//! - An instance goes by cordon, look, StopTask, look, terminate; which ones are to go is
//!   in the wish, so that a successor goes on with it. It has two fields for that beyond
//!   the contract, `drain` and `scale_to_zero`, which are left out while they say nothing.
//! - A task that a person has replaced is in the wish, too (`restarts`, slot and attempt), so
//!   that followers can ask for it, and so that a successor that sees its end knows that it
//!   was asked for.
//! - How a slot's last task ended, and since when and where its task is, is written with the
//!   slot, although nothing is decided by it: followers and successors show each task with
//!   no call to ECS.

pub mod agent;
pub mod app;
pub mod cli;
pub mod cloud;
pub mod config;
pub mod controller;
pub mod dashboard;
pub mod doctor;
mod follow;
pub mod headless;
pub mod local;
mod manual;
pub mod model;
pub mod place;
pub mod plan;
mod process;
pub mod record;
pub mod report;
mod run;
pub mod runs;
pub mod session;
pub mod stats;
pub mod target;
mod tell;
pub mod ui;
mod usage;
pub mod verbs;
pub mod watchdog;

pub use run::run;
pub use usage::Usage;
