//! The registry's decisions about the server's coming and going: what waits, what is believed of the friend list, what is told. Pure: input
//! and `now` in, events and lists of things to do out. `A` is a link's address; tests use numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, Hash, RoomId, TransferId};
use hobnob_shared::identity::Statement;
use hobnob_shared::limits;
use hobnob_shared::message::{FriendEntry, FriendsPage, FromServer, OwnPresence, Presence};

use crate::core::avatars::exchange::Avatars;
use crate::core::errands::Errands;
use crate::core::event::{Event, LinkPath};
use crate::core::history::notify::Levels;
use crate::core::link_policy::LinkPolicy;
use crate::core::links::Links;
use crate::core::outlet::Ticket;
use crate::core::replica::exchange::Exchange;
use crate::core::rooms::Rooms;
use crate::core::roster::{Pinned, Roster};
use crate::core::roster_sync::RosterSync;

/// After the welcome the friend list and new friends' keys have so long; what is missing then comes later.
const ARRIVAL: Duration = Duration::from_secs(5);

/// Of that time so much is spent on waiting for a newer sealed roster: what the server says of friends is judged by it.
const ROSTER: Duration = Duration::from_secs(3);

/// What is held back meanwhile, in frames: the longest friend list, and all requests that a server keeps. More is judged at once.
const HELD_BACK: usize = 640;

/// Longest friend list that is believed: far more than a person has, and bounded memory.
const FRIENDS: usize = 20_000;

/// Something asked of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Friend request; the key where it is known beforehand.
    AddFriend(Handle, Option<Fingerprint>),
    /// Yes to a request.
    AcceptFriend(Handle),
    /// No to a request.
    DeclineFriend(Handle),
    /// End of a friendship.
    RemoveFriend(Handle),
    /// No more requests.
    Block(Handle),
    /// Requests again.
    Unblock(Handle),
    /// Own presence.
    SetPresence(OwnPresence, String),
    /// Whether friends are told when this account was last seen.
    SetLastSeen(bool),
    /// The signed statements of a friendship.
    GetFriendship(Handle),
    /// An introduction.
    Introduce(Handle),
    /// A relay circuit for a transfer.
    OpenCircuit(Handle, DeviceId, TransferId),
    /// Membership of a room; with the stretched password.
    JoinRoom(RoomId, Option<Hash>),
    /// The end of it, signed.
    LeaveRoom(RoomId, Box<Statement>),
    /// The end of somebody else's.
    RemoveMember(RoomId, Handle),
    /// A room's password, stretched.
    SetRoomPassword(RoomId, Option<Hash>),
    /// The sealed roster.
    GetRoster,
    /// The next part of ours.
    PutRoster,
}

impl Ask {
    /// Kept over a broken connection: a person waits for it. The rest is asked anew when it is needed anew.
    pub fn is_kept(&self) -> bool {
        !matches!(
            self,
            Self::GetFriendship(_) | Self::Introduce(_) | Self::OpenCircuit(..) | Self::GetRoster | Self::PutRoster
        )
    }
}

/// An [`Ask`] and who waits for it.
pub struct Errand {
    /// Nobody, if the core itself asks.
    pub ticket: Option<Ticket>,
    /// What.
    pub ask: Ask,
}

/// What the friend list says of somebody.
#[derive(Debug)]
struct Listed {
    key: Fingerprint,
    presence: Presence,
    text: String,
    last_seen: Option<u64>,
}

/// The time between the welcome and the complete friend list.
#[derive(Debug)]
pub struct Arrival {
    listed: BTreeMap<Handle, Listed>,
    complete: bool,
    awaiting: BTreeSet<Handle>,
    deadline: Instant,
    /// Until when what the server says of friends is held back, because a newer sealed roster is on its way.
    held_until: Option<Instant>,
    held: Vec<FromServer>,
}

/// Where the server is.
#[derive(Debug, Default)]
pub enum Server {
    /// Not connected.
    #[default]
    Away,
    /// Welcomed; the friend list is coming.
    Arriving(Arrival),
    /// Signed in and told.
    Here,
}

/// What a page of the friend list calls for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageOutcome {
    /// Not pinned yet: get and verify the statements.
    pub unknown: Vec<Handle>,
    /// Of those, who is remembered with another key than they are listed with.
    pub contradicted: Vec<Handle>,
    /// Listed with another key than the pinned one.
    pub changed: Vec<(Handle, Fingerprint)>,
    /// Stopped because of another key, and listed with the pinned one again.
    pub restored: Vec<Handle>,
}

/// See the module.
pub struct State<A> {
    /// Friends and requests.
    pub roster: Roster,
    /// Live links.
    pub links: Links<A>,
    /// Links that should be.
    pub policy: LinkPolicy,
    /// What the server owes.
    pub errands: Errands<Errand>,
    /// Where it is.
    pub server: Server,
    /// Copies of logs, here and at others.
    pub exchange: Exchange,
    /// Rooms of this account.
    pub rooms: Rooms,
    /// Whom this account blocks.
    pub blocked: BTreeSet<Handle>,
    /// Which pictures people show themselves with.
    pub avatars: Avatars,
    /// What this account's devices know together.
    pub contacts: RosterSync,
    /// Conversations of which not everything is told by notifications.
    pub notify: Levels,
}

impl<A> Default for State<A> {
    fn default() -> Self {
        Self {
            roster: Roster::default(),
            links: Links::default(),
            policy: LinkPolicy::default(),
            errands: Errands::default(),
            server: Server::Away,
            exchange: Exchange::new(DeviceId([0; 32])),
            rooms: Rooms::default(),
            blocked: BTreeSet::new(),
            avatars: Avatars::default(),
            contacts: RosterSync::default(),
            notify: Levels::new(),
        }
    }
}

impl<A: Clone> State<A> {
    /// Signed in, told, and answering.
    pub fn is_here(&self) -> bool {
        matches!(self.server, Server::Here)
    }

    /// The server welcomed us; its list is coming.
    pub fn welcomed(&mut self, now: Instant) {
        self.roster.forget_requests();
        self.server = Server::Arriving(Arrival {
            listed: BTreeMap::new(),
            complete: false,
            awaiting: BTreeSet::new(),
            deadline: now + ARRIVAL,
            held_until: None,
            held: Vec::new(),
        });
    }

    /// A newer sealed roster is on its way: what the server says of friends waits for it, though not for ever.
    pub fn await_roster(&mut self, now: Instant) {
        if let Server::Arriving(arrival) = &mut self.server {
            arrival.held_until = Some(now + ROSTER);
        }
    }

    /// Holds a frame back that is to be judged by the sealed roster; gives it back if it need not wait.
    pub fn hold(&mut self, frame: FromServer) -> Option<FromServer> {
        let Server::Arriving(arrival) = &mut self.server else { return Some(frame) };
        let about_people = matches!(
            frame,
            FromServer::Friends(_)
                | FromServer::FriendRequested(_)
                | FromServer::FriendAdded(_)
                | FromServer::FriendRemoved(_)
                | FromServer::PresenceChanged(_)
        );
        if !about_people || arrival.held_until.is_none() || arrival.held.len() >= HELD_BACK {
            return Some(frame);
        }
        arrival.held.push(frame);
        None
    }

    /// The sealed roster is here, or will not come: what was held back, in order.
    pub fn release(&mut self) -> Vec<FromServer> {
        let Server::Arriving(arrival) = &mut self.server else { return Vec::new() };
        arrival.held_until = None;
        std::mem::take(&mut arrival.held)
    }

    /// The sealed roster has not come in time.
    pub fn is_roster_late(&self, now: Instant) -> bool {
        matches!(&self.server, Server::Arriving(arrival) if arrival.held_until.is_some_and(|until| until <= now))
    }

    /// A page of the friend list.
    pub fn page(&mut self, page: FriendsPage) -> PageOutcome {
        let mut outcome = PageOutcome::default();
        let Server::Arriving(arrival) = &mut self.server else { return outcome };
        for entry in page.friends {
            if arrival.listed.len() >= FRIENDS {
                tracing::warn!("the friend list is longer than anybody's");
                break;
            }
            match self.roster.compare(&entry.user, entry.account) {
                Pinned::Unknown => {
                    if self.roster.had_another_key(&entry.user, entry.account) {
                        outcome.contradicted.push(entry.user.clone());
                    }
                    arrival.awaiting.insert(entry.user.clone());
                    outcome.unknown.push(entry.user.clone());
                }
                Pinned::Changed => outcome.changed.push((entry.user.clone(), entry.account)),
                Pinned::Stopped => {
                    let pin = self.roster.get(&entry.user).map(|person| &person.pin);
                    if pin.is_some_and(|pin| pin.account == entry.account && pin.changed_key != Some(entry.account)) {
                        outcome.restored.push(entry.user.clone());
                    }
                }
                Pinned::Same => {}
            }
            let FriendEntry { user, account: key, presence, text, last_seen } = entry;
            self.roster.server_says(&user, presence, &text);
            self.roster.server_saw(&user, last_seen);
            arrival.listed.insert(user, Listed { key, presence, text, last_seen });
        }
        arrival.complete |= page.last;
        outcome
    }

    /// The statements of a friendship came, or will not.
    pub fn settled(&mut self, user: &Handle) {
        if let Server::Arriving(arrival) = &mut self.server {
            arrival.awaiting.remove(user);
            if let Some(Listed { presence, text, last_seen, .. }) = arrival.listed.get(user) {
                self.roster.server_says(user, *presence, text);
                self.roster.server_saw(user, *last_seen);
            }
        }
    }

    /// The key under which the friend list has `user`, if that is another one than is pinned.
    pub fn listed_otherwise(&self, user: &Handle) -> Option<Fingerprint> {
        let Server::Arriving(arrival) = &self.server else { return None };
        let listed = arrival.listed.get(user)?.key;
        (self.roster.compare(user, listed) == Pinned::Changed).then_some(listed)
    }

    /// Whether everything came that signing in waits for.
    pub fn has_arrived(&self, now: Instant) -> bool {
        match &self.server {
            Server::Arriving(arrival) => arrival.complete && (arrival.awaiting.is_empty() || now >= arrival.deadline),
            Server::Away | Server::Here => false,
        }
    }

    /// The friend list is complete: from now on the server's word on presence counts. Gives the friends whom it does not list any more.
    pub fn arrive(&mut self) -> Vec<Handle> {
        let Server::Arriving(arrival) = std::mem::replace(&mut self.server, Server::Here) else { return Vec::new() };
        self.roster.set_server_online(true);
        self.rooms.set_server_online(true);
        self.roster.handles().into_iter().filter(|user| !arrival.listed.contains_key(user)).collect()
    }

    /// The server is away: friends with a link are as they say over it, the others unknown.
    pub fn lost_server(&mut self) -> Vec<Event> {
        self.server = Server::Away;
        self.errands.connection_lost();
        self.contacts.lost();
        self.policy.clear();
        self.roster.set_server_online(false);
        self.rooms.set_server_online(false);
        self.roster.handles().iter().filter_map(|user| self.roster.tell(user)).collect()
    }

    /// A link to a friend came, changed, or went: what is told of path and presence.
    pub fn link_changed(&mut self, user: &Handle, says: Option<(Presence, &str)>) -> Vec<Event> {
        let says = if self.links.path(user) == LinkPath::None { None } else { says };
        self.roster.link_says(user, says);
        self.rooms.link_says(user, says);
        self.links.tell(user).into_iter().chain(self.roster.tell(user)).collect()
    }

    /// The server says that this friend, or member of a common room, is there.
    fn is_there(&self, user: &Handle) -> bool {
        match self.roster.get(user) {
            Some(person) => person.server_says_online() && !person.is_stopped(),
            None => self.rooms.account(user).is_some() && self.rooms.server_says_online(user),
        }
    }

    /// Whether `user` should be linked now, eagerly, and what follows from that for the policy.
    pub fn reconsider(&mut self, me: &Handle, user: &Handle, eager: bool, now: Instant) {
        let path = self.links.path(user);
        let wanted = self.is_here() && path != LinkPath::Direct && (me == user || self.is_there(user));
        let room = self.links.count_up() + self.policy.len() < limits::LINKS;
        if !wanted {
            self.policy.settle(user);
        } else if path == LinkPath::Relayed {
            self.policy.wish_direct(user, now);
        } else if eager && room {
            self.policy.wish(user, me <= user, now);
        }
    }

    /// When time alone changes something.
    pub fn next_due(&self) -> Option<Instant> {
        let arrival = match &self.server {
            Server::Arriving(arrival) if arrival.held_until.is_some() => arrival.held_until,
            Server::Arriving(arrival) if arrival.complete => Some(arrival.deadline),
            _ => None,
        };
        let parts =
            [self.errands.next_due(), self.policy.next_due(), self.exchange.next_due(), self.contacts.next_due()];
        parts.into_iter().chain([arrival, self.avatars.next_due()]).flatten().min()
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
