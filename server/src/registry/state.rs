//! The registry's decisions: input and the time in, effects out. No actor, no socket, no clock of its own. Here is who comes, goes and how
//! they are; `friends.rs`, `rooms.rs`, `devices.rs`, `seen.rs`, `introduce.rs` and `paging.rs` are parts of it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::{DeviceId, Handle, Token};
use hobnob_shared::identity::{Chain, IdentityStatement};
use hobnob_shared::message::{Done, FriendRequested, FromServer, OwnPresence, OwnStatus, Presence, Seq, Welcome};

use super::introduce::Wish;
use super::message::SetPresence;
use super::paging::Paging;
use super::people::{Online, Person};
use super::rooms::Rooms;
use crate::config::Limits;
use crate::error::{Ending, Refusal};
use crate::introduction::Place;
use crate::store::{AccountId, FriendRow, RoomKey, Seat, Seen, SeenRow};

/// Names one connection of a device, for as long as this server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A device that said hello; all of it is checked.
#[derive(Debug)]
pub struct Arrival {
    /// Its session.
    pub session: SessionId,
    /// Its account.
    pub account: AccountId,
    /// The account's name.
    pub user: Handle,
    /// The device.
    pub device: DeviceId,
    /// Its certificates.
    pub chain: Arc<Chain>,
    /// Number of the account's device list.
    pub list_number: u64,
    /// The account's device list.
    pub device_list: Arc<IdentityStatement>,
    /// Where it is.
    pub place: Place,
    /// Initial presence.
    pub presence: OwnPresence,
    /// Initial status text, checked for length.
    pub text: String,
    /// What the welcome says but for the list.
    pub seen: String,
}

/// What the store says of an account at a sign-in, decoded.
#[derive(Debug)]
pub struct Circle {
    /// Friends by name.
    pub friends: Vec<FriendRow>,
    /// Requests that wait, oldest first.
    pub pending: Vec<FriendRequested>,
    /// Rooms by name.
    pub rooms: Vec<Seat>,
    /// Number of the device list.
    pub list_number: u64,
    /// The devices on it.
    pub devices: Vec<DeviceId>,
    /// The device list.
    pub device_list: Arc<IdentityStatement>,
    /// Whether the device that signs in is still enrolled.
    pub device_known: bool,
    /// Number of the sealed roster.
    pub roster: u64,
    /// When the account was last seen, and whether friends may be told.
    pub seen: Seen,
    /// When friends were last seen, as far as the account may know.
    pub friends_seen: Vec<SeenRow>,
}

/// What is to be done.
#[derive(Debug)]
#[expect(missing_docs, reason = "fields are named for what they are; the variant says the rest")]
pub enum Effect {
    /// Write a frame to a session.
    Send(SessionId, Box<FromServer>),
    /// Tell a session that it ends, and end it.
    End(SessionId, Box<FromServer>),
    /// Write one frame to many sessions.
    Tell(Vec<SessionId>, Box<FromServer>),
    /// Tell a session which devices its account has.
    Refresh(SessionId, Vec<DeviceId>, Arc<IdentityStatement>),
    /// Look up what a sign-in needs, and come back with [`State::loaded`].
    Load { session: SessionId, account: AccountId, user: Handle, device: DeviceId, version: u64 },
    /// Come back with [`State::page`], after others had their turn, and when the session's queue has room.
    NextPage(SessionId),
    /// Look up a page of a room behind record number `after`, and come back with [`State::room_page`].
    LoadRoom { session: SessionId, account: AccountId, room: RoomKey, after: u64 },
    /// Look up how the two stand to each other, and come back with [`State::explained`].
    Explain { session: SessionId, seq: Seq, account: AccountId, user: Handle, wish: Wish },
    /// Let two connections with this token find each other at the relay.
    Grant { token: Token, between: [AccountId; 2] },
    /// Presence has changed; come back with [`State::gather`] within the gathering time.
    Gather,
    /// Keep when an account was last seen.
    NoteSeen(AccountId, u64),
}

/// A presence change, and who is to hear of it.
#[derive(Debug)]
pub struct Spread {
    /// Whose presence it is.
    pub account: AccountId,
    /// The change.
    pub frame: FromServer,
    /// Sessions of friends and of members of common rooms.
    pub to: Vec<SessionId>,
}

/// Something asked before the welcome.
pub(super) fn too_early(session: SessionId, seq: Seq) -> Vec<Effect> {
    refuse(session, seq, Refusal::Internal)
}

pub(super) fn refuse(session: SessionId, seq: Seq, refusal: Refusal) -> Vec<Effect> {
    vec![Effect::Send(session, Box::new(refusal.failed(Some(seq))))]
}

/// Who is online.
pub struct State {
    pub(super) limits: Arc<Limits>,
    pub(super) people: HashMap<AccountId, Person>,
    pub(super) names: HashMap<Handle, AccountId>,
    pub(super) sessions: HashMap<SessionId, AccountId>,
    arriving: HashMap<SessionId, Box<Arrival>>,
    pub(super) paging: HashMap<SessionId, Paging>,
    pub(super) rooms: Rooms,
    /// Accounts whose presence changed since the last gathering.
    changed: BTreeSet<AccountId>,
    /// When two accounts were introduced last.
    pub(super) introduced: HashMap<(AccountId, AccountId), Instant>,
}

impl State {
    /// Nobody is online.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            people: HashMap::new(),
            names: HashMap::new(),
            sessions: HashMap::new(),
            arriving: HashMap::new(),
            paging: HashMap::new(),
            rooms: Rooms::default(),
            changed: BTreeSet::new(),
            introduced: HashMap::new(),
        }
    }

    /// Everybody who is signed in or about to be.
    pub fn everybody(&self) -> Vec<SessionId> {
        self.sessions.keys().chain(self.arriving.keys()).copied().collect()
    }

    /// Nobody is here, and nothing is kept of who was.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
            && self.names.is_empty()
            && self.sessions.is_empty()
            && self.arriving.is_empty()
            && self.paging.is_empty()
            && self.rooms.is_empty()
            && self.changed.is_empty()
    }

    /// A device said hello: its friends and rooms are looked up first.
    pub fn arrive(&mut self, arrival: Box<Arrival>) -> Vec<Effect> {
        let (account, session, user, device) = (arrival.account, arrival.session, arrival.user.clone(), arrival.device);
        let person = self.people.entry(account).or_insert_with(|| Person::new(&arrival));
        person.arriving += 1;
        let version = person.version;
        self.names.insert(user.clone(), account);
        self.arriving.insert(session, arrival);
        vec![Effect::Load { session, account, user, device, version }]
    }

    /// The look-up is done: the device is welcome, unless something changed meanwhile.
    pub fn loaded(&mut self, session: SessionId, version: u64, circle: Option<Box<Circle>>, time: u64) -> Vec<Effect> {
        let Some(arrival) = self.arriving.remove(&session) else { return Vec::new() };
        let (account, device) = (arrival.account, arrival.device);
        let Some(person) = self.people.get_mut(&account) else { return Vec::new() };
        if version != person.version {
            let (user, version) = (person.user.clone(), person.version);
            self.arriving.insert(session, arrival);
            return vec![Effect::Load { session, account, user, device, version }];
        }
        person.arriving -= 1;
        match circle {
            Some(circle) if circle.device_known => self.welcome(*arrival, *circle, time),
            refused => {
                self.forget_if_gone(account);
                let ending = match refused {
                    Some(_) => Refusal::DeviceRemoved,
                    None => Refusal::Internal,
                };
                vec![Effect::End(session, Box::new(ending.failed(None)))]
            }
        }
    }

    fn welcome(&mut self, arrival: Arrival, circle: Circle, time: u64) -> Vec<Effect> {
        let Arrival { session, account, device, chain, place, presence, text, seen, list_number, .. } = arrival;
        let Circle { friends, pending, rooms, roster, seen: own_seen, friends_seen, .. } = circle;
        let Some(person) = self.people.get_mut(&account) else { return Vec::new() };
        let mut effects = Vec::new();
        // The newer connection wins, whichever of the two got through first: a client that has given one up has dialled anew, and would
        // take the end of the new one for another program's start.
        if person.devices.iter().any(|online| online.device == device && online.session > session) {
            return vec![Effect::End(session, Box::new(Ending::Replaced.signed_out()))];
        }
        if circle.list_number >= person.list_number {
            person.list_number = circle.list_number;
            person.device_list = circle.device_list;
        }
        let before = person.shown();
        let before = (before.0, before.1.to_owned());
        let twin = person.devices.iter().position(|online| online.device == device);
        if let Some(old) = twin.map(|twin| person.devices.swap_remove(twin)) {
            self.sessions.remove(&old.session);
            self.paging.remove(&old.session);
            effects.push(Effect::End(old.session, Box::new(Ending::Replaced.signed_out())));
        } else if person.devices.len() >= self.limits.sessions_per_account as usize {
            let refusal = Refusal::TooMany("devices of this account online").failed(None);
            return vec![Effect::End(session, Box::new(refusal))];
        }
        if person.devices.is_empty() {
            person.status = OwnStatus { presence, text };
        }
        person.devices.push(Online { session, device, chain, place, met: HashSet::new() });
        let changed = person.shown() != (before.0, before.1.as_str());
        person.stirred |= changed;
        if circle.list_number > list_number {
            effects.push(Effect::Refresh(session, circle.devices, Arc::clone(&person.device_list)));
        }
        let welcome = Welcome {
            user: person.user.clone(),
            software: crate::SOFTWARE.to_owned(),
            abilities: Abilities::ours(),
            seen,
            time,
            device_list: IdentityStatement::clone(&person.device_list),
            roster,
            rooms: rooms.iter().map(|seat| seat.head.room.clone()).collect(),
            last_seen: if person.loaded { person.seen.allowed } else { own_seen.allowed },
            status: Some(person.status.clone()),
        };
        effects.push(Effect::Send(session, Box::new(FromServer::Welcome(welcome))));
        if !person.loaded {
            person.friends = friends.iter().map(|row| row.account).collect();
            person.loaded = true;
            person.seen = own_seen;
            self.take_seats(account, &rooms);
        }
        self.sessions.insert(session, account);
        let rooms = rooms.into_iter().map(|seat| seat.head.key).collect();
        self.paging.insert(session, Paging::new(friends, friends_seen, rooms, pending));
        effects.extend(self.page(session));
        if changed {
            effects.extend(self.mark(account));
        }
        effects
    }

    pub(super) fn presence_of(&self, account: AccountId) -> (Presence, &str) {
        self.people.get(&account).map_or((Presence::Offline, ""), Person::shown)
    }

    /// Notes that others must hear of this account.
    pub(super) fn mark(&mut self, account: AccountId) -> Option<Effect> {
        let first = self.changed.is_empty();
        self.changed.insert(account);
        first.then_some(Effect::Gather)
    }

    /// Drops who has no device left and nothing to say.
    fn forget_if_gone(&mut self, account: AccountId) {
        let gone = |person: &Person| person.devices.is_empty() && person.arriving == 0;
        if !self.changed.contains(&account)
            && self.people.get(&account).is_some_and(gone)
            && let Some(person) = self.people.remove(&account)
        {
            self.names.remove(&person.user);
            for room in person.rooms {
                self.rooms.unseat(account, room);
            }
        }
    }

    /// A session ended.
    pub fn leave(&mut self, session: SessionId) -> Vec<Effect> {
        self.paging.remove(&session);
        if let Some(arrival) = self.arriving.remove(&session) {
            if let Some(person) = self.people.get_mut(&arrival.account) {
                person.arriving -= 1;
            }
            self.forget_if_gone(arrival.account);
            return Vec::new();
        }
        let Some(account) = self.sessions.remove(&session) else { return Vec::new() };
        self.change(account, |person| person.devices.retain(|online| online.session != session))
    }

    /// Changes a person's devices, and marks them if friends see a difference.
    fn change(&mut self, account: AccountId, with: impl FnOnce(&mut Person)) -> Vec<Effect> {
        let Some(person) = self.people.get_mut(&account) else { return Vec::new() };
        let (presence, text) = person.shown();
        let text = text.to_owned();
        with(person);
        let changed = person.shown() != (presence, text.as_str());
        person.stirred |= changed;
        let effects = if changed { self.mark(account).into_iter().collect() } else { Vec::new() };
        self.forget_if_gone(account);
        effects
    }

    /// A device sets its account's presence.
    pub fn set_presence(&mut self, wish: SetPresence) -> Vec<Effect> {
        let SetPresence { session, seq, presence, text } = wish;
        let Some(&account) = self.sessions.get(&session) else { return too_early(session, seq) };
        let status = OwnStatus { presence, text };
        let mut effects = self.change(account, |person| person.status = status.clone());
        let devices = self.people.get(&account).into_iter().flat_map(Person::sessions);
        let others: Vec<SessionId> = devices.filter(|other| *other != session).collect();
        if !others.is_empty() {
            effects.push(Effect::Tell(others, Box::new(FromServer::StatusChanged(status))));
        }
        effects.push(Effect::Send(session, Box::new(FromServer::Done(Done { seq }))));
        effects
    }

    /// All changes since the last gathering, each once, and who hears of it; and what is to be kept of them. `time` is in milliseconds since
    /// 1970.
    pub fn gather(&mut self, time: u64) -> (Vec<Spread>, Vec<Effect>) {
        let changed = std::mem::take(&mut self.changed);
        let (mut spreads, mut kept) = (Vec::new(), Vec::new());
        for &account in &changed {
            kept.extend(self.note_seen(account, time));
            if let Some(person) = self.people.get(&account) {
                spreads.extend(self.spreads(account, person));
            }
        }
        for account in changed {
            self.forget_if_gone(account);
        }
        (spreads, kept)
    }

    /// Friends and members of common rooms who are here, each once, however many rooms they share.
    pub(super) fn audience(&self, account: AccountId, person: &Person) -> impl Iterator<Item = (AccountId, &Person)> {
        let mates = person.rooms.iter().flat_map(|room| self.rooms.here(*room));
        let mut audience: Vec<AccountId> = person.friends.iter().copied().chain(mates).collect();
        audience.sort_unstable();
        audience.dedup();
        let others = audience.into_iter().filter(move |other| *other != account);
        others.filter_map(|other| Some((other, self.people.get(&other)?)))
    }

    /// A spread could not be passed on: it is repeated with the next gathering.
    pub fn spread_again(&mut self, account: AccountId) -> Option<Effect> {
        self.people.contains_key(&account).then(|| self.mark(account)).flatten()
    }

    /// A frame to all devices of an account.
    pub(super) fn tell(&self, account: AccountId, frame: &FromServer) -> Vec<Effect> {
        let to: Vec<SessionId> =
            self.people.get(&account).map(|person| person.sessions().collect()).unwrap_or_default();
        if to.is_empty() { Vec::new() } else { vec![Effect::Tell(to, Box::new(frame.clone()))] }
    }
}
