//! This machine, where the devices run on it: the local cloud's tasks are processes.

use std::net::IpAddr;

use http::Uri;
use rustix::process::{Resource, getrlimit};

use super::{
    Finding, Load,
    finding::{counted, grouped},
};
use crate::cloud::Cloud;

const FILES: &str = "open files";
const PORTS: &str = "ports";
/// Open files that a process needs beside its devices' sockets.
const SPARE_FILES: u64 = 64;
/// Where Linux says which ports connections get, and what it is elsewhere.
const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
const USUAL_PORTS: u64 = 28_232;

/// Whether tasks of this cloud are processes of this machine: it is asked on loopback.
pub(super) fn runs_devices(cloud: &Cloud) -> bool {
    let uri = cloud.endpoint_url().and_then(|url| url.parse::<Uri>().ok());
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

pub(super) fn judge(load: Load) -> Vec<Finding> {
    let files = getrlimit(Resource::Nofile).maximum;
    vec![open_files(load, files), ports(load, local_ports())]
}

fn open_files(load: Load, most: Option<u64>) -> Finding {
    let wanted = u64::from(load.per_task.min(load.devices)) + SPARE_FILES;
    let Some(most) = most else {
        return Finding::pass(FILES, "a process may have any number of them");
    };
    let seen = format!(
        "a process may have {}; a task of {} needs {}",
        grouped(most),
        counted(load.per_task.min(load.devices), "device"),
        grouped(wanted)
    );
    if most < wanted {
        let fits = most.saturating_sub(SPARE_FILES);
        let todo = format!("--devices-per-task {fits}, or raise the hard limit: ulimit -Hn");
        Finding::fail(FILES, seen, todo)
    } else {
        Finding::pass(FILES, seen)
    }
}

fn ports(load: Load, most: u64) -> Finding {
    let seen = format!(
        "this machine has {} for {} to one target",
        counted(most, "port"),
        counted(load.devices, "device")
    );
    if most < u64::from(load.devices) {
        let todo =
            "sysctl net.ipv4.ip_local_port_range='1024 65535', several targets, or a cluster";
        Finding::fail(PORTS, seen, todo)
    } else {
        Finding::pass(PORTS, seen)
    }
}

fn local_ports() -> u64 {
    let range = std::fs::read_to_string(PORT_RANGE).unwrap_or_default();
    let mut bounds = range.split_whitespace().filter_map(|it| it.parse::<u64>().ok());
    let (Some(first), Some(last)) = (bounds.next(), bounds.next()) else { return USUAL_PORTS };
    (last + 1).saturating_sub(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_machine_has_only_so_much() {
        let load = Load { devices: 1000, per_task: 250 };
        assert_eq!(open_files(load, None).verdict, Verdict::Pass);
        assert_eq!(open_files(load, Some(314)).verdict, Verdict::Pass);
        let few = open_files(load, Some(313));
        assert_eq!(few.verdict, Verdict::Fail);
        assert!(few.todo.is_some_and(|it| it.starts_with("--devices-per-task 249")));
        assert_eq!(ports(load, 1000).verdict, Verdict::Pass);
        assert_eq!(ports(load, 999).verdict, Verdict::Fail);
    }
}
