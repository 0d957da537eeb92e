//! What is known of files' pictures, and which file is looked at next. Pure: the window says what is in view and carries out the looks.
//! Bounded in all directions: pictures that were not asked for for the longest go first, what is not in view any more is not looked at.

use std::collections::HashMap;

use super::parent::{Found, Stamp, Wish};

/// Looks at once: each is a process, and the machine has other things to do.
const AT_ONCE: usize = 2;
/// Files that wait to be looked at: more than a window can show.
const WAITING: usize = 64;
/// Pictures that are kept, each up to 1.2 MB.
const PICTURES: usize = 64;
/// Looks at a file in one state that may fail for reasons of this machine, such as its being too busy.
const TRIES: u8 = 3;
/// Files of which the size of the picture, or the lack of one, is kept.
const FILES: usize = 1_024;

/// What is known of a file's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<P> {
    /// It has one.
    Picture {
        /// Its pixels from left to right, and from top to bottom.
        size: (i32, i32),
        /// The picture, unless others took its place.
        picture: Option<P>,
    },
    /// It has none.
    Refused,
}

struct Entry<P> {
    stamp: Stamp,
    known: Known<P>,
    /// Looks at this state that failed, and may succeed another time.
    failed: u8,
    /// Grows with each use.
    used: u64,
}

/// The shelf; `P` is a picture as the window shows it.
pub struct Shelf<P> {
    entries: HashMap<Wish, Entry<P>>,
    waiting: Vec<Wish>,
    running: Vec<Wish>,
    uses: u64,
}

impl<P> Default for Shelf<P> {
    fn default() -> Self {
        Self { entries: HashMap::new(), waiting: Vec::new(), running: Vec::new(), uses: 0 }
    }
}

impl<P: Clone> Shelf<P> {
    /// What is known of a file, as of its last look.
    pub fn get(&mut self, wish: &Wish) -> Option<Known<P>> {
        let entry = self.entries.get_mut(wish)?;
        self.uses += 1;
        entry.used = self.uses;
        Some(entry.known.clone())
    }

    /// These are in view and wait for a look, the most wanted first. Those that waited before and are not among them are dropped.
    pub fn wait_for(&mut self, mut wishes: Vec<Wish>) {
        wishes.truncate(WAITING);
        self.waiting = wishes;
    }

    /// Begins a look, if there is one to begin: at which file, and the state in which it needs none.
    pub fn begin(&mut self) -> Option<(Wish, Option<Stamp>)> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let at = self.waiting.iter().position(|wish| !self.running.contains(wish))?;
        let wish = self.waiting.remove(at);
        self.running.push(wish.clone());
        let known = self.entries.get(&wish).filter(|entry| match &entry.known {
            Known::Picture { picture, .. } => picture.is_some(),
            Known::Refused => entry.failed == 0 || entry.failed >= TRIES,
        });
        let stamp = known.map(|entry| entry.stamp);
        Some((wish, stamp))
    }

    /// A look is over.
    pub fn end(&mut self, wish: &Wish, found: Found<((i32, i32), P)>) {
        self.running.retain(|running| running != wish);
        let (stamp, known, failed) = match found {
            Found::Same => return,
            Found::Nothing => {
                self.entries.remove(wish);
                return;
            }
            Found::Refused(stamp) => (stamp, Known::Refused, 0),
            Found::Unclear(stamp) => {
                let before = self.entries.get(wish).filter(|entry| entry.stamp == stamp);
                (stamp, Known::Refused, before.map_or(0, |entry| entry.failed).saturating_add(1))
            }
            Found::Picture(stamp, (size, picture)) => (stamp, Known::Picture { size, picture: Some(picture) }, 0),
        };
        self.uses += 1;
        self.entries.insert(wish.clone(), Entry { stamp, known, failed, used: self.uses });
        self.make_room();
    }

    fn make_room(&mut self) {
        let has_picture = |entry: &Entry<P>| matches!(entry.known, Known::Picture { picture: Some(_), .. });
        if self.entries.values().filter(|entry| has_picture(entry)).count() > PICTURES
            && let Some(oldest) = self.entries.values_mut().filter(|entry| has_picture(entry)).min_by_key(|e| e.used)
            && let Known::Picture { picture, .. } = &mut oldest.known
        {
            *picture = None;
        }
        if self.entries.len() > FILES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(wish, _)| wish.clone());
            oldest.map(|wish| self.entries.remove(&wish));
        }
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
