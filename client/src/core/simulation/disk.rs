//! A device's disk: what was synced survives a crash, what was only written does not. Keeps logs as the history does, rooms, and the pairs
//! by which devices find each other again.

use std::collections::{BTreeMap, BTreeSet};

use hobnob_shared::id::{DeviceId, Incarnation, MessageId};
use hobnob_shared::message::Head;

use crate::core::history::pairs::Pair;
use crate::core::history::rooms::{Kept, Room};
use crate::core::replica::ThreadKey;
use crate::core::replica::accept::{Candidate, End, Refusal, Verdict, judge};

/// An entry, as much of it as matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) candidate: Candidate,
    pub(super) text: String,
    /// As it was signed, in a room.
    pub(super) body: Vec<u8>,
    /// Somebody else has it on a disk.
    pub(super) delivered: bool,
}

/// One log's copy.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub(super) rows: Vec<Row>,
    pub(super) end: End,
}

/// Which log.
pub(super) type LogKey = (ThreadKey, DeviceId);

/// An entry that comes in.
pub(super) struct Incoming {
    pub(super) candidate: Candidate,
    pub(super) text: String,
    pub(super) body: Vec<u8>,
}

/// All that is on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    pub(super) logs: BTreeMap<LogKey, Log>,
    pub(super) rooms: BTreeMap<Incarnation, Room>,
    pub(super) pairs: BTreeMap<DeviceId, Pair>,
}

impl Tables {
    pub(super) fn log(&mut self, key: &LogKey) -> &mut Log {
        self.logs.entry(key.clone()).or_insert_with(|| Log { rows: Vec::new(), end: End::EMPTY })
    }

    /// The greatest clock in a thread.
    pub(super) fn clock(&self, thread: &ThreadKey) -> u64 {
        let logs = self.logs.iter().filter(|((key, _), _)| key == thread);
        logs.map(|(_, log)| log.end.clock).max().unwrap_or(0)
    }

    /// Stores what of a part of a log is new and follows; the rows that are shown, and what stopped it.
    pub(super) fn take(
        &mut self,
        key: &LogKey,
        after: u64,
        entries: Vec<Incoming>,
    ) -> (Vec<Row>, bool, Option<Refusal>) {
        let log = self.log(key);
        let mut shown = Vec::new();
        for Incoming { candidate, text, body } in entries {
            match judge(&mut log.end, after, &candidate) {
                Verdict::Known => {}
                Verdict::Gap => return (shown, true, None),
                Verdict::Refuse(why) => return (shown, false, Some(why)),
                Verdict::Take => {
                    let row = Row { candidate, text, body, delivered: false };
                    log.rows.push(row.clone());
                    shown.push(row);
                }
            }
        }
        (shown, false, None)
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = (&ThreadKey, Head)> {
        self.logs.iter().filter(|(_, log)| log.end.number > 0).map(|((thread, device), log)| {
            (thread, Head { device: *device, number: log.end.number, last: log.end.last })
        })
    }

    pub(super) fn head(&self, thread: &ThreadKey, device: DeviceId) -> Option<Head> {
        let log = self.logs.get(&(thread.clone(), device)).filter(|log| log.end.number > 0)?;
        Some(Head { device, number: log.end.number, last: log.end.last })
    }

    /// Entries behind `after`, at most `limit`, and whether there was nothing more.
    pub(super) fn entries(&self, thread: &ThreadKey, device: DeviceId, after: u64, limit: usize) -> (&[Row], bool) {
        let rows = self.logs.get(&(thread.clone(), device)).map(|log| log.rows.as_slice()).unwrap_or_default();
        let behind = &rows[rows.iter().position(|row| row.candidate.number > after).unwrap_or(rows.len())..];
        (&behind[..behind.len().min(limit)], behind.len() <= limit)
    }

    pub(super) fn has(&self, key: &LogKey, id: MessageId) -> bool {
        self.logs.get(key).is_some_and(|log| log.rows.iter().any(|row| row.candidate.id == id))
    }

    /// A room, in place of what was known of it but for its members.
    pub(super) fn keep_room(&mut self, room: Room) {
        let known = self.rooms.remove(&room.incarnation).map(|known| known.memberships);
        self.rooms.insert(room.incarnation, Room { memberships: known.unwrap_or_default(), ..room });
    }

    /// A membership, in place of what was known of it.
    pub(super) fn keep_member(&mut self, room: Incarnation, kept: Kept) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.memberships.retain(|known| known.user != kept.user);
            room.memberships.push(kept);
            room.memberships.sort_by(|a, b| a.user.cmp(&b.user));
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    /// Survives.
    pub(super) synced: Tables,
    /// What the program reads while it runs; the same or more.
    written: Tables,
    /// Logs of which more is written than synced.
    dirty: BTreeSet<LogKey>,
    /// The same of rooms and pairs.
    dirty_rest: bool,
}

impl Disk {
    pub(super) fn written(&self) -> &Tables {
        &self.written
    }

    /// To write into one log.
    pub(super) fn write_log(&mut self, key: &LogKey) -> &mut Tables {
        self.dirty.insert(key.clone());
        &mut self.written
    }

    /// To write rooms and pairs.
    pub(super) fn write_rest(&mut self) -> &mut Tables {
        self.dirty_rest = true;
        &mut self.written
    }

    pub(super) fn sync(&mut self) {
        for key in std::mem::take(&mut self.dirty) {
            let Some(log) = self.written.logs.get(&key) else { continue };
            match self.synced.logs.get_mut(&key) {
                None => {
                    self.synced.logs.insert(key, log.clone());
                }
                Some(synced) => {
                    // Nothing is ever taken out of a log; what is there may be marked.
                    synced.rows.truncate(log.rows.len());
                    for (there, row) in synced.rows.iter_mut().zip(&log.rows) {
                        there.delivered = row.delivered;
                    }
                    synced.rows.extend_from_slice(&log.rows[synced.rows.len()..]);
                    synced.end = log.end;
                }
            }
        }
        if std::mem::take(&mut self.dirty_rest) {
            self.synced.rooms = self.written.rooms.clone();
            self.synced.pairs = self.written.pairs.clone();
        }
    }

    pub(super) fn crash(&mut self) {
        self.written = self.synced.clone();
        self.dirty.clear();
        self.dirty_rest = false;
    }
}
