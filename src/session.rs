//! What a dashboard or a headless run stands on: the local cloud, the practice
//! target where no other is named, and the controller.
//!
//! Invariant: they begin together and end together, in the reverse order; nothing
//! that a session started is left when [`Session::end`] returns.

use std::{env, path::PathBuf};

use color_eyre::eyre::WrapErr;

use crate::{
    cloud::Cloud,
    controller::{self, Controller, Handle, Join, Limit},
    local::{self, LocalCloud},
    model::registry::{Policy, Workload},
    plan::{Plan, Target},
    record,
    target::PracticeTarget,
    usage::Usage,
};

/// Open files that a process needs beside its devices' sockets.
const SPARE_FILES: u64 = 64;

/// What a session is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the devices talk to; none: the practice target.
    pub target: Option<Target>,
    /// How many devices a task has room for.
    pub devices_per_task: u32,
}

/// A local cloud with a controller, and perhaps a practice target.
#[derive(Debug)]
pub struct Session {
    /// How to speak with the controller.
    pub handle: Handle,
    controller: Controller,
    local: LocalCloud,
    practice: Option<PracticeTarget>,
}

impl Session {
    /// Starts everything.
    pub async fn start(settings: Settings) -> color_eyre::Result<Self> {
        let state = record::state_dir();
        let runs = state.join("runs");
        std::fs::create_dir_all(&runs)
            .wrap_err_with(|| format!("the folder {} cannot be made", runs.display()))?;
        let program = program()?;
        let local = LocalCloud::start(local::Options::new(&state, program.clone()))
            .await
            .wrap_err("the local cloud did not start")?;
        let site = local.site();
        let files = site.files_per_task.map(|files| files.saturating_sub(SPARE_FILES));
        if let Some(fit) = files.filter(|&fit| u64::from(settings.devices_per_task) > fit) {
            local.shutdown().await;
            return Err(Usage(format!(
                "--devices-per-task {}: a task is one process, and this machine lets a process \
                 have {fit} connections; say at most {fit} (or raise the hard limit, ulimit -Hn)",
                settings.devices_per_task
            ))
            .into());
        }
        let (target, practice) = if let Some(target) = settings.target {
            (target, None)
        } else {
            let practice = PracticeTarget::start(&program).await?;
            (practice.target().clone(), Some(practice))
        };
        let limit = practice.as_ref().zip(files).map(|(_, files)| Limit {
            devices: u32::try_from(files).unwrap_or(u32::MAX),
            because: "the practice target is one process, and this machine's open-file limit \
                      gives it that many connections; ulimit -Hn raises it"
                .to_owned(),
        });
        let options = controller::Options {
            plan: Some(Plan::simple(target)),
            devices_per_task: settings.devices_per_task,
            workload: Workload::Agent,
            policy: Policy::default(),
            limit,
            runs,
            join: Join::Own,
            leads: true,
        };
        let cloud = Cloud::connect(&local.endpoint(), local.names());
        let (controller, handle) = Controller::start(cloud, site, options);
        Ok(Session { handle, controller, local, practice })
    }

    /// Ends everything: the controller, then all tasks, then the practice target. The
    /// answer is how many processes could not be ended: 0, unless the system holds one.
    pub async fn end(self) -> u32 {
        self.controller.stop().await;
        let mut left = self.local.shutdown().await;
        if let Some(practice) = self.practice {
            left += u32::from(!practice.stop().await);
        }
        left
    }
}

/// This very program: what tasks are processes of.
pub fn program() -> color_eyre::Result<PathBuf> {
    env::current_exe().wrap_err("where this program is cannot be found out")
}
