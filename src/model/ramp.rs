//! When a device starts: a pure function of its batch, its index and the pauses.
//!
//! Invariant: every controller and agent computes the same moment; it lies in the
//! batch's window, which pauses stretch and nothing else moves.

use super::{
    Millis,
    wish::{Batch, Pause, Spread, Wish},
};

/// Where in its batch's window the device starts, in milliseconds from the
/// window's opening: `0..over_ms`.
#[must_use]
pub fn offset_ms(batch: &Batch, index: u32) -> Millis {
    let over = u128::from(batch.over_ms);
    let offset = match batch.spread {
        Spread::AtOnce => 0,
        Spread::Linear => {
            over * u128::from(index.saturating_sub(batch.first)) / u128::from(batch.count.max(1))
        }
        Spread::Uniform | Spread::Poisson => (over * u128::from(mix(batch.seed, index))) >> 64,
    };
    offset as Millis
}

/// When the device starts, or none as long as that is not known: its batch has
/// not begun, or a pause lasts that lies before its start.
#[must_use]
pub fn due_at(batch: &Batch, pauses: &[Pause], index: u32) -> Option<Millis> {
    let mut due = batch.start_at? + offset_ms(batch, index);
    for pause in pauses {
        let from = pause.from.max(batch.start_at?);
        match pause.to {
            _ if due < from => break,
            Some(to) => due += to.saturating_sub(from),
            None => return None,
        }
    }
    Some(due)
}

/// How much of the batch's window has passed, pauses not counted: `0.0..=1.0`.
#[must_use]
pub fn passed(batch: &Batch, pauses: &[Pause], now: Millis) -> f64 {
    let Some(start) = batch.start_at.filter(|&start| start <= now) else {
        return 0.0;
    };
    let still: Millis = pauses
        .iter()
        .map(|pause| {
            let to = pause.to.unwrap_or(now).min(now);
            to.saturating_sub(pause.from.max(start))
        })
        .sum();
    let active = (now - start).saturating_sub(still);
    if active >= batch.over_ms {
        return 1.0;
    }
    active as f64 / batch.over_ms as f64
}

/// How far the ramps of all batches are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    /// Live devices that should have started by now.
    pub due: u32,
    /// Live devices in all.
    pub live: u32,
    /// Milliseconds until the last window closes; none while a batch waits for
    /// its tasks or the ramp is paused.
    pub left_ms: Option<Millis>,
}

impl Progress {
    /// Whether every live device should have started.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left_ms == Some(0)
    }
}

/// How far the ramps are at `now`. Costs the number of batches, not of devices:
/// inside a window the share of devices is taken for the share of time.
#[must_use]
pub fn progress(wish: &Wish, now: Millis) -> Progress {
    let paused = wish.pauses.last().is_some_and(|pause| pause.to.is_none());
    let mut sum = Progress { due: 0, live: wish.live.len(), left_ms: Some(0) };
    for batch in &wish.batches {
        let live = wish.live.within(batch.first, batch.count).len();
        if live == 0 {
            continue;
        }
        let share = passed(batch, &wish.pauses, now);
        sum.due += (f64::from(live) * share).round() as u32;
        let left = match batch.start_at {
            _ if share >= 1.0 => Some(0),
            Some(start) if !paused => Some(
                start.saturating_sub(now) + (batch.over_ms as f64 * (1.0 - share)).ceil() as Millis,
            ),
            _ => None,
        };
        sum.left_ms = sum.left_ms.zip(left).map(|(a, b)| a.max(b));
    }
    sum
}

/// 64 well mixed bits of seed and index (the output function of `SplitMix64`:
/// Steele, Lea and Flood, 2014). Part of the contract: changing it moves starts.
fn mix(seed: u64, index: u32) -> u64 {
    let mut bits = seed.wrapping_add((u64::from(index) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
