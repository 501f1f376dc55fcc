//! The local cloud: the same wire protocols as AWS on loopback, where an instance
//! is a slot on this machine and a task is a real child process.
//!
//! ```text
//! wire  ── requests ──▶  shell  ──▶  engine (pure)
//!   │                      │ effects       │
//!   └──▶ bucket (files)    └──▶ runner ── events ──▶ shell
//! ```
//!
//! Invariants: it listens on loopback only, and answers only what was signed with
//! the key of this start; no child outlives it, as each watches for its end or is held
//! by a shim that does ([`crate::watchdog`]); nothing outside this module knows that a cloud is local:
//! it gets an [`Endpoint`], [`Names`] and a [`Site`].

pub mod account;
mod bucket;
mod clock;
mod command;
mod engine;
pub mod faults;
mod pocket;
mod runner;
mod shell;
mod wire;

#[cfg(test)]
pub(crate) mod link;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use color_eyre::eyre::WrapErr as _;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::{
    account::{Account, Admission},
    bucket::Buckets,
    clock::Clock,
    engine::Setup,
    faults::{Fault, Faults},
    runner::Tasks,
    shell::{Shell, Surroundings},
    wire::{Wire, auth::Key},
};
pub use self::{
    command::serve,
    engine::{BadLoss, Loss, Lost, Rate},
    pocket::PocketBucket,
    runner::{Devices, Ledger, RunLedger},
};
#[cfg(test)]
use crate::model::Millis;
use crate::{
    cloud::{Endpoint, Names, Site, calls::Service},
    model::capacity::{Capacity, Network},
};

/// Name of the cluster, the group and the bucket.
const NAME: &str = "loadtop";
/// The task definition that is there from the start.
const FAMILY: &str = "loadtop-agent";
/// Its container.
const CONTAINER: &str = "agent";
/// What tasks get to end in when the cloud does: agents drain for two seconds,
/// and write their last results.
const GRACE: Duration = Duration::from_secs(4);

/// How a local cloud is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 for any.
    pub port: u16,
    /// Where the buckets are.
    pub buckets: Store,
    /// What runs in the tasks.
    pub runner: Runner,
    /// Folder that gets the tasks' output, as `RUN/tasks/TASK.log`.
    pub logs: PathBuf,
    /// What the command word `loadtop` means in a task definition.
    pub program: PathBuf,
    /// How long a new instance takes until it takes tasks.
    pub boot: Duration,
    /// Instances at the start.
    pub instances: u32,
    /// The group's maximum.
    pub max_instances: u32,
    /// Tasks of `loadtop-agent` that fit on an instance.
    pub tasks_per_instance: u32,
    /// How long a task that was just started is missing from lists and descriptions.
    pub lag: Duration,
    /// How late scheduled actions of the group are performed: AWS may take minutes.
    pub scheduled_delay: Duration,
    /// Calls that fail.
    pub faults: Vec<Fault>,
    /// What is lost again and again.
    pub losses: Vec<Loss>,
    /// How long a task on Fargate takes until its program is started.
    pub fargate_start: Duration,
    /// vCPUs of tasks on Fargate, and as many more of those on Fargate Spot: the account's
    /// quota.
    pub fargate_vcpus: u32,
    /// Whether a capacity provider with managed scaling decides how many instances there
    /// are.
    pub managed_scaling: bool,
    /// Who calls, what they may do, which network and quotas there are.
    pub account: Account,
    /// Whether it goes on without whoever uses it; for the [`Site`].
    pub outlives_us: bool,
    /// Where ids come from.
    seed: Uuid,
    /// Whether a shim holds the programs that are not ours. Always, but in this module's
    /// tests: they have no binary that could be one.
    has_shim: bool,
}

/// Where buckets are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// A folder with a folder for each bucket: results survive a crash.
    Folder(PathBuf),
    /// Nowhere else: they go with the cloud.
    Memory,
}

/// What runs in the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// Child processes of this one.
    Processes,
    /// No programs, only a model of what they do: devices start and end as the wish
    /// says, and send nothing.
    Modelled,
}

impl Options {
    /// One instance of ten, four tasks on each; the files under `state_dir`.
    #[must_use]
    pub fn new(state_dir: &Path, program: PathBuf) -> Self {
        Options {
            port: 0,
            buckets: Store::Folder(state_dir.join("local").join("buckets")),
            runner: Runner::Processes,
            logs: state_dir.join("runs"),
            program,
            boot: Duration::from_secs(3),
            instances: 1,
            max_instances: 10,
            tasks_per_instance: 4,
            lag: Duration::ZERO,
            scheduled_delay: Duration::from_secs(5),
            faults: Vec::new(),
            losses: Vec::new(),
            fargate_start: Duration::from_millis(500),
            fargate_vcpus: 64,
            managed_scaling: false,
            account: Account::default(),
            outlives_us: false,
            seed: Uuid::new_v4(),
            has_shim: true,
        }
    }
}

/// A local cloud that serves, until it is shut down.
#[derive(Debug)]
pub struct LocalCloud {
    endpoint: Endpoint,
    outlives_us: bool,
    runner: Runner,
    shell: Arc<Shell>,
    faults: Arc<Faults>,
    admission: Arc<Admission>,
    #[cfg(test)]
    wire: Arc<Wire>,
    background: TaskTracker,
    until: CancellationToken,
}

impl LocalCloud {
    /// Binds, and serves in background tasks of this runtime.
    pub async fn start(options: Options) -> color_eyre::Result<LocalCloud> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(address)
            .await
            .wrap_err_with(|| format!("the local cloud cannot listen on {address}"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let (cloud, wire) = Self::assemble(&options, url, Clock::new())?;
        cloud.background.spawn(wire::serve(listener, wire, cloud.until.clone()));
        cloud.background.close();
        Ok(cloud)
    }

    /// The same without sockets: its clock shows `now` and goes on with the runtime's
    /// timers, which may be paused. It is reached through its [`link`](Self::link)s.
    #[cfg(test)]
    pub(crate) fn in_process(options: &Options, now: Millis) -> color_eyre::Result<LocalCloud> {
        let url = "http://local.invalid".to_owned();
        let (cloud, _) = Self::assemble(options, url, Clock::carried(now))?;
        cloud.background.close();
        Ok(cloud)
    }

    /// A way of its own to this cloud, for one client.
    #[cfg(test)]
    pub(crate) fn link(&self) -> link::Link {
        link::Link::to(Arc::clone(&self.wire))
    }

    /// All parts, and what runs by itself.
    fn assemble(
        options: &Options,
        url: String,
        clock: Clock,
    ) -> color_eyre::Result<(LocalCloud, Arc<Wire>)> {
        let buckets = Buckets::open(&options.buckets, NAME)
            .wrap_err_with(|| format!("no bucket in {:?}", options.buckets))?;
        let buckets = Arc::new(buckets);
        let key = Key::random();
        let endpoint = Endpoint {
            url,
            region: engine::REGION.to_owned(),
            access_key: key.access.clone(),
            secret_key: key.secret.clone(),
        };
        let tasks = match options.runner {
            Runner::Processes => Tasks::processes(surroundings(options, &endpoint)),
            Runner::Modelled => Tasks::modelled(),
        };
        let setup = setup(options);
        let faults = Arc::new(Faults::new(setup.seed.as_u64_pair().0));
        for fault in &options.faults {
            faults.add(fault.clone());
        }
        let shell = Shell::new(setup, clock, tasks);
        let admission = Arc::new(Admission::new(options.account.clone()));
        let wire = Wire::new(
            Arc::clone(&shell),
            Arc::clone(&buckets),
            key,
            Arc::clone(&faults),
            Arc::clone(&admission),
        );
        let until = CancellationToken::new();
        let background = TaskTracker::new();
        background.spawn(Arc::clone(&shell).keep_time(until.clone()));
        background.spawn(Arc::clone(&shell).let_model_live(buckets, until.clone()));
        let cloud = LocalCloud {
            endpoint,
            outlives_us: options.outlives_us,
            runner: options.runner,
            shell,
            faults,
            admission,
            #[cfg(test)]
            wire: Arc::clone(&wire),
            background,
            until,
        };
        Ok((cloud, wire))
    }

    /// The modelled devices of a run; none where they are real.
    #[must_use]
    pub fn devices(&self, run: &str) -> Devices {
        let population = self.shell.tasks().population();
        population.map(|it| it.devices(run)).unwrap_or_default()
    }

    /// How many modelled tasks and devices there are; empty where they are real.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.shell.tasks().population().map(runner::Population::ledger).unwrap_or_default()
    }

    /// The faults that its calls have, which may be changed at any time.
    #[must_use]
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    /// The operations that it was asked for by requests that were signed well, and how
    /// often.
    #[must_use]
    pub fn operations(&self) -> BTreeMap<(Service, String), u64> {
        self.admission.seen()
    }

    /// Lets the credentials expire: every call is refused until they are renewed.
    pub fn expire_credentials(&self) {
        self.admission.set_expired(true);
    }

    /// The same credentials are good again.
    pub fn renew_credentials(&self) {
        self.admission.set_expired(false);
    }

    /// Kills a task's process, as if its container had died. False if none runs.
    #[must_use]
    pub fn lose_task(&self, arn: &str) -> bool {
        self.shell.engine(|engine, _| engine.lose_task(arn))
    }

    /// Lets AWS want the capacity of a task on Fargate Spot back. False if it is none that
    /// runs.
    #[must_use]
    pub fn interrupt_spot(&self, arn: &str) -> bool {
        self.shell.engine(|engine, now| engine.interrupt_spot(arn, now))
    }

    /// Lets a machine (`i-…`) die with all that runs on it; its group notices after
    /// some seconds, and replaces it. False if it is none that runs.
    #[must_use]
    pub fn lose_instance(&self, machine_id: &str) -> bool {
        self.shell.engine(|engine, now| engine.lose_instance(machine_id, now))
    }

    /// Protects a machine (`i-…`) from scale-in. False if there is no such machine.
    #[cfg(test)]
    pub(crate) fn protect(&self, machine_id: &str) -> bool {
        self.shell.engine(|engine, _| engine.protect(machine_id))
    }

    /// Where it is, and the key of this start.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// What is there from the start.
    #[must_use]
    pub fn names(&self) -> Names {
        Names {
            cluster: NAME.to_owned(),
            capacity: Capacity::group(NAME),
            network: Network::default(),
            bucket: NAME.to_owned(),
            task_definition: FAMILY.to_owned(),
            container: CONTAINER.to_owned(),
            watchdog: None,
        }
    }

    /// What it is like to use.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            label: "local cloud".to_owned(),
            costs: false,
            outlives_us: self.outlives_us,
            ends_programs: true,
            refresh: Duration::from_secs(1),
            report: Duration::from_secs(1),
            results: Duration::from_secs(5),
            files_per_task: match self.runner {
                // Each task is a process and may raise its limit up to this.
                Runner::Processes => getrlimit(Resource::Nofile).maximum,
                Runner::Modelled => None,
            },
        }
    }

    /// Ends all tasks (they are asked, and killed after a short grace), then the
    /// server. Says how many children are left: with 0, as it should be, every one
    /// was reaped; others were killed and did not end within some seconds.
    pub async fn shutdown(self) -> u32 {
        // The server goes last: tasks that end write their last results.
        let left = self.shell.end_processes(GRACE).await;
        self.until.cancel();
        self.background.wait().await;
        left
    }
}

impl Drop for LocalCloud {
    fn drop(&mut self) {
        // Without a shutdown there is no grace.
        self.shell.abandon_processes();
        self.until.cancel();
    }
}

fn setup(options: &Options) -> Setup {
    Setup {
        name: NAME.to_owned(),
        family: FAMILY.to_owned(),
        container: CONTAINER.to_owned(),
        boot: options.boot.as_millis() as u64,
        instances: options.instances,
        max_instances: options.max_instances,
        tasks_per_instance: options.tasks_per_instance,
        lag: options.lag.as_millis() as u64,
        scheduled_delay: options.scheduled_delay.as_millis() as u64,
        losses: options.losses.clone(),
        fargate_start: options.fargate_start.as_millis() as u64,
        fargate_vcpus: options.fargate_vcpus,
        managed_scaling: options.managed_scaling,
        seed: options.seed,
    }
}

fn surroundings(options: &Options, endpoint: &Endpoint) -> Surroundings {
    let environment = environment(endpoint);
    Surroundings {
        program: options.program.clone(),
        logs: options.logs.clone(),
        environment,
        has_shim: options.has_shim,
    }
}

/// How the SDK and the tools of AWS find this cloud.
fn environment(endpoint: &Endpoint) -> Vec<(String, String)> {
    let pairs = [
        ("AWS_ENDPOINT_URL", &endpoint.url),
        ("AWS_REGION", &endpoint.region),
        // boto3 knows only this one.
        ("AWS_DEFAULT_REGION", &endpoint.region),
        ("AWS_ACCESS_KEY_ID", &endpoint.access_key),
        ("AWS_SECRET_ACCESS_KEY", &endpoint.secret_key),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.clone())).to_vec()
}
