//! Where the report intervals lie on the bucket's clock.
//!
//! Invariant: each interval begins at a multiple of its length, and after the end of
//! the one before: whatever the clock does, no moment is reported twice.

use crate::model::Millis;

/// One report interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// When it begins.
    pub(super) at: Millis,
    /// Its length in milliseconds.
    pub(super) length: Millis,
}

impl Span {
    /// The interval that `now` is in, or the first one after `last`.
    pub(super) fn next(last: Option<Span>, now: Millis, length: Millis) -> Span {
        let length = length.max(1);
        let from = last.map_or(now, |last| now.max(last.end()));
        let at = from / length * length;
        match last {
            Some(last) if at < last.end() => Span { at: at + length, length },
            _ => Span { at, length },
        }
    }

    /// When it ends.
    pub(super) fn end(self) -> Millis {
        self.at + self.length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn intervals_follow_one_another() {
        let first = Span::next(None, 10_400, 1000);
        assert_eq!(first, Span { at: 10_000, length: 1000 });
        assert_eq!(Span::next(Some(first), 11_003, 1000).at, 11_000);
        // The clock went back, and the length changed.
        assert_eq!(Span::next(Some(first), 10_990, 1000).at, 11_000);
        assert_eq!(Span::next(Some(first), 11_003, 5000).at, 15_000);
        // The process was stopped for a while.
        assert_eq!(Span::next(Some(first), 20_500, 1000).at, 20_000);
    }

    proptest! {
        #[test]
        fn no_moment_is_in_two_intervals(
            steps in prop::collection::vec((0u64..100_000, prop::sample::select(vec![1000u64, 5000, 10_000, 60_000])), 1..50),
        ) {
            let mut last: Option<Span> = None;
            for (now, length) in steps {
                let next = Span::next(last, now, length);
                prop_assert_eq!(next.at % length, 0);
                prop_assert!(last.is_none_or(|last| last.end() <= next.at));
                last = Some(next);
            }
        }
    }
}
