//! What a process costs, as the system says.

use rustix::time::{ClockId, clock_gettime};

/// CPU time of this process so far, in seconds.
pub(crate) fn cpu() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Memory of this process in MB, now and at most so far; none where the system does not
/// say so in `/proc`.
pub(crate) fn memory() -> Option<(f64, f64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let megabytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024.0 / 1e6)
    };
    megabytes("VmRSS:").zip(megabytes("VmHWM:"))
}
