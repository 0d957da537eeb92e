//! Which groups behind its first gap a receiver has: they came over another connection than the missing one. After a break the sender leaves
//! them out. Kept by `partial.rs`, said by `receive.rs`, followed by `send.rs`.

use hobnob_shared::limits;

use super::tree::groups;

/// So far behind the first gap groups are sent and taken.
pub const AHEAD: u64 = limits::BEYOND as u64 * 8;

/// A row of bits, the lowest of each byte first. The first stands for the group behind the first one that is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map {
    first: u64,
    bits: Vec<u8>,
}

impl Map {
    /// Of a receiver that has `have` groups from the start, and `beyond` of those behind the next.
    pub fn of(have: u64, beyond: impl Iterator<Item = u64>) -> Self {
        let mut map = Self { first: have.saturating_add(1), bits: Vec::new() };
        for index in beyond {
            let Some((byte, bit)) = map.place(index).filter(|(byte, _)| *byte < limits::BEYOND) else { continue };
            if map.bits.len() <= byte {
                map.bits.resize(byte + 1, 0);
            }
            if let Some(byte) = map.bits.get_mut(byte) {
                *byte |= bit;
            }
        }
        map
    }

    /// As a receiver of `size` bytes said it; `None` if that cannot be.
    pub fn said(have: u64, bits: Vec<u8>, size: u64) -> Option<Self> {
        let map = Self { first: have.saturating_add(1), bits };
        let last =
            (0..map.bits.len() as u64 * 8).rev().map(|n| map.first.saturating_add(n)).find(|index| map.has(*index));
        let fits = map.bits.len() <= limits::BEYOND && last.is_none_or(|last| last < groups(size));
        fits.then_some(map)
    }

    /// As it is said; empty for none.
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// The receiver has this group.
    pub fn has(&self, index: u64) -> bool {
        self.place(index).is_some_and(|(byte, bit)| self.bits.get(byte).is_some_and(|bits| bits & bit != 0))
    }

    fn place(&self, index: u64) -> Option<(usize, u8)> {
        let behind = index.checked_sub(self.first)?;
        Some((usize::try_from(behind / 8).ok()?, 1 << (behind % 8)))
    }
}

/// What a sender has heard of the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The stream began with this group.
    from: u64,
    have: u64,
    beyond: Map,
}

impl Heard {
    /// Before the first word of a stream that begins with group `from`.
    pub fn new(from: u64) -> Self {
        Self { from, have: from, beyond: Map::default() }
    }

    /// It has so many groups from the start; and these behind, where it says any.
    pub fn hear(&mut self, have: u64, beyond: Map) {
        self.have = self.have.max(have);
        if !beyond.bits().is_empty() {
            self.beyond = beyond;
        }
    }

    /// Whoever got a group has all that must come before groups, and takes them in any order from here.
    pub fn takes_any_order(&self) -> bool {
        self.have > self.from
    }

    /// This group is not too far ahead.
    pub fn takes(&self, index: u64) -> bool {
        index.saturating_sub(self.have) < AHEAD
    }

    /// It was there when the stream began.
    pub fn has(&self, index: u64) -> bool {
        self.beyond.has(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::file_transfer::tree::GROUP_SIZE;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_map_says_what_it_was_made_of(have in 0..u64::MAX / 2, behind in prop::collection::btree_set(1..=AHEAD, 0..40)) {
            let map = Map::of(have, behind.iter().map(|n| have + n));
            prop_assert!(map.bits().len() <= limits::BEYOND);
            for n in 0..=AHEAD + 1 {
                prop_assert_eq!(map.has(have + n), behind.contains(&n), "{}", n);
            }
        }

        #[test]
        fn a_map_is_taken_if_the_file_has_its_groups(have in 0..100_u64, last in 1..80_u64, count in 1..200_u64) {
            let map = Map::of(have, std::iter::once(have + last));
            let said = Map::said(have, map.bits().to_vec(), count * GROUP_SIZE);
            prop_assert_eq!(said.is_some(), have + last < count);
            prop_assert!(said.is_none_or(|said| said == map));
        }
    }

    #[test]
    fn what_cannot_be_is_no_map() {
        let size = 1_000_000 * GROUP_SIZE;
        assert!(Map::said(0, vec![0xff; limits::BEYOND], size).is_some());
        assert_eq!(Map::said(0, vec![0xff; limits::BEYOND + 1], size), None);
        assert_eq!(Map::said(u64::MAX, vec![1], u64::MAX), None);
        assert_eq!(Map::said(3, Vec::new(), 0).map(|map| map.has(4)), Some(false));
    }
}
