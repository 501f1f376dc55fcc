//! How the generator itself is doing: lateness, CPU, memory.
//!
//! A load generator that is the bottleneck blames the target, so these figures go
//! wherever the requests' figures go.

use std::{rc::Rc, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{Instant, sleep_until};

use super::shared::Shared;

/// How often lateness is measured.
const TICK: Duration = Duration::from_millis(25);

/// CPU time is averaged over at least this long: an agent's last interval may be some
/// milliseconds in which it closes everything, and says nothing of its load.
const SHORTEST: Duration = Duration::from_millis(500);

/// Measures for ever how late timers go off; the caller drops it.
pub(super) async fn watch_lag(shared: Rc<Shared>) {
    loop {
        let due = Instant::now() + TICK;
        sleep_until(due).await;
        shared.recorder.borrow_mut().lag(due.elapsed());
    }
}

/// CPU time between one look and the next.
#[derive(Debug)]
pub(super) struct Cpu {
    used: Duration,
    at: Instant,
}

impl Cpu {
    /// From now on.
    pub(super) fn now() -> Self {
        Cpu { used: cpu_time(), at: Instant::now() }
    }

    /// Cores in use since the last look, 1.0 being one.
    pub(super) fn take(&mut self) -> f64 {
        let before = std::mem::replace(self, Cpu::now());
        let passed = (self.at - before.at).max(SHORTEST);
        self.used.saturating_sub(before.used).as_secs_f64() / passed.as_secs_f64()
    }
}

fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.try_into().unwrap_or(0), used.tv_nsec.try_into().unwrap_or(0))
}

/// Memory that this process holds, in bytes; zero where there is no `/proc`.
pub(super) fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0_u64) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_seen_as_cpu() {
        let mut cpu = Cpu::now();
        let used = cpu_time();
        while cpu_time().saturating_sub(used) < Duration::from_millis(30) {
            std::hint::black_box(used);
        }
        // Other tests run in this process, and it may have had to wait for a core: how
        // much it is cannot be said, only that it was something.
        let busy = cpu.take();
        assert!(busy > 0.0, "{busy}");
        if cfg!(target_os = "linux") {
            assert!(rss() > 1 << 20);
        }
    }
}
