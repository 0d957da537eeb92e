//! What a device is told at its sign-in, and of a room that it joins: friends, then rooms, then requests, a page at a time, so that no
//! handler takes long and no more is queued than the device reads. Pure, a part of the registry's state.

use std::collections::{HashMap, VecDeque};

use hobnob_shared::limits::FRIENDS_PER_PAGE;
use hobnob_shared::message::{FriendEntry, FriendRequested, FriendsPage, FromServer, PresenceChanged, Seq};

use super::state::{Effect, SessionId, State};
use crate::store::{AccountId, FriendRow, RoomKey, SeenRow};

/// Requests in one page: two certificates and two statements each, about 2 KiB.
const REQUESTS_AT_ONCE: usize = 16;
/// Words on friends in one page: about 100 bytes each.
const NEWS_AT_ONCE: usize = 64;

/// A room that a device is being shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) room: RoomKey,
    /// Number of the last record that was sent.
    pub(super) after: u64,
    /// Answered when all are sent.
    pub(super) seq: Option<Seq>,
}

/// What is still to be sent.
#[derive(Default)]
pub(super) struct Paging {
    /// The friend list, until its last page is sent.
    friends: Option<VecDeque<FriendRow>>,
    /// When they were last seen, by what the store said.
    seen: HashMap<AccountId, u64>,
    rooms: VecDeque<Turn>,
    pending: VecDeque<FriendRequested>,
    /// When friends were last seen, for who has just allowed it.
    pub(super) news: VecDeque<PresenceChanged>,
    /// A page has been asked for, of the store or of the actor.
    waiting: bool,
}

impl Paging {
    /// All of a sign-in.
    pub(super) fn new(
        friends: Vec<FriendRow>,
        seen: Vec<SeenRow>,
        rooms: Vec<RoomKey>,
        pending: Vec<FriendRequested>,
    ) -> Self {
        let turn = |room| Turn { room, after: 0, seq: None };
        let rooms = rooms.into_iter().map(turn).collect();
        let seen = seen.into_iter().map(|row| (row.account, row.at)).collect();
        let (friends, pending) = (Some(friends.into()), pending.into());
        Self { friends, seen, rooms, pending, news: VecDeque::new(), waiting: false }
    }
}

impl State {
    /// Sends the next page, or asks for it. Friends' presence is that of this moment, so that a page never takes back a change that was sent
    /// before it.
    pub fn page(&mut self, session: SessionId) -> Vec<Effect> {
        let Some(mut paging) = self.paging.remove(&session) else { return Vec::new() };
        let Some(&account) = self.sessions.get(&session) else { return Vec::new() };
        paging.waiting = true;
        if let Some(mut friends) = paging.friends.take() {
            let rows: Vec<FriendRow> = friends.drain(..friends.len().min(FRIENDS_PER_PAGE)).collect();
            let last = friends.is_empty();
            let page = FriendsPage { friends: self.friend_entries(session, rows, &paging.seen), last };
            paging.friends = Some(friends).filter(|_| !last);
            self.paging.insert(session, paging);
            return vec![Effect::Send(session, Box::new(FromServer::Friends(page))), Effect::NextPage(session)];
        }
        if let Some(turn) = paging.rooms.front() {
            let load = Effect::LoadRoom { session, account, room: turn.room, after: turn.after };
            self.paging.insert(session, paging);
            return vec![load];
        }
        let asked = |request| Effect::Send(session, Box::new(FromServer::FriendRequested(Box::new(request))));
        let mut effects: Vec<Effect> =
            paging.pending.drain(..paging.pending.len().min(REQUESTS_AT_ONCE)).map(asked).collect();
        let news = paging.news.drain(..paging.news.len().min(NEWS_AT_ONCE));
        effects.extend(news.map(|news| Effect::Send(session, Box::new(FromServer::PresenceChanged(news)))));
        if !paging.pending.is_empty() || !paging.news.is_empty() {
            effects.push(Effect::NextPage(session));
            self.paging.insert(session, paging);
        }
        effects
    }

    fn friend_entries(
        &self,
        session: SessionId,
        rows: Vec<FriendRow>,
        seen: &HashMap<AccountId, u64>,
    ) -> Vec<FriendEntry> {
        let person = self.sessions.get(&session).and_then(|account| self.people.get(account));
        let still = rows.into_iter().filter(|row| person.is_some_and(|person| person.friends.contains(&row.account)));
        let entry = |row: FriendRow| {
            let (presence, text) = self.presence_of(row.account);
            let kept = seen.get(&row.account).copied();
            let last_seen = person.and_then(|person| self.last_seen_of(row.account, person, kept));
            FriendEntry { user: row.user, account: row.key, presence, text: text.to_owned(), last_seen }
        };
        still.map(entry).collect()
    }

    /// The turn for which a room's page was asked.
    pub(super) fn turn_of(&self, session: SessionId, room: RoomKey) -> Option<Turn> {
        self.paging.get(&session)?.rooms.front().copied().filter(|turn| turn.room == room)
    }

    /// The room has further pages.
    pub(super) fn go_on(&mut self, session: SessionId, after: u64) -> Option<Effect> {
        self.paging.get_mut(&session)?.rooms.front_mut()?.after = after;
        Some(Effect::NextPage(session))
    }

    /// The room has been shown.
    pub(super) fn next_turn(&mut self, session: SessionId) -> Option<Effect> {
        self.paging.get_mut(&session)?.rooms.pop_front()?;
        Some(Effect::NextPage(session))
    }

    /// Adds a room to what is still to be sent; false if the device is far behind with reading.
    pub(super) fn queue(&mut self, session: SessionId, turn: Turn) -> bool {
        let paging = self.paging.entry(session).or_default();
        paging.rooms.push_back(turn);
        paging.rooms.len() <= self.limits.rooms.saturating_mul(2).max(1) as usize
    }

    /// Starts sending, if nothing is being sent already.
    pub(super) fn wake(&mut self, session: SessionId) -> Vec<Effect> {
        if self.paging.get(&session).is_some_and(|paging| !paging.waiting) { self.page(session) } else { Vec::new() }
    }
}
