//! A device's disk: what was synced survives a crash, what was only written does not. Keeps logs as the history does.

use std::collections::BTreeMap;

use hobnob_shared::id::{DeviceId, Handle, MessageId};
use hobnob_shared::message::Head;

use crate::core::replica::ThreadKey;
use crate::core::replica::accept::{Candidate, End, Refusal, Verdict, judge};

/// An entry, as much of it as matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) candidate: Candidate,
    pub(super) text: String,
    /// Somebody else has it on a disk.
    pub(super) delivered: bool,
}

/// One log's copy.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub(super) author: Handle,
    pub(super) rows: Vec<Row>,
    pub(super) end: End,
}

/// All that is on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables(pub(super) BTreeMap<(ThreadKey, DeviceId), Log>);

impl Tables {
    pub(super) fn log(&mut self, thread: &ThreadKey, device: DeviceId, author: &Handle) -> &mut Log {
        let fresh = || Log { author: author.clone(), rows: Vec::new(), end: End::EMPTY };
        self.0.entry((thread.clone(), device)).or_insert_with(fresh)
    }

    /// The greatest clock in a thread.
    pub(super) fn clock(&self, thread: &ThreadKey) -> u64 {
        let logs = self.0.iter().filter(|((key, _), _)| key == thread);
        logs.map(|(_, log)| log.end.clock).max().unwrap_or(0)
    }

    /// Stores what of a part of a log is new and follows; the rows that are shown, and what stopped it.
    pub(super) fn take(
        &mut self,
        (thread, device, author): (&ThreadKey, DeviceId, &Handle),
        after: u64,
        entries: &[(Candidate, String)],
    ) -> (Vec<Row>, bool, Option<Refusal>) {
        let log = self.log(thread, device, author);
        let mut shown = Vec::new();
        for (candidate, text) in entries {
            match judge(&mut log.end, after, candidate) {
                Verdict::Known => {}
                Verdict::Gap => return (shown, true, None),
                Verdict::Refuse(why) => return (shown, false, Some(why)),
                Verdict::Take => {
                    let row = Row { candidate: *candidate, text: text.clone(), delivered: false };
                    log.rows.push(row.clone());
                    shown.push(row);
                }
            }
        }
        (shown, false, None)
    }

    pub(super) fn heads(&self) -> impl Iterator<Item = (&ThreadKey, Head)> {
        self.0.iter().filter(|(_, log)| log.end.number > 0).map(|((thread, device), log)| {
            (thread, Head { device: *device, number: log.end.number, last: log.end.last })
        })
    }

    pub(super) fn head(&self, thread: &ThreadKey, device: DeviceId) -> Option<Head> {
        let log = self.0.get(&(thread.clone(), device)).filter(|log| log.end.number > 0)?;
        Some(Head { device, number: log.end.number, last: log.end.last })
    }

    /// Entries behind `after`, at most `limit`, and whether there was nothing more.
    pub(super) fn entries(&self, thread: &ThreadKey, device: DeviceId, after: u64, limit: usize) -> (Vec<Row>, bool) {
        let rows = self.0.get(&(thread.clone(), device)).map(|log| log.rows.as_slice()).unwrap_or_default();
        let mut behind = rows.iter().filter(|row| row.candidate.number > after);
        let found: Vec<Row> = behind.by_ref().take(limit).cloned().collect();
        (found, behind.next().is_none())
    }

    pub(super) fn has(&self, thread: &ThreadKey, device: DeviceId, id: MessageId) -> bool {
        let log = self.0.get(&(thread.clone(), device));
        log.is_some_and(|log| log.rows.iter().any(|row| row.candidate.id == id))
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    /// Survives.
    pub(super) synced: Tables,
    /// What the program reads while it runs; the same or more.
    pub(super) written: Tables,
}

impl Disk {
    pub(super) fn sync(&mut self) {
        self.synced = self.written.clone();
    }

    pub(super) fn crash(&mut self) {
        self.written = self.synced.clone();
    }
}
