//! What is known of people's pictures by their hashes, and which is looked at next. Pure; the window owns one, `P` is a picture as it shows it.

use std::collections::HashMap;

use hobnob_shared::id::Hash;

/// Looks at once: each is a process, and the machine has other things to do.
const AT_ONCE: usize = 2;
/// Pictures that wait to be looked at: more than a window can show.
const WAITING: usize = 256;
/// Pictures that are kept, each up to 64 KiB: those of a long list that is being scrolled.
const PICTURES: usize = 256;
/// Looks at one picture that may fail for reasons of this machine.
const TRIES: u8 = 3;

struct Entry<P> {
    picture: Option<P>,
    failed: u8,
    /// Grows with each use.
    used: u64,
}

/// See the module.
pub struct Album<P> {
    entries: HashMap<Hash, Entry<P>>,
    waiting: Vec<Hash>,
    running: Vec<Hash>,
    uses: u64,
}

impl<P> Default for Album<P> {
    fn default() -> Self {
        Self { entries: HashMap::new(), waiting: Vec::new(), running: Vec::new(), uses: 0 }
    }
}

impl<P: Clone> Album<P> {
    /// The picture, if it is known and can be shown.
    pub fn get(&mut self, hash: Hash) -> Option<P> {
        let entry = self.entries.get_mut(&hash)?;
        self.uses += 1;
        entry.used = self.uses;
        entry.picture.clone()
    }

    /// These are in view; those of them that are not known wait for a look. Those that waited before and are not among them are dropped.
    pub fn wait_for(&mut self, wanted: impl IntoIterator<Item = Hash>) {
        self.waiting.clear();
        for hash in wanted {
            let is_settled =
                self.entries.get(&hash).is_some_and(|entry| entry.picture.is_some() || entry.failed >= TRIES);
            if !is_settled && self.waiting.len() < WAITING && !self.waiting.contains(&hash) {
                self.waiting.push(hash);
            }
        }
    }

    /// Begins a look, if there is one to begin.
    pub fn begin(&mut self) -> Option<Hash> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let at = self.waiting.iter().position(|hash| !self.running.contains(hash))?;
        let hash = self.waiting.remove(at);
        self.running.push(hash);
        Some(hash)
    }

    /// A look is over: the picture, or `Ok(None)` where it may be there another time, or `Err` where it never will.
    pub fn end(&mut self, hash: Hash, found: Result<Option<P>, ()>) {
        self.running.retain(|running| *running != hash);
        self.waiting.retain(|waiting| *waiting != hash);
        let failed = match &found {
            Ok(Some(_)) => 0,
            Ok(None) => self.entries.get(&hash).map_or(0, |entry| entry.failed) + 1,
            Err(()) => TRIES,
        };
        self.uses += 1;
        self.entries.insert(hash, Entry { picture: found.ok().flatten(), failed, used: self.uses });
        if self.entries.len() > PICTURES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(hash, _)| *hash);
            oldest.map(|hash| self.entries.remove(&hash));
        }
    }

    /// Nobody is shown with it any more.
    pub fn forget(&mut self, hash: Hash) {
        self.entries.remove(&hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: usize) -> Hash {
        Hash(*blake3::hash(&n.to_le_bytes()).as_bytes())
    }

    #[test]
    fn what_is_in_view_is_looked_at_once_and_two_at_a_time() {
        let mut album: Album<usize> = Album::default();
        album.wait_for([hash(1), hash(2), hash(1), hash(3)]);
        assert_eq!((album.begin(), album.begin(), album.begin()), (Some(hash(1)), Some(hash(2)), None));
        album.wait_for([hash(1), hash(4)]);
        album.end(hash(1), Ok(Some(1)));
        assert_eq!(album.begin(), Some(hash(4)), "3 went out of view, 1 is known");
        assert_eq!((album.get(hash(1)), album.get(hash(4))), (Some(1), None));
    }

    #[test]
    fn what_fails_is_tried_again_a_few_times() {
        let mut album: Album<usize> = Album::default();
        for tried in 0..5 {
            album.wait_for([hash(1)]);
            assert_eq!(album.begin().is_some(), tried < TRIES, "{tried}");
            album.end(hash(1), Ok(None));
        }
        album.wait_for([hash(2)]);
        assert!(album.begin().is_some());
        album.end(hash(2), Err(()));
        album.wait_for([hash(2)]);
        assert_eq!(album.begin(), None, "it never will be one");
        album.forget(hash(2));
        album.wait_for([hash(2)]);
        assert_eq!(album.begin(), Some(hash(2)));
    }

    #[test]
    fn only_so_many_are_kept_and_those_in_use_longest() {
        let mut album: Album<usize> = Album::default();
        for n in 0..PICTURES + 5 {
            album.wait_for([hash(n)]);
            album.begin();
            album.end(hash(n), Ok(Some(n)));
            assert_eq!(album.get(hash(0)), Some(0), "always in view");
        }
        assert_eq!((album.entries.len(), album.get(hash(1))), (PICTURES, None));
    }
}
