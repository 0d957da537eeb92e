//! The windows over the own logs of all threads that one link follows: they share the link's room and take turns. Pure; owned by the
//! link's state.

use std::collections::BTreeMap;

use hobnob_shared::id::DeviceId;
use hobnob_shared::limits::WINDOW;
use hobnob_shared::message::{Have, Thread};

use crate::core::replica::push::{Push, ReadLog};

/// Entries that may be out on one link, all threads together. Few in tests, so that the simulation fills it.
const ROOM: usize = if cfg!(test) { 5 } else { WINDOW };

/// See the module.
#[derive(Debug)]
pub(super) struct Pushes {
    own: DeviceId,
    threads: BTreeMap<Thread, Push>,
    /// The disk is being asked: for one thread at a time, so that a long log does not hold up the others' turn.
    reading: Option<Thread>,
    /// Whose turn was last.
    last: Option<Thread>,
}

impl Pushes {
    pub(super) fn new(own: DeviceId) -> Self {
        Self { own, threads: BTreeMap::new(), reading: None, last: None }
    }

    /// A new connection: nothing is followed until both have said what they have.
    pub(super) fn clear(&mut self) {
        self.threads.clear();
    }

    pub(super) fn follow(&mut self, thread: Thread, acknowledged: u64) {
        self.threads.insert(thread, Push::new(acknowledged));
    }

    pub(super) fn unfollow(&mut self, thread: &Thread) {
        self.threads.remove(thread);
    }

    pub(super) fn grew(&mut self, thread: &Thread) {
        if let Some(push) = self.threads.get_mut(thread) {
            push.grew();
        }
    }

    pub(super) fn acknowledge(&mut self, have: &Have) {
        let Some(push) = self.threads.get_mut(&have.thread) else { return };
        if let Some(head) = have.heads.iter().find(|head| head.device == self.own) {
            push.acknowledge(head.number);
        }
    }

    /// The disk answered, with the numbers of the entries, or could not. Whether they are to be written.
    pub(super) fn read(&mut self, thread: &Thread, asked: ReadLog, numbers: Option<&[u64]>, complete: bool) -> bool {
        self.reading = None;
        let Some(push) = self.threads.get_mut(thread) else { return false };
        if let Some(numbers) = numbers {
            push.read(asked, numbers, complete)
        } else {
            push.read_failed();
            false
        }
    }

    /// The next read, if any log has more and the link has room: the threads take turns.
    pub(super) fn next_read(&mut self) -> Option<(Thread, ReadLog)> {
        if self.reading.is_some() {
            return None;
        }
        let room = ROOM.saturating_sub(self.threads.values().map(Push::out).sum());
        let last = self.last.clone();
        let waits =
            |(thread, push): &(&Thread, &mut Push)| push.wants() && last.as_ref().is_none_or(|last| *thread > last);
        let behind = self.threads.iter_mut().find(waits).map(|(thread, push)| (thread.clone(), push.next_read(room)));
        let (thread, asked) = match behind {
            Some(found) => found,
            None => self
                .threads
                .iter_mut()
                .find(|(_, push)| push.wants())
                .map(|(thread, push)| (thread.clone(), push.next_read(room)))?,
        };
        let asked = asked?;
        self.reading = Some(thread.clone());
        self.last = Some(thread.clone());
        Some((thread, asked))
    }
}
