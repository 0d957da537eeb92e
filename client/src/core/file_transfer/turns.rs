//! Whose turn it is: so many transfers run at once, the rest waits in the order in which they were accepted. A transfer asks before it opens
//! anything and leaves when nothing of it runs. `Queue` is pure; `Turns` is the one that all transfers of a program share.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Message, Recipient};
use hobnob_shared::id::{Handle, TransferId};

use crate::core::event::Direction;

/// Turns of one direction.
struct Room {
    /// With one friend.
    each: usize,
    /// In all, as far as several go to one friend: each friend's first one always goes, so that nobody who stalls keeps others waiting.
    all: usize,
}

/// A running one takes two threads, 4 to 12 MiB of buffers and some five descriptors: a few fill any path, hundreds end the program.
const INCOMING: Room = Room { each: 4, all: 8 };
/// Twice as many: here a stream may still be ending when the receiver, who counts as above, asks for the next one.
const OUTGOING: Room = Room { each: 8, all: 16 };

/// It is this transfer's turn.
#[derive(Message)]
#[rtype(result = "()")]
pub struct TurnCame;

/// With whom and which way: those of one lane share turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) peer: Handle,
    pub(super) direction: Direction,
}

#[derive(Debug, Default)]
struct Queue {
    taken: HashMap<TransferId, Lane>,
    /// By place.
    waiting: BTreeMap<(u64, TransferId), Lane>,
    places: u64,
}

impl Queue {
    /// The next place, behind all others.
    fn place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    /// Takes a turn, or else waits at `place`.
    fn ask(&mut self, transfer: TransferId, place: u64, lane: Lane) -> bool {
        let now = self.taken.contains_key(&transfer) || self.may_go(&lane);
        if now {
            self.taken.insert(transfer, lane);
        } else {
            self.waiting.insert((place, transfer), lane);
        }
        now
    }

    /// Neither waits nor runs any more. Those whose turn it is now have it.
    fn leave(&mut self, transfer: TransferId) -> Vec<TransferId> {
        self.waiting.retain(|(_, id), _| *id != transfer);
        if self.taken.remove(&transfer).is_none() {
            return Vec::new();
        }
        let mut next = Vec::new();
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|(_, id), lane| {
            let goes = self.may_go(lane);
            if goes {
                self.taken.insert(*id, lane.clone());
                next.push(*id);
            }
            !goes
        });
        self.waiting = waiting;
        next
    }

    fn may_go(&self, lane: &Lane) -> bool {
        let room = if lane.direction == Direction::Incoming { INCOMING } else { OUTGOING };
        let same_way = self.taken.values().filter(|taken| taken.direction == lane.direction);
        let (all, of_friend) = same_way
            .fold((0, 0), |(all, of_friend), taken| (all + 1, of_friend + usize::from(taken.peer == lane.peer)));
        of_friend == 0 || (of_friend < room.each && all < room.all)
    }

    fn waits(&self, transfer: TransferId) -> bool {
        self.waiting.keys().any(|(_, id)| *id == transfer)
    }
}

/// Shared by all transfers of a program; clones are the same.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    queue: Queue,
    told: HashMap<TransferId, Recipient<TurnCame>>,
}

impl Turns {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place behind all others.
    pub(super) fn place(&self) -> u64 {
        self.inner().queue.place()
    }

    /// Takes a turn; otherwise waits, and `told` hears when it comes.
    pub(super) fn ask(&self, transfer: TransferId, place: u64, lane: Lane, told: Recipient<TurnCame>) -> bool {
        let mut inner = self.inner();
        let now = inner.queue.ask(transfer, place, lane);
        if !now {
            inner.told.insert(transfer, told);
        }
        now
    }

    /// Neither waits nor runs any more.
    pub(super) fn leave(&self, transfer: TransferId) {
        let mut inner = self.inner();
        inner.told.remove(&transfer);
        for next in inner.queue.leave(transfer) {
            // Each waits for one word; one that is gone leaves by itself when it stops.
            if let Some(told) = inner.told.remove(&next) {
                told.do_send(TurnCame);
            }
        }
    }

    /// It has one.
    pub(super) fn has(&self, transfer: TransferId) -> bool {
        self.inner().queue.taken.contains_key(&transfer)
    }

    /// It waits for its turn; for lists.
    pub fn waits(&self, transfer: TransferId) -> bool {
        self.inner().queue.waits(transfer)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn id(n: usize) -> TransferId {
        TransferId(uuid::Uuid::from_u128(n as u128))
    }

    fn from(peer: &str) -> Lane {
        Lane { peer: peer.parse().unwrap(), direction: Direction::Incoming }
    }

    /// Has transfer `n` ask at place `n`.
    fn ask(queue: &mut Queue, n: usize, peer: &str) -> bool {
        queue.ask(id(n), n as u64, from(peer))
    }

    #[test]
    fn of_one_friend_so_many_run_and_the_rest_follows_in_the_order_of_acceptance() {
        let mut queue = Queue::default();
        let now: Vec<bool> = (0..150).map(|n| ask(&mut queue, n, "alice")).collect();
        assert_eq!(now.iter().filter(|now| **now).count(), INCOMING.each);
        assert!(now[..INCOMING.each].iter().all(|now| *now), "the first ones");
        let mut running: std::collections::VecDeque<TransferId> = (0..INCOMING.each).map(id).collect();
        let mut came = Vec::new();
        while let Some(over) = running.pop_front() {
            let next = queue.leave(over);
            running.extend(&next);
            came.extend(next);
            assert!(queue.taken.len() <= INCOMING.each);
        }
        assert_eq!(came, (INCOMING.each..150).map(id).collect::<Vec<_>>());
        assert!(queue.taken.is_empty() && queue.waiting.is_empty());
    }

    #[test]
    fn friends_share_the_whole_and_none_of_them_is_kept_from_going_by_others_who_stall() {
        let mut queue = Queue::default();
        for n in 0..INCOMING.each {
            assert!(ask(&mut queue, n, "alice"));
            assert!(ask(&mut queue, 100 + n, "carol"));
        }
        assert!(!ask(&mut queue, 200, "alice"));
        assert!(ask(&mut queue, 201, "dave"), "a friend's first one");
        assert!(!ask(&mut queue, 202, "dave"), "and not the second");
        // What waits before and may not go does not keep what may.
        assert_eq!(queue.leave(id(100)), []);
        assert_eq!(queue.leave(id(101)), [id(202)]);
        assert!(queue.waits(id(200)));
        assert_eq!(queue.leave(id(0)), [id(200)]);
    }

    #[test]
    fn what_comes_back_has_its_place_and_what_is_sent_waits_for_nothing_that_comes() {
        let mut queue = Queue::default();
        for n in 0..=INCOMING.each + 1 {
            ask(&mut queue, n, "alice");
        }
        // The first one loses its stream; it waits again, before those that were accepted later.
        assert_eq!(queue.leave(id(0)), [id(INCOMING.each)]);
        assert!(!ask(&mut queue, 0, "alice"));
        assert_eq!(queue.leave(id(1)), [id(0)]);
        let to = Lane { direction: Direction::Outgoing, ..from("alice") };
        assert!(queue.ask(id(500), 500, to));
        // Who asks twice has one turn, and who leaves without one gives none away.
        assert!(ask(&mut queue, 0, "alice"));
        assert_eq!(queue.leave(id(INCOMING.each + 1)), []);
        assert_eq!(queue.leave(id(999)), []);
    }
}
