//! The cloud: a process of its own, and how to ask for its books.
//!
//! Invariant: it ends when whoever started it does, since its input ends then.

use std::process::Stdio;

use color_eyre::eyre::{OptionExt as _, ensure};
use loadtop::{
    cli::Where,
    local::{LocalCloud, Options, Runner},
    place::{Place, Standing},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// The word that makes this program a cloud.
pub(crate) const WORD: &str = "serve-a-modelled-cloud";
/// Tasks that fit on an instance.
const TASKS_PER_INSTANCE: u32 = 100;

/// Serves until the input ends; each line of it is answered with the books.
pub(crate) async fn serve(words: &[String]) -> color_eyre::Result<()> {
    let [instances, folder] = words else {
        color_eyre::eyre::bail!("{WORD} INSTANCES FOLDER");
    };
    let mut options = Options::new(folder.as_ref(), std::env::current_exe()?);
    options.runner = Runner::Modelled;
    options.instances = instances.parse()?;
    options.max_instances = options.instances;
    options.tasks_per_instance = TASKS_PER_INSTANCE;
    options.outlives_us = true;
    let cloud = LocalCloud::start(options).await?;
    let endpoint = cloud.endpoint();
    println!(
        "{}",
        [endpoint.url, endpoint.region, endpoint.access_key, endpoint.secret_key].join(" ")
    );
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while input.next_line().await?.is_some() {
        let ledger = cloud.ledger();
        let starts: u64 = ledger.runs.values().map(|run| run.starts).sum();
        println!("{} {} {starts} {}", ledger.tasks, ledger.alive(), ledger.doubled());
    }
    let left = cloud.shutdown().await;
    ensure!(left == 0, "{left} tasks did not end");
    Ok(())
}

/// The cloud's books at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Books {
    /// Tasks whose program runs.
    pub(crate) tasks: u64,
    /// Devices that are alive.
    pub(crate) alive: u64,
    /// Starts of devices so far.
    pub(crate) starts: u64,
    /// Devices that were started while they lived in another task.
    pub(crate) doubled: u64,
}

/// A cloud that runs.
pub(crate) struct CloudProcess {
    /// Where it is.
    pub(crate) standing: Standing,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl CloudProcess {
    /// A cloud with room for so many tasks, its files in this folder.
    pub(crate) async fn start(tasks: u32, folder: &std::path::Path) -> color_eyre::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(WORD)
            .arg(tasks.div_ceil(TASKS_PER_INSTANCE).to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or_eyre("no input")?;
        let output = child.stdout.take().ok_or_eyre("no output")?;
        let mut output = BufReader::new(output).lines();
        let line = output.next_line().await?.ok_or_eyre("the cloud did not start")?;
        let said: Vec<&str> = line.split(' ').collect();
        let names =
            ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let place = Where { cluster: Some("loadtop".to_owned()), ..Where::default() };
        let place = Place::from_lookup(&place, |name| {
            let at = names.iter().position(|it| *it == name)?;
            said.get(at).map(|it| (*it).to_owned())
        });
        let Place::Standing(standing) = place.map_err(|it| color_eyre::eyre::eyre!("{it:?}"))?
        else {
            color_eyre::eyre::bail!("no standing cloud");
        };
        Ok(CloudProcess { standing: *standing, child, input, output })
    }

    /// What its books say now.
    pub(crate) async fn books(&mut self) -> color_eyre::Result<Books> {
        self.input.write_all(b"\n").await?;
        let line = self.output.next_line().await?.ok_or_eyre("the cloud has gone")?;
        let figures: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [tasks, alive, starts, doubled] = figures[..] else {
            color_eyre::eyre::bail!("the cloud said {line:?}");
        };
        Ok(Books { tasks, alive, starts, doubled })
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> color_eyre::Result<()> {
        drop(self.input);
        self.child.wait().await?;
        Ok(())
    }
}
