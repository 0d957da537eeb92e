//! The sender's half of exactly-once: which queued messages are out on the link, and when to read more of them. Pure; owned by the
//! link's state. The queue itself is in the history; this is only the window over it.

use std::collections::{BTreeMap, HashSet};

use hobnob_shared::id::MessageId;
use hobnob_shared::limits::WINDOW;
use hobnob_shared::message::PeerMessage;

/// A window of unacknowledged messages over the stored queue.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Out on this connection and not acknowledged: number by id.
    out: BTreeMap<MessageId, u64>,
    /// Highest number that was written on this connection.
    written: u64,
    /// Acknowledged, but the store may not have committed the mark yet: not to be sent again on a new connection.
    acknowledged: HashSet<MessageId>,
    /// The store may have more behind `written`.
    more: bool,
    /// A read of the store is under way.
    reading: bool,
}

/// Ask the store for messages behind `after`, at most `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadQueue {
    /// Exclusive.
    pub after: u64,
    /// At most so many.
    pub limit: usize,
}

impl Outbox {
    /// A new connection: what was not acknowledged goes out again, from the start of the queue.
    pub fn restart(&mut self) -> Option<ReadQueue> {
        self.out.clear();
        self.written = 0;
        self.more = true;
        self.next_read()
    }

    /// Something was queued.
    pub fn queued(&mut self) -> Option<ReadQueue> {
        self.more = true;
        self.next_read()
    }

    /// The store answered a [`ReadQueue`]; gives the messages to write, in order.
    pub fn read(&mut self, asked: ReadQueue, messages: Vec<PeerMessage>) -> Vec<PeerMessage> {
        self.reading = false;
        if asked.after != self.written {
            // Asked before a new connection started over: that one reads for itself.
            return Vec::new();
        }
        self.more |= messages.len() == asked.limit;
        if asked.after == 0 {
            // What the store no longer names is committed as delivered.
            let named: HashSet<MessageId> = messages.iter().map(|message| message.id).collect();
            self.acknowledged.retain(|id| named.contains(id));
        }
        let mut fresh = Vec::with_capacity(messages.len());
        for message in messages {
            self.written = self.written.max(message.number);
            if !self.acknowledged.contains(&message.id) {
                self.out.insert(message.id, message.number);
                fresh.push(message);
            }
        }
        fresh
    }

    /// The store could not answer; ask again at the next occasion.
    pub fn read_failed(&mut self) {
        self.reading = false;
        self.more = true;
    }

    /// The other side has these on its disk; gives those that were out.
    pub fn acknowledge(&mut self, ids: &[MessageId]) -> Vec<MessageId> {
        let known: Vec<MessageId> = ids.iter().filter(|id| self.out.remove(id).is_some()).copied().collect();
        self.acknowledged.extend(&known);
        known
    }

    /// The next read, if one is due and there is room in the window.
    pub fn next_read(&mut self) -> Option<ReadQueue> {
        let limit = WINDOW.saturating_sub(self.out.len());
        if self.reading || !self.more || limit == 0 {
            return None;
        }
        self.reading = true;
        self.more = false;
        Some(ReadQueue { after: self.written, limit })
    }

    /// Messages that are out.
    #[cfg(test)]
    fn unacknowledged(&self) -> usize {
        self.out.len()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn message(number: u64) -> PeerMessage {
        PeerMessage { id: MessageId::new(), number, sent_at: 0, text: String::new(), reply_to: None }
    }

    fn from_store(store: &[PeerMessage], asked: ReadQueue) -> Vec<PeerMessage> {
        store.iter().filter(|m| m.number > asked.after).take(asked.limit).cloned().collect()
    }

    #[test]
    fn the_window_is_never_exceeded_and_everything_goes_out_in_order() {
        let store: Vec<_> = (1..=1_000).map(message).collect();
        let mut outbox = Outbox::default();
        let mut sent = Vec::new();
        let mut asked = outbox.restart();
        while let Some(read) = asked {
            let batch = outbox.read(read, from_store(&store, read));
            assert!(outbox.unacknowledged() <= WINDOW);
            let ids: Vec<_> = batch.iter().map(|m| m.id).collect();
            sent.extend(batch.into_iter().map(|m| m.number));
            assert_eq!(outbox.acknowledge(&ids), ids);
            asked = outbox.next_read();
        }
        assert_eq!(sent, (1..=1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_new_connection_sends_again_what_was_not_acknowledged_and_nothing_else() {
        let store: Vec<_> = (1..=3).map(message).collect();
        let mut outbox = Outbox::default();
        let read = outbox.restart().unwrap();
        outbox.read(read, from_store(&store, read));
        outbox.acknowledge(&[store[0].id]);
        // The mark for the first is not committed yet, so the store still names it.
        let read = outbox.restart().unwrap();
        let again: Vec<_> = outbox.read(read, from_store(&store, read)).iter().map(|m| m.number).collect();
        assert_eq!(again, [2, 3]);
    }

    #[test]
    fn an_answer_from_before_the_new_connection_is_not_written_twice() {
        let store: Vec<_> = (1..=2).map(message).collect();
        let mut outbox = Outbox::default();
        let read = outbox.restart().unwrap();
        outbox.read(read, from_store(&store, read));
        let stale = outbox.queued().unwrap();
        assert_eq!(outbox.restart(), None, "one read at a time");
        assert!(outbox.read(stale, vec![]).is_empty());
        let fresh = outbox.next_read().unwrap();
        assert_eq!(fresh.after, 0);
        assert_eq!(outbox.read(fresh, from_store(&store, fresh)).len(), 2);
    }

    #[test]
    fn acknowledgements_of_what_was_never_sent_are_ignored() {
        let mut outbox = Outbox::default();
        assert!(outbox.acknowledge(&[MessageId::new()]).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_the_interleaving_each_message_is_written_once_per_connection(steps in prop::collection::vec(0_u8..4, 1..200)) {
            let mut store: Vec<PeerMessage> = Vec::new();
            let mut outbox = Outbox::default();
            let mut asked: Option<ReadQueue> = outbox.restart();
            let mut written: Vec<u64> = Vec::new();
            let mut unacknowledged: Vec<MessageId> = Vec::new();
            for step in steps {
                match step {
                    0 => { store.push(message(store.len() as u64 + 1)); asked = asked.or(outbox.queued()); }
                    1 => if let Some(read) = asked.take() {
                        let batch = outbox.read(read, from_store(&store, read));
                        unacknowledged.extend(batch.iter().map(|m| m.id));
                        written.extend(batch.iter().map(|m| m.number));
                        asked = outbox.next_read();
                    },
                    2 => { outbox.acknowledge(&std::mem::take(&mut unacknowledged)); asked = asked.or(outbox.next_read()); }
                    _ => { prop_assert!(written.windows(2).all(|pair| pair[0] < pair[1])); }
                }
            }
            prop_assert!(written.windows(2).all(|pair| pair[0] < pair[1]), "{written:?}");
        }
    }
}
