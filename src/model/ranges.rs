//! A set of device indices, held and written as ranges: `0-899,1000-1499`.
//!
//! Invariant: the ranges are sorted, disjoint and not adjacent, so that two equal
//! sets have one spelling, and a million devices in a row cost one pair.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

/// A set of device indices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceSet {
    ranges: Vec<(u32, u32)>,
}

/// What is wrong with a written device set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a list of ascending device ranges such as 0-899,1000-1499")]
pub struct BadRanges(String);

impl DeviceSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many devices are in the set.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.ranges.iter().map(|&(a, b)| b - a + 1).sum()
    }

    /// Whether no device is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether `index` is in the set.
    #[must_use]
    pub fn contains(&self, index: u32) -> bool {
        let after = self.ranges.partition_point(|&(first, _)| first <= index);
        after > 0 && index <= self.ranges[after - 1].1
    }

    /// The devices of the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(a, b)| a..=b)
    }

    /// The ranges of the set, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        self.ranges.iter().map(|&(a, b)| a..=b)
    }

    /// Adds `count` devices from `first` on.
    pub fn insert(&mut self, first: u32, count: u32) {
        let Some(last) = count.checked_sub(1).map(|more| first.saturating_add(more)) else {
            return;
        };
        let (mut first, mut last) = (first, last);
        self.ranges.retain(|&(a, b)| {
            let apart = b.saturating_add(1) < first || last.saturating_add(1) < a;
            if !apart {
                first = first.min(a);
                last = last.max(b);
            }
            apart
        });
        let at = self.ranges.partition_point(|&(a, _)| a < first);
        self.ranges.insert(at, (first, last));
    }

    /// Takes the `count` highest devices out, and says which they were.
    #[must_use = "the devices that were removed"]
    pub fn remove_highest(&mut self, count: u32) -> DeviceSet {
        let mut left = count;
        let mut removed = Vec::new();
        while left > 0 {
            let Some((first, last)) = self.ranges.pop() else {
                break;
            };
            let have = last - first + 1;
            let take = have.min(left);
            removed.push((last + 1 - take, last));
            if take < have {
                self.ranges.push((first, last - take));
            }
            left -= take;
        }
        removed.reverse();
        DeviceSet { ranges: removed }
    }

    /// Takes these devices out, as far as they are in.
    pub fn remove(&mut self, others: &DeviceSet) {
        let mut kept = Vec::with_capacity(self.ranges.len());
        let mut cuts = others.ranges.iter().peekable();
        for &(first, last) in &self.ranges {
            // What is left of this range, from `from` on; none once it is used up.
            let mut from = Some(first);
            while let (Some(at), Some(&&(a, b))) = (from, cuts.peek()) {
                if a > last {
                    break;
                }
                if a > at {
                    kept.push((at, a - 1));
                }
                if b < last {
                    from = Some(at.max(b + 1));
                    cuts.next();
                } else {
                    // This cut may reach into the next range too.
                    from = None;
                }
            }
            kept.extend(from.map(|at| (at, last)));
        }
        self.ranges = kept;
    }

    /// Whether any of the `count` devices from `first` on is in the set.
    #[must_use]
    pub fn has_any(&self, first: u32, count: u32) -> bool {
        let Some(last) = count.checked_sub(1).map(|more| first.saturating_add(more)) else {
            return false;
        };
        let at = self.ranges.partition_point(|&(_, b)| b < first);
        self.ranges.get(at).is_some_and(|&(a, _)| a <= last)
    }

    /// The devices of the set among the `count` from `first` on.
    #[must_use]
    pub fn within(&self, first: u32, count: u32) -> DeviceSet {
        let Some(last) = count.checked_sub(1).map(|more| first.saturating_add(more)) else {
            return DeviceSet::new();
        };
        let from = self.ranges.partition_point(|&(_, b)| b < first);
        let ranges = self.ranges[from..]
            .iter()
            .take_while(|&&(a, _)| a <= last)
            .map(|&(a, b)| (a.max(first), b.min(last)))
            .collect();
        DeviceSet { ranges }
    }
}

impl fmt::Display for DeviceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            if first == last {
                write!(f, "{comma}{first}")?;
            } else {
                write!(f, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for DeviceSet {
    type Err = BadRanges;

    fn from_str(text: &str) -> Result<Self, BadRanges> {
        let bad = || BadRanges(text.to_owned());
        let mut set = DeviceSet::new();
        let mut floor = 0;
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: u32 = first.parse().map_err(|_| bad())?;
            let last: u32 = last.parse().map_err(|_| bad())?;
            // The last index stays free, so that counts fit into 32 bits.
            if last < first || last == u32::MAX || u64::from(first) < floor {
                return Err(bad());
            }
            floor = u64::from(last) + 1;
            set.insert(first, last - first + 1);
        }
        Ok(set)
    }
}

impl TryFrom<String> for DeviceSet {
    type Error = BadRanges;

    fn try_from(text: String) -> Result<Self, BadRanges> {
        text.parse()
    }
}

impl From<DeviceSet> for String {
    fn from(set: DeviceSet) -> String {
        set.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn written_as_ranges_and_read_back() {
        let mut set = DeviceSet::new();
        set.insert(0, 1000);
        set.insert(1000, 500);
        assert_eq!(set.to_string(), "0-1499");
        assert_eq!(set.remove_highest(1).to_string(), "1499");
        set.insert(2000, 1);
        assert_eq!(set.to_string(), "0-1498,2000");
        assert_eq!("0-1498,2000".parse(), Ok(set));
        for bad in ["5-1", "x", "1-2,2-3", "-", "4294967295"] {
            assert!(bad.parse::<DeviceSet>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn behaves_like_a_set(steps in prop::collection::vec((0u32..200, 0u32..40, any::<bool>()), 0..40)) {
            let mut set = DeviceSet::new();
            let mut truth = BTreeSet::new();
            for (first, count, add) in steps {
                if add {
                    set.insert(first, count);
                    truth.extend(first..first + count);
                } else {
                    let gone = set.remove_highest(count);
                    let expected: Vec<u32> = truth.iter().rev().take(count as usize).rev().copied().collect();
                    prop_assert_eq!(gone.iter().collect::<Vec<_>>(), expected.clone());
                    for index in expected { truth.remove(&index); }
                }
                prop_assert_eq!(set.iter().collect::<Vec<_>>(), truth.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(set.len() as usize, truth.len());
                prop_assert_eq!(set.contains(first), truth.contains(&first));
                prop_assert_eq!(set.within(first, count).len() as usize, truth.range(first..first + count).count());
                prop_assert_eq!(set.has_any(first, count), truth.range(first..first + count).next().is_some());
                prop_assert_eq!(set.to_string().parse::<DeviceSet>(), Ok(set.clone()));
            }
        }

        #[test]
        fn removes_exactly_the_others(
            ours in prop::collection::vec((0u32..200, 0u32..40), 0..12),
            theirs in prop::collection::vec((0u32..200, 0u32..20), 0..12),
        ) {
            let set_of = |parts: &[(u32, u32)]| {
                let mut set = DeviceSet::new();
                parts.iter().for_each(|&(first, count)| set.insert(first, count));
                set
            };
            let (mut set, cut) = (set_of(&ours), set_of(&theirs));
            let left: Vec<u32> = set.iter().filter(|index| !cut.contains(*index)).collect();
            set.remove(&cut);
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), left);
            prop_assert_eq!(set.to_string().parse::<DeviceSet>(), Ok(set));
        }
    }
}
