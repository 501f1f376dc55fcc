//! `loadtop local` in a process of its own, and clients of it.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::channel,
    thread,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use loadtop::{
    cloud::{Cloud, Endpoint, Names},
    model::capacity::{Capacity, Network},
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::{Builder, Runtime};

use super::{DEADLINE, House, eventually};

/// What it exports, in this order.
pub const EXPORTS: [&str; 8] = [
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "LOADTOP_CLUSTER",
    "LOADTOP_GROUP",
    "LOADTOP_BUCKET",
];

/// A cloud in a process of its own.
pub struct Local {
    child: Child,
    /// What it printed, in order.
    pub exports: Vec<(String, String)>,
}

impl Local {
    /// Until it has said where it is.
    pub fn start(house: &House) -> Self {
        Self::start_with(house, &[])
    }

    /// The same, with options.
    pub fn start_with(house: &House, options: &[&str]) -> Self {
        let mut child = house
            .command(&["local"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, told) = channel();
        thread::spawn(move || lines.map_while(Result::ok).all(|line| say.send(line).is_ok()));
        let export = |_: &str| {
            let line = told.recv_timeout(DEADLINE).expect("a line in time");
            let export = line.strip_prefix("export ").and_then(|it| it.split_once('='));
            let (name, value) = export.unwrap_or_else(|| panic!("no export: {line}"));
            (name.to_owned(), value.to_owned())
        };
        let exports = EXPORTS.into_iter().map(export).collect();
        Local { child, exports }
    }

    /// Where it is.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            url: self.export("AWS_ENDPOINT_URL"),
            region: self.export("AWS_REGION"),
            access_key: self.export("AWS_ACCESS_KEY_ID"),
            secret_key: self.export("AWS_SECRET_ACCESS_KEY"),
        }
    }

    /// Our own client.
    pub fn cloud(&self) -> Cloud {
        let names = Names {
            cluster: self.export("LOADTOP_CLUSTER"),
            capacity: Capacity::group(self.export("LOADTOP_GROUP")),
            network: Network::default(),
            bucket: self.export("LOADTOP_BUCKET"),
            task_definition: "loadtop-agent".to_owned(),
            container: "agent".to_owned(),
            watchdog: None,
        };
        Cloud::connect(&self.endpoint(), names)
    }

    fn export(&self, name: &str) -> String {
        let exports: BTreeMap<_, _> = self.exports.iter().cloned().collect();
        exports[name].clone()
    }

    /// The SDK's own client of ECS, for what the seam does not call.
    pub fn ecs(&self) -> aws_sdk_ecs::Client {
        let endpoint = self.endpoint();
        let credentials = Credentials::from_keys(&endpoint.access_key, &endpoint.secret_key, None);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&endpoint.url)
            .region(Region::new(endpoint.region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        aws_sdk_ecs::Client::new(&config)
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the cloud alone.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end: its exit code, if it was not killed.
    pub fn exit_code(&mut self) -> Option<i32> {
        let mut status = None;
        eventually("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|it| it.code())
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// For calls of a test that waits for each.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
