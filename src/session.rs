//! What a dashboard or a headless run stands on: a cloud, the practice target where
//! no other is named, and the controller.
//!
//! Invariant: what a session started ends with it, in the reverse order; nothing of
//! that is left when [`Session::end`] returns. A cloud that stays was not started by
//! it, and what runs there goes on.

mod tasks;

use std::{collections::BTreeMap, env, path::PathBuf, sync::Arc, time::Duration};

use color_eyre::eyre::WrapErr;

use crate::{
    cli,
    cloud::{Cloud, Site},
    config,
    controller::{
        self, Command, Controller, Handle, Join, Limit, Snapshot,
        snapshot::{LeadView, RunView},
    },
    local::{self, LocalCloud, PocketBucket},
    model::{prices::Prices, registry::Policy},
    place::Place,
    plan::{Plan, Target},
    record,
    target::PracticeTarget,
    usage::Usage,
};

/// Open files that a process needs beside its devices' sockets.
const SPARE_FILES: u64 = 64;
/// How long giving the lead up may take. Whoever comes after us needs it no longer
/// than a term, so this only saves them time.
const LEAVE: Duration = Duration::from_secs(2);

/// What a session is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where.
    pub place: Place,
    /// What the devices talk to; none: the practice target, where there is one.
    pub target: Option<Target>,
    /// How many devices a task has room for.
    pub devices_per_task: u32,
    /// What is done about losses and missing room, and how long the lease is.
    pub policy: Policy,
    /// What runs in the tasks, as the command line says.
    pub image: Option<Image>,
    /// The same as the configuration says, where the command line says nothing; none, too:
    /// loadtop's agent in the task definition of the place.
    pub task: Option<config::Task>,
    /// Tags of everything that is started, besides loadtop's own.
    pub tags: BTreeMap<String, String>,
    /// Prices of the user's own, by the keys of [`crate::model::prices`].
    pub prices: BTreeMap<String, f64>,
    /// Which run the controller is for.
    pub join: Join,
    /// Whether it leads that run when nobody else does.
    pub leads: bool,
    /// Whether somebody looks at the tasks one by one.
    pub details: bool,
}

/// What runs in the tasks instead of loadtop's agent: one device each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What it is.
    pub what: ImageOf,
    /// The variable that holds the device's id.
    pub identity: String,
}

/// What an image is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageOf {
    /// A program and its arguments; a task definition is registered for it.
    Program(Vec<String>),
    /// A task definition that is there.
    Definition {
        /// Its family, or family and revision.
        name: String,
        /// The container in it that is told the device's id.
        container: String,
    },
}

impl Image {
    /// What the command line says; none: loadtop's agent.
    #[must_use]
    pub fn of(image: &cli::Image) -> Option<Self> {
        let program = image.exec.as_ref().map(|program| ImageOf::Program(program.0.clone()));
        let definition = image.task_definition.as_ref().zip(image.container.as_ref());
        let definition = definition.map(|(name, container)| ImageOf::Definition {
            name: name.clone(),
            container: container.clone(),
        });
        let identity = image.identity.clone().unwrap_or_else(|| config::IDENTITY.to_owned());
        program.or(definition).map(|what| Image { what, identity })
    }
}

impl Settings {
    /// As the command line says, and then the place's configuration.
    #[must_use]
    pub fn new(place: Place, target: Option<Target>, making: &cli::Making) -> Self {
        let config = place.config().cloned();
        let devices_per_task = making.devices_per_task(config.as_ref());
        let settings = Settings {
            target,
            devices_per_task,
            policy: making.policy(config.as_ref()),
            place,
            image: Image::of(&making.image),
            tags: config.as_ref().map(|it| it.tags.clone()).unwrap_or_default(),
            prices: config.as_ref().map(|it| it.prices.clone()).unwrap_or_default(),
            task: config.map(|it| it.task),
            join: Join::Own,
            leads: true,
            details: false,
        };
        let devices_per_task = if settings.runs_images() { 1 } else { devices_per_task };
        Settings { devices_per_task, ..settings }
    }

    /// Whether something else than loadtop's agent runs in the tasks: one device each, and
    /// it knows itself what it talks to.
    #[must_use]
    pub fn runs_images(&self) -> bool {
        self.image.is_some() || self.task.as_ref().is_some_and(tasks::is_image)
    }
}

/// A cloud with a controller, and perhaps a practice target.
#[derive(Debug)]
pub struct Session {
    /// How to speak with the controller.
    pub handle: Handle,
    controller: Controller,
    ground: Ground,
}

/// What is below the controller, of this session's own: nothing on a cloud that stays.
#[derive(Debug, Default)]
struct Ground {
    local: Option<LocalCloud>,
    practice: Option<PracticeTarget>,
}

impl Session {
    /// Starts everything.
    pub async fn start(settings: Settings) -> color_eyre::Result<Self> {
        let state = record::state_dir();
        let runs = state.join("runs");
        std::fs::create_dir_all(&runs)
            .wrap_err_with(|| format!("the folder {} cannot be made", runs.display()))?;
        let (cloud, site, ground) = Ground::start(&settings, &state).await?;
        match prepare(&cloud, &site, &ground, settings, runs).await {
            Ok(options) => {
                let cloud = of_definition(cloud, &options);
                let (controller, handle) = Controller::start(cloud, site, options);
                Ok(Session { handle, controller, ground })
            }
            Err(error) => {
                ground.end().await;
                Err(error)
            }
        }
    }

    /// Gives the lead up, as far as we have it, and waits a moment until that is so:
    /// whoever comes next need not wait for the end of our term.
    pub async fn leave(&mut self) -> Arc<Snapshot> {
        leave(&mut self.handle).await
    }

    /// Ends everything that it started: the controller, then all tasks of its own
    /// cloud, then the practice target. The answer is how many processes could not be
    /// ended: 0, unless the system holds one.
    pub async fn end(self) -> u32 {
        self.controller.stop().await;
        self.ground.end().await
    }
}

/// Gives a controller's lead up; the answer is what it knew last.
pub(crate) async fn leave(handle: &mut Handle) -> Arc<Snapshot> {
    let leads = |run: &RunView| matches!(run.lead, LeadView::Us { .. } | LeadView::Unsure);
    if handle.commands.try_send(Command::Leave).is_ok() {
        let released = handle.snapshots.wait_for(|it| !it.run.as_ref().is_some_and(leads));
        if tokio::time::timeout(LEAVE, released).await.is_err() {
            tracing::warn!("the lead was not released in time: others take over after its term");
        }
    }
    Arc::clone(&handle.snapshots.borrow())
}

impl Ground {
    async fn start(
        settings: &Settings,
        state: &std::path::Path,
    ) -> color_eyre::Result<(Cloud, Site, Ground)> {
        if let Place::Standing(standing) = &settings.place {
            return Ok((standing.connect().await?, standing.site(), Ground::default()));
        }
        let program = program()?;
        let local = LocalCloud::start(local::Options::new(state, program.clone()))
            .await
            .wrap_err("the local cloud did not start")?;
        let cloud = Cloud::connect(&local.endpoint(), local.names());
        let site = local.site();
        let mut ground = Ground { local: Some(local), practice: None };
        // An image knows what it talks to; on a cloud that stays a target of ours would
        // end before the devices do.
        if settings.target.is_none() && !settings.runs_images() {
            match PracticeTarget::start(&program).await {
                Ok(started) => ground.practice = Some(started),
                Err(error) => {
                    ground.end().await;
                    return Err(error);
                }
            }
        }
        Ok((cloud, site, ground))
    }

    async fn end(self) -> u32 {
        let mut left = 0;
        if let Some(local) = self.local {
            left += local.shutdown().await;
        }
        if let Some(practice) = self.practice {
            left += u32::from(!practice.stop().await);
        }
        left
    }
}

/// What the controller is made with.
async fn prepare(
    cloud: &Cloud,
    site: &Site,
    ground: &Ground,
    settings: Settings,
    runs: PathBuf,
) -> color_eyre::Result<controller::Options> {
    let files = site.files_per_task.map(|files| files.saturating_sub(SPARE_FILES));
    if let Some(fit) = files.filter(|&fit| u64::from(settings.devices_per_task) > fit) {
        return Err(Usage(format!(
            "--devices-per-task {}: a task is one process, and this machine lets a process have \
             {fit} connections; say at most {fit} (or raise the hard limit, ulimit -Hn)",
            settings.devices_per_task
        ))
        .into());
    }
    let practice = ground.practice.as_ref();
    let limit = practice.zip(files).map(|(_, files)| Limit {
        devices: u32::try_from(files).unwrap_or(u32::MAX),
        because: "the practice target is one process, and this machine's open-file limit gives \
                  it that many connections; ulimit -Hn raises it"
            .to_owned(),
    });
    let runs_images = settings.runs_images();
    let target = settings.target.or_else(|| practice.map(|practice| practice.target().clone()));
    let target = target.map(Plan::simple);
    let plan = if runs_images { Some(target.unwrap_or_else(Plan::of_an_image)) } else { target };
    let tags = settings.tags.clone();
    let asked = tasks::Asked {
        image: settings.image,
        task: settings.task,
        tags,
        registers: settings.leads,
    };
    let (workload, definition, seen) = tasks::find(cloud, site, asked).await?;
    if let Some(why) =
        controller::too_long(&cloud.with_names(cloud.names().clone().of(&definition)), &workload)
    {
        return Err(Usage(why).into());
    }
    Ok(controller::Options {
        plan,
        devices_per_task: settings.devices_per_task,
        workload,
        definition: Some(definition),
        takes: Some(seen).filter(|seen| !settings.leads && seen.memory > 0),
        policy: settings.policy,
        tags: settings.tags,
        limit,
        prices: Prices::at(site.costs, cloud.region(), &settings.prices),
        runs,
        join: settings.join,
        leads: settings.leads,
        details: settings.details,
    })
}

/// Clients that know what will run in the tasks: how many fit on an instance is asked
/// before a run begins. A run that is joined brings its own definition.
fn of_definition(cloud: Cloud, options: &controller::Options) -> Cloud {
    match &options.definition {
        Some(definition) => cloud.with_names(cloud.names().clone().of(definition)),
        None => cloud,
    }
}

/// Clients that have a bucket in any case: where none is named, that of this machine.
pub(crate) async fn with_bucket(cloud: Cloud) -> color_eyre::Result<Cloud> {
    if !cloud.names().bucket.is_empty() {
        return Ok(cloud);
    }
    let pocket = PocketBucket::start(&record::state_dir().join("pocket")).await?;
    Ok(pocket.lend_to(&cloud))
}

/// This very program: what tasks are processes of.
pub fn program() -> color_eyre::Result<PathBuf> {
    env::current_exe().wrap_err("where this program is cannot be found out")
}
