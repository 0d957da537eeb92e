//! What the devices of an account tell each other of the people it knows: keys that are pinned, marks of those that were compared, blocks,
//! nicknames and notes.
//! Kept at the server, sealed under the account's roster key, so that a new device knows all of it before it believes the server anything.
//! Pure: contents, how two of them are joined, and how they are sealed. `roster_sync.rs` says when.
//!
//! Joining is the same in whatever order and however often it is done, so devices that hear of each other's changes in different orders end
//! up alike:
//! - **Keys.** Whoever pins a key first, without a person's decision, adds it. A person's decision that another key counts
//!   ([`Contents::decide`]) carries a time and replaces the keys of all earlier decisions. Two keys under the same decision are a
//!   contradiction: neither device knew of the other's, both stay, and nobody is sent anything until a person decides.
//! - **Marks.** A compared safety number is a mark on that one key. It is only ever set; another key has none.
//! - **Own words.** A nickname and a note carry the time at which they were written, and the later one counts; of the same moment, the one
//!   that sorts later. A text that is taken away is an empty one, and stays as that.
//! - **Blocks.** Blocking and unblocking carry a time, and the later one counts; of the same moment, the block.
//!
//! Times are those of the deciding device's clock, but always later than what that device knew: a clock that is wrong cannot make a
//! decision lose against the one that it answers.

use std::collections::{BTreeMap, BTreeSet};

use hobnob_shared::codec::{from_cbor, to_cbor};
use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::{limits, seal};
use serde::{Deserialize, Serialize};

use super::profile::RosterKey;

/// Of the content. A roster of a later one is read as far as it is understood, and never replaced by ours: that would lose the rest.
const VERSION: u32 = 2;
/// The version that knew no own words: content without any is still written as that, so that it may go on replacing it.
const WITHOUT_WORDS: u32 = 1;
/// Bytes of all nicknames and notes together: with the keys of some 10,000 people they still fit into the parts of a roster.
const WORDS_MAX: usize = 192 * 1024;
/// Purpose under which the roster is sealed.
const ROSTER: &str = "roster";

/// Why a roster cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Somebody's, most likely the server's: not sealed by this account, altered, or an older one under a newer number.
    #[error("the sealed roster does not open")]
    Sealed,
    /// A later version's, or a fault of ours.
    #[error("the roster's content cannot be read: {0}")]
    Content(String),
    /// More people than the server takes.
    #[error("the roster is too large: {0} bytes")]
    TooLarge(usize),
    /// The server's: parts that do not belong together.
    #[error("the server sent a roster in pieces that do not fit: {0}")]
    Parts(&'static str),
}

/// Blocked or not, and since when that was decided; the greater one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Block {
    at: u64,
    blocked: bool,
}

/// Own words on somebody, and when they were written; the greater one counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Said {
    at: u64,
    text: String,
}

impl Said {
    fn join(&mut self, other: &Self) {
        if *other > *self {
            self.clone_from(other);
        }
    }
}

/// Which own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// What somebody is called here.
    Nickname,
    /// What is to be remembered of them.
    Note,
}

/// What is known of one person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Contact {
    /// When a person decided that other keys than before count; 0 if nobody ever had to.
    decided: u64,
    /// Pinned keys, one where all is well; and whether each was compared.
    keys: BTreeMap<Fingerprint, bool>,
    block: Block,
    nickname: Said,
    note: Said,
}

impl Contact {
    fn join(&mut self, other: &Self) {
        match self.decided.cmp(&other.decided) {
            std::cmp::Ordering::Less => {
                self.decided = other.decided;
                self.keys.clone_from(&other.keys);
            }
            std::cmp::Ordering::Equal => {
                for (key, verified) in &other.keys {
                    *self.keys.entry(*key).or_default() |= *verified;
                }
            }
            std::cmp::Ordering::Greater => {}
        }
        self.block = self.block.max(other.block);
        self.nickname.join(&other.nickname);
        self.note.join(&other.note);
    }

    fn words(&self) -> usize {
        self.nickname.text.len() + self.note.text.len()
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Greater than [`VERSION`] once a later one was read.
    version: u32,
    people: BTreeMap<Handle, Contact>,
}

impl Default for Contents {
    fn default() -> Self {
        Self { version: VERSION, people: BTreeMap::new() }
    }
}

/// As it is encoded.
#[derive(Serialize, Deserialize)]
struct Encoded {
    version: u32,
    #[serde(default)]
    people: Vec<EncodedContact>,
}

#[derive(Serialize, Deserialize)]
struct EncodedContact {
    user: Handle,
    #[serde(default)]
    decided: u64,
    #[serde(default)]
    keys: Vec<EncodedKey>,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    block_at: u64,
    #[serde(default, skip_serializing_if = "EncodedWords::is_none")]
    nickname: EncodedWords,
    #[serde(default, skip_serializing_if = "EncodedWords::is_none")]
    note: EncodedWords,
}

#[derive(Default, Serialize, Deserialize)]
struct EncodedWords {
    #[serde(default)]
    at: u64,
    #[serde(default)]
    text: String,
}

impl EncodedWords {
    fn is_none(&self) -> bool {
        self.at == 0 && self.text.is_empty()
    }

    fn new(said: &Said) -> Self {
        Self { at: said.at, text: said.text.clone() }
    }

    fn said(self) -> Said {
        Said { at: self.at, text: self.text }
    }
}

#[derive(Serialize, Deserialize)]
struct EncodedKey {
    key: Fingerprint,
    #[serde(default)]
    verified: bool,
}

/// A time for a decision: now, but in any case later than the one before.
fn later_than(before: u64, now: u64) -> u64 {
    now.max(before.saturating_add(1))
}

impl Contents {
    /// Takes over what `other` knows.
    pub fn join(&mut self, other: &Self) {
        self.version = self.version.max(other.version);
        for (user, contact) in &other.people {
            self.people.entry(user.clone()).or_default().join(contact);
        }
    }

    /// Written by a later version: it must not be replaced.
    pub fn is_newer(&self) -> bool {
        self.version > VERSION
    }

    /// Takes over what is pinned and blocked on this device. Keys that contradict what is known are left out: only a person decides that.
    /// True if it was news.
    pub fn observe<'a>(
        &mut self,
        pins: impl Iterator<Item = (&'a Handle, Fingerprint, bool)>,
        blocked: &BTreeSet<Handle>,
        now: u64,
    ) -> bool {
        let mut news = false;
        for (user, key, verified) in pins {
            if !self.people.contains_key(user) {
                self.people.insert(user.clone(), Contact::default());
            }
            let Some(contact) = self.people.get_mut(user) else { continue };
            if contact.keys.is_empty() || contact.keys.contains_key(&key) {
                news |= contact.keys.get(&key).is_none_or(|before| verified && !before);
                *contact.keys.entry(key).or_default() |= verified;
            }
        }
        let unblocked = self.people.iter().filter(|(user, contact)| contact.block.blocked && !blocked.contains(*user));
        let changed: Vec<Handle> = unblocked
            .map(|(user, _)| user)
            .chain(blocked.iter().filter(|user| !self.is_blocked(user)))
            .cloned()
            .collect();
        news |= !changed.is_empty();
        for user in changed {
            let is_blocked = blocked.contains(&user);
            let block = &mut self.people.entry(user).or_default().block;
            *block = Block { at: later_than(block.at, now), blocked: is_blocked };
        }
        news
    }

    /// A person on this device decided that `key` is the right one. False if that is known.
    pub fn decide(&mut self, user: &Handle, key: Fingerprint, now: u64) -> bool {
        let contact = self.people.entry(user.clone()).or_default();
        if contact.keys.len() == 1 && contact.keys.contains_key(&key) {
            return false;
        }
        let verified = contact.keys.get(&key).copied().unwrap_or_default();
        contact.keys = BTreeMap::from([(key, verified)]);
        contact.decided = later_than(contact.decided, now);
        true
    }

    /// Own words on somebody, empty to take them away. False if that is known, none if all of them together are too long.
    pub fn write(&mut self, user: &Handle, which: Words, text: &str, now: u64) -> Option<bool> {
        let all: usize = self.people.values().map(Contact::words).sum();
        let before = self.words(user, which);
        if before == text {
            return Some(false);
        }
        if all - before.len() + text.len() > WORDS_MAX && text.len() > before.len() {
            return None;
        }
        let contact = self.people.entry(user.clone()).or_default();
        let said = match which {
            Words::Nickname => &mut contact.nickname,
            Words::Note => &mut contact.note,
        };
        *said = Said { at: later_than(said.at, now), text: text.to_owned() };
        Some(true)
    }

    /// Own words on somebody; empty where there are none.
    pub fn words(&self, user: &Handle, which: Words) -> &str {
        self.people.get(user).map_or("", |contact| match which {
            Words::Nickname => &contact.nickname.text,
            Words::Note => &contact.note.text,
        })
    }

    /// Another key than `pin` that some device of this account has pinned for `user`: nothing may be sent until a person decides.
    pub fn contradiction(&self, user: &Handle, pin: Fingerprint) -> Option<Fingerprint> {
        self.people.get(user)?.keys.keys().find(|key| **key != pin).copied()
    }

    /// Whether the safety number was compared for this key, on any device.
    pub fn is_verified(&self, user: &Handle, key: Fingerprint) -> bool {
        self.people.get(user).and_then(|contact| contact.keys.get(&key)).copied().unwrap_or_default()
    }

    /// Whether somebody is blocked.
    pub fn is_blocked(&self, user: &Handle) -> bool {
        self.people.get(user).is_some_and(|contact| contact.block.blocked)
    }

    /// When a person decided about the keys of `user` last.
    pub fn decided(&self, user: &Handle) -> u64 {
        self.people.get(user).map_or(0, |contact| contact.decided)
    }

    /// Everybody, with one of the keys that are pinned, if there is any.
    pub fn people(&self) -> impl Iterator<Item = (&Handle, Option<Fingerprint>)> {
        self.people.iter().map(|(user, contact)| (user, contact.keys.keys().next().copied()))
    }

    /// CBOR.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RosterError> {
        let people = self.people.iter().map(|(user, contact)| EncodedContact {
            user: user.clone(),
            decided: contact.decided,
            keys: contact.keys.iter().map(|(key, verified)| EncodedKey { key: *key, verified: *verified }).collect(),
            blocked: contact.block.blocked,
            block_at: contact.block.at,
            nickname: EncodedWords::new(&contact.nickname),
            note: EncodedWords::new(&contact.note),
        });
        // Who knows no own words must not replace them; who would lose nothing may.
        let wordless = self.people.values().all(|contact| contact.nickname.at == 0 && contact.note.at == 0);
        let version = if self.version == VERSION && wordless { WITHOUT_WORDS } else { self.version };
        let encoded = Encoded { version, people: people.collect() };
        to_cbor(&encoded).map_err(|error| RosterError::Content(error.to_string()))
    }

    /// From CBOR.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RosterError> {
        let encoded: Encoded = from_cbor(bytes).map_err(|error| RosterError::Content(error.to_string()))?;
        let mut contents = Self { version: encoded.version.max(VERSION), people: BTreeMap::new() };
        for contact in encoded.people {
            let EncodedContact { user, decided, keys, blocked, block_at, nickname, note } = contact;
            let keys = keys.into_iter().map(|EncodedKey { key, verified }| (key, verified)).collect();
            let (block, nickname, note) = (Block { at: block_at, blocked }, nickname.said(), note.said());
            let contact = Contact { decided, keys, block, nickname, note };
            contents.people.entry(user).or_default().join(&contact);
        }
        Ok(contents)
    }

    /// Sealed as the roster of this number, in parts that the server takes. Bound to the number: it opens under no other.
    pub fn seal(&self, key: &RosterKey, number: u64) -> Result<Vec<Vec<u8>>, RosterError> {
        let sealed =
            seal::seal(key, ROSTER, &number.to_be_bytes(), &self.to_bytes()?).map_err(|_| RosterError::Sealed)?;
        if sealed.len() > limits::ROSTER_PART * usize::from(limits::ROSTER_PARTS) {
            return Err(RosterError::TooLarge(sealed.len()));
        }
        Ok(sealed.chunks(limits::ROSTER_PART).map(<[u8]>::to_vec).collect())
    }

    /// Opens all parts of the roster of this number, one behind the other.
    pub fn open(key: &RosterKey, number: u64, sealed: &[u8]) -> Result<Self, RosterError> {
        let plain = seal::open(key, ROSTER, &number.to_be_bytes(), sealed).map_err(|_| RosterError::Sealed)?;
        Self::from_bytes(&plain)
    }
}

#[cfg(test)]
#[path = "sealed_roster_tests.rs"]
mod tests;
