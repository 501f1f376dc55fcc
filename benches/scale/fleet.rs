//! The fleets, and what is measured of them.
//!
//! Invariant: each moment is the first look that saw it, and a look comes every
//! [`LOOK`]: figures are late by at most that, never early.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use color_eyre::eyre::bail;
use loadtop::{
    cloud::Cloud,
    controller::{self, Command, Controller, Handle, Join, snapshot::Phase},
    model::{
        confirmed::Confirmed,
        registry::{Policy, Workload},
        wish::Spread,
    },
    plan::Plan,
};

use crate::scale::{
    cloud::{Books, CloudProcess},
    machine,
    table::Figures,
};

/// How often the books are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long after the last start the fleet counts as steady.
const SETTLE: Duration = Duration::from_secs(15);
/// How long the steady fleet is measured.
const STEADY: Duration = Duration::from_secs(20);
/// Over how long the devices start once their tasks run.
const RAMP: Duration = Duration::from_secs(20);
/// What is not there by then does not come.
const PATIENCE: Duration = Duration::from_mins(15);

/// A fleet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fleet {
    pub(crate) name: &'static str,
    pub(crate) tasks: u32,
    /// Devices of one task.
    pub(crate) room: u32,
    /// Whether the tasks are of some image, so that only StopTask surely ends them.
    pub(crate) image: bool,
}

impl Fleet {
    /// Those of the contract, and one whose tasks must be told to stop one by one.
    pub(crate) fn all() -> [Fleet; 3] {
        [
            Fleet { name: "devices", tasks: 1_000, room: 1_000, image: false },
            Fleet { name: "tasks", tasks: 10_000, room: 1, image: false },
            Fleet { name: "image", tasks: 1_000, room: 1, image: true },
        ]
    }

    pub(crate) fn devices(&self) -> u32 {
        self.tasks * self.room
    }
}

/// Brings a fleet up, keeps it for a while, ends it, and measures each.
pub(crate) async fn measure(fleet: &Fleet) -> color_eyre::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let mut local = CloudProcess::start(fleet.tasks, folder.path()).await?;
    let cloud = local.standing.connect().await?;
    let options = controller::Options {
        plan: Some(Plan::of_an_image()),
        devices_per_task: fleet.room,
        workload: workload(&cloud, fleet).await?,
        definition: None,
        takes: None,
        policy: Policy::default(),
        tags: std::collections::BTreeMap::new(),
        limit: None,
        prices: None,
        runs: folder.path().join("runs"),
        join: Join::Own,
        leads: true,
        details: false,
    };
    let site = local.standing.site();
    let refresh = site.refresh;
    let (controller, handle) = Controller::start(cloud.clone(), site, options);
    let devices = u64::from(fleet.devices());
    let (began, cpu) = (Instant::now(), machine::cpu());
    let over = if fleet.image { Duration::ZERO } else { RAMP };
    let add =
        Command::Add { devices: fleet.devices(), over, spread: Spread::Uniform, seed: Some(1) };
    handle.commands.send(add).await?;
    let tasks = u64::from(fleet.tasks);
    let (launched, _) =
        until(&mut local, &handle, "all tasks run", |it, _| it.tasks == tasks).await?;
    let launch_cpu = machine::cpu() - cpu;
    let launch = launched - began;
    until(&mut local, &handle, "all devices live", |it, _| it.alive == devices).await?;
    tokio::time::sleep(SETTLE).await;
    let steady = steady(&cloud, refresh).await;
    let notices = notices(&handle);

    let ended = Instant::now();
    let (scale_to_zero, confirmed) = (false, Confirmed::ByFlag);
    handle.commands.send(Command::End { scale_to_zero, confirmed }).await?;
    let (devices_gone, _) =
        until(&mut local, &handle, "no device lives", |it, _| it.alive == 0).await?;
    let (tasks_gone, _) = until(&mut local, &handle, "no task runs", |it, _| it.tasks == 0).await?;
    let over = |_: &Books, phase: Option<Phase>| phase == Some(Phase::Ended);
    let (zero, books) = until(&mut local, &handle, "the run has ended", over).await?;
    let figures = Figures {
        launch,
        launch_cpu,
        devices_gone: devices_gone - ended,
        tasks_gone: tasks_gone - ended,
        zero: zero - ended,
        steady,
        memory_most: machine::memory().map(|(_, most)| most),
        starts: books.starts,
        doubled: books.doubled,
        throttled: cloud.calls().get("throttled").copied().unwrap_or(0),
        notices,
    };
    controller.stop().await;
    local.end().await?;
    Ok(figures)
}

async fn workload(cloud: &Cloud, fleet: &Fleet) -> color_eyre::Result<Workload> {
    if !fleet.image {
        return Ok(Workload::Agent);
    }
    let (family, container) = ("some-image", "program");
    let definition =
        cloud.register_program(family, container, &["program".to_owned()], 20, 20).await?;
    let identity = "UUID".to_owned();
    Ok(Workload::Image { definition, container: container.to_owned(), identity })
}

/// What a steady fleet costs.
#[derive(Debug)]
pub(crate) struct Steady {
    /// CPU seconds a second.
    pub(crate) cpu: f64,
    /// MB.
    pub(crate) memory: Option<f64>,
    /// Calls a refresh, by operation.
    pub(crate) calls: BTreeMap<String, f64>,
}

async fn steady(cloud: &Cloud, refresh: Duration) -> Steady {
    let (at, cpu, calls) = (Instant::now(), machine::cpu(), cloud.calls());
    tokio::time::sleep(STEADY).await;
    let (took, spent) = (at.elapsed(), machine::cpu() - cpu);
    let refreshes = took.as_secs_f64() / refresh.as_secs_f64();
    let calls = cloud.calls().into_iter().filter_map(|(call, count)| {
        let made = count - calls.get(&call).copied().unwrap_or(0);
        (made > 0).then(|| (call, made as f64 / refreshes))
    });
    Steady {
        cpu: spent / took.as_secs_f64(),
        memory: machine::memory().map(|(now, _)| now),
        calls: calls.collect(),
    }
}

fn notices(handle: &Handle) -> Vec<String> {
    let snapshot = handle.snapshots.borrow();
    snapshot.notices.iter().map(|it| format!("{}× {}", it.times, it.text)).collect()
}

/// Waits until that is so; the moment when it was seen.
async fn until(
    local: &mut CloudProcess,
    handle: &Handle,
    what: &str,
    is_so: impl Fn(&Books, Option<Phase>) -> bool,
) -> color_eyre::Result<(Instant, Books)> {
    let began = Instant::now();
    loop {
        let books = local.books().await?;
        let phase = handle.snapshots.borrow().run.as_ref().map(|run| run.phase);
        if is_so(&books, phase) {
            return Ok((Instant::now(), books));
        }
        if began.elapsed() > PATIENCE {
            bail!("{what}: not so after {PATIENCE:?}; {books:?}; {:?}", notices(handle));
        }
        tokio::time::sleep(LOOK).await;
    }
}
