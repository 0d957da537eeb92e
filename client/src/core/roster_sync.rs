//! When the sealed roster is read and written: a newer one at the server is got, joined with what is known here, and what is known here and
//! not there is put. Pure; the registry's state owns one, `routes/roster.rs` carries out what it decides.
//!
//! The number of the newest roster that was read never goes down: a server that shows an older one is not believed, and is left alone until
//! it says something newer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hobnob_shared::error::WireCode;
use hobnob_shared::id::{Fingerprint, Handle};
use hobnob_shared::limits;
use hobnob_shared::message::{self, PutRoster, Seq};
use serde_bytes::ByteBuf;

use super::roster::Roster;
use super::sealed_roster::{Contents, RosterError, Words};

/// A person often does several things at once: they are put together.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// After a refusal that says nothing about when.
const RETRY: Duration = Duration::from_secs(30);

/// As it is kept on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Number of the newest roster that is in `contents`.
    pub number: u64,
    /// `contents` has something that the roster of that number has not.
    pub unsaved: bool,
    /// All that is known, here and on other devices.
    pub contents: Contents,
}

/// What a newer roster changes on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Somebody was blocked on another device, or is not any more.
    Block(Handle, bool),
    /// A friend's key was compared on another device.
    Verified(Handle),
    /// Another device has another key of this friend: hard stop.
    Stop(Handle, Fingerprint),
    /// A person decided on another device that the key pinned here is the right one after all.
    Restore(Handle),
    /// The nickname or note of a friend was changed on another device.
    Words(Handle),
    /// Somebody who is no friend here, and the key under which another device knows them.
    Remember(Handle, Fingerprint),
}

/// A roster on its way here.
#[derive(Debug)]
struct Arriving {
    seq: Seq,
    number: u64,
    parts: u8,
    received: u8,
    sealed: Vec<u8>,
}

#[derive(Debug, Default)]
enum Get {
    #[default]
    No,
    Asked(Arriving),
    /// All parts are here.
    Opening,
}

/// A roster on its way to the server, a part at a time: the next one goes when the server has the one before.
#[derive(Debug)]
struct Put {
    round: u64,
    number: u64,
    contents: Contents,
    parts: Vec<Vec<u8>>,
    next: usize,
}

/// How far a put is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Send the next part.
    Next,
    /// The server has it: keep the number.
    Finished,
    /// It was given up meanwhile.
    Stale,
}

/// See the module.
#[derive(Debug, Default)]
pub struct RosterSync {
    kept: Kept,
    /// The newest number that the server spoke of.
    offered: u64,
    get: Get,
    put: Option<Put>,
    /// Tells puts apart: sealing takes a moment, in which a connection may have come and gone.
    rounds: u64,
    /// The server refused the next number without having a newer roster: pointless to try again until it says something newer.
    stuck: bool,
    due: Option<Instant>,
}

impl RosterSync {
    /// As the profile keeps it.
    pub fn load(kept: Kept) -> Self {
        Self { kept, ..Self::default() }
    }

    /// As it is to be kept.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What is known.
    pub fn contents(&self) -> &Contents {
        &self.kept.contents
    }

    /// Something about people changed here: it will be looked at.
    pub fn touch(&mut self, now: Instant) {
        self.due = Some(self.due.map_or(now + DEBOUNCE, |due| due.min(now + DEBOUNCE)));
    }

    /// When [`Self::is_due`] will hold.
    pub fn next_due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is time to look. Once.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = None;
        }
        due
    }

    /// Compares what is known with what is pinned and blocked on this device. True if there is something to keep.
    pub fn observe(&mut self, roster: &Roster, blocked: &BTreeSet<Handle>, now_ms: u64) -> bool {
        let friends = roster.people().map(|(user, person)| (user, person.pin.account, person.pin.verified));
        let former = roster.former().map(|(user, key)| (user, *key, false));
        let news = self.kept.contents.observe(friends.chain(former), blocked, now_ms);
        self.kept.unsaved |= news;
        news
    }

    /// A person decided that this is the key of `user`. True if there is something to keep.
    pub fn decide(&mut self, user: &Handle, key: Fingerprint, now_ms: u64) -> bool {
        let news = self.kept.contents.decide(user, key, now_ms);
        self.kept.unsaved |= news;
        news
    }

    /// Own words on somebody. True if there is something to keep, none if all of them together are too long.
    pub fn write(&mut self, user: &Handle, which: Words, text: &str, now_ms: u64) -> Option<bool> {
        let news = self.kept.contents.write(user, which, text, now_ms)?;
        self.kept.unsaved |= news;
        Some(news)
    }

    /// The server welcomed us and says which roster it has. True if that is to be got, before the server's friend list is judged.
    pub fn welcomed(&mut self, number: u64) -> bool {
        self.lost();
        self.offered = number;
        if number < self.kept.number {
            self.is_old(number);
        }
        self.wants_get()
    }

    /// Another device put a roster of this number. True if it is to be got.
    pub fn changed_elsewhere(&mut self, number: u64) -> bool {
        self.offered = self.offered.max(number);
        self.wants_get()
    }

    /// The server has a newer one, and nobody is getting it.
    pub fn wants_get(&self) -> bool {
        self.offered > self.kept.number && matches!(self.get, Get::No)
    }

    /// The connection is gone, and with it what was on its way.
    pub fn lost(&mut self) {
        self.get = Get::No;
        self.put = None;
        self.offered = 0;
        self.stuck = false;
        self.due = None;
    }

    /// The server was asked for its roster.
    pub fn asked(&mut self, seq: Seq) {
        self.get = Get::Asked(Arriving { seq, number: 0, parts: 0, received: 0, sealed: Vec::new() });
    }

    /// A part came. Gives number and sealed bytes once all are here; number 0 if there is no roster.
    pub fn part(&mut self, part: &message::Roster) -> Result<Option<(u64, Vec<u8>)>, RosterError> {
        let Get::Asked(arriving) = &mut self.get else { return Err(RosterError::Parts("nobody asked")) };
        if arriving.seq != part.seq {
            return Err(RosterError::Parts("nobody asked"));
        }
        if arriving.received == 0 {
            (arriving.number, arriving.parts) = (part.number, part.parts);
        }
        let fits = (part.number, part.parts, part.part) == (arriving.number, arriving.parts, arriving.received)
            && part.parts <= limits::ROSTER_PARTS
            && part.sealed.len() <= limits::ROSTER_PART;
        if !fits || (part.parts == 0) != (part.number == 0) {
            self.unusable();
            return Err(RosterError::Parts("not in order"));
        }
        if part.parts > 0 {
            arriving.sealed.extend_from_slice(&part.sealed);
            arriving.received += 1;
        }
        if arriving.received < arriving.parts {
            return Ok(None);
        }
        let whole = (arriving.number, std::mem::take(&mut arriving.sealed));
        self.get = Get::Opening;
        Ok(Some(whole))
    }

    /// Whether the server shows no newer roster than is known; then it is left alone, because what it has cannot follow from ours, nor ours
    /// from it.
    pub fn is_old(&mut self, number: u64) -> bool {
        let old = number <= self.kept.number;
        if old {
            tracing::warn!(
                server = number,
                ours = self.kept.number,
                "the server shows no newer roster; what is known here stays"
            );
            (self.get, self.offered, self.stuck) = (Get::No, number, true);
        }
        old
    }

    /// What was asked for did not come: asked again in a while.
    pub fn get_failed(&mut self, now: Instant) {
        if !matches!(self.get, Get::No) {
            self.get = Get::No;
            self.due = Some(now + RETRY);
        }
    }

    /// What came cannot be used, or what is known cannot be put: nothing more until the server speaks of another one.
    pub fn unusable(&mut self) {
        (self.get, self.put, self.offered, self.stuck) = (Get::No, None, 0, true);
    }

    /// The server's roster of this number is open: joins it, and gives what it changes here.
    pub fn got(
        &mut self,
        number: u64,
        theirs: &Contents,
        roster: &Roster,
        blocked: &BTreeSet<Handle>,
        (now, now_ms): (Instant, u64),
    ) -> Vec<Change> {
        if self.is_old(number) {
            return Vec::new();
        }
        self.get = Get::No;
        // What was decided here and not looked at yet counts as much as what was.
        self.observe(roster, blocked, now_ms);
        let before = self.kept.contents.clone();
        self.kept.contents.join(theirs);
        self.kept.number = number;
        self.kept.unsaved = self.kept.contents != *theirs;
        self.stuck = false;
        if self.kept.unsaved || self.offered > number {
            self.touch(now);
        }
        self.changes(&before, roster, blocked)
    }

    fn changes(&self, before: &Contents, roster: &Roster, blocked: &BTreeSet<Handle>) -> Vec<Change> {
        let contents = &self.kept.contents;
        let mut changes = Vec::new();
        for (user, key) in contents.people() {
            if contents.is_blocked(user) != blocked.contains(user) {
                changes.push(Change::Block(user.clone(), contents.is_blocked(user)));
            }
            let differs = |which| contents.words(user, which) != before.words(user, which);
            if roster.get(user).is_some() && (differs(Words::Nickname) || differs(Words::Note)) {
                changes.push(Change::Words(user.clone()));
            }
            match (roster.get(user), key) {
                (Some(person), _) => {
                    let pin = person.pin.account;
                    match contents.contradiction(user, pin) {
                        Some(other) if !person.is_stopped() => changes.push(Change::Stop(user.clone(), other)),
                        Some(_) => {}
                        None => {
                            if person.is_stopped() && contents.decided(user) > before.decided(user) {
                                changes.push(Change::Restore(user.clone()));
                            }
                            if contents.is_verified(user, pin) && !person.pin.verified {
                                changes.push(Change::Verified(user.clone()));
                            }
                        }
                    }
                }
                // What this device remembers of a former friend stays, as a pin does.
                (None, Some(key)) if !roster.is_former(user) => changes.push(Change::Remember(user.clone(), key)),
                (None, _) => {}
            }
        }
        changes
    }

    /// If there is something to put, and nothing on its way: the put, its number and contents, to be sealed.
    pub fn begin_put(&mut self) -> Option<(u64, u64, Contents)> {
        let free = matches!(self.get, Get::No) && self.put.is_none() && self.offered <= self.kept.number;
        if !self.kept.unsaved || !free || self.stuck || self.kept.contents.is_newer() {
            return None;
        }
        let number = self.kept.number.saturating_add(1);
        self.rounds += 1;
        let contents = self.kept.contents.clone();
        self.put = Some(Put { round: self.rounds, number, contents: contents.clone(), parts: Vec::new(), next: 0 });
        Some((self.rounds, number, contents))
    }

    /// Something is on its way to the server.
    pub fn is_putting(&self) -> bool {
        self.put.is_some()
    }

    /// What this put is about is sealed. False if it is not wanted any more.
    pub fn sealed(&mut self, round: u64, parts: Vec<Vec<u8>>) -> bool {
        match &mut self.put {
            Some(put) if put.round == round && put.parts.is_empty() && !parts.is_empty() => {
                put.parts = parts;
                true
            }
            _ => false,
        }
    }

    /// The frame with the next part.
    pub fn next_part(&self, seq: Seq) -> Option<PutRoster> {
        let put = self.put.as_ref()?;
        Some(PutRoster {
            seq,
            number: put.number,
            part: u8::try_from(put.next).ok()?,
            parts: u8::try_from(put.parts.len()).ok()?,
            sealed: ByteBuf::from(put.parts.get(put.next)?.clone()),
        })
    }

    /// The server has a part.
    pub fn part_done(&mut self, now: Instant) -> Progress {
        let Some(put) = &mut self.put else { return Progress::Stale };
        put.next += 1;
        if put.next < put.parts.len() {
            return Progress::Next;
        }
        if let Some(put) = self.put.take() {
            self.kept.number = self.kept.number.max(put.number);
            self.kept.unsaved = self.kept.contents != put.contents;
            if self.kept.unsaved {
                self.touch(now);
            }
        }
        Progress::Finished
    }

    /// The server did not take it, or it could not be sealed. True if another device was faster, so that its roster is to be got.
    pub fn put_failed(&mut self, code: Option<&WireCode>, now: Instant) -> bool {
        let Some(put) = self.put.take() else { return false };
        if code != Some(&WireCode::Conflict) {
            self.due = Some(now + RETRY);
        } else if put.number <= self.kept.number {
            // What was in the way is here already.
            self.touch(now);
        } else {
            self.offered = self.offered.max(put.number);
            return self.wants_get();
        }
        false
    }
}

#[cfg(test)]
#[path = "roster_sync_tests.rs"]
mod tests;
