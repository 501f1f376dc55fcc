//! Times of single measurements, and what is said of them.

use std::time::Duration;

/// Times that were measured one by one.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time that a share `q` (0 to 1) of all did not exceed.
    pub(crate) fn quantile(&self, q: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let wanted = ((q * sorted.len() as f64).ceil() as usize).max(1);
        sorted.get(wanted - 1).copied().unwrap_or_default()
    }
}

/// In milliseconds, for a table.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
