//! The hash of a whole file from the hashes of its groups. BLAKE3 is a tree; each group of 1 MiB is a subtree of it, so that a group can be
//! checked by itself and the file's hash comes from 32 bytes a group, without reading the file again.

use blake3::hazmat::{self, HasherExt, Mode};
use hobnob_shared::id::Hash;
use hobnob_shared::limits::GROUP;

/// Hash of one group: the chaining value of its subtree, or, where it is the whole file, the file's hash itself.
pub type GroupHash = [u8; 32];

/// [`GROUP`] as offsets into files are counted.
pub const GROUP_SIZE: u64 = GROUP as u64;

/// Groups of a file of `size` bytes; none of an empty one.
pub fn groups(size: u64) -> u64 {
    size.div_ceil(GROUP_SIZE)
}

/// Bytes in group `index` of a file of `size` bytes; 0 behind its end.
pub fn group_len(index: u64, size: u64) -> usize {
    let rest = size.saturating_sub(index.saturating_mul(GROUP_SIZE));
    usize::try_from(rest.min(GROUP_SIZE)).unwrap_or(GROUP)
}

/// Bytes of a group that are read and hashed, or hashed and written, at once: they are still in a core's own cache for the second of both.
pub const PIECE: usize = 128 * 1024;

/// The hash of group `index` with these bytes, in a file of `size` bytes.
pub fn group_hash(index: u64, size: u64, bytes: &[u8]) -> GroupHash {
    let mut hasher = GroupHasher::new(index, size);
    hasher.update(bytes);
    hasher.finish()
}

/// The same, of bytes that come piece by piece.
#[derive(Debug)]
pub struct GroupHasher {
    hasher: blake3::Hasher,
    /// The group is the whole file.
    alone: bool,
}

impl GroupHasher {
    /// Of group `index` in a file of `size` bytes.
    pub fn new(index: u64, size: u64) -> Self {
        let (mut hasher, alone) = (blake3::Hasher::new(), size <= GROUP_SIZE);
        if !alone {
            hasher.set_input_offset(index.saturating_mul(GROUP_SIZE));
        }
        Self { hasher, alone }
    }

    /// The next bytes of the group, of which there are at most [`GROUP`].
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// After the last of them.
    pub fn finish(self) -> GroupHash {
        if self.alone || self.hasher.count() == 0 {
            *self.hasher.finalize().as_bytes()
        } else {
            self.hasher.finalize_non_root()
        }
    }
}

/// Takes group hashes in order and gives the file's hash. Its size grows with the logarithm of the file's.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Finished subtrees, the largest first. Merged as late as possible: the last merge is the root's and differs.
    open: Vec<GroupHash>,
    groups: u64,
}

impl Tree {
    /// Takes the next group's hash.
    pub fn push(&mut self, hash: GroupHash) {
        while self.open.len() > self.groups.count_ones() as usize {
            let Some((left, right)) = self.pop_pair() else { break };
            self.open.push(hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
        self.open.push(hash);
        self.groups += 1;
    }

    /// Groups taken.
    pub fn groups(&self) -> u64 {
        self.groups
    }

    /// The hash of the file that these are all groups of.
    pub fn root(mut self) -> Hash {
        loop {
            match self.pop_pair() {
                Some((left, right)) if self.open.is_empty() => {
                    return Hash(*hazmat::merge_subtrees_root(&left, &right, Mode::Hash).as_bytes());
                }
                Some((left, right)) => self.open.push(hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash)),
                None => return Hash(self.open.pop().unwrap_or_else(|| *blake3::hash(b"").as_bytes())),
            }
        }
    }

    fn pop_pair(&mut self) -> Option<(GroupHash, GroupHash)> {
        if self.open.len() < 2 {
            return None;
        }
        let right = self.open.pop()?;
        self.open.pop().map(|left| (left, right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn root_of(bytes: &[u8]) -> Hash {
        let size = bytes.len() as u64;
        let mut tree = Tree::default();
        for (index, group) in (0..).zip(bytes.chunks(GROUP)) {
            assert_eq!(group.len(), group_len(index, size));
            tree.push(group_hash(index, size, group));
        }
        assert_eq!(tree.groups(), groups(size));
        tree.root()
    }

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|n| u8::try_from(n * 31 % 251).unwrap_or_default()).collect()
    }

    #[test]
    fn the_root_is_the_hash_of_the_whole_at_every_edge() {
        let edges = [0, 1, 1023, 1024, 1025, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 2 * GROUP + 1, 5 * GROUP + 3];
        for len in edges {
            let bytes = pattern(len);
            assert_eq!(root_of(&bytes).0, *blake3::hash(&bytes).as_bytes(), "{len}");
        }
        for count in 3..=17 {
            let bytes = pattern(count * GROUP - count);
            assert_eq!(root_of(&bytes).0, *blake3::hash(&bytes).as_bytes(), "{count} groups");
        }
    }

    #[test]
    fn the_largest_sizes_are_counted_without_overflow() {
        assert_eq!(groups(u64::MAX), 1 << 44);
        assert_eq!(group_len((1 << 44) - 1, u64::MAX), GROUP - 1);
        assert_eq!(group_len(u64::MAX, u64::MAX), 0);
        assert_eq!(group_len(3, 10), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_root_is_the_hash_of_the_whole(len in 0..6 * GROUP) {
            let bytes = pattern(len);
            prop_assert_eq!(root_of(&bytes).0, *blake3::hash(&bytes).as_bytes());
        }
    }
}
