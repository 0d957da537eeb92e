//! The registry's decisions about the server's coming and going: what waits, what is believed of the friend list, what is told. Pure: input
//! and `now` in, events and lists of things to do out. `A` is a link's address; tests use numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hobnob_shared::id::{DeviceId, Fingerprint, Handle, TransferId};
use hobnob_shared::limits;
use hobnob_shared::message::{FriendsPage, OwnPresence, Presence};

use crate::core::errands::Errands;
use crate::core::event::{Event, LinkPath};
use crate::core::link_policy::LinkPolicy;
use crate::core::links::Links;
use crate::core::outlet::Ticket;
use crate::core::roster::{Pinned, Roster};

/// After the welcome the friend list and new friends' keys have so long; what is missing then comes later.
const ARRIVAL: Duration = Duration::from_secs(5);

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
    /// The signed statements of a friendship.
    GetFriendship(Handle),
    /// An introduction.
    Introduce(Handle),
    /// A relay circuit for a transfer.
    OpenCircuit(Handle, DeviceId, TransferId),
}

impl Ask {
    /// Kept over a broken connection: a person waits for it. The rest is asked anew when it is needed anew.
    pub fn is_kept(&self) -> bool {
        !matches!(self, Self::GetFriendship(_) | Self::Introduce(_) | Self::OpenCircuit(..))
    }
}

/// An [`Ask`] and who waits for it.
pub struct Errand {
    /// Nobody, if the core itself asks.
    pub ticket: Option<Ticket>,
    /// What.
    pub ask: Ask,
}

/// The time between the welcome and the complete friend list.
#[derive(Debug)]
pub struct Arrival {
    listed: BTreeMap<Handle, (Presence, String)>,
    complete: bool,
    awaiting: BTreeSet<Handle>,
    deadline: Instant,
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
    /// Listed with another key than the pinned one.
    pub changed: Vec<(Handle, Fingerprint)>,
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
}

impl<A> Default for State<A> {
    fn default() -> Self {
        Self {
            roster: Roster::default(),
            links: Links::default(),
            policy: LinkPolicy::default(),
            errands: Errands::default(),
            server: Server::Away,
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
        });
    }

    /// A page of the friend list.
    pub fn page(&mut self, page: FriendsPage) -> PageOutcome {
        let mut outcome = PageOutcome::default();
        let Server::Arriving(arrival) = &mut self.server else { return outcome };
        for entry in page.friends {
            match self.roster.compare(&entry.user, entry.account) {
                Pinned::Unknown => {
                    arrival.awaiting.insert(entry.user.clone());
                    outcome.unknown.push(entry.user.clone());
                }
                Pinned::Changed => outcome.changed.push((entry.user.clone(), entry.account)),
                Pinned::Same | Pinned::Stopped => {}
            }
            self.roster.server_says(&entry.user, entry.presence, &entry.text);
            arrival.listed.insert(entry.user, (entry.presence, entry.text));
        }
        arrival.complete |= page.last;
        outcome
    }

    /// The statements of a friendship came, or will not.
    pub fn settled(&mut self, user: &Handle) {
        if let Server::Arriving(arrival) = &mut self.server {
            arrival.awaiting.remove(user);
            if let Some((presence, text)) = arrival.listed.get(user) {
                self.roster.server_says(user, *presence, text);
            }
        }
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
        self.roster.handles().into_iter().filter(|user| !arrival.listed.contains_key(user)).collect()
    }

    /// The server is away: friends with a link are as they say over it, the others unknown.
    pub fn lost_server(&mut self) -> Vec<Event> {
        self.server = Server::Away;
        self.errands.connection_lost();
        self.policy.clear();
        self.roster.set_server_online(false);
        self.roster.handles().iter().filter_map(|user| self.roster.tell(user)).collect()
    }

    /// A link to a friend came, changed, or went: what is told of path and presence.
    pub fn link_changed(&mut self, user: &Handle, says: Option<(Presence, &str)>) -> Vec<Event> {
        let says = if self.links.path(user) == LinkPath::None { None } else { says };
        self.roster.link_says(user, says);
        self.links.tell(user).into_iter().chain(self.roster.tell(user)).collect()
    }

    /// Whether `user` should be linked now, eagerly, and what follows from that for the policy.
    pub fn reconsider(&mut self, me: &Handle, user: &Handle, eager: bool, now: Instant) {
        let wanted = self.is_here()
            && self.links.path(user) == LinkPath::None
            && self.roster.get(user).is_some_and(|person| person.server_says_online() && !person.is_stopped());
        let room = self.links.count_up() + self.policy.len() < limits::LINKS;
        if !wanted {
            self.policy.settle(user);
        } else if eager && room {
            self.policy.wish(user, me < user, now);
        }
    }

    /// When time alone changes something.
    pub fn next_due(&self) -> Option<Instant> {
        let arrival = match &self.server {
            Server::Arriving(arrival) if arrival.complete => Some(arrival.deadline),
            _ => None,
        };
        [self.errands.next_due(), self.policy.next_due(), arrival].into_iter().flatten().min()
    }
}
