//! Who is in which room, as far as they are here: who hears of whom, and who is told what when somebody comes, goes or changes a room. The
//! store has the last word on who is a member; what it has taken in is told here, at times out of turn. Pure, a part of the registry's state.

use std::collections::{HashMap, VecDeque};

use hobnob_shared::id::{Handle, Incarnation, RoomId};
use hobnob_shared::identity::ServerStatement;
use hobnob_shared::message::{Done, FromServer, Presence, RoomChanged, RoomLeft, RoomMember, RoomState};

use super::message::{EnterRoom, LockRoom, Page, QuitRoom, Record};
use super::paging::Turn;
use super::people::Person;
use super::state::{Effect, SessionId, State};
use crate::error::{Ending, Refusal};
use crate::store::{AccountId, RoomHead, RoomKey, Seat};

/// Ends of memberships that are remembered, so that a beginning which is told late does not bring somebody back.
const ENDS: usize = 1_024;

/// A room of which a member is here.
pub(super) struct Room {
    name: RoomId,
    incarnation: Incarnation,
    owner: Handle,
    locked: bool,
    /// Of the newest change that is known.
    number: u64,
    /// Members that are here, or coming, or have just gone, with the numbers of their records.
    here: HashMap<AccountId, u64>,
}

impl Room {
    fn new(head: &RoomHead) -> Self {
        Self {
            name: head.room.clone(),
            incarnation: head.incarnation,
            owner: head.owner.clone(),
            locked: head.locked,
            number: head.number,
            here: HashMap::new(),
        }
    }

    fn changed(&self, member: Option<RoomMember>) -> FromServer {
        FromServer::RoomChanged(Box::new(RoomChanged {
            room: self.name.clone(),
            incarnation: self.incarnation,
            owner: self.owner.clone(),
            locked: self.locked,
            member,
        }))
    }
}

/// All rooms of which a member is here.
#[derive(Default)]
pub(super) struct Rooms {
    by_key: HashMap<RoomKey, Room>,
    ended: HashMap<(RoomKey, AccountId), u64>,
    ended_first: VecDeque<(RoomKey, AccountId)>,
}

impl Rooms {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Members that are here.
    pub(super) fn here(&self, room: RoomKey) -> impl Iterator<Item = AccountId> {
        self.by_key.get(&room).into_iter().flat_map(|room| room.here.keys().copied())
    }

    /// The room, with the newest that is known of it.
    fn learn(&mut self, head: &RoomHead) -> &mut Room {
        let room = self.by_key.entry(head.key).or_insert_with(|| Room::new(head));
        if head.number >= room.number {
            room.number = head.number;
            room.owner = head.owner.clone();
            room.locked = head.locked;
        }
        room
    }

    /// Somebody is here who is a member, by the record of that number; false if they have left since.
    pub(super) fn seat(&mut self, account: AccountId, head: &RoomHead, number: u64) -> bool {
        let ended = self.ended.get(&(head.key, account)).is_some_and(|end| *end > number);
        if !ended {
            let seat = self.learn(head).here.entry(account).or_default();
            *seat = number.max(*seat);
        }
        !ended
    }

    /// Whether somebody is here by a newer record than that of this number.
    fn is_back(&self, account: AccountId, room: RoomKey, number: u64) -> bool {
        self.by_key.get(&room).and_then(|room| room.here.get(&account)).is_some_and(|seat| *seat > number)
    }

    /// Somebody is not here, or not a member, any more.
    pub(super) fn unseat(&mut self, account: AccountId, room: RoomKey) {
        if let Some(found) = self.by_key.get_mut(&room) {
            found.here.remove(&account);
            if found.here.is_empty() {
                self.by_key.remove(&room);
            }
        }
    }

    fn remember_end(&mut self, room: RoomKey, account: AccountId, number: u64) {
        if self.ended.insert((room, account), number).is_none() {
            self.ended_first.push_back((room, account));
        }
        while self.ended_first.len() > ENDS {
            if let Some(oldest) = self.ended_first.pop_front() {
                self.ended.remove(&oldest);
            }
        }
    }
}

impl State {
    /// The sessions of those members of a room that are here, without one account.
    fn room_sessions(&self, room: RoomKey, but: Option<AccountId>) -> Vec<SessionId> {
        let others = self.rooms.here(room).filter(|account| Some(*account) != but);
        others.filter_map(|account| self.people.get(&account)).flat_map(Person::sessions).collect()
    }

    /// A line of a room. Those who have left are shown as absent: how they are is not the room's business any more.
    fn room_member(&self, account: AccountId, member: bool, record: ServerStatement) -> RoomMember {
        let (presence, text) = if member { self.presence_of(account) } else { (Presence::Offline, "") };
        RoomMember { record, presence, text: text.to_owned() }
    }

    /// A person's first device is here: their rooms, as the store has them.
    pub(super) fn take_seats(&mut self, account: AccountId, seats: &[Seat]) {
        for seat in seats {
            if self.rooms.seat(account, &seat.head, seat.number)
                && let Some(person) = self.people.get_mut(&account)
            {
                person.rooms.insert(seat.head.key);
            }
        }
    }

    /// An account is a member: it is shown the room, and the others are shown the account if it was not there before.
    pub fn enter_room(&mut self, enter: EnterRoom) -> Vec<Effect> {
        let EnterRoom { session, seq, account, head, news } = enter;
        let key = head.key;
        let mut effects = Vec::new();
        let mut readers = vec![(session, Some(seq))];
        if let Some(Record { number, statement, .. }) = news {
            if let Some(person) = self.people.get_mut(&account) {
                person.version += 1;
                readers.extend(person.sessions().filter(|other| *other != session).map(|other| (other, None)));
                if self.rooms.seat(account, &head, number) {
                    person.rooms.insert(key);
                }
            }
            effects.extend(self.room_told(&head, account, true, statement));
        }
        for (reader, seq) in readers {
            effects.extend(self.show_room(reader, Turn { room: key, after: 0, seq }));
        }
        effects
    }

    /// Tells the other members of a record.
    fn room_told(
        &mut self,
        head: &RoomHead,
        account: AccountId,
        member: bool,
        record: ServerStatement,
    ) -> Option<Effect> {
        let line = self.room_member(account, member, record);
        let to = self.room_sessions(head.key, Some(account));
        if to.is_empty() {
            return None;
        }
        let frame = self.rooms.learn(head).changed(Some(line));
        Some(Effect::Tell(to, Box::new(frame)))
    }

    /// Somebody is a member no more: they hear it on all devices, and so do the members that stay.
    pub fn quit_room(&mut self, quit: QuitRoom) -> Vec<Effect> {
        let QuitRoom { session, seq, head, record } = quit;
        let Record { account, number, statement, .. } = record;
        let done = Effect::Send(session, Box::new(FromServer::Done(Done { seq })));
        if self.rooms.is_back(account, head.key, number) {
            // Told out of turn: another device has brought them back since, and that is told already.
            return vec![done];
        }
        self.rooms.remember_end(head.key, account, number);
        self.rooms.unseat(account, head.key);
        let mut effects = Vec::new();
        if let Some(person) = self.people.get_mut(&account) {
            person.version += 1;
            person.rooms.remove(&head.key);
            // A session that is gone by now was one of theirs or the owner's; most leave by themselves.
            let removed = self.sessions.get(&session).is_some_and(|asker| *asker != account);
            let (room, incarnation, record) = (head.room.clone(), head.incarnation, statement.clone());
            let left = RoomLeft { room, incarnation, record, removed };
            let to = person.sessions().collect();
            effects.push(Effect::Tell(to, Box::new(FromServer::RoomLeft(Box::new(left)))));
        }
        effects.extend(self.room_told(&head, account, false, statement));
        effects.push(done);
        effects
    }

    /// A room takes a password now, or none.
    pub fn lock_room(&mut self, lock: LockRoom) -> Vec<Effect> {
        let LockRoom { session, seq, head } = lock;
        let done = Effect::Send(session, Box::new(FromServer::Done(Done { seq })));
        let to = self.room_sessions(head.key, None);
        if to.is_empty() {
            return vec![done];
        }
        let frame = self.rooms.learn(&head).changed(None);
        vec![Effect::Tell(to, Box::new(frame)), done]
    }

    /// A page of a room came from the store: it is sent with the presence of this moment, so that a page never takes back a change that was
    /// sent before it. `Err` if the store failed, `None` if the account is not a member any more.
    pub fn room_page(&mut self, session: SessionId, room: RoomKey, page: Result<Option<Page>, ()>) -> Vec<Effect> {
        let Some(turn) = self.turn_of(session, room) else { return Vec::new() };
        let Ok(page) = page else {
            return vec![Effect::End(session, Box::new(Refusal::Internal.failed(None)))];
        };
        let left = |page: &Page| self.has_left(session, page);
        let Some(Page { head, records, more }) = page.filter(|page| !left(page)) else {
            let refusal = turn.seq.map(|seq| Refusal::NoMember.failed(Some(seq)));
            let mut effects: Vec<Effect> = refusal.map(|no| Effect::Send(session, Box::new(no))).into_iter().collect();
            effects.extend(self.next_turn(session));
            return effects;
        };
        let after = records.iter().map(|record| record.number).max().unwrap_or(turn.after);
        let members = records.into_iter().map(|r| self.room_member(r.account, r.member, r.statement)).collect();
        // A change may have been told since the page was read.
        let known = self.rooms.by_key.get(&room).filter(|known| known.number > head.number);
        let (owner, locked) = known.map_or((head.owner, head.locked), |known| (known.owner.clone(), known.locked));
        let state = RoomState { room: head.room, incarnation: head.incarnation, owner, locked, members, last: !more };
        let mut effects = vec![Effect::Send(session, Box::new(FromServer::RoomState(Box::new(state))))];
        if more {
            effects.extend(self.go_on(session, after));
        } else {
            effects.extend(turn.seq.map(|seq| Effect::Send(session, Box::new(FromServer::Done(Done { seq })))));
            effects.extend(self.next_turn(session));
        }
        effects
    }

    /// Whether a page was read before the asker left the room, and comes after.
    fn has_left(&self, session: SessionId, page: &Page) -> bool {
        let account = self.sessions.get(&session);
        let end = account.and_then(|account| self.rooms.ended.get(&(page.head.key, *account)));
        end.is_some_and(|end| *end > page.head.number)
    }

    /// Puts a room into the line of what a device is shown.
    fn show_room(&mut self, session: SessionId, turn: Turn) -> Vec<Effect> {
        if !self.sessions.contains_key(&session) {
            // Not welcomed yet: the room is shown with all others.
            let done = turn.seq.map(|seq| Effect::Send(session, Box::new(FromServer::Done(Done { seq }))));
            return done.into_iter().collect();
        }
        if self.queue(session, turn) {
            return self.wake(session);
        }
        // Whoever joins faster than it reads.
        vec![Effect::End(session, Box::new(Ending::Slow.signed_out()))]
    }
}
