//! Files on their way and those that arrived, by id: what the cards in the timelines show.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use hobnob_shared::id::{ConversationId, Handle, Hash, TransferId};

use crate::core::event::{Direction, TransferInfo, TransferState};
use crate::model::question::FileWish;

/// A transfer as its card shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// All that the core says.
    pub info: TransferInfo,
    /// Bytes a second, while bytes flow.
    pub rate: u64,
    /// Own, offered to a room: who has it, and who has not all of it.
    pub taken: BTreeMap<Handle, Taken>,
}

/// How much of it a member of a room has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All.
    Whole,
    /// Of a folder, not all files.
    Incomplete,
}

impl Taken {
    fn new(text: Option<&String>) -> Self {
        if text.is_some() { Self::Incomplete } else { Self::Whole }
    }
}

/// What an offer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// As the sender's disk has it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Of a folder: files in it.
    pub files: Option<u32>,
}

impl Transfer {
    /// Seconds left at the present rate; none while nobody can say.
    pub fn seconds_left(&self) -> Option<u64> {
        let left = self.info.size.saturating_sub(self.info.done);
        (self.rate > 0).then(|| left.div_ceil(self.rate))
    }

    /// Part done, 0 to 1; an empty file is done from the start.
    pub fn fraction(&self) -> f64 {
        if self.info.size == 0 { 1.0 } else { (self.info.done as f64 / self.info.size as f64).clamp(0.0, 1.0) }
    }

    /// Nothing more will happen to it by itself.
    pub fn is_over(&self) -> bool {
        matches!(
            self.info.state,
            TransferState::Finished | TransferState::Declined | TransferState::Cancelled | TransferState::Failed
        )
    }
}

/// When a transfer was made, by the clock of its sender, in milliseconds since 1970: its id says so.
pub fn made_at(transfer: TransferId) -> u64 {
    transfer.0.get_timestamp().map_or(0, |stamp| {
        let (seconds, nanos) = stamp.to_unix();
        seconds.saturating_mul(1000).saturating_add(u64::from(nanos / 1_000_000))
    })
}

/// All transfers of this profile.
#[derive(Debug, Default)]
pub struct Transfers {
    all: HashMap<TransferId, Transfer>,
}

impl Transfers {
    /// One.
    pub fn get(&self, transfer: TransferId) -> Option<&Transfer> {
        self.all.get(&transfer)
    }

    /// The whole list from the core; a rate that is known stays.
    pub fn replace(&mut self, list: Vec<TransferInfo>) {
        let old = std::mem::take(&mut self.all);
        for info in list {
            let rate = old.get(&info.transfer).map_or(0, |transfer| transfer.rate);
            let Some(member) = info.by.clone() else {
                self.all.insert(info.transfer, Transfer { info, rate, taken: BTreeMap::new() });
                continue;
            };
            // Offered to a room: one card for all of its members.
            let (done, taken) = (info.state == TransferState::Finished, Taken::new(info.text.as_ref()));
            let content = info.blake3;
            let offered = TransferInfo { by: None, state: TransferState::Offered, done: 0, text: None, ..info };
            let card = Transfer { info: offered, rate: 0, taken: BTreeMap::new() };
            let card = self.all.entry(card.info.transfer).or_insert(card);
            if done {
                card.info.blake3 = content;
                card.taken.insert(member, taken);
            }
        }
        for (id, transfer) in old {
            // Made while the list was on its way.
            self.all.entry(id).or_insert(transfer);
        }
    }

    /// All, newest first.
    pub fn newest(&self) -> Vec<&Transfer> {
        let mut list: Vec<_> = self.all.values().collect();
        list.sort_by_key(|transfer| std::cmp::Reverse((transfer.info.sent_at, transfer.info.transfer)));
        list
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Bytes of one of them flow.
    pub fn any_runs(&self) -> bool {
        self.all.values().any(|transfer| transfer.info.state == TransferState::Running)
    }

    /// Those of one conversation with their times, oldest first.
    pub fn of(&self, conversation: &ConversationId) -> Vec<(TransferId, u64)> {
        let mut list: Vec<_> = self
            .all
            .values()
            .filter(|transfer| transfer.info.conversation == *conversation)
            .map(|transfer| (transfer.info.transfer, transfer.info.sent_at))
            .collect();
        list.sort_by_key(|(id, at)| (*at, *id));
        list
    }

    /// A new offer, to me or from me. False when it is known already: then it only waits again.
    pub fn offered(
        &mut self,
        transfer: TransferId,
        conversation: ConversationId,
        from: Handle,
        direction: Direction,
        Offered { name, size, files }: Offered,
    ) -> bool {
        if let Some(known) = self.all.get_mut(&transfer) {
            if direction == Direction::Incoming && !known.is_over() {
                known.info.state = TransferState::Offered;
            }
            return false;
        }
        let info = TransferInfo {
            transfer,
            by: None,
            conversation,
            from,
            direction,
            name,
            size,
            files,
            done: 0,
            state: TransferState::Offered,
            path: None,
            blake3: None,
            text: None,
            sent_at: made_at(transfer),
        };
        self.all.insert(transfer, Transfer { info, rate: 0, taken: BTreeMap::new() });
        true
    }

    /// Bytes moved.
    pub fn progressed(&mut self, transfer: TransferId, done: u64, size: u64, rate: u64) -> bool {
        self.change(transfer, |transfer| {
            transfer.info.state = TransferState::Running;
            transfer.info.done = done;
            transfer.info.size = size;
            transfer.info.text = None;
            transfer.rate = rate;
        })
    }

    /// It goes on by itself, later.
    pub fn waits(&mut self, transfer: TransferId, code: &str, text: String) -> bool {
        self.change(transfer, |transfer| {
            transfer.info.state = if code == "turn" { TransferState::Queued } else { TransferState::Accepted };
            transfer.info.text = (code != "turn").then_some(text);
            transfer.rate = 0;
        })
    }

    /// A member of the room has it, of the file at `path` with this content.
    pub fn taken(
        &mut self,
        transfer: TransferId,
        user: Handle,
        (path, content): (PathBuf, Hash),
        text: Option<&String>,
    ) -> bool {
        self.change(transfer, |transfer| {
            transfer.info.path = Some(path);
            transfer.info.blake3 = Some(content);
            transfer.taken.insert(user, Taken::new(text));
        })
    }

    /// Whole, verified to have this content, in place.
    pub fn finished(
        &mut self,
        transfer: TransferId,
        (path, content): (PathBuf, Hash),
        size: u64,
        text: Option<String>,
    ) -> bool {
        self.change(transfer, |transfer| {
            transfer.info.state = TransferState::Finished;
            transfer.info.done = size;
            transfer.info.size = size;
            transfer.info.path = Some(path);
            transfer.info.blake3 = Some(content);
            transfer.info.text = text;
            transfer.rate = 0;
        })
    }

    /// Over without its file.
    pub fn failed(&mut self, transfer: TransferId, code: &str, text: String) -> bool {
        self.change(transfer, |transfer| {
            transfer.info.state = match code {
                "declined" => TransferState::Declined,
                "cancelled" | "canceled" => TransferState::Cancelled,
                _ => TransferState::Failed,
            };
            transfer.info.text = Some(text);
            transfer.rate = 0;
        })
    }

    /// What the user wanted was carried out.
    pub fn wished(&mut self, transfer: TransferId, wish: FileWish) -> bool {
        self.change(transfer, |transfer| {
            let state = &mut transfer.info.state;
            *state = match (wish, *state) {
                // Bytes may flow before the answer comes, and a small file may be there already.
                (
                    FileWish::Accept | FileWish::Resume,
                    TransferState::Running | TransferState::Queued | TransferState::Finished,
                ) => *state,
                (FileWish::Accept | FileWish::Resume, _) => TransferState::Accepted,
                (FileWish::Decline, _) => TransferState::Declined,
                (FileWish::Cancel, TransferState::Finished) => TransferState::Finished,
                (FileWish::Cancel, _) => TransferState::Cancelled,
                (FileWish::Pause, _) => TransferState::Paused,
            };
            transfer.rate = 0;
        })
    }

    fn change(&mut self, transfer: TransferId, change: impl FnOnce(&mut Transfer)) -> bool {
        self.all.get_mut(&transfer).map(change).is_some()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn one() -> (Transfers, TransferId) {
        let (mut transfers, id) = (Transfers::default(), TransferId::new());
        let bob: Handle = "bob".parse().unwrap();
        let file = Offered { name: "a.tar".to_owned(), size: 1000, files: None };
        assert!(transfers.offered(id, ConversationId::Direct(bob.clone()), bob, Direction::Incoming, file));
        (transfers, id)
    }

    #[test]
    fn an_offer_that_comes_again_is_no_second_one() {
        let (mut transfers, id) = one();
        let bob: Handle = "bob".parse().unwrap();
        let again = transfers.offered(
            id,
            ConversationId::Direct(bob.clone()),
            bob.clone(),
            Direction::Incoming,
            Offered { name: "a".into(), size: 5, files: None },
        );
        assert!(!again);
        assert_eq!(transfers.of(&ConversationId::Direct(bob)).len(), 1);
        assert_eq!(transfers.get(id).unwrap().info.name, "a.tar");
    }

    #[test]
    fn a_transfer_runs_and_finishes() {
        let (mut transfers, id) = one();
        assert!(transfers.wished(id, FileWish::Accept));
        assert_eq!(transfers.get(id).unwrap().info.state, TransferState::Accepted);
        assert_eq!(transfers.get(id).unwrap().seconds_left(), None);
        assert!(transfers.progressed(id, 250, 1000, 100));
        let transfer = transfers.get(id).unwrap();
        assert_eq!((transfer.info.state, transfer.seconds_left()), (TransferState::Running, Some(8)));
        assert!((transfer.fraction() - 0.25).abs() < f64::EPSILON);
        assert!(transfers.finished(id, ("/tmp/a.tar".into(), Hash([1; 32])), 1000, None));
        assert!(transfers.get(id).unwrap().is_over());
        assert!(!transfers.progressed(TransferId::new(), 1, 1, 1), "a stranger changes nothing");
    }

    #[test]
    fn what_waits_says_for_what() {
        let (mut transfers, id) = one();
        transfers.waits(id, "turn", "Others go first.".to_owned());
        transfers.wished(id, FileWish::Accept);
        assert_eq!(transfers.get(id).unwrap().info.state, TransferState::Queued);
        transfers.waits(id, "out_of_files", "Too many.".to_owned());
        let info = &transfers.get(id).unwrap().info;
        assert_eq!((info.state, info.text.as_deref()), (TransferState::Accepted, Some("Too many.")));
        transfers.progressed(id, 10, 1000, 5);
        let info = &transfers.get(id).unwrap().info;
        assert_eq!((info.state, info.text.as_deref()), (TransferState::Running, None));
    }

    #[test]
    fn a_late_answer_does_not_turn_time_back() {
        let (mut transfers, id) = one();
        transfers.progressed(id, 10, 1000, 5);
        transfers.wished(id, FileWish::Accept);
        assert_eq!(transfers.get(id).unwrap().info.state, TransferState::Running);
        transfers.finished(id, ("/x".into(), Hash([1; 32])), 1000, None);
        transfers.wished(id, FileWish::Cancel);
        assert_eq!(transfers.get(id).unwrap().info.state, TransferState::Finished);
    }

    #[test]
    fn a_failure_says_which_kind() {
        for (code, state) in [
            ("declined", TransferState::Declined),
            ("cancelled", TransferState::Cancelled),
            ("disk_full", TransferState::Failed),
        ] {
            let (mut transfers, id) = one();
            transfers.failed(id, code, "why".to_owned());
            assert_eq!(transfers.get(id).unwrap().info.state, state);
            assert_eq!(transfers.get(id).unwrap().info.text.as_deref(), Some("why"));
        }
    }

    #[test]
    fn an_id_tells_when_it_was_made() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let made = made_at(TransferId::new());
        assert!(u128::from(made).abs_diff(now.as_millis()) < 60_000);
        assert_eq!(made_at(TransferId(uuid::Uuid::nil())), 0);
    }
}
