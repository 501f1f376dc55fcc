//! Who a device is: its index in the run, and the id that follows from it.
//!
//! Invariant: the id is a pure function of run and index, so a replacement task
//! brings the same devices back, and no two devices of any two runs share one.

use uuid::Uuid;

/// Namespace of loadtop's name-based ids (RFC 9562, version 5); drawn once, never changed.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1d_4f0e_52c7_4a57_9a39_0d1c_7e55_10ad);

/// The device's id: UUID v5 of the run's id and the device's index.
#[must_use]
pub fn device_id(run: &str, index: u32) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{run}/{index}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_index_of_two_runs_is_two_devices() {
        assert_ne!(device_id("a", 1), device_id("b", 1));
        assert_ne!(device_id("a", 1), device_id("a", 2));
        assert_eq!(device_id("a", 1), device_id("a", 1));
        assert_eq!(device_id("a", 1).get_version_num(), 5);
    }
}
