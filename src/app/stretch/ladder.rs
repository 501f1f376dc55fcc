//! Spans of time whose axes have round numbers, each about twice the one before.
//!
//! Invariant: there is one for any time, and never a shorter one than that.

use crate::model::Millis;

/// A second.
pub(super) const S: Millis = 1_000;
/// A minute.
pub(super) const M: Millis = 60 * S;
/// An hour.
pub(super) const H: Millis = 60 * M;
/// A day.
pub(super) const D: Millis = 24 * H;

/// Spans whose axes have round numbers.
const SPANS: [Millis; 29] = [
    10 * S,
    20 * S,
    30 * S,
    M,
    2 * M,
    5 * M,
    10 * M,
    15 * M,
    20 * M,
    30 * M,
    45 * M,
    H,
    90 * M,
    2 * H,
    3 * H,
    4 * H,
    6 * H,
    8 * H,
    12 * H,
    16 * H,
    D,
    36 * H,
    2 * D,
    3 * D,
    4 * D,
    5 * D,
    6 * D,
    7 * D,
    14 * D,
];

/// The shortest span with round numbers that has room for `ms`.
pub(super) fn fitting(ms: Millis) -> Millis {
    let round = SPANS.into_iter().find(|span| *span >= ms);
    round.unwrap_or_else(|| ms.div_ceil(D).saturating_mul(D))
}

/// About half of `span`, and at least `least`.
pub(super) fn shorter(span: Millis, least: Millis) -> Option<Millis> {
    SPANS.into_iter().rfind(|it| *it <= span / 5 * 3 && *it >= least)
}

/// About twice `span`.
pub(super) fn longer(span: Millis) -> Millis {
    fitting(span.saturating_mul(5) / 3)
}
