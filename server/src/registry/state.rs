//! The registry's decisions: input and the time in, effects out. No actor, no socket, no clock of its own.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use hobnob_shared::abilities::Abilities;
use hobnob_shared::id::{DeviceId, Handle, Token};
use hobnob_shared::identity::{Chain, IdentityStatement};
use hobnob_shared::message::{
    Done, FriendEntry, FriendRequested, FriendsPage, Friendship, FromServer, OwnPresence, Presence, PresenceChanged,
    Seq, UserNamed, Welcome,
};

use super::message::{NewFriend, SetPresence};
use crate::config::Limits;
use crate::error::{Ending, Refusal};
use crate::introduction::Place;
use crate::store::{AccountId, FriendRow};
use crate::throttle::Bucket;

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

/// A device that is signed in.
pub(super) struct Online {
    pub(super) session: SessionId,
    pub(super) device: DeviceId,
    pub(super) chain: Arc<Chain>,
    pub(super) place: Place,
    pub(super) presence: OwnPresence,
    text: String,
    /// Grows with each setting of presence: of two devices alike, the one set last gives the text.
    set: u64,
    /// Sessions to which it was introduced.
    pub(super) met: HashSet<SessionId>,
}

/// Introductions that a device remembers; friends times their reconnections within one session.
const MET: usize = 4_096;

impl Online {
    pub(super) fn meet(&mut self, others: &[SessionId]) {
        if self.met.len() >= MET {
            self.met.clear();
        }
        self.met.extend(others);
    }
}

/// An account of which a device is here, or coming, or has just gone.
pub(super) struct Person {
    pub(super) user: Handle,
    list_number: u64,
    pub(super) device_list: Arc<IdentityStatement>,
    pub(super) friends: HashSet<AccountId>,
    /// Friends are known.
    loaded: bool,
    /// Grows with each change of friends or requests: a look-up that began before is repeated.
    version: u64,
    arriving: usize,
    pub(super) devices: Vec<Online>,
    pub(super) dials: Bucket,
}

impl Person {
    /// What friends see: the best of the devices, its text.
    pub(super) fn shown(&self) -> (Presence, &str) {
        let rank = |presence| match presence {
            OwnPresence::Available => 3,
            OwnPresence::Busy => 2,
            OwnPresence::Away => 1,
            OwnPresence::Invisible => 0,
        };
        let best = self.devices.iter().max_by_key(|device| (rank(device.presence), device.set));
        match best.map(|device| (device.presence.shown(), device.text.as_str())) {
            Some((presence, text)) if presence.is_online() => (presence, text),
            _ => (Presence::Offline, ""),
        }
    }
}

/// Rest of a friend list that is being sent.
struct Paging {
    friends: Vec<FriendRow>,
    next: usize,
    pending: Vec<FriendRequested>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Effect {
    /// Write a frame to a session.
    Send(SessionId, Box<FromServer>),
    /// Tell a session that it ends, and end it.
    End(SessionId, Box<FromServer>),
    /// Look up friends and requests, and come back with [`State::loaded`].
    Load { session: SessionId, account: AccountId, user: Handle, version: u64 },
    /// Come back with [`State::page`], after others had their turn.
    NextPage(SessionId),
    /// Look up whether the two are friends, and come back with [`State::explained`].
    Explain { session: SessionId, seq: Seq, account: AccountId, user: Handle },
    /// Let two connections with this token find each other at the relay.
    Grant { token: Token, between: [AccountId; 2] },
    /// Presence has changed; come back with [`State::gather`] within the gathering time.
    Gather,
}

/// A presence change, and who is to hear of it.
#[derive(Debug)]
pub struct Spread {
    /// Whose presence it is.
    pub account: AccountId,
    /// The change.
    pub frame: FromServer,
    /// Sessions of friends.
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
    paging: HashMap<SessionId, Paging>,
    /// Accounts whose presence changed since the last gathering.
    changed: BTreeSet<AccountId>,
    /// When two accounts were introduced last.
    pub(super) introduced: HashMap<(AccountId, AccountId), Instant>,
    settings: u64,
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
            changed: BTreeSet::new(),
            introduced: HashMap::new(),
            settings: 0,
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
            && self.changed.is_empty()
    }

    /// A device said hello: its friends are looked up first.
    pub fn arrive(&mut self, arrival: Box<Arrival>) -> Vec<Effect> {
        let (account, session, user) = (arrival.account, arrival.session, arrival.user.clone());
        let person = self.people.entry(account).or_insert_with(|| Person {
            user: user.clone(),
            list_number: arrival.list_number,
            device_list: Arc::clone(&arrival.device_list),
            friends: HashSet::new(),
            loaded: false,
            version: 0,
            arriving: 0,
            devices: Vec::new(),
            dials: Bucket::default(),
        });
        person.arriving += 1;
        if arrival.list_number > person.list_number {
            person.list_number = arrival.list_number;
            person.device_list = Arc::clone(&arrival.device_list);
        }
        let version = person.version;
        self.names.insert(user.clone(), account);
        self.arriving.insert(session, arrival);
        vec![Effect::Load { session, account, user, version }]
    }

    /// The look-up is done: the device is welcome, unless something changed meanwhile.
    pub fn loaded(
        &mut self,
        session: SessionId,
        version: u64,
        circle: Option<(Vec<FriendRow>, Vec<FriendRequested>)>,
        time: u64,
    ) -> Vec<Effect> {
        let Some(arrival) = self.arriving.remove(&session) else { return Vec::new() };
        let account = arrival.account;
        let Some(person) = self.people.get_mut(&account) else { return Vec::new() };
        if version != person.version {
            let again = Effect::Load { session, account, user: person.user.clone(), version: person.version };
            self.arriving.insert(session, arrival);
            return vec![again];
        }
        person.arriving -= 1;
        let Some((friends, pending)) = circle else {
            self.forget_if_gone(account);
            return vec![Effect::End(session, Box::new(Refusal::Internal.failed(None)))];
        };
        let mut effects = Vec::new();
        if !person.loaded {
            person.friends = friends.iter().map(|row| row.account).collect();
            person.loaded = true;
        }
        let before = person.shown();
        let before = (before.0, before.1.to_owned());
        let twin = person.devices.iter().position(|online| online.device == arrival.device);
        if let Some(old) = twin.map(|twin| person.devices.swap_remove(twin)) {
            self.sessions.remove(&old.session);
            self.paging.remove(&old.session);
            effects.push(Effect::End(old.session, Box::new(Ending::Replaced.signed_out())));
        } else if person.devices.len() >= self.limits.sessions_per_account as usize {
            let refusal = Refusal::TooMany("devices of this account online").failed(None);
            return vec![Effect::End(session, Box::new(refusal))];
        }
        self.settings += 1;
        let Arrival { device, chain, place, presence, text, seen, .. } = *arrival;
        let met = HashSet::new();
        person.devices.push(Online { session, device, chain, place, presence, text, set: self.settings, met });
        let changed = person.shown() != (before.0, before.1.as_str());
        let welcome = Welcome {
            user: person.user.clone(),
            software: crate::SOFTWARE.to_owned(),
            abilities: Abilities::ours(),
            seen,
            time,
            device_list: IdentityStatement::clone(&person.device_list),
        };
        effects.push(Effect::Send(session, Box::new(FromServer::Welcome(welcome))));
        self.sessions.insert(session, account);
        self.paging.insert(session, Paging { friends, next: 0, pending });
        effects.extend(self.page(session));
        if changed {
            effects.extend(self.mark(account));
        }
        effects
    }

    /// Sends the next page of the friend list, or what follows the last. Presence is that of this moment, so that a page never takes back a
    /// change that was sent before it.
    pub fn page(&mut self, session: SessionId) -> Vec<Effect> {
        let Some(mut paging) = self.paging.remove(&session) else { return Vec::new() };
        let Some(person) = self.sessions.get(&session).and_then(|id| self.people.get(id)) else { return Vec::new() };
        let rest = paging.friends.get(paging.next..).unwrap_or_default();
        let (rows, after) = rest.split_at(rest.len().min(hobnob_shared::limits::FRIENDS_PER_PAGE));
        let still = rows.iter().filter(|row| person.friends.contains(&row.account));
        let friends = still.map(|row| {
            let (presence, text) = self.presence_of(row.account);
            FriendEntry { user: row.user.clone(), account: row.key, presence, text: text.to_owned() }
        });
        let page = FriendsPage { friends: friends.collect(), last: after.is_empty() };
        let mut effects = Vec::new();
        if after.is_empty() {
            effects.push(Effect::Send(session, Box::new(FromServer::Friends(page))));
            let pending = paging.pending.drain(..);
            effects.extend(
                pending.map(|asked| Effect::Send(session, Box::new(FromServer::FriendRequested(Box::new(asked))))),
            );
        } else {
            effects.push(Effect::Send(session, Box::new(FromServer::Friends(page))));
            effects.push(Effect::NextPage(session));
            paging.next += rows.len();
            self.paging.insert(session, paging);
        }
        effects
    }

    fn presence_of(&self, account: AccountId) -> (Presence, &str) {
        self.people.get(&account).map_or((Presence::Offline, ""), Person::shown)
    }

    /// Notes that friends must hear of this account.
    fn mark(&mut self, account: AccountId) -> Option<Effect> {
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
        let effects = if changed { self.mark(account).into_iter().collect() } else { Vec::new() };
        self.forget_if_gone(account);
        effects
    }

    /// A device sets its presence.
    pub fn set_presence(&mut self, wish: SetPresence) -> Vec<Effect> {
        let Some(&account) = self.sessions.get(&wish.session) else { return too_early(wish.session, wish.seq) };
        self.settings += 1;
        let set = self.settings;
        let mut effects = self.change(account, |person| {
            if let Some(online) = person.devices.iter_mut().find(|online| online.session == wish.session) {
                online.presence = wish.presence;
                online.text = wish.text;
                online.set = set;
            }
        });
        effects.push(Effect::Send(wish.session, Box::new(FromServer::Done(Done { seq: wish.seq }))));
        effects
    }

    /// All changes since the last gathering, each once, and who hears of it.
    pub fn gather(&mut self) -> Vec<Spread> {
        let changed = std::mem::take(&mut self.changed);
        let mut spreads = Vec::new();
        for &account in &changed {
            let Some(person) = self.people.get(&account) else { continue };
            let (presence, text) = person.shown();
            let friends = person.friends.iter().filter_map(|friend| self.people.get(friend));
            let to: Vec<SessionId> = friends.flat_map(|f| f.devices.iter().map(|online| online.session)).collect();
            if !to.is_empty() {
                let change = PresenceChanged { user: person.user.clone(), presence, text: text.to_owned() };
                spreads.push(Spread { account, frame: FromServer::PresenceChanged(change), to });
            }
        }
        for account in changed {
            self.forget_if_gone(account);
        }
        spreads
    }

    /// A spread could not be passed on: it is repeated with the next gathering.
    pub fn spread_again(&mut self, account: AccountId) -> Option<Effect> {
        self.people.contains_key(&account).then(|| self.mark(account)).flatten()
    }

    fn tell(&self, account: AccountId, frame: &FromServer) -> Vec<Effect> {
        let devices = self.people.get(&account).map(|person| person.devices.as_slice()).unwrap_or_default();
        devices.iter().map(|online| Effect::Send(online.session, Box::new(frame.clone()))).collect()
    }

    /// A friend request is in the store.
    pub fn requested(&mut self, asked: AccountId, frame: Box<FriendRequested>) -> Vec<Effect> {
        if let Some(person) = self.people.get_mut(&asked) {
            person.version += 1;
        }
        self.tell(asked, &FromServer::FriendRequested(frame))
    }

    /// Two are friends now.
    pub fn befriended(
        &mut self,
        friends: &[NewFriend; 2],
        request: &hobnob_shared::identity::Statement,
        acceptance: &hobnob_shared::identity::Statement,
    ) -> Vec<Effect> {
        let [a, b] = friends;
        let mut effects = Vec::new();
        for (me, other) in [(a, b), (b, a)] {
            if let Some(person) = self.people.get_mut(&me.account) {
                person.version += 1;
                person.friends.insert(other.account);
            }
            let (presence, text) = self.presence_of(other.account);
            // The session that brought the news may have an older list than the registry.
            let known = self.people.get(&other.account).map(|person| &person.device_list);
            let frame = Friendship {
                seq: None,
                user: other.user.clone(),
                request: request.clone(),
                acceptance: acceptance.clone(),
                device_list: IdentityStatement::clone(known.unwrap_or(&other.device_list)),
                presence,
                text: text.to_owned(),
            };
            effects.extend(self.tell(me.account, &FromServer::FriendAdded(Box::new(frame))));
        }
        effects
    }

    /// Two are friends no more.
    pub fn parted(&mut self, friends: &[(AccountId, Handle); 2]) -> Vec<Effect> {
        let [a, b] = friends;
        let mut effects = Vec::new();
        for ((me, _), (other, user)) in [(a, b), (b, a)] {
            if let Some(person) = self.people.get_mut(me) {
                person.version += 1;
                person.friends.remove(other);
            }
            effects.extend(self.tell(*me, &FromServer::FriendRemoved(UserNamed { user: user.clone() })));
        }
        effects
    }

    /// A device asked for the statements of a friendship: the answer, with presence.
    pub fn friendship(&self, session: SessionId, friend: AccountId, mut frame: Box<Friendship>) -> Vec<Effect> {
        let (presence, text) = self.presence_of(friend);
        frame.presence = presence;
        text.clone_into(&mut frame.text);
        vec![Effect::Send(session, Box::new(FromServer::Friendship(frame)))]
    }

    /// An account has another device.
    pub fn devices_changed(&mut self, account: AccountId, number: u64, list: Arc<IdentityStatement>) {
        if let Some(person) = self.people.get_mut(&account).filter(|person| person.list_number < number) {
            person.list_number = number;
            person.device_list = list;
        }
    }
}
